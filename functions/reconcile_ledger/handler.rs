//! Every hour: holds the ledger against the gateways' books.

use app::payments::reconciliation::{Reconciled, reconcile};
use app::{App, AppError};

/// Name of the function.
pub const FUNCTION: &str = "reconcile_ledger";

/// Reconciles once; what it answers says what was compared and what differs.
///
/// # Errors
/// When a gateway or the table does not answer.
pub async fn handle(app: &App) -> Result<Reconciled, AppError> {
    let reconciled = reconcile(app).await?;
    let Reconciled { lines, differences } = reconciled;
    tracing::info!(lines, differences, "reconciled");
    Ok(reconciled)
}
