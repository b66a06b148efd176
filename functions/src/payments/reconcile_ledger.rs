//! Every hour: compares the ledger with the payment gateways' books.

use app::identity::Actor;
use app::payments::reconciliation::{Reconciled, reconcile};
use app::{App, AppError};
use http_api::telemetry;
use serde_json::Value;

use crate::runtime::Worker;

/// Invoked by a schedule. Writes the metrics `LedgerDifferences` and `ReconciledLines`.
pub const WORKER: Worker = Worker {
    function: "reconcile_ledger",
    handler: |app, _| {
        Box::pin(async move {
            let Reconciled { lines, differences } = handle(app).await?;
            let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
            telemetry::metrics(&[
                ("LedgerDifferences", "Count", count(differences)),
                ("ReconciledLines", "Count", count(lines)),
            ]);
            Ok(Value::Null)
        })
    },
};

/// Reconciles once, and returns how many lines were compared and how many differences there are.
///
/// # Errors
/// When a gateway or the table does not answer.
pub async fn handle(app: &App) -> Result<Reconciled, AppError> {
    let reconciled = reconcile(app, &Actor::Platform).await?;
    let Reconciled { lines, differences } = reconciled;
    tracing::info!(lines, differences, "reconciled the ledger");
    Ok(reconciled)
}
