//! What refunds cost, who bears it, and the budgets for it.
//!
//! Gateways keep their fee when a payment is refunded. How much less of the fee is then covered by what remains for the side that paid it
//! is the *cost* of the refund. Within monthly budgets, the platform bears it. Costs in different currencies are added as multiples of
//! the smallest price of their currency, which is worth about the same everywhere.

use crate::kernel::time::Month;
use crate::payments::ledger::{Movement, MovementKind, Totals};
use crate::payments::payment::{Payment, PaymentState};
use crate::scheduling::cancellation::Cause;
use crate::{Currency, Money, Timestamp};

/// The parts into which the smallest price of a currency is divided to add costs.
const PARTS: u64 = 1_000;

/// The fee that a gateway publishes for a card of another region, which is the most expensive one: a rate in basis points and a fixed
/// amount in minor units.
///
/// Stripe: 3.25 % and 0.25 in euros, 3.25 % and 0.20 in pounds, 2.9 % plus 1.5 % and 0.30 in US dollars
/// (<https://stripe.com/pricing>, read in November 2026). Elsewhere, the rate is the one in US dollars, and the fixed amount is a
/// twelfth of the smallest price.
fn published_fee(currency: Currency) -> (u64, u64) {
    match currency.code() {
        "EUR" => (325, 25),
        "GBP" => (325, 20),
        "USD" => (440, 30),
        _ => (440, currency.smallest_price().unwrap_or(0).div_ceil(12)),
    }
}

/// Returns what a gateway charges for a payment at most, rounded up to the charge step; never more than the payment.
pub fn largest_processing_fee(paid: Money) -> Money {
    let (points, fixed) = published_fee(paid.currency());
    let fee = paid.amount().saturating_mul(points).div_ceil(10_000).saturating_add(fixed);
    let step = paid.currency().charge_step();
    paid.with_amount(fee.div_ceil(step).saturating_mul(step).min(paid.amount())).unwrap_or(paid)
}

/// Returns the fee that the gateway charged for a payment; the largest one that it could be if the gateway has not reported it yet, or
/// has charged it in another currency. It is zero if nothing was captured.
fn processing_fee(payment: &Payment, movements: &[Movement]) -> Money {
    let captured = Totals::of(movements).captured;
    let of = |amount| payment.amount.with_amount(amount).unwrap_or(payment.amount);
    if captured == 0 {
        return payment.amount.zero();
    }
    let fees = movements.iter().filter(|one| one.kind == MovementKind::ProcessingFee);
    let (mut charged, mut is_known) = (0, false);
    for fee in fees {
        is_known = fee.amount.currency() == payment.amount.currency();
        if !is_known {
            break;
        }
        charged += fee.amount.amount();
    }
    if is_known { of(charged) } else { largest_processing_fee(of(captured)) }
}

/// Returns the cost of lowering the final charge from `before` to `after`: by how much the processing fee then exceeds what
/// remains for the side that pays it, and did not before. The platform has its commission, and the expert the rest
/// ([`platform_pays_fee`](crate::payments::gateway::GatewayKind::platform_pays_fee)). It is a multiple of the charge step. As long as a
/// dispute is open, it is the cost of the refund that is made if the dispute is won.
///
/// If nothing is captured yet, the fee is the largest one on what will be: none if that is nothing, and more than the commission on a
/// small part of the price.
pub fn cost_of_refund(payment: &Payment, movements: &[Movement], before: Money, after: Money) -> Money {
    let uncovered = |charge: Money, fee: Money| {
        let commission = charge.apply_rate(payment.fee_rate);
        let remaining = match payment.gateway.platform_pays_fee() {
            true => commission,
            false => charge.saturating_sub(commission),
        };
        fee.saturating_sub(remaining)
    };
    let totals = Totals::of(movements);
    let after = before.at_most(after);
    let (uncovered_before, uncovered_after) = if totals.captured == 0 {
        let is_captured = |charge: Money| match payment.state {
            PaymentState::Unpaid | PaymentState::Cancelled => false,
            // A saved card is not charged at all with too small an amount.
            PaymentState::CardSaved | PaymentState::ActionRequired { .. } => charge.check_charge().is_ok(),
            _ => true,
        };
        let if_captured = |charge| match is_captured(charge) {
            true => uncovered(charge, largest_processing_fee(charge)),
            false => charge.zero(),
        };
        (if_captured(before), if_captured(after))
    } else {
        let fee = processing_fee(payment, movements);
        let paid = before.amount().min(totals.net_paid_if_won(payment.open_dispute));
        (uncovered(before.with_amount(paid).unwrap_or(before), fee), uncovered(after, fee))
    };
    in_steps(uncovered_after.saturating_sub(uncovered_before))
}

/// Returns the cost of refunding everything that a client has paid although the appointment had ended. It is a multiple of the
/// charge step.
pub fn cost_of_late_payment(payment: &Payment, movements: &[Movement]) -> Money {
    in_steps(processing_fee(payment, movements))
}

/// Rounds a cost up to the charge step.
fn in_steps(cost: Money) -> Money {
    let step = cost.currency().charge_step();
    cost.with_amount(cost.amount().div_ceil(step).saturating_mul(step)).unwrap_or(cost)
}

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

    /// Returns the costs of this cause in euros, converted with the smallest prices of the currencies. The sum is rounded down, because
    /// each cost was rounded up when it was added.
    pub fn in_euros(&self, cause: Cause) -> Money {
        let smallest = Currency::EUR.smallest_price().unwrap_or(0);
        let amount = self.of(cause).saturating_mul(smallest) / PARTS;
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
