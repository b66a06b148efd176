//! Due rows: the outbox and the timer in one.
//!
//! A due row is written in the transaction that makes its effect owed. Who works it off takes a lease by moving the row's due
//! time ahead, does the work, and deletes the row last, on condition that it is still the row that was leased. Each write of
//! a row gives it a new stamp (its `version`), so that an effect that became owed again in the meantime is never lost.

use std::str::FromStr;

use domain::payments::gateway::GatewayKind;
use domain::scheduling::appointment::Event;
use domain::{AppointmentId, ExpertId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keys::{self, GSI1};
use crate::table::{Consistency, Expect, Query};
use crate::transaction::{document, text};
use crate::{CommitError, ReadError, Store, TableError, Transaction};

/// What the outside world must come to show, and for whom. Its text is the name of its row, and what travels through queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Job {
    /// The appointment and its payment agree.
    Payment(AppointmentId),
    /// The world was told what happened to an appointment.
    Announcement {
        /// Which.
        appointment: AppointmentId,
        /// The version that the appointment reached by it.
        version: u64,
        /// What happened.
        event: Event,
    },
    /// What we know of an expert's account is what the gateway says.
    PaymentAccount(ExpertId, GatewayKind),
    /// The payouts of an expert's account are in the ledger.
    Payouts(ExpertId, GatewayKind),
    /// Each payment and refund of the appointment has its receipt or credit note.
    Receipts(AppointmentId),
}

/// The text names no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such job")]
pub struct UnknownJob;

impl std::fmt::Display for Job {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Payment(id) => write!(out, "payment:{id}"),
            Self::Announcement { appointment, version, event } => {
                write!(out, "announcement:{appointment}:{version}:{}", event.name())
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
            ["announcement", appointment, version, event] => Some(Self::Announcement {
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
    fn key(&self) -> keys::Key {
        match self {
            Self::Payment(id) | Self::Receipts(id) | Self::Announcement { appointment: id, .. } => {
                keys::outbox_entry(keys::appointment_rows(*id), &self.to_string())
            }
            Self::PaymentAccount(id, _) | Self::Payouts(id, _) => {
                keys::outbox_entry(keys::expert_rows(*id), &self.to_string())
            }
        }
    }

    fn shard(&self) -> String {
        keys::outbox_shard(match self {
            Self::Payment(id) | Self::Receipts(id) | Self::Announcement { appointment: id, .. } => id.bits(),
            Self::PaymentAccount(id, _) | Self::Payouts(id, _) => id.bits(),
        })
    }
}

/// An effect that is owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// Which.
    pub job: Job,
    /// When somebody should next look.
    pub due_at: Timestamp,
    /// When it became owed; how late it is counts from here.
    pub first_due_at: Timestamp,
    /// Another number for each write of the row, drawn at random.
    #[serde(rename = "version")]
    pub stamp: u64,
    /// How often it was tried since it was owed.
    pub attempts: u32,
    /// Why the last try failed; empty when none did.
    pub last_error: String,
}

impl OutboxEntry {
    /// An effect owed from `due_at`, under a stamp that was drawn at random.
    pub fn new(job: Job, due_at: Timestamp, stamp: u64) -> Self {
        Self {
            job,
            due_at,
            first_due_at: due_at,
            stamp: stamp.max(1),
            attempts: 0,
            last_error: String::new(),
        }
    }
}

impl Transaction {
    /// Owes an effect, whether or not it is owed already.
    ///
    /// # Errors
    /// When the row cannot be stored.
    pub fn enqueue(&mut self, due: &OutboxEntry) -> Result<(), CommitError> {
        self.put_outbox_entry(due, Expect::Anything)?;
        self.note_outbox_entry(due);
        Ok(())
    }

    /// Writes a due row again, on condition that it is still the one with this stamp.
    ///
    /// # Errors
    /// When the row cannot be stored.
    pub fn reschedule(&mut self, due: &OutboxEntry, stamp: u64) -> Result<(), CommitError> {
        self.put_outbox_entry(due, Expect::Version(stamp))
    }

    /// The effect is done: deletes the row, on condition that it is still the one with this stamp.
    pub fn finish(&mut self, due: &OutboxEntry) {
        self.delete(due.job.key(), Expect::Version(due.stamp));
    }

    fn put_outbox_entry(&mut self, due: &OutboxEntry, expect: Expect) -> Result<(), CommitError> {
        let index = [
            (GSI1.pk, text(due.job.shard())),
            (GSI1.sk, text(keys::outbox_order(due.due_at, &due.job.to_string()))),
        ];
        self.put_document(due.job.key(), expect, due, index)
    }
}

impl Store {
    /// A due row as it stands.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn outbox_entry(&self, job: &Job) -> Result<Option<OutboxEntry>, ReadError> {
        self.table.get(&job.key(), Consistency::Strong).await?.map(document).transpose()
    }

    /// What is owed by `now` in one of the [`keys::OUTBOX_SHARDS`], oldest first, at most `limit`.
    ///
    /// A row that another version of the code wrote may not be readable; it must not keep the others from being done.
    ///
    /// # Errors
    /// When the table does not answer.
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
            to: format!("{}~", keys::instant(now)),
            backwards: false,
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
    fn every_effect_reads_as_written() {
        let appointment = AppointmentId::from_bits(1);
        let announcements =
            Event::ALL.into_iter().map(|event| Job::Announcement { appointment, version: 3, event });
        let accounts = GatewayKind::ALL.map(|gateway| Job::PaymentAccount(ExpertId::from_bits(2), gateway));
        let payouts = GatewayKind::ALL.map(|gateway| Job::Payouts(ExpertId::from_bits(2), gateway));
        let others = [Job::Payment(appointment), Job::Receipts(appointment)];
        let others = others.into_iter().chain(accounts).chain(payouts);
        for job in announcements.chain(others) {
            assert_eq!(job.to_string().parse(), Ok(job));
        }
        for wrong in ["", "payment", "payment:exp_1", "announcement:x:1:confirmed", "refund:apt_1"] {
            assert_eq!(wrong.parse::<Job>(), Err(UnknownJob), "{wrong}");
        }
    }
}
