//! Turns: the order in which concurrent changes of the same row are attempted.
//!
//! A change whose row somebody else has just written takes a ticket. Two counters say how many tickets were taken in a minute, and
//! how many of their changes have ended, so each change knows how many are ahead of it. Turns only spread the attempts: whether a
//! change is committed depends on the versions of its rows alone. A lost response can count a ticket twice, and a function that
//! stops does not end its turn. The counters of the next minute begin anew.

use domain::Timestamp;
use domain::kernel::time::{HOUR, MINUTE};

use crate::Store;
use crate::keys::{self, EXPIRES_AT, Key};
use crate::reads::is_row;
use crate::row::SCHEMA;
use crate::table::{COUNT, Consistency, Item, Query, TableError};
use crate::transaction::number;

/// A place in the order of those who want to write a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    row: Key,
    minute: i64,
    number: u64,
}

/// The number in a counter.
fn counted(counter: &Item) -> u64 {
    counter.get(COUNT).and_then(|count| count.as_n().ok()?.parse().ok()).unwrap_or(0)
}

impl Store {
    /// How many tickets for a row were taken in this minute whose changes have not ended, as far as an eventually consistent read
    /// shows. It costs half a read unit.
    ///
    /// # Errors
    /// [`TableError`] if the table did not execute the request.
    pub async fn tickets_waiting(&self, row: &Key, now: Timestamp) -> Result<u64, TableError> {
        let minute = now.seconds().div_euclid(MINUTE);
        let (taken, ended) = (keys::tickets(row, minute), keys::turns(row, minute));
        let query = Query {
            index: None,
            pk: taken.pk.clone(),
            from: ended.sk.clone(),
            to: taken.sk.clone(),
            descending: false,
            limit: None,
            consistency: Consistency::Eventual,
        };
        let counters = self.table.query(&query).await?;
        let count = |key: &Key| counters.iter().find(|counter| is_row(counter, key)).map_or(0, counted);
        Ok(count(&taken).saturating_sub(count(&ended)))
    }

    /// Takes the next ticket for a row. It costs one write unit.
    ///
    /// # Errors
    /// [`TableError`] if the table did not execute the request.
    pub async fn take_ticket(&self, row: &Key, now: Timestamp) -> Result<Ticket, TableError> {
        let minute = now.seconds().div_euclid(MINUTE);
        let number = self.count_turn(&keys::tickets(row, minute), minute).await?;
        Ok(Ticket { row: row.clone(), minute, number })
    }

    /// The number of tickets that were taken before this one and whose changes have not ended, as far as an eventually consistent read
    /// shows.
    ///
    /// # Errors
    /// [`TableError`] if the table did not execute the request.
    pub async fn tickets_ahead(&self, ticket: &Ticket) -> Result<u64, TableError> {
        let row = self.table.get(&keys::turns(&ticket.row, ticket.minute), Consistency::Eventual).await?;
        let ended = row.as_ref().map_or(0, counted);
        Ok(ticket.number.saturating_sub(1).saturating_sub(ended))
    }

    /// Ends the turn of a ticket, or that of one ahead of it which no longer responds. It costs one write unit.
    ///
    /// # Errors
    /// [`TableError`] if the table did not execute the request.
    pub async fn end_turn(&self, ticket: &Ticket) -> Result<(), TableError> {
        self.count_turn(&keys::turns(&ticket.row, ticket.minute), ticket.minute).await.map(|_| ())
    }

    async fn count_turn(&self, key: &Key, minute: i64) -> Result<u64, TableError> {
        let expires_at = minute * MINUTE + HOUR;
        let attributes =
            Item::from([(SCHEMA.to_owned(), number(1)), (EXPIRES_AT.to_owned(), number(expires_at))]);
        self.table.count(key, attributes).await
    }
}
