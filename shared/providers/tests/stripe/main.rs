//! Tests the Stripe ports against the Stripe simulator, which keeps state: each order has one effect, and the movements in the
//! snapshots agree with the simulator's balances.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should say where, and the helpers are part of the tests"
)]

mod accounts;
mod charges;
mod disputes;
mod faults;
mod fixture;
mod payouts;
mod saved_cards;
mod tax;
mod webhooks;
