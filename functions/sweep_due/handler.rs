//! Every minute: asks for everything that is owed by now to be done.

use app::operations::outbox::{Swept, sweep};
use app::{App, AppError};

/// Name of the function.
pub const FUNCTION: &str = "sweep_due";

/// Sweeps once; what it answers says how far behind the work is.
///
/// # Errors
/// When what is owed cannot be read or asked for.
pub async fn handle(app: &App) -> Result<Swept, AppError> {
    let swept = sweep(app).await?;
    if swept.found > 0 {
        tracing::info!(found = swept.found, oldest_seconds = swept.oldest_seconds, "swept");
    }
    Ok(swept)
}
