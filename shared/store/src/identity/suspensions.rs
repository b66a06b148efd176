//! The row that says whether a person is suspended.

use domain::PersonId;
use domain::identity::suspension::Suspension;

use super::keys;
use super::rows::SuspensionRow;
use crate::keys::VERSION;
use crate::row::read_row;
use crate::table::{Condition, Consistency};
use crate::{CommitError, ReadError, Store, Transaction};

/// The suspension of a person as it is stored, for a decision that replaces it.
#[derive(Debug, Clone)]
pub struct StoredSuspension {
    /// The suspension. Without changes if this release cannot read it.
    pub suspension: Suspension,
    /// Whether this release can read it. If not, the person counts as suspended, because every request that depends on it fails.
    pub is_readable: bool,
    /// The condition that the row has not changed since it was read.
    unchanged: Condition,
}

impl Transaction {
    /// Replaces a stored suspension that cannot be read, on condition that it has not changed since it was read.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn replace_unreadable_suspension(
        &mut self,
        stored: &StoredSuspension,
        suspension: &Suspension,
    ) -> Result<(), CommitError> {
        let key = keys::suspension(suspension.person);
        self.put_row::<SuspensionRow, _>(key, stored.unchanged.clone(), suspension, [])
    }

    /// Writes whether a person is suspended, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_suspension(&mut self, suspension: &Suspension) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(suspension.version - 1);
        self.put_row::<SuspensionRow, _>(keys::suspension(suspension.person), condition, suspension, [])
    }

    /// Adds the condition that the suspension of a person has not changed since it was read.
    pub fn check_suspension(&mut self, suspension: &Suspension) {
        self.check(keys::suspension(suspension.person), Condition::unchanged_since(suspension.version));
    }
}

impl Store {
    /// The suspension of a person, read with strong consistency, even if this release cannot read its row.
    ///
    /// # Errors
    /// [`ReadError`] if the table does not respond.
    pub async fn stored_suspension(&self, person: PersonId) -> Result<StoredSuspension, ReadError> {
        let Some(item) = self.table_itself().get(&keys::suspension(person), Consistency::Strong).await?
        else {
            let suspension = Suspension::never(person);
            return Ok(StoredSuspension { suspension, is_readable: true, unchanged: Condition::Absent });
        };
        let stored = item.get(VERSION).cloned();
        let version = stored.as_ref().and_then(|version| version.as_n().ok()?.parse().ok()).unwrap_or(0);
        let unchanged = Condition::Same(stored);
        match read_row::<SuspensionRow, _>(item) {
            Ok(suspension) => Ok(StoredSuspension { suspension, is_readable: true, unchanged }),
            Err(ReadError::NewerRelease { .. } | ReadError::Corrupt { .. }) => {
                let suspension = Suspension { version, ..Suspension::never(person) };
                Ok(StoredSuspension { suspension, is_readable: false, unchanged })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether a person is suspended, read with strong consistency.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or the row cannot be parsed.
    pub async fn suspension(&self, person: PersonId) -> Result<Suspension, ReadError> {
        let item = self.table_itself().get(&keys::suspension(person), Consistency::Strong).await?;
        let read = item.map(read_row::<SuspensionRow, _>).transpose()?;
        Ok(read.unwrap_or_else(|| Suspension::never(person)))
    }
}
