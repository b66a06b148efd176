//! The row of a person.

use domain::PersonId;
use domain::identity::person::Person;

use super::keys;
use super::rows::PersonRow;
use crate::row::read_row;
use crate::table::{Condition, Consistency};
use crate::{CommitError, ReadError, Store, Transaction};

impl Transaction {
    /// Writes a person, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_person(&mut self, person: &Person) -> Result<(), CommitError> {
        self.put_row::<PersonRow, _>(
            keys::person(person.id),
            Condition::unchanged_since(person.version - 1),
            person,
            [],
        )
    }
}

impl Store {
    /// A person, read with strong consistency; `None` if nothing is stored about them.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn person(&self, id: PersonId) -> Result<Option<Person>, ReadError> {
        self.table
            .get(&keys::person(id), Consistency::Strong)
            .await?
            .map(read_row::<PersonRow, _>)
            .transpose()
    }
}
