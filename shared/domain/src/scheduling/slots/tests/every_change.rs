//! Every zone of the time zone database at every clock change from 1970 to 2040, compared with the model.

use std::collections::BTreeMap;

use super::case::Case;
use super::changes::{ClockChange, all, all_zones, changes, equivalent, on_all_cores};
use super::model::Clock;
use super::*;
use crate::experts::availability::{DateRange, ExtraWindow, OFFSET_CHECK};
use crate::experts::session_type::BookingWindow;
use crate::kernel::time::{Date, HOUR, LocalTime};

/// Two changes are equivalent only if all other changes within this many seconds are equivalent too. The model reads
/// less than this.
const AROUND: i64 = 8 * DAY;

/// The time on the wall clock at a minute.
fn wall_time(minute: i64) -> LocalTime {
    LocalTime::from_minutes(minute.rem_euclid(1440) as u16).unwrap()
}

/// The queries for a change, named after their windows.
fn cases(zone: Zone, change: ClockChange) -> Vec<(&'static str, Case)> {
    let ClockChange { at, before, after } = change;
    // The minutes of the day that the clock skips or repeats.
    let (low, high) =
        ((at + before.min(after)).div_euclid(MINUTE), (at + before.max(after)).div_euclid(MINUTE));
    let instant = |seconds: i64| Timestamp::from_seconds(at + seconds);
    let on = |days: i64| Date::try_from(date_of_number((at + after).div_euclid(DAY) + days)).unwrap();
    let case = |windows: &[(i64, i64)], terms: SessionTerms| {
        let windows: Vec<String> = windows
            .iter()
            .map(|(opens, closes)| format!("{}-{}", wall_time(*opens), wall_time(*closes)))
            .collect();
        let windows: Vec<&str> = windows.iter().map(String::as_str).collect();
        Case {
            rules: daily(zone.name(), &windows),
            terms,
            occupied: Vec::new(),
            sessions: Vec::new(),
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
            SessionTerms { buffer_before_minutes: 10, buffer_after_minutes: 15, ..terms(45, 35) },
        )
    };
    let nights = Case {
        sessions: [-25, -24, -2, 0, 1, 2, 22]
            .map(|hours| TimeSpan::new(instant(hours * HOUR), instant(hours * HOUR + 50 * MINUTE)))
            .to_vec(),
        ..case(
            &[(22 * 60 + 10, 3 * 60 + 20)],
            SessionTerms {
                daily_cap: Some(2),
                daily_minutes_cap: Some(120),
                weekly_cap: Some(6),
                ..terms(50, 25)
            },
        )
    };
    let across_on_the_date = case(
        &[(low - 95, high + 110)],
        SessionTerms { booking_window: BookingWindow::Dates { first: on(0), last: on(0) }, ..terms(60, 20) },
    );
    let just_there = case(&[(low + 7, high - 4)], terms(5, 3));
    let meeting_at_both_sides = case(&[(low - 120, low), (high, high + 121)], terms(90, 40));
    let middle = (low + high) / 2;
    let ending_and_beginning_there = case(&[(low - 60, middle), (middle + 10, high + 75)], terms(30, 15));
    let mut nearly_all_day = Case {
        groups: vec![(instant(0), 2), (instant(HOUR), 0), (instant(17), 1)],
        ..case(
            &[(6 * 60, 5 * 60 + 59)],
            SessionTerms {
                buffer_before_minutes: 720,
                buffer_after_minutes: 720,
                capacity: 3,
                ..terms(720, 49)
            },
        )
    };
    nearly_all_day.rules.overrides.insert(on(2), Vec::new());
    let mut exceptions = Case {
        now: instant(-12 * HOUR),
        ..case(
            &[(9 * 60 + 5, 17 * 60)],
            SessionTerms {
                booking_window: BookingWindow::Rolling { days: 1 },
                minimum_notice_minutes: 11 * 60 + 7,
                ..terms(15, 10)
            },
        )
    };
    exceptions.rules.overrides.insert(on(-1), windows(&["20:00-04:00"]));
    exceptions.rules.extra =
        vec![ExtraWindow { date: on(0), opens: wall_time(high + 60), closes: wall_time(high + 500) }];
    exceptions.rules.blocked = vec![DateRange { first: on(1), last: on(1) }];

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

/// Compares dates and times of day around a change with a clock that covers an equivalent change this many days
/// earlier.
fn time_difference(clock: &Clock, zone: Zone, change: ClockChange, days: i64) -> Option<String> {
    let show = |instant| zone.to_rfc3339(instant);
    let earlier = |date: NaiveDate| date_of_number(day_number(date) - days);
    let second_of =
        |date, minute| Timestamp::from_seconds(clock.second_of(earlier(date), minute) + days * DAY);
    for quarter in -120..120 {
        let instant = Timestamp::from_seconds(change.at + quarter * 900);
        let found = zone.scheduling_date(instant);
        let expected = clock.date_of(instant.plus(-days * DAY));
        if earlier(found) != expected {
            let expected = date_of_number(day_number(expected) + days);
            return Some(format!("{zone:?}: {} is on {found} instead of {expected}", show(instant)));
        }
    }
    let date = (change.at + change.after).div_euclid(DAY);
    for date in (date - 1..=date + 1).map(date_of_number) {
        for minute in (0..=1440).step_by(15) {
            let time = LocalTime::from_minutes(minute).unwrap();
            let (found, expected) = (zone.resolve(date, time), second_of(date, minute.into()));
            if found != expected {
                let (found, expected) = (show(found), show(expected));
                return Some(format!("{zone:?}: {date} {time} is {found} instead of {expected}"));
            }
        }
        let (found, expected) =
            (zone.local_day_span(date), TimeSpan::new(second_of(date, 0), second_of(date, 1440)));
        if found != expected {
            return Some(format!("{zone:?}: {date} is {found:?} instead of {expected:?}"));
        }
    }
    None
}

/// Returns a report for the first of these changes with a wrong result. The changes differ only by whole weeks, so
/// the model answers for the first one, and its answers are shifted for the others.
fn difference(equivalent: &[(Zone, ClockChange)]) -> Option<String> {
    let (zone, change) = equivalent[0];
    let answered = cases(zone, change);
    let clock = answered[0].1.clock();
    let expected: Vec<Vec<Slot>> = answered.iter().map(|(_, case)| case.expected(&clock)).collect();
    equivalent.iter().find_map(|(zone, other)| {
        let later = other.at - change.at;
        let wrong_slots =
            cases(*zone, *other).into_iter().zip(&expected).find_map(|((name, case), expected)| {
                let expected = expected.iter().map(|slot| Slot { start: slot.start.plus(later), ..*slot });
                if expected.eq(case.slots()) {
                    return None;
                }
                let (_, report) =
                    case.shrunk(Case::slots).expect("the model gives the same result for the change itself");
                Some(format!("{name}: {report}"))
            });
        wrong_slots.or_else(|| time_difference(&clock, *zone, *other, later / DAY))
    })
}

fn check(equivalent: &[Vec<(Zone, ClockChange)>]) {
    let wrong: Vec<String> =
        on_all_cores(equivalent, |equivalent| difference(equivalent)).into_iter().flatten().collect();
    assert!(
        wrong.is_empty(),
        "{} groups of changes differ from the model; the first:\n{}",
        wrong.len(),
        wrong[0]
    );
}

#[test]
fn every_group_of_clock_changes_agrees_with_the_model() {
    let equivalent = equivalent(AROUND);
    // A database without its history would make the test meaningless.
    let all: usize = equivalent.iter().map(Vec::len).sum();
    assert!(equivalent.len() > 300 && all > 25_000, "{all} changes in {} groups", equivalent.len());
    check(&equivalent);
}

#[test]
#[ignore = "runs the model for each change, which takes minutes"]
fn every_single_clock_change_agrees_with_the_model() {
    check(&equivalent(AROUND).into_iter().flatten().map(|change| vec![change]).collect::<Vec<_>>());
}

#[test]
fn no_clock_changes_back_within_the_offset_check() {
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
#[ignore = "samples every clock every quarter of an hour for 70 years, which takes minutes"]
fn sampling_every_quarter_of_an_hour_finds_no_other_change() {
    let found = on_all_cores(&all_zones(), |zone| (zone.name(), changes(*zone, 900)));
    let known: BTreeMap<&str, &Vec<ClockChange>> =
        all().iter().map(|(zone, changes)| (zone.name(), changes)).collect();
    assert_eq!(found.len(), known.len());
    for (zone, found) in &found {
        assert_eq!(known[zone], found, "{zone}");
    }
}
