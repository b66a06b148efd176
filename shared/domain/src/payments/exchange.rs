//! What a price comes to in another currency, by the euro foreign exchange reference rates of the European Central Bank
//! (<https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/>).
//!
//! Rates are exact decimals and the arithmetic is that of integers, so that an estimate is the same everywhere and always.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::time::{Date, Timestamp};
use crate::{Currency, Money};

/// Who publishes the rates, as readers are told.
pub const SOURCE: &str = "European Central Bank";

/// The greatest age of rates that are not stale, in days.
///
/// Rates come about 16:00 in Frankfurt on working days of TARGET, whose holidays are 1 January, Good Friday, Easter Monday,
/// 1 May, 25 and 26 December. So those of the Thursday before Easter are the latest until the Tuesday after it, which is five days,
/// and no gap of the calendar is longer. Older rates mean that publications were missed.
pub const FRESH_DAYS: i64 = 5;

/// By how much a rate may change from one publication to the next, as a factor. More is an error of somebody's, or a
/// currency that was redenominated; a person has to look at either.
pub const GREATEST_CHANGE: u128 = 10;

/// Most digits of a rate.
const MOST_DIGITS: usize = 12;
/// Most of them behind the point.
const MOST_DECIMALS: usize = 8;

/// How many units of a currency one euro buys: an exact decimal above zero, written as it was published.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EuroRate {
    /// The digits without the point; at least 1, below 10¹².
    digits: u64,
    /// How many of them stand behind the point; at most 8.
    scale: u8,
}

/// The text is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a decimal number above zero with at most 12 digits, at most 8 of them behind the point, such as 1.0562"
)]
pub struct InvalidEuroRate;

impl EuroRate {
    /// The euro against itself.
    const ONE: Self = Self { digits: 1, scale: 0 };

    /// Whether one is more than `factor` times the other.
    fn differs_by_more_than(self, factor: u128, other: Self) -> bool {
        // At most 10¹² × 10⁸ each, so `factor` may be large.
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
            || number.len() > MOST_DIGITS
            || decimals.len() > MOST_DECIMALS
            // A sign is no digit, though Rust would read one.
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
    /// `1.0562`, with the decimals that were published.
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

impl JsonSchema for EuroRate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EuroRate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^[0-9]{1,12}(\.[0-9]{1,8})?$",
            "description": "How many units of the currency one euro buys, as an exact decimal",
        })
    }
}

/// The rate of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CurrencyRate {
    /// Which currency.
    pub currency: Currency,
    /// How much of it one euro buys.
    pub per_euro: EuroRate,
}

/// The rates of one day: at least one, each currency once, never the euro itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct ReferenceRates {
    date: Date,
    /// By the currencies' codes.
    rates: Vec<CurrencyRate>,
}

#[derive(Deserialize)]
struct Unchecked {
    date: Date,
    rates: Vec<CurrencyRate>,
}

/// The rates are not a table of reference rates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRates {
    /// There are none.
    #[error("there is no rate of any currency")]
    Empty,
    /// A currency has two.
    #[error("{} has more than one rate", .0.code())]
    Twice(Currency),
    /// The euro has one.
    #[error("the euro has a rate against itself")]
    Euro,
}

/// Rates were published that nobody should go by before a person has looked at them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Implausible {
    /// They are of a day that has not come.
    #[error("the rates are of {date}, and today is {today}")]
    Future {
        /// As published.
        date: Date,
        /// In UTC.
        today: NaiveDate,
    },
    /// A currency changed by more than a factor of [`GREATEST_CHANGE`].
    #[error("{} is at {published} on {date}, and was at {known} on {known_date}", .currency.code())]
    Change {
        /// Which.
        currency: Currency,
        /// Its new rate.
        published: EuroRate,
        /// The day of that.
        date: Date,
        /// Its rate before.
        known: EuroRate,
        /// The day of that.
        known_date: Date,
    },
}

/// What a price comes to in another currency: a help for readers. What is charged is the price itself, in its own currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Estimate {
    /// About how much, rounded half up in minor units.
    pub amount: Money,
    /// The day whose rates were used.
    pub rate_date: Date,
    /// Who published them.
    pub source: &'static str,
    /// Whether newer rates should be there by now: they are more than five days old, which neither a weekend nor a holiday
    /// explains.
    pub stale: bool,
}

impl TryFrom<Unchecked> for ReferenceRates {
    type Error = InvalidRates;

    fn try_from(Unchecked { date, rates }: Unchecked) -> Result<Self, InvalidRates> {
        Self::new(date, rates)
    }
}

impl ReferenceRates {
    /// The rates of a day, in any order.
    ///
    /// # Errors
    /// When there are none, a currency comes twice, or the euro is among them.
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

    /// The day they are of.
    pub fn date(&self) -> Date {
        self.date
    }

    /// All of them, by the currencies' codes.
    pub fn rates(&self) -> &[CurrencyRate] {
        &self.rates
    }

    /// How many units of `currency` one euro buys; `None` when the table does not say.
    pub fn per_euro(&self, currency: Currency) -> Option<EuroRate> {
        if currency == Currency::EUR {
            return Some(EuroRate::ONE);
        }
        self.rates.iter().find(|rate| rate.currency == currency).map(|rate| rate.per_euro)
    }

    /// Days from the rates' day to that of `now` in UTC.
    pub fn age_days(&self, now: Timestamp) -> i64 {
        now.utc_day().signed_duration_since(self.date.naive()).num_days().max(0)
    }

    /// Whether newer rates should be there by now: they are older than [`FRESH_DAYS`].
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.age_days(now) > FRESH_DAYS
    }

    /// A price in another currency, by way of the euro, rounded half up to minor units. In its own currency it is itself.
    ///
    /// `None` when the table lacks one of the currencies, or the result is more than an amount can be.
    pub fn convert(&self, price: Money, into: Currency) -> Option<Money> {
        let from = price.currency();
        if from == into {
            return Some(price);
        }
        let (sold, bought) = (self.per_euro(from)?, self.per_euro(into)?);
        // amount / 10^minor digits of `from` / sold × bought × 10^minor digits of `into`. With amounts below 10⁸, rates as
        // above and four minor digits at most, neither product reaches 10³³, where 128 bits hold 10³⁸.
        let power =
            |minor_digits: u16, scale: u8| 10_u128.checked_pow(u32::from(minor_digits) + u32::from(scale));
        let numerator = u128::from(price.amount())
            .checked_mul(bought.digits.into())?
            .checked_mul(power(into.exponent(), sold.scale)?)?;
        let denominator = u128::from(sold.digits).checked_mul(power(from.exponent(), bought.scale)?)?;
        let rounded = numerator.checked_mul(2)?.checked_add(denominator)? / denominator.checked_mul(2)?;
        Money::new(u64::try_from(rounded).ok()?, into).ok()
    }

    /// What readers are shown next to a price; `None` as for [`Self::convert`].
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

    /// Whether these rates take the place of those that were `known`: only newer ones do.
    ///
    /// # Errors
    /// [`Implausible`] when they are of a day that has not come, or newer and too different from what was known.
    pub fn succeed(&self, known: Option<&Self>, now: Timestamp) -> Result<bool, Implausible> {
        let today = now.utc_day();
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
