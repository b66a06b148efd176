//! Rows of the details of appointments and of the notes about sessions.

use domain::scheduling::details::SessionDetails;
use domain::scheduling::note::SessionNote;
use domain::scheduling::party::Party;
use domain::{AppointmentId, NoteId};

use super::keys;
use super::rows::{DetailsRow, NoteRow, NotesWrittenRow};
use crate::keys::appointment_partition;
use crate::row::{read_list, read_row};
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

/// How many notes one side of an appointment has ever written. Each transaction that adds a note of the side writes it, so that two
/// of them never both pass the limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NotesWritten {
    /// Increases by one with each note; 0 before the first.
    pub version: u64,
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

    /// Writes how many notes a side has written, on condition that the stored number is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_notes_written(
        &mut self,
        id: AppointmentId,
        author: Party,
        written: NotesWritten,
    ) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(written.version - 1);
        self.put_row::<NotesWrittenRow, _>(keys::notes_written(id, author), condition, &written, [])
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

    /// How many notes a side of an appointment has written.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn notes_written(&self, id: AppointmentId, author: Party) -> Result<NotesWritten, ReadError> {
        let item = self.table.get(&keys::notes_written(id, author), Consistency::Strong).await?;
        Ok(item.map(read_row::<NotesWrittenRow, _>).transpose()?.unwrap_or_default())
    }

    /// All notes about a session that this release can read, the oldest first, and the number of the others. The use case that
    /// creates them limits their number.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
    pub async fn notes(&self, id: AppointmentId) -> Result<(Vec<SessionNote>, usize), ReadError> {
        let query = Query {
            index: None,
            pk: appointment_partition(id),
            from: keys::NOTES.to_owned(),
            to: format!("{}~", keys::NOTES),
            descending: false,
            limit: None,
            consistency: Consistency::Strong,
        };
        Ok(read_list::<NoteRow, _>(self.table.query(&query).await?))
    }
}
