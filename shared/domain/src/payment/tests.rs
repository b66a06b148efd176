//! What is to be done in every situation of a payment, and stories of payments from their first to their last step.

use super::*;
use crate::day_ledger::tests::{appointment, at};
use crate::ledger::Account;

mod examples;
mod gateway;
mod platform;
mod stories;
mod table;
mod world;

/// A payment of 50 euros that was just asked for, 10 % of it for the platform.
fn payment() -> Payment {
    Payment {
        appointment: appointment(1).id,
        version: 1,
        gateway: Gateway::Stripe,
        amount: appointment(1).price,
        fee_rate: Rate::TEN_PERCENT,
        destination: "acct_1".to_owned(),
        plan: Plan::Charge,
        references: References::default(),
        intents: 1,
        kept: None,
        action_deadline: None,
        refund_tries: 1,
        open_dispute: false,
        entries: 0,
        decline: None,
        state: PaymentState::Open,
    }
}
