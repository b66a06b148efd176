//! Where the money goes. Source: <https://developer.paypal.com/docs/multiparty/>.
//!
//! A payment goes to the seller, who pays PayPal's fee and the platform's out of it. A refund comes from the
//! seller, who gets back the part of the platform's fee that the platform adds; PayPal keeps its own.

use std::collections::BTreeMap;

use super::state::{Capture, Entry, Order, Refund, State};
use super::work::Work;
use super::{Balance, PAYERS, PAYPAL, PLATFORM, money};

/// What PayPal keeps of each payment, in hundredths of a percent of the amount.
pub const FEE_BASIS_POINTS: i64 = 299;

/// What PayPal keeps of each payment besides, in minor units of a currency with two decimals.
pub const FIXED_FEE: i64 = 35;

/// PayPal's fee on a payment, never more than what the platform's fee leaves. Halves are rounded up.
pub(super) fn processing_fee(amount: i64, platform_fee: i64, currency: &str) -> i64 {
    let fixed = if money::exponent(currency) == 0 { 0 } else { FIXED_FEE };
    // Amounts have at most eleven digits, so this stays in the range of the number.
    ((amount * FEE_BASIS_POINTS + 5_000) / 10_000 + fixed).min(amount - platform_fee)
}

/// The seller got the money of a capture.
pub(super) fn captured(work: &mut Work, capture: &Capture, order: &Order) {
    let net = capture.amount - capture.paypal_fee - capture.platform_fee;
    let shares = [
        (PAYERS, -capture.amount),
        (PAYPAL, capture.paypal_fee),
        (PLATFORM, capture.platform_fee),
        (&order.payee, net),
    ];
    enter(work, "capture", &capture.id, &order.currency, shares);
}

/// The payer got back the money of a refund.
pub(super) fn refunded(work: &mut Work, refund: &Refund, order: &Order) {
    let shares = [
        (PAYERS, refund.amount),
        (PLATFORM, -refund.platform_fee),
        (&order.payee, refund.platform_fee - refund.amount),
    ];
    enter(work, "refund", &refund.id, &order.currency, shares);
}

/// Money moves between two owners.
pub(super) fn moved(
    work: &mut Work,
    kind: &str,
    source: &str,
    order: &Order,
    from: &str,
    to: &str,
    amount: i64,
) {
    enter(work, kind, source, &order.currency, [(from, -amount), (to, amount)]);
}

fn enter<const N: usize>(
    work: &mut Work,
    kind: &str,
    source: &str,
    currency: &str,
    shares: [(&str, i64); N],
) {
    let partner = work.config.partner_id.as_str();
    let owner = |owner: &str| if owner == partner { PLATFORM } else { owner }.to_owned();
    let shares = shares.into_iter().filter(|(_, amount)| *amount != 0);
    work.state.entries.push(Entry {
        at: work.now,
        kind: kind.to_owned(),
        source: source.to_owned(),
        currency: currency.to_owned(),
        shares: shares.map(|(name, amount)| (owner(name), amount)).collect(),
    });
}

/// The balances, sorted by owner and currency.
pub(super) fn balances(state: &State) -> Vec<Balance> {
    let mut sums: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for entry in &state.entries {
        for (owner, amount) in &entry.shares {
            *sums.entry((owner, &entry.currency)).or_default() += amount;
        }
    }
    sums.into_iter()
        .map(|((owner, currency), amount)| Balance {
            owner: owner.to_owned(),
            currency: currency.to_owned(),
            amount,
        })
        .collect()
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
