//! What refunds cost the platform in a month, and the budgets for it.
//!
//! Gateways keep their fee when a payment is refunded. What the fee exceeds the remaining commission by is the *cost* of the refund. The
//! platform bears it within monthly budgets. Costs in different currencies are added as multiples of the smallest price of their
//! currency, which is worth about the same everywhere.

use crate::kernel::time::Month;
use crate::{Currency, Money, Timestamp};

/// The parts into which the smallest price of a currency is divided to add costs.
const PARTS: u64 = 1_000;

/// What refunds may cost the platform in a UTC month, as multiples of the smallest price of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundBudgets {
    /// For the cancellations of one client. Beyond it, the client bears the cost.
    pub per_client: u16,
    /// For the cancellations of all clients of one expert; beyond it, they bear the cost. And for the refunds that the expert causes;
    /// beyond it, sessions of the expert with a price cannot be booked.
    pub per_expert: u16,
}

impl Default for RefundBudgets {
    /// 21 euros for a client, and 105 euros for an expert.
    fn default() -> Self {
        Self { per_client: 7, per_expert: 35 }
    }
}

impl RefundBudgets {
    /// Budgets that nobody uses up.
    pub const fn unlimited() -> Self {
        Self { per_client: u16::MAX, per_expert: u16::MAX }
    }
}

/// What the refunds of one client, or of one expert, have cost the platform in a UTC month, in thousandths of the smallest price of
/// a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundCosts {
    /// The version, incremented with each change.
    pub version: u64,
    /// The cost of refunds that clients caused by cancelling.
    pub by_clients: u64,
    /// The cost of refunds that the expert caused. It is zero for a client.
    pub by_expert: u64,
}

/// Who caused a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The client, by cancelling.
    Client,
    /// The expert, by cancelling, by not attending, or by refunding.
    Expert,
}

impl RefundCosts {
    /// Nothing was refunded yet.
    pub const fn none() -> Self {
        Self { version: 0, by_clients: 0, by_expert: 0 }
    }

    /// Returns whether a further cost of this cause stays within a budget.
    pub fn allows(&self, cost: Money, cause: Cause, budget: u16) -> bool {
        let used = parts(cost).and_then(|parts| self.of(cause).checked_add(parts));
        used.is_some_and(|used| used <= whole(budget))
    }

    /// Returns the next version, with a further cost.
    #[must_use]
    pub fn with(&self, cost: Money, cause: Cause) -> Self {
        let mut costs = Self { version: self.version + 1, ..self.clone() };
        let parts = parts(cost).unwrap_or(u64::MAX);
        match cause {
            Cause::Client => costs.by_clients = costs.by_clients.saturating_add(parts),
            Cause::Expert => costs.by_expert = costs.by_expert.saturating_add(parts),
        }
        costs
    }

    /// Returns when sessions of the expert with a price can be booked again, if they cannot: these costs of a month use up the
    /// budget.
    pub fn paused_until(&self, budget: u16, month: Month) -> Option<Timestamp> {
        (self.by_expert >= whole(budget)).then(|| month.end())
    }

    /// Returns the costs of this cause in euros, converted with the smallest prices of the currencies and rounded.
    pub fn in_euros(&self, cause: Cause) -> Money {
        let smallest = Currency::EUR.smallest_price().unwrap_or(0);
        let amount = self.of(cause).saturating_mul(smallest).saturating_add(PARTS / 2) / PARTS;
        Money::saturating(amount, Currency::EUR)
    }

    fn of(&self, cause: Cause) -> u64 {
        match cause {
            Cause::Client => self.by_clients,
            Cause::Expert => self.by_expert,
        }
    }
}

/// A budget in parts.
fn whole(budget: u16) -> u64 {
    u64::from(budget) * PARTS
}

/// A cost in parts, rounded up; `None` in a currency that has no smallest price.
fn parts(cost: Money) -> Option<u64> {
    let smallest = cost.currency().smallest_price()?;
    Some(cost.amount().saturating_mul(PARTS).div_ceil(smallest))
}

#[cfg(test)]
mod tests;
