//! The books, and the arithmetic of shares.

use super::prelude::*;
use crate::balances::{self, Balance};

/// Stripe's fee on each payment, in hundredths of a percent of the amount.
pub const FEE_BASIS_POINTS: i64 = 150;

/// The fixed part of Stripe's fee, in minor units of a currency with two decimals.
pub const FIXED_FEE: i64 = 25;

/// Stripe's fee on each dispute, won or lost, in minor units of a currency with two decimals.
pub const DISPUTE_FEE: i64 = 2000;

/// `whole * part / of` as a multiple of `step`, rounded half up. No argument is negative.
pub(super) fn share(whole: i64, part: i64, of: i64, step: i64) -> i64 {
    if of == 0 {
        return 0;
    }
    let (whole, part, of, wide) = (i128::from(whole), i128::from(part), i128::from(of), i128::from(step));
    let steps = (whole * part * 2 + of * wide) / (of * wide * 2);
    i64::try_from(steps * wide).unwrap_or(i64::MAX)
}

/// The share of `whole` for `part` of `of`, when `done` of it came before: the rounded share of both together, less
/// that of what came before. However `of` is cut up, the shares add up to `whole`.
pub(super) fn next_share(whole: i64, done: i64, part: i64, of: i64, currency: &str) -> i64 {
    let step = currencies::step(currency);
    share(whole, done + part, of, step) - share(whole, done, of, step)
}

/// Stripe's fee on a payment of `amount`, rounded up to an amount of the currency.
pub(super) fn processing_fee(amount: i64, currency: &str) -> i64 {
    let fixed = if currencies::exponent(currency) == 0 { 0 } else { FIXED_FEE };
    let step = currencies::step(currency);
    let fee = share(amount, FEE_BASIS_POINTS, 10_000, 1) + fixed;
    ((fee + step - 1) / step * step).min(amount)
}

/// A line of an account, or of the platform, without fees. It is not in the books yet.
pub(super) fn line(
    work: &Work,
    line: Line,
    account: Option<&str>,
    amount: i64,
    currency: &str,
    source: &str,
) -> Transaction {
    Transaction {
        id: format!("txn_{}", random::letters(24)),
        account: account.map(str::to_owned),
        line,
        amount,
        stripe_fee: 0,
        application_fee: 0,
        currency: currency.to_owned(),
        source: source.to_owned(),
        created: work.now,
    }
}

/// Adds a line to the books, and returns its id.
pub(super) fn book(work: &mut Work, line: Transaction) -> String {
    let id = line.id.clone();
    work.state.transactions.add(line);
    id
}

/// The balances, sorted by owner and currency. Stripe, the cardholders and the bank own the other side of lines that
/// are not balanced by another line.
pub(super) fn balances(state: &State) -> Vec<Balance> {
    let movements = state.transactions.iter().flat_map(|line| {
        let owner = line.account.as_deref().unwrap_or(PLATFORM);
        let other_side = line.line.facts().2.map(|other| (other, -line.amount));
        let stripe = (line.stripe_fee != 0).then_some(("stripe", line.stripe_fee));
        let shares = [Some((owner, line.net())), stripe, other_side];
        shares.into_iter().flatten().map(|(owner, amount)| (owner, line.currency.as_str(), amount))
    });
    balances::sum(movements)
}

/// The balance of an account, or of the platform, in a currency.
pub(super) fn balance_of(state: &State, owner: Option<&str>, currency: &str) -> i64 {
    let own = |line: &&Transaction| line.account.as_deref() == owner && line.currency == currency;
    state.transactions.iter().filter(own).map(Transaction::net).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{currencies, next_share, processing_fee, share};

    #[test]
    fn shares_round_halves_up_and_never_exceed_the_whole() {
        assert_eq!(share(1000, 1, 3, 1), 333);
        assert_eq!(share(1, 1, 2, 1), 1);
        assert_eq!(share(999, 500, 1000, 1), 500);
        assert_eq!(share(99_999_999, 99_999_999, 99_999_999, 1), 99_999_999);
        assert_eq!(share(5, 0, 0, 1), 0);
        assert_eq!((share(1000, 1, 3, 10), share(1000, 1, 3, 100)), (330, 300));
        assert_eq!((share(100, 1, 2, 100), share(100, 49, 100, 100)), (100, 0));
    }

    proptest! {
        #[test]
        fn shares_of_parts_are_amounts_of_the_currency_and_add_up_to_the_whole(
            currency in proptest::sample::select(currencies::all().collect::<Vec<_>>()),
            whole in 0..=99_999_999_i64,
            parts in proptest::collection::vec(1..1_000_000_i64, 1..50),
        ) {
            let step = currencies::step(currency);
            let whole = whole / step * step;
            let parts: Vec<i64> = parts.into_iter().map(|part| part * step).collect();
            let of: i64 = parts.iter().sum();
            let mut done = 0;
            let mut given = 0;
            for part in parts {
                let now = next_share(whole, done, part, of, currency);
                prop_assert!(now >= 0 && now % step == 0, "{} {}", now, currency);
                given += now;
                done += part;
            }
            prop_assert_eq!(given, whole);
        }

        #[test]
        fn the_processing_fee_is_an_amount_of_the_currency_and_no_more_than_was_paid(
            currency in proptest::sample::select(currencies::all().collect::<Vec<_>>()),
            steps in 1..=999_999_i64,
        ) {
            let step = currencies::step(currency);
            let fee = processing_fee(steps * step, currency);
            prop_assert!(fee > 0 || steps < 34, "{}", fee);
            prop_assert!(fee % step == 0 && fee <= steps * step, "{} {}", fee, currency);
        }
    }

    #[test]
    fn the_processing_fee_has_a_fixed_part_where_there_are_hundredths() {
        assert_eq!(processing_fee(10_000, "eur"), 175);
        assert_eq!(processing_fee(10_000, "jpy"), 150);
        assert_eq!(processing_fee(10_000, "isk"), 200);
        assert_eq!(processing_fee(10_000, "kwd"), 180);
    }
}
