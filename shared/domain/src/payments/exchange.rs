//! Conversion of prices to other currencies with the euro foreign exchange reference rates of the European Central
//! Bank (<https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/>).
//!
//! Rates are exact decimals and all arithmetic uses integers, so a conversion gives the same result everywhere.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::kernel::time::{Date, Timestamp};
use crate::{Currency, Money};

/// The publisher of the rates, as shown to users.
pub const SOURCE: &str = "European Central Bank";

/// The maximum age of rates that are not stale, in days.
///
/// Rates are published at about 16:00 in Frankfurt on TARGET working days. TARGET holidays are 1 January, Good
/// Friday, Easter Monday, 1 May, 25 and 26 December. The longest gap is Easter: the rates of Thursday are the latest
/// until Tuesday, which is five days. Older rates mean that a publication was missed.
pub const FRESH_DAYS: i64 = 5;

/// The maximum factor by which a rate may change between two publications. A larger change is an error or a
/// redenomination, and a person must check it.
pub const GREATEST_CHANGE: u128 = 10;

/// The maximum number of digits of a rate.
const MAX_DIGITS: usize = 12;
/// The maximum number of decimal digits of a rate.
const MAX_DECIMALS: usize = 8;

/// The number of units of a currency that one euro buys: an exact positive decimal with the digits as published.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EuroRate {
    /// The digits without the decimal point; at least 1, below 10¹².
    digits: u64,
    /// The number of decimal digits; at most 8.
    scale: u8,
}

/// The text is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a positive decimal number with at most 12 digits, at most 8 of them after the point, such as 1.0562"
)]
pub struct InvalidEuroRate;

impl EuroRate {
    /// The rate of the euro itself.
    const ONE: Self = Self { digits: 1, scale: 0 };

    /// Returns whether one rate is more than `factor` times the other.
    fn differs_by_more_than(self, factor: u128, other: Self) -> bool {
        // Each product is at most 10¹² × 10⁸, so the multiplication by `factor` rarely saturates.
        let [mine, theirs] =
            [(self, other), (other, self)].map(|(one, two)| u128::from(one.digits) * power_of_ten(two.scale));
        mine > factor.saturating_mul(theirs) || theirs > factor.saturating_mul(mine)
    }
}

fn power_of_ten(exponent: u8) -> u128 {
    10_u128.saturating_pow(exponent.into())
}

impl FromStr for EuroRate {
    type Err = InvalidEuroRate;

    fn from_str(text: &str) -> Result<Self, InvalidEuroRate> {
        let (whole, decimals) = match text.split_once('.') {
            Some((_, "")) => return Err(InvalidEuroRate),
            Some(parts) => parts,
            None => (text, ""),
        };
        let number = [whole, decimals].concat();
        if whole.is_empty()
            || number.len() > MAX_DIGITS
            || decimals.len() > MAX_DECIMALS
            // Rust's integer parser would accept a sign.
            || !number.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(InvalidEuroRate);
        }
        let digits = number.parse().ok().filter(|digits| *digits > 0).ok_or(InvalidEuroRate)?;
        let scale = u8::try_from(decimals.len()).map_err(|_| InvalidEuroRate)?;
        Ok(Self { digits, scale })
    }
}

impl TryFrom<String> for EuroRate {
    type Error = InvalidEuroRate;

    fn try_from(text: String) -> Result<Self, InvalidEuroRate> {
        text.parse()
    }
}

impl fmt::Display for EuroRate {
    /// Writes the rate with its published decimals, such as `1.0562`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale);
        let unit = power_of_ten(self.scale);
        let digits = u128::from(self.digits);
        write!(out, "{}", digits / unit)?;
        if scale > 0 {
            write!(out, ".{:0scale$}", digits % unit)?;
        }
        Ok(())
    }
}

impl fmt::Debug for EuroRate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl From<EuroRate> for String {
    fn from(rate: EuroRate) -> Self {
        rate.to_string()
    }
}

/// The rate of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrencyRate {
    /// The currency.
    pub currency: Currency,
    /// The number of units of the currency that one euro buys.
    pub per_euro: EuroRate,
}

/// The reference rates of one day. There is at least one rate, each currency occurs once, and the euro does not
/// occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceRates {
    date: Date,
    /// Sorted by currency code.
    rates: Vec<CurrencyRate>,
}

/// The rates are not a valid table of reference rates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRates {
    /// The table is empty.
    #[error("the table contains no rate")]
    Empty,
    /// A currency occurs more than once.
    #[error("{} has more than one rate", .0.code())]
    Twice(Currency),
    /// The euro occurs.
    #[error("the table contains a rate for the euro itself")]
    Euro,
}

/// The published rates are implausible and must not be used until a person has checked them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Implausible {
    /// The rates are dated in the future.
    #[error("the rates are dated {date}, but today is {today}")]
    Future {
        /// The published date.
        date: Date,
        /// The current date in UTC.
        today: NaiveDate,
    },
    /// A rate changed by more than a factor of [`GREATEST_CHANGE`].
    #[error("{} changed from {known} on {known_date} to {published} on {date}", .currency.code())]
    Change {
        /// The currency.
        currency: Currency,
        /// The new rate.
        published: EuroRate,
        /// The date of the new rate.
        date: Date,
        /// The previous rate.
        known: EuroRate,
        /// The date of the previous rate.
        known_date: Date,
    },
}

/// The estimated price in another currency, for information only. The client is charged the price in its own
/// currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// The estimated amount, rounded half up to minor units.
    pub amount: Money,
    /// The date of the exchange rates.
    pub rate_date: Date,
    /// The publisher of the exchange rates.
    pub source: &'static str,
    /// Whether newer rates should exist: the rates are more than five days old, which no weekend or holiday explains.
    pub stale: bool,
}

impl ReferenceRates {
    /// Creates a table from the rates of a day, in any order.
    ///
    /// # Errors
    /// [`InvalidRates`] if there are no rates, a currency occurs twice, or the euro occurs.
    pub fn new(date: Date, mut rates: Vec<CurrencyRate>) -> Result<Self, InvalidRates> {
        rates.sort_unstable_by_key(|rate| rate.currency.code());
        if rates.is_empty() {
            return Err(InvalidRates::Empty);
        }
        if let Some([twice, _]) = rates.array_windows().find(|[one, next]| one.currency == next.currency) {
            return Err(InvalidRates::Twice(twice.currency));
        }
        if rates.iter().any(|rate| rate.currency == Currency::EUR) {
            return Err(InvalidRates::Euro);
        }
        Ok(Self { date, rates })
    }

    /// Returns the date of the rates.
    pub fn date(&self) -> Date {
        self.date
    }

    /// Returns all rates, sorted by currency code.
    pub fn rates(&self) -> &[CurrencyRate] {
        &self.rates
    }

    /// Returns how many units of `currency` one euro buys, or `None` if the table does not contain the currency.
    pub fn per_euro(&self, currency: Currency) -> Option<EuroRate> {
        if currency == Currency::EUR {
            return Some(EuroRate::ONE);
        }
        self.rates.iter().find(|rate| rate.currency == currency).map(|rate| rate.per_euro)
    }

    /// Returns the number of days from the date of the rates to the UTC date of `now`.
    pub fn age_days(&self, now: Timestamp) -> i64 {
        now.utc_date().signed_duration_since(self.date.naive()).num_days().max(0)
    }

    /// Returns whether newer rates should exist: these are older than [`FRESH_DAYS`].
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.age_days(now) > FRESH_DAYS
    }

    /// Converts a price through the euro, rounded half up to minor units. A price in the target currency is returned
    /// unchanged.
    ///
    /// Returns `None` if the table lacks one of the currencies, or if the result exceeds the maximum amount.
    pub fn convert(&self, price: Money, into: Currency) -> Option<Money> {
        let from = price.currency();
        if from == into {
            return Some(price);
        }
        let (sold, bought) = (self.per_euro(from)?, self.per_euro(into)?);
        // result = amount / 10^digits(from) / sold × bought × 10^digits(into). With amounts below 10⁸, rates as above
        // and at most four decimal digits per currency, both products are below 10³³, and 128 bits hold 10³⁸.
        let power =
            |minor_digits: u16, scale: u8| 10_u128.checked_pow(u32::from(minor_digits) + u32::from(scale));
        let numerator = u128::from(price.amount())
            .checked_mul(bought.digits.into())?
            .checked_mul(power(into.exponent(), sold.scale)?)?;
        let denominator = u128::from(sold.digits).checked_mul(power(from.exponent(), bought.scale)?)?;
        let rounded = numerator.checked_mul(2)?.checked_add(denominator)? / denominator.checked_mul(2)?;
        Money::new(u64::try_from(rounded).ok()?, into).ok()
    }

    /// Returns the estimate to show next to a price, or `None` as in [`Self::convert`].
    ///
    ///
    /// ```
    /// use domain::payments::exchange::{CurrencyRate, ReferenceRates};
    /// use domain::{Currency, Money};
    /// let dollar = Currency::try_from("USD".to_owned())?;
    /// let rate = CurrencyRate { currency: dollar, per_euro: "1.0562".parse()? };
    /// let rates = ReferenceRates::new("2027-03-05".parse()?, vec![rate])?;
    /// let price = Money::new(8_000, Currency::EUR)?;
    /// let estimate = rates.estimate(price, dollar, "2027-03-06T09:00:00Z".parse()?);
    /// assert_eq!(estimate.map(|estimate| estimate.amount.to_string()), Some("USD 84.50".to_owned()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn estimate(&self, price: Money, into: Currency, now: Timestamp) -> Option<Estimate> {
        let amount = self.convert(price, into)?;
        Some(Estimate { amount, rate_date: self.date, source: SOURCE, stale: self.is_stale(now) })
    }

    /// Returns whether these rates replace the `known` rates: only newer rates do.
    ///
    /// # Errors
    /// [`Implausible`] if these rates are dated in the future, or are newer but differ too much from the known rates.
    pub fn supersedes(&self, known: Option<&Self>, now: Timestamp) -> Result<bool, Implausible> {
        let today = now.utc_date();
        if self.date.naive() > today {
            return Err(Implausible::Future { date: self.date, today });
        }
        let Some(known) = known else { return Ok(true) };
        if self.date <= known.date {
            return Ok(false);
        }
        for &CurrencyRate { currency, per_euro } in &self.rates {
            if let Some(before) = known.per_euro(currency)
                && per_euro.differs_by_more_than(GREATEST_CHANGE, before)
            {
                return Err(Implausible::Change {
                    currency,
                    published: per_euro,
                    date: self.date,
                    known: before,
                    known_date: known.date,
                });
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
