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

/// A request that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Who sent it: the id of the person, so that keys of different people never meet.
    pub person: String,
    /// The key they chose.
    pub key: String,
    /// Grows by one each time it stops, with the answer or before it.
    pub version: u64,
    /// SHA-256 of what was asked, in hexadecimal.
    pub fingerprint: String,
    /// What it made.
    pub subject: String,
    /// Until then the first request may still be at work.
    pub running_until: Timestamp,
    /// When the record ends.
    pub ends_at: Timestamp,
    /// The answer's body, once there is one.
    pub answer: Option<String>,
}

impl Seen {
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
            answer: None,
        }
    }
}

impl Transaction {
    /// Notes that a request was seen. `over` is a record whose time is over, which TTL has yet to remove.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_seen(&mut self, seen: &Seen, over: Option<&Seen>) -> Result<(), CommitError> {
        let expect = over.map_or(Expect::read(seen.version - 1), |over| Expect::Version(over.version));
        let ttl = [(keys::EXPIRES_AT, number(seen.ends_at.seconds()))];
        self.put_document(keys::idempotency(&seen.person, &seen.key), expect, seen, ttl)
    }
}

impl Store {
    /// The record of a request, also one whose time is over.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn seen(&self, person: &str, key: &str) -> Result<Option<Seen>, ReadError> {
        self.table.get(&keys::idempotency(person, key), Consistency::Strong).await?.map(document).transpose()
    }
}
