//! Rows of received webhook events, so that a repeated event has no effect.

use domain::Timestamp;
use domain::kernel::time::DAY;

use super::keys;
use crate::keys::{EXPIRES_AT, VERSION};
use crate::table::{Condition, Consistency, Item};
use crate::transaction::number;
use crate::{ReadError, Store, Transaction};

/// How long an event is remembered, in seconds. Stripe repeats an event for up to three days.
const RETENTION: i64 = 7 * DAY;

impl Transaction {
    /// Records an event, on condition that it was not recorded before.
    pub fn put_webhook_event(&mut self, gateway: &str, id: &str, now: Timestamp) {
        let item = Item::from([
            (VERSION.to_owned(), number(1)),
            (EXPIRES_AT.to_owned(), number(now.plus(RETENTION).seconds())),
        ]);
        self.put(keys::webhook_event(gateway, id), Condition::Absent, item);
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
