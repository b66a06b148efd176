//! A model of DynamoDB behind `store::Table`, with what an emulator never does.
//!
//! - A transaction takes time. Whoever writes a row meanwhile that it is about is told of a conflict.
//! - Reads of several rows are read-committed: while a transaction is not answered yet they may see some of its rows and not
//!   others. A strong read of one row sees it whole.
//! - Reads that may lag do, and so do both indexes.
//! - The client library repeats what it heard nothing of: a transaction under its token, a single write as it is.
//! - A transaction has at most 100 rows, and a row at most 400 KB. What DynamoDB refuses for good is refused.
//! - TTL deletes a row some time after its time, or never.
//!
//! What it says without any of this is held against the embedded DynamoDB: see `random_requests` and `mirror`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use store::keys::{EXPIRES_AT, GSI1, GSI2, Index, Key, VERSION, nothing};
use store::table::{Action, Consistency, Expect, Query, Table, Write, WriteError};
use store::{Item, TableError};

use crate::call::{Finish, Kind, call, staged};
use crate::core::{Core, Shared};
use crate::mirror;

pub mod limits;

/// So long after its last change a read that may lag can still see a row as it was, in milliseconds.
const LAG: i64 = 500;

/// One row and its recent past.
#[derive(Debug, Clone, Default)]
struct Row {
    item: Option<Arc<Item>>,
    before: Option<Arc<Item>>,
    changed_at: i64,
    /// Until then its transaction is not answered.
    settled_at: i64,
    /// The transaction that is at work on it.
    locked_by: Option<u64>,
}

/// What reads and writes would cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capacity {
    /// Half read units: a strong read of 4 KB is two.
    pub half_reads: u64,
    /// Write units: 1 KB each, twice that in a transaction.
    pub writes: u64,
    /// Transactions that met another.
    pub conflicts: u64,
    /// Conditions that did not hold.
    pub moved: u64,
}

/// All rows.
#[derive(Debug, Default)]
pub struct Rows {
    rows: BTreeMap<String, BTreeMap<String, Row>>,
    indexes: [BTreeMap<(String, String, Key), Arc<Item>>; 2],
    places: [BTreeMap<Key, (String, String)>; 2],
    transactions: u64,
    /// What it cost.
    pub capacity: Capacity,
    /// Which rows changed since somebody last looked, with what they were before.
    pub changed: Vec<(Key, Option<Arc<Item>>)>,
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn number(index: Index) -> usize {
    usize::from(index != GSI1)
}

impl Rows {
    fn row(&self, key: &Key) -> Option<&Row> {
        self.rows.get(&key.pk)?.get(&key.sk)
    }

    fn row_mut(&mut self, key: &Key) -> &mut Row {
        self.rows.entry(key.pk.clone()).or_default().entry(key.sk.clone()).or_default()
    }

    /// A row as it stands.
    pub fn get(&self, key: &Key) -> Option<&Arc<Item>> {
        self.row(key)?.item.as_ref()
    }

    /// What a query finds when nothing lags but the index.
    pub fn standing(&self, query: &Query) -> Vec<Arc<Item>> {
        found(self, query, |row| row.item.clone())
    }

    /// All rows, or all of an index once it has caught up.
    pub fn everything(&mut self, index: Option<Index>) -> Vec<Arc<Item>> {
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
            self.show(number(index), &Key { pk, sk });
        }
        self.indexes[number(index)].values().cloned().collect()
    }

    /// The rows of a partition whose sort keys begin so.
    pub fn starting(&self, pk: &str, sk: &str) -> Vec<(String, Arc<Item>)> {
        let Some(partition) = self.rows.get(pk) else { return Vec::new() };
        let rows = partition.range(sk.to_owned()..);
        let rows = rows.take_while(|(key, _)| key.starts_with(sk));
        rows.filter_map(|(key, row)| Some((key.clone(), row.item.clone()?))).collect()
    }

    /// All rows whose partition and sort key begin so.
    pub fn all(&self, pk: &str, sk: &str) -> Vec<(Key, Arc<Item>)> {
        let partitions = self.rows.range(pk.to_owned()..).take_while(|(key, _)| key.starts_with(pk));
        let mut found = Vec::new();
        for (pk, _) in partitions {
            let rows = self.starting(pk, sk);
            found.extend(rows.into_iter().map(|(sk, item)| (Key { pk: pk.clone(), sk }, item)));
        }
        found
    }

    fn holds(&self, key: &Key, expect: Expect) -> bool {
        let standing = self.get(key);
        match expect {
            Expect::Anything => true,
            Expect::Absent => standing.is_none(),
            Expect::Version(version) => standing
                .and_then(|item| item.get(VERSION)?.as_n().ok())
                .is_some_and(|standing| *standing == version.to_string()),
        }
    }

    /// What becomes of writes that begin and end now: whether they change anything.
    fn decide(&self, writes: &[Write], transaction: bool) -> Result<bool, WriteError> {
        let mut unwritable = Ok(true);
        let mut moved = Vec::new();
        for write in writes {
            match limits::check_row(write) {
                Err(error) => unwritable = Err(error.into()),
                Ok(()) if !self.holds(&write.key, write.expect) => moved.push(write),
                Ok(()) => {}
            }
        }
        // `store::DynamoTable` asks for what moved first.
        match moved.as_slice() {
            [] => unwritable,
            // It takes a row that stands there already for its own: the client library may have repeated the write. It may as
            // well be the same row of somebody else.
            [Write { key, action: Action::Put(item), .. }]
                if !transaction && self.get(key).is_some_and(|standing| **standing == *item) =>
            {
                Ok(false)
            }
            moved => Err(WriteError::VersionConflict(moved.iter().map(|write| write.key.clone()).collect())),
        }
    }

    fn apply(core: &mut Core, key: Key, item: Option<Item>, settled_at: i64) {
        let now = core.now;
        let item = item.map(Arc::new);
        let row = core.table.row_mut(&key);
        let before = std::mem::replace(&mut row.item, item);
        row.before.clone_from(&before);
        (row.changed_at, row.settled_at) = (now, settled_at);
        core.table.changed.push((key.clone(), before));
        for index in 0..2 {
            let lag = core.weather.index_lag;
            let lag = if lag <= 1 { 0 } else { core.chance.between(0, lag) };
            if lag == 0 {
                core.table.show(index, &key);
            } else {
                let key = key.clone();
                core.later(lag, move |core| core.table.show(index, &key));
            }
        }
    }

    /// Brings an index up to date with a row.
    fn show(&mut self, index: usize, key: &Key) {
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

    /// The earliest due time in the index of what is owed, in seconds since 1970. The look at an expert's payouts is owed every
    /// day for ever, so it counts only once its time has come.
    pub fn first_due(&self, now: i64) -> Option<i64> {
        let due = |shard: u8| {
            let owed = format!("OUTBOX#{shard}");
            let from = (owed.clone(), String::new(), Key { pk: String::new(), sk: String::new() });
            let of_shard = self.indexes[0].range(from..).take_while(|((pk, ..), _)| *pk == owed);
            let times = of_shard.filter_map(|((_, sk, _), _)| {
                let (time, job) = sk.split_once('#')?;
                let time: i64 = time.parse().ok()?;
                (time <= now || !job.starts_with("payouts:")).then_some(time)
            });
            times.min()
        };
        (0..store::operations::keys::OUTBOX_SHARDS).filter_map(due).min()
    }

    /// Deletes rows whose time is over, as TTL does: some of them.
    pub fn forget(core: &mut Core) {
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
            if core.chance.hits(5_000) {
                let delete = Write { key: key.clone(), expect: Expect::Anything, action: Action::Delete };
                mirror::write(core, &[delete], Ok(()), false);
                Self::apply(core, key, None, 0);
            }
        }
    }

    /// What a read of several rows sees of one.
    fn seen(
        row: &Row,
        now: i64,
        consistency: Consistency,
        chance: &mut crate::chance::Chance,
    ) -> Option<Arc<Item>> {
        let may_lag = match consistency {
            Consistency::Strong => now < row.settled_at,
            Consistency::Eventual => now < row.changed_at + LAG,
        };
        if may_lag && chance.hits(5_000) { row.before.clone() } else { row.item.clone() }
    }
}

fn answer(items: impl IntoIterator<Item = Arc<Item>>) -> Vec<Item> {
    items.into_iter().map(|item| Item::clone(&item)).collect()
}

/// The rows that a query asks for, each as `see` has it; an index as it stands.
fn found(table: &Rows, query: &Query, see: impl FnMut(&Row) -> Option<Arc<Item>>) -> Vec<Arc<Item>> {
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
    if query.backwards {
        items.reverse();
    }
    items.truncate(query.limit.map_or(usize::MAX, usize::from));
    items
}

/// The table as functions see it.
pub struct SimTable(pub Shared);

fn read_silent<T>(why: &'static str) -> Result<T, TableError> {
    Err(TableError::Unavailable(why.to_owned()))
}

fn write_silent(why: &'static str) -> Result<(), WriteError> {
    Err(WriteError::Table(TableError::Unavailable(why.to_owned())))
}

fn busy(core: &mut Core) -> Result<(), TableError> {
    let often = core.weather.busy;
    if core.mishap.is_none() && core.chance.hits(often) {
        return Err(TableError::Busy("throttled".to_owned()));
    }
    Ok(())
}

/// A read that is refused for good is a mistake of whoever asks.
fn refuse_read(core: &mut Core, checked: Result<(), TableError>) -> Result<(), TableError> {
    if let Err(error) = &checked {
        core.wrong(format!("the table refuses a read for good: {error}"));
    }
    checked
}

#[async_trait]
impl Table for SimTable {
    async fn get(&self, key: &Key, consistency: Consistency) -> Result<Option<Item>, TableError> {
        let wanted = key.clone();
        let label = || format!("get {key}");
        call(&self.0, Kind::Read, label, read_silent, move |core| {
            busy(core)?;
            refuse_read(core, limits::check_keys(std::slice::from_ref(&wanted)))?;
            mirror::get(core, &wanted);
            let lags = consistency == Consistency::Eventual || core.mutant == "strong_reads_are_eventual";
            let now = core.now;
            let (rows, chance) = (&core.table, &mut core.chance);
            let item = rows.row(&wanted).and_then(|row| match lags {
                true => Rows::seen(row, now, Consistency::Eventual, chance),
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
        call(&self.0, Kind::Read, label, read_silent, move |core| {
            busy(core)?;
            refuse_read(core, limits::check_keys(&wanted))?;
            mirror::get_many(core, &wanted);
            let now = core.now;
            let (rows, chance) = (&core.table, &mut core.chance);
            let rows = wanted.iter().map(|key| rows.row(key));
            let items: Vec<_> = rows.map(|row| Rows::seen(row?, now, consistency, chance)).collect();
            limits::count_rows(&mut core.table.capacity, &items, consistency)?;
            Ok(answer(items.into_iter().flatten()))
        })
        .await
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, TableError> {
        let wanted = query.clone();
        let label = || format!("query {} {}..{}", query.pk, query.from, query.to);
        call(&self.0, Kind::Read, label, read_silent, move |core| {
            busy(core)?;
            refuse_read(core, limits::check_query(&wanted))?;
            mirror::query(core, &wanted);
            let now = core.now;
            let (table, chance) = (&core.table, &mut core.chance);
            let items = found(table, &wanted, |row| Rows::seen(row, now, wanted.consistency, chance));
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
        staged(&self.0, Kind::Write, label, write_silent, move |core, finish| begin(core, writes, finish))
            .await
    }
}

fn described(write: &Write) -> String {
    let expect = match write.expect {
        Expect::Anything => String::new(),
        Expect::Absent => " if absent".to_owned(),
        Expect::Version(version) => format!(" if version {version}"),
    };
    let what = match &write.action {
        Action::Put(item) => format!(
            "put v{}",
            item.get(VERSION).and_then(|value| value.as_n().ok()).map_or("", String::as_str)
        ),
        Action::Delete => "delete".to_owned(),
        Action::Check => "check".to_owned(),
    };
    format!("{what} {}{expect}", write.key)
}

fn refuse(core: &mut Core, finish: Finish<Result<(), WriteError>>, error: WriteError) {
    match &error {
        WriteError::VersionConflict(_) => core.table.capacity.moved += 1,
        WriteError::Table(TableError::Busy(_)) => {
            core.table.capacity.conflicts += 1;
            core.trouble(finish.task());
        }
        WriteError::Table(_) => {}
    }
    core.say(|| format!("    refused: {error}"));
    finish.finish(core, Err(error));
}

/// The request arrives.
fn begin(core: &mut Core, writes: Vec<Write>, finish: Finish<Result<(), WriteError>>) {
    let writes = crate::mutants::table::change_writes(core.mutant, writes);
    if let Err(error) = busy(core) {
        return refuse(core, finish, error.into());
    }
    if let Err(error) = limits::check(&writes) {
        core.wrong(format!("the table refuses a write for good: {error}"));
        let error = WriteError::from(error);
        mirror::write(core, &writes, Err(&error), false);
        return refuse(core, finish, error);
    }
    let locked =
        |core: &Core, write: &Write| core.table.row(&write.key).is_some_and(|row| row.locked_by.is_some());
    if writes.iter().any(|write| locked(core, write)) {
        let conflict = "another transaction is at work on the same rows".to_owned();
        return refuse(core, finish, TableError::Busy(conflict).into());
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
    let way = core.way();
    core.later(way, move |core| commit(core, writes, Some(number), finish));
}

fn commit(core: &mut Core, writes: Vec<Write>, number: Option<u64>, finish: Finish<Result<(), WriteError>>) {
    if number.is_some() {
        for write in &writes {
            core.table.row_mut(&write.key).locked_by = None;
        }
    }
    match core.table.decide(&writes, number.is_some()) {
        Err(error) => {
            if matches!(error, WriteError::Table(_)) {
                core.wrong(format!("the table refuses a write for good: {error}"));
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
    let often = core.weather.repeated;
    let unheard = core.chance.hits(often);
    let repeat = writes.first().filter(|_| unheard && number.is_none()).cloned();
    // The model repeats a single write itself, later, so that others get in between.
    mirror::write(core, &writes, Ok(()), unheard && number.is_some());
    let settled_at = if number.is_some() { core.now + core.way() - 1 } else { 0 };
    limits::count_write(&mut core.table, &writes, number.is_some());
    for Write { key, action, .. } in writes {
        match action {
            Action::Put(item) => Rows::apply(core, key, Some(item), settled_at),
            Action::Delete => Rows::apply(core, key, None, settled_at),
            Action::Check => {}
        }
    }
    // Until it is answered, reads of several rows may see some of it and not the rest.
    let rest = (settled_at - core.now).max(0);
    match repeat {
        None if rest > 0 => core.later(rest, move |core| finish.finish(core, Ok(()))),
        None => finish.finish(core, Ok(())),
        // Under the token of a transaction the same again changes nothing. A single write is sent again as it is.
        Some(write) => {
            let way = core.way();
            core.later(way, move |core| again(core, write, finish));
        }
    }
}

/// The client library sends a single write again whose answer it did not hear.
fn again(core: &mut Core, write: Write, finish: Finish<Result<(), WriteError>>) {
    let key = write.key.clone();
    core.say(|| format!("    the client library repeats the write of {key}"));
    if core.table.row(&key).is_some_and(|row| row.locked_by.is_some()) {
        let conflict = "another transaction is at work on the row".to_owned();
        return refuse(core, finish, TableError::Busy(conflict).into());
    }
    match core.table.decide(std::slice::from_ref(&write), false) {
        Err(error) => {
            mirror::write(core, &[write], Err(&error), false);
            refuse(core, finish, error);
        }
        Ok(changes) => {
            mirror::write(core, std::slice::from_ref(&write), Ok(()), false);
            match write.action {
                Action::Put(item) if changes => Rows::apply(core, key, Some(item), 0),
                Action::Delete => Rows::apply(core, key, None, 0),
                Action::Put(_) | Action::Check => {}
            }
            finish.finish(core, Ok(()));
        }
    }
}

/// The table as the simulation itself reads it: at once, and as it stands.
pub struct Direct(pub Shared);

#[async_trait]
impl Table for Direct {
    async fn get(&self, key: &Key, _: Consistency) -> Result<Option<Item>, TableError> {
        Ok(self.0.lock().table.get(key).map(|item| Item::clone(item)))
    }

    async fn get_many(&self, keys: &[Key], _: Consistency) -> Result<Vec<Item>, TableError> {
        let core = self.0.lock();
        Ok(answer(keys.iter().filter_map(|key| core.table.get(key).cloned())))
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, TableError> {
        Ok(answer(self.0.lock().table.standing(query)))
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), WriteError> {
        let core = &mut *self.0.lock();
        mirror::write(core, &writes, Ok(()), false);
        for Write { key, action, .. } in writes {
            match action {
                Action::Put(item) => Rows::apply(core, key, Some(item), 0),
                Action::Delete => Rows::apply(core, key, None, 0),
                Action::Check => {}
            }
        }
        Ok(())
    }
}

/// The version of a row, when it has one.
pub fn version(item: &Item) -> Option<u64> {
    match item.get(VERSION)? {
        AttributeValue::N(version) => version.parse().ok(),
        _ => None,
    }
}
