//! Idempotency records: a repeated request gets the response of the first one.

use domain::Timestamp;
use domain::kernel::time::DAY;

use crate::keys;
use crate::row::{Row, read_row, stored};
use crate::table::{Condition, Consistency};
use crate::transaction::number;
use crate::{CommitError, ReadError, Store, Transaction};

/// How long a record is valid, in seconds: as long as Stripe keeps its idempotency keys.
const VALIDITY: i64 = DAY;

/// The state of a request with an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// The id of the person who sent the request. Keys of different people do not collide.
    pub person: String,
    /// The idempotency key that the person chose.
    pub key: String,
    /// Increases by one when the request completes or is released.
    pub version: u64,
    /// SHA-256 of the request, in hexadecimal. It detects another request with the same key.
    pub fingerprint: String,
    /// The id of what the request created.
    pub subject: String,
    /// The first request may still be running until this instant.
    pub running_until: Timestamp,
    /// When the record expires.
    pub ends_at: Timestamp,
    /// The body of the response, once the request is complete.
    pub response: Option<String>,
}

impl Row<IdempotencyRecord> for IdempotencyRow {
    const SCHEMA: u16 = 1;
}

stored! {
    struct IdempotencyRow for IdempotencyRecord {
        person: String,
        key: String,
        version: u64,
        fingerprint: String,
        subject: String,
        running_until: Timestamp,
        ends_at: Timestamp,
        response: Option<String>,
    }
}

impl IdempotencyRecord {
    /// The record of a request that starts now and may run for `seconds`.
    pub fn starting(
        person: impl Into<String>,
        key: impl Into<String>,
        fingerprint: impl Into<String>,
        subject: impl Into<String>,
        now: Timestamp,
        seconds: i64,
    ) -> Self {
        Self {
            person: person.into(),
            key: key.into(),
            version: 1,
            fingerprint: fingerprint.into(),
            subject: subject.into(),
            running_until: now.plus(seconds),
            ends_at: now.plus(VALIDITY),
            response: None,
        }
    }
}

impl Transaction {
    /// Writes the record of a request. `expired` is the record that it replaces, if TTL has not deleted that one yet.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_idempotency_record(
        &mut self,
        record: &IdempotencyRecord,
        expired: Option<&IdempotencyRecord>,
    ) -> Result<(), CommitError> {
        let condition = expired
            .map_or(Condition::unchanged_since(record.version - 1), |old| Condition::Version(old.version));
        let ttl = [(keys::EXPIRES_AT, number(record.ends_at.seconds()))];
        let key = keys::idempotency(&record.person, &record.key);
        self.put_row::<IdempotencyRow, _>(key, condition, record, ttl)
    }
}

impl Store {
    /// The record of a request, even if it has expired.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn idempotency_record(
        &self,
        person: &str,
        key: &str,
    ) -> Result<Option<IdempotencyRecord>, ReadError> {
        let row = self.table.get(&keys::idempotency(person, key), Consistency::Strong).await?;
        row.map(read_row::<IdempotencyRow, _>).transpose()
    }
}
