//! Names and keys that every area uses. The keys of an area's own rows are in `<area>/keys.rs`.
//!
//! Each of these files begins with the part of the access-pattern table that concerns its rows. Text in angle brackets stands
//! for a value. `index` is `table` for the primary key; a row of another index lists the key of an item in that index.
//! The tests below read these tables: they compare them with the keys that the functions return, and fail if two areas can
//! write the same key or the same partition of an index.
//!
//! | used by | question | index | PK | SK |
//! |---|---|---|---|---|
//! | routes that create something | the outcome of a request with this idempotency key | table | `IDEM#<person>#<key>` | `R` |
//! | start of a function | does the table respond | table | `NOTHING` | `R` |
//! | concurrent changes of a row | how many tickets were taken in a minute | table | `TURNS#<row>` | `<minute>#TICKETS` |
//! | concurrent changes of a row | how many of their changes have ended | table | `TURNS#<row>` | `<minute>#ENDED` |
//!
//! Instants in sort keys are seconds since 1970 in twelve digits, so that they sort as text.

use domain::{AppointmentId, ExpertId, PersonId, Timestamp};

/// The partition key attribute.
pub const PK: &str = "PK";
/// The sort key attribute.
pub const SK: &str = "SK";
/// The first global secondary index: an expert's appointments, ledger entries and receipts, a person's notifications, and
/// outbox entries by due time.
pub const GSI1: Index = Index { name: "GSI1", pk: "GSI1PK", sk: "GSI1SK" };
/// The second global secondary index: a client's appointments, ledger entries by day, receipts by id, escalations, memberships of
/// a person, and failing jobs.
pub const GSI2: Index = Index { name: "GSI2", pk: "GSI2PK", sk: "GSI2SK" };
/// The TTL attribute: when DynamoDB may delete the row, in seconds since 1970. No rule depends on the deletion.
pub const EXPIRES_AT: &str = "expires_at";
/// The attribute that the conditions of writes compare.
pub const VERSION: &str = "version";

/// A global secondary index and its key attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    /// The name of the index.
    pub name: &'static str,
    /// The partition key attribute.
    pub pk: &'static str,
    /// The sort key attribute.
    pub sk: &'static str,
}

/// The primary key of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

impl Key {
    /// A key of these two parts.
    pub(crate) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} / {}", self.pk, self.sk)
    }
}

/// The key of a row that is never written.
pub fn nothing() -> Key {
    Key::new("NOTHING", "R")
}

/// The partition of an expert. Several areas have rows in it.
pub fn expert_partition(expert: ExpertId) -> String {
    format!("EXPERT#{expert}")
}

/// The partition of an appointment. Several areas have rows in it.
pub fn appointment_partition(id: AppointmentId) -> String {
    format!("APT#{id}")
}

/// The partition of a person. Several areas have rows in it.
pub fn person_partition(id: PersonId) -> String {
    format!("PERSON#{id}")
}

/// The idempotency record of a person's request with this idempotency key.
pub fn idempotency(person: &str, idempotency_key: &str) -> Key {
    Key::new(format!("IDEM#{person}#{idempotency_key}"), "R")
}

/// The number of tickets for a row that were taken in a minute since 1970.
pub fn tickets(row: &Key, minute: i64) -> Key {
    Key::new(format!("TURNS#{}#{}", row.pk, row.sk), format!("{minute}#TICKETS"))
}

/// The number of turns of these tickets that have ended.
pub fn turns(row: &Key, minute: i64) -> Key {
    Key::new(format!("TURNS#{}#{}", row.pk, row.sk), format!("{minute}#ENDED"))
}

/// An instant in a sort key: seconds since 1970 in twelve digits.
pub fn instant(at: Timestamp) -> String {
    format!("{:012}", at.seconds())
}

#[cfg(test)]
pub(crate) mod tests;
