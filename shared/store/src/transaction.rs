//! Transactions: the only way to change state.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use serde::Serialize;

use crate::keys::{self, Key};
use crate::operations::outbox::{FailureDomain, JobName, OutboxEntry};
use crate::table::{Action, Condition, Conflict, Item, TableError, Write, WriteError, listed};
use crate::{ReadError, Store};

/// Writes that are executed together or not at all, each on condition that its row has not changed since it was read.
///
/// A transaction contains a row at most once, because DynamoDB refuses others. Whoever adds a row knows that no other part of the change
/// writes it; [`Store::commit`] refuses a transaction that writes one twice. Each area adds its writes.
#[derive(Debug, Default)]
pub struct Transaction {
    writes: Vec<Write>,
    due: Vec<(Timestamp, FailureDomain, JobName)>,
    /// The first day with many sessions that it writes.
    pub(crate) busy_day: Option<Key>,
}

/// Why a commit failed. After [`TableError::Unavailable`], the transaction may still have been executed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// These rows have changed since they were read. Read and decide again.
    #[error("{} changed since it was read", listed(.0))]
    VersionConflict(Vec<Conflict>),
    /// Other transactions were writing these rows at the same time. Nothing was written. A retry can succeed.
    #[error("{} is being written by another transaction", listed(.0))]
    InUse(Vec<Key>),
    /// The table did not execute the transaction.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A newer release has written the row with this key, in a way that this one does not know. Nothing is overwritten.
    #[error("the row {0} has a value of a newer release")]
    NewerRelease(Key),
    /// The transaction contains this row twice, which DynamoDB refuses. It is a defect of the change. Nothing is written.
    #[error("the transaction contains the row {0} twice")]
    RowTwice(Key),
    /// A value cannot be written as attributes of a row.
    #[error("{0}")]
    Unstorable(String),
}

impl Transaction {
    /// The first day with many sessions that it writes. Others may want to write the same row.
    pub fn busy_day(&self) -> Option<&Key> {
        self.busy_day.as_ref()
    }

    /// A transaction without writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of rows that it writes or checks. DynamoDB allows 100.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether it writes and checks nothing.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The writes so far.
    pub(crate) fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// The jobs that it enqueues and that are due by `now`.
    pub fn due_jobs(&self, now: Timestamp) -> Vec<(FailureDomain, JobName)> {
        let due = self.due.iter().filter(|(due_at, ..)| *due_at <= now);
        due.map(|(_, failure_domain, name)| (*failure_domain, name.clone())).collect()
    }

    pub(crate) fn put(&mut self, key: Key, condition: Condition, mut item: Item) {
        item.insert(keys::PK.to_owned(), AttributeValue::S(key.pk.clone()));
        item.insert(keys::SK.to_owned(), AttributeValue::S(key.sk.clone()));
        self.write(Write { key, condition, action: Action::Put(item) });
    }

    pub(crate) fn put_document<T: Serialize>(
        &mut self,
        key: Key,
        condition: Condition,
        document: &T,
        more: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<(), CommitError> {
        let mut item: Item =
            serde_dynamo::to_item(document).map_err(|error| CommitError::Unstorable(error.to_string()))?;
        item.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self.put(key, condition, item);
        Ok(())
    }

    pub(crate) fn delete(&mut self, key: Key, condition: Condition) {
        self.write(Write { key, condition, action: Action::Delete });
    }

    /// Adds a write. It takes the place of a check of the same row with the same condition.
    fn write(&mut self, write: Write) {
        let is_checked = |other: &Write| {
            other.key == write.key && other.action == Action::Check && other.condition == write.condition
        };
        self.writes.retain(|other| !is_checked(other));
        self.writes.push(write);
    }

    /// Whether it writes the row already, whatever is stored.
    pub(crate) fn replaces(&self, key: &Key) -> bool {
        self.writes.iter().any(|write| write.key == *key && write.condition == Condition::None)
    }

    /// Leaves out a write of a row, and its job if it is an outbox entry.
    pub(crate) fn leave_out(&mut self, key: &Key) {
        self.writes.retain(|write| write.key != *key);
        self.due.retain(|(_, _, name)| name.key() != *key);
    }

    /// The first row that it writes or checks twice.
    fn repeated_row(&self) -> Option<&Key> {
        let mut rows = BTreeSet::new();
        self.writes.iter().map(|write| &write.key).find(|key| !rows.insert(*key))
    }

    /// Checks a row that is not written. A row that the transaction already writes is checked by the condition of that write.
    pub(crate) fn check(&mut self, key: Key, condition: Condition) {
        if !self.writes.iter().any(|write| write.key == key) {
            self.writes.push(Write { key, condition, action: Action::Check });
        }
    }

    /// Whether it enqueues a job that is due at this time or earlier.
    pub(crate) fn is_due_by(&self, job: &JobName, at: Timestamp) -> bool {
        self.due.iter().any(|(due_at, _, name)| name == job && *due_at <= at)
    }

    /// Adds the job of an outbox entry to [`Transaction::due_jobs`].
    pub(crate) fn note_outbox_entry(&mut self, failure_domain: FailureDomain, entry: &OutboxEntry) {
        self.due.push((entry.due_at, failure_domain, entry.name.clone()));
    }
}

impl Store {
    /// Executes a transaction. One without writes succeeds without a request.
    ///
    /// # Errors
    /// [`CommitError::VersionConflict`] if a row has changed since it was read, [`CommitError::RowTwice`] if the transaction contains a
    /// row twice.
    pub async fn commit(&self, transaction: Transaction) -> Result<(), CommitError> {
        if transaction.writes.is_empty() {
            return Ok(());
        }
        let repeated = transaction.repeated_row();
        debug_assert_eq!(repeated, None, "DynamoDB refuses a transaction that contains a row twice");
        if let Some(row) = repeated {
            return Err(CommitError::RowTwice(row.clone()));
        }
        self.table.write(transaction.writes).await.map_err(|error| match error {
            WriteError::VersionConflict(conflicts) => CommitError::VersionConflict(conflicts),
            WriteError::InUse(keys) => CommitError::InUse(keys),
            WriteError::Table(error) => CommitError::Table(error),
        })
    }
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// Reads a row that was written with [`Transaction::put_document`].
pub(crate) fn document<T: for<'de> serde::Deserialize<'de>>(item: Item) -> Result<T, ReadError> {
    let key = key_of(&item);
    serde_dynamo::from_item(item).map_err(|error| ReadError::Corrupt { key, reason: error.to_string() })
}

/// The key of a row, for error messages.
pub(crate) fn key_of(item: &Item) -> String {
    let part = |name| item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
    format!("{} / {}", part(keys::PK), part(keys::SK))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(sk: &str) -> Key {
        Key::new("P", sk)
    }

    #[test]
    fn write_takes_the_place_of_a_check_with_its_condition() {
        let mut transaction = Transaction::new();
        transaction.check(key("a"), Condition::Version(3));
        transaction.put(key("a"), Condition::Version(3), Item::new());
        transaction.check(key("a"), Condition::Version(3));
        transaction.check(key("b"), Condition::Absent);
        transaction.delete(key("b"), Condition::Version(1));
        let actions: Vec<_> =
            transaction.writes.iter().map(|write| (&*write.key.sk, &write.condition)).collect();
        let b = [("b", &Condition::Absent), ("b", &Condition::Version(1))];
        assert_eq!(actions, [&[("a", &Condition::Version(3))][..], &b].concat());
        assert_eq!(transaction.repeated_row(), Some(&key("b")), "the two conditions contradict each other");
    }

    #[test]
    fn row_that_is_written_twice_is_found() {
        let mut transaction = Transaction::new();
        transaction.put(key("a"), Condition::None, Item::new());
        transaction.put(key("b"), Condition::None, Item::new());
        assert_eq!(transaction.repeated_row(), None);
        transaction.put(key("a"), Condition::Version(3), Item::new());
        assert_eq!(transaction.repeated_row(), Some(&key("a")));
    }
}
