//! Doing what is owed, and finding what nobody did.

use domain::payments::ledger::{Movement, MovementKind};
use domain::receipts::receipt::{Occasion, OccasionKind};
use domain::scheduling::appointment::{Appointment, Event};
use domain::{AppointmentId, Timestamp};
use serde_json::json;
use store::operations::keys::OUTBOX_SHARDS;
use store::{CommitError, Job, OutboxEntry, Transaction};

use crate::payments::accounts;
use crate::payments::payouts::record_payouts;
use crate::payments::process::{Next, process_payment};
use crate::ports::DomainEvent;
use crate::receipts::receipt;
use crate::{App, AppError};

/// Seconds for which nobody else works on an effect: six times the worker's time limit, so that a worker that froze and
/// woke late is surely ended.
pub const LEASE: i64 = 180;
/// What the log says when an effect failed. The alarm in `template.yaml` waits for these words.
pub const JOB_FAILED: &str = "job failed, will retry";
/// Seconds by which the clocks of two functions may differ.
const CLOCK_SKEW: i64 = 2;
/// The first pause after a failure, in seconds; it doubles with each failure.
const FIRST_PAUSE: i64 = 15;
/// The longest pause.
const LONGEST_PAUSE: i64 = 3_600;
/// Most rounds for an effect that becomes owed again while it is done.
const MOST_ROUNDS: usize = 4;
/// Most effects that one sweep takes from each shard.
const MOST_SWEPT: u16 = 500;

/// Does what is owed, as far as it is owed now. Done again, or by two at once, it comes to the same.
///
/// A failure leaves the effect owed, and the row says why.
///
/// # Errors
/// When not even that could be written.
pub async fn process(app: &App, job: Job) -> Result<(), AppError> {
    for _ in 0..MOST_ROUNDS {
        let now = app.now();
        let Some(due) = app.store.outbox_entry(&job).await? else { return Ok(()) };
        if due.due_at > now.plus(CLOCK_SKEW) {
            // Leased by somebody else, or a timer whose message came early.
            return Ok(());
        }
        let leased = OutboxEntry {
            due_at: now.plus(LEASE),
            stamp: app.stamp(),
            attempts: due.attempts + 1,
            ..due.clone()
        };
        if !write(app, |transaction| transaction.reschedule(&leased, due.stamp)).await? {
            return Ok(());
        }
        let next = match perform(app, job).await {
            Ok(Next::Never) => None,
            Ok(Next::At(instant)) => Some(OutboxEntry::new(job, instant, app.stamp())),
            Err(error) => {
                tracing::error!(%job, %error, attempts = leased.attempts, "{JOB_FAILED}");
                let pause = (FIRST_PAUSE << (leased.attempts.clamp(1, 16) - 1)).min(LONGEST_PAUSE);
                Some(OutboxEntry {
                    due_at: app.now().plus(pause),
                    stamp: app.stamp(),
                    last_error: error.to_string(),
                    ..leased.clone()
                })
            }
        };
        let written = match &next {
            None => {
                write(app, |transaction| {
                    transaction.finish(&leased);
                    Ok(())
                })
                .await?
            }
            Some(next) => write(app, |transaction| transaction.reschedule(next, leased.stamp)).await?,
        };
        if written {
            return Ok(());
        }
        // It became owed again while it was done, so what was done may not be enough.
    }
    Ok(())
}

/// Writes one row; whether it was still as expected.
async fn write(
    app: &App,
    change: impl FnOnce(&mut Transaction) -> Result<(), CommitError>,
) -> Result<bool, AppError> {
    let mut transaction = Transaction::new();
    change(&mut transaction)?;
    match app.store.commit(transaction).await {
        Ok(()) => Ok(true),
        Err(CommitError::VersionConflict(_)) => Ok(false),
        Err(failure) => Err(failure.into()),
    }
}

async fn perform(app: &App, job: Job) -> Result<Next, AppError> {
    match job {
        Job::Payment(id) => process_payment(app, id).await,
        Job::Announcement { appointment, version, event } => {
            publish(app, appointment, version, event).await?;
            Ok(Next::Never)
        }
        Job::PaymentAccount(expert, gateway) => {
            accounts::refresh(app, expert, gateway).await?;
            Ok(Next::Never)
        }
        Job::Payouts(expert, gateway) => record_payouts(app, expert, gateway).await,
        Job::Receipts(id) => {
            issue_receipts(app, id).await?;
            Ok(Next::Never)
        }
    }
}

/// Sees to it that each payment, each refund, and each refund that came back has its document.
async fn issue_receipts(app: &App, id: AppointmentId) -> Result<(), AppError> {
    let Some(record) = app.store.latest_appointment_record(id).await? else { return Ok(()) };
    let payment = |movements: &[Movement]| {
        let captured = movements.iter().find(|movement| movement.kind == MovementKind::Captured);
        captured.map(|movement| movement.object.clone())
    };
    for movement in &record.movements {
        let kind = match movement.kind {
            MovementKind::Captured => OccasionKind::Payment,
            // What was settled by hand is a refund to the client all the same.
            MovementKind::Refund | MovementKind::ResolvedManually => match payment(&record.movements) {
                Some(payment) => OccasionKind::Refund { payment },
                None => continue,
            },
            MovementKind::RefundFailed => OccasionKind::FailedRefund,
            _ => continue,
        };
        let Movement { amount, object, at, .. } = movement.clone();
        receipt::issue(app, &record.appointment, &Occasion { kind, object, amount, at }).await?;
    }
    Ok(())
}

async fn publish(app: &App, id: AppointmentId, version: u64, event: Event) -> Result<(), AppError> {
    let Some(appointment) = app.store.appointment(id).await? else { return Ok(()) };
    let event = DomainEvent {
        id: format!("{id}:{version}:{}", event.name()),
        kind: event.name().to_owned(),
        detail: detail(&appointment, version),
    };
    app.events.publish(&event).await.map_err(|error| AppError::Port("the event bus", error))
}

/// What integrators learn: ids and times, no names and no addresses.
fn detail(appointment: &Appointment, version: u64) -> serde_json::Value {
    json!({
        "appointment_id": appointment.id,
        "appointment_version": version,
        "expert_id": appointment.expert,
        "client_id": appointment.client,
        "session_type_id": appointment.session_type,
        "start": appointment.start,
        "end": appointment.end,
        "status_now": appointment.status.as_str(),
    })
}

/// What a sweep found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Effects that were owed and are now asked for again.
    pub found: usize,
    /// Seconds since the oldest of them became owed.
    pub oldest_seconds: i64,
}

/// Asks for everything that is owed by now to be done: timers that ran out, and what a lost message left behind.
///
/// # Errors
/// When what is owed cannot be read or asked for; the next sweep finds it again.
pub async fn sweep(app: &App) -> Result<Sweep, AppError> {
    let now: Timestamp = app.now();
    let mut swept = Sweep::default();
    let mut failure = None;
    for shard in 0..OUTBOX_SHARDS {
        // What holds one of them up shall not hold up the others.
        match sweep_shard(app, shard, now).await {
            Ok(found) => {
                swept.found += found.found;
                swept.oldest_seconds = swept.oldest_seconds.max(found.oldest_seconds);
            }
            Err(error) => {
                tracing::warn!(%error, shard, "what is owed there waits for the next sweep");
                failure = Some(error);
            }
        }
    }
    failure.map_or(Ok(swept), Err)
}

async fn sweep_shard(app: &App, shard: u8, now: Timestamp) -> Result<Sweep, AppError> {
    let mut due = Vec::new();
    for row in app.store.due_outbox_entries(shard, now, MOST_SWEPT).await? {
        match row {
            Ok(row) => due.push(row),
            Err(error) => tracing::error!(%error, "what is owed cannot be understood, so it waits"),
        }
    }
    let oldest = due.iter().map(|due| now.seconds() - due.first_due_at.seconds()).max();
    let jobs: Vec<Job> = due.iter().map(|due| due.job).collect();
    if !jobs.is_empty() {
        app.queue.send(&jobs).await.map_err(|error| AppError::Port("the queue", error))?;
    }
    Ok(Sweep { found: jobs.len(), oldest_seconds: oldest.unwrap_or(0) })
}
