//! The Stripe adapter against a Stripe that remembers what it did: each thing is done once, and what is seen of it comes to what
//! really moved.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should say where, and the helpers are part of the tests"
)]

mod accounts;
mod charges;
mod disputes;
mod faults;
mod saved_cards;
mod tax;
mod webhooks;
mod world;
