//! Every hour: fetches the reference rates that price estimates use.

use app::App;
use app::identity::Actor;
use app::payments::exchange_rates::{RefreshError, age_days, refresh};
use http_api::telemetry;
use serde_json::Value;

use crate::runtime::Worker;

/// Invoked by a schedule. Writes the metric `ExchangeRatesAgeDays`, also if the rates could not be fetched: its alarm watches
/// the age of the rates in use.
pub const WORKER: Worker = Worker {
    function: "fetch_exchange_rates",
    handler: |app, _| {
        Box::pin(async move {
            let fetched = handle(app).await;
            if let Some(days) = age_days(app, &Actor::Platform).await? {
                telemetry::metrics(&[("ExchangeRatesAgeDays", "Count", days)]);
            }
            fetched?;
            Ok(Value::Null)
        })
    },
};

/// Fetches the rates once, and returns whether there were newer ones.
///
/// # Errors
/// When the rates cannot be fetched, or are implausible; the stored ones stay in use.
pub async fn handle(app: &App) -> Result<bool, RefreshError> {
    refresh(app, &Actor::Platform)
        .await
        .inspect_err(|error| tracing::error!(%error, "the exchange rates were not updated"))
}
