//! The books. Source: <https://developer.paypal.com/docs/multiparty/>.
//!
//! A payment goes to the seller, who pays PayPal's fee and the platform's from it. A refund comes from the
//! seller, who receives the part of the platform's fee that the platform contributes; PayPal keeps its own fee.
//! While PayPal holds a payment, refunds and disputed amounts come from what it holds, and the seller and the
//! platform get what is left.

use super::prelude::*;
use crate::balances::{self, Balance};

/// PayPal's fee on each payment, in hundredths of a percent of the amount.
pub const FEE_BASIS_POINTS: i64 = 299;

/// The fixed part of PayPal's fee, in minor units of a currency with two decimals.
pub const FIXED_FEE: i64 = 35;

/// PayPal's fee on a payment, at most what the platform's fee leaves. Halves are rounded up.
pub(super) fn processing_fee(amount: i64, platform_fee: i64, currency: &str) -> i64 {
    let fixed = if money::exponent(currency) == 0 { 0 } else { FIXED_FEE };
    // Amounts have at most eleven digits, so this does not overflow.
    ((amount * FEE_BASIS_POINTS + 5_000) / 10_000 + fixed).min(amount - platform_fee)
}

/// Books a completed capture.
pub(super) fn captured(work: &mut Work, capture: &Capture, order: &Order) {
    let platform_fee = if capture.is_delayed { 0 } else { capture.platform_fee };
    let net = capture.amount - platform_fee;
    let owner = if capture.is_delayed { HELD } else { &order.payee };
    let shares = [
        (PAYERS, -capture.amount),
        (PAYPAL, capture.paypal_fee),
        (PLATFORM, platform_fee),
        (owner, net),
        (&order.payee, -capture.paypal_fee),
    ];
    enter(work, "capture", &capture.id, order, &shares);
}

/// Books a completed refund.
pub(super) fn refunded(work: &mut Work, refund: &Refund, order: &Order) {
    let fee = if hold(work, &refund.capture, -refund.amount, -refund.platform_fee) {
        0
    } else {
        refund.platform_fee
    };
    let owner = holder(work, &refund.capture, order);
    let shares = [(PAYERS, refund.amount), (PLATFORM, -fee), (&*owner, fee - refund.amount)];
    enter(work, "refund", &refund.id, order, &shares);
}

/// Who has the money of a capture: the seller, or PayPal for them.
pub(super) fn holder(work: &Work, capture: &str, order: &Order) -> String {
    let held = work.state.captures.get(capture).is_some_and(|capture| capture.held.is_some());
    if held { HELD.to_owned() } else { order.payee.clone() }
}

/// Changes what PayPal holds of a capture. Returns whether it holds any.
pub(super) fn hold(work: &mut Work, capture: &str, amount: i64, platform_fee: i64) -> bool {
    let mut holds = false;
    work.state.captures.change(capture, |capture| {
        if let Some(held) = &mut capture.held {
            (held.amount, held.platform_fee) = (held.amount + amount, held.platform_fee + platform_fee);
            holds = true;
        }
    });
    holds
}

/// Books the payment of what PayPal held.
pub(super) fn paid_out(work: &mut Work, payout: &str, held: Held, order: &Order) {
    let shares = [
        (HELD, -held.amount),
        (PLATFORM, held.platform_fee),
        (&*order.payee, held.amount - held.platform_fee),
    ];
    enter(work, "payout", payout, order, &shares);
}

/// Books a movement of money. The shares of all owners add up to zero.
pub(super) fn enter(work: &mut Work, kind: &str, source: &str, order: &Order, shares: &[(&str, i64)]) {
    let partner = work.service.config.partner_id.as_str();
    let owner = |owner: &str| if owner == partner { PLATFORM } else { owner }.to_owned();
    let shares = shares.iter().filter(|(_, amount)| *amount != 0);
    let shares = shares.map(|(name, amount)| (owner(name), *amount)).collect();
    let (kind, source, currency) = (kind.to_owned(), source.to_owned(), order.currency.clone());
    work.state.entries.push(Entry { at: work.now, kind, source, currency, shares });
}

/// The balances, sorted by owner and currency.
pub(super) fn balances(state: &State) -> Vec<Balance> {
    let movements = state.entries.iter().flat_map(|entry| {
        entry.shares.iter().map(|(owner, amount)| (owner.as_str(), entry.currency.as_str(), *amount))
    });
    balances::sum(movements)
}

#[cfg(test)]
mod tests {
    use super::processing_fee;

    #[test]
    fn the_fee_has_a_fixed_part_where_there_are_hundredths_and_leaves_the_platforms() {
        assert_eq!(processing_fee(10_000, 1_000, "EUR"), 334);
        assert_eq!(processing_fee(10_000, 1_000, "JPY"), 299);
        assert_eq!(processing_fee(100, 90, "EUR"), 10);
        assert_eq!(processing_fee(100, 100, "EUR"), 0);
    }
}
