//! What the store needs of a table: the few operations of DynamoDB that it uses, with their semantics.
//!
//! The one implementation for the real thing is [`crate::DynamoTable`]. A model of DynamoDB can stand in.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::keys::{Index, Key};

/// A row.
pub type Item = HashMap<String, AttributeValue>;

/// Whether a read must see every write that was answered before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    /// It must; costs twice as much.
    Strong,
    /// It may lag by moments.
    Eventual,
}

/// What a write expects of the row that stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// That there is none.
    Absent,
    /// That it has this version.
    Version(u64),
    /// Nothing.
    Anything,
}

impl Expect {
    /// Version 0 stands for a row that was not there when it was read.
    pub fn read(version: u64) -> Self {
        if version == 0 { Self::Absent } else { Self::Version(version) }
    }
}

/// What a write does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Put this row in the place of what stands there.
    Put(Item),
    /// Remove the row.
    Delete,
    /// Change nothing; only the expectation counts.
    Check,
}

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Where.
    pub key: Key,
    /// On what condition.
    pub expect: Expect,
    /// What.
    pub action: Action,
}

/// Rows of one partition between two sort keys, both inclusive.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// `None` asks the table itself.
    pub index: Option<Index>,
    /// The partition.
    pub pk: String,
    /// First sort key.
    pub from: String,
    /// Last sort key.
    pub to: String,
    /// Whether to begin at the last sort key.
    pub backwards: bool,
    /// Most rows to answer; `None` answers all, in as many requests as it takes.
    pub limit: Option<u16>,
    /// Strong only on the table itself.
    pub consistency: Consistency,
}

/// Why the table did not do as asked, and nothing is known to have changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Too much at once, or another transaction at work on the same rows. Worth another try.
    #[error("the table is busy: {0}")]
    Busy(String),
    /// No answer, or one that another try would not change.
    #[error("the table is not available: {0}")]
    Unavailable(String),
}

/// Why a write did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The expectations about these rows were wrong.
    #[error("{} moved", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    VersionConflict(Vec<Key>),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// A table with the two indexes of [`crate::keys`].
#[async_trait]
pub trait Table: Send + Sync {
    /// One row.
    async fn get(&self, key: &Key, consistency: Consistency) -> Result<Option<Item>, TableError>;

    /// Several rows in one request, those that exist, in any order; at most 100.
    async fn get_many(&self, keys: &[Key], consistency: Consistency) -> Result<Vec<Item>, TableError>;

    /// The rows of a range in the order of their sort keys.
    async fn query(&self, query: &Query) -> Result<Vec<Item>, TableError>;

    /// All of the writes or none; at most 100, each to another row.
    ///
    /// One row put by itself is done, too, when exactly that row stands there already: the client library repeats what it heard
    /// nothing of, and finds its own row in the way. So two who put the same bytes under the same version are both told that it is
    /// done. Whoever must know who was first puts something of their own into the row, as leases do.
    async fn write(&self, writes: Vec<Write>) -> Result<(), WriteError>;
}

/// What went wrong, and what that came from, without the dump of the whole exchange that the SDK offers: it could hold what
/// must not be in a log.
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let mut said: Vec<String> = chain.map(ToString::to_string).collect();
    said.dedup();
    said.join(": ")
}
