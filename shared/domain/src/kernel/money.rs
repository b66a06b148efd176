//! Money in integer minor units with its currency, and rates in basis points. No floats anywhere.

use std::fmt;
use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The largest amount that is charged, in minor units: Stripe takes at most eight digits
/// (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
pub const MAXIMUM_AMOUNT: u64 = 99_999_999;

/// The largest amount that there is, in minor units: many charges come together in a payout.
pub const LARGEST_AMOUNT: u64 = 999_999_999_999;

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

    /// The step in which amounts of it can be charged, in minor units: cards are charged in tens of fils, because no network
    /// settles a third digit, and in whole ariary (<https://docs.stripe.com/currencies#special-cases>).
    pub fn charge_step(self) -> u64 {
        match (self.code(), self.exponent()) {
            ("MGA", _) => 100,
            (_, 3) => 10,
            _ => 1,
        }
    }

    /// What a charge of this currency must lie between, in minor units.
    ///
    /// The least amounts are those of <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>; for a currency
    /// that is not in that list one step. The largest is eight digits as the gateway counts them, and ISK and UGX have
    /// two more digits there than in ISO 4217.
    pub fn charge_limits(self) -> RangeInclusive<u64> {
        let least = match self.code() {
            "USD" | "EUR" | "CHF" | "AUD" | "CAD" | "BRL" | "INR" | "NZD" | "SGD" => 50,
            "GBP" => 30,
            "BGN" => 100,
            "AED" | "MYR" | "PLN" | "RON" => 200,
            "DKK" => 250,
            "NOK" | "SEK" => 300,
            "HKD" => 400,
            "MXN" | "THB" => 1_000,
            "CZK" => 1_500,
            "HUF" => 17_500,
            "JPY" => 50,
            _ => self.charge_step(),
        };
        let largest =
            if matches!(self.code(), "ISK" | "UGX") { MAXIMUM_AMOUNT / 100 } else { MAXIMUM_AMOUNT };
        least..=largest
    }

    /// Whether prices can be in it: cards know no currency with more than three digits behind the point.
    pub fn is_charged(self) -> bool {
        self.exponent() <= 3
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

/// An amount that nobody owes in the other direction: never negative, at most [`LARGEST_AMOUNT`].
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
    #[schemars(range(min = 0, max = 999_999_999_999_u64))]
    amount: u64,
    currency: Currency,
}

/// The amount is above [`LARGEST_AMOUNT`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the amount must be at most {LARGEST_AMOUNT} minor units")]
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
    /// [`AmountTooLarge`] above [`LARGEST_AMOUNT`].
    pub fn new(amount: u64, currency: Currency) -> Result<Self, AmountTooLarge> {
        if amount > LARGEST_AMOUNT {
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

    /// The part of this amount that `rate` takes, rounded half up in the steps in which the currency is charged.
    ///
    /// ```
    /// use domain::{Currency, Money, Rate};
    /// let price = Money::new(1005, Currency::EUR)?;
    /// assert_eq!(price.share(Rate::TEN_PERCENT).amount(), 101); // 100.5 cents round up
    /// # Ok::<(), domain::kernel::money::AmountTooLarge>(())
    /// ```
    pub fn share(self, rate: Rate) -> Self {
        self.proportion(u64::from(rate.0), 10_000)
    }

    /// `part` of `whole` parts of this amount, rounded half up in the steps in which the currency is charged, and never more
    /// than the amount itself. Of a whole of nothing it is nothing.
    pub fn proportion(self, part: u64, whole: u64) -> Self {
        let step = u128::from(self.currency.charge_step());
        let (numerator, denominator) = (u128::from(self.amount) * u128::from(part), u128::from(whole) * step);
        let steps = (2 * numerator + denominator).checked_div(2 * denominator).unwrap_or(0);
        // A price that is no multiple of the step rounds up to more than itself.
        let amount = u64::try_from(steps * step).unwrap_or(self.amount).min(self.amount);
        Self { amount, currency: self.currency }
    }

    /// This amount without `other`; nothing when that is more. Amounts of another currency count as nothing.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        let taken = if other.currency == self.currency { other.amount } else { 0 };
        Self { amount: self.amount.saturating_sub(taken), currency: self.currency }
    }

    /// An amount of the same currency.
    ///
    /// # Errors
    /// [`AmountTooLarge`] above [`LARGEST_AMOUNT`].
    pub fn with_amount(self, amount: u64) -> Result<Self, AmountTooLarge> {
        Self::new(amount, self.currency)
    }

    /// Nothing of the same currency.
    #[must_use]
    pub fn nothing(self) -> Self {
        Self { amount: 0, ..self }
    }

    /// Whether this much can be charged: within the currency's limits and in its steps.
    ///
    /// # Errors
    /// What the amount must be.
    pub fn check_charge(self) -> Result<(), Unchargeable> {
        let limits = self.currency.charge_limits();
        let step = self.currency.charge_step();
        let show = |amount| Self { amount, ..self }.to_string();
        if !self.currency.is_charged() {
            Err(Unchargeable(format!("{} cannot be charged", self.currency.code())))
        } else if !limits.contains(&self.amount) {
            let (least, largest) = (show(*limits.start()), show(*limits.end()));
            Err(Unchargeable(format!("must be from {least} to {largest} to be charged, got {self}")))
        } else if !self.amount.is_multiple_of(step) {
            Err(Unchargeable(format!("must be a multiple of {} to be charged, got {self}", show(step))))
        } else {
            Ok(())
        }
    }
}

/// The amount cannot be charged; the text says what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unchargeable(String);

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
pub(crate) mod tests;
