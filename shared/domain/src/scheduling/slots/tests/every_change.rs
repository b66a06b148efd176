//! Every zone of the database at every change of its clock from 1970 to 2040, start by start against the model.

use std::collections::BTreeMap;

use super::case::Case;
use super::changes::{ClockChange, alike, all, all_zones, changes, on_all_cores};
use super::model::Clock;
use super::*;
use crate::experts::availability::OFFSET_CHECK;
use crate::experts::session_type::BookingWindow;
use crate::kernel::time::{Date, HOUR, LocalTime};

/// Changes count as alike when what else happens so long before and after is alike too: more than the model looks at.
const AROUND: i64 = 8 * DAY;

/// On a clock's face, whatever day it is.
fn face(minute: i64) -> String {
    LocalTime::from_minutes(minute.rem_euclid(1440) as u16).unwrap().to_string()
}

/// The questions asked about a change, named for what their windows do.
fn cases(zone: Zone, change: ClockChange) -> Vec<(&'static str, Case)> {
    let ClockChange { at, before, after } = change;
    // The minutes of the day between which the clock skips, or which it repeats.
    let (low, high) =
        ((at + before.min(after)).div_euclid(MINUTE), (at + before.max(after)).div_euclid(MINUTE));
    let instant = |seconds: i64| Timestamp::from_seconds(at + seconds);
    let on = |days: i64| Date::try_from(date_of_number((at + after).div_euclid(DAY) + days)).unwrap();
    let case = |windows: &[(i64, i64)], terms: SessionTypeTerms| {
        let windows: Vec<String> =
            windows.iter().map(|(opens, closes)| format!("{}-{}", face(*opens), face(*closes))).collect();
        let windows: Vec<&str> = windows.iter().map(String::as_str).collect();
        Case {
            rules: daily(zone.name(), &windows),
            terms,
            occupied: Vec::new(),
            session_starts: Vec::new(),
            groups: Vec::new(),
            range: TimeSpan::new(instant(-36 * HOUR), instant(36 * HOUR)),
            now: Timestamp::MIN,
        }
    };

    let open_all_day = Case {
        occupied: vec![
            TimeSpan::new(instant(-20 * MINUTE), instant(25 * MINUTE)),
            TimeSpan::new(instant(7 * HOUR + 1), instant(9 * HOUR)),
        ],
        ..case(
            &[(0, 0)],
            SessionTypeTerms { buffer_before_minutes: 10, buffer_after_minutes: 15, ..terms(45, 35) },
        )
    };
    let nights = Case {
        session_starts: [-25, -24, -2, 0, 1, 2, 22].map(|hours| instant(hours * HOUR)).to_vec(),
        ..case(
            &[(22 * 60 + 10, 3 * 60 + 20)],
            SessionTypeTerms { daily_cap: Some(2), weekly_cap: Some(6), ..terms(50, 25) },
        )
    };
    let across_on_the_date = case(
        &[(low - 95, high + 110)],
        SessionTypeTerms {
            booking_window: BookingWindow::Dates { first: on(0), last: on(0) },
            ..terms(60, 20)
        },
    );
    let just_there = case(&[(low + 7, high - 4)], terms(5, 3));
    let meeting_at_both_sides = case(&[(low - 120, low), (high, high + 121)], terms(90, 40));
    let middle = (low + high) / 2;
    let ending_and_beginning_there = case(&[(low - 60, middle), (middle + 10, high + 75)], terms(30, 15));
    let mut nearly_all_day = Case {
        groups: vec![(instant(0), 2), (instant(HOUR), 0), (instant(17), 1)],
        ..case(
            &[(6 * 60, 5 * 60 + 59)],
            SessionTypeTerms {
                buffer_before_minutes: 720,
                buffer_after_minutes: 720,
                capacity: 3,
                ..terms(720, 49)
            },
        )
    };
    nearly_all_day.rules.overrides.insert(on(2), Vec::new());
    let window = |text| serde_json::from_value(windows_json(&[text])).unwrap();
    let mut exceptions = Case {
        now: instant(-12 * HOUR),
        ..case(
            &[(9 * 60 + 5, 17 * 60)],
            SessionTypeTerms {
                booking_window: BookingWindow::Rolling { days: 1 },
                minimum_notice_minutes: 11 * 60 + 7,
                ..terms(15, 10)
            },
        )
    };
    exceptions.rules.overrides.insert(on(-1), window("20:00-04:00"));
    exceptions.rules.extra = serde_json::from_value(
        json!([{ "date": on(0), "opens": face(high + 60), "closes": face(high + 500) }]),
    )
    .unwrap();
    exceptions.rules.blocked = serde_json::from_value(json!([{ "first": on(1), "last": on(1) }])).unwrap();

    vec![
        ("open all day", open_all_day),
        ("nights with caps", nights),
        ("across the change, on its date only", across_on_the_date),
        ("only what is skipped or repeated", just_there),
        ("two windows that meet at the change", meeting_at_both_sides),
        ("windows that end and begin in it", ending_and_beginning_there),
        ("nearly all day, groups and long buffers", nearly_all_day),
        ("override, extra window, block, notice", exceptions),
    ]
}

/// What is wrong about dates and times of day around a change, on a clock that knows one so many days earlier.
fn wrong_times(clock: &Clock, zone: Zone, change: ClockChange, days: i64) -> Option<String> {
    let show = |instant| zone.show(instant);
    let earlier = |date: NaiveDate| date_of_number(day_number(date) - days);
    let second_of =
        |date, minute| Timestamp::from_seconds(clock.second_of(earlier(date), minute) + days * DAY);
    for quarter in -120..120 {
        let instant = Timestamp::from_seconds(change.at + quarter * 900);
        let found = zone.day(instant);
        let expected = clock.date_of(instant.plus(-days * DAY));
        if earlier(found) != expected {
            let expected = date_of_number(day_number(expected) + days);
            return Some(format!("{zone:?}: {} is said to be on {found}, not {expected}", show(instant)));
        }
    }
    let date = (change.at + change.after).div_euclid(DAY);
    for date in (date - 1..=date + 1).map(date_of_number) {
        for minute in (0..=1440).step_by(15) {
            let time = LocalTime::from_minutes(minute).unwrap();
            let (found, expected) = (zone.resolve(date, time), second_of(date, minute.into()));
            if found != expected {
                let (found, expected) = (show(found), show(expected));
                return Some(format!("{zone:?}: {date} {time} is said to be {found}, not {expected}"));
            }
        }
        let (found, expected) =
            (local_day_span(zone, date), TimeSpan::new(second_of(date, 0), second_of(date, 1440)));
        if found != expected {
            return Some(format!("{zone:?}: {date} is said to be {found:?}, not {expected:?}"));
        }
    }
    None
}

/// What is wrong at the first of these changes at which something is. They are alike but for whole weeks, so the model
/// answers for the first of all, and its answers hold weeks later too.
fn wrong(alike: &[(Zone, ClockChange)]) -> Option<String> {
    let (zone, change) = alike[0];
    let answered = cases(zone, change);
    let clock = answered[0].1.clock();
    let expected: Vec<Vec<Slot>> = answered.iter().map(|(_, case)| case.expected(&clock)).collect();
    alike.iter().find_map(|(zone, other)| {
        let later = other.at - change.at;
        let wrong_slots =
            cases(*zone, *other).into_iter().zip(&expected).find_map(|((name, case), expected)| {
                let expected = expected.iter().map(|slot| Slot { start: slot.start.plus(later), ..*slot });
                if expected.eq(case.slots()) {
                    return None;
                }
                let (_, report) =
                    case.shrunk(Case::slots).expect("the model says the same subject the change itself");
                Some(format!("{name}: {report}"))
            });
        wrong_slots.or_else(|| wrong_times(&clock, *zone, *other, later / DAY))
    })
}

fn check(alike: &[Vec<(Zone, ClockChange)>]) {
    let wrong: Vec<String> = on_all_cores(alike, |alike| wrong(alike)).into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} kinds of changes come out wrong; one of them:\n{}", wrong.len(), wrong[0]);
}

#[test]
fn every_change_of_every_clock_gives_the_starts_of_the_model() {
    let alike = alike(AROUND);
    // A database that has lost its history would make this an easy test.
    let all: usize = alike.iter().map(Vec::len).sum();
    assert!(alike.len() > 300 && all > 25_000, "{all} changes of {} kinds", alike.len());
    check(&alike);
}

#[test]
#[ignore = "asks the model at each change anew, which takes minutes"]
fn every_change_of_every_clock_by_itself_gives_the_starts_of_the_model() {
    check(&alike(AROUND).into_iter().flatten().map(|change| vec![change]).collect::<Vec<_>>());
}

#[test]
fn no_clock_changes_and_changes_back_within_days() {
    for (zone, changes) in all() {
        for pair in changes.windows(2) {
            assert!(
                pair[1].at - pair[0].at > OFFSET_CHECK || pair[1].after != pair[0].before,
                "{zone:?} {pair:?}"
            );
        }
    }
}

#[test]
#[ignore = "asks every clock for every quarter of an hour of 70 years, which takes minutes"]
fn looking_at_every_quarter_of_an_hour_finds_no_other_change() {
    let found = on_all_cores(&all_zones(), |zone| (zone.name(), changes(*zone, 900)));
    let known: BTreeMap<&str, &Vec<ClockChange>> =
        all().iter().map(|(zone, changes)| (zone.name(), changes)).collect();
    assert_eq!(found.len(), known.len());
    for (zone, found) in &found {
        assert_eq!(known[zone], found, "{zone}");
    }
}
