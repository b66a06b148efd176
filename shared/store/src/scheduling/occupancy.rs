//! Rows of an expert's occupancy: one per UTC day, and one per group session.

use std::collections::BTreeMap;

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
use crate::row::{SCHEMA, check_schema, read_row};
use crate::table::{Condition, Consistency, Item, Query};
use crate::transaction::{key_of, number, text};
use crate::{ReadError, Store, Transaction};

/// How long a row is kept after its UTC day, in seconds; TTL then deletes it. A weekly cap counts at most one week.
const RETENTION: i64 = 35 * DAY;

/// The version of the format in which the rows are written; see [`crate::row`].
const FORMAT: u16 = 1;
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
            let item = Item::from([
                (SCHEMA.to_owned(), number(FORMAT)),
                (VERSION.to_owned(), number(day.version + 1)),
                (EXPIRES_AT.to_owned(), number(midnight.plus(DAY + RETENTION).seconds())),
                (ENTRIES.to_owned(), AttributeValue::M(day.entries.iter().map(write_entry).collect())),
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
                (SCHEMA.to_owned(), number(FORMAT)),
                (VERSION.to_owned(), number(change.group_version(*start, group))),
                // A session lasts a day at most, and its last UTC day ends a day after it.
                (EXPIRES_AT.to_owned(), number(start.plus(2 * DAY + RETENTION).seconds())),
                (SESSION.to_owned(), AttributeValue::L(entry_fields(&group.entry))),
                (CAPACITY.to_owned(), number(group.capacity)),
                (SEATS.to_owned(), AttributeValue::M(seats)),
            ]);
            self.put(key, condition, item);
        }
    }
}

// An entry is a list and not a map, because attribute names would double the size of a row, and the size determines the cost of
// listing slots.
fn entry_fields(entry: &Entry) -> Vec<AttributeValue> {
    let mut fields = vec![
        text(entry.session_type),
        number(entry.start.seconds()),
        number(entry.session_span().seconds()),
        number(entry.buffer_before_minutes),
        number(entry.buffer_after_minutes),
    ];
    fields.extend(entry.hold_expires_at.map(|end| number(end.seconds())));
    fields
}

fn write_entry((key, entry): (&EntryKey, &Entry)) -> (String, AttributeValue) {
    let name = match key {
        EntryKey::Appointment(id) => id.to_string(),
        EntryKey::Group(session_type, start) => format!("{session_type}@{}", start.seconds()),
        // A release that does not know proposals does not read the row.
        EntryKey::Proposal(id, start) => format!("{id}{PROPOSED}{}", start.seconds()),
    };
    (name, AttributeValue::L(entry_fields(entry)))
}

fn read_entry(name: &str, value: &AttributeValue) -> Option<(EntryKey, Entry)> {
    let start = |seconds: &str| Some(Timestamp::from_seconds(seconds.parse().ok()?));
    let key = match (name.split_once('@'), name.split_once(PROPOSED)) {
        (Some((session_type, at)), _) => EntryKey::Group(session_type.parse().ok()?, start(at)?),
        (None, Some((id, at))) => EntryKey::Proposal(id.parse().ok()?, start(at)?),
        (None, None) => EntryKey::Appointment(name.parse().ok()?),
    };
    Some((key, read_fields(value)?))
}

fn read_fields(value: &AttributeValue) -> Option<Entry> {
    let [session_type, start, length, before, after, hold @ ..] = value.as_l().ok()?.as_slice() else {
        return None;
    };
    let start = Timestamp::from_seconds(parse(start)?);
    let hold_expires_at = match hold {
        [] => None,
        [end] => Some(Timestamp::from_seconds(parse(end)?)),
        _ => return None,
    };
    Some(Entry {
        session_type: session_type.as_s().ok()?.parse().ok()?,
        start,
        end: start.plus(parse(length)?),
        buffer_before_minutes: parse(before)?,
        buffer_after_minutes: parse(after)?,
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
    let entries = item.get(ENTRIES)?.as_m().ok()?;
    let entries: Option<BTreeMap<_, _>> =
        entries.iter().map(|(name, value)| read_entry(name, value)).collect();
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
    /// The expert's accounts at payment gateways.
    pub accounts: Vec<PaymentAccount>,
}

impl Store {
    /// An expert with their availability rules and payment accounts, and a session type, in one request; `None` if there is no
    /// profile, no rules or no such session type.
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
                _ => accounts.push(read_row::<PaymentAccountRow, _>(item)?),
            }
        }
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
                assert_eq!(read_entry(&name, &value), Some((key, entry)));
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
        assert_eq!(read_day(&Item::new()), None);
        let mut added = day(&name, good.clone());
        added.insert("busy".to_owned(), AttributeValue::Bool(true));
        assert_eq!(read_day(&added), None);
    }
}
