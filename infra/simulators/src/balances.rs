//! Balances in the books of a payment service.

use std::collections::BTreeMap;

use serde::Serialize;

/// What one owner has of a currency, or owes when it is negative. The balances of all owners in one currency
/// add up to zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// `platform`, the id of a connected account or seller, the payment service (`stripe`, `paypal`), those who
    /// pay (`clients` at Stripe, `payers` at PayPal), or `bank` for what Stripe has paid out.
    pub owner: String,
    /// The three-letter code, in the case that the service uses.
    pub currency: String,
    /// Minor units of the currency.
    pub amount: i64,
}

/// Adds up movements of owner, currency and amount, sorted by owner and currency.
pub(crate) fn sum<'a>(movements: impl Iterator<Item = (&'a str, &'a str, i64)>) -> Vec<Balance> {
    let mut sums: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for (owner, currency, amount) in movements {
        *sums.entry((owner, currency)).or_default() += amount;
    }
    let balance = |((owner, currency), amount): ((&str, &str), i64)| Balance {
        owner: owner.to_owned(),
        currency: currency.to_owned(),
        amount,
    };
    sums.into_iter().map(balance).collect()
}

/// An amount in minor units as people write it, such as `12.50 EUR`.
pub(crate) fn display(amount: i64, currency: &str, exponent: u32) -> String {
    format!("{} {}", decimal(amount, exponent), currency.to_ascii_uppercase())
}

/// An amount in minor units as a decimal number with `exponent` decimals.
pub(crate) fn decimal(amount: i64, exponent: u32) -> String {
    let scale = 10_u64.pow(exponent);
    let sign = if amount < 0 { "-" } else { "" };
    let (whole, part) = (amount.unsigned_abs() / scale, amount.unsigned_abs() % scale);
    match exponent as usize {
        0 => format!("{sign}{whole}"),
        width => format!("{sign}{whole}.{part:0width$}"),
    }
}

/// Whether a list of codes, separated by white space, contains a currency.
pub(crate) fn listed(codes: &str, currency: &str) -> bool {
    codes.split_ascii_whitespace().any(|code| code == currency)
}

#[cfg(test)]
mod tests {
    use super::display;

    #[test]
    fn money_is_written_in_the_digits_of_its_currency() {
        assert_eq!(display(1250, "eur", 2), "12.50 EUR");
        assert_eq!(display(-5, "eur", 2), "-0.05 EUR");
        assert_eq!(display(500, "jpy", 0), "500 JPY");
        assert_eq!(display(1005, "kwd", 3), "1.005 KWD");
    }
}
