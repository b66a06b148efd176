//! The day ledger: who occupies an expert's days, and the one decision whether a session may be held.
//!
//! A day of UTC holds an entry for each active appointment, or group session, whose occupied time touches it. Storage keeps
//! a version for each day; a [`Change`] says which days were read and what becomes of them, so that it can be written on
//! condition that none of them moved. Two sessions whose occupied times overlap share a day, so one of two racing bookers
//! always finds a moved version.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::experts::availability::AvailabilityRules;
use crate::experts::session_type::{SessionType, SessionTypeStatus, SessionTypeTerms};
use crate::kernel::time::{DAY, HOUR, MINUTE};
use crate::scheduling::appointment::{Appointment, BookedTime};
use crate::scheduling::slots::{self, BusyTimes};
use crate::{AppointmentId, SessionTypeId, TimeSpan, Timestamp, Zone};

/// Longest occupied time of any session, in seconds: a day and two buffers of half a day.
const LONGEST_OCCUPIED: i64 = 2 * DAY;

/// Most holds that one booking takes over. Who finds more expires some first, in a change of their own.
pub const MOST_RECLAIMED: usize = 16;

/// What an entry of a day stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKey {
    /// One appointment.
    Appointment(AppointmentId),
    /// All appointments of a group session, by its session type and start.
    Group(SessionTypeId, Timestamp),
}

/// Occupied time in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What is given.
    pub session_type: SessionTypeId,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Minutes kept free before.
    pub buffer_before_minutes: u16,
    /// Minutes kept free after.
    pub buffer_after_minutes: u16,
    /// From this instant anybody may take the time. A group session's seats have their own.
    pub hold_expires_at: Option<Timestamp>,
}

impl Entry {
    /// From start to end.
    pub fn session(&self) -> TimeSpan {
        TimeSpan::new(self.start, self.end)
    }

    /// The session and its buffers.
    pub fn occupied(&self) -> TimeSpan {
        self.session().widened(
            i64::from(self.buffer_before_minutes) * MINUTE,
            i64::from(self.buffer_after_minutes) * MINUTE,
        )
    }
}

/// One UTC day of an expert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Day {
    /// As it was read; 0 when the day has never been written.
    pub version: u64,
    /// Who occupies it.
    pub entries: BTreeMap<EntryKey, Entry>,
}

/// Seats that one appointment takes of a group session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seats {
    /// How many.
    pub count: u16,
    /// From this instant anybody may take them.
    pub hold_expires_at: Option<Timestamp>,
}

/// A group session's seats. It has its own version, so that after the first booking only it is touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSession {
    /// As it was read; 0 when it has never been written.
    pub version: u64,
    /// The session as the days have it. Its length and buffers are those of its first booking, whatever the session type
    /// says by now.
    pub session: Entry,
    /// Seats in all.
    pub capacity: u16,
    /// Who takes them.
    pub seats: BTreeMap<AppointmentId, Seats>,
}

impl GroupSession {
    /// Seats that nobody holds at `now`: never more than it has, nor than the session type offers by now.
    pub fn left(&self, terms: &SessionTypeTerms, now: Timestamp) -> u16 {
        let taken = self.seats.values().filter(|seats| !is_over(seats.hold_expires_at, now));
        self.capacity.min(terms.capacity).saturating_sub(taken.map(|seats| seats.count).sum())
    }

    fn is_free(&self, now: Timestamp) -> bool {
        self.seats.values().all(|seats| is_over(seats.hold_expires_at, now))
    }
}

fn is_over(hold_expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    hold_expires_at.is_some_and(|end| end <= now)
}

/// An expert's days and group sessions as they were read.
#[derive(Debug, Clone, Default)]
pub struct Occupancy {
    /// Each day that was read, also those never written.
    pub days: BTreeMap<NaiveDate, Day>,
    /// The group sessions that begin on those days.
    pub groups: BTreeMap<(SessionTypeId, Timestamp), GroupSession>,
    /// Time that outside calendars block.
    pub busy: Vec<TimeSpan>,
}

/// What a decision makes of the ledger, to be written as one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// New content of days, under the versions read.
    pub days: Vec<(NaiveDate, Day)>,
    /// Days, and versions read, that decided but stay as they are.
    pub unchanged: Vec<(NaiveDate, u64)>,
    /// New content of group sessions, under the versions read; without seats they end, or are still not there.
    pub groups: Vec<((SessionTypeId, Timestamp), GroupSession)>,
    /// Holds whose time was over and that lost their place. They expire in the same transaction.
    pub reclaimed: BTreeSet<AppointmentId>,
}

impl Change {
    /// The version under which a group session is to be written.
    ///
    /// A session that ended is gone, so one that begins anew must not come to a version that its forerunner had: who read
    /// the seats of that one could write them over those taken since. The day on which it begins moves on with each
    /// beginning, so its version comes first, and the changes of seats are counted behind it.
    pub fn group_version(&self, start: Timestamp, group: &GroupSession) -> u64 {
        if group.version > 0 {
            return group.version + 1;
        }
        let day = self.days.iter().find(|(date, _)| *date == start.utc_day());
        (day.map_or(0, |(_, day)| day.version) + 1) << 20
    }
}

/// What a hold comes to.
#[derive(Debug, PartialEq, Eq)]
pub struct Held {
    /// The session as the days have it. An appointment keeps these times, so that they can be freed again.
    pub session: Entry,
    /// Whether it is a seat of a group session.
    pub group: bool,
    /// What becomes of the ledger.
    pub change: Change,
}

impl Held {
    /// The time that the appointment takes.
    pub fn booked_time(&self) -> BookedTime {
        let Entry { start, end, buffer_before_minutes, buffer_after_minutes, .. } = self.session;
        BookedTime { start, end, buffer_before_minutes, buffer_after_minutes, group: self.group }
    }
}

/// Who wants to hold what.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// For whom the time is taken.
    pub appointment: AppointmentId,
    /// What is booked.
    pub session_type: &'a SessionType,
    /// When it shall begin.
    pub start: Timestamp,
    /// How many seats; 1 unless it is a group session.
    pub seats: u16,
    /// When the hold ends; `None` when nothing is left to pay.
    pub hold_expires_at: Option<Timestamp>,
}

/// Why a session cannot be held, for the person who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The expert withdrew the session type.
    #[error("this session type is no longer offered")]
    Retired,
    /// The start is not one that the expert's hours, notice and booking window offer.
    #[error(transparent)]
    NotOffered(#[from] slots::Refusal),
    /// Somebody else has that time.
    #[error("that time has just been taken; choose another slot")]
    Taken,
    /// Only a buffer is in the way.
    #[error("that time is too close to another appointment of the expert; choose another slot")]
    TooClose,
    /// The expert's own calendar blocks the time.
    #[error("the expert is busy at that time; choose another slot")]
    Busy,
    /// The expert gives no more sessions of this type on that day.
    #[error("the expert gives at most {cap} of these sessions a day, and {date} is full")]
    DayFull {
        /// The expert's local date.
        date: NaiveDate,
        /// The cap.
        cap: u16,
    },
    /// The expert gives no more sessions of this type in that week.
    #[error("the expert gives at most {cap} of these sessions a week, and the week of {date} is full")]
    WeekFull {
        /// The expert's local date.
        date: NaiveDate,
        /// The cap.
        cap: u16,
    },
    /// Fewer seats are left than asked for.
    #[error("{wanted} seats were asked for, and {left} are left")]
    Seats {
        /// Asked for.
        wanted: u16,
        /// Left.
        left: u16,
    },
}

impl Occupancy {
    /// The time whose days must be read to decide about a start.
    ///
    /// Besides the session's own days these are the days of any expired hold that it might take over, and the days and
    /// weeks in which its caps count.
    pub fn needed(rules: &AvailabilityRules, session_type: &SessionType, start: Timestamp) -> TimeSpan {
        let terms = &session_type.terms;
        let mut needed = terms.occupied(start).widened(LONGEST_OCCUPIED, LONGEST_OCCUPIED);
        let date = rules.time_zone.day(start);
        for span in [
            terms.daily_cap.map(|_| slots::local_day_span(rules.time_zone, date)),
            terms.weekly_cap.map(|_| slots::iso_week_span(rules.time_zone, date)),
        ]
        .into_iter()
        .flatten()
        {
            needed = TimeSpan::new(needed.start().min(span.start()), needed.end().max(span.end()));
        }
        needed
    }

    /// This ledger with the days of another, which were read after it and so replace its own.
    #[must_use]
    pub fn joined(mut self, later: Self) -> Self {
        self.days.extend(later.days);
        self.groups.extend(later.groups);
        self.busy.extend(later.busy);
        self
    }

    /// The time whose days must be read to list the starts in a range, for any rules and session type.
    pub fn needed_to_list(range: TimeSpan) -> TimeSpan {
        // Sessions that begin in the range reach half a day before it and a day and a half behind it. Their caps count in
        // whole weeks of zones that are up to 14 hours away from UTC.
        let week = |instant| slots::iso_week_span(Zone::UTC, Zone::UTC.date(instant));
        let first = week(range.start().plus(-14 * HOUR)).start().plus(-14 * HOUR);
        let last = week(range.end().plus(14 * HOUR)).end().plus(14 * HOUR);
        TimeSpan::new(first, last.max(range.end().plus(DAY + DAY / 2)))
    }

    /// Entries that take up time at `now`, each once for each of its days.
    fn active(&self, now: Timestamp) -> impl Iterator<Item = &Entry> {
        self.days
            .values()
            .flat_map(|day| &day.entries)
            .filter(move |(key, entry)| !self.is_reclaimable(key, entry, now))
            .map(|(_, entry)| entry)
    }

    fn is_reclaimable(&self, key: &EntryKey, entry: &Entry, now: Timestamp) -> bool {
        match key {
            EntryKey::Appointment(_) => is_over(entry.hold_expires_at, now),
            // A group session that was not read counts as taken: unknown is never free.
            EntryKey::Group(session_type, start) => {
                self.groups.get(&(*session_type, *start)).is_some_and(|group| group.is_free(now))
            }
        }
    }

    /// Starts of the sessions of a type, for its caps: each session once, a group session too.
    ///
    /// A hold whose time is over counts until somebody takes its place or it is given back: it may still be paid, and
    /// whoever confirms it no longer asks for the caps.
    fn starts(&self, session_type: SessionTypeId) -> impl Iterator<Item = Timestamp> {
        self.days
            .iter()
            .flat_map(|(date, day)| day.entries.values().map(|entry| (*date, entry)))
            .filter(move |(date, entry)| entry.session_type == session_type && entry.start.utc_day() == *date)
            .map(|(_, entry)| entry.start)
    }

    /// What the slot engine must know about the days read.
    pub fn busy_times<'a>(
        &self,
        session_type: &SessionType,
        now: Timestamp,
        scratch: &'a mut Scratch,
    ) -> BusyTimes<'a> {
        scratch.occupied.clear();
        scratch.occupied.extend(self.active(now).map(Entry::occupied));
        scratch.occupied.extend(&self.busy);
        scratch.starts.clear();
        scratch.starts.extend(self.starts(session_type.id));
        scratch.groups.clear();
        scratch.groups.extend(
            self.groups
                .iter()
                .filter(|((id, start), group)| {
                    *id == session_type.id
                        && !group.is_free(now)
                        && group.session.session() == session_type.terms.session(*start)
                })
                .map(|((_, start), group)| (*start, group.left(&session_type.terms, now))),
        );
        BusyTimes { occupied: &scratch.occupied, session_starts: &scratch.starts, groups: &scratch.groups }
    }

    /// Decides whether a session may be held, and what the days become.
    ///
    /// # Errors
    /// The first reason against it, in the order in which a person would want to hear it.
    pub fn hold(
        self,
        rules: &AvailabilityRules,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<Held, Refusal> {
        let mut draft = Draft::of(self);
        let (session, group) = draft.hold(rules, request, now)?;
        Ok(Held { session, group, change: draft.change() })
    }

    /// Frees an appointment's time and holds another in one change, so that nobody can come between.
    ///
    /// # Errors
    /// As [`Self::hold`]; then the old time stays taken.
    pub fn move_hold(
        self,
        rules: &AvailabilityRules,
        old: &Appointment,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<Held, Refusal> {
        let mut draft = Draft::of(self);
        draft.release(old);
        draft.forget(old);
        let (session, group) = draft.hold(rules, request, now)?;
        Ok(Held { session, group, change: draft.change() })
    }

    /// Frees an appointment's time.
    pub fn release(self, appointment: &Appointment) -> Change {
        let mut draft = Draft::of(self);
        draft.release(appointment);
        draft.change()
    }

    /// Makes an appointment's hold last.
    pub fn confirm(self, appointment: &Appointment) -> Change {
        let mut draft = Draft::of(self);
        draft.confirm(appointment);
        draft.change()
    }
}

/// Memory that [`Occupancy::busy_times`] fills.
#[derive(Debug, Default)]
pub struct Scratch {
    occupied: Vec<TimeSpan>,
    starts: Vec<Timestamp>,
    groups: Vec<(Timestamp, u16)>,
}

fn entry_key(appointment: &Appointment) -> EntryKey {
    if appointment.group {
        EntryKey::Group(appointment.session_type, appointment.start)
    } else {
        EntryKey::Appointment(appointment.id)
    }
}

/// A ledger under change, with notes of what was touched.
struct Draft {
    ledger: Occupancy,
    changed: BTreeSet<NaiveDate>,
    decided: BTreeSet<NaiveDate>,
    groups: BTreeSet<(SessionTypeId, Timestamp)>,
    reclaimed: BTreeSet<AppointmentId>,
}

impl Draft {
    fn of(ledger: Occupancy) -> Self {
        Self {
            ledger,
            changed: BTreeSet::new(),
            decided: BTreeSet::new(),
            groups: BTreeSet::new(),
            reclaimed: BTreeSet::new(),
        }
    }

    fn change(self) -> Change {
        let Self { ledger, changed, decided, groups, reclaimed } = self;
        let version = |date: &NaiveDate| ledger.days.get(date).map_or(0, |day| day.version);
        Change {
            unchanged: decided.difference(&changed).map(|date| (*date, version(date))).collect(),
            days: changed.iter().filter_map(|date| Some((*date, ledger.days.get(date)?.clone()))).collect(),
            groups: groups.iter().filter_map(|key| Some((*key, ledger.groups.get(key)?.clone()))).collect(),
            reclaimed,
        }
    }

    fn insert(&mut self, key: EntryKey, entry: Entry) {
        for date in entry.occupied().utc_days() {
            self.ledger.days.entry(date).or_default().entries.insert(key, entry);
            self.changed.insert(date);
        }
    }

    fn remove(&mut self, key: EntryKey, occupied: TimeSpan) {
        for date in occupied.utc_days() {
            // Days are read together and not as one: of those of an entry that was just written some may have been read
            // without it. Then they moved since, which the check of those that decided finds.
            self.decided.insert(date);
            if let Some(day) = self.ledger.days.get_mut(&date)
                && day.entries.remove(&key).is_some()
            {
                self.changed.insert(date);
            }
        }
    }

    fn release(&mut self, appointment: &Appointment) {
        if appointment.group {
            let group = self.group_of(appointment);
            group.seats.remove(&appointment.id);
            if !group.seats.is_empty() {
                return;
            }
        }
        self.remove(entry_key(appointment), appointment.occupied());
    }

    /// Removes an appointment from wherever else the days have it. They may have been read before it was moved there, or after it
    /// was moved away, and it must not be in its own way; the versions then tell that something moved.
    fn forget(&mut self, appointment: &Appointment) {
        let mut keys = vec![EntryKey::Appointment(appointment.id)];
        for ((session_type, start), group) in &mut self.ledger.groups {
            if group.seats.remove(&appointment.id).is_some() {
                self.groups.insert((*session_type, *start));
                if group.seats.is_empty() {
                    keys.push(EntryKey::Group(*session_type, *start));
                }
            }
        }
        for (date, day) in &mut self.ledger.days {
            let before = day.entries.len();
            day.entries.retain(|key, _| !keys.contains(key));
            if day.entries.len() < before {
                self.changed.insert(*date);
            }
        }
    }

    /// The group session of an appointment, which is written or checked with this change. One that was not read was not yet
    /// written when it was read, as [`Self::remove`] says of days.
    fn group_of(&mut self, appointment: &Appointment) -> &mut GroupSession {
        let key = (appointment.session_type, appointment.start);
        self.groups.insert(key);
        self.ledger.groups.entry(key).or_insert_with(|| GroupSession {
            version: 0,
            session: Entry {
                session_type: appointment.session_type,
                start: appointment.start,
                end: appointment.end,
                buffer_before_minutes: appointment.buffer_before_minutes,
                buffer_after_minutes: appointment.buffer_after_minutes,
                hold_expires_at: None,
            },
            capacity: appointment.seats,
            seats: BTreeMap::new(),
        })
    }

    fn confirm(&mut self, appointment: &Appointment) {
        if appointment.group {
            if let Some(seats) = self.group_of(appointment).seats.get_mut(&appointment.id) {
                seats.hold_expires_at = None;
            }
            return;
        }
        let key = entry_key(appointment);
        for date in appointment.occupied().utc_days() {
            self.decided.insert(date);
            if let Some(entry) = self.ledger.days.get_mut(&date).and_then(|day| day.entries.get_mut(&key)) {
                entry.hold_expires_at = None;
                self.changed.insert(date);
            }
        }
    }

    /// The session that is held, and whether it is a group's.
    fn hold(
        &mut self,
        rules: &AvailabilityRules,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<(Entry, bool), Refusal> {
        let SessionType { id, status, terms, .. } = request.session_type;
        if *status == SessionTypeStatus::Retired {
            return Err(Refusal::Retired);
        }
        let seats = Seats { count: request.seats, hold_expires_at: request.hold_expires_at };
        let group_key = (*id, request.start);
        if let Some(group) = self.ledger.groups.get(&group_key).filter(|group| !group.is_free(now)) {
            // A session that others booked already is joined even when the expert has changed the hours since.
            slots::check_ahead(rules, terms, request.start, now)?;
            let session = group.session;
            if session.session() != terms.session(request.start) {
                // The expert has changed the length since: that is another session than the one that is offered now.
                return Err(Refusal::Taken);
            }
            let left = group.left(terms, now);
            if request.seats == 0 || request.seats > left {
                return Err(Refusal::Seats { wanted: request.seats, left });
            }
            self.reclaim_seats(group_key, now);
            if let Some(group) = self.ledger.groups.get_mut(&group_key) {
                group.seats.insert(request.appointment, seats);
            }
            self.groups.insert(group_key);
            return Ok((session, true));
        }
        slots::check_start(rules, terms, request.start, now)?;
        if request.seats == 0 || request.seats > terms.capacity {
            return Err(Refusal::Seats { wanted: request.seats, left: terms.capacity });
        }
        self.clear(terms.occupied(request.start), terms.session(request.start), now)?;
        self.check_caps(rules, request)?;

        let group = terms.capacity > 1;
        let entry = Entry {
            session_type: *id,
            start: request.start,
            end: terms.session(request.start).end(),
            buffer_before_minutes: terms.buffer_before_minutes,
            buffer_after_minutes: terms.buffer_after_minutes,
            hold_expires_at: request.hold_expires_at.filter(|_| !group),
        };
        if group {
            let version = self.ledger.groups.get(&group_key).map_or(0, |group| group.version);
            let session = GroupSession {
                version,
                session: entry,
                capacity: terms.capacity,
                seats: [(request.appointment, seats)].into(),
            };
            self.ledger.groups.insert(group_key, session);
            self.groups.insert(group_key);
        }
        let key = if group {
            EntryKey::Group(*id, request.start)
        } else {
            EntryKey::Appointment(request.appointment)
        };
        self.insert(key, entry);
        Ok((entry, group))
    }

    /// Takes over every expired hold in the way, or says what else is in the way.
    fn clear(&mut self, occupied: TimeSpan, session: TimeSpan, now: Timestamp) -> Result<(), Refusal> {
        if self.ledger.busy.iter().any(|busy| busy.overlaps(occupied)) {
            return Err(Refusal::Busy);
        }
        let in_the_way: BTreeMap<EntryKey, Entry> = occupied
            .utc_days()
            .filter_map(|date| self.ledger.days.get(&date))
            .flat_map(|day| &day.entries)
            .filter(|(_, entry)| entry.occupied().overlaps(occupied))
            .map(|(key, entry)| (*key, *entry))
            .collect();
        let mut standing =
            in_the_way.iter().filter(|(key, entry)| !self.ledger.is_reclaimable(key, entry, now));
        if let Some((_, first)) = standing.next() {
            let taken = first.session().overlaps(session)
                || standing.any(|(_, entry)| entry.session().overlaps(session));
            return Err(if taken { Refusal::Taken } else { Refusal::TooClose });
        }
        for (key, entry) in in_the_way {
            match key {
                EntryKey::Appointment(id) => {
                    self.reclaimed.insert(id);
                }
                EntryKey::Group(session_type, start) => self.reclaim_seats((session_type, start), now),
            }
            self.remove(key, entry.occupied());
        }
        Ok(())
    }

    fn reclaim_seats(&mut self, key: (SessionTypeId, Timestamp), now: Timestamp) {
        if let Some(group) = self.ledger.groups.get_mut(&key) {
            let over = group.seats.extract_if(.., |_, seats| is_over(seats.hold_expires_at, now));
            self.reclaimed.extend(over.map(|(id, _)| id));
            self.groups.insert(key);
        }
    }

    fn check_caps(&mut self, rules: &AvailabilityRules, request: &Request<'_>) -> Result<(), Refusal> {
        let terms = &request.session_type.terms;
        let date = rules.time_zone.day(request.start);
        if let Some(cap) = terms.daily_cap {
            let span = slots::local_day_span(rules.time_zone, date);
            if self.count(request, span) >= cap {
                return Err(Refusal::DayFull { date, cap });
            }
        }
        if let Some(cap) = terms.weekly_cap {
            let span = slots::iso_week_span(rules.time_zone, date);
            if self.count(request, span) >= cap {
                return Err(Refusal::WeekFull { date, cap });
            }
        }
        Ok(())
    }

    /// Sessions of the wanted type that begin in the span. Its days decided, so they must not move.
    fn count(&mut self, request: &Request<'_>, span: TimeSpan) -> u16 {
        self.decided.extend(span.utc_days());
        let starts = self.ledger.starts(request.session_type.id).filter(|start| span.contains(*start));
        u16::try_from(starts.count()).unwrap_or(u16::MAX)
    }
}

#[cfg(test)]
pub(crate) mod tests;
