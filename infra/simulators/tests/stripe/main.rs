//! The simulated Stripe, as its callers meet it: over HTTP on this machine, with a clock that the tests move.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on should say where, and the helpers are part of the tests"
)]

mod accounts;
mod books;
mod currencies;
mod description;
mod disputes;
mod faults;
mod harness;
mod idempotency;
mod intents;
mod money;
mod off_session;
mod pages;
mod payouts;
mod property;
mod refunds;
mod restart;
mod setups;
mod shapes;
mod tax;
mod transfers;
mod webhooks;
