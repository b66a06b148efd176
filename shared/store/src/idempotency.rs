//! Requests that created something, so that the same request again gets the same answer.

use domain::Timestamp;
use domain::kernel::time::DAY;
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::table::{Consistency, Expect};
use crate::transaction::{document, number};
use crate::{CommitError, ReadError, Store, Transaction};

/// How long a record is kept, in seconds: as long as Stripe keeps its own.
const KEPT: i64 = DAY;

/// What is known of a request that carried an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyRecord {
    /// The id of the person who sent it, so that the keys of different people never collide.
    pub person: String,
    /// The key they chose.
    pub key: String,
    /// Grows by one each time the request stops, with a response or without.
    pub version: u64,
    /// SHA-256 of the request, in hexadecimal.
    pub fingerprint: String,
    /// The id of what it created.
    pub subject: String,
    /// Until this instant the first request may still be running.
    pub running_until: Timestamp,
    /// When the record ends.
    pub ends_at: Timestamp,
    /// The body of the response, once it is known.
    pub response: Option<String>,
}

impl IdempotencyRecord {
    /// A record of a request that begins now and may run for `seconds`.
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
            ends_at: now.plus(KEPT),
            response: None,
        }
    }
}

impl Transaction {
    /// Writes the record of a request. `over` is a record that has ended and that TTL has not removed yet.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_idempotency_record(
        &mut self,
        record: &IdempotencyRecord,
        over: Option<&IdempotencyRecord>,
    ) -> Result<(), CommitError> {
        let expect = over.map_or(Expect::read(record.version - 1), |over| Expect::Version(over.version));
        let ttl = [(keys::EXPIRES_AT, number(record.ends_at.seconds()))];
        self.put_document(keys::idempotency(&record.person, &record.key), expect, record, ttl)
    }
}

impl Store {
    /// The record of a request, even if it has ended.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn idempotency_record(
        &self,
        person: &str,
        key: &str,
    ) -> Result<Option<IdempotencyRecord>, ReadError> {
        self.table.get(&keys::idempotency(person, key), Consistency::Strong).await?.map(document).transpose()
    }
}
