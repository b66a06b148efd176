//! The jobs of all areas.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use store::operations::outbox::{SCHEMA, Subject};
use store::{CommitError, FailureDomain, JobName, OutboxEntry, StoredEntry};

use crate::jobs::{AreaJob, NextRun};
use crate::messaging::jobs::MessagingJob;
use crate::payments::jobs::PaymentsJob;
use crate::receipts::jobs::ReceiptsJob;
use crate::scheduling::jobs::SchedulingJob;
use crate::{App, AppError};

/// A side effect or timer that must happen, of any area. Its payload is that of the area's job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Job {
    /// A job about notifications.
    Messaging(MessagingJob),
    /// A job about payments.
    Payments(PaymentsJob),
    /// A job about receipts.
    Receipts(ReceiptsJob),
    /// A job about appointments.
    Scheduling(SchedulingJob),
}

impl From<MessagingJob> for Job {
    fn from(job: MessagingJob) -> Self {
        Self::Messaging(job)
    }
}

impl From<PaymentsJob> for Job {
    fn from(job: PaymentsJob) -> Self {
        Self::Payments(job)
    }
}

impl From<ReceiptsJob> for Job {
    fn from(job: ReceiptsJob) -> Self {
        Self::Receipts(job)
    }
}

impl From<SchedulingJob> for Job {
    fn from(job: SchedulingJob) -> Self {
        Self::Scheduling(job)
    }
}

/// Why an outbox entry cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableEntry {
    /// Attributes are missing or have unknown values.
    #[error("the attributes of the entry cannot be read")]
    Attributes,
    /// A later release wrote the entry.
    #[error("the entry has a format that this release does not know")]
    Schema,
    /// The entry names a job that this release does not have, or its payload does not match the job.
    #[error("this release does not know the job or its payload")]
    Payload,
}

impl Job {
    /// The name, which is the key of the outbox entry and the message in the queue.
    pub fn name(&self) -> JobName {
        match self {
            Self::Messaging(job) => job.name(),
            Self::Payments(job) => job.name(),
            Self::Receipts(job) => job.name(),
            Self::Scheduling(job) => job.name(),
        }
    }

    /// The services that the job depends on.
    pub fn failure_domain(&self) -> FailureDomain {
        match self {
            Self::Messaging(job) => job.failure_domain(),
            Self::Payments(job) => job.failure_domain(),
            Self::Receipts(job) => job.failure_domain(),
            Self::Scheduling(job) => job.failure_domain(),
        }
    }

    /// Runs the job. Returns when to run it again.
    pub(super) async fn run(&self, app: &App) -> Result<NextRun, AppError> {
        match self {
            Self::Messaging(job) => job.run(app).await,
            Self::Payments(job) => job.run(app).await,
            Self::Receipts(job) => job.run(app).await,
            Self::Scheduling(job) => job.run(app).await,
        }
    }

    /// An outbox entry for the job, due at `due_at`. `token` is a random number.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the job cannot be represented as JSON.
    pub fn entry(&self, due_at: Timestamp, token: u64) -> Result<OutboxEntry, CommitError> {
        let payload =
            serde_json::to_string(self).map_err(|error| CommitError::Unstorable(error.to_string()))?;
        Ok(OutboxEntry::new(self.name(), payload, due_at, token))
    }

    /// The entry and its job.
    ///
    /// # Errors
    /// [`UnreadableEntry`] if this release cannot read the entry.
    pub fn read(stored: &StoredEntry) -> Result<(OutboxEntry, Self), UnreadableEntry> {
        let entry = stored.entry.as_ref().map_err(|_| UnreadableEntry::Attributes)?;
        let job = match entry.schema {
            1 => Self::of_first_format(&entry.name),
            SCHEMA => serde_json::from_str(&entry.payload).ok(),
            _ => return Err(UnreadableEntry::Schema),
        };
        let job = job.filter(|job: &Self| job.name() == entry.name).ok_or(UnreadableEntry::Payload)?;
        Ok((entry.clone(), job))
    }

    /// The job of an entry without a payload. The data of an event cannot be derived from its name.
    fn of_first_format(name: &JobName) -> Option<Self> {
        let gateway = || name.as_str().rsplit(':').next()?.parse().ok();
        Some(match (name.kind(), name.subject()) {
            ("payment", Subject::Appointment(appointment)) => PaymentsJob::Payment { appointment }.into(),
            ("payment-account", Subject::Expert(expert)) => {
                PaymentsJob::PaymentAccount { expert, gateway: gateway()? }.into()
            }
            ("payouts", Subject::Expert(expert)) => {
                PaymentsJob::Payouts { expert, gateway: gateway()? }.into()
            }
            ("receipts", Subject::Appointment(appointment)) => ReceiptsJob::Issue { appointment }.into(),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
