//! Random rules against the model, and properties that hold for any rules.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::case::Case;
use super::changes::{all, offset};
use super::*;
use crate::experts::availability::{DateRange, ExtraWindow, WeeklyHours, Window};
use crate::experts::session_type::BookingWindow;
use crate::kernel::time::{Date, HOUR, LocalTime};

/// Minutes on the wall clock. Special values are more likely.
fn minutes() -> impl Strategy<Value = u16> {
    prop_oneof![4 => (0..96_u16).prop_map(|quarter| quarter * 15), 2 => Just(0_u16), 1 => 0..1440_u16]
}

fn window() -> impl Strategy<Value = Window> {
    let closes = prop_oneof![5 => minutes(), 1 => Just(1440)];
    (minutes(), closes).prop_map(|(opens, closes)| Window {
        opens: LocalTime::from_minutes(opens).unwrap(),
        closes: LocalTime::from_minutes(closes).unwrap(),
    })
}

fn windows() -> impl Strategy<Value = Vec<Window>> {
    let all_day = Window { opens: LocalTime::MIDNIGHT, closes: LocalTime::END_OF_DAY };
    prop_oneof![4 => prop::collection::vec(window(), 0..4), 1 => Just(vec![all_day])]
}

fn weekly() -> impl Strategy<Value = WeeklyHours> {
    let same = windows().prop_map(|windows| [(); 7].map(|()| windows.clone()));
    prop_oneof![same, prop::array::uniform7(windows())].prop_map(
        |[monday, tuesday, wednesday, thursday, friday, saturday, sunday]| WeeklyHours {
            monday,
            tuesday,
            wednesday,
            thursday,
            friday,
            saturday,
            sunday,
        },
    )
}

/// A zone and a second, usually that of a clock change.
fn moment() -> impl Strategy<Value = (Zone, i64)> {
    let changes: usize = all().iter().map(|(_, changes)| changes.len()).sum();
    let change = (0..changes).prop_map(|at| {
        let changes =
            all().iter().flat_map(|(zone, changes)| changes.iter().map(|change| (*zone, change.at)));
        changes.clone().nth(at).unwrap()
    });
    let any_day = (0..all().len(), 10..25_000_i64).prop_map(|(zone, day)| (all()[zone].0, day * DAY));
    prop_oneof![1 => any_day, 4 => change]
}

/// A number of days relative to the moment.
fn near_day() -> impl Strategy<Value = i64> {
    prop_oneof![2 => 0..2_i64, 1 => -3..4_i64]
}

/// A number of seconds relative to the moment, within a few days. Whole quarters of an hour are more likely.
fn near() -> impl Strategy<Value = i64> {
    prop_oneof![
        2 => (-20..20_i64).prop_map(|quarter| quarter * 900),
        3 => (-300..300_i64).prop_map(|quarter| quarter * 900),
        1 => -3 * DAY..3 * DAY,
    ]
}

/// Overrides, blocked ranges as first day and length, and extra windows.
type Exceptions = (BTreeMap<i64, Vec<Window>>, Vec<(i64, i64)>, Vec<(i64, Window)>);

fn exceptions() -> impl Strategy<Value = Exceptions> {
    let some = (
        prop::collection::btree_map(near_day(), windows(), 0..3),
        prop::collection::vec((near_day(), 0..2_i64), 0..2),
        prop::collection::vec((near_day(), window()), 0..3),
    );
    prop_oneof![Just(Exceptions::default()), some]
}

fn rules_around(
    zone: Zone,
    day: i64,
    weekly: WeeklyHours,
    (overrides, blocked, extra): Exceptions,
) -> AvailabilityRules {
    let date = |days: i64| Date::try_from(date_of_number(day + days)).unwrap();
    AvailabilityRules {
        time_zone: zone,
        weekly,
        overrides: overrides.into_iter().map(|(days, windows)| (date(days), windows)).collect(),
        blocked: blocked
            .into_iter()
            .map(|(days, more)| DateRange { first: date(days), last: date(days + more) })
            .collect(),
        extra: extra
            .into_iter()
            .map(|(days, Window { opens, closes })| ExtraWindow { date: date(days), opens, closes })
            .collect(),
    }
}

/// A booking window with dates relative to the moment.
#[derive(Debug, Clone, Copy)]
enum Ahead {
    Ever,
    Rolling(u16),
    Days(i64, i64),
    Business(u16),
    Free(u16),
}

/// Terms that are bookable on any date, and a booking window.
fn booking() -> impl Strategy<Value = (SessionTerms, Ahead)> {
    let length = prop_oneof![4 => select(vec![15_u16, 30, 45, 60, 90]), 1 => 1..=1440_u16];
    let step = prop_oneof![4 => select(vec![5_u16, 15, 20, 30, 45, 60]), 1 => 1..=1440_u16];
    let buffers = (select(vec![0_u16, 0, 5, 17, 720]), select(vec![0_u16, 0, 10, 23, 720]));
    let rolling = (0..5_u16).prop_map(Ahead::Rolling);
    let some_days = (-3..3_i64, 0..4_i64).prop_map(|(first, days)| Ahead::Days(first, first + days));
    let business = (0..5_u16).prop_map(Ahead::Business);
    let free = (1..5_u16).prop_map(Ahead::Free);
    let ahead = prop_oneof![4 => Just(Ahead::Ever), 2 => rolling, 2 => some_days, 1 => business, 1 => free];
    let cap = || prop_oneof![2 => Just(None), 1 => (1..3_u16).prop_map(Some)];
    let minutes = prop_oneof![2 => Just(None), 1 => (1..150_u16).prop_map(Some)];
    let caps = (cap(), minutes, cap());
    (length, step, buffers, select(vec![0_u32, 120, 1441]), ahead, caps, 1..4_u16).prop_map(
        |(length, step, (before, after), notice, ahead, (daily, minutes, weekly), capacity)| {
            let terms = SessionTerms {
                buffer_before_minutes: before,
                buffer_after_minutes: after,
                minimum_notice_minutes: notice,
                daily_cap: daily,
                // Room for the first session of a day.
                daily_minutes_cap: minutes.map(|more| (length + more).min(1_440)),
                weekly_cap: weekly,
                capacity,
                ..terms(length, step)
            };
            (terms, ahead)
        },
    )
}

/// All times are relative to the moment, so shrinking the moment keeps the structure of a failing case.
fn case() -> impl Strategy<Value = Case> {
    let occupancy = (
        prop::collection::vec((near(), prop_oneof![Just(0), Just(1800), 0..9000_i64]), 0..12),
        prop::collection::vec((near(), 60..9000_i64), 0..4),
        prop::collection::btree_map(near(), 0..3_u16, 0..3),
    );
    (moment(), weekly(), exceptions(), booking(), occupancy, (near(), near()), near()).prop_map(
        |((zone, center), weekly, exceptions, (terms, ahead), occupancy, (one, other), now)| {
            let at = |seconds: i64| Timestamp::from_seconds(center + seconds);
            let day = (center + offset(zone, center)).div_euclid(DAY);
            let date = |days: i64| Date::try_from(date_of_number(day + days)).unwrap();
            let booking_window = match ahead {
                Ahead::Ever => terms.booking_window,
                Ahead::Rolling(days) => BookingWindow::Rolling { days },
                Ahead::Business(days) => BookingWindow::BusinessDays { days },
                Ahead::Free(days) => BookingWindow::FreeDays { days },
                Ahead::Days(first, last) => BookingWindow::Dates { first: date(first), last: date(last) },
            };
            let (occupied, sessions, groups) = occupancy;
            Case {
                rules: rules_around(zone, day, weekly, exceptions),
                terms: SessionTerms { booking_window, ..terms },
                occupied: occupied
                    .into_iter()
                    .map(|(start, seconds)| TimeSpan::new(at(start), at(start + seconds)))
                    .collect(),
                sessions: sessions
                    .into_iter()
                    .map(|(start, seconds)| TimeSpan::new(at(start), at(start + seconds)))
                    .collect(),
                groups: groups.into_iter().map(|(start, seats)| (at(start), seats)).collect(),
                range: TimeSpan::new(at(one.min(other)), at(one.max(other))),
                // Most of the days lie in the future.
                now: at(now - 36 * HOUR),
            }
        },
    )
}

fn configured(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(configured(1_000))]

    #[test]
    fn engine_and_model_offer_the_same_slots(case in case()) {
        if let Some(report) = case.disagreement(Case::slots) {
            return Err(TestCaseError::fail(report));
        }
    }
}

proptest! {
    #![proptest_config(configured(256))]

    #[test]
    fn slots_of_a_range_are_those_of_its_parts(
        case in case(),
        cuts in prop::collection::vec(any::<Index>(), 1..6),
    ) {
        let seconds = usize::try_from(case.range.seconds()).unwrap() + 1;
        let mut cuts: Vec<Timestamp> =
            cuts.iter().map(|cut| case.range.start().plus(cut.index(seconds) as i64)).collect();
        cuts.extend([case.range.start(), case.range.end()]);
        cuts.sort_unstable();
        let parts: Vec<Slot> =
            cuts.windows(2).flat_map(|ends| case.slots_in(TimeSpan::new(ends[0], ends[1]))).collect();
        prop_assert_eq!(case.slots(), parts);
    }

    /// The reason for an empty range is the last rule that refuses a start in it, in the order of the rules.
    #[test]
    fn reason_for_an_empty_range_agrees_with_the_refusals_of_its_starts(case in case()) {
        let Case { rules, terms, range, now, .. } = &case;
        if !case.slots().is_empty() || range.is_empty() {
            return Ok(());
        }
        let why = why_empty(rules, terms, &case.busy_times(), *range, *now);
        let ever = SessionTerms {
            booking_window: super::terms(1, 1).booking_window,
            minimum_notice_minutes: 0,
            ..*terms
        };
        let open = slots(rules, &ever, &BusyTimes::default(), *range, Timestamp::MIN);
        let seconds = range.seconds();
        let starts = (0..seconds).step_by((seconds / 200).max(1) as usize).map(|at| range.start().plus(at));
        // The bookable part of the range can be shorter than a step.
        let earliest = now.plus(i64::from(terms.minimum_notice_minutes) * MINUTE);
        let edges = [earliest, range.end().plus(-1)].into_iter().filter(|start| range.contains(*start));
        let groups = case.groups.iter().map(|(start, _)| *start).filter(|start| range.contains(*start));
        let stage = |start: Timestamp| match explain(rules, terms, &case.busy_times(), start, *now).unwrap_err() {
            Refusal::AfterWindow { .. } | Refusal::BeforeWindow { .. } => EmptyReason::OutsideBookingWindow,
            Refusal::TooSoon { .. } => EmptyReason::NoticeTooShort,
            Refusal::OutsideHours => EmptyReason::NoHours,
            Refusal::Blocked { .. } => EmptyReason::Blocked,
            Refusal::PastClosing { .. } => EmptyReason::HoursTooShort,
            Refusal::NotOnGrid => EmptyReason::NoStart,
            Refusal::Taken | Refusal::NoSeatLeft => EmptyReason::AllTaken,
            Refusal::DayFull { .. } | Refusal::DayMinutesFull { .. } | Refusal::WeekFull { .. } => {
                EmptyReason::CapsReached
            }
        };
        let last = open.iter().map(|slot| slot.start).chain(starts).chain(edges).chain(groups).map(stage).max().unwrap();
        match why {
            // Without the blocked dates there would be starts; the other dates may be closed or open too short.
            EmptyReason::Blocked => {
                prop_assert!(last >= EmptyReason::NoHours && last <= EmptyReason::NoStart, "{last:?}");
            }
            // The samples may miss a short window.
            EmptyReason::HoursTooShort | EmptyReason::NoStart => {
                prop_assert!(last <= EmptyReason::NoStart, "{last:?}");
            }
            EmptyReason::NoHours => {
                prop_assert!(last == why || last == EmptyReason::Blocked, "{last:?}");
            }
            _ => prop_assert_eq!(why, last),
        }
    }

    #[test]
    fn explain_agrees_with_slots(case in case()) {
        let offered = case.slots();
        // What is free with nothing occupied; the booking window is that of the case.
        let period = BookablePeriod::new(&case.rules, &case.terms, &case.busy_times(), case.now);
        let ever = SessionTerms { booking_window: terms(1, 1).booking_window, ..case.terms };
        let mut free = slots(&case.rules, &ever, &BusyTimes::default(), case.range, case.now);
        free.retain(|slot| period.check(slot.start).is_ok());
        let quarters = case.range.start().seconds() / 900..case.range.end().seconds() / 900;
        let quarters = quarters
            .map(|quarter| Timestamp::from_seconds(quarter * 900))
            .filter(|quarter| case.range.contains(*quarter));
        let both = offered.iter().chain(&free).map(|slot| slot.start).take(50);
        for start in quarters.chain(both) {
            let explained = explain(&case.rules, &case.terms, &case.busy_times(), start, case.now);
            let is_offered = offered.binary_search_by_key(&start, |slot| slot.start).is_ok();
            prop_assert_eq!(explained.is_ok(), is_offered, "{}: {:?}", start, explained);
            let checked =
                period.check(start).and_then(|()| check_hours(&case.rules, &case.terms, start));
            let is_free = free.binary_search_by_key(&start, |slot| slot.start).is_ok();
            prop_assert_eq!(checked.is_ok(), is_free, "{}: {:?}", start, checked);
            if let Err(Refusal::OutsideHours | Refusal::Blocked { .. }) = checked {
                let date = case.rules.time_zone.scheduling_date(start);
                let blocked = checked == Err(Refusal::Blocked { date });
                prop_assert_eq!(case.rules.is_blocked(date), blocked, "{}: {:?}", start, checked);
            }
        }
    }
}
