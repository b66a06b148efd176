//! Rows of notifications, and up to where a person has read them.

use domain::messaging::notification::{KEPT_FOR, Notification, ReadMark};
use domain::{AppointmentId, NotificationId, PersonId, Timestamp};

use super::keys;
use super::rows::{NotificationRow, ReadMarkRow};
use crate::keys::{EXPIRES_AT, GSI1};
use crate::row::{read_list, read_row};
use crate::table::{Condition, Consistency, Query};
use crate::transaction::{number, text};
use crate::{CommitError, ReadError, Store, Transaction};

/// A page of notifications.
#[derive(Debug, Clone)]
pub struct NotificationPage {
    /// The notifications, the newest first.
    pub notifications: Vec<Notification>,
    /// The number of notifications of the page that this release cannot read.
    pub unreadable: usize,
    /// The last notification of the page; `None` on the last page.
    pub next: Option<NotificationId>,
}

impl Transaction {
    /// Writes a notification about this kind of event, on condition that `replaced` is still what is stored in its place. It is
    /// deleted some time after [`KEPT_FOR`].
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_notification(
        &mut self,
        event: &str,
        notification: &Notification,
        replaced: Option<&Notification>,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let Notification { id, person, appointment, .. } = *notification;
        let condition = Condition::unchanged_since(replaced.map_or(0, |replaced| replaced.version));
        let more = [
            (GSI1.pk, text(keys::notifications(person))),
            (GSI1.sk, text(id.to_string())),
            (EXPIRES_AT, number(now.plus(KEPT_FOR).seconds())),
        ];
        self.put_row::<NotificationRow, _>(
            keys::notification(person, appointment, event),
            condition,
            notification,
            more,
        )
    }

    /// Writes up to where a person has read their notifications, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_read_mark(&mut self, person: PersonId, mark: &ReadMark) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(mark.version - 1);
        self.put_row::<ReadMarkRow, _>(keys::read_mark(person), condition, mark, [])
    }
}

impl Store {
    /// The notification of a person about this kind of event of an appointment, read with strong consistency.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or the row cannot be parsed.
    pub async fn notification(
        &self,
        person: PersonId,
        appointment: AppointmentId,
        event: &str,
    ) -> Result<Option<Notification>, ReadError> {
        let key = keys::notification(person, appointment, event);
        self.table.get(&key, Consistency::Strong).await?.map(read_row::<NotificationRow, _>).transpose()
    }

    /// The notifications of a person with an id from `from` to `to`, both inclusive, the newest first. The page may be a moment
    /// behind.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
    pub async fn notifications(
        &self,
        person: PersonId,
        from: NotificationId,
        to: NotificationId,
        limit: u16,
    ) -> Result<NotificationPage, ReadError> {
        if to < from {
            return Ok(NotificationPage { notifications: Vec::new(), unreadable: 0, next: None });
        }
        let query = Query {
            index: Some(GSI1),
            pk: keys::notifications(person),
            from: from.to_string(),
            to: to.to_string(),
            descending: true,
            limit: Some(limit + 1),
            consistency: Consistency::Eventual,
        };
        let mut items = self.table.query(&query).await?;
        let more = items.len() > usize::from(limit);
        items.truncate(limit.into());
        // The cursor is read from the key, because the last row may be unreadable.
        let next =
            items.last().filter(|_| more).and_then(|last| last.get(GSI1.sk)?.as_s().ok()?.parse().ok());
        let (notifications, unreadable) = read_list::<NotificationRow, _>(items);
        Ok(NotificationPage { notifications, unreadable, next })
    }

    /// Up to where a person has read their notifications, read with strong consistency.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or the row cannot be parsed.
    pub async fn read_mark(&self, person: PersonId) -> Result<ReadMark, ReadError> {
        let item = self.table.get(&keys::read_mark(person), Consistency::Strong).await?;
        let mark = item.map(read_row::<ReadMarkRow, _>).transpose()?;
        Ok(mark.unwrap_or(ReadMark::NOTHING))
    }
}
