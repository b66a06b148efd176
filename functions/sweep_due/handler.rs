//! Every minute: asks for everything that is owed by now to be done.

use app::{App, AppError, effects};
use http_api::telemetry;

/// Name of the function.
pub const FUNCTION: &str = "sweep_due";

/// Sweeps once, and says how far behind the work is.
///
/// # Errors
/// When what is owed cannot be read or asked for.
pub async fn handle(app: &App) -> Result<(), AppError> {
    let swept = effects::sweep(app).await?;
    let found = i64::try_from(swept.found).unwrap_or(i64::MAX);
    telemetry::metrics(&[
        ("OldestDueItemSeconds", "Seconds", swept.oldest_seconds),
        ("DueItems", "Count", found),
    ]);
    Ok(())
}
