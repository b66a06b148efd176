//! Tests of the slot engine: each rule on selected dates, and the whole engine against a simple model.

use serde_json::{Value, json};

use super::*;
use crate::Zone;
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

/// Availability rules from JSON.
fn rules(zone: &str, fields: Value) -> AvailabilityRules {
    let mut rules = fields;
    rules["time_zone"] = zone.into();
    let rules: AvailabilityRules = serde_json::from_value(rules).unwrap();
    // Stored rules may have windows that close when they open, which are no longer accepted.
    if let Err(invalid) = rules.check() {
        assert!(invalid.iter().all(|one| one.must.starts_with("must differ from opens")), "{invalid}");
    }
    rules
}

/// Rules with the same windows, such as `09:00-17:00`, on every day of the week.
fn daily(zone: &str, windows: &[&str]) -> AvailabilityRules {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let weekly: serde_json::Map<String, Value> =
        days.iter().map(|day| ((*day).to_owned(), windows_json(windows))).collect();
    rules(zone, json!({ "weekly": weekly }))
}

fn windows_json(windows: &[&str]) -> Value {
    let window = |text: &&str| {
        let (opens, closes) = text.split_once('-').unwrap();
        json!({ "opens": opens, "closes": closes })
    };
    windows.iter().map(window).collect()
}

/// Terms with this length and step in minutes, bookable on any date.
fn terms(length: u16, step: u16) -> SessionTerms {
    let terms = json!({
        "name": "Session",
        "durations": [{ "minutes": length, "price": { "amount": 5000, "currency": "EUR" } }],
        "step_minutes": step,
        "booking_window": { "kind": "dates", "first": "1970-01-01", "last": "9999-12-31" },
    });
    let terms: SessionTypeTerms = serde_json::from_value(terms).unwrap();
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
