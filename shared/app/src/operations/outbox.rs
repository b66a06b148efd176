//! Runs jobs, and finds jobs whose message was lost or whose time has come.
//!
//! [`process`] handles one job:
//! 1. It reads the outbox entry. If there is none, or it is not due, there is nothing to do.
//! 2. It leases the entry: it postpones the due time to the end of the lease, on condition that the entry has not changed.
//! 3. It runs the job. A job reads the current state and makes the outside world match, so running it again has no further
//!    effect.
//! 4. It deletes the entry, or moves it to the next time, on condition that it is still the entry that was leased. If the job
//!    was enqueued again meanwhile, the entry has changed, and the job runs again.
//!
//! An entry that this release cannot read is set aside: it is due again after a minute at first and about an hour in the end, in case
//! that another release can read it by then, and administrators see it with the failing jobs.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use domain::Timestamp;
use futures_util::FutureExt;
use futures_util::future::join_all;
use store::operations::keys::outbox_shards;
use store::{CommitError, FailureDomain, JobName, OutboxEntry, StoredEntry, Transaction};

use super::error::reason;
use super::jobs::{Job, UnreadableEntry};
use crate::identity::Actor;
use crate::jobs::NextRun;
use crate::{App, AppError};

/// The log message of a failed job. An alarm in `template.yaml` looks for it.
pub const JOB_FAILED: &str = "job failed, will retry";
/// The log message of an outbox entry that cannot be read. An alarm in `template.yaml` looks for it.
pub const ENTRY_UNREADABLE: &str = "an outbox entry cannot be read";
/// What an entry stores if its last attempt did not end.
const NOT_ENDED: &str = "the worker stopped during the last attempt: it crashed or timed out";
/// What an entry stores if its job panicked.
const PANICKED: &str = "the job panicked";
/// An entry that is due at most this many seconds from now counts as due, because the clocks of functions differ.
const CLOCK_SKEW: i64 = 2;
/// The pause after the first failure, in seconds. It doubles with each failure.
const BASE_DELAY_SECONDS: i64 = 15;
/// The maximum pause after a failure, in seconds.
const MAX_DELAY_SECONDS: i64 = 3_600;
/// The maximum number of times that one invocation runs a job that is enqueued again meanwhile. After that, the entry stays
/// due.
const MAX_RUNS: usize = 4;
/// The pause of an entry that was set aside for the first time, in seconds. Later it is as long as all pauses before it, up to
/// [`MAX_DELAY_SECONDS`]. While a release is being deployed, a worker of the old release only delays an entry of the new one by
/// minutes.
const BASE_UNREADABLE_SECONDS: i64 = 60;
/// The maximum number of jobs of a failure domain that one sweep queues from each shard, and the number of entries that it reads
/// at once.
const MAX_SWEPT: u16 = 500;
/// How many unreadable entries a sweep sets aside at once.
const MAX_CONCURRENT: usize = 25;
/// A sweep begins no further round after this many seconds. The function's timeout is 30 seconds.
const SWEEP_SECONDS: i64 = 12;

/// The timeout of the worker of a failure domain, in seconds, as in `template.yaml`.
pub const fn worker_timeout_seconds(failure_domain: FailureDomain) -> i64 {
    match failure_domain {
        FailureDomain::Payments => 30,
        FailureDomain::General => 20,
    }
}

/// How long a leased entry is hidden from other workers, in seconds. It is six times the timeout of the worker, as AWS
/// recommends for the visibility timeout of a queue, so a suspended worker has ended before another one starts.
pub const fn lease_seconds(failure_domain: FailureDomain) -> i64 {
    6 * worker_timeout_seconds(failure_domain)
}

/// Processes a job if it is due, as the worker of a failure domain. Processing it again, or concurrently, has no further effect.
///
/// If the job fails or panics, its outbox entry stores the reason and the time of the next attempt, and the result is `Ok`. An
/// entry that cannot be read is set aside. A job of another failure domain is left to the sweep, which sends it to its own worker.
///
/// # Errors
/// If the outbox entry cannot be read or written. [`AppError::Forbidden`] if the actor is not the platform.
pub async fn process(
    app: &App,
    actor: &Actor,
    failure_domain: FailureDomain,
    name: &JobName,
) -> Result<(), AppError> {
    actor.require_platform()?;
    for _ in 0..MAX_RUNS {
        let now = app.now();
        let Some(stored) = app.store.outbox_entry(name).await? else { return Ok(()) };
        if stored.due_at().is_some_and(|due_at| due_at > now.plus(CLOCK_SKEW)) {
            // It is leased by another worker, was set aside, or is a timer whose message came early.
            return Ok(());
        }
        let (due, job) = match Job::read(&stored) {
            Ok(read) => read,
            Err(why) => return set_aside(app, &stored, why).await,
        };
        if job.failure_domain() != failure_domain {
            // Another release has the job in another failure domain. It stays due, and the sweep sends it to its worker, at most
            // once a minute. If it was sent on at once, two releases could send it back and forth without a pause.
            return Ok(());
        }
        let leased = with_lease(app, failure_domain, &due, now);
        if !commit_if_unchanged(app, |transaction| transaction.reschedule(&leased, due.token)).await? {
            return Ok(());
        }
        let next = match AssertUnwindSafe(job.run(app)).catch_unwind().await {
            Ok(Ok(NextRun::WhenEnqueued)) => None,
            Ok(Ok(NextRun::At(instant))) => Some(job.entry(instant, app.new_token())?),
            Ok(Err(error)) => {
                tracing::error!(job = %name, %error, attempts = leased.attempts, "{JOB_FAILED}");
                Some(after_failure(app, &leased, reason(&error)))
            }
            Err(_) => {
                tracing::error!(job = %name, error = PANICKED, attempts = leased.attempts, "{JOB_FAILED}");
                Some(after_failure(app, &leased, PANICKED.to_owned()))
            }
        };
        let written = match &next {
            None => {
                commit_if_unchanged(app, |transaction| {
                    transaction.finish(&leased);
                    Ok(())
                })
                .await?
            }
            Some(next) => {
                commit_if_unchanged(app, |transaction| transaction.reschedule(next, leased.token)).await?
            }
        };
        if written {
            return Ok(());
        }
        // The job was enqueued again while it ran, so it may have missed a change.
    }
    Ok(())
}

/// Returns the entry with its due time moved to the end of the lease. It is not written yet.
fn with_lease(app: &App, failure_domain: FailureDomain, due: &OutboxEntry, now: Timestamp) -> OutboxEntry {
    let mut leased = OutboxEntry {
        due_at: now.plus(lease_seconds(failure_domain)),
        token: app.new_token(),
        attempts: due.attempts.saturating_add(1),
        ..due.clone()
    };
    // Every attempt that ends either deletes the entry, resets its attempts, or records a failure.
    if due.attempts > 0 && (due.failing_since.is_none() || due.last_error == NOT_ENDED) {
        tracing::error!(job = %due.name, error = NOT_ENDED, attempts = due.attempts, "{JOB_FAILED}");
        leased.failing_since = due.failing_since.or(Some(now));
        leased.last_error = NOT_ENDED.to_owned();
    }
    leased
}

/// Returns the entry after a failed attempt. It is not written yet.
fn after_failure(app: &App, leased: &OutboxEntry, reason: String) -> OutboxEntry {
    let now = app.now();
    let pause = (BASE_DELAY_SECONDS << (leased.attempts.clamp(1, 16) - 1)).min(MAX_DELAY_SECONDS);
    OutboxEntry {
        due_at: now.plus(pause),
        token: app.new_token(),
        last_error: reason,
        failing_since: leased.failing_since.or(Some(now)),
        ..leased.clone()
    }
}

/// Sets an entry aside that cannot be read, unless it has been written since it was read.
async fn set_aside(app: &App, stored: &StoredEntry, why: UnreadableEntry) -> Result<(), AppError> {
    tracing::error!(entry = %stored.key, %why, "{ENTRY_UNREADABLE}");
    let random = i64::try_from(app.random.bits() >> 96).unwrap_or(0);
    let aside = |transaction: &mut Transaction| {
        let now = app.now();
        // A pause as long as all pauses before it doubles the time since the first.
        let since = stored.failing_since().unwrap_or(now);
        let pause = (now.seconds() - since.seconds()).clamp(BASE_UNREADABLE_SECONDS, MAX_DELAY_SECONDS);
        // Up to a sixth more, so that many entries do not come back at once.
        transaction.set_aside(stored, now, now.plus(pause + random % (pause / 6)));
        Ok(())
    };
    commit_if_unchanged(app, aside).await.map(|_| ())
}

async fn send(app: &App, failure_domain: FailureDomain, names: &[JobName]) -> Result<(), AppError> {
    app.queue.send(failure_domain, names).await.map_err(|error| AppError::Port("the queue", error))
}

/// Commits one write. Returns whether the entry was still the expected one.
async fn commit_if_unchanged(
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

/// The result of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sweep {
    /// How many due jobs were queued.
    pub queued: usize,
    /// For how long the oldest of them has been due, in seconds.
    pub oldest_seconds: i64,
    /// How many unreadable entries were found. They are set aside, unless the table failed.
    pub unreadable: usize,
}

/// A shard that a sweep has not read to its end.
struct Shard {
    name: String,
    /// Where its next page begins.
    from: Option<String>,
    /// How many of its jobs were queued, by failure domain. A failure domain whose queue fails counts as full.
    queued: BTreeMap<FailureDomain, usize>,
}

/// Queues due jobs, at most 500 of each shard and failure domain, the oldest first: timers whose time has come, and jobs whose
/// message was lost. Sets unreadable entries aside. Neither those nor a backlog of one failure domain delays the jobs of another.
///
/// It reads one page of each shard, and then the next page of each shard that has more. A shard with many unreadable entries
/// therefore delays no other one. In the end it sets entries aside that would never be due, at most 1,000 of each shard.
///
/// # Errors
/// If a shard cannot be read or its jobs cannot be queued. The other shards are still swept, and the next sweep finds the rest.
/// [`AppError::Forbidden`] if the actor is not the platform.
pub async fn sweep(app: &App, actor: &Actor) -> Result<Sweep, AppError> {
    actor.require_platform()?;
    let now: Timestamp = app.now();
    let mut swept = Sweep::default();
    let mut failure = None;
    let shard = |name| Shard { name, from: None, queued: BTreeMap::new() };
    let mut shards: Vec<Shard> = outbox_shards().into_iter().map(shard).collect();
    while !shards.is_empty() {
        let mut unfinished = Vec::new();
        for mut shard in shards {
            // A shard that fails does not stop the others.
            match sweep_page(app, &mut shard, now, &mut swept, &mut failure).await {
                Ok(true) => unfinished.push(shard),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, shard = shard.name, "the jobs of this shard wait for the next sweep");
                    failure = Some(error);
                }
            }
        }
        shards = unfinished;
        if app.now() >= now.plus(SWEEP_SECONDS) {
            break;
        }
    }
    for shard in outbox_shards() {
        match app.store.misplaced_outbox_entries(&shard, MAX_SWEPT).await {
            Ok(misplaced) => {
                let unreadable = misplaced.into_iter().map(|stored| (stored, UnreadableEntry::Attributes));
                set_all_aside(app, unreadable.collect(), &mut swept).await;
            }
            Err(error) => failure = Some(error.into()),
        }
    }
    failure.map_or(Ok(swept), Err)
}

/// Sets unreadable entries aside and counts them. After an error, an entry stays where it is until the next sweep.
async fn set_all_aside(app: &App, unreadable: Vec<(StoredEntry, UnreadableEntry)>, swept: &mut Sweep) {
    swept.unreadable += unreadable.len();
    for batch in unreadable.chunks(MAX_CONCURRENT) {
        let results = join_all(batch.iter().map(|(stored, why)| set_aside(app, stored, *why))).await;
        for error in results.into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "an unreadable outbox entry stays where it is until the next sweep");
        }
    }
}

/// Sweeps one page of a shard. Returns whether there may be more to queue. A queue that fails is reported in `failure`, because
/// the queue of another failure domain may work.
async fn sweep_page(
    app: &App,
    shard: &mut Shard,
    now: Timestamp,
    swept: &mut Sweep,
    failure: &mut Option<AppError>,
) -> Result<bool, AppError> {
    let page = app.store.due_outbox_entries(&shard.name, now, shard.from.as_deref(), MAX_SWEPT).await?;
    shard.from = page.next;
    let (mut due, mut unreadable) = (BTreeMap::<_, Vec<_>>::new(), Vec::new());
    for stored in page.entries {
        match Job::read(&stored) {
            Ok((entry, job)) => due.entry(job.failure_domain()).or_default().push(entry),
            Err(why) => unreadable.push((stored, why)),
        }
    }
    for (failure_domain, mut entries) in due {
        let queued = shard.queued.entry(failure_domain).or_default();
        entries.truncate(usize::from(MAX_SWEPT) - *queued);
        let names: Vec<JobName> = entries.iter().map(|entry| entry.name.clone()).collect();
        match send(app, failure_domain, &names).await {
            Ok(()) => {
                *queued += names.len();
                swept.queued += names.len();
            }
            Err(error) => {
                tracing::warn!(%error, shard = shard.name, "the jobs of a queue wait for the next sweep");
                *queued = MAX_SWEPT.into();
                *failure = Some(error);
            }
        }
        let oldest = entries.iter().map(|entry| now.seconds() - entry.due_at.seconds()).max();
        swept.oldest_seconds = swept.oldest_seconds.max(oldest.unwrap_or(0));
    }
    // The jobs are queued first, so that they do not wait for the unreadable entries.
    set_all_aside(app, unreadable, swept).await;
    let is_full =
        |failure_domain| shard.queued.get(&failure_domain).is_some_and(|queued| *queued >= MAX_SWEPT.into());
    let more = shard.from.is_some() && !FailureDomain::ALL.into_iter().all(is_full);
    Ok(more)
}
