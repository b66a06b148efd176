//! The port to the table: the few operations of DynamoDB that the store uses, with their semantics.
//!
//! [`crate::DynamoTable`] implements it for DynamoDB. Tests can use a model of DynamoDB instead.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::keys::{Index, Key};

/// The attribute with the number of a row that counts something.
pub const COUNT: &str = "count";

/// A row, which DynamoDB calls an item: attribute values by attribute name.
pub type Item = HashMap<String, AttributeValue>;

/// Whether a read must see every write that has completed before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// It must. Such a read costs twice as much.
    Strong,
    /// Eventually consistent: the result may not contain the last writes.
    Eventual,
}

/// The condition of a write: what it expects of the stored row.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The row does not exist.
    Absent,
    /// The row has this version.
    Version(u64),
    /// The row exists and its version is still exactly this attribute value, or it still has none. For rows that this release
    /// cannot read.
    Same(Option<AttributeValue>),
    /// No condition.
    None,
}

impl Condition {
    /// The row still has the version that was read. Version 0 stands for a row that did not exist.
    pub fn unchanged_since(version: u64) -> Self {
        if version == 0 { Self::Absent } else { Self::Version(version) }
    }
}

/// What a write does to the row.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Creates or replaces the row.
    Put(Item),
    /// Deletes the row.
    Delete,
    /// Changes nothing. The transaction still fails if the condition is false.
    Check,
}

/// One write of a transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The row to write.
    pub key: Key,
    /// The condition on which it is written.
    pub condition: Condition,
    /// What the write does to the row.
    pub action: Action,
}

/// A query of the rows in one partition between two sort keys, both inclusive.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The index to query; `None` for the table itself.
    pub index: Option<Index>,
    /// The partition key.
    pub pk: String,
    /// The first sort key.
    pub from: String,
    /// The last sort key.
    pub to: String,
    /// Whether to return the rows in descending order.
    pub descending: bool,
    /// The maximum number of rows. `None` returns all of them, in as many requests as necessary.
    pub limit: Option<u16>,
    /// Must be eventual for an index.
    pub consistency: Consistency,
}

/// A failed request to the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The request was throttled, or a read conflicts with a running transaction. Nothing was written. A retry can succeed.
    #[error("the table is busy: {0}")]
    Busy(String),
    /// The service did not respond, or returned another error. A write may have been executed.
    #[error("the table is not available: {0}")]
    Unavailable(String),
}

/// A row whose condition was false.
#[derive(Clone, PartialEq)]
pub struct Conflict {
    /// The key of the row.
    pub key: Key,
    /// The row that made the condition false; `None` if there was none.
    pub row: Option<Item>,
}

/// Only the key, because the row may contain what must not be logged.
impl std::fmt::Debug for Conflict {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Conflict").field(&self.key).finish()
    }
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.key.fmt(out)
    }
}

/// Why a write failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WriteError {
    /// The conditions on these rows were false. Nothing was written.
    #[error("{} changed since it was read", listed(.0))]
    VersionConflict(Vec<Conflict>),
    /// Other transactions were writing these rows at the same time. Nothing was written. A retry can succeed.
    #[error("{} is being written by another transaction", listed(.0))]
    InUse(Vec<Key>),
    /// The request failed; see [`TableError`].
    #[error(transparent)]
    Table(#[from] TableError),
}

/// The names of rows in a message.
pub(crate) fn listed(rows: &[impl ToString]) -> String {
    rows.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A table with the two global secondary indexes of [`crate::keys`].
#[async_trait]
pub trait Table: Send + Sync {
    /// Reads one row.
    async fn get(&self, key: &Key, consistency: Consistency) -> Result<Option<Item>, TableError>;

    /// Reads those of the rows that exist, in any order. One request reads at most 100 rows.
    async fn get_many(&self, keys: &[Key], consistency: Consistency) -> Result<Vec<Item>, TableError>;

    /// Reads the rows of a range in the order of their sort keys.
    async fn query(&self, query: &Query) -> Result<Vec<Item>, TableError>;

    /// Executes all of the writes or none. There are at most 100, each to a different row.
    ///
    /// A single put also succeeds if the stored row already equals the new one: the SDK retries a request whose response was
    /// lost, and then finds its own row. As a consequence, two callers that put identical rows with the same condition both
    /// succeed. A caller that must know whether it was first writes a random value into the row, as leases do. A delete with a
    /// condition whose response was lost reports a version conflict on the SDK's retry.
    async fn write(&self, writes: Vec<Write>) -> Result<(), WriteError>;

    /// Adds one to the number in the attribute [`COUNT`] of a row, in one atomic write, and returns the new number. It creates the row
    /// if necessary, and sets `attributes` too.
    ///
    /// The SDK retries a request whose response was lost, and then counts twice.
    async fn count(&self, key: &Key, attributes: Item) -> Result<u64, TableError>;
}

/// The messages of an error and of its sources. The debug output of the SDK would contain the whole exchange, with data that
/// must not be logged.
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let mut messages: Vec<String> = chain.map(ToString::to_string).collect();
    messages.dedup();
    messages.join(": ")
}
