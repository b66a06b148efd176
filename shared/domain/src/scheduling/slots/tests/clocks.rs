//! Historical days on which a clock skips or repeats time.

use super::*;
use crate::kernel::time::{HOUR, LocalTime};

fn resolve(zone: &str, on: &str, time: &str) -> String {
    let zone: Zone = zone.parse().unwrap();
    zone.to_rfc3339(zone.resolve(date(on), time.parse::<LocalTime>().unwrap()))
}

#[test]
fn skipped_time_moves_forward_and_repeated_time_is_its_first_occurrence() {
    for (zone, on, time, expected) in [
        ("America/New_York", "2027-03-14", "01:59", "2027-03-14T01:59:00-05:00"),
        ("America/New_York", "2027-03-14", "02:00", "2027-03-14T03:00:00-04:00"),
        ("America/New_York", "2027-03-14", "02:30", "2027-03-14T03:30:00-04:00"),
        ("America/New_York", "2027-11-07", "01:30", "2027-11-07T01:30:00-04:00"),
        ("America/New_York", "2027-11-07", "02:00", "2027-11-07T02:00:00-05:00"),
        ("Europe/Berlin", "2027-03-28", "02:30", "2027-03-28T03:30:00+02:00"),
        // Midnight is skipped.
        ("Africa/Cairo", "2024-04-26", "00:00", "2024-04-26T01:00:00+03:00"),
        ("Africa/Cairo", "2024-04-25", "24:00", "2024-04-26T01:00:00+03:00"),
        ("Africa/Cairo", "2024-04-26", "00:30", "2024-04-26T01:30:00+03:00"),
        ("Asia/Beirut", "2024-03-31", "00:00", "2024-03-31T01:00:00+03:00"),
        ("America/Santiago", "2024-09-08", "00:00", "2024-09-08T01:00:00-03:00"),
        ("America/Havana", "2024-03-10", "00:00", "2024-03-10T01:00:00-04:00"),
        // The hour before or after midnight occurs twice.
        ("Africa/Cairo", "2024-10-31", "23:30", "2024-10-31T23:30:00+03:00"),
        ("Africa/Cairo", "2024-10-31", "24:00", "2024-11-01T00:00:00+02:00"),
        ("Asia/Beirut", "2024-10-26", "23:00", "2024-10-26T23:00:00+03:00"),
        ("Asia/Beirut", "2024-10-27", "00:00", "2024-10-27T00:00:00+02:00"),
        ("America/Santiago", "2024-04-07", "00:00", "2024-04-07T00:00:00-04:00"),
        ("America/Havana", "2024-11-03", "00:00", "2024-11-03T00:00:00-04:00"),
        ("America/Havana", "2024-11-02", "24:00", "2024-11-03T00:00:00-04:00"),
        // The clock changes by half an hour.
        ("Australia/Lord_Howe", "2024-10-06", "02:10", "2024-10-06T02:40:00+11:00"),
        ("Australia/Lord_Howe", "2024-04-07", "01:45", "2024-04-07T01:45:00+11:00"),
        ("Australia/Lord_Howe", "2024-04-07", "02:00", "2024-04-07T02:00:00+10:30"),
        // A whole day is skipped.
        ("Pacific/Apia", "2011-12-29", "24:00", "2011-12-31T00:00:00+14:00"),
        ("Pacific/Apia", "2011-12-30", "09:00", "2011-12-31T09:00:00+14:00"),
        ("Pacific/Apia", "2011-12-30", "24:00", "2011-12-31T00:00:00+14:00"),
    ] {
        assert_eq!(resolve(zone, on, time), expected, "{zone} {on} {time}");
    }
}

#[test]
fn local_days_and_weeks_span_from_first_instant_to_first_instant() {
    for (zone, on, seconds) in [
        ("Europe/Berlin", "2027-03-27", DAY),
        ("Europe/Berlin", "2027-03-28", 23 * HOUR),
        ("Europe/Berlin", "2027-10-31", 25 * HOUR),
        ("Africa/Cairo", "2024-04-26", 23 * HOUR),
        ("Africa/Cairo", "2024-10-31", 25 * HOUR),
        ("America/Havana", "2024-11-03", 25 * HOUR),
        ("America/Santiago", "2024-04-06", 25 * HOUR),
        ("Australia/Lord_Howe", "2024-04-07", DAY + HOUR / 2),
        ("Pacific/Apia", "2011-12-29", DAY),
        ("Pacific/Apia", "2011-12-30", 0),
        // St. John's turned back from 00:01 to 23:01. The second 23:30 belongs to the date that had begun.
        ("America/St_Johns", "2006-10-28", DAY),
        ("America/St_Johns", "2006-10-29", 25 * HOUR),
    ] {
        let zone: Zone = zone.parse().unwrap();
        let day = zone.local_day_span(date(on));
        assert_eq!(day.seconds(), seconds, "{zone:?} {on}");
        if seconds > 0 {
            assert_eq!(zone.scheduling_date(day.start()), date(on));
            assert_eq!(zone.scheduling_date(day.end().plus(-1)), date(on));
        }
    }
    let zone: Zone = "Pacific/Apia".parse().unwrap();
    assert_eq!(zone.iso_week_span(date("2011-12-31")).seconds(), 6 * DAY);
    let zone: Zone = "Europe/Berlin".parse().unwrap();
    let week = span("2026-12-27T23:00:00Z", "2027-01-03T23:00:00Z");
    for on in ["2026-12-28", "2027-01-01", "2027-01-03"] {
        assert_eq!(zone.iso_week_span(date(on)), week);
    }
}

#[test]
fn steps_are_elapsed_time_across_clock_changes() {
    let rules = daily("America/New_York", &["00:30-04:00"]);
    let terms = terms(30, 60);
    assert_eq!(starts(&rules, &terms, "2027-03-14", "2027-03-15"), ["14T00:30", "14T01:30", "14T03:30"]);
    let repeated = ["07T00:30", "07T01:30-04:00", "07T01:30-05:00", "07T02:30", "07T03:30"];
    assert_eq!(starts(&rules, &terms, "2027-11-07", "2027-11-08"), repeated);
}

#[test]
fn window_in_a_gap_moves_and_window_in_a_repeated_hour_occurs_once() {
    let rules = daily("America/New_York", &["02:15-02:45"]);
    assert_eq!(starts(&rules, &terms(30, 30), "2027-03-14", "2027-03-15"), ["14T03:15"]);
    let rules = daily("America/New_York", &["01:15-01:45"]);
    assert_eq!(starts(&rules, &terms(30, 30), "2027-11-07", "2027-11-08"), ["07T01:15"]);
    // The window opens at 03:30, which is after it closes.
    let rules = daily("America/New_York", &["02:30-03:15"]);
    assert!(starts(&rules, &terms(15, 15), "2027-03-14", "2027-03-15").is_empty());
}

#[test]
fn windows_on_both_sides_of_a_gap_are_one_window() {
    let rules = daily("America/New_York", &["01:00-02:00", "03:00-04:00"]);
    assert_eq!(starts(&rules, &terms(90, 20), "2027-03-14", "2027-03-15"), ["14T01:00", "14T01:20"]);
    assert!(starts(&rules, &terms(90, 20), "2027-03-15", "2027-03-16").is_empty());
    // They share the grid of the first window.
    let expected = ["14T01:00", "14T01:25", "14T01:50", "14T03:15"];
    assert_eq!(starts(&rules, &terms(30, 25), "2027-03-14", "2027-03-15"), expected);
}

#[test]
fn windows_are_merged_on_the_wall_clock_before_conversion() {
    // The merged window ends at 03:00. The first window alone would end at 03:30.
    let rules = daily("America/New_York", &["01:00-02:30", "02:30-03:00"]);
    assert_eq!(starts(&rules, &terms(30, 30), "2027-03-14", "2027-03-15"), ["14T01:00", "14T01:30"]);
}

#[test]
fn skipped_closing_time_does_not_extend_into_the_next_date() {
    // Nuuk went from 23:00 to midnight. 23:30 would move to 00:30 of the next date.
    let rules = daily("America/Nuuk", &["22:00-23:30"]);
    let expected = ["30T22:00", "30T22:30", "31T22:00", "31T22:30", "31T23:00"];
    assert_eq!(starts(&rules, &terms(30, 30), "2024-03-30", "2024-04-01"), expected);
}

#[test]
fn window_continues_across_a_skipped_midnight() {
    for (zone, before, on, after) in [
        ("Africa/Cairo", "2024-04-25", "2024-04-26", "2024-04-27"),
        ("Asia/Beirut", "2024-03-30", "2024-03-31", "2024-04-01"),
        ("America/Santiago", "2024-09-07", "2024-09-08", "2024-09-09"),
        ("America/Havana", "2024-03-09", "2024-03-10", "2024-03-11"),
    ] {
        let rules = daily(zone, &["23:00-03:00"]);
        let found = starts(&rules, &terms(60, 60), before, after);
        let (first, second) = (&before[8..], &on[8..]);
        // There are only two hours between midnight and three.
        let night = [format!("{first}T23:00"), format!("{second}T01:00"), format!("{second}T02:00")];
        let at = found.iter().position(|start| *start == night[0]).unwrap();
        assert_eq!(found[at..at + 3], night, "{zone}");
        assert_eq!(found[at + 3], format!("{second}T23:00"), "{zone}");
    }
}

#[test]
fn repeated_hour_around_midnight_is_open_both_times() {
    // 23:00 to 24:00 occurs twice.
    for (zone, on, end) in [
        ("Africa/Cairo", "2024-10-31", "2024-11-01"),
        ("Asia/Beirut", "2024-10-26", "2024-10-27"),
        ("America/Santiago", "2024-04-06", "2024-04-07"),
    ] {
        let rules = daily(zone, &["22:30-24:00"]);
        assert_eq!(starts(&rules, &terms(30, 30), on, end).len(), 5, "{zone}");
        let whole = rules.time_zone.local_day_span(date(on));
        assert_eq!(whole.end(), at(&rules.time_zone.resolve(date(end), LocalTime::MIDNIGHT).to_string()));
    }
    // 00:00 to 01:00 occurs twice.
    let rules = daily("America/Havana", &["22:30-00:30"]);
    let found = starts(&rules, &terms(30, 30), "2024-11-02", "2024-11-04");
    assert_eq!(
        found,
        ["02T00:00", "02T22:30", "02T23:00", "02T23:30", "03T00:00", "03T22:30", "03T23:00", "03T23:30"]
    );
    let rules = daily("America/Havana", &["00:00-01:00"]);
    let found = starts(&rules, &terms(60, 60), "2024-11-03", "2024-11-04");
    assert_eq!(found, ["03T00:00-04:00", "03T00:00-05:00"]);
}

#[test]
fn clock_change_by_half_an_hour_is_supported() {
    let rules = daily("Australia/Lord_Howe", &["01:00-03:00"]);
    let found = starts(&rules, &terms(30, 30), "2024-10-06", "2024-10-07");
    assert_eq!(found, ["06T01:00", "06T01:30", "06T02:30"]);
    let found = starts(&rules, &terms(30, 30), "2024-04-07", "2024-04-08");
    assert_eq!(found, ["07T01:00", "07T01:30+11:00", "07T01:30+10:30", "07T02:00", "07T02:30"]);
}

#[test]
fn skipped_date_has_no_open_hours() {
    // Saturday the 31st followed Thursday the 29th.
    let rules = daily("Pacific/Apia", &["22:00-02:00"]);
    let terms = terms(60, 60);
    let found = starts(&rules, &terms, "2011-12-29", "2012-01-01");
    // Thursday's window would continue on Friday, and Friday's window never opens. Neither is open on Saturday.
    let expected = ["29T00:00", "29T01:00", "29T22:00", "29T23:00", "31T22:00", "31T23:00"];
    assert_eq!(found, expected);
    assert!(starts(&rules, &terms, "2011-12-30", "2011-12-31").is_empty());

    // Thursday's midnight is Saturday's, so open time on both sides is continuous.
    let rules = daily("Pacific/Apia", &["00:00-24:00"]);
    let found = starts(&rules, &super::terms(1440, 1440), "2011-12-29", "2012-01-02");
    assert_eq!(found, ["29T00:00", "31T00:00", "01T00:00"]);
    let rules = daily("Pacific/Apia", &["00:00-01:00", "23:20-24:00"]);
    let found = starts(&rules, &super::terms(45, 40), "2011-12-29", "2012-01-01");
    assert_eq!(found, ["29T00:00", "29T23:20", "31T00:00", "31T23:20"]);
}

#[test]
fn grid_follows_offsets_with_seconds() {
    // Until 1972-01-07, Monrovia was 44 minutes and 30 seconds behind UTC.
    let rules = daily("Africa/Monrovia", &["09:00-10:00"]);
    let busy = [
        span("1972-01-06T09:44:30Z", "1972-01-06T10:14:30Z"),
        span("1972-01-08T09:29:59Z", "1972-01-08T09:30:00Z"),
    ];
    let occupancy = BusyTimes { occupied: &busy, ..BusyTimes::default() };
    let range = dates(&rules, "1972-01-06", "1972-01-09");
    let found = slots(&rules, &terms(30, 30), &occupancy, range, Timestamp::MIN);
    let found: Vec<String> = found.iter().map(|slot| slot.start.to_string()).collect();
    let expected =
        ["1972-01-06T10:14:30Z", "1972-01-07T09:00:00Z", "1972-01-07T09:30:00Z", "1972-01-08T09:30:00Z"];
    assert_eq!(found, expected);
}
