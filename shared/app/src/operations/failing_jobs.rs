//! What administrators see of jobs that fail and of outbox entries that cannot be read, and how they retry them.

use domain::Timestamp;
use store::operations::outbox::Subject;
use store::{FailureDomain, JobName, OutboxEntry, StoredEntry, Transaction};

use super::jobs::Job;
use crate::identity::Actor;
use crate::identity::signed_in::{Role, Scope};
use crate::{App, AppError, Decision};

/// The maximum number of jobs on one page.
pub const MAX_PAGE: u16 = 100;

/// A job whose last attempt failed, or whose outbox entry was set aside because it cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingJob {
    /// The partition of the outbox entry. Together with `name`, it identifies the entry.
    pub partition: String,
    /// The name of the job. That of an unreadable entry can be any text.
    pub name: String,
    /// What the job is about; `None` if the name does not say so.
    pub subject: Option<Subject>,
    /// When the job began to fail, or when its entry was set aside.
    pub failing_since: Timestamp,
    /// Why it fails: without personal data and secrets.
    pub reason: String,
    /// When the job runs; `None` if its entry cannot be read.
    pub schedule: Option<Schedule>,
}

/// When a failing job was started, and when it will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The services that the job depends on.
    pub failure_domain: FailureDomain,
    /// When the job was first due.
    pub first_due_at: Timestamp,
    /// When the job is started next. While it runs, when it is started again if the worker stops.
    pub next_attempt_at: Timestamp,
    /// How often the job was started.
    pub attempts: u32,
}

impl Schedule {
    fn of(entry: &OutboxEntry, job: &Job) -> Self {
        let OutboxEntry { first_due_at, due_at: next_attempt_at, attempts, .. } = *entry;
        Self { failure_domain: job.failure_domain(), first_due_at, next_attempt_at, attempts }
    }
}

impl FailingJob {
    /// `None` if the job is not failing.
    fn of(stored: &StoredEntry) -> Option<Self> {
        let name = stored.name().to_owned();
        let (reason, schedule) = match Job::read(stored) {
            Err(error) => (error.to_string(), None),
            Ok((entry, job)) => {
                let reason = match entry.failing_since {
                    Some(_) => entry.last_error.clone(),
                    None => "another release could not read the entry; this one can".to_owned(),
                };
                (reason, Some(Schedule::of(&entry, &job)))
            }
        };
        Some(Self {
            partition: stored.key.pk.clone(),
            subject: name.parse().ok().map(|name: JobName| name.subject()),
            name,
            failing_since: stored.failing_since()?,
            reason,
            schedule,
        })
    }
}

/// A page of failing jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingJobs {
    /// The jobs, the longest failing first.
    pub jobs: Vec<FailingJob>,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

/// The failing jobs and the unreadable outbox entries, the longest failing first. The list is eventually consistent.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an administrator.
pub async fn list(
    app: &App,
    actor: &Actor,
    cursor: Option<&str>,
    limit: u16,
) -> Result<FailingJobs, AppError> {
    actor.require_role(Role::Admin, Scope::Read)?;
    let page = app.store.failing_jobs(cursor, limit.clamp(1, MAX_PAGE)).await?;
    let jobs = page.entries.iter().filter_map(FailingJob::of).collect();
    Ok(FailingJobs { jobs, next: page.next })
}

/// Makes a failing job due now, and returns it.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an administrator, [`AppError::NotFound`] if there is no such job or it is not
/// failing, [`OperationsError::Unreadable`](super::error::OperationsError::Unreadable) if its entry still cannot be read.
pub async fn retry(app: &App, actor: &Actor, partition: &str, name: &str) -> Result<FailingJob, AppError> {
    app.transact("retry_job", || async {
        actor.require_active(app, Role::Admin).await?;
        let none = AppError::NotFound("failing job");
        let Some(stored) = app.store.outbox_entry_at(partition, name).await? else { return Err(none) };
        let Some(before) = FailingJob::of(&stored) else { return Err(none) };
        let (entry, job) = Job::read(&stored)?;
        let entry = OutboxEntry { due_at: app.now(), token: app.new_token(), ..entry };
        let mut transaction = Transaction::new();
        transaction.retry(job.failure_domain(), &stored, &entry)?;
        let schedule = Some(Schedule::of(&entry, &job));
        Ok(Decision::Commit(transaction, FailingJob { schedule, ..before }))
    })
    .await
}
