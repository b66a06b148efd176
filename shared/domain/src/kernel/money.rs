//! Money as integer minor units with a currency, and rates in basis points. There are no floats.

use std::fmt;

use iso_currency::IntoEnumIterator;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::interned::Name;

mod limits;

/// The largest amount that can be charged, in minor units. Stripe accepts at most eight digits
/// (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
pub const MAX_CHARGE: u64 = 99_999_999;

/// The maximum representable amount, in minor units. It exceeds [`MAX_CHARGE`] because a payout is the sum of
/// many charges.
pub const MAX_AMOUNT: u64 = 999_999_999_999;

/// An ISO 4217 currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency {
    code: Name,
    /// The number of decimal digits; `None` if the currency is not in use any more.
    exponent: Option<u16>,
}

/// The text is not the three-letter code of a currency in use, in capitals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the three-letter ISO 4217 code of a currency in use, in capitals, such as EUR")]
pub struct InvalidCurrency;

impl Currency {
    /// The euro.
    pub const EUR: Self = Self { code: Name::known("EUR"), exponent: Some(2) };

    /// Returns the currency of a stored amount. Unlike parsing, it also accepts the code of a currency that has been withdrawn
    /// since the amount was stored. Nothing can be charged in such a currency.
    pub fn from_stored(code: &str) -> Self {
        Self::try_from(code.to_owned())
            .unwrap_or_else(|_| Self { code: Name::from_stored(code), exponent: None })
    }

    /// Returns the three-letter code in capitals.
    pub fn code(self) -> &'static str {
        self.code.as_str()
    }

    /// Returns the step of chargeable amounts, in minor units.
    ///
    /// Cards are charged in multiples of ten fils, because card networks do not settle a third decimal digit, and in
    /// whole ariary (<https://docs.stripe.com/currencies#special-cases>).
    pub fn charge_step(self) -> u64 {
        match (self.code(), self.exponent()) {
            ("MGA", _) => 100,
            (_, 3) => 10,
            _ => 1,
        }
    }

    /// Returns whether cards can be charged in this currency. Card networks support no currency with more than three decimal
    /// digits.
    pub fn is_chargeable(self) -> bool {
        self.exponent.is_some_and(|digits| digits <= 3)
    }

    /// Returns every currency in general use: no funds, no currencies that another one has replaced.
    pub(crate) fn in_use() -> impl Iterator<Item = iso_currency::Currency> {
        iso_currency::Currency::iter()
            .filter(|currency| !currency.is_fund() && currency.is_superseded().is_none())
            .filter(|currency| currency.exponent().is_some())
    }

    /// Returns the number of decimal digits of the currency: 2 for EUR, 0 for JPY, 3 for KWD. It is 0 for a withdrawn currency.
    pub fn exponent(self) -> u16 {
        self.exponent.unwrap_or(0)
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;

    fn try_from(code: String) -> Result<Self, InvalidCurrency> {
        iso_currency::Currency::from_code(&code)
            // Metals, test codes and funds have no minor unit and cannot be charged.
            .filter(|currency| currency.exponent().is_some() && currency.is_superseded().is_none())
            .map(|currency| Self { code: Name::known(currency.code()), exponent: currency.exponent() })
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
            "format": "currency",
            "pattern": "^[A-Z]{3}$",
            "description": "ISO 4217 code",
        })
    }
}

/// A non-negative amount of one currency, at most 999,999,999,999 minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "AmountAndCurrency")]
pub struct Money {
    /// The amount in minor units: cents for EUR, yen for JPY, fils for KWD.
    amount: u64,
    /// The currency of the amount.
    currency: Currency,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AmountAndCurrency {
    #[schemars(range(min = 0, max = 999_999_999_999_u64))]
    amount: u64,
    currency: Currency,
}

/// The amount is above [`MAX_AMOUNT`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be at most {MAX_AMOUNT} minor units")]
pub struct AmountTooLarge;

impl TryFrom<AmountAndCurrency> for Money {
    type Error = AmountTooLarge;

    fn try_from(value: AmountAndCurrency) -> Result<Self, AmountTooLarge> {
        Self::new(value.amount, value.currency)
    }
}

impl Money {
    /// Creates an amount of `amount` minor units of `currency`.
    ///
    /// # Errors
    /// [`AmountTooLarge`] if the amount exceeds [`MAX_AMOUNT`].
    pub fn new(amount: u64, currency: Currency) -> Result<Self, AmountTooLarge> {
        if amount > MAX_AMOUNT {
            return Err(AmountTooLarge);
        }
        Ok(Self { amount, currency })
    }

    /// Creates an amount of `amount` minor units of `currency`, but at most [`MAX_AMOUNT`].
    pub fn saturating(amount: u64, currency: Currency) -> Self {
        Self { amount: amount.min(MAX_AMOUNT), currency }
    }

    /// Returns the amount in minor units.
    pub fn amount(self) -> u64 {
        self.amount
    }

    /// Returns the currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Returns whether the amount is zero.
    pub fn is_zero(self) -> bool {
        self.amount == 0
    }

    /// Returns this amount multiplied by `count`, such as the price of several seats.
    ///
    /// # Errors
    /// [`AmountTooLarge`] if the product exceeds [`MAX_AMOUNT`].
    pub fn checked_mul(self, count: u16) -> Result<Self, AmountTooLarge> {
        self.amount
            .checked_mul(u64::from(count))
            .ok_or(AmountTooLarge)
            .and_then(|amount| Self::new(amount, self.currency))
    }

    /// Returns `rate` of this amount, rounded half up to the currency's charge step.
    ///
    /// ```
    /// use domain::{Currency, Money, Rate};
    /// let price = Money::new(1005, Currency::EUR)?;
    /// assert_eq!(price.apply_rate(Rate::DEFAULT_COMMISSION).amount(), 101); // 100.5 cents round up
    /// # Ok::<(), domain::kernel::money::AmountTooLarge>(())
    /// ```
    pub fn apply_rate(self, rate: Rate) -> Self {
        self.prorate(u64::from(rate.0), 10_000)
    }

    /// Returns `part / whole` of this amount, rounded half up to the currency's charge step, and at most the amount
    /// itself. Returns zero if `whole` is zero.
    pub fn prorate(self, part: u64, whole: u64) -> Self {
        // An amount that is not a multiple of the step could round up to more than itself.
        Self { amount: self.scaled(part, whole).min(self.amount), currency: self.currency }
    }

    /// Returns the price of this many minutes if the amount is the price of an hour, rounded half up to the currency's
    /// charge step. The step is one minor unit in almost all currencies.
    ///
    /// ```
    /// use domain::{Currency, Money};
    /// let hour = Money::new(9_999, Currency::EUR)?;
    /// assert_eq!(hour.for_minutes(90)?.amount(), 14_999); // 149.985 euros round up
    /// # Ok::<(), domain::kernel::money::AmountTooLarge>(())
    /// ```
    ///
    /// # Errors
    /// [`AmountTooLarge`] if the price exceeds [`MAX_AMOUNT`].
    pub fn for_minutes(self, minutes: u16) -> Result<Self, AmountTooLarge> {
        Self::new(self.scaled(minutes.into(), 60), self.currency)
    }

    /// Returns `part / whole` of the amount, rounded half up to the currency's charge step; zero if `whole` is zero.
    fn scaled(self, part: u64, whole: u64) -> u64 {
        let step = u128::from(self.currency.charge_step());
        let (numerator, denominator) = (u128::from(self.amount) * u128::from(part), u128::from(whole) * step);
        let steps = (2 * numerator + denominator).checked_div(2 * denominator).unwrap_or(0);
        u64::try_from(steps * step).unwrap_or(u64::MAX)
    }

    /// Returns this amount minus `other`, but at least zero. If `other` has another currency, nothing is subtracted.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        let subtracted = if other.currency == self.currency { other.amount } else { 0 };
        Self { amount: self.amount.saturating_sub(subtracted), currency: self.currency }
    }

    /// Returns this amount, but at most `limit`. A limit in another currency limits nothing.
    #[must_use]
    pub fn at_most(self, limit: Self) -> Self {
        if limit.currency == self.currency && limit.amount < self.amount { limit } else { self }
    }

    /// Returns `amount` minor units of the same currency.
    ///
    /// # Errors
    /// [`AmountTooLarge`] if the amount exceeds [`MAX_AMOUNT`].
    pub fn with_amount(self, amount: u64) -> Result<Self, AmountTooLarge> {
        Self::new(amount, self.currency)
    }

    /// Returns zero in the same currency.
    #[must_use]
    pub fn zero(self) -> Self {
        Self { amount: 0, ..self }
    }
}

/// The amount cannot be charged. The message says what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unchargeable(String);

impl fmt::Display for Money {
    /// `EUR 12.50`, `JPY 1200`, `KWD 3.125`; `1250 minor units of HRK` in a withdrawn currency.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.currency.exponent.is_none() {
            return write!(out, "{} minor units of {}", self.amount, self.currency.code());
        }
        let digits = usize::from(self.currency.exponent());
        let unit = 10_u64.pow(self.currency.exponent().into());
        write!(out, "{} {}", self.currency.code(), self.amount / unit)?;
        if digits > 0 {
            write!(out, ".{:0digits$}", self.amount % unit)?;
        }
        Ok(())
    }
}

/// A part of a whole in basis points (hundredths of a percent), from 0 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Rate(u16);

/// The rate exceeds 10,000 basis points.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be at most 10000 basis points (100 %)")]
pub struct RateTooHigh;

impl Rate {
    /// The platform's default commission rate.
    pub const DEFAULT_COMMISSION: Self = Self(1_000);

    /// Creates a rate of `points` basis points.
    ///
    /// # Errors
    /// [`RateTooHigh`] if `points` exceeds 10,000.
    pub fn from_basis_points(points: u16) -> Result<Self, RateTooHigh> {
        if points > 10_000 { Err(RateTooHigh) } else { Ok(Self(points)) }
    }

    /// Returns the rate in basis points.
    pub fn basis_points(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Rate {
    type Error = RateTooHigh;

    fn try_from(points: u16) -> Result<Self, RateTooHigh> {
        Self::from_basis_points(points)
    }
}

impl From<Rate> for u16 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

#[cfg(test)]
pub(crate) mod tests;
