//! Rows of the ledger: one per entry, written once and never changed.
//!
//! The entries of a payment are in the partition of its appointment, so that one query reads the payment with its whole
//! history. Two indexes list the entries by expert and by UTC day, ordered by the time at which they were recorded.

use chrono::NaiveDate;
use domain::kernel::money::AmountTooLarge;
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Account, Entry, Movement, MovementKind};
use domain::{AppointmentId, Currency, ExpertId, Money, TimeSpan, Timestamp};
use serde::{Deserialize, Serialize};

use super::keys;
use crate::keys::{GSI1, GSI2, Key, instant};
use crate::table::{Condition, Consistency, Item, Query};
use crate::transaction::{document, key_of, text};
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
        self.put_document(key, Condition::Absent, &Row::of(entry), index)
    }
}

/// An entry as it is stored. Movements are lists without attribute names, so that an entry usually stays below 1 KB, which is
/// the size of one write unit.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    appointment: Option<AppointmentId>,
    expert: ExpertId,
    gateway: GatewayKind,
    number: u32,
    at: Timestamp,
    movements: Vec<Line>,
}

/// A movement: kind, amount, currency, gateway object, idempotency key, time, and the two accounts if they are not those that
/// follow from the kind.
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

/// Reads the row of a ledger entry.
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
        let more = limit.is_some_and(|limit| items.len() > usize::from(limit));
        if let Some(limit) = limit {
            items.truncate(limit.into());
        }
        let order = |item: &Item| item.get(GSI1.sk).and_then(|value| value.as_s().ok()).cloned();
        let next = items.last().filter(|_| more).and_then(order);
        let entries = items.into_iter().map(entry_of).collect::<Result<_, _>>()?;
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
        self.table.query(&query).await?.into_iter().map(entry_of).collect()
    }
}
