//! Rows of the history of appointments.

use domain::AppointmentId;
use domain::scheduling::history::HistoryEntry;

use super::keys::{self, RowVersion};
use super::rows::HistoryRow;
use crate::keys::{SK, appointment_partition};
use crate::row::{cut_page, read_list};
use crate::table::{Condition, Consistency, Query};
use crate::{CommitError, ReadError, Store, Transaction};

/// One page of the history of an appointment.
#[derive(Debug, Clone)]
pub struct HistoryPage {
    /// The entries, the oldest first.
    pub entries: Vec<HistoryEntry>,
    /// The number of entries of the page that this release cannot read.
    pub unreadable: usize,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

impl Transaction {
    /// Adds an entry to the history of an appointment. `appointment_version` is the version of the appointment after the change,
    /// and `version` the new version of the row whose change it describes.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_history(
        &mut self,
        id: AppointmentId,
        appointment_version: u64,
        version: RowVersion,
        entry: &HistoryEntry,
    ) -> Result<(), CommitError> {
        let key = |number| keys::history(id, appointment_version, version, entry.at, number);
        let number =
            (0..).find(|number| self.writes().iter().all(|write| write.key != key(*number))).unwrap_or(0);
        self.put_row::<HistoryRow, _>(key(number), Condition::Absent, entry, [])
    }
}

impl Store {
    /// The history of an appointment, the oldest entry first. Entries of the same second have the order of the appointment's
    /// versions. `after` is the `next` of the previous page.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
    pub async fn history(
        &self,
        id: AppointmentId,
        after: Option<&str>,
        limit: u16,
    ) -> Result<HistoryPage, ReadError> {
        let prefix = keys::HISTORY;
        let query = Query {
            index: None,
            pk: appointment_partition(id),
            // Appending a space, the lowest printable character, excludes `after` itself and nothing else.
            from: after.map_or(prefix.to_owned(), |after| format!("{prefix}{after} ")),
            to: format!("{prefix}~"),
            descending: false,
            limit: Some(limit + 1),
            consistency: Consistency::Strong,
        };
        let mut items = self.table.query(&query).await?;
        let next = cut_page(&mut items, limit, SK);
        let next = next.and_then(|sk| sk.strip_prefix(prefix).map(str::to_owned));
        let (entries, unreadable) = read_list::<HistoryRow, _>(items);
        Ok(HistoryPage { entries, unreadable, next })
    }
}
