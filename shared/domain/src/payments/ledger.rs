//! The ledger: what moved between whom, in double entry, as the payment gateway's own objects say.
//!
//! A [`Movement`] takes an amount from one account to another, so whatever is written balances by construction. Nothing is
//! ever changed or removed; balances are sums over movements and are stored nowhere.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::payments::gateway::GatewayKind;
use crate::{AppointmentId, Currency, ExpertId, Money, Timestamp};

/// AppointmentsOf money it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// The client's, outside. What stands here below zero was paid.
    Client,
    /// The client's still, set aside by their bank.
    Authorised,
    /// The platform's, at the gateway.
    Platform,
    /// The expert's, at the gateway.
    Expert,
    /// What the gateway took for its services.
    Gateway,
    /// The expert's, at their bank.
    Bank,
}

impl Account {
    /// Every account.
    pub const ALL: [Self; 6] =
        [Self::Client, Self::Authorised, Self::Platform, Self::Expert, Self::Gateway, Self::Bank];
}

/// What kind of event at the gateway moved money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// The client's bank set the amount aside.
    Authorised,
    /// It let go of what was set aside and not taken.
    Released,
    /// The client paid.
    Captured,
    /// The gateway took its price for a charge.
    ProcessingFee,
    /// The expert's part, before the platform's fee, went to the expert.
    Transfer,
    /// The platform's fee.
    Fee,
    /// Money went back to the client.
    Refund,
    /// It came back, because the client's bank did not take it.
    RefundFailed,
    /// The expert's part of a refund or of a dispute.
    Reversal,
    /// The platform's fee of it.
    FeeRefund,
    /// The client's bank took a payment back for now.
    Dispute,
    /// What the gateway takes for a dispute.
    DisputeFee,
    /// The bank decided for the expert and gave it back.
    DisputeWon,
    /// To the expert's bank.
    Payout,
    /// It came back from there.
    PayoutFailed,
    /// A person settled a failed refund outside the gateway.
    ResolvedManually,
}

/// An amount that moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Movement {
    /// Why.
    pub kind: MovementKind,
    /// How much.
    pub amount: Money,
    /// AppointmentsOf it was.
    pub from: Account,
    /// AppointmentsOf it is.
    pub to: Account,
    /// The gateway's object that shows it, such as `ch_…` or `re_…`. With the kind it is unique.
    pub object: String,
    /// The idempotency key that we sent for it; none when the gateway or a person there did it by themselves.
    pub idempotency_key: Option<String>,
    /// When the gateway did it.
    pub at: Timestamp,
}

impl Movement {
    /// A movement between the accounts that its kind is always between. What is captured comes from the client; what was set
    /// aside before comes [`from`](Self::from) there.
    pub fn new(
        kind: MovementKind,
        amount: Money,
        object: impl Into<String>,
        at: Timestamp,
        idempotency_key: Option<String>,
    ) -> Self {
        use Account::{Authorised, Bank, Client, Expert, Gateway, Platform};
        let (from, to) = match kind {
            MovementKind::Authorised => (Client, Authorised),
            MovementKind::Released => (Authorised, Client),
            MovementKind::Captured | MovementKind::DisputeWon | MovementKind::RefundFailed => {
                (Client, Platform)
            }
            MovementKind::ProcessingFee | MovementKind::DisputeFee => (Platform, Gateway),
            MovementKind::Transfer | MovementKind::FeeRefund => (Platform, Expert),
            MovementKind::Fee | MovementKind::Reversal => (Expert, Platform),
            MovementKind::Refund | MovementKind::Dispute | MovementKind::ResolvedManually => {
                (Platform, Client)
            }
            MovementKind::Payout => (Expert, Bank),
            MovementKind::PayoutFailed => (Bank, Expert),
        };
        Self { kind, amount, from, to, object: object.into(), idempotency_key, at }
    }

    /// The same out of another account.
    #[must_use]
    pub fn from(self, from: Account) -> Self {
        Self { from, ..self }
    }

    /// Whether the two are the same event at the gateway.
    pub fn is(&self, other: &Self) -> bool {
        self.kind == other.kind && self.object == other.object
    }
}

/// Movements that were written down together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Of which payment; none for payouts.
    pub appointment: Option<AppointmentId>,
    /// AppointmentsOf.
    pub expert: ExpertId,
    /// Who moved it.
    pub gateway: GatewayKind,
    /// Its place among the entries of the same payment, from 1; for payouts 0.
    pub number: u32,
    /// When it was written down.
    pub at: Timestamp,
    /// What moved.
    pub movements: Vec<Movement>,
}

/// Those of `seen` that are not among `known`, each once, in the order in which they are seen.
pub fn new_movements<'a>(known: &[Movement], seen: &'a [Movement]) -> Vec<&'a Movement> {
    let mut new_movements: Vec<&Movement> = Vec::new();
    for one in seen {
        if !known.iter().chain(new_movements.iter().copied()).any(|other| other.is(one)) {
            new_movements.push(one);
        }
    }
    new_movements
}

/// Balances by account and currency, in minor units; negative for who gave more than they got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Balances(BTreeMap<(Account, &'static str), i128>);

impl Balances {
    /// The balances that movements come to.
    pub fn of<'a>(movements: impl IntoIterator<Item = &'a Movement>) -> Self {
        let mut balances = BTreeMap::new();
        for Movement { amount, from, to, .. } in movements {
            let code = amount.currency().code();
            *balances.entry((*from, code)).or_default() -= i128::from(amount.amount());
            *balances.entry((*to, code)).or_default() += i128::from(amount.amount());
        }
        Self(balances)
    }

    /// One account's.
    pub fn get(&self, account: Account, currency: Currency) -> i128 {
        self.0.get(&(account, currency.code())).copied().unwrap_or(0)
    }

    /// All, by account and currency code.
    pub fn iter(&self) -> impl Iterator<Item = (Account, &'static str, i128)> + '_ {
        self.0.iter().map(|((account, code), amount)| (*account, *code, *amount))
    }
}

/// What the movements of one payment come to, in minor units of its currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Set aside and neither taken nor let go.
    pub authorised: u64,
    /// Paid by the client.
    pub captured: u64,
    /// Back to the client, without what their bank did not take.
    pub refunded: u64,
    /// Taken back by the client's bank and not returned.
    pub disputed: u64,
    /// Returned by the bank after it had been taken back.
    pub dispute_won: u64,
    /// To the expert, before the fee and what was taken back of it.
    pub transferred: u64,
    /// Taken back from the expert.
    pub reversed: u64,
    /// The platform's fee, before what went back of it.
    pub fee: u64,
    /// Of the fee, back to the expert.
    pub fee_refunded: u64,
    /// How many refunds the client's bank did not take.
    pub failed_refunds: u16,
}

impl Totals {
    /// The totals of one payment's movements, in whatever order they were seen.
    pub fn of<'a>(movements: impl IntoIterator<Item = &'a Movement>) -> Self {
        let mut totals = Self::default();
        // Taken off in the end, because what takes it off may have been seen first.
        let (mut no_longer_aside, mut not_refunded) = (0_u64, 0_u64);
        for movement in movements {
            let amount = movement.amount.amount();
            match movement.kind {
                MovementKind::Authorised => totals.authorised += amount,
                MovementKind::Released => no_longer_aside += amount,
                MovementKind::Captured => {
                    totals.captured += amount;
                    if movement.from == Account::Authorised {
                        no_longer_aside += amount;
                    }
                }
                MovementKind::Refund | MovementKind::ResolvedManually => totals.refunded += amount,
                MovementKind::RefundFailed => {
                    not_refunded += amount;
                    totals.failed_refunds = totals.failed_refunds.saturating_add(1);
                }
                MovementKind::Dispute => totals.disputed += amount,
                MovementKind::DisputeWon => totals.dispute_won += amount,
                MovementKind::Transfer => totals.transferred += amount,
                MovementKind::Reversal => totals.reversed += amount,
                MovementKind::Fee => totals.fee += amount,
                MovementKind::FeeRefund => totals.fee_refunded += amount,
                MovementKind::ProcessingFee
                | MovementKind::DisputeFee
                | MovementKind::Payout
                | MovementKind::PayoutFailed => {}
            }
        }
        totals.authorised = totals.authorised.saturating_sub(no_longer_aside);
        totals.refunded = totals.refunded.saturating_sub(not_refunded);
        totals.disputed = totals.disputed.saturating_sub(totals.dispute_won);
        totals
    }

    /// What the client has paid and did not get back.
    pub fn held(&self) -> u64 {
        self.captured.saturating_sub(self.refunded).saturating_sub(self.disputed)
    }

    /// What the expert has of it, the fee taken off.
    pub fn with_expert(&self) -> u64 {
        (self.transferred + self.fee_refunded).saturating_sub(self.reversed + self.fee)
    }
}

#[cfg(test)]
pub(crate) mod tests;
