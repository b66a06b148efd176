//! A model of DynamoDB behind `store::Table`, including the behavior that an emulator lacks.
//!
//! - A transaction takes time. A write to one of its rows in the meantime fails with a conflict.
//! - Reads of several rows are read-committed: before a transaction is answered they may see some of its rows and not
//!   others. A strongly consistent read of one row is never torn.
//! - Eventually consistent reads lag, and so do both indexes.
//! - The SDK repeats requests without a response: transactions with their token, single writes as they are.
//! - A transaction has at most 100 rows, and a row at most 400 KB. Requests that DynamoDB rejects are rejected.
//! - TTL deletes a row some time after its expiry, or never.
//!
//! Apart from these, the model is compared with the embedded DynamoDB: see `random_requests` and `mirror`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use store::keys::{EXPIRES_AT, GSI1, GSI2, Index, Key, PK, SK, VERSION, nothing};
use store::table::{Action, COUNT, Condition, Conflict, Consistency, Query, Table, Write, WriteError};
use store::{Item, TableError};

use crate::call::{Kind, PendingCall, call, call_staged};
use crate::core::{Core, Shared};
use crate::mirror;

pub mod limits;

/// How long after a change an eventually consistent read may return the old row, in milliseconds.
const LAG: i64 = 500;

/// A row and its previous value.
#[derive(Debug, Clone, Default)]
struct Row {
    item: Option<Arc<Item>>,
    before: Option<Arc<Item>>,
    changed_at: i64,
    /// The time at which its last transaction is answered.
    answered_at: i64,
    /// The transaction that holds it.
    locked_by: Option<u64>,
}

/// The consumed capacity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Half read units: a strongly consistent read of 4 KB is two.
    pub half_reads: u64,
    /// Write units: 1 KB each, twice that in a transaction.
    pub writes: u64,
    /// The number of transaction conflicts.
    pub conflicts: u64,
    /// The number of failed conditions.
    pub failed_conditions: u64,
}

/// The state of the table.
#[derive(Debug, Default)]
pub struct TableState {
    rows: BTreeMap<String, BTreeMap<String, Row>>,
    indexes: [BTreeMap<(String, String, Key), Arc<Item>>; 2],
    places: [BTreeMap<Key, (String, String)>; 2],
    transactions: u64,
    /// The consumed capacity.
    pub capacity: Capacity,
    /// The rows that changed since the last check, with their previous values.
    pub changed: Vec<(Key, Option<Arc<Item>>)>,
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn number(index: Index) -> usize {
    usize::from(index != GSI1)
}

impl TableState {
    fn row(&self, key: &Key) -> Option<&Row> {
        self.rows.get(&key.pk)?.get(&key.sk)
    }

    fn row_mut(&mut self, key: &Key) -> &mut Row {
        self.rows.entry(key.pk.clone()).or_default().entry(key.sk.clone()).or_default()
    }

    /// The current value of a row.
    pub fn get(&self, key: &Key) -> Option<&Arc<Item>> {
        self.row(key)?.item.as_ref()
    }

    /// The result of a query if nothing lags except the index.
    pub fn current(&self, query: &Query) -> Vec<Arc<Item>> {
        find(self, query, |row| row.item.clone())
    }

    /// All rows of the table, or of an index after bringing it up to date.
    pub fn all_items(&mut self, index: Option<Index>) -> Vec<Arc<Item>> {
        let Some(index) = index else {
            return self
                .rows
                .values()
                .flat_map(BTreeMap::values)
                .filter_map(|row| row.item.clone())
                .collect();
        };
        let keys = self.rows.iter().flat_map(|(pk, rows)| rows.keys().map(|sk| (pk.clone(), sk.clone())));
        for (pk, sk) in keys.collect::<Vec<_>>() {
            self.update_index(number(index), &Key { pk, sk });
        }
        self.indexes[number(index)].values().cloned().collect()
    }

    /// The rows of a partition whose sort keys have a prefix.
    pub fn with_prefix(&self, pk: &str, sk: &str) -> Vec<(String, Arc<Item>)> {
        let Some(partition) = self.rows.get(pk) else { return Vec::new() };
        let rows = partition.range(sk.to_owned()..);
        let rows = rows.take_while(|(key, _)| key.starts_with(sk));
        rows.filter_map(|(key, row)| Some((key.clone(), row.item.clone()?))).collect()
    }

    /// All rows whose partition and sort keys have these prefixes.
    pub fn all(&self, pk: &str, sk: &str) -> Vec<(Key, Arc<Item>)> {
        let partitions = self.rows.range(pk.to_owned()..).take_while(|(key, _)| key.starts_with(pk));
        let mut found = Vec::new();
        for (pk, _) in partitions {
            let rows = self.with_prefix(pk, sk);
            found.extend(rows.into_iter().map(|(sk, item)| (Key { pk: pk.clone(), sk }, item)));
        }
        found
    }

    fn holds(&self, key: &Key, condition: &Condition) -> bool {
        let current = self.get(key);
        match condition {
            Condition::None => true,
            Condition::Absent => current.is_none(),
            Condition::Version(version) => current
                .and_then(|item| item.get(VERSION)?.as_n().ok())
                .is_some_and(|current| *current == version.to_string()),
            Condition::Same(version) => current.is_some_and(|item| item.get(VERSION) == version.as_ref()),
        }
    }

    /// Decides writes that take effect at once. Returns whether they change anything.
    fn decide(&self, writes: &[Write], transaction: bool) -> Result<bool, WriteError> {
        let mut unwritable = Ok(true);
        let mut moved = Vec::new();
        for write in writes {
            match limits::check_row(write) {
                Err(error) => unwritable = Err(error.into()),
                Ok(()) if !self.holds(&write.key, &write.condition) => moved.push(write),
                Ok(()) => {}
            }
        }
        // `store::DynamoTable` reports failed conditions first.
        match moved.as_slice() {
            [] => unwritable,
            // The adapter treats an identical row as its own, because the SDK may have repeated the write. It may also be
            // an identical row of another writer.
            [Write { key, action: Action::Put(item), .. }]
                if !transaction && self.get(key).is_some_and(|current| **current == *item) =>
            {
                Ok(false)
            }
            moved => {
                let conflict = |write: &&Write| Conflict {
                    key: write.key.clone(),
                    row: self.get(&write.key).map(|item| Item::clone(item)),
                };
                Err(WriteError::VersionConflict(moved.iter().map(conflict).collect()))
            }
        }
    }

    fn apply(core: &mut Core, key: Key, item: Option<Item>, answered_at: i64) {
        let now = core.now;
        let item = item.map(Arc::new);
        let row = core.table.row_mut(&key);
        let before = std::mem::replace(&mut row.item, item);
        row.before.clone_from(&before);
        (row.changed_at, row.answered_at) = (now, answered_at);
        core.table.changed.push((key.clone(), before));
        for index in 0..2 {
            let lag = core.faults.max_index_lag;
            let lag = if lag <= 1 { 0 } else { core.rng.between(0, lag) };
            if lag == 0 {
                core.table.update_index(index, &key);
            } else {
                let key = key.clone();
                core.schedule_in(lag, move |core| core.table.update_index(index, &key));
            }
        }
    }

    /// Brings an index up to date with a row.
    fn update_index(&mut self, index: usize, key: &Key) {
        let attributes = if index == 0 { GSI1 } else { GSI2 };
        if let Some((pk, sk)) = self.places[index].remove(key) {
            self.indexes[index].remove(&(pk, sk, key.clone()));
        }
        let Some(item) = self.get(key).cloned() else { return };
        if let (Some(pk), Some(sk)) = (text(&item, attributes.pk), text(&item, attributes.sk)) {
            let (pk, sk) = (pk.to_owned(), sk.to_owned());
            self.places[index].insert(key.clone(), (pk.clone(), sk.clone()));
            self.indexes[index].insert((pk, sk, key.clone()), item);
        }
    }

    /// The earliest due time of the outbox index, in seconds since the Unix epoch. Daily jobs that read payouts count only
    /// once they are due, because they never end.
    pub fn first_due(&self, now: i64) -> Option<i64> {
        let due = |owed: String| {
            let from = (owed.clone(), String::new(), Key { pk: String::new(), sk: String::new() });
            let of_shard = self.indexes[0].range(from..).take_while(|((pk, ..), _)| *pk == owed);
            let times = of_shard.filter_map(|((_, sk, _), _)| {
                let (time, job) = sk.split_once('#')?;
                let time: i64 = time.parse().ok()?;
                (time <= now || !job.starts_with("payouts:")).then_some(time)
            });
            times.min()
        };
        store::operations::keys::outbox_shards().into_iter().filter_map(due).min()
    }

    /// Deletes some of the expired rows, as TTL does.
    pub fn expire_rows(core: &mut Core) {
        let now = core.now.div_euclid(1_000);
        let over = |item: &Item| {
            let end = item.get(EXPIRES_AT).and_then(|end| end.as_n().ok()?.parse::<i64>().ok());
            end.is_some_and(|end| end <= now)
        };
        let rows =
            core.table.rows.iter().flat_map(|(pk, rows)| rows.iter().map(move |(sk, row)| (pk, sk, row)));
        let gone: Vec<Key> = rows
            .filter(|(_, _, row)| row.item.as_deref().is_some_and(over) && row.locked_by.is_none())
            .map(|(pk, sk, _)| Key { pk: pk.clone(), sk: sk.clone() })
            .collect();
        for key in gone {
            if core.rng.happens(5_000) {
                let delete = Write { key: key.clone(), condition: Condition::None, action: Action::Delete };
                mirror::write(core, &[delete], Ok(()), false);
                Self::apply(core, key, None, 0);
            }
        }
    }

    /// The value of a row that a read of several rows returns.
    fn visible(
        row: &Row,
        now: i64,
        consistency: Consistency,
        rng: &mut crate::random::Rng,
    ) -> Option<Arc<Item>> {
        let may_lag = match consistency {
            Consistency::Strong => now < row.answered_at,
            Consistency::Eventual => now < row.changed_at + LAG,
        };
        if may_lag && rng.happens(5_000) { row.before.clone() } else { row.item.clone() }
    }
}

fn answer(items: impl IntoIterator<Item = Arc<Item>>) -> Vec<Item> {
    items.into_iter().map(|item| Item::clone(&item)).collect()
}

/// The rows that a query finds, each with the value that `see` returns.
fn find(table: &TableState, query: &Query, see: impl FnMut(&Row) -> Option<Arc<Item>>) -> Vec<Arc<Item>> {
    let mut items: Vec<Arc<Item>> = match query.index {
        None => {
            let Some(partition) = table.rows.get(&query.pk) else { return Vec::new() };
            let rows = partition.range(query.from.clone()..=query.to.clone());
            rows.map(|(_, row)| row).filter_map(see).collect()
        }
        Some(index) => {
            let nothing = Key { pk: String::new(), sk: String::new() };
            let from = (query.pk.clone(), query.from.clone(), nothing);
            let rows = table.indexes[number(index)].range(from..);
            rows.take_while(|((pk, sk, _), _)| *pk == query.pk && *sk <= query.to)
                .map(|(_, item)| item.clone())
                .collect()
        }
    };
    if query.descending {
        items.reverse();
    }
    items.truncate(query.limit.map_or(usize::MAX, usize::from));
    items
}

/// The table port.
pub struct SimTable(pub Shared);

fn read_lost<T>(why: &'static str) -> Result<T, TableError> {
    Err(TableError::Unavailable(why.to_owned()))
}

fn write_lost(why: &'static str) -> Result<(), WriteError> {
    Err(WriteError::Table(TableError::Unavailable(why.to_owned())))
}

fn throttle(core: &mut Core) -> Result<(), TableError> {
    let often = core.faults.throttled;
    if core.injected_fault.is_none() && core.rng.happens(often) {
        return Err(TableError::Busy("throttled".to_owned()));
    }
    Ok(())
}

/// How consistent a read is, and the instant at which it sees the table. The mutant answers strong reads like eventual ones that
/// lag for longer than a message takes to its worker.
fn shown(core: &Core, consistency: Consistency) -> (Consistency, i64) {
    match core.mutant == "strong_reads_are_eventual" {
        true => (Consistency::Eventual, core.now - 10 * LAG),
        false => (consistency, core.now),
    }
}

/// A read that DynamoDB rejects is a bug of the caller.
fn refuse_read(core: &mut Core, checked: Result<(), TableError>) -> Result<(), TableError> {
    if let Err(error) = &checked {
        core.violation(format!("DynamoDB rejects a read: {error}"));
    }
    checked
}

#[async_trait]
impl Table for SimTable {
    async fn get(&self, key: &Key, consistency: Consistency) -> Result<Option<Item>, TableError> {
        let wanted = key.clone();
        let label = || format!("get {key}");
        call(&self.0, Kind::Read, label, read_lost, move |core| {
            throttle(core)?;
            refuse_read(core, limits::check_keys(std::slice::from_ref(&wanted)))?;
            mirror::get(core, &wanted);
            let (consistency_shown, now) = shown(core, consistency);
            let lags = consistency_shown == Consistency::Eventual;
            let (rows, rng) = (&core.table, &mut core.rng);
            let item = rows.row(&wanted).and_then(|row| match lags {
                true => TableState::visible(row, now, Consistency::Eventual, rng),
                false => row.item.clone(),
            });
            let item = [item];
            limits::count_rows(&mut core.table.capacity, &item, consistency)?;
            let [item] = item;
            Ok(item.map(|item| Item::clone(&item)))
        })
        .await
    }

    async fn get_many(&self, keys: &[Key], consistency: Consistency) -> Result<Vec<Item>, TableError> {
        let wanted = keys.to_vec();
        let label = || format!("get {} rows, first {}", keys.len(), keys.first().unwrap_or(&nothing()));
        call(&self.0, Kind::Read, label, read_lost, move |core| {
            throttle(core)?;
            refuse_read(core, limits::check_keys(&wanted))?;
            mirror::get_many(core, &wanted);
            let now = core.now;
            let (rows, rng) = (&core.table, &mut core.rng);
            let rows = wanted.iter().map(|key| rows.row(key));
            let items: Vec<_> = rows.map(|row| TableState::visible(row?, now, consistency, rng)).collect();
            limits::count_rows(&mut core.table.capacity, &items, consistency)?;
            Ok(answer(items.into_iter().flatten()))
        })
        .await
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, TableError> {
        let wanted = query.clone();
        let label = || format!("query {} {}..{}", query.pk, query.from, query.to);
        call(&self.0, Kind::Read, label, read_lost, move |core| {
            throttle(core)?;
            refuse_read(core, limits::check_query(&wanted))?;
            mirror::query(core, &wanted);
            let (consistency, now) = shown(core, wanted.consistency);
            let (table, rng) = (&core.table, &mut core.rng);
            let items = find(table, &wanted, |row| TableState::visible(row, now, consistency, rng));
            limits::count_query(&mut core.table.capacity, &items, wanted.consistency);
            Ok(answer(items))
        })
        .await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), WriteError> {
        let what: Vec<String> = match self.0.lock().trace {
            Some(_) => writes.iter().map(described).collect(),
            None => Vec::new(),
        };
        let label = || format!("write {}", what.join(", "));
        call_staged(&self.0, Kind::Write, label, write_lost, move |core, finish| {
            receive_write(core, writes, finish)
        })
        .await
    }

    async fn count(&self, key: &Key, attributes: Item) -> Result<u64, TableError> {
        let wanted = key.clone();
        let label = || format!("count {key}");
        call(&self.0, Kind::Write, label, read_lost, move |core| {
            throttle(core)?;
            Ok(count(core, wanted, attributes))
        })
        .await
    }
}

/// Adds one to the count of a row.
fn count(core: &mut Core, key: Key, attributes: Item) -> u64 {
    let before = core.table.get(&key).map(|item| Item::clone(item)).unwrap_or_default();
    let counted = before.get(COUNT).and_then(|count| count.as_n().ok()?.parse::<u64>().ok()).unwrap_or(0) + 1;
    let own = [
        (PK.to_owned(), AttributeValue::S(key.pk.clone())),
        (SK.to_owned(), AttributeValue::S(key.sk.clone())),
        (COUNT.to_owned(), AttributeValue::N(counted.to_string())),
    ];
    mirror::count(core, &key, &attributes, counted);
    let item: Item = before.into_iter().chain(attributes).chain(own).collect();
    TableState::apply(core, key, Some(item), 0);
    counted
}

fn described(write: &Write) -> String {
    let condition = match &write.condition {
        Condition::None => String::new(),
        Condition::Absent => " if absent".to_owned(),
        Condition::Version(version) => format!(" if version {version}"),
        Condition::Same(version) => format!(" if version {version:?}"),
    };
    let what = match &write.action {
        Action::Put(item) => format!(
            "put v{}",
            item.get(VERSION).and_then(|value| value.as_n().ok()).map_or("", String::as_str)
        ),
        Action::Delete => "delete".to_owned(),
        Action::Check => "check".to_owned(),
    };
    format!("{what} {}{condition}", write.key)
}

fn refuse(core: &mut Core, finish: PendingCall<Result<(), WriteError>>, error: WriteError) {
    match &error {
        WriteError::VersionConflict(_) => core.table.capacity.failed_conditions += 1,
        WriteError::InUse(_) | WriteError::Table(TableError::Busy(_)) => {
            core.table.capacity.conflicts += 1;
            core.mark_faulted(finish.task());
        }
        WriteError::Table(_) => {}
    }
    core.log(|| format!("    refused: {error}"));
    finish.finish(core, Err(error));
}

/// Receives a write request.
fn receive_write(core: &mut Core, writes: Vec<Write>, finish: PendingCall<Result<(), WriteError>>) {
    let writes = crate::mutants::table::change_writes(core.mutant, writes);
    if let Err(error) = throttle(core) {
        return refuse(core, finish, error.into());
    }
    if let Err(error) = limits::check(&writes) {
        core.violation(format!("DynamoDB rejects a write: {error}"));
        let error = WriteError::from(error);
        mirror::write(core, &writes, Err(&error), false);
        return refuse(core, finish, error);
    }
    let locked =
        |core: &Core, write: &Write| core.table.row(&write.key).is_some_and(|row| row.locked_by.is_some());
    let in_use: Vec<Key> =
        writes.iter().filter(|write| locked(core, write)).map(|write| write.key.clone()).collect();
    if !in_use.is_empty() {
        return refuse(core, finish, WriteError::InUse(in_use));
    }
    let single = writes.len() == 1 && writes[0].action != Action::Check;
    if single {
        return commit(core, writes, None, finish);
    }
    core.table.transactions += 1;
    let number = core.table.transactions;
    for write in &writes {
        core.table.row_mut(&write.key).locked_by = Some(number);
    }
    let latency = core.latency();
    core.schedule_in(latency, move |core| commit(core, writes, Some(number), finish));
}

fn commit(
    core: &mut Core,
    writes: Vec<Write>,
    number: Option<u64>,
    finish: PendingCall<Result<(), WriteError>>,
) {
    if number.is_some() {
        for write in &writes {
            core.table.row_mut(&write.key).locked_by = None;
        }
    }
    match core.table.decide(&writes, number.is_some()) {
        Err(error) => {
            if matches!(error, WriteError::Table(_)) {
                core.violation(format!("DynamoDB rejects a write: {error}"));
            }
            mirror::write(core, &writes, Err(&error), false);
            return refuse(core, finish, error);
        }
        Ok(false) => {
            mirror::write(core, &writes, Ok(()), false);
            return finish.finish(core, Ok(()));
        }
        Ok(true) => {}
    }
    let often = core.faults.sdk_retry;
    let response_lost = core.rng.happens(often);
    let repeat = writes.first().filter(|_| response_lost && number.is_none()).cloned();
    // The model repeats single writes itself, later, so that other requests can come in between.
    mirror::write(core, &writes, Ok(()), response_lost && number.is_some());
    let answered_at = if number.is_some() { core.now + core.latency() - 1 } else { 0 };
    limits::count_write(&mut core.table, &writes, number.is_some());
    for Write { key, action, .. } in writes {
        match action {
            Action::Put(item) => TableState::apply(core, key, Some(item), answered_at),
            Action::Delete => TableState::apply(core, key, None, answered_at),
            Action::Check => {}
        }
    }
    // Until the transaction is answered, reads of several rows may see only part of it.
    let rest = (answered_at - core.now).max(0);
    match repeat {
        None if rest > 0 => core.schedule_in(rest, move |core| finish.finish(core, Ok(()))),
        None => finish.finish(core, Ok(())),
        // Repeating a transaction with its token changes nothing. A single write is sent again as it is.
        Some(write) => {
            let latency = core.latency();
            core.schedule_in(latency, move |core| repeat_write(core, write, finish));
        }
    }
}

/// Repeats a single write whose response the SDK did not receive.
fn repeat_write(core: &mut Core, write: Write, finish: PendingCall<Result<(), WriteError>>) {
    let key = write.key.clone();
    core.log(|| format!("    the SDK repeats the write of {key}"));
    if core.table.row(&key).is_some_and(|row| row.locked_by.is_some()) {
        return refuse(core, finish, WriteError::InUse(vec![key]));
    }
    match core.table.decide(std::slice::from_ref(&write), false) {
        Err(error) => {
            mirror::write(core, &[write], Err(&error), false);
            refuse(core, finish, error);
        }
        Ok(changes) => {
            mirror::write(core, std::slice::from_ref(&write), Ok(()), false);
            match write.action {
                Action::Put(item) if changes => TableState::apply(core, key, Some(item), 0),
                Action::Delete => TableState::apply(core, key, None, 0),
                Action::Put(_) | Action::Check => {}
            }
            finish.finish(core, Ok(()));
        }
    }
}

/// The table without latency or faults, for the simulation itself.
pub struct DirectTable(pub Shared);

#[async_trait]
impl Table for DirectTable {
    async fn get(&self, key: &Key, _: Consistency) -> Result<Option<Item>, TableError> {
        Ok(self.0.lock().table.get(key).map(|item| Item::clone(item)))
    }

    async fn get_many(&self, keys: &[Key], _: Consistency) -> Result<Vec<Item>, TableError> {
        let core = self.0.lock();
        Ok(answer(keys.iter().filter_map(|key| core.table.get(key).cloned())))
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, TableError> {
        Ok(answer(self.0.lock().table.current(query)))
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), WriteError> {
        let core = &mut *self.0.lock();
        mirror::write(core, &writes, Ok(()), false);
        for Write { key, action, .. } in writes {
            match action {
                Action::Put(item) => TableState::apply(core, key, Some(item), 0),
                Action::Delete => TableState::apply(core, key, None, 0),
                Action::Check => {}
            }
        }
        Ok(())
    }

    async fn count(&self, key: &Key, attributes: Item) -> Result<u64, TableError> {
        Ok(count(&mut self.0.lock(), key.clone(), attributes))
    }
}

/// The version of a row, if it has one.
pub fn version(item: &Item) -> Option<u64> {
    match item.get(VERSION)? {
        AttributeValue::N(version) => version.parse().ok(),
        _ => None,
    }
}
