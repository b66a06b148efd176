//! Tests of the slot engine: each rule on selected dates, and the whole engine against a simple model.

use super::*;
use crate::Zone;
use crate::experts::availability::tests::{closed, daily, extra, on, range, windows};
use crate::experts::duration::SessionDuration;
use crate::experts::session_type::{BookingWindow, SessionType, SessionTypeStatus, SessionTypeTerms};
use crate::kernel::time::day_number;

mod case;
mod changes;
mod clocks;
mod every_change;
mod examples;
mod model;
mod properties;
mod traps;
mod zones;

/// Rules without hours after a change, as an expert may set them.
fn rules(zone: &str, change: impl FnOnce(&mut AvailabilityRules)) -> AvailabilityRules {
    let mut rules = closed(zone);
    change(&mut rules);
    // Stored rules may have windows that close when they open, which are no longer accepted.
    if let Err(invalid) = rules.check() {
        assert!(invalid.iter().all(|one| one.must.starts_with("must differ from opens")), "{invalid}");
    }
    rules
}

/// Terms with this length and step in minutes, bookable on any date.
fn terms(length: u16, step: u16) -> SessionTerms {
    let hour = crate::experts::session_type::tests::terms();
    let terms = SessionTypeTerms {
        durations: vec![SessionDuration { minutes: length, ..hour.durations[0] }],
        step_minutes: step,
        booking_window: BookingWindow::Dates { first: on("1970-01-01"), last: on("9999-12-31") },
        ..hour
    };
    terms.check(None).unwrap();
    let id = crate::SessionTypeId::from_bits(1);
    SessionType { id, version: 1, status: SessionTypeStatus::Active, terms }.of_length(length).terms
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn span(start: &str, end: &str) -> TimeSpan {
    TimeSpan::new(at(start), at(end))
}

/// A session of an hour.
fn hour_from(start: Timestamp) -> TimeSpan {
    TimeSpan::new(start, start.plus(crate::kernel::time::HOUR))
}

/// Returns `Ok` if [`slots`] offers the start, and otherwise the reason why not.
///
/// # Errors
/// The first rule that the start violates, in the order in which a booking checks them: booking window, notice, the rules of
/// [`check_hours`], occupied time, caps.
pub(crate) fn explain(
    rules: &AvailabilityRules,
    terms: &SessionTerms,
    occupancy: &BusyTimes<'_>,
    start: Timestamp,
    now: Timestamp,
) -> Result<(), Refusal> {
    BookablePeriod::new(rules, terms, occupancy, now).check(start)?;
    if let Some((_, seats)) = occupancy.groups.iter().find(|(group, _)| *group == start) {
        return if *seats > 0 { Ok(()) } else { Err(Refusal::NoSeatLeft) };
    }
    check_hours(rules, terms, start)?;
    let requested = terms.occupied(start);
    if occupancy.occupied.iter().any(|taken| taken.overlaps(requested)) {
        return Err(Refusal::Taken);
    }
    let day = rules.time_zone.day_containing(start.seconds());
    match Caps::new(rules.time_zone, terms, occupancy.sessions).full(day) {
        Some(refusal) => Err(refusal),
        None => Ok(()),
    }
}

/// Checks the rules that do not depend on what is occupied.
fn check_start(
    rules: &AvailabilityRules,
    terms: &SessionTerms,
    start: Timestamp,
    now: Timestamp,
) -> Result<(), Refusal> {
    BookablePeriod::new(rules, terms, &BusyTimes::default(), now).check(start)?;
    check_hours(rules, terms, start)
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// From the first instant of one date to the first instant of another.
fn dates(rules: &AvailabilityRules, first: &str, end: &str) -> TimeSpan {
    let start = |text: &str| rules.time_zone.local_day_span(date(text)).start();
    TimeSpan::new(start(first), start(end))
}

/// The starts on these dates without any occupied time, as `05T09:00` in the zone of the rules. Local times that
/// occur twice include their offset.
fn starts(rules: &AvailabilityRules, terms: &SessionTerms, first: &str, end: &str) -> Vec<String> {
    shown(rules, &slots(rules, terms, &BusyTimes::default(), dates(rules, first, end), Timestamp::MIN))
}

fn shown(rules: &AvailabilityRules, slots: &[Slot]) -> Vec<String> {
    let local: Vec<String> = slots.iter().map(|slot| rules.time_zone.to_rfc3339(slot.start)).collect();
    let show = |text: &String| {
        let occurs_twice = local.iter().filter(|other| other[..16] == text[..16]).count() > 1;
        if occurs_twice { format!("{}{}", &text[8..16], &text[19..]) } else { text[8..16].to_owned() }
    };
    local.iter().map(show).collect()
}
