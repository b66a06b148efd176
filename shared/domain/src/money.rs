//! Money in integer minor units with its currency, and rates in basis points. No floats anywhere.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The largest amount that is accepted anywhere, in minor units: Stripe takes at most eight digits
/// (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
pub const MAXIMUM_AMOUNT: u64 = 99_999_999;

/// An ISO 4217 currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(iso_currency::Currency);

/// The text is not the three-letter code of a currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the three-letter ISO 4217 code of a currency in use, such as EUR")]
pub struct InvalidCurrency;

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);

    /// The three-letter code, in capitals.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Whether Stripe counts it in the same minor units as ISO 4217, down to one. Elsewhere the same number would charge a
    /// hundred times more or less, or be refused (<https://docs.stripe.com/currencies#special-cases>).
    pub fn is_charged_in_minor_units(self) -> bool {
        self.exponent() < 3 && !matches!(self.code(), "ISK" | "UGX" | "MGA")
    }

    /// How many digits of an amount in minor units stand behind the decimal point: 2 for EUR, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u16 {
        self.0.exponent().unwrap_or(0)
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;

    fn try_from(code: String) -> Result<Self, InvalidCurrency> {
        iso_currency::Currency::from_code(&code)
            // Metals, test codes and funds have no minor unit and cannot be charged.
            .filter(|currency| currency.exponent().is_some())
            .map(Self)
            .ok_or(InvalidCurrency)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[A-Z]{3}$",
            "description": "ISO 4217 code",
        })
    }
}

/// An amount that nobody owes in the other direction: never negative, at most [`MAXIMUM_AMOUNT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "AmountAndCurrency")]
pub struct Money {
    /// Minor units: cents for EUR, yen for JPY, fils for KWD.
    amount: u64,
    currency: Currency,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AmountAndCurrency {
    #[schemars(range(min = 0, max = 99_999_999))]
    amount: u64,
    currency: Currency,
}

/// The amount is above [`MAXIMUM_AMOUNT`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the amount must be at most {MAXIMUM_AMOUNT} minor units")]
pub struct AmountTooLarge;

impl TryFrom<AmountAndCurrency> for Money {
    type Error = AmountTooLarge;

    fn try_from(value: AmountAndCurrency) -> Result<Self, AmountTooLarge> {
        Self::new(value.amount, value.currency)
    }
}

impl Money {
    /// An amount of minor units of `currency`.
    ///
    /// # Errors
    /// [`AmountTooLarge`] above [`MAXIMUM_AMOUNT`].
    pub fn new(amount: u64, currency: Currency) -> Result<Self, AmountTooLarge> {
        if amount > MAXIMUM_AMOUNT {
            return Err(AmountTooLarge);
        }
        Ok(Self { amount, currency })
    }

    /// Minor units.
    pub fn amount(self) -> u64 {
        self.amount
    }

    /// What the minor units are of.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Whether there is nothing to pay.
    pub fn is_zero(self) -> bool {
        self.amount == 0
    }

    /// `count` times this amount, as for the seats of a group session.
    ///
    /// # Errors
    /// [`AmountTooLarge`] when the product is.
    pub fn times(self, count: u16) -> Result<Self, AmountTooLarge> {
        self.amount
            .checked_mul(u64::from(count))
            .ok_or(AmountTooLarge)
            .and_then(|amount| Self::new(amount, self.currency))
    }

    /// The part of this amount that `rate` takes, rounded half up in minor units.
    ///
    /// ```
    /// use domain::{Currency, Money, Rate};
    /// let price = Money::new(1005, Currency::EUR)?;
    /// assert_eq!(price.share(Rate::TEN_PERCENT).amount(), 101); // 100.5 cents round up
    /// # Ok::<(), domain::money::AmountTooLarge>(())
    /// ```
    pub fn share(self, rate: Rate) -> Self {
        // At most 10^8 × 10^4, far inside 64 bits.
        let amount = (self.amount * u64::from(rate.0) + 5_000) / 10_000;
        Self { amount, currency: self.currency }
    }
}

impl fmt::Display for Money {
    /// `EUR 12.50`, `JPY 1200`, `KWD 3.125`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = usize::from(self.currency.exponent());
        let unit = 10_u64.pow(self.currency.exponent().into());
        write!(out, "{} {}", self.currency.code(), self.amount / unit)?;
        if digits > 0 {
            write!(out, ".{:0digits$}", self.amount % unit)?;
        }
        Ok(())
    }
}

/// A part of a whole in basis points (hundredths of a per cent), at most the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Rate(u16);

/// More than 10,000 basis points.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a rate must be at most 10000 basis points, the whole")]
pub struct RateAboveWhole;

impl Rate {
    /// What the platform keeps unless its settings say otherwise.
    pub const TEN_PERCENT: Self = Self(1_000);

    /// `points` ten-thousandths.
    ///
    /// # Errors
    /// [`RateAboveWhole`] above 10,000.
    pub fn from_basis_points(points: u16) -> Result<Self, RateAboveWhole> {
        if points > 10_000 { Err(RateAboveWhole) } else { Ok(Self(points)) }
    }

    /// Ten-thousandths.
    pub fn basis_points(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Rate {
    type Error = RateAboveWhole;

    fn try_from(points: u16) -> Result<Self, RateAboveWhole> {
        Self::from_basis_points(points)
    }
}

impl From<Rate> for u16 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::try_from(code.to_owned()).expect("a code in use")
    }

    #[test]
    fn reads_and_shows_each_exponent() {
        let shown = |amount, code| Money::new(amount, currency(code)).expect("small").to_string();
        assert_eq!(shown(1_205, "EUR"), "EUR 12.05");
        assert_eq!(shown(1_200, "JPY"), "JPY 1200");
        assert_eq!(shown(3_125, "KWD"), "KWD 3.125");
        for wrong in ["eur", "EU", "XYZ", "XAU", "XXX", ""] {
            assert_eq!(Currency::try_from(wrong.to_owned()), Err(InvalidCurrency), "{wrong}");
        }
    }

    #[test]
    fn knows_what_is_charged_in_other_units() {
        // Where Stripe's number of digits is another than that of ISO 4217, or its last digit must be 0.
        for code in ["ISK", "UGX", "MGA", "BHD", "JOD", "KWD", "OMR", "TND"] {
            assert!(!currency(code).is_charged_in_minor_units(), "{code}");
        }
        let hundredths = ["EUR", "USD", "GBP", "CHF", "HUF", "TWD"];
        let units = "BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF";
        for (codes, exponent) in [(hundredths.to_vec(), 2), (units.split(' ').collect(), 0)] {
            for code in codes {
                assert!(currency(code).is_charged_in_minor_units(), "{code}");
                assert_eq!(currency(code).exponent(), exponent, "{code}");
            }
        }
    }

    #[test]
    fn refuses_what_is_not_an_amount() {
        for wrong in [
            r#"{"amount":-1,"currency":"EUR"}"#,
            r#"{"amount":1.5,"currency":"EUR"}"#,
            r#"{"amount":100000000,"currency":"EUR"}"#,
            r#"{"amount":1,"currency":"EUR","more":1}"#,
            r#"{"amount":1}"#,
        ] {
            assert!(serde_json::from_str::<Money>(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_share_is_rounded_half_up(amount in 0..=MAXIMUM_AMOUNT, points in 0_u16..=10_000) {
            let whole = Money::new(amount, Currency::EUR).expect("in range");
            let share = whole.share(Rate::from_basis_points(points).expect("in range")).amount();
            prop_assert!(share <= amount);
            let exact = u128::from(amount) * u128::from(points);
            // |share − exact| ≤ ½, and exactly ½ only upwards.
            prop_assert!(2 * 10_000 * u128::from(share) <= 2 * exact + 10_000);
            prop_assert!(2 * 10_000 * u128::from(share) + 10_000 > 2 * exact);
        }
    }
}
