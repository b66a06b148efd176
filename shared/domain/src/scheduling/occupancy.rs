//! Occupancy: which sessions occupy an expert's days, and the decision whether a session can be held.
//!
//! A [`Day`] is a UTC day. It has an entry for each active appointment or group session whose occupied time touches
//! it, and the storage layer keeps a version for it. An [`OccupancyChange`] lists the days that were read and their
//! new content. It is written on the condition that none of these days has changed since. Two sessions that overlap
//! have a day in common, so one of two concurrent bookings always gets a version conflict.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::experts::availability::AvailabilityRules;
use crate::experts::duration::{SelectedSession, SessionTerms};
use crate::experts::session_type::SessionTypeStatus;
use crate::kernel::time::{DAY, HOUR, MINUTE};
use crate::scheduling::appointment::{Appointment, BookedTime};
use crate::scheduling::slots::{self, BookablePeriod, BusyTimes};
use crate::{AppointmentId, SessionTypeId, TimeSpan, Timestamp, Zone};

/// The maximum occupied time of a session, in seconds: one day plus two buffers of half a day.
const MAX_OCCUPIED: i64 = 2 * DAY;

/// The maximum number of expired holds that one booking reclaims. If there are more, the caller first expires some of
/// them in a transaction of their own. A transaction has at most 100 writes: up to six for each of these holds, one for
/// each day of a month that a booking window of days with free time depends on, and one for each day of a week. A proposal depends
/// on the weeks of up to five starts instead.
pub const MAX_RECLAIMED: usize = 6;

/// The maximum number of alternatives to a start that cannot be booked.
pub const MAX_ALTERNATIVES: usize = 5;

/// What an entry of a day belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKey {
    /// A single appointment.
    Appointment(AppointmentId),
    /// All appointments of a group session, identified by session type and start.
    Group(SessionTypeId, Timestamp),
    /// A start that is proposed for a single appointment. Its hold always expires.
    Proposal(AppointmentId, Timestamp),
}

impl EntryKey {
    /// Whether only this appointment has the entry, as its session or as a proposed one. Such entries never conflict, because the
    /// session takes place once.
    fn is_only_of(self, appointment: AppointmentId) -> bool {
        match self {
            Self::Appointment(id) | Self::Proposal(id, _) => id == appointment,
            Self::Group(..) => false,
        }
    }
}

/// A session that occupies time on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The session type.
    pub session_type: SessionTypeId,
    /// The start of the session.
    pub start: Timestamp,
    /// The end of the session.
    pub end: Timestamp,
    /// Minutes that stay free before the start.
    pub buffer_before_minutes: u16,
    /// Minutes that stay free after the end.
    pub buffer_after_minutes: u16,
    /// The instant from which another booking may take the time; `None` if the session is confirmed. Always `None`
    /// for a group session, whose seats expire separately.
    pub hold_expires_at: Option<Timestamp>,
}

impl Entry {
    /// Returns the session without buffers.
    pub fn session_span(&self) -> TimeSpan {
        TimeSpan::new(self.start, self.end)
    }

    /// Returns the session with its buffers.
    pub fn occupied_span(&self) -> TimeSpan {
        self.session_span().expanded(
            i64::from(self.buffer_before_minutes) * MINUTE,
            i64::from(self.buffer_after_minutes) * MINUTE,
        )
    }

    fn booked_time(&self, group: bool) -> BookedTime {
        let &Self { start, end, buffer_before_minutes, buffer_after_minutes, .. } = self;
        BookedTime { start, end, buffer_before_minutes, buffer_after_minutes, group }
    }
}

/// One UTC day of an expert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Day {
    /// The version that was read; 0 if the day has never been written.
    pub version: u64,
    /// The sessions that occupy the day.
    pub entries: BTreeMap<EntryKey, Entry>,
}

/// The seats that one appointment has in a group session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seats {
    /// The number of seats.
    pub count: u16,
    /// The instant from which another booking may take the seats; `None` if they are confirmed.
    pub hold_expires_at: Option<Timestamp>,
    /// Whether the seats are held for a proposal of the appointment, which has its own time elsewhere.
    pub proposed: bool,
}

/// The seats of a group session.
///
/// They have their own version, so bookings after the first do not change the days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSession {
    /// The version that was read; 0 if the group session has never been written.
    pub version: u64,
    /// The entry of the session in its days. Length and buffers are those of the first booking, even if the session
    /// type has changed since.
    pub entry: Entry,
    /// The number of seats for sale.
    pub capacity: u16,
    /// The seats of each appointment.
    pub seats: BTreeMap<AppointmentId, Seats>,
}

impl GroupSession {
    /// Returns the number of free seats at `now`: at most the capacity of this session, and at most the current
    /// capacity of the session type. Expired seats are free.
    pub fn left(&self, terms: &SessionTerms, now: Timestamp) -> u16 {
        let taken = self.seats.values().filter(|seats| !is_expired(seats.hold_expires_at, now));
        self.capacity.min(terms.capacity).saturating_sub(taken.map(|seats| seats.count).sum())
    }

    fn is_vacant(&self, now: Timestamp) -> bool {
        self.seats.values().all(|seats| is_expired(seats.hold_expires_at, now))
    }

    /// Whether all seats were held for proposals that have expired, so that the session will not take place.
    fn is_over(&self, now: Timestamp) -> bool {
        self.seats.values().all(|seats| seats.proposed && is_expired(seats.hold_expires_at, now))
    }
}

fn is_expired(hold_expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    hold_expires_at.is_some_and(|end| end <= now)
}

/// The days and group sessions of an expert, as they were read.
#[derive(Debug, Clone, Default)]
pub struct Occupancy {
    /// The days that were read, including those that have never been written.
    pub days: BTreeMap<NaiveDate, Day>,
    /// The group sessions that begin on those days.
    pub groups: BTreeMap<(SessionTypeId, Timestamp), GroupSession>,
    /// Time that external calendars block. No calendar can be connected yet, so only tests set it.
    pub busy: Vec<TimeSpan>,
}

/// The changes that a decision requires. They must be written in one transaction.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OccupancyChange {
    /// The new content of days. The version is the one that was read.
    pub days: Vec<(NaiveDate, Day)>,
    /// The days, and the versions read, that the decision depends on but does not change.
    pub unchanged: Vec<(NaiveDate, u64)>,
    /// The new content of group sessions. The version is the one that was read. A group session without seats is
    /// deleted, or not created.
    pub groups: Vec<((SessionTypeId, Timestamp), GroupSession)>,
    /// Appointments whose expired holds lose their time to this booking. They must be expired in the same
    /// transaction.
    pub reclaimed: BTreeSet<AppointmentId>,
}

impl OccupancyChange {
    /// Returns the version with which a group session is written.
    ///
    /// The row of a group session is deleted when the session loses its last seat. If the session is created again,
    /// it must not reach a version that the deleted row had. Otherwise a writer that read the seats of the deleted
    /// row could overwrite newer ones. The first version of a group session is therefore derived from the version of
    /// the day on which it begins, which grows with each creation. Changes of seats are counted in the lower 20 bits.
    pub fn group_version(&self, start: Timestamp, group: &GroupSession) -> u64 {
        if group.version > 0 {
            return group.version + 1;
        }
        let day = self.days.iter().find(|(date, _)| *date == start.utc_date());
        (day.map_or(0, |(_, day)| day.version) + 1) << 20
    }
}

/// The result of a successful hold.
#[derive(Debug, PartialEq, Eq)]
pub struct Held {
    /// The entry of the session in the days. The appointment stores these times, so that they can be released later.
    pub entry: Entry,
    /// Whether the appointment is part of a group session.
    pub group: bool,
    /// The changes to write.
    pub change: OccupancyChange,
}

impl Held {
    /// Returns the time that the appointment stores.
    pub fn booked_time(&self) -> BookedTime {
        self.entry.booked_time(self.group)
    }
}

/// A request to hold a session.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// The appointment that takes the time.
    pub appointment: AppointmentId,
    /// The session to book.
    pub session: SelectedSession,
    /// The start of the session.
    pub start: Timestamp,
    /// The number of seats; 1 unless it is a group session.
    pub seats: u16,
    /// The end of the hold; `None` for a confirmed session.
    pub hold_expires_at: Option<Timestamp>,
}

/// Why a session cannot be held. The messages are for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The expert has retired the session type, or its status is unknown.
    #[error("this session type is no longer offered; choose another one")]
    Retired,
    /// The expert's hours, the minimum notice or the booking window do not offer this start.
    #[error(transparent)]
    NotOffered(#[from] slots::Refusal),
    /// Another appointment occupies the time.
    #[error("that time has just been taken; choose another slot")]
    Taken,
    /// Only a buffer, of this or another session, overlaps.
    #[error("that time is too close to another appointment of the expert; choose another slot")]
    TooClose,
    /// A calendar of the expert blocks the time.
    #[error("the expert is busy at that time; choose another slot")]
    Busy,
    /// The daily cap of the session type is reached.
    #[error(
        "the expert gives at most {cap} of these sessions a day, and {date} is full; choose another date"
    )]
    DayFull {
        /// The date in the expert's time zone.
        date: NaiveDate,
        /// The daily cap.
        cap: u16,
    },
    /// Another session would exceed the daily cap on minutes of the session type.
    #[error(
        "the expert gives at most {cap} minutes of these sessions a day, and {date} has too few left; choose another date"
    )]
    DayMinutesFull {
        /// The date in the expert's time zone.
        date: NaiveDate,
        /// The daily cap in minutes.
        cap: u16,
    },
    /// The weekly cap of the session type is reached.
    #[error(
        "the expert gives at most {cap} of these sessions a week, and the week of {date} is full; choose another week"
    )]
    WeekFull {
        /// A date of the week, in the expert's time zone.
        date: NaiveDate,
        /// The weekly cap.
        cap: u16,
    },
    /// The group session has fewer free seats than requested.
    #[error("{wanted} seats were requested, but {left} are free; choose fewer seats or another slot")]
    Seats {
        /// The number of requested seats.
        wanted: u16,
        /// The number of free seats.
        left: u16,
    },
}

impl Occupancy {
    /// Returns the appointments whose sessions have not ended at `now`. A hold counts until it is released, because it can be
    /// paid late.
    pub fn active_appointments(&self, now: Timestamp) -> BTreeSet<AppointmentId> {
        let entries = self.days.values().flat_map(|day| &day.entries);
        let single = entries.filter_map(|(key, entry)| match key {
            EntryKey::Appointment(id) if now < entry.end => Some(*id),
            EntryKey::Appointment(_) | EntryKey::Group(..) | EntryKey::Proposal(..) => None,
        });
        let groups = self.groups.values().filter(|group| now < group.entry.end);
        let seats = groups.flat_map(|group| &group.seats).filter(|(_, seats)| !seats.proposed);
        single.chain(seats.map(|(id, _)| *id)).collect()
    }

    /// Returns the span whose days must be read to decide about a session at `start`.
    ///
    /// It contains the days of the session, the days of each expired hold that the session might reclaim, the days or
    /// the week that a cap counts, and the days that a booking window of days with free time depends on.
    pub fn span_for_booking(
        rules: &AvailabilityRules,
        session: &SelectedSession,
        start: Timestamp,
        now: Timestamp,
    ) -> TimeSpan {
        let terms = &session.terms;
        let mut needed = terms.occupied(start).expanded(MAX_OCCUPIED, MAX_OCCUPIED);
        let date = rules.time_zone.scheduling_date(start);
        for span in [
            terms.daily_cap.or(terms.daily_minutes_cap).map(|_| rules.time_zone.local_day_span(date)),
            terms.weekly_cap.map(|_| rules.time_zone.iso_week_span(date)),
        ]
        .into_iter()
        .flatten()
        {
            needed = smallest_containing(needed, span);
        }
        match slots::look_ahead(rules, terms, now) {
            // A start after the days that are searched is refused, whatever is occupied around it.
            Some(ahead) if start >= ahead.end() => ahead,
            Some(ahead) if start >= now => smallest_containing(needed, ahead),
            Some(_) | None => needed,
        }
    }

    /// Returns the range in which to look for alternatives to a refused start: the two weeks after it, or the first two
    /// weeks that can be booked if the start lies outside the booking window or the notice.
    pub fn range_of_alternatives(
        rules: &AvailabilityRules,
        request: &Request,
        refusal: &Refusal,
        now: Timestamp,
    ) -> TimeSpan {
        let period = BookablePeriod::new(rules, &request.session.terms, &BusyTimes::default(), now);
        let from = match refusal {
            Refusal::NotOffered(slots::Refusal::AfterWindow { .. }) => period.from(),
            _ => request.start.max(period.from()),
        };
        TimeSpan::new(from, from.plus(14 * DAY))
    }

    /// Returns the span whose days must be read to find the alternatives in a range.
    pub fn span_for_alternatives(
        rules: &AvailabilityRules,
        session: &SelectedSession,
        range: TimeSpan,
        now: Timestamp,
    ) -> TimeSpan {
        let needed = Self::span_for_listing(range);
        match slots::look_ahead(rules, &session.terms, now) {
            Some(ahead) if range.start() < ahead.end() => smallest_containing(needed, ahead),
            Some(ahead) => ahead,
            None => needed,
        }
    }

    /// Merges two reads. Days and groups in `later` replace those in `self`.
    #[must_use]
    pub fn union(mut self, later: Self) -> Self {
        self.days.extend(later.days);
        self.groups.extend(later.groups);
        self.busy.extend(later.busy);
        self
    }

    /// Returns the span whose days must be read to list the slots in a range, for any availability rules and session
    /// type.
    pub fn span_for_listing(range: TimeSpan) -> TimeSpan {
        // A session that begins in the range occupies time from half a day before its start to a day and a half after
        // it. Caps count whole weeks in zones that differ from UTC by up to 14 hours.
        let week = |instant| Zone::UTC.iso_week_span(Zone::UTC.wall_clock_date(instant));
        let first = week(range.start().plus(-14 * HOUR)).start().plus(-14 * HOUR);
        let last = week(range.end().plus(14 * HOUR)).end().plus(14 * HOUR);
        TimeSpan::new(first, last.max(range.end().plus(DAY + DAY / 2)))
    }

    /// Returns the entries that nobody may take over at `now`. An entry is returned once for each of its days.
    fn active(&self, now: Timestamp) -> impl Iterator<Item = &Entry> {
        self.days
            .values()
            .flat_map(|day| &day.entries)
            .filter(move |(key, entry)| !self.is_reclaimable(key, entry, now))
            .map(|(_, entry)| entry)
    }

    fn is_reclaimable(&self, key: &EntryKey, entry: &Entry, now: Timestamp) -> bool {
        match key {
            EntryKey::Appointment(_) | EntryKey::Proposal(..) => is_expired(entry.hold_expires_at, now),
            // A group session that was not read counts as taken: unknown occupancy is never treated as free.
            EntryKey::Group(session_type, start) => {
                self.groups.get(&(*session_type, *start)).is_some_and(|group| group.is_vacant(now))
            }
        }
    }

    /// Returns all sessions of a type, for its caps. A session that touches several days is returned once.
    ///
    /// An expired hold counts until it is reclaimed or released, because it can still be paid, and a confirmation
    /// does not check the caps again. Each start of a proposal counts until it expires, because it can be accepted.
    fn sessions(
        &self,
        session_type: SessionTypeId,
        now: Timestamp,
    ) -> impl Iterator<Item = (EntryKey, TimeSpan)> {
        self.days
            .iter()
            .flat_map(|(date, day)| day.entries.iter().map(|(key, entry)| (*date, key, entry)))
            .filter(move |(date, key, entry)| {
                entry.session_type == session_type
                    && entry.start.utc_date() == *date
                    && !self.is_over(key, entry, now)
            })
            .map(|(_, key, entry)| (*key, entry.session_span()))
    }

    /// Whether an entry can no longer become a session.
    fn is_over(&self, key: &EntryKey, entry: &Entry, now: Timestamp) -> bool {
        match key {
            EntryKey::Appointment(_) => false,
            EntryKey::Proposal(..) => is_expired(entry.hold_expires_at, now),
            EntryKey::Group(session_type, start) => {
                self.groups.get(&(*session_type, *start)).is_some_and(|group| group.is_over(now))
            }
        }
    }

    /// Converts the occupancy to the input of the slot engine.
    pub fn busy_times<'a>(
        &self,
        session: &SelectedSession,
        now: Timestamp,
        scratch: &'a mut Scratch,
    ) -> BusyTimes<'a> {
        scratch.occupied.clear();
        scratch.occupied.extend(self.active(now).map(Entry::occupied_span));
        scratch.occupied.extend(&self.busy);
        scratch.sessions.clear();
        scratch.sessions.extend(self.sessions(session.id, now).map(|(_, session)| session));
        scratch.groups.clear();
        scratch.groups.extend(
            self.groups
                .iter()
                .filter(|((id, start), group)| {
                    *id == session.id
                        && !group.is_vacant(now)
                        && group.entry.session_span() == session.terms.session(*start)
                })
                .map(|((_, start), group)| (*start, group.left(&session.terms, now))),
        );
        BusyTimes { occupied: &scratch.occupied, sessions: &scratch.sessions, groups: &scratch.groups }
    }

    /// Decides whether a session can be held, and returns the resulting changes.
    ///
    /// # Errors
    /// The first reason against the hold, in the order in which the reasons help the client most.
    pub fn hold(self, rules: &AvailabilityRules, request: &Request, now: Timestamp) -> Result<Held, Refusal> {
        let mut draft = Draft::of(self);
        draft.check_period(rules, request, now)?;
        let (session, group) = draft.hold(rules, request, false, now)?;
        Ok(Held { entry: session, group, change: draft.change() })
    }

    /// Releases the time of an appointment and holds another in one change. Its time still counts as occupied for the booking
    /// window: a window of days with free time is the one that [`slots`](slots::slots) shows.
    ///
    /// # Errors
    /// See [`Self::hold`]. In this case, the appointment keeps its time.
    pub fn move_hold(
        self,
        rules: &AvailabilityRules,
        old: &Appointment,
        request: &Request,
        now: Timestamp,
    ) -> Result<Held, Refusal> {
        let mut draft = Draft::of(self);
        draft.check_period(rules, request, now)?;
        draft.release(old);
        draft.forget(old);
        let (session, group) = draft.hold(rules, request, false, now)?;
        Ok(Held { entry: session, group, change: draft.change() })
    }

    /// Holds times that are proposed for an appointment, each as if it were the only one. The appointment keeps its time, and
    /// loses the holds of an earlier proposal. All requests must have an end of the hold.
    ///
    /// The days of [`Appointment::held_spans`] must have been read too.
    ///
    /// # Errors
    /// The first request that cannot be held, by its place, and why; see [`Self::hold`].
    pub fn hold_proposal(
        self,
        rules: &AvailabilityRules,
        appointment: &Appointment,
        requests: &[Request],
        now: Timestamp,
    ) -> Result<(Vec<BookedTime>, OccupancyChange), (usize, Refusal)> {
        let mut draft = Draft::of(self);
        draft.release_proposal(appointment);
        let mut times = Vec::with_capacity(requests.len());
        for (place, request) in requests.iter().enumerate() {
            let refused = |refusal| (place, refusal);
            draft.check_period(rules, request, now).map_err(refused)?;
            let (entry, group) = draft.hold(rules, request, true, now).map_err(refused)?;
            times.push(entry.booked_time(group));
        }
        Ok((times, draft.change()))
    }

    /// Moves an appointment to one of its proposed times, and releases its own time and the other ones; `None` if the time is no
    /// longer held for it.
    ///
    /// The days of [`Appointment::held_spans`] must have been read.
    pub fn accept_proposal(self, appointment: &Appointment, to: BookedTime) -> Option<OccupancyChange> {
        let mut draft = Draft::of(self);
        let moved = appointment.at(to);
        let (key, seats_key) = (entry_key(&moved), (moved.session_type, to.start));
        let held = match to.group {
            true => {
                let group = draft.occupancy.groups.get(&seats_key)?;
                group.seats.get(&appointment.id).filter(|seats| seats.proposed)?;
                group.entry
            }
            false => {
                let proposal = EntryKey::Proposal(appointment.id, to.start);
                let day = draft.occupancy.days.get(&to.start.utc_date())?;
                Entry { hold_expires_at: None, ..*day.entries.get(&proposal)? }
            }
        };
        draft.release(appointment);
        if to.group {
            let seats = Seats { count: appointment.seats, hold_expires_at: None, proposed: false };
            let group = draft.group_of(&moved);
            group.entry = held;
            group.seats.insert(appointment.id, seats);
        }
        draft.insert(key, held);
        Some(draft.change())
    }

    /// Releases the times that are held for the proposal of an appointment.
    ///
    /// The days of [`Appointment::held_spans`] must have been read.
    pub fn release_proposal(self, appointment: &Appointment) -> OccupancyChange {
        let mut draft = Draft::of(self);
        draft.release_proposal(appointment);
        draft.change()
    }

    /// Returns the first starts in `range` that the same request could hold instead, at most [`MAX_ALTERNATIVES`]. Their sessions
    /// overlap no span of `elsewhere`.
    ///
    /// `old` is the appointment that the request moves, if any. The days of [`Self::span_for_alternatives`] must have been
    /// read.
    pub fn alternatives(
        self,
        rules: &AvailabilityRules,
        old: Option<&Appointment>,
        request: &Request,
        range: TimeSpan,
        elsewhere: &[TimeSpan],
        now: Timestamp,
    ) -> Vec<Timestamp> {
        let SelectedSession { status: SessionTypeStatus::Active, terms, .. } = &request.session else {
            return Vec::new();
        };
        let length = i64::from(terms.length_minutes) * MINUTE;
        let mut scratch = Scratch::default();
        let busy_times = self.busy_times(&request.session, now, &mut scratch);
        let period = BookablePeriod::new(rules, terms, &busy_times, now);
        let mut draft = Draft::of(self);
        if let Some(old) = old {
            draft.release(old);
            draft.forget(old);
        }
        let busy_times = draft.occupancy.busy_times(&request.session, now, &mut scratch);
        slots::slots_within(rules, terms, &busy_times, range, &period)
            .into_iter()
            .filter(|slot| (1..=slot.seats).contains(&request.seats))
            .filter(|slot| old.is_none_or(|old| old.start != slot.start))
            .map(|slot| slot.start)
            .filter(|start| {
                let session = TimeSpan::new(*start, start.plus(length));
                !elsewhere.iter().any(|span| span.overlaps(session))
            })
            .take(MAX_ALTERNATIVES)
            .collect()
    }

    /// Releases the time of an appointment, and the times that are held for its proposal.
    ///
    /// The days of [`Appointment::held_spans`] must have been read.
    pub fn release(self, appointment: &Appointment) -> OccupancyChange {
        let mut draft = Draft::of(self);
        draft.release(appointment);
        draft.change()
    }

    /// Makes the hold of an appointment permanent.
    pub fn confirm(self, appointment: &Appointment) -> OccupancyChange {
        let mut draft = Draft::of(self);
        draft.confirm(appointment);
        draft.change()
    }
}

/// Buffers that [`Occupancy::busy_times`] fills, so that callers can reuse the memory.
#[derive(Debug, Default)]
pub struct Scratch {
    occupied: Vec<TimeSpan>,
    sessions: Vec<TimeSpan>,
    groups: Vec<(Timestamp, u16)>,
}

fn entry_key(appointment: &Appointment) -> EntryKey {
    if appointment.group {
        EntryKey::Group(appointment.session_type, appointment.start)
    } else {
        EntryKey::Appointment(appointment.id)
    }
}

/// An occupancy under change, with a record of what was read and changed.
struct Draft {
    occupancy: Occupancy,
    changed: BTreeSet<NaiveDate>,
    checked: BTreeSet<NaiveDate>,
    groups: BTreeSet<(SessionTypeId, Timestamp)>,
    reclaimed: BTreeSet<AppointmentId>,
}

impl Draft {
    fn of(occupancy: Occupancy) -> Self {
        Self {
            occupancy,
            changed: BTreeSet::new(),
            checked: BTreeSet::new(),
            groups: BTreeSet::new(),
            reclaimed: BTreeSet::new(),
        }
    }

    fn change(self) -> OccupancyChange {
        let Self { occupancy, changed, checked, groups, reclaimed } = self;
        let version = |date: &NaiveDate| occupancy.days.get(date).map_or(0, |day| day.version);
        OccupancyChange {
            unchanged: checked.difference(&changed).map(|date| (*date, version(date))).collect(),
            days: changed
                .iter()
                .filter_map(|date| Some((*date, occupancy.days.get(date)?.clone())))
                .collect(),
            groups: groups
                .iter()
                .filter_map(|key| Some((*key, occupancy.groups.get(key)?.clone())))
                .collect(),
            reclaimed,
        }
    }

    fn insert(&mut self, key: EntryKey, entry: Entry) {
        for date in entry.occupied_span().utc_dates() {
            self.occupancy.days.entry(date).or_default().entries.insert(key, entry);
            self.changed.insert(date);
        }
    }

    fn remove(&mut self, key: EntryKey, occupied: TimeSpan) {
        for date in occupied.utc_dates() {
            // The days are not read in one consistent read, so some days of an entry that was just written may have
            // been read without it. Those days have a new version since, which the version check detects.
            self.checked.insert(date);
            if let Some(day) = self.occupancy.days.get_mut(&date)
                && day.entries.remove(&key).is_some()
            {
                self.changed.insert(date);
            }
        }
    }

    fn release(&mut self, appointment: &Appointment) {
        self.release_proposal(appointment);
        self.release_as(entry_key(appointment), appointment);
    }

    fn release_proposal(&mut self, appointment: &Appointment) {
        for time in appointment.proposed_times() {
            let held = appointment.at(*time);
            let key = match time.group {
                true => entry_key(&held),
                false => EntryKey::Proposal(held.id, held.start),
            };
            self.release_as(key, &held);
        }
    }

    fn release_as(&mut self, key: EntryKey, appointment: &Appointment) {
        if appointment.group {
            let group = self.group_of(appointment);
            group.seats.remove(&appointment.id);
            if !group.seats.is_empty() {
                return;
            }
        }
        self.remove(key, appointment.occupied_span());
    }

    /// Removes an appointment from all other days and groups that contain it.
    ///
    /// The days may have been read after a concurrent change moved the appointment there, or before one moved it away
    /// from there, and the appointment must not conflict with itself. The version checks detect such a change.
    fn forget(&mut self, appointment: &Appointment) {
        let mut keys = Vec::new();
        for ((session_type, start), group) in &mut self.occupancy.groups {
            if group.seats.remove(&appointment.id).is_some() {
                self.groups.insert((*session_type, *start));
                if group.seats.is_empty() {
                    keys.push(EntryKey::Group(*session_type, *start));
                }
            }
        }
        for (date, day) in &mut self.occupancy.days {
            let before = day.entries.len();
            day.entries.retain(|key, _| !keys.contains(key) && !key.is_only_of(appointment.id));
            if day.entries.len() < before {
                self.changed.insert(*date);
            }
        }
    }

    /// Returns the group session of an appointment, which this change writes or checks.
    ///
    /// A group session that was not read did not exist yet at the time of the read; see [`Self::remove`].
    fn group_of(&mut self, appointment: &Appointment) -> &mut GroupSession {
        let key = (appointment.session_type, appointment.start);
        self.groups.insert(key);
        self.occupancy.groups.entry(key).or_insert_with(|| GroupSession {
            version: 0,
            entry: Entry {
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
        for date in appointment.occupied_span().utc_dates() {
            self.checked.insert(date);
            if let Some(entry) = self.occupancy.days.get_mut(&date).and_then(|day| day.entries.get_mut(&key))
            {
                entry.hold_expires_at = None;
                self.changed.insert(date);
            }
        }
    }

    /// Returns the entry that is held, for the appointment itself or for a proposal of it, and whether it is a group session. The
    /// period has been checked.
    fn hold(
        &mut self,
        rules: &AvailabilityRules,
        request: &Request,
        proposed: bool,
        now: Timestamp,
    ) -> Result<(Entry, bool), Refusal> {
        let SelectedSession { id, terms, .. } = &request.session;
        let seats = Seats { count: request.seats, hold_expires_at: request.hold_expires_at, proposed };
        let group_key = (*id, request.start);
        let offered = terms.session(request.start);
        // If the expert has changed the length since, the existing session is not the one that is offered now. It
        // then only occupies time.
        let joined = self.occupancy.groups.get(&group_key);
        if let Some(group) =
            joined.filter(|group| !group.is_vacant(now) && group.entry.session_span() == offered).cloned()
        {
            // An existing group session can be joined even if the expert has changed the hours since.
            let session = group.entry;
            let left = group.left(terms, now);
            if request.seats == 0 || request.seats > left {
                return Err(Refusal::Seats { wanted: request.seats, left });
            }
            self.reclaim_seats(group_key, now);
            if let Some(group) = self.occupancy.groups.get_mut(&group_key) {
                group.seats.insert(request.appointment, seats);
            }
            self.groups.insert(group_key);
            return Ok((session, true));
        }
        slots::check_hours(rules, terms, request.start)?;
        if request.seats == 0 || request.seats > terms.capacity {
            return Err(Refusal::Seats { wanted: request.seats, left: terms.capacity });
        }
        self.check_overlap_and_reclaim(request, terms.occupied(request.start), offered, now)?;
        self.check_caps(rules, request, now)?;

        let group = terms.capacity > 1;
        let entry = Entry {
            session_type: *id,
            start: request.start,
            end: offered.end(),
            buffer_before_minutes: terms.buffer_before_minutes,
            buffer_after_minutes: terms.buffer_after_minutes,
            hold_expires_at: request.hold_expires_at.filter(|_| !group),
        };
        if group {
            let version = self.occupancy.groups.get(&group_key).map_or(0, |group| group.version);
            let session = GroupSession {
                version,
                entry,
                capacity: terms.capacity,
                seats: [(request.appointment, seats)].into(),
            };
            self.occupancy.groups.insert(group_key, session);
            self.groups.insert(group_key);
        }
        let key = match (group, proposed) {
            (true, _) => EntryKey::Group(*id, request.start),
            (false, true) => EntryKey::Proposal(request.appointment, request.start),
            (false, false) => EntryKey::Appointment(request.appointment),
        };
        self.insert(key, entry);
        Ok((entry, group))
    }

    /// Checks the status of the session type, the minimum notice and the booking window. If the window counts days with free
    /// time, the decision depends on all days up to the start.
    fn check_period(
        &mut self,
        rules: &AvailabilityRules,
        request: &Request,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let (session, start) = (&request.session, request.start);
        let terms = &session.terms;
        if session.status != SessionTypeStatus::Active {
            return Err(Refusal::Retired);
        }
        if slots::look_ahead(rules, terms, now).is_none() {
            return Ok(BookablePeriod::new(rules, terms, &BusyTimes::default(), now).check(start)?);
        }
        let mut scratch = Scratch::default();
        let busy_times = self.occupancy.busy_times(session, now, &mut scratch);
        BookablePeriod::new(rules, terms, &busy_times, now).check(start)?;
        // With nothing occupied, the window would end as early as possible. A start after that end depends on full days,
        // which must stay full until this decision is written.
        let free: Vec<_> = busy_times.groups.iter().map(|(start, _)| (*start, 1)).collect();
        let nothing_occupied = BusyTimes { groups: &free, ..BusyTimes::default() };
        if BookablePeriod::new(rules, terms, &nothing_occupied, now).check(start).is_err() {
            self.checked.extend(TimeSpan::new(now, start).utc_dates());
        }
        Ok(())
    }

    /// Reclaims all expired holds that overlap, or returns why another entry prevents the booking.
    fn check_overlap_and_reclaim(
        &mut self,
        request: &Request,
        occupied: TimeSpan,
        session: TimeSpan,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.occupancy.busy.iter().any(|busy| busy.overlaps(occupied)) {
            return Err(Refusal::Busy);
        }
        let overlapping: BTreeMap<EntryKey, Entry> = occupied
            .utc_dates()
            .filter_map(|date| self.occupancy.days.get(&date))
            .flat_map(|day| &day.entries)
            .filter(|(key, entry)| {
                entry.occupied_span().overlaps(occupied) && !key.is_only_of(request.appointment)
            })
            .map(|(key, entry)| (*key, *entry))
            .collect();
        let mut blocking =
            overlapping.iter().filter(|(key, entry)| !self.occupancy.is_reclaimable(key, entry, now));
        if let Some((_, first)) = blocking.next() {
            let taken = first.session_span().overlaps(session)
                || blocking.any(|(_, entry)| entry.session_span().overlaps(session));
            return Err(if taken { Refusal::Taken } else { Refusal::TooClose });
        }
        for (key, entry) in overlapping {
            match key {
                EntryKey::Appointment(id) => {
                    self.reclaimed.insert(id);
                }
                EntryKey::Group(session_type, start) => self.reclaim_seats((session_type, start), now),
                // The appointment has its own time elsewhere and stays as it is.
                EntryKey::Proposal(..) => {}
            }
            self.remove(key, entry.occupied_span());
        }
        Ok(())
    }

    fn reclaim_seats(&mut self, key: (SessionTypeId, Timestamp), now: Timestamp) {
        if let Some(group) = self.occupancy.groups.get_mut(&key) {
            let over = group.seats.extract_if(.., |_, seats| is_expired(seats.hold_expires_at, now));
            self.reclaimed.extend(over.filter(|(_, seats)| !seats.proposed).map(|(id, _)| id));
            self.groups.insert(key);
        }
    }

    fn check_caps(
        &mut self,
        rules: &AvailabilityRules,
        request: &Request,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let terms = &request.session.terms;
        let date = rules.time_zone.scheduling_date(request.start);
        if let Some(cap) = terms.daily_cap {
            let span = rules.time_zone.local_day_span(date);
            if self.count(request, span, now) >= cap {
                return Err(Refusal::DayFull { date, cap });
            }
        }
        if let Some(cap) = terms.daily_minutes_cap {
            let taken = self.minutes(request, rules.time_zone.local_day_span(date), now);
            if taken + i64::from(terms.length_minutes) > i64::from(cap) {
                return Err(Refusal::DayMinutesFull { date, cap });
            }
        }
        if let Some(cap) = terms.weekly_cap {
            let span = rules.time_zone.iso_week_span(date);
            if self.count(request, span, now) >= cap {
                return Err(Refusal::WeekFull { date, cap });
            }
        }
        Ok(())
    }

    /// Counts the sessions of the requested type that begin in the span. The decision depends on these days, so their
    /// versions are checked.
    fn count(&mut self, request: &Request, span: TimeSpan, now: Timestamp) -> u16 {
        u16::try_from(self.beginning_in(request, span, now).count()).unwrap_or(u16::MAX)
    }

    /// Returns the minutes of the sessions that [`Self::count`] counts.
    fn minutes(&mut self, request: &Request, span: TimeSpan, now: Timestamp) -> i64 {
        self.beginning_in(request, span, now).map(TimeSpan::seconds).sum::<i64>() / MINUTE
    }

    fn beginning_in(
        &mut self,
        request: &Request,
        span: TimeSpan,
        now: Timestamp,
    ) -> impl Iterator<Item = TimeSpan> {
        self.checked.extend(span.utc_dates());
        let sessions = self.occupancy.sessions(request.session.id, now);
        let others = sessions.filter(|(key, _)| !key.is_only_of(request.appointment));
        others.map(|(_, session)| session).filter(move |session| span.contains(session.start()))
    }
}

/// Returns the smallest span that contains both.
fn smallest_containing(one: TimeSpan, other: TimeSpan) -> TimeSpan {
    TimeSpan::new(one.start().min(other.start()), one.end().max(other.end()))
}

#[cfg(test)]
pub(crate) mod tests;
