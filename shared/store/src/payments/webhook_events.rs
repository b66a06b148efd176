//! Rows of received webhook events, so that a repeated event has no effect.

use domain::Timestamp;
use domain::kernel::time::DAY;

use super::keys;
use super::rows::ReceivedEventRow;
use crate::keys::EXPIRES_AT;
use crate::table::{Condition, Consistency};
use crate::transaction::number;
use crate::{CommitError, ReadError, Store, Transaction};

/// How long an event is remembered, in seconds. Stripe repeats an event for up to three days.
const RETENTION: i64 = 7 * DAY;

/// An event that was received. Its key says which one.
pub(crate) struct ReceivedEvent {
    /// Always 1: the row is never changed.
    pub(super) version: u64,
}

impl Transaction {
    /// Records an event, on condition that it was not recorded before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_webhook_event(&mut self, gateway: &str, id: &str, now: Timestamp) -> Result<(), CommitError> {
        let key = keys::webhook_event(gateway, id);
        let ttl = [(EXPIRES_AT, number(now.plus(RETENTION).seconds()))];
        self.put_row::<ReceivedEventRow, _>(key, Condition::Absent, &ReceivedEvent { version: 1 }, ttl)
    }
}

impl Store {
    /// Whether an event was recorded.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn webhook_event_received(&self, gateway: &str, id: &str) -> Result<bool, ReadError> {
        Ok(self.table.get(&keys::webhook_event(gateway, id), Consistency::Strong).await?.is_some())
    }
}
