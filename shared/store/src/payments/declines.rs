//! Rows that count the declined attempts to pay of a UTC day.

use domain::kernel::time::DAY;
use domain::{ClientId, Timestamp};

use super::keys;
use super::rows::DeclinedAttemptsRow;
use crate::keys::{EXPIRES_AT, Key};
use crate::row::read_row;
use crate::table::{Condition, Consistency};
use crate::transaction::number;
use crate::{CommitError, ReadError, Store, Transaction};

/// Whose declined attempts are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclineCounter<'a> {
    /// Those of a client on the UTC day of this time.
    Client(ClientId, Timestamp),
    /// Those of a network address. The digest stands for the address and the UTC day of the booking.
    Address(&'a str),
}

impl DeclineCounter<'_> {
    fn key(self) -> Key {
        match self {
            Self::Client(client, at) => keys::declines_of_client(client, at.utc_date()),
            Self::Address(digest) => keys::declines_of_address(digest),
        }
    }
}

/// The number of declined attempts. Each one changes the row, so the number is the version of the row.
pub(crate) struct CountedDeclines {
    /// The number.
    pub(super) version: u64,
}

impl Transaction {
    /// Writes a number of declined attempts, on condition that the stored number is one less. TTL may delete it after two days.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_declines(
        &mut self,
        counter: DeclineCounter<'_>,
        declines: u64,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(declines.saturating_sub(1));
        let ttl = [(EXPIRES_AT, number(now.plus(2 * DAY).seconds()))];
        let counted = CountedDeclines { version: declines };
        self.put_row::<DeclinedAttemptsRow, _>(counter.key(), condition, &counted, ttl)
    }
}

impl Store {
    /// The number of declined attempts.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or the row cannot be parsed.
    pub async fn declines(&self, counter: DeclineCounter<'_>) -> Result<u64, ReadError> {
        let item = self.table.get(&counter.key(), Consistency::Strong).await?;
        let counted = item.map(read_row::<DeclinedAttemptsRow, CountedDeclines>).transpose()?;
        Ok(counted.map_or(0, |counted| counted.version))
    }
}
