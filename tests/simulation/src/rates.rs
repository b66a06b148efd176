//! A model of the European Central Bank: each day has its table, in which rates move a little.

use app::payments::ports::ExchangeRates;
use app::ports::PortError;
use async_trait::async_trait;
use chrono::Datelike;
use domain::kernel::time::{DAY, HOUR};
use domain::payments::exchange::{CurrencyRate, ReferenceRates};
use domain::{Currency, Timestamp};

use crate::call::{Kind, call};
use crate::core::{Core, Shared};

/// Currencies other than the euro that can be paid in, one of them without minor units.
pub fn others() -> Vec<Currency> {
    ["USD", "JPY"].into_iter().filter_map(|code| Currency::try_from(code.to_owned()).ok()).collect()
}

/// The hundredths that a euro is worth on a day: of dollars and, with a half besides, of yen.
fn per_euro(day: chrono::NaiveDate) -> (u64, u64) {
    let number = u64::from(day.ordinal() % 90);
    (105 + number, 150 + number)
}

/// What a price in euro cents may be in another currency at an instant, by the table of any of the days that still count.
pub fn worth(now: Timestamp, cents: u64, currency: Currency) -> Vec<u64> {
    let days = (0..12).map(|back| now.plus(-16 * HOUR - back * DAY).utc_day());
    let converted = days.map(|day| {
        let (dollars, yen) = per_euro(day);
        match currency.code() {
            "USD" => (2 * cents * dollars + 100) / 200,
            _ => (cents * (2 * yen + 1) + 100) / 200,
        }
    });
    converted.collect()
}

/// The source of rates as functions see it.
pub struct SimRates(pub Shared);

fn silent(why: &'static str) -> Result<ReferenceRates, PortError> {
    Err(PortError(why.to_owned()))
}

fn published(core: &Core) -> Result<ReferenceRates, PortError> {
    let unreadable = |error: &dyn std::fmt::Display| PortError(error.to_string());
    // They come in the afternoon.
    let day = core.instant().plus(-16 * HOUR).utc_day();
    let (dollars, yen) = per_euro(day);
    let texts = [format!("{}.{:02}", dollars / 100, dollars % 100), format!("{yen}.5")];
    let rates = others().into_iter().zip(texts).map(|(currency, text)| {
        let per_euro = text.parse().map_err(|error| unreadable(&error))?;
        Ok(CurrencyRate { currency, per_euro })
    });
    let rates = rates.collect::<Result<Vec<_>, PortError>>()?;
    let date = day.try_into().map_err(|error: domain::kernel::time::InvalidDate| unreadable(&error))?;
    ReferenceRates::new(date, rates).map_err(|error| unreadable(&error))
}

#[async_trait]
impl ExchangeRates for SimRates {
    async fn latest(&self) -> Result<ReferenceRates, PortError> {
        call(&self.0, Kind::Read, || "read the exchange rates".to_owned(), silent, |core| published(core))
            .await
    }
}
