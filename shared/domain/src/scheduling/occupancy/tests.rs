//! Tests of the occupancy: each rule on an example, and random histories against a plain list.

use super::*;
use crate::experts::availability::tests::daily;
use crate::experts::duration::SessionDuration;
use crate::experts::session_type::{BookingWindow, SessionType, SessionTypeTerms, tests::terms};
use crate::scheduling::appointment::{Attendee, Status};
use crate::{ClientId, ExpertId, Money};

mod examples;
mod groups;
mod model;
mod properties;
mod sizes;
mod world;

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn id(bits: u128) -> AppointmentId {
    AppointmentId::from_bits(bits)
}

/// Rules that are open all day on every day, for starts every quarter of an hour.
fn always(zone: &str) -> AvailabilityRules {
    daily(zone, &["00:00-24:00"])
}

fn utc() -> AvailabilityRules {
    always("UTC")
}

fn price() -> Money {
    Money::new(5_000, crate::Currency::EUR).unwrap()
}

/// Sessions of one hour without buffers, bookable on any date.
pub(crate) fn session_type(bits: u128) -> SelectedSession {
    let booking_window =
        BookingWindow::Dates { first: "1970-01-01".parse().unwrap(), last: "9999-12-31".parse().unwrap() };
    let terms = SessionTypeTerms { step_minutes: 15, booking_window, ..terms() };
    let id = SessionTypeId::from_bits(bits);
    SessionType { id, version: 1, status: SessionTypeStatus::Active, terms }.of_length(60)
}

fn with(bits: u128, change: impl FnOnce(&mut SessionTerms)) -> SelectedSession {
    let mut session_type = session_type(bits);
    change(&mut session_type.terms);
    check(&session_type.terms);
    session_type
}

/// Checks that an expert may choose these terms.
fn check(terms: &SessionTerms) {
    let all = SessionTypeTerms {
        durations: vec![SessionDuration { minutes: terms.length_minutes, price: Some(price()) }],
        buffer_before_minutes: terms.buffer_before_minutes,
        buffer_after_minutes: terms.buffer_after_minutes,
        minimum_notice_minutes: terms.minimum_notice_minutes,
        booking_window: terms.booking_window,
        step_minutes: terms.step_minutes,
        daily_cap: terms.daily_cap,
        daily_minutes_cap: terms.daily_minutes_cap,
        weekly_cap: terms.weekly_cap,
        capacity: terms.capacity,
        ..self::terms()
    };
    all.check(None).unwrap();
}

/// An appointment of one hour, of which only the times matter.
pub(crate) fn appointment(bits: u128) -> Appointment {
    let start = at("2027-03-01T10:00:00Z");
    let attendee = Attendee {
        name: "Alan".to_owned().try_into().unwrap(),
        email: "alan@example.org".to_owned().try_into().unwrap(),
        time_zone: crate::Zone::UTC,
        note: Default::default(),
    };
    Appointment {
        id: id(bits),
        version: 1,
        expert: ExpertId::from_bits(1),
        client: ClientId::from_bits(2),
        attendee,
        session_type: SessionTypeId::from_bits(1),
        session_name: "Session".to_owned().try_into().unwrap(),
        start,
        end: start.plus(HOUR),
        buffer_before_minutes: 0,
        buffer_after_minutes: 0,
        seats: 1,
        group: false,
        price: price(),
        created_at: start.plus(-DAY),
        reschedules: 0,
        cancellation: Default::default(),
        rescheduling: Default::default(),
        no_show_report: None,
        moves: Default::default(),
        status: Status::Confirmed,
    }
}

/// The entry of a confirmed session.
pub(crate) fn entry(session_type: &SelectedSession, start: Timestamp) -> Entry {
    Entry {
        session_type: session_type.id,
        start,
        end: session_type.terms.session(start).end(),
        buffer_before_minutes: session_type.terms.buffer_before_minutes,
        buffer_after_minutes: session_type.terms.buffer_after_minutes,
        hold_expires_at: None,
    }
}

/// An expert's occupancy in memory, which commits changes like the table does.
#[derive(Debug, Clone, Default)]
struct Table {
    days: BTreeMap<NaiveDate, Day>,
    groups: BTreeMap<(SessionTypeId, Timestamp), GroupSession>,
}

impl Table {
    /// Reads the days that a span touches.
    fn read(&self, span: TimeSpan) -> Occupancy {
        let dates: BTreeSet<NaiveDate> = span.utc_dates().collect();
        let days = self.days.iter().filter(|(date, _)| dates.contains(date));
        let groups = self.groups.iter().filter(|((_, start), _)| dates.contains(&start.utc_date()));
        Occupancy {
            days: days.map(|(date, day)| (*date, day.clone())).collect(),
            groups: groups.map(|(key, group)| (*key, group.clone())).collect(),
            busy: Vec::new(),
        }
    }

    fn is_as_read(&self, change: &OccupancyChange) -> bool {
        let version = |date: &NaiveDate| self.days.get(date).map_or(0, |day| day.version);
        change.days.iter().all(|(date, day)| version(date) == day.version)
            && change.unchanged.iter().all(|(date, read)| version(date) == *read)
            && change.groups.iter().all(|(key, group)| {
                self.groups.get(key).map_or(0, |standing| standing.version) == group.version
            })
    }

    /// Writes a change if every row has the version that was read. Returns whether it was written.
    fn commit(&mut self, change: &OccupancyChange) -> bool {
        let dates: BTreeSet<NaiveDate> = change.days.iter().map(|(date, _)| *date).collect();
        assert_eq!(dates.len(), change.days.len(), "a transaction writes each row once");
        assert!(
            change.unchanged.iter().all(|(date, _)| !dates.contains(date)),
            "a row is either written or checked"
        );
        if !self.is_as_read(change) {
            return false;
        }
        for (date, day) in &change.days {
            self.days.insert(*date, Day { version: day.version + 1, entries: day.entries.clone() });
        }
        for (key, group) in &change.groups {
            let version = change.group_version(key.1, group);
            self.groups.insert(*key, GroupSession { version, ..group.clone() });
            self.groups.retain(|_, group| !group.seats.is_empty());
        }
        true
    }

    /// Holds a session and commits the change.
    fn hold(
        &mut self,
        rules: &AvailabilityRules,
        request: &Request,
        now: Timestamp,
    ) -> Result<Held, Refusal> {
        let needed = Occupancy::span_for_booking(rules, &request.session, request.start, now);
        let held = self.read(needed).hold(rules, request, now)?;
        assert!(self.commit(&held.change));
        Ok(held)
    }

    /// The entries by day, such as `2027-03-01`.
    fn entries(&self) -> Vec<(String, EntryKey)> {
        let of = |(date, day): (&NaiveDate, &Day)| {
            day.entries.keys().map(|key| (date.to_string(), *key)).collect::<Vec<_>>()
        };
        self.days.iter().flat_map(of).collect()
    }
}

fn request(
    bits: u128,
    session_type: &SelectedSession,
    start: Timestamp,
    hold_expires_at: Option<Timestamp>,
) -> Request {
    Request { appointment: id(bits), session: *session_type, start, seats: 1, hold_expires_at }
}

/// The appointment that a hold results in.
fn booked(bits: u128, held: &Held) -> Appointment {
    let Entry { session_type, start, end, buffer_before_minutes, buffer_after_minutes, .. } = held.entry;
    let group = held.group;
    Appointment {
        session_type,
        start,
        end,
        buffer_before_minutes,
        buffer_after_minutes,
        group,
        ..appointment(bits)
    }
}
