//! The simulated Stripe, as its callers meet it: over HTTP on this machine, with a clock that the tests move.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on should say where, and the helpers are part of the tests"
)]

mod accounts;
mod faults;
mod harness;
mod idempotency;
mod intents;
mod money;
mod pages;
mod restart;
mod shapes;
mod webhooks;
