//! Runs jobs, and finds jobs whose message was lost or whose time has come.
//!
//! [`process`] handles one job:
//! 1. It reads the outbox entry. If there is none, or it is not due, there is nothing to do.
//! 2. It leases the entry: it postpones the due time to the end of the lease, on condition that the entry has not changed.
//! 3. It runs the job. A job reads the current state and makes the outside world match, so running it again has no further
//!    effect.
//! 4. It deletes the entry, or moves it to the next time, on condition that it is still the entry that was leased. If the job
//!    was enqueued again meanwhile, the entry has changed, and the job runs again.

use domain::Timestamp;
use store::operations::keys::OUTBOX_SHARDS;
use store::{CommitError, Job, OutboxEntry, Transaction};

use crate::identity::Actor;
use crate::payments::accounts;
use crate::payments::payouts::record_payouts;
use crate::payments::process::{NextRun, process_payment};
use crate::receipts::receipt;
use crate::scheduling::events;
use crate::{App, AppError};

/// How long a leased entry is hidden from other workers, in seconds. It is six times the timeout of the function, as AWS
/// recommends for the visibility timeout of a queue, so a suspended worker has ended before another one starts.
pub const LEASE: i64 = 180;
/// The log message of a failed job. An alarm in `template.yaml` looks for it.
pub const JOB_FAILED: &str = "job failed, will retry";
/// An entry that is due at most this many seconds from now counts as due, because the clocks of functions differ.
const CLOCK_SKEW: i64 = 2;
/// The pause after the first failure, in seconds. It doubles with each failure.
const BASE_DELAY_SECONDS: i64 = 15;
/// The maximum pause after a failure, in seconds.
const MAX_DELAY_SECONDS: i64 = 3_600;
/// The maximum number of times that one invocation runs a job that is enqueued again meanwhile. After that, the entry stays
/// due.
const MAX_RUNS: usize = 4;
/// The maximum number of entries that one sweep queues from each shard.
const MAX_SWEPT: u16 = 500;

/// Processes a job if it is due. Processing it again, or concurrently, has no further effect.
///
/// If the job fails, its outbox entry stores the error and the time of the next attempt, and the result is `Ok`.
///
/// # Errors
/// If the outbox entry cannot be read or written. [`AppError::Forbidden`] if the actor is not the platform.
pub async fn process(app: &App, actor: &Actor, job: Job) -> Result<(), AppError> {
    actor.require_platform()?;
    for _ in 0..MAX_RUNS {
        let now = app.now();
        let Some(due) = app.store.outbox_entry(&job).await? else { return Ok(()) };
        if due.due_at > now.plus(CLOCK_SKEW) {
            // It is leased by another worker, or it is a timer whose message came early.
            return Ok(());
        }
        let leased = OutboxEntry {
            due_at: now.plus(LEASE),
            token: app.new_token(),
            attempts: due.attempts + 1,
            ..due.clone()
        };
        if !write(app, |transaction| transaction.reschedule(&leased, due.token)).await? {
            return Ok(());
        }
        let next = match run(app, job).await {
            Ok(NextRun::Never) => None,
            Ok(NextRun::At(instant)) => Some(OutboxEntry::new(job, instant, app.new_token())),
            Err(error) => {
                tracing::error!(%job, %error, attempts = leased.attempts, "{JOB_FAILED}");
                let pause = (BASE_DELAY_SECONDS << (leased.attempts.clamp(1, 16) - 1)).min(MAX_DELAY_SECONDS);
                Some(OutboxEntry {
                    due_at: app.now().plus(pause),
                    token: app.new_token(),
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
            Some(next) => write(app, |transaction| transaction.reschedule(next, leased.token)).await?,
        };
        if written {
            return Ok(());
        }
        // The job was enqueued again while it ran, so it may have missed a change.
    }
    Ok(())
}

/// Commits one write. Returns whether the entry was still the expected one.
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

/// Runs a job. Returns when to run it again.
async fn run(app: &App, job: Job) -> Result<NextRun, AppError> {
    match job {
        Job::Payment(id) => process_payment(app, id).await,
        Job::PublishEvent { appointment, version, event } => {
            events::publish(app, appointment, version, event).await?;
            Ok(NextRun::Never)
        }
        Job::PaymentAccount(expert, gateway) => {
            accounts::refresh(app, expert, gateway).await?;
            Ok(NextRun::Never)
        }
        Job::Payouts(expert, gateway) => record_payouts(app, expert, gateway).await,
        Job::Receipts(id) => {
            receipt::issue_missing(app, id).await?;
            Ok(NextRun::Never)
        }
    }
}

/// The result of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sweep {
    /// How many due jobs were queued.
    pub queued: usize,
    /// For how long the oldest of them has been due, in seconds.
    pub oldest_seconds: i64,
}

/// Queues due jobs, at most 500 of each shard, the oldest first: timers whose time has come, and jobs whose message
/// was lost.
///
/// # Errors
/// If a shard cannot be read or its jobs cannot be queued. The other shards are still swept, and the next sweep finds the rest.
/// [`AppError::Forbidden`] if the actor is not the platform.
pub async fn sweep(app: &App, actor: &Actor) -> Result<Sweep, AppError> {
    actor.require_platform()?;
    let now: Timestamp = app.now();
    let mut swept = Sweep::default();
    let mut failure = None;
    for shard in 0..OUTBOX_SHARDS {
        // A shard that fails does not stop the others.
        match sweep_shard(app, shard, now).await {
            Ok(found) => {
                swept.queued += found.queued;
                swept.oldest_seconds = swept.oldest_seconds.max(found.oldest_seconds);
            }
            Err(error) => {
                tracing::warn!(%error, shard, "the jobs of this shard wait for the next sweep");
                failure = Some(error);
            }
        }
    }
    failure.map_or(Ok(swept), Err)
}

async fn sweep_shard(app: &App, shard: u8, now: Timestamp) -> Result<Sweep, AppError> {
    let mut entries: Vec<OutboxEntry> = Vec::new();
    for entry in app.store.due_outbox_entries(shard, now, MAX_SWEPT).await? {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => tracing::error!(%error, "an outbox entry cannot be read; it stays"),
        }
    }
    let oldest = entries.iter().map(|entry| now.seconds() - entry.first_due_at.seconds()).max();
    let jobs: Vec<Job> = entries.iter().map(|entry| entry.job).collect();
    if !jobs.is_empty() {
        app.queue.send(&jobs).await.map_err(|error| AppError::Port("the queue", error))?;
    }
    Ok(Sweep { queued: jobs.len(), oldest_seconds: oldest.unwrap_or(0) })
}
