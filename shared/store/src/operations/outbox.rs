//! The outbox: entries for jobs that must run, now or at a later time.
//!
//! The store knows a job by its name, its failure domain and its payload; what a job does is defined in `app`. An entry is
//! written in the transaction that causes its job. A worker leases the entry by moving its due time ahead, runs the job, and
//! deletes the entry last, on condition that it is still the entry that was leased. Each write of an entry gives it a new random
//! token (its `version`). If the job is enqueued again while it runs, the token differs, and the entry stays.
//!
//! An entry is due when its key in the index of due entries says so. An entry that this release cannot read is set aside: it
//! keeps its attributes, but is due later. So is an entry whose key is not a time, which the index lists before or after all times.

use std::fmt;
use std::str::FromStr;

use domain::{AppointmentId, ExpertId, Timestamp};
use serde::{Deserialize, Serialize};

use super::keys;
use crate::keys::{GSI1, GSI2, Index, Key, PK, SK, VERSION, instant};
use crate::table::{Condition, Consistency, Item, Query};
use crate::transaction::{document, text};
use crate::{CommitError, ReadError, Store, TableError, Transaction};

/// The format of the entries that this release writes. Format 1 had no payload.
pub const SCHEMA: u32 = 2;
/// The largest name of a job, in bytes.
const MAX_NAME: usize = 200;

/// A group of jobs that fail together, because they call the same services. Each has its own queue, worker and dead letters, so
/// a service that fails delays no job of another group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureDomain {
    /// Jobs that call a payment gateway.
    Payments,
    /// Jobs that call nothing but the event bus.
    General,
}

impl FailureDomain {
    /// All failure domains.
    pub const ALL: [Self; 2] = [Self::Payments, Self::General];

    /// The name in keys, logs and documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::General => "general",
        }
    }
}

impl fmt::Display for FailureDomain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What a job is about. Its outbox entry is in the partition of this subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An appointment.
    Appointment(AppointmentId),
    /// An expert.
    Expert(ExpertId),
}

impl Subject {
    fn bits(self) -> u128 {
        match self {
            Self::Appointment(id) => id.bits(),
            Self::Expert(id) => id.bits(),
        }
    }
}

impl From<AppointmentId> for Subject {
    fn from(id: AppointmentId) -> Self {
        Self::Appointment(id)
    }
}

impl From<ExpertId> for Subject {
    fn from(id: ExpertId) -> Self {
        Self::Expert(id)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Appointment(id) => id.fmt(out),
            Self::Expert(id) => id.fmt(out),
        }
    }
}

/// The name of a job: its kind, the id of its subject, and what else distinguishes it, separated by colons. It is the key of the
/// job's outbox entry, so jobs with the same name are one entry. It is also the message in the queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobName {
    text: String,
    subject: Subject,
}

/// The text is not the name of a job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the text is not the name of a job")]
pub struct InvalidJobName;

impl JobName {
    /// The name of a job of this kind about `subject`.
    pub fn new(kind: &str, subject: impl Into<Subject>) -> Self {
        let subject = subject.into();
        Self { text: format!("{kind}:{subject}"), subject }
    }

    /// The name with one more part.
    #[must_use]
    pub fn with(self, part: impl fmt::Display) -> Self {
        Self { text: format!("{}:{part}", self.text), ..self }
    }

    /// The kind of the job, which is the first part of the name.
    pub fn kind(&self) -> &str {
        self.text.split(':').next().unwrap_or_default()
    }

    /// What the job is about.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn key(&self) -> Key {
        keys::outbox_entry(keys::subject_partition(self.subject), &self.text)
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl FromStr for JobName {
    type Err = InvalidJobName;

    fn from_str(text: &str) -> Result<Self, InvalidJobName> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-:".contains(&byte);
        let mut parts = text.split(':');
        let kind = parts.next().filter(|kind| !kind.is_empty());
        let id = parts.next().filter(|_| kind.is_some()).ok_or(InvalidJobName)?;
        if text.len() > MAX_NAME || !text.bytes().all(plain) || parts.any(str::is_empty) {
            return Err(InvalidJobName);
        }
        let appointment = id.parse().map(Subject::Appointment).ok();
        let subject = appointment.or(id.parse().map(Subject::Expert).ok()).ok_or(InvalidJobName)?;
        Ok(Self { text: text.to_owned(), subject })
    }
}

/// A job that must run, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The name of the job.
    pub name: JobName,
    /// The format in which the entry was written; see [`SCHEMA`].
    pub schema: u32,
    /// The data of the job as JSON: ids, times and amounts, and no personal data. Empty in format 1.
    pub payload: String,
    /// When the job is to run next. While it is leased, when the lease ends.
    pub due_at: Timestamp,
    /// When the job was first due. Its delay is measured from here.
    pub first_due_at: Timestamp,
    /// A random number, new with each write of the entry.
    pub token: u64,
    /// How often the job was started since it was enqueued.
    pub attempts: u32,
    /// Why the last attempt failed, without personal data and secrets; empty if it did not fail.
    pub last_error: String,
    /// Since when the job has been failing; `None` if its last attempt did not fail.
    pub failing_since: Option<Timestamp>,
}

impl OutboxEntry {
    /// An entry for a job that is due at `due_at`. `token` is a random number.
    pub fn new(name: JobName, payload: String, due_at: Timestamp, token: u64) -> Self {
        Self {
            name,
            schema: SCHEMA,
            payload,
            due_at,
            first_due_at: due_at,
            token: token.max(1),
            attempts: 0,
            last_error: String::new(),
            failing_since: None,
        }
    }

    fn row(&self) -> EntryRow {
        EntryRow {
            job: self.name.to_string(),
            schema: self.schema,
            payload: Some(self.payload.clone()).filter(|payload| !payload.is_empty()),
            due_at: self.due_at,
            first_due_at: self.first_due_at,
            version: self.token,
            attempts: self.attempts,
            last_error: self.last_error.clone(),
            failing_since: self.failing_since,
        }
    }
}

/// The attributes of an outbox entry. A release without payloads reads them as well, because it ignores those it does not know,
/// and it reads `due_at`. This one reads that time from the key in the index, which is all that changes when an entry is set
/// aside.
#[derive(Serialize, Deserialize)]
struct EntryRow {
    job: String,
    #[serde(default = "first_schema")]
    schema: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    due_at: Timestamp,
    first_due_at: Timestamp,
    version: u64,
    attempts: u32,
    last_error: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
}

fn first_schema() -> u32 {
    1
}

/// An outbox entry as it is stored. [`StoredEntry::entry`] is an error if its attributes cannot be read. The row is kept, so that
/// it can be set aside unchanged.
#[derive(Debug)]
pub struct StoredEntry {
    item: Item,
    /// The key of the row.
    pub key: Key,
    /// The entry.
    pub entry: Result<OutboxEntry, ReadError>,
}

impl StoredEntry {
    fn new(item: Item) -> Self {
        let part = |name: &str| string(&item, name).unwrap_or_default();
        let key = Key { pk: part(PK), sk: part(SK) };
        let entry = read(item.clone(), &key);
        Self { item, key, entry }
    }

    /// The name in the key of the row: that of the job, if the row belongs to a job.
    pub fn name(&self) -> &str {
        self.key.sk.strip_prefix(keys::ENTRY).unwrap_or(&self.key.sk)
    }

    /// When the entry was set aside, or its job began to fail. `None` if it is neither.
    pub fn failing_since(&self) -> Option<Timestamp> {
        instant_of(&self.item, GSI2.sk)
    }

    /// When the entry is due; `None` if it is not in the index of due entries.
    pub fn due_at(&self) -> Option<Timestamp> {
        instant_of(&self.item, GSI1.sk)
    }

    /// The condition that the row has not been written since it was read.
    fn unchanged(&self) -> Condition {
        Condition::Same(self.item.get(VERSION).cloned())
    }
}

fn string(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

/// The instant at the beginning of a sort key, if it is written as [`instant`] does it. Others are not ordered by time.
fn instant_of(item: &Item, sort_key: &str) -> Option<Timestamp> {
    let key = string(item, sort_key)?;
    let text = key.split('#').next()?;
    let at = Timestamp::from_seconds(text.parse().ok()?);
    (instant(at) == text).then_some(at)
}

fn read(item: Item, key: &Key) -> Result<OutboxEntry, ReadError> {
    let corrupt = |reason: &str| ReadError::Corrupt { key: key.to_string(), reason: reason.to_owned() };
    let due_at =
        instant_of(&item, GSI1.sk).ok_or_else(|| corrupt("it is not in the index of due entries"))?;
    let row: EntryRow = document(item)?;
    let name: JobName = row.job.parse().map_err(|_| corrupt("job is not the name of a job"))?;
    if name.key() != *key {
        return Err(corrupt("job is not the name in the key"));
    }
    Ok(OutboxEntry {
        name,
        schema: row.schema,
        payload: row.payload.unwrap_or_default(),
        due_at,
        first_due_at: row.first_due_at,
        token: row.version,
        attempts: row.attempts,
        last_error: row.last_error,
        failing_since: row.failing_since,
    })
}

/// A page of outbox entries.
#[derive(Debug)]
pub struct OutboxPage {
    /// The entries, in the order of the index.
    pub entries: Vec<StoredEntry>,
    /// Where the next page begins; `None` on the last page.
    pub next: Option<String>,
}

impl Transaction {
    /// Writes an outbox entry of a job of this failure domain. It replaces an entry of the same job, so that repeated requests for
    /// a job run it once. If two parts of the change request a job, it is due at the earlier of the two times.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn enqueue(&mut self, failure_domain: FailureDomain, entry: &OutboxEntry) -> Result<(), CommitError> {
        let key = entry.name.key();
        if self.replaces(&key) {
            if self.is_due_by(&entry.name, entry.due_at) {
                return Ok(());
            }
            self.leave_out(&key);
        }
        self.put_outbox_entry(entry, Condition::None)?;
        self.note_outbox_entry(failure_domain, entry);
        Ok(())
    }

    /// Writes an outbox entry of a job of this failure domain, on condition that there is none.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn enqueue_once(
        &mut self,
        failure_domain: FailureDomain,
        entry: &OutboxEntry,
    ) -> Result<(), CommitError> {
        self.put_outbox_entry(entry, Condition::Absent)?;
        self.note_outbox_entry(failure_domain, entry);
        Ok(())
    }

    /// Replaces an outbox entry, on condition that the stored one still has this token.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn reschedule(&mut self, entry: &OutboxEntry, token: u64) -> Result<(), CommitError> {
        self.put_outbox_entry(entry, Condition::Version(token))
    }

    /// Replaces an outbox entry that was read, on condition that it has not been written since. [`Transaction::due_jobs`]
    /// includes its job.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn retry(
        &mut self,
        failure_domain: FailureDomain,
        stored: &StoredEntry,
        entry: &OutboxEntry,
    ) -> Result<(), CommitError> {
        self.put_outbox_entry(entry, stored.unchanged())?;
        self.note_outbox_entry(failure_domain, entry);
        Ok(())
    }

    /// Sets an entry aside that cannot be read, on condition that it has not been written since it was read. The row keeps its
    /// attributes. It is due again at `again`, and is listed with the failing jobs.
    pub fn set_aside(&mut self, stored: &StoredEntry, now: Timestamp, again: Timestamp) {
        let mut item = stored.item.clone();
        item.entry(GSI1.pk.to_owned()).or_insert_with(|| text(keys::outbox_shard(0)));
        item.insert(GSI1.sk.to_owned(), text(keys::outbox_order(again, stored.name())));
        let since = stored.failing_since().unwrap_or(now);
        item.insert(GSI2.pk.to_owned(), text(keys::FAILING_JOBS));
        item.insert(GSI2.sk.to_owned(), text(keys::failing_order(since, &stored.key)));
        self.put(stored.key.clone(), stored.unchanged(), item);
    }

    /// Deletes the entry of a job that is done, on condition that the stored one still has the same token.
    pub fn finish(&mut self, entry: &OutboxEntry) {
        self.delete(entry.name.key(), Condition::Version(entry.token));
    }

    fn put_outbox_entry(&mut self, entry: &OutboxEntry, condition: Condition) -> Result<(), CommitError> {
        let key = entry.name.key();
        let shard = keys::outbox_shard(entry.name.subject.bits());
        let mut index = vec![
            (GSI1.pk, text(shard)),
            (GSI1.sk, text(keys::outbox_order(entry.due_at, entry.name.as_str()))),
        ];
        if let Some(since) = entry.failing_since {
            index.push((GSI2.pk, text(keys::FAILING_JOBS)));
            index.push((GSI2.sk, text(keys::failing_order(since, &key))));
        }
        self.put_document(key, condition, &entry.row(), index)
    }
}

impl Store {
    /// The outbox entry of a job; `None` if the job is not enqueued.
    ///
    /// # Errors
    /// [`TableError`] if the table does not respond.
    pub async fn outbox_entry(&self, name: &JobName) -> Result<Option<StoredEntry>, TableError> {
        Ok(self.table.get(&name.key(), Consistency::Strong).await?.map(StoredEntry::new))
    }

    /// The outbox entry in this partition and with this name, which may be that of an unreadable entry.
    ///
    /// # Errors
    /// [`TableError`] if the table does not respond.
    pub async fn outbox_entry_at(
        &self,
        partition: &str,
        name: &str,
    ) -> Result<Option<StoredEntry>, TableError> {
        let key = keys::outbox_entry(partition.to_owned(), name);
        // DynamoDB refuses longer keys, so no row has one.
        if key.pk.len() > 2_048 || key.sk.len() > 1_024 {
            return Ok(None);
        }
        Ok(self.table.get(&key, Consistency::Strong).await?.map(StoredEntry::new))
    }

    /// The outbox entries of one of the [`keys::outbox_shards`] that are due by `now`, the oldest first, at most `limit`, from
    /// the beginning or from where the previous page ended.
    ///
    /// # Errors
    /// [`TableError`] if the table does not respond.
    pub async fn due_outbox_entries(
        &self,
        shard: &str,
        now: Timestamp,
        from: Option<&str>,
        limit: u16,
    ) -> Result<OutboxPage, TableError> {
        self.outbox_page(GSI1, shard, from, format!("{}~", instant(now)), limit).await
    }

    /// The outbox entries of a shard that are never due, because their keys in the index sort before or after all times; at most
    /// `limit` of each. A key that begins like a time is due when that time has come.
    ///
    /// # Errors
    /// [`TableError`] if the table does not respond.
    pub async fn misplaced_outbox_entries(
        &self,
        shard: &str,
        limit: u16,
    ) -> Result<Vec<StoredEntry>, TableError> {
        let mut entries = Vec::new();
        for (from, to) in keys::NO_TIMES {
            entries.extend(self.outbox_page(GSI1, shard, Some(from), to.to_owned(), limit).await?.entries);
        }
        entries.retain(|entry| entry.due_at().is_none());
        Ok(entries)
    }

    /// The failing jobs and the unreadable entries, the longest failing first, at most `limit`, from the beginning or from
    /// where the previous page ended.
    ///
    /// # Errors
    /// [`TableError`] if the table does not respond.
    pub async fn failing_jobs(&self, from: Option<&str>, limit: u16) -> Result<OutboxPage, TableError> {
        self.outbox_page(GSI2, keys::FAILING_JOBS, from, "~".to_owned(), limit).await
    }

    async fn outbox_page(
        &self,
        index: Index,
        pk: &str,
        from: Option<&str>,
        to: String,
        limit: u16,
    ) -> Result<OutboxPage, TableError> {
        let query = Query {
            index: Some(index),
            pk: pk.to_owned(),
            from: from.unwrap_or("0").to_owned(),
            to,
            descending: false,
            limit: Some(limit + 1),
            consistency: Consistency::Eventual,
        };
        let mut items = self.table.query(&query).await?;
        let more = items.len() > usize::from(limit);
        items.truncate(limit.into());
        let last = items.last().filter(|_| more).and_then(|last| string(last, index.sk));
        Ok(OutboxPage {
            entries: items.into_iter().map(StoredEntry::new).collect(),
            // The first sort key after the last one: no key contains a character below the space.
            next: last.map(|last| format!("{last} ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;
    use crate::table::{Action, Write};

    #[test]
    fn job_names_are_parsed_from_their_text() {
        let (appointment, expert) = (AppointmentId::from_bits(1), ExpertId::from_bits(2));
        for (name, kind) in [
            (JobName::new("payment", appointment), "payment"),
            (JobName::new("event", appointment).with(3).with("appointment.no_show"), "event"),
            (JobName::new("payment-account", expert).with("stripe"), "payment-account"),
        ] {
            assert_eq!(name.to_string().parse(), Ok(name.clone()));
            assert_eq!(name.kind(), kind);
        }
        let name = format!("payment:{appointment}");
        for wrong in [
            "",
            "payment",
            "payment:",
            "payment:cli_00000000000000000000000001",
            &format!("{name}:"),
            &format!(":{appointment}"),
            &format!("{name}:ä"),
            &format!("{name} "),
            &format!("{name}:{}", "x".repeat(MAX_NAME)),
        ] {
            assert_eq!(wrong.parse::<JobName>(), Err(InvalidJobName), "{wrong}");
        }
    }

    /// The only write of a transaction: its condition and the row.
    fn put(transaction: &Transaction) -> (Condition, Item) {
        match transaction.writes() {
            [Write { condition, action: Action::Put(item), .. }] => (condition.clone(), item.clone()),
            other => panic!("not a put: {other:?}"),
        }
    }

    fn stored(entry: &OutboxEntry) -> Item {
        let mut transaction = Transaction::new();
        transaction.enqueue(FailureDomain::Payments, entry).expect("storable");
        put(&transaction).1
    }

    fn example() -> OutboxEntry {
        let name = JobName::new("payment", AppointmentId::from_bits(1));
        let at = Timestamp::from_seconds(1_800_000_000);
        OutboxEntry::new(name, "{}".to_owned(), at, 5)
    }

    #[test]
    fn job_that_is_requested_twice_is_enqueued_once_at_the_earlier_time() {
        let at = |minute: i64| OutboxEntry { due_at: example().due_at.plus(60 * minute), ..example() };
        for (first, second) in [(0, 0), (0, 1), (1, 0)] {
            let mut transaction = Transaction::new();
            for minute in [first, second] {
                transaction.enqueue(FailureDomain::Payments, &at(minute)).expect("storable");
            }
            let written = StoredEntry::new(put(&transaction).1);
            assert_eq!(written.due_at(), Some(example().due_at));
            assert_eq!(transaction.due_jobs(example().due_at).len(), 1);
            assert_eq!(transaction.due_jobs(example().due_at.plus(60)).len(), 1);
        }
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        let failing = OutboxEntry {
            attempts: 3,
            last_error: "it failed".to_owned(),
            failing_since: Some(Timestamp::from_seconds(1_800_000_100)),
            ..example()
        };
        for entry in [example(), failing] {
            let stored = StoredEntry::new(stored(&entry));
            assert_eq!(stored.failing_since(), entry.failing_since);
            assert_eq!(stored.due_at(), Some(entry.due_at));
            assert_eq!(stored.entry.expect("readable"), entry);
        }
    }

    #[test]
    fn entry_of_the_first_format_is_read() {
        let mut item = stored(&example());
        for added in ["schema", "payload"] {
            item.remove(added).expect("it is there");
        }
        let entry = StoredEntry::new(item).entry.expect("readable");
        assert_eq!((entry.schema, &*entry.payload), (1, ""));
        assert_eq!(entry.name, example().name);
    }

    #[test]
    fn unreadable_entry_keeps_its_attributes_when_it_is_set_aside() {
        let mut item = stored(&example());
        item.insert("job".to_owned(), text("unknown"));
        item.insert("future".to_owned(), AttributeValue::Bool(true));
        let before = StoredEntry::new(item.clone());
        assert!(before.entry.is_err());
        let at = Timestamp::from_seconds(1_800_000_100);
        let mut transaction = Transaction::new();
        transaction.set_aside(&before, at, at.plus(3_600));
        let (condition, after) = put(&transaction);
        assert_eq!(condition, Condition::Same(Some(AttributeValue::N("5".to_owned()))));
        let aside = StoredEntry::new(after.clone());
        assert_eq!(aside.due_at(), Some(at.plus(3_600)));
        assert_eq!(aside.failing_since(), Some(at));
        // If it still cannot be read then, it has been failing since the first time.
        let mut transaction = Transaction::new();
        transaction.set_aside(&aside, at.plus(3_600), at.plus(7_200));
        assert_eq!(StoredEntry::new(put(&transaction).1).failing_since(), Some(at));
        item.remove(GSI1.sk);
        assert!(item.iter().all(|(name, value)| after.get(name) == Some(value)), "{after:?}");
        // Whatever the version is, nothing else may write the row in between.
        for version in [None, Some(AttributeValue::N("1.5".to_owned())), Some(text("x"))] {
            item.remove(VERSION);
            item.extend(version.clone().map(|version| (VERSION.to_owned(), version)));
            let mut transaction = Transaction::new();
            transaction.set_aside(&StoredEntry::new(item.clone()), at, at);
            assert_eq!(put(&transaction).0, Condition::Same(version));
        }
    }
}
