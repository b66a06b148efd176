//! The ledger: a row for each entry, written once and never changed, in the order in which it was written down.
//!
//! The rows of a payment's movements stand beside the payment, so that one request reads all that ever happened to it; two
//! indexes show the same rows by expert and by day.

use chrono::NaiveDate;
use domain::kernel::money::AmountTooLarge;
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Account, Entry, Movement, MovementKind};
use domain::{AppointmentId, Currency, ExpertId, Money, TimeSpan, Timestamp};
use serde::{Deserialize, Serialize};

use super::keys;
use crate::keys::{GSI1, GSI2, Key, instant};
use crate::table::{Consistency, Expect, Item, Query};
use crate::transaction::{document, key_of, text};
use crate::{CommitError, ReadError, Store, Transaction};

/// A stretch of the ledger.
#[derive(Debug, Clone)]
pub struct LedgerPage {
    /// Oldest first.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

impl Transaction {
    /// Writes what moved of an appointment's payment, once: its number was never used before.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_entry(&mut self, appointment: AppointmentId, entry: &Entry) -> Result<(), CommitError> {
        self.put_ledger(keys::ledger_entry(appointment, entry.number), entry)
    }

    /// Writes a payout, or that it came back, once.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_payout(&mut self, kind: &str, payout: &str, entry: &Entry) -> Result<(), CommitError> {
        self.put_ledger(keys::payout(entry.expert, entry.gateway, kind, payout), entry)
    }

    fn put_ledger(&mut self, key: Key, entry: &Entry) -> Result<(), CommitError> {
        let place = keys::ledger_order(entry.at, &key);
        let index = [
            (GSI1.pk, text(keys::ledger_of_expert(entry.expert))),
            (GSI1.sk, text(place.clone())),
            (GSI2.pk, text(keys::ledger_of_day(entry.at.utc_day()))),
            (GSI2.sk, text(place)),
        ];
        self.put_document(key, Expect::Absent, &Row::of(entry), index)
    }
}

/// An entry as it is stored. Its movements are lists without names, so that what one look finds stays below the kilobyte that
/// one write unit takes.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    appointment: Option<AppointmentId>,
    expert: ExpertId,
    gateway: GatewayKind,
    number: u32,
    at: Timestamp,
    movements: Vec<Line>,
}

/// Kind, amount, currency, object, idempotency key, when, and the accounts where they are not those of the kind.
#[derive(Serialize, Deserialize)]
struct Line(
    MovementKind,
    u64,
    Currency,
    String,
    Option<String>,
    i64,
    #[serde(default)] Option<(Account, Account)>,
);

impl Row {
    fn of(entry: &Entry) -> Self {
        let line = |movement: &Movement| {
            let Movement { kind, amount, from, to, object, idempotency_key, at } = movement.clone();
            let usual = Movement::new(kind, amount, "", at, None);
            let accounts = (usual.from != from || usual.to != to).then_some((from, to));
            Line(kind, amount.amount(), amount.currency(), object, idempotency_key, at.seconds(), accounts)
        };
        Self {
            appointment: entry.appointment,
            expert: entry.expert,
            gateway: entry.gateway,
            number: entry.number,
            at: entry.at,
            movements: entry.movements.iter().map(line).collect(),
        }
    }
}

/// Reads an entry's row.
pub(crate) fn entry_of(item: Item) -> Result<Entry, ReadError> {
    let key = key_of(&item);
    let row: Row = document(item)?;
    let movement = |Line(kind, amount, currency, object, key, at, accounts)| {
        let usual =
            Movement::new(kind, Money::new(amount, currency)?, object, Timestamp::from_seconds(at), key);
        Ok(match accounts {
            Some((from, to)) => Movement { from, to, ..usual },
            None => usual,
        })
    };
    let movements: Result<_, AmountTooLarge> = row.movements.into_iter().map(movement).collect();
    Ok(Entry {
        appointment: row.appointment,
        expert: row.expert,
        gateway: row.gateway,
        number: row.number,
        at: row.at,
        movements: movements.map_err(|error| ReadError::Corrupt { key, reason: error.to_string() })?,
    })
}

impl Store {
    /// What was written down of an expert's money within a span, oldest first. `after` continues behind the page that gave it
    /// as `next`; without a limit the page is everything.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn ledger(
        &self,
        expert: ExpertId,
        written: TimeSpan,
        after: Option<&str>,
        limit: Option<u16>,
    ) -> Result<LedgerPage, ReadError> {
        let query = Query {
            index: Some(GSI1),
            pk: keys::ledger_of_expert(expert),
            // Nothing sorts between a place and itself with a space, the lowest character that is printable.
            from: after.map_or_else(|| instant(written.start()), |after| format!("{after} ")),
            to: format!("{}~", instant(written.end().plus(-1))),
            backwards: false,
            limit: limit.map(|limit| limit + 1),
            consistency: Consistency::Eventual,
        };
        let mut items = if query.from > query.to { Vec::new() } else { self.table.query(&query).await? };
        let more = limit.is_some_and(|limit| items.len() > usize::from(limit));
        if let Some(limit) = limit {
            items.truncate(limit.into());
        }
        let place = |item: &Item| item.get(GSI1.sk).and_then(|value| value.as_s().ok()).cloned();
        let next = items.last().filter(|_| more).and_then(place);
        let entries = items.into_iter().map(entry_of).collect::<Result<_, _>>()?;
        Ok(LedgerPage { entries, next })
    }

    /// Everything that was written down on one UTC day, oldest first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn ledger_of_day(&self, day: NaiveDate) -> Result<Vec<Entry>, ReadError> {
        let query = Query {
            index: Some(GSI2),
            pk: keys::ledger_of_day(day),
            from: "0".to_owned(),
            to: "~".to_owned(),
            backwards: false,
            limit: None,
            consistency: Consistency::Eventual,
        };
        self.table.query(&query).await?.into_iter().map(entry_of).collect()
    }
}
