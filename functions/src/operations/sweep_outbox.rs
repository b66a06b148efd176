//! Every minute: sends the names of all due outbox entries to the queues of their failure domains.

use app::identity::Actor;
use app::operations::outbox::{Sweep, sweep};
use app::{App, AppError};
use http_api::telemetry;
use serde_json::Value;

use crate::runtime::Worker;

/// Invoked by a schedule. Writes the metrics `OldestOutboxEntrySeconds`, `DueOutboxEntries` and
/// `UnreadableOutboxEntries`.
pub const WORKER: Worker = Worker {
    function: "sweep_outbox",
    handler: |app, _| {
        Box::pin(async move {
            let swept = handle(app).await?;
            telemetry::metrics(&[
                ("OldestOutboxEntrySeconds", "Seconds", swept.oldest_seconds),
                ("DueOutboxEntries", "Count", i64::try_from(swept.queued).unwrap_or(i64::MAX)),
                ("UnreadableOutboxEntries", "Count", i64::try_from(swept.unreadable).unwrap_or(i64::MAX)),
            ]);
            Ok(Value::Null)
        })
    },
};

/// Sweeps the outbox once, and returns how far behind the jobs are.
///
/// # Errors
/// When the outbox cannot be read, or a queue does not accept the names.
pub async fn handle(app: &App) -> Result<Sweep, AppError> {
    let swept = sweep(app, &Actor::Platform).await?;
    if swept.queued > 0 {
        tracing::info!(found = swept.queued, oldest_seconds = swept.oldest_seconds, "swept the outbox");
    }
    Ok(swept)
}
