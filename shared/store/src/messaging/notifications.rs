//! Rows of notifications, and up to where a person has read them.

use domain::messaging::notification::{AppointmentChange, Content, KEPT_FOR, Notification, ReadMark};
use domain::scheduling::party::Party;
use domain::scheduling::reliability::IncidentSubject;
use domain::{AppointmentId, NotificationId, PersonId, Timestamp};

use super::keys;
use super::rows::{NotificationRow, ReadMarkRow};
use crate::keys::{EXPIRES_AT, GSI1, Key};
use crate::row::{cut_page, read_list, read_row};
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
    /// Writes the notification of a person about a change by this kind of event, on condition that `replaced` is still what is stored
    /// in its place. It is deleted some time after [`KEPT_FOR`].
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_change_notification(
        &mut self,
        event: &str,
        notification: &Notification,
        appointment: AppointmentId,
        replaced: Option<&AppointmentChange>,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let key = keys::notification(notification.person, appointment, event);
        let condition = Condition::unchanged_since(replaced.map_or(0, |replaced| replaced.version));
        self.put_notification(key, condition, notification, now)
    }

    /// Writes the warning of a person because of an incident, on condition that there is none about the same. It is deleted some time
    /// after [`KEPT_FOR`].
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_warning(
        &mut self,
        notification: &Notification,
        side: Party,
        subject: IncidentSubject,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let key = keys::warning(notification.person, side, subject);
        self.put_notification(key, Condition::Absent, notification, now)
    }

    fn put_notification(
        &mut self,
        key: Key,
        condition: Condition,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let Notification { id, person, .. } = *notification;
        let more = [
            (GSI1.pk, text(keys::notifications(person))),
            (GSI1.sk, text(id.to_string())),
            (EXPIRES_AT, number(now.plus(KEPT_FOR).seconds())),
        ];
        self.put_row::<NotificationRow, _>(key, condition, notification, more)
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
    /// The change of which a person was notified by this kind of event of an appointment, read with strong consistency.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or the row cannot be parsed.
    pub async fn notified_change(
        &self,
        person: PersonId,
        appointment: AppointmentId,
        event: &str,
    ) -> Result<Option<AppointmentChange>, ReadError> {
        let key = keys::notification(person, appointment, event);
        let item = self.table.get(&key, Consistency::Strong).await?;
        let notification: Option<Notification> = item.map(read_row::<NotificationRow, _>).transpose()?;
        Ok(notification.and_then(|notification| match notification.content {
            Content::Change(change) => Some(change),
            Content::Warning(_) => None,
        }))
    }

    /// Whether a person was warned because of an incident of this side about this; read with strong consistency.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
    pub async fn was_warned(
        &self,
        person: PersonId,
        side: Party,
        subject: IncidentSubject,
    ) -> Result<bool, ReadError> {
        let key = keys::warning(person, side, subject);
        Ok(self.table.get(&key, Consistency::Strong).await?.is_some())
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
        let next = cut_page(&mut items, limit, GSI1.sk).and_then(|last| last.parse().ok());
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
