//! The ledger: all movements of money, in double entry, based on the objects that the payment gateways report.
//!
//! A [`Movement`] takes an amount from one account and adds it to another, so every entry balances. Movements are
//! never changed or deleted. Balances are sums over movements and are not stored.

use std::collections::BTreeMap;

use crate::payments::gateway::GatewayKind;
use crate::{AppointmentId, Currency, ExpertId, Money, Timestamp};

/// An account of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// The client's money outside the gateway. A negative balance is what the client has paid.
    Client,
    /// The client's money that their bank has reserved for a payment.
    Authorized,
    /// The platform's balance at the gateway, and what the gateway holds until the platform has it released to the expert.
    Platform,
    /// The expert's balance at the gateway.
    Expert,
    /// The fees that the gateway has charged.
    Gateway,
    /// The expert's bank account.
    ExpertBank,
    /// What clients have paid for the processing of their refunds. It is the platform's, which has paid the gateway's fee, and a part of
    /// its balance at the gateway.
    ProcessingCosts,
}

impl Account {
    /// All accounts.
    pub const ALL: [Self; 7] = [
        Self::Client,
        Self::Authorized,
        Self::Platform,
        Self::Expert,
        Self::Gateway,
        Self::ExpertBank,
        Self::ProcessingCosts,
    ];
}

/// The kind of a movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MovementKind {
    /// The client's bank reserved the amount.
    Authorized,
    /// The client's bank released an authorized amount that was not captured.
    Released,
    /// The client paid.
    Captured,
    /// The gateway charged its fee for a payment.
    ProcessingFee,
    /// The expert's share, before the platform's fee, was transferred to the expert.
    Transfer,
    /// The platform's fee.
    Fee,
    /// Money was refunded to the client.
    Refund,
    /// A refund came back, because the client's bank rejected it.
    RefundFailed,
    /// The expert returned their share of a refund or a dispute.
    Reversal,
    /// The platform returned its fee on a refund or a dispute.
    FeeRefund,
    /// The client's bank withdrew a disputed payment.
    Dispute,
    /// The gateway charged its fee for a dispute.
    DisputeFee,
    /// The bank decided the dispute for the expert and returned the amount.
    DisputeWon,
    /// Money was paid out to the expert's bank.
    Payout,
    /// A payout came back from the expert's bank.
    PayoutFailed,
    /// An administrator resolved a failed refund outside the gateway.
    ResolvedManually,
    /// The platform keeps a part of what the client paid, because the client pays for the processing of their refund.
    ProcessingCost,
}

impl MovementKind {
    /// Returns whether the gateway has an object for such a movement. Otherwise only the ledger has it: a settlement outside the
    /// gateway, or an amount that stays where it is.
    pub fn is_at_gateway(self) -> bool {
        !matches!(self, Self::ResolvedManually | Self::ProcessingCost)
    }
}

/// An amount that moved from one account to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// What moved the amount.
    pub kind: MovementKind,
    /// The amount.
    pub amount: Money,
    /// The account that the amount was taken from.
    pub from: Account,
    /// The account that the amount was added to.
    pub to: Account,
    /// The gateway's object that represents the movement, such as `ch_…` or `re_…`. It is unique together with the
    /// kind.
    pub object: String,
    /// The idempotency key of our request; absent if the gateway or a person there initiated the movement.
    pub idempotency_key: Option<String>,
    /// When the movement happened at the gateway.
    pub at: Timestamp,
}

impl Movement {
    /// Creates a movement between the usual accounts of its kind.
    ///
    /// A captured amount comes from the client; if it was authorized before, change that with [`with_source`](Self::with_source).
    pub fn new(
        kind: MovementKind,
        amount: Money,
        object: impl Into<String>,
        at: Timestamp,
        idempotency_key: Option<String>,
    ) -> Self {
        use Account::{Authorized, Client, Expert, ExpertBank, Gateway, Platform, ProcessingCosts};
        let (from, to) = match kind {
            MovementKind::Authorized => (Client, Authorized),
            MovementKind::Released => (Authorized, Client),
            MovementKind::Captured | MovementKind::DisputeWon | MovementKind::RefundFailed => {
                (Client, Platform)
            }
            MovementKind::ProcessingFee | MovementKind::DisputeFee => (Platform, Gateway),
            MovementKind::Transfer | MovementKind::FeeRefund => (Platform, Expert),
            MovementKind::Fee | MovementKind::Reversal => (Expert, Platform),
            MovementKind::Refund | MovementKind::Dispute | MovementKind::ResolvedManually => {
                (Platform, Client)
            }
            MovementKind::ProcessingCost => (Platform, ProcessingCosts),
            MovementKind::Payout => (Expert, ExpertBank),
            MovementKind::PayoutFailed => (ExpertBank, Expert),
        };
        Self { kind, amount, from, to, object: object.into(), idempotency_key, at }
    }

    /// Returns the movement with another source account.
    #[must_use]
    pub fn with_source(self, from: Account) -> Self {
        Self { from, ..self }
    }

    /// Returns whether both movements represent the same event at the gateway.
    pub fn is_same_event(&self, other: &Self) -> bool {
        self.kind == other.kind && self.object == other.object
    }
}

/// Movements that were recorded together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The appointment whose payment moved; `None` for payouts.
    pub appointment: Option<AppointmentId>,
    /// The expert.
    pub expert: ExpertId,
    /// The gateway.
    pub gateway: GatewayKind,
    /// The position among the entries of the same payment, starting at 1; 0 for payouts.
    pub number: u32,
    /// When the entry was recorded.
    pub at: Timestamp,
    /// The movements.
    pub movements: Vec<Movement>,
}

/// Returns the movements of `seen` that are not in `known`, without duplicates and in the given order.
pub fn new_movements<'a>(known: &[Movement], seen: &'a [Movement]) -> Vec<&'a Movement> {
    let mut new_movements: Vec<&Movement> = Vec::new();
    for movement in seen {
        if !known.iter().chain(new_movements.iter().copied()).any(|other| other.is_same_event(movement)) {
            new_movements.push(movement);
        }
    }
    new_movements
}

/// Balances by account and currency code, in minor units. A balance is negative if more was taken from the account
/// than added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Balances(BTreeMap<(Account, &'static str), i128>);

impl Balances {
    /// Computes the balances of the given movements.
    pub fn of<'a>(movements: impl IntoIterator<Item = &'a Movement>) -> Self {
        let mut balances = BTreeMap::new();
        for Movement { amount, from, to, .. } in movements {
            let code = amount.currency().code();
            *balances.entry((*from, code)).or_default() -= i128::from(amount.amount());
            *balances.entry((*to, code)).or_default() += i128::from(amount.amount());
        }
        Self(balances)
    }

    /// Returns the balance of an account in a currency.
    pub fn get(&self, account: Account, currency: Currency) -> i128 {
        self.0.get(&(account, currency.code())).copied().unwrap_or(0)
    }

    /// Returns all balances, ordered by account and currency code.
    pub fn iter(&self) -> impl Iterator<Item = (Account, &'static str, i128)> + '_ {
        self.0.iter().map(|((account, code), amount)| (*account, *code, *amount))
    }
}

/// The totals of one payment's movements, in minor units of its currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Authorized, and neither captured nor released.
    pub authorized: u64,
    /// Paid by the client.
    pub captured: u64,
    /// Refunded to the client, without refunds that failed.
    pub refunded: u64,
    /// Withdrawn by the client's bank and not returned.
    pub disputed: u64,
    /// Returned by the bank after a dispute.
    pub dispute_won: u64,
    /// Transferred to the expert, before fees and reversals.
    pub transferred: u64,
    /// Taken back from the expert.
    pub reversed: u64,
    /// The platform's fee, before fee refunds.
    pub fee: u64,
    /// The part of the fee that was returned to the expert.
    pub fee_refunded: u64,
    /// The number of refunds that the client's bank rejected.
    pub failed_refunds: u16,
}

impl Totals {
    /// Computes the totals of one payment's movements, in any order.
    pub fn of<'a>(movements: impl IntoIterator<Item = &'a Movement>) -> Self {
        let mut totals = Self::default();
        // Subtracted at the end, because the movements can be in any order.
        let (mut no_longer_authorized, mut failed_refunds) = (0_u64, 0_u64);
        for movement in movements {
            let amount = movement.amount.amount();
            match movement.kind {
                MovementKind::Authorized => totals.authorized += amount,
                MovementKind::Released => no_longer_authorized += amount,
                MovementKind::Captured => {
                    totals.captured += amount;
                    if movement.from == Account::Authorized {
                        no_longer_authorized += amount;
                    }
                }
                MovementKind::Refund | MovementKind::ResolvedManually => totals.refunded += amount,
                MovementKind::RefundFailed => {
                    failed_refunds += amount;
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
                | MovementKind::PayoutFailed
                | MovementKind::ProcessingCost => {}
            }
        }
        totals.authorized = totals.authorized.saturating_sub(no_longer_authorized);
        totals.refunded = totals.refunded.saturating_sub(failed_refunds);
        totals.disputed = totals.disputed.saturating_sub(totals.dispute_won);
        totals
    }

    /// Returns what the client has paid and not got back.
    pub fn net_paid(&self) -> u64 {
        self.captured.saturating_sub(self.refunded).saturating_sub(self.disputed)
    }

    /// Returns what the client has paid and not got back, where the amounts that the bank has withdrawn count as paid as long as a dispute
    /// is open: they come back if it is won. One that was lost before is among them.
    pub fn net_paid_if_won(&self, open_dispute: bool) -> u64 {
        if open_dispute { self.captured.saturating_sub(self.refunded) } else { self.net_paid() }
    }

    /// Returns what the expert has received after fees.
    pub fn expert_balance(&self) -> u64 {
        (self.transferred + self.fee_refunded).saturating_sub(self.reversed + self.fee)
    }
}

#[cfg(test)]
pub(crate) mod tests;
