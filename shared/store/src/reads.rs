//! Reads that the next attempt at a change does not repeat.
//!
//! A failed condition returns the row that made it false, so after a version conflict everything that the next attempt reads is
//! known: the rows that the failed attempt read, and the new content of those that have changed. A store that remembers its reads
//! ([`Store::remembering`]) answers the reads of the next attempt with them, each once. A row that is read again in the same attempt
//! comes from the table.
//!
//! Such a row can be as old as the failed attempt. A row that the change writes or checks has a condition, so an old one can only lead
//! to another conflict. The rows that a failed transaction returns are those of one moment, so they fit together. What else the change
//! depends on was valid during the request, with one exception: each attempt reads from the
//! table what a person may do ([`Store::table_itself`]). Otherwise, somebody could change something long after they were suspended
//! or removed.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::Store;
use crate::keys::{Key, PK, SK};
use crate::table::{Conflict, Consistency, Item, Query, Table, TableError, Write, WriteError};

/// A read.
#[derive(Debug, Clone, PartialEq)]
enum Read {
    Get(Key, Consistency),
    GetMany(Vec<Key>, Consistency),
    Query(Query),
}

impl Read {
    /// Whether a row with this key is in the result, if it exists. The rows of an index are another matter: they may be old anyway.
    fn covers(&self, key: &Key) -> bool {
        match self {
            Self::Get(one, _) => one == key,
            Self::GetMany(keys, _) => keys.contains(key),
            Self::Query(query) => {
                query.index.is_none()
                    && query.pk == key.pk
                    && (query.from.as_str()..=query.to.as_str()).contains(&key.sk.as_str())
            }
        }
    }

    /// Whether the result can be brought up to date row by row.
    fn is_complete(&self) -> bool {
        !matches!(self, Self::Query(query) if query.descending || query.limit.is_some())
    }
}

/// What was read.
#[derive(Default)]
struct Reads {
    /// By this attempt.
    now: Vec<(Read, Vec<Item>)>,
    /// By the attempt before, brought up to date. A read that this attempt has repeated is no longer here.
    before: Vec<(Read, Vec<Item>)>,
}

/// A table that remembers what was read.
pub(crate) struct RememberingTable {
    table: Arc<dyn Table>,
    reads: Mutex<Reads>,
}

impl RememberingTable {
    fn reads(&self) -> std::sync::MutexGuard<'_, Reads> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result of a read of the attempt before.
    fn recall(&self, read: &Read) -> Option<Vec<Item>> {
        let mut reads = self.reads();
        let place = reads.before.iter().position(|(one, _)| one == read)?;
        let (read, rows) = reads.before.swap_remove(place);
        reads.now.push((read, rows.clone()));
        Some(rows)
    }

    fn remember(&self, read: Read, rows: &[Item]) {
        let mut reads = self.reads();
        reads.now.retain(|(one, _)| *one != read);
        reads.now.push((read, rows.to_vec()));
    }
}

/// Whether an item is the row with this key.
pub(crate) fn is_row(item: &Item, key: &Key) -> bool {
    let is = |name, part: &str| {
        item.get(name).and_then(|value| value.as_s().ok()).is_some_and(|text| text == part)
    };
    is(SK, &key.sk) && is(PK, &key.pk)
}

/// Replaces a row in the result of a read.
fn replace(rows: &mut Vec<Item>, conflict: Conflict) {
    let place = rows.iter().position(|item| is_row(item, &conflict.key));
    match (place, conflict.row) {
        (Some(place), Some(row)) => rows[place] = row,
        (Some(place), None) => drop(rows.remove(place)),
        (None, Some(row)) => {
            let sort_key = |item: &Item| item.get(SK).and_then(|sk| sk.as_s().ok()).cloned();
            let place = rows.partition_point(|item| sort_key(item).as_deref() < Some(&conflict.key.sk));
            rows.insert(place, row);
        }
        (None, None) => {}
    }
}

#[async_trait]
impl Table for RememberingTable {
    async fn get(&self, key: &Key, consistency: Consistency) -> Result<Option<Item>, TableError> {
        let read = Read::Get(key.clone(), consistency);
        if let Some(rows) = self.recall(&read) {
            return Ok(rows.into_iter().next());
        }
        let row = self.table.get(key, consistency).await?;
        self.remember(read, row.as_slice());
        Ok(row)
    }

    async fn get_many(&self, keys: &[Key], consistency: Consistency) -> Result<Vec<Item>, TableError> {
        let read = Read::GetMany(keys.to_vec(), consistency);
        if let Some(rows) = self.recall(&read) {
            return Ok(rows);
        }
        let rows = self.table.get_many(keys, consistency).await?;
        self.remember(read, &rows);
        Ok(rows)
    }

    async fn query(&self, query: &Query) -> Result<Vec<Item>, TableError> {
        let read = Read::Query(query.clone());
        if let Some(rows) = self.recall(&read) {
            return Ok(rows);
        }
        let rows = self.table.query(query).await?;
        self.remember(read, &rows);
        Ok(rows)
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), WriteError> {
        self.table.write(writes).await
    }

    async fn count(&self, key: &Key, attributes: Item) -> Result<u64, TableError> {
        self.table.count(key, attributes).await
    }
}

impl Store {
    /// The same store, which remembers what one change reads. It must not be shared by concurrent changes.
    #[must_use]
    pub fn remembering(&self) -> Self {
        let remembering = Arc::new(RememberingTable { table: self.table.clone(), reads: Mutex::default() });
        Self { table: remembering.clone(), remembering: Some(remembering) }
    }

    /// Whether this store remembers what is read.
    pub fn is_remembering(&self) -> bool {
        self.remembering.is_some()
    }

    /// The table, also if this store remembers what is read. It is for the rows that say what a person may do.
    pub(crate) fn table_itself(&self) -> &dyn Table {
        self.remembering.as_ref().map_or(&*self.table, |remembering| &*remembering.table)
    }

    /// Answers the reads of the next attempt with those of the one that failed, except that these rows have changed.
    pub fn reuse_reads(&self, conflicts: impl IntoIterator<Item = Conflict>) {
        let Some(remembering) = &self.remembering else { return };
        let reads = &mut *remembering.reads();
        reads.before = std::mem::take(&mut reads.now);
        for conflict in conflicts {
            reads.before.retain(|(read, _)| read.is_complete() || !read.covers(&conflict.key));
            // Seldom has more than one read the row.
            let mut covering = reads.before.iter_mut().filter(|(read, _)| read.covers(&conflict.key));
            if let Some((_, rows)) = covering.next() {
                covering.for_each(|(_, rows)| replace(rows, conflict.clone()));
                replace(rows, conflict);
            }
        }
    }

    /// Answers the reads of the next attempt with those of the last one, except those that contain this row: they are repeated. The rows
    /// of one query belong together, and a newer row among older ones could lead to a refusal, which no condition checks.
    pub fn read_again(&self, key: &Key) {
        if let Some(remembering) = &self.remembering {
            let reads = &mut *remembering.reads();
            reads.before = std::mem::take(&mut reads.now);
            reads.before.retain(|(read, _)| !read.covers(key));
        }
    }

    /// Reads everything from the table again in the next attempt.
    pub fn forget_reads(&self) {
        if let Some(remembering) = &self.remembering {
            *remembering.reads() = Reads::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{ExpertId, PersonId};

    use super::*;
    use crate::keys::VERSION;
    use crate::transaction::{number, text};

    /// A table in which every read returns one row with the number of the read.
    #[derive(Default)]
    struct CountingReads(std::sync::atomic::AtomicU64);

    #[async_trait]
    impl Table for CountingReads {
        async fn get(&self, key: &Key, _: Consistency) -> Result<Option<Item>, TableError> {
            let number = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(Some(row(&key.sk, number)))
        }

        async fn get_many(&self, keys: &[Key], _: Consistency) -> Result<Vec<Item>, TableError> {
            Ok(keys.iter().map(|key| row(&key.sk, 0)).collect())
        }

        async fn query(&self, query: &Query) -> Result<Vec<Item>, TableError> {
            Ok(vec![row(&query.from, 0)])
        }

        async fn write(&self, _: Vec<Write>) -> Result<(), WriteError> {
            Ok(())
        }

        async fn count(&self, _: &Key, _: Item) -> Result<u64, TableError> {
            Ok(1)
        }
    }

    fn row(sk: &str, version: u64) -> Item {
        Item::from([
            (PK.to_owned(), text("P")),
            (SK.to_owned(), text(sk)),
            (VERSION.to_owned(), number(version)),
        ])
    }

    fn conflict(sk: &str, row: Option<Item>) -> Conflict {
        Conflict { key: Key::new("P", sk), row }
    }

    #[test]
    fn rows_of_failed_conditions_replace_add_and_remove() {
        let mut rows = vec![row("a", 1), row("c", 1), row("d", 1)];
        replace(&mut rows, conflict("a", Some(row("a", 2))));
        replace(&mut rows, conflict("b", Some(row("b", 1))));
        replace(&mut rows, conflict("d", None));
        replace(&mut rows, conflict("e", None));
        assert_eq!(rows, [row("a", 2), row("b", 1), row("c", 1)]);
    }

    #[tokio::test]
    async fn next_attempt_reads_each_row_from_memory_once() {
        let store = Store::new(Arc::new(CountingReads::default())).remembering();
        let read = async |sk: &str| {
            let read = store.table.get(&Key::new("P", sk), Consistency::Strong).await;
            read.expect("readable").expect("a row")[VERSION].clone()
        };
        assert_eq!([read("a").await, read("b").await], [number(0), number(1)]);
        store.reuse_reads([conflict("b", Some(row("b", 7)))]);
        assert_eq!([read("a").await, read("b").await], [number(0), number(7)]);
        // A row that the same attempt reads again, and all rows once they are forgotten, come from the table.
        assert_eq!(read("a").await, number(2));
        store.reuse_reads([]);
        assert_eq!(read("a").await, number(2));
        store.reuse_reads([]);
        store.forget_reads();
        assert_eq!(read("a").await, number(3));
    }

    #[tokio::test]
    async fn rows_of_one_query_are_read_again_together() {
        let store = Store::new(Arc::new(CountingReads::default())).remembering();
        let query = Query {
            index: None,
            pk: "P".to_owned(),
            from: "a".to_owned(),
            to: "c".to_owned(),
            descending: false,
            limit: None,
            consistency: Consistency::Strong,
        };
        let read = async || {
            let other = store.table.get(&Key::new("P", "x"), Consistency::Strong).await.expect("readable");
            (store.table.query(&query).await.expect("readable").len(), other.expect("a row")[VERSION].clone())
        };
        assert_eq!(read().await, (1, number(0)));
        store.reuse_reads([conflict("b", Some(row("b", 7)))]);
        assert_eq!(read().await, (2, number(0)), "the row that has changed is added to what was read");
        store.read_again(&Key::new("P", "b"));
        assert_eq!(read().await, (1, number(0)), "what contains the row comes from the table");
    }

    #[tokio::test]
    async fn what_a_person_may_do_is_read_in_every_attempt() {
        let table = Arc::new(CountingReads::default());
        let store = Store::new(table.clone()).remembering();
        let (expert, person) = (ExpertId::from_bits(1), PersonId::from_bits(2));
        for attempt in 1..=3 {
            // The rows of this table cannot be parsed.
            assert!(store.member(expert, person).await.is_err());
            assert!(store.former_member(expert, person).await.is_err());
            assert!(store.suspension(person).await.is_err());
            assert_eq!(table.0.load(std::sync::atomic::Ordering::Relaxed), 3 * attempt);
            store.reuse_reads([]);
        }
    }

    #[test]
    fn range_covers_the_rows_between_its_ends() {
        let query = |index, limit| {
            let (from, to) = ("b".to_owned(), "d".to_owned());
            let consistency = Consistency::Strong;
            Read::Query(Query { index, pk: "P".to_owned(), from, to, descending: false, limit, consistency })
        };
        let covered = ["a", "b", "c", "d", "e"].map(|sk| query(None, None).covers(&Key::new("P", sk)));
        assert_eq!(covered, [false, true, true, true, false]);
        assert!(!query(None, None).covers(&Key::new("Q", "c")));
        assert!(!query(Some(crate::keys::GSI1), None).covers(&Key::new("P", "c")));
        assert!(query(None, None).is_complete() && !query(None, Some(1)).is_complete());
    }
}
