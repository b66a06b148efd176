//! Rows of the ledger: one per entry, written once and never changed.
//!
//! The entries of a payment are in the partition of its appointment, so that one query reads the payment with its whole
//! history. Two indexes list the entries by expert and by UTC day, ordered by the time at which they were recorded.

use chrono::NaiveDate;
use domain::payments::ledger::Entry;
use domain::{AppointmentId, ExpertId, TimeSpan};

use super::keys;
use super::rows::EntryRow;
use crate::keys::{GSI1, GSI2, Key, instant};
use crate::row::{cut_page, read_row};
use crate::table::{Condition, Consistency, Query};
use crate::transaction::text;
use crate::{CommitError, ReadError, Store, Transaction};

/// One page of an expert's ledger.
#[derive(Debug, Clone)]
pub struct LedgerPage {
    /// The entries, the oldest first.
    pub entries: Vec<Entry>,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

impl Transaction {
    /// Writes a ledger entry of an appointment, on condition that no entry with this number exists.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_ledger_entry(&mut self, appointment: AppointmentId, entry: &Entry) -> Result<(), CommitError> {
        self.put_ledger_row(keys::ledger_entry(appointment, entry.number), entry)
    }

    /// Writes the ledger entry of a payout, on condition that it does not exist. `kind` says whether it was paid or has failed.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_payout(&mut self, kind: &str, payout: &str, entry: &Entry) -> Result<(), CommitError> {
        self.put_ledger_row(keys::payout(entry.expert, entry.gateway, kind, payout), entry)
    }

    fn put_ledger_row(&mut self, key: Key, entry: &Entry) -> Result<(), CommitError> {
        let order = keys::ledger_order(entry.at, &key);
        let index = [
            (GSI1.pk, text(keys::ledger_of_expert(entry.expert))),
            (GSI1.sk, text(order.clone())),
            (GSI2.pk, text(keys::ledger_of_day(entry.at.utc_date()))),
            (GSI2.sk, text(order)),
        ];
        self.put_row::<EntryRow, _>(key, Condition::Absent, entry, index)
    }
}

impl Store {
    /// The ledger entries of an expert that were recorded within a span, the oldest first.
    ///
    /// `after` is the `next` of the previous page. Without a limit, the page contains all entries. The latest may be missing.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn ledger(
        &self,
        expert: ExpertId,
        recorded: TimeSpan,
        after: Option<&str>,
        limit: Option<u16>,
    ) -> Result<LedgerPage, ReadError> {
        let query = Query {
            index: Some(GSI1),
            pk: keys::ledger_of_expert(expert),
            // Appending a space, the lowest printable character, excludes `after` itself and nothing else.
            from: after.map_or_else(|| instant(recorded.start()), |after| format!("{after} ")),
            to: format!("{}~", instant(recorded.end().plus(-1))),
            descending: false,
            limit: limit.map(|limit| limit + 1),
            consistency: Consistency::Eventual,
        };
        let mut items = if query.from > query.to { Vec::new() } else { self.table.query(&query).await? };
        let next = limit.and_then(|limit| cut_page(&mut items, limit, GSI1.sk));
        let entries = items.into_iter().map(read_row::<EntryRow, _>).collect::<Result<_, _>>()?;
        Ok(LedgerPage { entries, next })
    }

    /// All ledger entries that were recorded on a UTC day, the oldest first. The latest may be missing.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn ledger_of_day(&self, day: NaiveDate) -> Result<Vec<Entry>, ReadError> {
        let query = Query {
            index: Some(GSI2),
            pk: keys::ledger_of_day(day),
            from: "0".to_owned(),
            to: "~".to_owned(),
            descending: false,
            limit: None,
            consistency: Consistency::Eventual,
        };
        self.table.query(&query).await?.into_iter().map(read_row::<EntryRow, _>).collect()
    }
}
