//! Events that providers told us of, so that a duplicate does nothing.

use domain::Timestamp;
use domain::kernel::time::DAY;

use super::keys;
use crate::keys::{EXPIRES_AT, VERSION};
use crate::table::{Consistency, Expect, Item};
use crate::transaction::number;
use crate::{ReadError, Store, Transaction};

/// How long an event is remembered, in seconds: Stripe retries for three days.
const KEPT: i64 = 7 * DAY;

impl Transaction {
    /// Notes that an event was taken; the transaction fails when it was before.
    pub fn put_webhook_event(&mut self, provider: &str, id: &str, now: Timestamp) {
        let item = Item::from([
            (VERSION.to_owned(), number(1)),
            (EXPIRES_AT.to_owned(), number(now.plus(KEPT).seconds())),
        ]);
        self.put(keys::webhook_event(provider, id), Expect::Absent, item);
    }
}

impl Store {
    /// Whether an event was taken.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn webhook_event_taken(&self, provider: &str, id: &str) -> Result<bool, ReadError> {
        Ok(self.table.get(&keys::webhook_event(provider, id), Consistency::Strong).await?.is_some())
    }
}
