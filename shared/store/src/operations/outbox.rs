//! Due rows: the outbox and the timer in one.
//!
//! A due row is written in the transaction that makes its effect owed. Who works it off takes a lease by moving the row's due
//! time ahead, does the work, and deletes the row last, on condition that it is still the row that was leased. Each write of
//! a row gives it a new stamp (its `version`), so that an effect that became owed again in the meantime is never lost.

use std::str::FromStr;

use domain::payments::gateway::Gateway;
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
pub enum Effect {
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
    PaymentAccount(ExpertId, Gateway),
    /// The payouts of an expert's account are in the ledger.
    Payouts(ExpertId, Gateway),
    /// Each payment and refund of the appointment has its receipt or credit note.
    Receipts(AppointmentId),
}

/// The text names no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such effect")]
pub struct UnknownEffect;

impl std::fmt::Display for Effect {
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

impl FromStr for Effect {
    type Err = UnknownEffect;

    fn from_str(text: &str) -> Result<Self, UnknownEffect> {
        let parse = || match text.split(':').collect::<Vec<_>>().as_slice() {
            ["payment", id] => Some(Self::Payment(id.parse().ok()?)),
            ["announcement", appointment, version, event] => Some(Self::Announcement {
                appointment: appointment.parse().ok()?,
                version: version.parse().ok()?,
                event: Event::from_name(event)?,
            }),
            ["payment-account", id, gateway] => {
                Some(Self::PaymentAccount(id.parse().ok()?, Gateway::from_word(gateway)?))
            }
            ["payouts", id, gateway] => Some(Self::Payouts(id.parse().ok()?, Gateway::from_word(gateway)?)),
            ["receipts", id] => Some(Self::Receipts(id.parse().ok()?)),
            _ => None,
        };
        parse().ok_or(UnknownEffect)
    }
}

impl TryFrom<String> for Effect {
    type Error = UnknownEffect;

    fn try_from(text: String) -> Result<Self, UnknownEffect> {
        text.parse()
    }
}

impl From<Effect> for String {
    fn from(effect: Effect) -> Self {
        effect.to_string()
    }
}

impl Effect {
    fn key(&self) -> keys::Key {
        match self {
            Self::Payment(id) | Self::Receipts(id) | Self::Announcement { appointment: id, .. } => {
                keys::due(keys::appointment_rows(*id), &self.to_string())
            }
            Self::PaymentAccount(id, _) | Self::Payouts(id, _) => {
                keys::due(keys::calendar(*id), &self.to_string())
            }
        }
    }

    fn shard(&self) -> String {
        keys::due_shard(match self {
            Self::Payment(id) | Self::Receipts(id) | Self::Announcement { appointment: id, .. } => id.bits(),
            Self::PaymentAccount(id, _) | Self::Payouts(id, _) => id.bits(),
        })
    }
}

/// An effect that is owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Which.
    pub effect: Effect,
    /// When somebody should next look.
    pub due_at: Timestamp,
    /// When it became owed; how late it is counts from here.
    pub owed_at: Timestamp,
    /// Another number for each write of the row, drawn at random.
    #[serde(rename = "version")]
    pub stamp: u64,
    /// How often it was tried since it was owed.
    pub attempts: u32,
    /// Why the last try failed; empty when none did.
    pub last_error: String,
}

impl Due {
    /// An effect owed from `due_at`, under a stamp that was drawn at random.
    pub fn new(effect: Effect, due_at: Timestamp, stamp: u64) -> Self {
        Self { effect, due_at, owed_at: due_at, stamp: stamp.max(1), attempts: 0, last_error: String::new() }
    }
}

impl Transaction {
    /// Owes an effect, whether or not it is owed already.
    ///
    /// # Errors
    /// When the row cannot be stored.
    pub fn owe(&mut self, due: &Due) -> Result<(), CommitError> {
        self.put_due(due, Expect::Anything)?;
        self.note_due(due);
        Ok(())
    }

    /// Writes a due row again, on condition that it is still the one with this stamp.
    ///
    /// # Errors
    /// When the row cannot be stored.
    pub fn owe_on(&mut self, due: &Due, stamp: u64) -> Result<(), CommitError> {
        self.put_due(due, Expect::Version(stamp))
    }

    /// The effect is done: deletes the row, on condition that it is still the one with this stamp.
    pub fn done(&mut self, due: &Due) {
        self.delete(due.effect.key(), Expect::Version(due.stamp));
    }

    fn put_due(&mut self, due: &Due, expect: Expect) -> Result<(), CommitError> {
        let index = [
            (GSI1.pk, text(due.effect.shard())),
            (GSI1.sk, text(keys::due_order(due.due_at, &due.effect.to_string()))),
        ];
        self.put_document(due.effect.key(), expect, due, index)
    }
}

impl Store {
    /// A due row as it stands.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn due(&self, effect: &Effect) -> Result<Option<Due>, ReadError> {
        self.table.get(&effect.key(), Consistency::Strong).await?.map(document).transpose()
    }

    /// What is owed by `now` in one of the [`keys::DUE_SHARDS`], oldest first, at most `limit`.
    ///
    /// A row that another version of the code wrote may not be readable; it must not keep the others from being done.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn due_by(
        &self,
        shard: u8,
        now: Timestamp,
        limit: u16,
    ) -> Result<Vec<Result<Due, ReadError>>, TableError> {
        let query = Query {
            index: Some(GSI1),
            pk: keys::due_shard_number(shard),
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
            Event::ALL.into_iter().map(|event| Effect::Announcement { appointment, version: 3, event });
        let accounts = Gateway::ALL.map(|gateway| Effect::PaymentAccount(ExpertId::from_bits(2), gateway));
        let payouts = Gateway::ALL.map(|gateway| Effect::Payouts(ExpertId::from_bits(2), gateway));
        let others = [Effect::Payment(appointment), Effect::Receipts(appointment)];
        let others = others.into_iter().chain(accounts).chain(payouts);
        for effect in announcements.chain(others) {
            assert_eq!(effect.to_string().parse(), Ok(effect));
        }
        for wrong in ["", "payment", "payment:exp_1", "announcement:x:1:confirmed", "refund:apt_1"] {
            assert_eq!(wrong.parse::<Effect>(), Err(UnknownEffect), "{wrong}");
        }
    }
}
