//! The cost of a refund, borne by the platform, or by the expert if the gateway takes its fee from the expert.

use crate::payments::ledger::{Movement, MovementKind, Totals};
use crate::payments::payment::Payment;
use crate::{Currency, Money};

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
/// ([`platform_pays_fee`](crate::payments::gateway::GatewayKind::platform_pays_fee)). It is a multiple of the charge step.
pub fn cost_of_refund(payment: &Payment, movements: &[Movement], before: Money, after: Money) -> Money {
    let fee = processing_fee(payment, movements);
    let uncovered = |charge: Money| {
        let commission = charge.apply_rate(payment.fee_rate);
        let remaining = match payment.gateway.platform_pays_fee() {
            true => commission,
            false => charge.saturating_sub(commission),
        };
        fee.saturating_sub(remaining)
    };
    let paid = before.amount().min(Totals::of(movements).net_paid());
    in_steps(uncovered(after).saturating_sub(uncovered(before.with_amount(paid).unwrap_or(before))))
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

#[cfg(test)]
mod tests;
