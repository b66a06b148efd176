//! The simulated PayPal, as its callers meet it: over HTTP on this machine, with a clock that the tests move.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on should say where, and the helpers are part of the tests"
)]

mod access;
mod authorizations;
mod disputes;
mod faults;
mod harness;
mod idempotency;
mod money;
mod orders;
mod pages;
mod payouts;
mod refunds;
mod restart;
mod sellers;
mod shapes;
mod webhooks;
