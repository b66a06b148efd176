//! The simulated Stripe, as its callers meet it: over HTTP on this machine, with a clock that the tests move.

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
