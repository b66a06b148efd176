//! Every hour: fetches the exchange rates that estimates go by.

use app::payments::exchange_rates;
use app::payments::exchange_rates::{RefreshError, refresh};
use app::{App, AppError};

/// Name of the function.
pub const FUNCTION: &str = "fetch_exchange_rates";

/// Fetches once, and says in the log what came of it; answers whether there were newer rates.
///
/// # Errors
/// When none could be taken; those that are kept stay in force.
pub async fn handle(app: &App) -> Result<bool, RefreshError> {
    refresh(app).await.inspect_err(|error| tracing::error!(%error, "no new exchange rates"))
}

/// How many days old the rates in force are, fetched just now or not; none before the first were fetched.
///
/// # Errors
/// When they cannot be read.
pub async fn age_days(app: &App) -> Result<Option<i64>, AppError> {
    exchange_rates::age_days(app).await
}
