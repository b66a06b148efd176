//! The one way to change state.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use serde::Serialize;

use crate::keys::{self, Key};
use crate::operations::outbox::{Job, OutboxEntry};
use crate::table::{Action, Expect, Item, TableError, Write, WriteError};
use crate::{ReadError, Store};

/// Writes that happen together or not at all, each on condition that its row is still as it was read.
#[derive(Debug, Default)]
pub struct Transaction {
    writes: Vec<Write>,
    due: Vec<(Timestamp, Job)>,
}

/// Why a transaction changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Somebody else changed one of the rows since they were read. Read again and decide again.
    #[error("somebody else changed {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    VersionConflict(Vec<Key>),
    /// The table did not take it.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A value cannot be stored.
    #[error("{0}")]
    Unstorable(String),
}

impl Transaction {
    /// A transaction without writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many rows it touches; DynamoDB takes 100.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether it touches nothing.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// What it owes that is due by `now`.
    pub fn due_jobs(&self, now: Timestamp) -> Vec<Job> {
        self.due.iter().filter(|(due_at, _)| *due_at <= now).map(|(_, job)| *job).collect()
    }

    pub(crate) fn put(&mut self, key: Key, expect: Expect, mut item: Item) {
        item.insert(keys::PK.to_owned(), AttributeValue::S(key.pk.clone()));
        item.insert(keys::SK.to_owned(), AttributeValue::S(key.sk.clone()));
        self.writes.push(Write { key, expect, action: Action::Put(item) });
    }

    pub(crate) fn put_document<T: Serialize>(
        &mut self,
        key: Key,
        expect: Expect,
        document: &T,
        more: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<(), CommitError> {
        let mut item: Item =
            serde_dynamo::to_item(document).map_err(|error| CommitError::Unstorable(error.to_string()))?;
        item.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        self.put(key, expect, item);
        Ok(())
    }

    pub(crate) fn delete(&mut self, key: Key, expect: Expect) {
        self.writes.push(Write { key, expect, action: Action::Delete });
    }

    /// One row can be in a transaction only once; what is written under a condition is checked by it.
    pub(crate) fn check(&mut self, key: Key, expect: Expect) {
        if !self.writes.iter().any(|write| write.key == key) {
            self.writes.push(Write { key, expect, action: Action::Check });
        }
    }

    pub(crate) fn note_outbox_entry(&mut self, due: &OutboxEntry) {
        self.due.push((due.due_at, due.job));
    }
}

impl Store {
    /// Does all of a transaction, or nothing.
    ///
    /// # Errors
    /// [`CommitError::VersionConflict`] when a row is no longer as it was read.
    pub async fn commit(&self, transaction: Transaction) -> Result<(), CommitError> {
        if transaction.writes.is_empty() {
            return Ok(());
        }
        self.table.write(transaction.writes).await.map_err(|error| match error {
            WriteError::VersionConflict(keys) => CommitError::VersionConflict(keys),
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

/// The key of a row, for messages.
pub(crate) fn key_of(item: &Item) -> String {
    let part = |name| item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
    format!("{} / {}", part(keys::PK), part(keys::SK))
}
