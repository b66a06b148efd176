//! What is to be done in every situation of a payment, and stories of payments from their first to their last step.

use super::next_action::{DISPUTE_PAUSE, PROCESSING_PAUSE};
use super::*;
use crate::payments::ledger::Account;
use crate::scheduling::occupancy::tests::{appointment, at};

mod examples;
mod gateway;
mod platform;
mod stories;
mod table;
mod world;

/// A payment of 50 euros that was just asked for, 10 % of it for the platform.
fn payment() -> Payment {
    let (id, price) = (appointment(1).id, appointment(1).price);
    Payment::agreed(id, price, Rate::TEN_PERCENT, (GatewayKind::Stripe, "acct_1".to_owned()), Plan::Charge)
}
