//! A model of the European Central Bank: rates change a little every day.

use app::payments::ports::ExchangeRates;
use app::ports::PortError;
use async_trait::async_trait;
use chrono::Datelike;
use domain::kernel::time::{DAY, HOUR};
use domain::payments::exchange::{CurrencyRate, ReferenceRates};
use domain::{Currency, Timestamp};

use crate::call::{Kind, call};
use crate::core::{Core, Shared};

/// Currencies other than the euro, one of them without minor units.
pub fn other_currencies() -> Vec<Currency> {
    ["USD", "JPY"].into_iter().filter_map(|code| Currency::try_from(code.to_owned()).ok()).collect()
}

/// The rates of a day: dollars per euro in hundredths, and whole yen per euro (to which half a yen is added).
fn per_euro(day: chrono::NaiveDate) -> (u64, u64) {
    let number = u64::from(day.ordinal() % 90);
    (105 + number, 150 + number)
}

/// All valid amounts for a price in euro cents in another currency, by the rates of each day that may still be used.
pub fn worth(now: Timestamp, cents: u64, currency: Currency) -> Vec<u64> {
    let days = (0..12).map(|back| now.plus(-16 * HOUR - back * DAY).utc_date());
    let converted = days.map(|day| {
        let (dollars, yen) = per_euro(day);
        match currency.code() {
            "USD" => (2 * cents * dollars + 100) / 200,
            _ => (cents * (2 * yen + 1) + 100) / 200,
        }
    });
    converted.collect()
}

/// The exchange rate port.
pub struct SimRates(pub Shared);

fn on_lost(why: &'static str) -> Result<ReferenceRates, PortError> {
    Err(PortError(why.to_owned()))
}

fn published(core: &Core) -> Result<ReferenceRates, PortError> {
    let unreadable = |error: &dyn std::fmt::Display| PortError(error.to_string());
    // Rates are published in the afternoon.
    let day = core.instant().plus(-16 * HOUR).utc_date();
    let (dollars, yen) = per_euro(day);
    let texts = [format!("{}.{:02}", dollars / 100, dollars % 100), format!("{yen}.5")];
    let rates = other_currencies().into_iter().zip(texts).map(|(currency, text)| {
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
        call(&self.0, Kind::Read, || "read the exchange rates".to_owned(), on_lost, |core| published(core))
            .await
    }
}
