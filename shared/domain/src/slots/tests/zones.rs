//! Every zone of the database, at every change of its clock and at the ends of time.

use std::collections::HashSet;

use chrono::{Offset, TimeZone};

use super::*;
use crate::availability::OFFSET_CHECK;
use crate::time::{HOUR, LocalTime, wall_second};

fn offset(zone: Zone, second: i64) -> i64 {
    let instant = Timestamp::from_seconds(second).utc().naive_utc();
    zone.tz().offset_from_utc_datetime(&instant).fix().local_minus_utc().into()
}

/// The seconds from 1970 to 2040 at which zones change their offset, once for all zones that have the same
/// ones.
fn changes() -> Vec<(Zone, Vec<i64>)> {
    let mut seen = HashSet::new();
    let mut zones = Vec::new();
    for tz in chrono_tz::TZ_VARIANTS {
        let zone: Zone = tz.name().parse().unwrap();
        let probes: Vec<i64> = (0..70 * 366 / 3).map(|at| at * 3 * DAY).collect();
        let offsets: Vec<i64> = probes.iter().map(|second| offset(zone, *second)).collect();
        if !seen.insert(offsets.clone()) {
            continue;
        }
        let pairs = probes.windows(2).zip(offsets.windows(2)).filter(|(_, offsets)| offsets[0] != offsets[1]);
        let change = |(probes, offsets): (&[i64], &[i64])| {
            let (mut before, mut after) = (probes[0], probes[1]);
            while after - before > 1 {
                let middle = before + (after - before) / 2;
                if offset(zone, middle) == offsets[0] { before = middle } else { after = middle }
            }
            after
        };
        zones.push((zone, pairs.map(change).collect()));
    }
    zones
}

#[test]
fn every_change_of_every_clock_comes_out_right() {
    let zones = changes();
    assert!(zones.len() > 200);
    let always = daily("UTC", &["00:00-24:00"]);
    let nights = daily("UTC", &["22:00-03:00"]);
    for (zone, changes) in zones {
        for pair in changes.windows(2) {
            assert!(
                pair[1] - pair[0] > OFFSET_CHECK || offset(zone, pair[1]) != offset(zone, pair[0] - 1),
                "{zone:?}"
            );
        }
        // Enough of each kind, and recent: a zone has up to 140 changes and most are alike.
        for change in changes.iter().rev().take(8) {
            let (before, after) = (offset(zone, change - 1), offset(zone, *change));
            resolves_around(zone, *change, before, after);

            let around = TimeSpan::new(
                Timestamp::from_seconds(change - 30 * HOUR),
                Timestamp::from_seconds(change + 30 * HOUR),
            );
            let rules = AvailabilityRules { time_zone: zone, ..always.clone() };
            let found = slots(&rules, &terms(30, 30), &Occupancy::default(), around, Timestamp::MIN);
            // Always open is open through the change, and each day begins its grid.
            assert!(
                found
                    .windows(2)
                    .all(|pair| (1..=1800).contains(&(pair[1].start.seconds() - pair[0].start.seconds())))
            );
            assert!(found[0].start.seconds() < change - 29 * HOUR && found.len() >= 119, "{zone:?} {change}");
            let rules = AvailabilityRules { time_zone: zone, ..nights.clone() };
            slots(&rules, &terms(45, 35), &Occupancy::default(), around, Timestamp::MIN);
        }
    }
}

/// Every quarter of an hour that the clock shows, skips or repeats around a change.
fn resolves_around(zone: Zone, change: i64, before: i64, after: i64) {
    let (low, high) = (before.min(after), before.max(after));
    let first_quarter = (change + low).div_euclid(900) - 2;
    for wall in (first_quarter..=(change + high).div_euclid(900) + 2).map(|quarter| quarter * 900) {
        let resolved = zone.first_second(wall);
        // Before the change if the clock had shown it by then, else with the offset after, unless it was
        // skipped.
        let expected =
            if wall - before < change || (wall - after) < change { wall - before } else { wall - after };
        assert_eq!(resolved, expected, "{zone:?} {wall}");
    }
}

#[test]
fn the_ends_of_time_are_dates_like_others() {
    let rules = daily("UTC", &["00:00-24:00"]);
    let ends = [
        TimeSpan::new(Timestamp::MIN, Timestamp::MIN.plus(2 * DAY)),
        TimeSpan::new(Timestamp::MAX.plus(-2 * DAY), Timestamp::MAX),
    ];
    let busy = [
        TimeSpan::new(Timestamp::MIN, Timestamp::MIN.plus(1)),
        TimeSpan::new(Timestamp::MAX.plus(-1), Timestamp::MAX),
    ];
    let occupancy = Occupancy {
        occupied: &busy,
        session_starts: &[Timestamp::MIN, Timestamp::MAX],
        groups: &[(Timestamp::MIN, 1)],
    };
    let terms = SessionTypeTerms {
        buffer_before_minutes: 720,
        buffer_after_minutes: 720,
        daily_cap: Some(2),
        weekly_cap: Some(7),
        capacity: 2,
        ..terms(60, 30)
    };
    for tz in chrono_tz::TZ_VARIANTS {
        let zone: Zone = tz.name().parse().unwrap();
        let rules = AvailabilityRules { time_zone: zone, ..rules.clone() };
        for range in ends {
            assert!(slots(&rules, &terms, &occupancy, range, Timestamp::MIN).len() > 40, "{zone:?}");
            for start in [range.start(), range.end()] {
                let _ = explain(&rules, &terms, &occupancy, start, Timestamp::MIN);
                let _ = explain(&rules, &terms, &occupancy, start, Timestamp::MAX);
                assert!(local_day_span(zone, zone.day(start)).contains(start) || start == Timestamp::MAX);
            }
        }
        assert!(slots(&rules, &terms, &occupancy, ends[1], Timestamp::MAX).is_empty());
        for time in [LocalTime::MIDNIGHT, LocalTime::END_OF_DAY] {
            assert_eq!(zone.resolve(NaiveDate::MIN, time), Timestamp::MIN);
            assert_eq!(zone.resolve(NaiveDate::MAX, time), Timestamp::MAX);
        }
        for date in [NaiveDate::MIN, NaiveDate::MAX] {
            assert!(local_day_span(zone, date).is_empty() && iso_week_span(zone, date).is_empty());
        }
    }
    assert_eq!(wall_second(0, LocalTime::END_OF_DAY), DAY);
}

#[test]
fn the_whole_of_time_can_be_asked_for() {
    let rules =
        rules("Europe/Berlin", json!({ "overrides": { "9999-06-01": windows_json(&["09:00-10:00"]) } }));
    let everything = TimeSpan::new(Timestamp::MIN, Timestamp::MAX);
    let found = slots(&rules, &terms(60, 60), &Occupancy::default(), everything, Timestamp::MIN);
    assert_eq!(shown(&rules, &found), ["01T09:00"]);
}

#[test]
fn terms_and_rules_that_nobody_checked_do_no_harm() {
    let mut rules = daily("America/New_York", &["09:00-17:00"]);
    let late = crate::availability::Window { opens: LocalTime::END_OF_DAY, closes: LocalTime::END_OF_DAY };
    rules.weekly.monday = vec![late; 1000];
    rules.blocked = serde_json::from_value(json!([{ "first": "2027-03-09", "last": "2027-03-02" }])).unwrap();
    let range = dates(&rules, "2027-03-01", "2027-03-10");
    for (length, step) in [(0, 0), (0, 1), (u16::MAX, u16::MAX), (1, 0)] {
        let terms = SessionTypeTerms {
            length_minutes: length,
            step_minutes: step,
            buffer_before_minutes: u16::MAX,
            buffer_after_minutes: u16::MAX,
            minimum_notice_minutes: u32::MAX,
            capacity: 0,
            daily_cap: Some(0),
            ..terms(30, 30)
        };
        let busy = [TimeSpan::new(range.start(), range.start().plus(1))];
        let occupancy = Occupancy { occupied: &busy, ..Occupancy::default() };
        assert!(slots(&rules, &terms, &occupancy, range, Timestamp::MIN).is_empty());
        let terms = SessionTypeTerms { minimum_notice_minutes: 0, daily_cap: None, ..terms };
        slots(&rules, &terms, &occupancy, range, Timestamp::MIN);
        let _ = explain(&rules, &terms, &occupancy, range.start(), Timestamp::MIN);
    }
}
