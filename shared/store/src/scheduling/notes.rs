//! Rows of the details of appointments and of the notes about sessions.

use domain::scheduling::details::SessionDetails;
use domain::scheduling::note::SessionNote;
use domain::{AppointmentId, NoteId};

use super::keys;
use super::rows::{DetailsRow, NoteRow};
use crate::keys::appointment_partition;
use crate::row::read_row;
use crate::table::{Condition, Consistency, Query};
use crate::{CommitError, ReadError, Store, Transaction};

/// The details of an appointment with their version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionedDetails {
    /// Increases by one with each change; 0 if there is no row, because the client said nothing.
    pub version: u64,
    /// The details.
    pub details: SessionDetails,
}

impl Transaction {
    /// Writes the details of an appointment, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_details(&mut self, id: AppointmentId, details: &VersionedDetails) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(details.version - 1);
        self.put_row::<DetailsRow, _>(keys::details(id), condition, details, [])
    }

    /// Writes a note, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_note(&mut self, id: AppointmentId, note: &SessionNote) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(note.version - 1);
        self.put_row::<NoteRow, _>(keys::note(id, note.id), condition, note, [])
    }

    /// Deletes a note, on condition that it has not changed since it was read.
    pub fn delete_note(&mut self, id: AppointmentId, note: &SessionNote) {
        self.delete(keys::note(id, note.id), Condition::Version(note.version));
    }
}

impl Store {
    /// A note about a session.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn note(&self, id: AppointmentId, note: NoteId) -> Result<Option<SessionNote>, ReadError> {
        self.table
            .get(&keys::note(id, note), Consistency::Strong)
            .await?
            .map(read_row::<NoteRow, _>)
            .transpose()
    }

    /// All notes about a session, the oldest first. The use case that creates them limits their number.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn notes(&self, id: AppointmentId) -> Result<Vec<SessionNote>, ReadError> {
        let query = Query {
            index: None,
            pk: appointment_partition(id),
            from: keys::NOTES.to_owned(),
            to: format!("{}~", keys::NOTES),
            descending: false,
            limit: None,
            consistency: Consistency::Strong,
        };
        self.table.query(&query).await?.into_iter().map(read_row::<NoteRow, _>).collect()
    }
}
