//! The outbox: entries for jobs that must run, now or at a later time.
//!
//! An entry is written in the transaction that causes its job. A worker leases the entry by moving its due time ahead, runs the
//! job, and deletes the entry last, on condition that it is still the entry that was leased. Each write of an entry gives it a
//! new random token (its `version`). If the job is enqueued again while it runs, the token differs, and the entry stays.

use std::str::FromStr;

use domain::payments::gateway::GatewayKind;
use domain::scheduling::appointment::Event;
use domain::{AppointmentId, ExpertId, Timestamp};
use serde::{Deserialize, Serialize};

use super::keys;
use crate::keys::{GSI1, Key, appointment_partition, expert_partition, instant};
use crate::table::{Condition, Consistency, Query};
use crate::transaction::{document, text};
use crate::{CommitError, ReadError, Store, TableError, Transaction};

/// A side effect or timer that must happen. Its text is the key of its outbox entry and the message in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Job {
    /// Bring an appointment and its payment into line, with the next payment actions.
    Payment(AppointmentId),
    /// Publish a domain event about an appointment.
    PublishEvent {
        /// The appointment.
        appointment: AppointmentId,
        /// The version that the appointment, or its payment, has after the change.
        version: u64,
        /// The event.
        event: Event,
    },
    /// Read an expert's account from the gateway again.
    PaymentAccount(ExpertId, GatewayKind),
    /// Record the payouts of an expert's account in the ledger.
    Payouts(ExpertId, GatewayKind),
    /// Issue the missing receipts, credit notes and corrections of an appointment.
    Receipts(AppointmentId),
}

/// The text does not name a job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the text does not name a job")]
pub struct UnknownJob;

impl std::fmt::Display for Job {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Payment(id) => write!(out, "payment:{id}"),
            Self::PublishEvent { appointment, version, event } => {
                write!(out, "event:{appointment}:{version}:{}", event.name())
            }
            Self::PaymentAccount(id, gateway) => write!(out, "payment-account:{id}:{gateway}"),
            Self::Payouts(id, gateway) => write!(out, "payouts:{id}:{gateway}"),
            Self::Receipts(id) => write!(out, "receipts:{id}"),
        }
    }
}

impl FromStr for Job {
    type Err = UnknownJob;

    fn from_str(text: &str) -> Result<Self, UnknownJob> {
        let parse = || match text.split(':').collect::<Vec<_>>().as_slice() {
            ["payment", id] => Some(Self::Payment(id.parse().ok()?)),
            ["event", appointment, version, event] => Some(Self::PublishEvent {
                appointment: appointment.parse().ok()?,
                version: version.parse().ok()?,
                event: Event::from_name(event)?,
            }),
            ["payment-account", id, gateway] => {
                Some(Self::PaymentAccount(id.parse().ok()?, gateway.parse().ok()?))
            }
            ["payouts", id, gateway] => Some(Self::Payouts(id.parse().ok()?, gateway.parse().ok()?)),
            ["receipts", id] => Some(Self::Receipts(id.parse().ok()?)),
            _ => None,
        };
        parse().ok_or(UnknownJob)
    }
}

impl TryFrom<String> for Job {
    type Error = UnknownJob;

    fn try_from(text: String) -> Result<Self, UnknownJob> {
        text.parse()
    }
}

impl From<Job> for String {
    fn from(job: Job) -> Self {
        job.to_string()
    }
}

impl Job {
    fn key(&self) -> Key {
        match self {
            Self::Payment(id) | Self::Receipts(id) | Self::PublishEvent { appointment: id, .. } => {
                keys::outbox_entry(appointment_partition(*id), &self.to_string())
            }
            Self::PaymentAccount(id, _) | Self::Payouts(id, _) => {
                keys::outbox_entry(expert_partition(*id), &self.to_string())
            }
        }
    }

    fn shard(&self) -> String {
        keys::outbox_shard(match self {
            Self::Payment(id) | Self::Receipts(id) | Self::PublishEvent { appointment: id, .. } => id.bits(),
            Self::PaymentAccount(id, _) | Self::Payouts(id, _) => id.bits(),
        })
    }
}

/// A job that must run, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// The job.
    pub job: Job,
    /// When the job is to run next. While it is leased, when the lease ends.
    pub due_at: Timestamp,
    /// When the job was first due. Its delay is measured from here.
    pub first_due_at: Timestamp,
    /// A random number, new with each write of the entry.
    #[serde(rename = "version")]
    pub token: u64,
    /// How often the job was started since it was enqueued.
    pub attempts: u32,
    /// The error of the last attempt; empty if it did not fail.
    pub last_error: String,
}

impl OutboxEntry {
    /// An entry for a job that is due at `due_at`. `token` is a random number.
    pub fn new(job: Job, due_at: Timestamp, token: u64) -> Self {
        Self {
            job,
            due_at,
            first_due_at: due_at,
            token: token.max(1),
            attempts: 0,
            last_error: String::new(),
        }
    }
}

impl Transaction {
    /// Writes an outbox entry. It replaces an entry of the same job, so that repeated requests for a job run it once.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn enqueue(&mut self, entry: &OutboxEntry) -> Result<(), CommitError> {
        self.put_outbox_entry(entry, Condition::None)?;
        self.note_outbox_entry(entry);
        Ok(())
    }

    /// Replaces an outbox entry, on condition that the stored one still has this token.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn reschedule(&mut self, entry: &OutboxEntry, token: u64) -> Result<(), CommitError> {
        self.put_outbox_entry(entry, Condition::Version(token))
    }

    /// Deletes the entry of a job that is done, on condition that the stored one still has the same token.
    pub fn finish(&mut self, entry: &OutboxEntry) {
        self.delete(entry.job.key(), Condition::Version(entry.token));
    }

    fn put_outbox_entry(&mut self, entry: &OutboxEntry, condition: Condition) -> Result<(), CommitError> {
        let index = [
            (GSI1.pk, text(entry.job.shard())),
            (GSI1.sk, text(keys::outbox_order(entry.due_at, &entry.job.to_string()))),
        ];
        self.put_document(entry.job.key(), condition, entry, index)
    }
}

impl Store {
    /// The outbox entry of a job; `None` if the job is not enqueued.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn outbox_entry(&self, job: &Job) -> Result<Option<OutboxEntry>, ReadError> {
        self.table.get(&job.key(), Consistency::Strong).await?.map(document).transpose()
    }

    /// The outbox entries of one of the [`keys::OUTBOX_SHARDS`] that are due by `now`, the oldest first, at most `limit`.
    ///
    /// Each entry has its own result: an entry that cannot be read, because another version of the code wrote it, does not
    /// delay the others.
    ///
    /// # Errors
    /// [`TableError`] if the table does not respond.
    pub async fn due_outbox_entries(
        &self,
        shard: u8,
        now: Timestamp,
        limit: u16,
    ) -> Result<Vec<Result<OutboxEntry, ReadError>>, TableError> {
        let query = Query {
            index: Some(GSI1),
            pk: keys::outbox_shard_number(shard),
            from: String::from("0"),
            to: format!("{}~", instant(now)),
            descending: false,
            limit: Some(limit),
            consistency: Consistency::Eventual,
        };
        Ok(self.table.query(&query).await?.into_iter().map(document).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_parsed_from_its_text() {
        let (appointment, expert) = (AppointmentId::from_bits(1), ExpertId::from_bits(2));
        let mut jobs = vec![Job::Payment(appointment), Job::Receipts(appointment)];
        jobs.extend(Event::ALL.map(|event| Job::PublishEvent { appointment, version: 3, event }));
        jobs.extend(GatewayKind::ALL.map(|gateway| Job::PaymentAccount(expert, gateway)));
        jobs.extend(GatewayKind::ALL.map(|gateway| Job::Payouts(expert, gateway)));
        for job in jobs {
            // A new kind of job needs an example above.
            match job {
                Job::Payment(_)
                | Job::Receipts(_)
                | Job::PublishEvent { .. }
                | Job::PaymentAccount(..)
                | Job::Payouts(..) => {}
            }
            assert_eq!(job.to_string().parse(), Ok(job));
        }
        for wrong in ["", "payment", "payment:exp_1", "event:x:1:confirmed", "refund:apt_1"] {
            assert_eq!(wrong.parse::<Job>(), Err(UnknownJob), "{wrong}");
        }
    }
}
