//! Every zone of the time zone database at the limits of the timestamp range.

use super::*;
use crate::experts::session_type::BookingWindow;
use crate::kernel::time::{LocalTime, wall_second};

#[test]
fn dates_at_the_limits_of_the_range_are_supported() {
    let rules = daily("UTC", &["00:00-24:00"]);
    let ends = [
        TimeSpan::new(Timestamp::MIN, Timestamp::MIN.plus(2 * DAY)),
        TimeSpan::new(Timestamp::MAX.plus(-2 * DAY), Timestamp::MAX),
    ];
    let busy = [
        TimeSpan::new(Timestamp::MIN, Timestamp::MIN.plus(1)),
        TimeSpan::new(Timestamp::MAX.plus(-1), Timestamp::MAX),
    ];
    let occupancy = BusyTimes {
        occupied: &busy,
        sessions: &[
            TimeSpan::new(Timestamp::MIN, Timestamp::MIN),
            TimeSpan::new(Timestamp::MAX, Timestamp::MAX),
        ],
        groups: &[(Timestamp::MIN, 1)],
    };
    let terms = SessionTerms {
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
                assert!(
                    zone.local_day_span(zone.scheduling_date(start)).contains(start)
                        || start == Timestamp::MAX
                );
            }
        }
        assert!(slots(&rules, &terms, &occupancy, ends[1], Timestamp::MAX).is_empty());
        for time in [LocalTime::MIDNIGHT, LocalTime::END_OF_DAY] {
            assert_eq!(zone.resolve(NaiveDate::MIN, time), Timestamp::MIN);
            assert_eq!(zone.resolve(NaiveDate::MAX, time), Timestamp::MAX);
        }
        for date in [NaiveDate::MIN, NaiveDate::MAX] {
            assert!(zone.local_day_span(date).is_empty() && zone.iso_week_span(date).is_empty());
        }
    }
    assert_eq!(wall_second(0, LocalTime::END_OF_DAY), DAY);
}

#[test]
fn first_and_last_day_of_the_range_have_all_their_starts() {
    let rules = daily("UTC", &["00:00-24:00"]);
    for (first, end) in [("1970-01-01", "1970-01-02"), ("9999-12-30", "9999-12-31")] {
        assert_eq!(starts(&rules, &terms(60, 60), first, end).len(), 24, "{first}");
    }
}

#[test]
fn slots_of_the_whole_timestamp_range_can_be_listed() {
    let rules = rules("Europe/Berlin", |rules| {
        rules.overrides.insert(on("9999-06-01"), windows(&["09:00-10:00"]));
    });
    let everything = TimeSpan::new(Timestamp::MIN, Timestamp::MAX);
    let found = slots(&rules, &terms(60, 60), &BusyTimes::default(), everything, Timestamp::MIN);
    assert_eq!(shown(&rules, &found), ["01T09:00"]);
}

#[test]
fn unchecked_terms_and_rules_do_not_panic() {
    let mut rules = daily("America/New_York", &["09:00-17:00"]);
    let late =
        crate::experts::availability::Window { opens: LocalTime::END_OF_DAY, closes: LocalTime::END_OF_DAY };
    rules.weekly.monday = vec![late; 1000];
    rules.blocked = vec![range("2027-03-09", "2027-03-02")];
    let range = dates(&rules, "2027-03-01", "2027-03-10");
    for (length, step) in [(0, 0), (0, 1), (u16::MAX, u16::MAX), (1, 0)] {
        let terms = SessionTerms {
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
        let occupancy = BusyTimes { occupied: &busy, ..BusyTimes::default() };
        assert!(slots(&rules, &terms, &occupancy, range, Timestamp::MIN).is_empty());
        let terms = SessionTerms { minimum_notice_minutes: 0, daily_cap: None, ..terms };
        slots(&rules, &terms, &occupancy, range, Timestamp::MIN);
        let _ = explain(&rules, &terms, &occupancy, range.start(), Timestamp::MIN);
        for days in [0, u16::MAX] {
            for booking_window in [BookingWindow::FreeDays { days }, BookingWindow::BusinessDays { days }] {
                let terms = SessionTerms { booking_window, daily_minutes_cap: Some(0), ..terms };
                for now in [Timestamp::MIN, Timestamp::MAX] {
                    slots(&rules, &terms, &occupancy, range, now);
                    let _ = explain(&rules, &terms, &occupancy, range.start(), now);
                    let _ = why_empty(&rules, &terms, &occupancy, range, now);
                }
            }
        }
    }
}
