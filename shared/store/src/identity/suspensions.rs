//! The row that says whether a person is suspended.

use domain::PersonId;
use domain::identity::suspension::Suspension;

use super::keys;
use super::rows::SuspensionRow;
use crate::row::read_row;
use crate::table::{Condition, Consistency};
use crate::{CommitError, ReadError, Store, Transaction};

impl Transaction {
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
