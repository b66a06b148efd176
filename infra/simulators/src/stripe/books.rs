//! Everybody's books, and the arithmetic of shares.

use std::collections::BTreeMap;

use super::state::{Line, State, Transaction};
use super::work::Work;
use super::{Balance, PLATFORM, currencies};
use crate::random;

/// What Stripe keeps of each payment, in hundredths of a percent of the amount.
pub const FEE_BASIS_POINTS: i64 = 150;

/// What Stripe keeps of each payment besides, in minor units of a currency with two decimals.
pub const FIXED_FEE: i64 = 25;

/// What Stripe keeps of each dispute, won or lost, in minor units of a currency with two decimals.
pub const DISPUTE_FEE: i64 = 2000;

/// `whole * part / of` as a multiple of `step`, halves up. None is negative.
fn share(whole: i64, part: i64, of: i64, step: i64) -> i64 {
    if of == 0 {
        return 0;
    }
    let (whole, part, of, wide) = (i128::from(whole), i128::from(part), i128::from(of), i128::from(step));
    let steps = (whole * part * 2 + of * wide) / (of * wide * 2);
    i64::try_from(steps * wide).unwrap_or(i64::MAX)
}

/// What of `whole` goes with `part` of `of`, when `done` of it went before. It is the rounded share of all that
/// has gone so far, less that of what went before: however `of` is cut up, the shares add up to `whole`.
pub(super) fn next_share(whole: i64, done: i64, part: i64, of: i64, currency: &str) -> i64 {
    let step = currencies::step(currency);
    share(whole, done + part, of, step) - share(whole, done, of, step)
}

/// What Stripe keeps of a payment of `amount`, rounded up to an amount that the currency has.
pub(super) fn processing_fee(amount: i64, currency: &str) -> i64 {
    let fixed = if currencies::exponent(currency) == 0 { 0 } else { FIXED_FEE };
    let step = currencies::step(currency);
    let fee = share(amount, FEE_BASIS_POINTS, 10_000, 1) + fixed;
    ((fee + step - 1) / step * step).min(amount)
}

/// A line of `account`'s books, or the platform's, without fees. It is not in the books yet.
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
        payout: None,
        created: work.now,
    }
}

/// Writes a line into the books and answers its id.
pub(super) fn book(work: &mut Work, line: Transaction) -> String {
    let id = line.id.clone();
    work.state.transactions.add(line);
    id
}

/// The balances, sorted by owner and currency. Stripe, the guests and the bank are the other side of the
/// lines that have none in anybody's books.
pub(super) fn balances(state: &State) -> Vec<Balance> {
    let mut sums: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for line in state.transactions.iter() {
        let owner = line.account.as_deref().unwrap_or(PLATFORM);
        let mut add = |owner, amount| *sums.entry((owner, line.currency.as_str())).or_default() += amount;
        add(owner, line.net());
        if line.stripe_fee != 0 {
            add("stripe", line.stripe_fee);
        }
        if let Some(other) = line.line.other_side() {
            add(other, -line.amount);
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

/// What `owner` has in a currency.
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
