//! Rows of an expert's occupancy: one per UTC day, and one per group session.

use std::collections::BTreeMap;
use std::iter;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::experts::expert::Expert;
use domain::experts::session_type::SessionType;
use domain::kernel::time::DAY;
use domain::payments::account::PaymentAccount;
use domain::payments::gateway::GatewayKind;
use domain::scheduling::appointment::Appointment;
use domain::scheduling::occupancy::{Day, Entry, EntryKey, GroupSession, Occupancy, OccupancyChange, Seats};
use domain::{ExpertId, SessionTypeId, TimeSpan, Timestamp};

use super::keys;
use crate::experts::profiles::VersionedRules;
use crate::experts::rows::{ExpertRow, RulesRow, SessionTypeRow};
use crate::keys::{EXPIRES_AT, Key, PK, SK, VERSION, expert_partition};
use crate::payments::rows::PaymentAccountRow;
use crate::row::{SCHEMA, check_schema, read_list, read_row};
use crate::table::{Condition, Consistency, Item, Query};
use crate::transaction::{key_of, number, text};
use crate::{ReadError, Store, Transaction};

/// How long a row is kept after its UTC day, in seconds; TTL then deletes it. A weekly cap counts at most one week.
const RETENTION: i64 = 35 * DAY;

/// The latest version of the format of the rows; see [`crate::row`].
const FORMAT: u16 = 2;
/// The version of the format in which the entries of a day are a map of lists. Group sessions have it too.
const FORMAT_WITH_MAP: u16 = 1;
/// The number of entries of a day up to which they are a map. More of them are one text, because a thousand lists take many times as
/// long to read and to write as a text of the same size. Earlier releases read maps only, and nearly every day is one.
const MAX_IN_MAP: usize = 64;
const ENTRIES: &str = "entries";
const SESSION: &str = "session";
const SEATS: &str = "seats";
const CAPACITY: &str = "capacity";
/// Separates appointment and start in the name of an entry that is held for a proposal.
const PROPOSED: char = '+';

impl Transaction {
    /// Writes a change of an expert's occupancy, on condition that the rows it was decided on have not changed.
    ///
    /// The caller must expire the appointments of the holds that the change reclaims, in the same transaction.
    pub fn put_occupancy(&mut self, expert: ExpertId, change: &OccupancyChange) {
        for (date, day) in &change.days {
            let midnight = Timestamp::from(date.and_time(chrono::NaiveTime::MIN).and_utc());
            let (format, entries) = if day.entries.len() <= MAX_IN_MAP {
                (FORMAT_WITH_MAP, AttributeValue::M(day.entries.iter().map(write_entry).collect()))
            } else {
                self.busy_day.get_or_insert_with(|| keys::day(expert, *date));
                (FORMAT, text(day.entries.iter().map(write_line).collect::<Vec<_>>().join("\n")))
            };
            let item = Item::from([
                (SCHEMA.to_owned(), number(format)),
                (VERSION.to_owned(), number(day.version + 1)),
                (EXPIRES_AT.to_owned(), number(midnight.plus(DAY + RETENTION).seconds())),
                (ENTRIES.to_owned(), entries),
            ]);
            self.put(keys::day(expert, *date), Condition::unchanged_since(day.version), item);
        }
        for (date, version) in &change.unchanged {
            self.check(keys::day(expert, *date), Condition::unchanged_since(*version));
        }
        for ((session_type, start), group) in &change.groups {
            let key = keys::group(expert, *session_type, *start);
            let condition = Condition::unchanged_since(group.version);
            if group.seats.is_empty() {
                match group.version {
                    0 => self.check(key, condition),
                    _ => self.delete(key, condition),
                }
                continue;
            }
            let seats = group.seats.iter().map(|(id, seats)| (id.to_string(), write_seats(seats))).collect();
            let item = Item::from([
                (SCHEMA.to_owned(), number(FORMAT_WITH_MAP)),
                (VERSION.to_owned(), number(change.group_version(*start, group))),
                // A session lasts a day at most, and its last UTC day ends a day after it.
                (EXPIRES_AT.to_owned(), number(start.plus(2 * DAY + RETENTION).seconds())),
                (SESSION.to_owned(), write_fields(&group.entry)),
                (CAPACITY.to_owned(), number(group.capacity)),
                (SEATS.to_owned(), AttributeValue::M(seats)),
            ]);
            self.put(key, condition, item);
        }
    }
}

/// The numbers of an entry, in the order in which they are written.
fn numbers(entry: &Entry) -> impl Iterator<Item = i64> {
    let own = [
        entry.start.seconds(),
        entry.session_span().seconds(),
        entry.buffer_before_minutes.into(),
        entry.buffer_after_minutes.into(),
    ];
    own.into_iter().chain(entry.hold_expires_at.map(Timestamp::seconds))
}

// An entry is a list and not a map, because attribute names would double the size of a row, and the size determines the cost of
// listing slots.
fn write_fields(entry: &Entry) -> AttributeValue {
    AttributeValue::L(iter::once(text(entry.session_type)).chain(numbers(entry).map(number)).collect())
}

fn write_entry((key, entry): (&EntryKey, &Entry)) -> (String, AttributeValue) {
    (name(key), write_fields(entry))
}

/// A line of the text that holds the entries of a busy day: the same fields as in a list, after the name of the entry.
fn write_line((key, entry): (&EntryKey, &Entry)) -> String {
    let texts = [name(key), entry.session_type.to_string()].into_iter();
    texts.chain(numbers(entry).map(|number| number.to_string())).collect::<Vec<_>>().join(" ")
}

/// The name of an entry.
fn name(key: &EntryKey) -> String {
    match key {
        EntryKey::Appointment(id) => id.to_string(),
        EntryKey::Group(session_type, start) => format!("{session_type}@{}", start.seconds()),
        // A release that does not know proposals does not read the row.
        EntryKey::Proposal(id, start) => format!("{id}{PROPOSED}{}", start.seconds()),
    }
}

fn read_name(name: &str) -> Option<EntryKey> {
    let start = |seconds: &str| Some(Timestamp::from_seconds(seconds.parse().ok()?));
    Some(match (name.split_once('@'), name.split_once(PROPOSED)) {
        (Some((session_type, at)), _) => EntryKey::Group(session_type.parse().ok()?, start(at)?),
        (None, Some((id, at))) => EntryKey::Proposal(id.parse().ok()?, start(at)?),
        (None, None) => EntryKey::Appointment(name.parse().ok()?),
    })
}

fn read_entry((name, value): (&String, &AttributeValue)) -> Option<(EntryKey, Entry)> {
    Some((read_name(name)?, read_fields(value)?))
}

fn read_line(line: &str) -> Option<(EntryKey, Entry)> {
    let (name, fields) = line.split_once(' ')?;
    Some((read_name(name)?, read_texts(&fields.split(' ').collect::<Vec<_>>())?))
}

fn read_fields(value: &AttributeValue) -> Option<Entry> {
    let [session_type, numbers @ ..] = value.as_l().ok()?.as_slice() else { return None };
    let numbers = numbers.iter().map(|number| number.as_n().ok().map(String::as_str));
    let texts: Option<Vec<&str>> =
        iter::once(session_type.as_s().ok().map(String::as_str)).chain(numbers).collect();
    read_texts(&texts?)
}

fn read_texts(texts: &[&str]) -> Option<Entry> {
    let [session_type, start, length, before, after, hold @ ..] = texts else { return None };
    let start = Timestamp::from_seconds(start.parse().ok()?);
    let hold_expires_at = match hold {
        [] => None,
        [end] => Some(Timestamp::from_seconds(end.parse().ok()?)),
        _ => return None,
    };
    Some(Entry {
        session_type: session_type.parse().ok()?,
        start,
        end: start.plus(length.parse().ok()?),
        buffer_before_minutes: before.parse().ok()?,
        buffer_after_minutes: after.parse().ok()?,
        hold_expires_at,
    })
}

fn write_seats(seats: &Seats) -> AttributeValue {
    let mut fields = vec![number(seats.count)];
    fields.extend(seats.hold_expires_at.map(|end| number(end.seconds())));
    if seats.proposed {
        // A release that does not know proposals does not read the row.
        fields.push(text(PROPOSED));
    }
    AttributeValue::L(fields)
}

fn read_seats(value: &AttributeValue) -> Option<Seats> {
    match value.as_l().ok()?.as_slice() {
        [count] => Some(Seats { count: parse(count)?, hold_expires_at: None, proposed: false }),
        [count, end, proposed @ ..] => Some(Seats {
            count: parse(count)?,
            hold_expires_at: Some(Timestamp::from_seconds(parse(end)?)),
            proposed: match proposed {
                [] => false,
                [word] if word.as_s().is_ok_and(|word| *word == PROPOSED.to_string()) => true,
                _ => return None,
            },
        }),
        _ => None,
    }
}

fn parse<T: std::str::FromStr>(value: &AttributeValue) -> Option<T> {
    value.as_n().ok()?.parse().ok()
}

/// Whether a row has these attributes at most. An attribute that this release does not know may block time.
fn has_only(item: &Item, own: &[&str]) -> bool {
    let known = [PK, SK, SCHEMA, VERSION, EXPIRES_AT];
    item.keys().all(|name| known.contains(&name.as_str()) || own.contains(&name.as_str()))
}

fn read_day(item: &Item) -> Option<Day> {
    if !has_only(item, &[ENTRIES]) {
        return None;
    }
    let entries: Option<BTreeMap<_, _>> = match item.get(ENTRIES)? {
        AttributeValue::M(map) => map.iter().map(read_entry).collect(),
        AttributeValue::S(lines) => lines.lines().map(read_line).collect(),
        _ => None,
    };
    Some(Day { version: parse(item.get(VERSION)?)?, entries: entries? })
}

fn read_group(item: &Item) -> Option<GroupSession> {
    if !has_only(item, &[SESSION, CAPACITY, SEATS]) {
        return None;
    }
    let seats = item.get(SEATS)?.as_m().ok()?;
    let seats: Option<BTreeMap<_, _>> =
        seats.iter().map(|(id, value)| Some((id.parse().ok()?, read_seats(value)?))).collect();
    Some(GroupSession {
        version: parse(item.get(VERSION)?)?,
        entry: read_fields(item.get(SESSION)?)?,
        capacity: parse(item.get(CAPACITY)?)?,
        seats: seats?,
    })
}

/// An expert with their availability rules and payment accounts, and one session type.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The expert.
    pub expert: Expert,
    /// The availability rules.
    pub rules: VersionedRules,
    /// The session type.
    pub session_type: SessionType,
    /// The expert's accounts at payment gateways, as far as this release can read them.
    pub accounts: Vec<PaymentAccount>,
}

impl Store {
    /// An expert with their availability rules and payment accounts, and a session type, in one request; `None` if there is no
    /// profile, no rules or no such session type. An account that this release cannot read is left out, because it cannot be used.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn offer(
        &self,
        expert: ExpertId,
        session_type: SessionTypeId,
        consistency: Consistency,
    ) -> Result<Option<Offer>, ReadError> {
        let profile_key = crate::experts::keys::profile(expert);
        let rules_key = crate::experts::keys::rules(expert);
        let type_key = crate::experts::keys::session_type(expert, session_type);
        let account_keys =
            GatewayKind::ALL.map(|gateway| crate::payments::keys::payment_account(expert, gateway));
        let offer_keys = [profile_key.clone(), rules_key.clone(), type_key.clone()];
        let keys: Vec<Key> = offer_keys.into_iter().chain(account_keys).collect();
        let (mut profile, mut rules, mut offered, mut accounts) = (None, None, None, Vec::new());
        for item in self.table.get_many(&keys, consistency).await? {
            match item.get(SK).and_then(|sk| sk.as_s().ok()) {
                Some(sk) if *sk == profile_key.sk => profile = Some(read_row::<ExpertRow, _>(item)?),
                Some(sk) if *sk == rules_key.sk => rules = Some(read_row::<RulesRow, _>(item)?),
                Some(sk) if *sk == type_key.sk => offered = Some(read_row::<SessionTypeRow, _>(item)?),
                _ => accounts.push(item),
            }
        }
        let (accounts, _) = read_list::<PaymentAccountRow, _>(accounts);
        let offer = profile.zip(rules).zip(offered);
        Ok(offer.map(|((expert, rules), session_type)| Offer { expert, rules, session_type, accounts }))
    }

    /// The occupancy of the days that an appointment and its open proposal occupy, read with strong consistency: a query for each
    /// time.
    ///
    /// # Errors
    /// See [`Store::occupancy`].
    pub async fn occupancy_of(&self, appointment: &Appointment) -> Result<Occupancy, ReadError> {
        let mut occupancy = Occupancy::default();
        for span in appointment.held_spans() {
            let one = self.occupancy(appointment.expert, span, Consistency::Strong).await?;
            occupancy = occupancy.union(one);
        }
        Ok(occupancy)
    }

    /// The occupancy of the UTC days that a span touches, with their group sessions, in one query.
    ///
    /// # Errors
    /// [`ReadError`]. A row that this release cannot read fails the whole read with [`ReadError::NewerRelease`], because its time may
    /// not be free.
    pub async fn occupancy(
        &self,
        expert: ExpertId,
        span: TimeSpan,
        consistency: Consistency,
    ) -> Result<Occupancy, ReadError> {
        let (from, to) = keys::days(span);
        let query = Query {
            index: None,
            pk: expert_partition(expert),
            from,
            to,
            descending: false,
            limit: None,
            consistency,
        };
        let mut occupancy = Occupancy::default();
        for item in self.table.query(&query).await? {
            check_schema(&item, FORMAT)?;
            let unknown = || ReadError::NewerRelease {
                key: key_of(&item),
                reason: "this release does not know what it occupies".to_owned(),
            };
            let sk = item.get(SK).and_then(|sk| sk.as_s().ok()).ok_or_else(unknown)?;
            if let Some(date) = keys::date_of_day(sk) {
                occupancy.days.insert(date, read_day(&item).ok_or_else(unknown)?);
            } else if let Some(key) = keys::session_of_group(sk) {
                occupancy.groups.insert(key, read_group(&item).ok_or_else(unknown)?);
            } else {
                // An unknown row may block time. Unknown occupancy is never treated as free.
                return Err(unknown());
            }
        }
        Ok(occupancy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Action;
    use domain::AppointmentId;

    #[test]
    fn entries_and_seats_survive_a_round_trip() {
        let session_type = SessionTypeId::from_bits(3);
        let start = Timestamp::from_seconds(1_800_000_000);
        let entry = Entry {
            session_type,
            start,
            end: start.plus(1_800),
            buffer_before_minutes: 5,
            buffer_after_minutes: 10,
            hold_expires_at: None,
        };
        let id = AppointmentId::from_bits(1);
        for key in
            [EntryKey::Appointment(id), EntryKey::Group(session_type, start), EntryKey::Proposal(id, start)]
        {
            for hold_expires_at in [None, Some(start)] {
                let entry = Entry { hold_expires_at, ..entry };
                let (name, value) = write_entry((&key, &entry));
                assert_eq!(read_entry((&name, &value)), Some((key, entry)));
                assert_eq!(read_line(&write_line((&key, &entry))), Some((key, entry)));
            }
        }
        for seats in [
            Seats { count: 2, hold_expires_at: None, proposed: false },
            Seats { count: 1, hold_expires_at: Some(start), proposed: false },
            Seats { count: 1, hold_expires_at: Some(start), proposed: true },
        ] {
            assert_eq!(read_seats(&write_seats(&seats)), Some(seats));
        }
    }

    /// A day with this number of entries, as it is written.
    fn written(entries: usize) -> (Day, Item) {
        let start = |number| Timestamp::from_seconds(1_800_000_000 + 60 * i64::from(number));
        let entry = |number| Entry {
            session_type: SessionTypeId::from_bits(3),
            start: start(number),
            end: start(number + 1),
            buffer_before_minutes: 5,
            buffer_after_minutes: 10,
            hold_expires_at: (number % 2 == 0).then_some(start(number)),
        };
        let key = |number: i32| match number % 3 {
            0 => EntryKey::Group(SessionTypeId::from_bits(3), start(number)),
            1 => EntryKey::Proposal(AppointmentId::from_bits(1), start(number)),
            _ => EntryKey::Appointment(AppointmentId::from_bits(u128::from(number.unsigned_abs()))),
        };
        let entries = (0..).take(entries).map(|number| (key(number), entry(number))).collect();
        let day = Day { version: 6, entries };
        let mut transaction = Transaction::new();
        let days = vec![(start(0).utc_date(), day.clone())];
        let change = OccupancyChange { days, ..OccupancyChange::default() };
        transaction.put_occupancy(ExpertId::from_bits(1), &change);
        let Action::Put(item) = &transaction.writes()[0].action else { panic!("not a row") };
        (Day { version: 7, ..day }, item.clone())
    }

    #[test]
    fn only_a_busy_day_has_the_format_that_earlier_releases_refuse() {
        for (entries, format) in [(0, 1), (1, 1), (MAX_IN_MAP, 1), (MAX_IN_MAP + 1, 2), (1_440, 2)] {
            let (day, item) = written(entries);
            assert_eq!((day.entries.len(), read_day(&item)), (entries, Some(day.clone())));
            assert_eq!(item[SCHEMA], number(format));
            assert_eq!(item[ENTRIES].is_m(), format == 1, "{entries} entries");
        }
    }

    #[test]
    fn a_row_with_an_unknown_entry_is_not_read() {
        let name = AppointmentId::from_bits(1).to_string();
        let day = |name: &str, entry: AttributeValue| {
            Item::from([
                (VERSION.to_owned(), number(1)),
                (ENTRIES.to_owned(), AttributeValue::M([(name.to_owned(), entry)].into())),
            ])
        };
        let good = AttributeValue::L(vec![
            text(SessionTypeId::from_bits(3)),
            number(1_800_000_000),
            number(1_800),
            number(0),
            number(0),
        ]);
        assert!(read_day(&day(&name, good.clone())).is_some());
        assert_eq!(read_day(&day("unknown", good.clone())), None);
        assert_eq!(read_day(&day(&name, AttributeValue::L(vec![number(1)]))), None);
        assert_eq!(read_day(&day(&name, text("busy"))), None);
        let lines = |lines: String| {
            read_day(&Item::from([(VERSION.to_owned(), number(1)), (ENTRIES.to_owned(), text(lines))]))
        };
        let line = format!("{name} {} 1800000000 1800 0 0", SessionTypeId::from_bits(3));
        assert_eq!(lines(line.clone()), read_day(&day(&name, good.clone())));
        assert_eq!(lines(format!("{line}\nunknown")), None);
        assert_eq!(lines(format!("{line} 1800000900 busy")), None);
        assert_eq!(read_day(&Item::new()), None);
        let mut added = day(&name, good.clone());
        added.insert("busy".to_owned(), AttributeValue::Bool(true));
        assert_eq!(read_day(&added), None);
    }
}
