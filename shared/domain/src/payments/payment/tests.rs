//! The next action in every situation of a payment, and simulated payments from the first to the last action.

use super::next_action::{DISPUTE_PAUSE, PROCESSING_PAUSE};
use super::*;
use crate::payments::debt::Debt;
use crate::payments::ledger::Account;
use crate::scheduling::occupancy::tests::{appointment, at};

mod examples;
mod gateway;
mod platform;
mod stories;
mod table;
mod world;

/// A newly agreed payment of 50 euros with a fee of 10 %.
fn payment() -> Payment {
    let (id, price) = (appointment(1).id, appointment(1).price);
    Payment::agreed(
        id,
        price,
        Rate::DEFAULT_COMMISSION,
        (GatewayKind::Stripe, "acct_1".to_owned()),
        PayoutTiming::AtPayment,
        Plan::Charge,
    )
}
