//! What the jobs of all areas have in common. The jobs of an area are in its `jobs.rs`.

use domain::scheduling::appointment::Appointment;
use domain::scheduling::reliability::Incident;
use domain::{AppointmentId, Timestamp};
use store::{FailureDomain, JobName, Transaction};

use crate::messaging::jobs::MessagingJob;
use crate::operations::jobs::Job;
use crate::receipts::jobs::ReceiptsJob;
use crate::{App, AppError};

/// When to run a job again.
pub(crate) enum NextRun {
    /// When it is enqueued again.
    WhenEnqueued,
    /// At this instant.
    At(Timestamp),
}

/// A job of one area. Its serde representation is the payload of its outbox entry: ids, times and amounts. Personal data is read
/// when the job runs.
pub(crate) trait AreaJob {
    /// The name, which is the key of the outbox entry: jobs with the same name are one entry.
    fn name(&self) -> JobName;

    /// The services that the job depends on.
    fn failure_domain(&self) -> FailureDomain;

    /// Runs the job. Returns when to run it again.
    fn run(&self, app: &App) -> impl Future<Output = Result<NextRun, AppError>> + Send;
}

impl App {
    /// Adds a job to a transaction. A job that is already enqueued becomes due at `due_at`.
    pub(crate) fn enqueue(
        &self,
        transaction: &mut Transaction,
        job: impl Into<Job>,
        due_at: Timestamp,
    ) -> Result<(), AppError> {
        let job = job.into();
        Ok(transaction.enqueue(job.failure_domain(), &job.entry(due_at, self.new_token())?)?)
    }

    /// Lets a job run now that otherwise waits for its time, or enqueues it if it is not. An entry of a job that is running or failing
    /// stays as it is: whoever may only read something must not shorten the pause after a failure, nor hide that the job fails.
    pub(crate) async fn run_soon(&self, job: impl Into<Job>) -> Result<(), AppError> {
        let job = job.into();
        let entry = job.entry(self.now(), self.new_token())?;
        let mut transaction = Transaction::new();
        match self.store.outbox_entry(&entry.name).await? {
            None => transaction.enqueue_once(job.failure_domain(), &entry)?,
            Some(stored) => match &stored.entry {
                Ok(waiting) if waiting.attempts == 0 && waiting.due_at > entry.due_at => {
                    transaction.retry(job.failure_domain(), &stored, &entry)?;
                }
                _ => return Ok(()),
            },
        }
        self.try_commit(transaction).await.map(|_| ())
    }

    /// Records an incident of a side of an appointment in the transaction that causes it. If incidents of this kind have
    /// consequences, it enqueues the job that warns the person, or suspends them.
    pub(crate) fn record_incident(
        &self,
        transaction: &mut Transaction,
        appointment: &Appointment,
        incident: &Incident,
        now: Timestamp,
    ) -> Result<(), AppError> {
        transaction.put_incident(appointment, incident)?;
        if !incident.kind.has_consequences() {
            return Ok(());
        }
        let job = MessagingJob::ApplyConsequences {
            person: incident.person(appointment),
            side: incident.side.into(),
            appointment: incident.appointment,
        };
        self.enqueue(transaction, job, now)
    }

    /// Enqueues the job that issues the missing receipts of an appointment. It is here because `receipts` depends on `payments`,
    /// so `payments` must not depend on `receipts`.
    pub(crate) fn enqueue_receipts(
        &self,
        transaction: &mut Transaction,
        appointment: AppointmentId,
        now: Timestamp,
    ) -> Result<(), AppError> {
        self.enqueue(transaction, ReceiptsJob::Issue { appointment }, now)
    }
}

#[cfg(test)]
mod tests {
    use store::OutboxEntry;

    use super::*;
    use crate::payments::jobs::PaymentsJob;
    use crate::testing::app;

    #[tokio::test]
    async fn reader_changes_only_a_job_that_waits() {
        let app = app();
        let (now, later) = (app.now(), app.now().plus(600));
        let job = || Job::from(PaymentsJob::Payment { appointment: AppointmentId::from_bits(1) });
        let waiting = OutboxEntry { first_due_at: later, ..job().entry(later, 5).expect("storable") };
        let failing = OutboxEntry {
            attempts: 3,
            last_error: "the payment gateway failed".to_owned(),
            failing_since: Some(now.plus(-60)),
            ..waiting.clone()
        };
        let running = OutboxEntry { attempts: 1, ..waiting.clone() };
        for (entry, due_at) in [(&waiting, now), (&failing, later), (&running, later)] {
            let mut transaction = Transaction::new();
            transaction.enqueue(job().failure_domain(), entry).expect("storable");
            app.store.commit(transaction).await.expect("committed");
            app.run_soon(job()).await.expect("readable");
            let stored = app.store.outbox_entry(&entry.name).await.expect("readable").expect("an entry");
            let stored = stored.entry.expect("readable");
            assert_eq!((stored.due_at, stored.attempts), (due_at, entry.attempts));
            assert_eq!(stored.failing_since, entry.failing_since);
        }
    }
}
