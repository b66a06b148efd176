//! Days on which programs have failed, each with results worked out by hand and compared with the model.

use super::case::Case;
use super::*;

/// The starts on these dates, after checking that the model agrees. Local times that occur twice include their
/// offset.
fn checked_starts(zone: &str, windows: &[&str], terms: &SessionTerms, first: &str, end: &str) -> Vec<String> {
    let rules = daily(zone, windows);
    let range = dates(&rules, first, end);
    let case = Case {
        rules,
        terms: *terms,
        occupied: Vec::new(),
        sessions: Vec::new(),
        groups: Vec::new(),
        range,
        now: Timestamp::MIN,
    };
    if let Some((_, report)) = case.clone().shrunk(Case::slots) {
        panic!("{report}");
    }
    shown(&case.rules, &case.slots())
}

/// The length of a date in minutes.
fn minutes(zone: &str, on: &str) -> i64 {
    zone.parse::<Zone>().unwrap().local_day_span(date(on)).seconds() / MINUTE
}

#[test]
fn london_changes_at_one_and_at_two() {
    let night = &["00:30-03:00"];
    let found = checked_starts("Europe/London", night, &terms(30, 30), "2027-03-28", "2027-03-29");
    assert_eq!(found, ["28T00:30", "28T02:00", "28T02:30"]);
    let found = checked_starts("Europe/London", night, &terms(30, 30), "2027-10-31", "2027-11-01");
    let expected = [
        "31T00:30",
        "31T01:00+01:00",
        "31T01:30+01:00",
        "31T01:00+00:00",
        "31T01:30+00:00",
        "31T02:00",
        "31T02:30",
    ];
    assert_eq!(found, expected);
    assert_eq!(
        (minutes("Europe/London", "2027-03-28"), minutes("Europe/London", "2027-10-31")),
        (1_380, 1_500)
    );
    // There was no change in 1970: London was an hour ahead of UTC the whole year, and on UTC in winter only from
    // 1971 on.
    let found = checked_starts("Europe/London", night, &terms(60, 60), "1970-10-25", "1970-10-26");
    assert_eq!(found, ["25T00:30", "25T01:30"]);
    assert_eq!(minutes("Europe/London", "1971-10-31"), 1_500);
}

#[test]
fn session_in_new_york_can_span_the_change_at_two() {
    let zone = "America/New_York";
    let found = checked_starts(zone, &["22:00-04:00"], &terms(240, 60), "2027-03-13", "2027-03-14");
    // The window is six hours on the wall clock, but five elapsed hours.
    assert_eq!(found, ["13T00:00", "13T22:00", "13T23:00"]);
    let found = checked_starts(zone, &["22:00-04:00"], &terms(240, 60), "2027-11-06", "2027-11-08");
    // Here it is seven elapsed hours, so one more session fits: from the first 01:00 to 04:00.
    let expected = ["06T00:00", "06T22:00", "06T23:00", "07T00:00", "07T01:00", "07T22:00", "07T23:00"];
    assert_eq!(found, expected);
}

#[test]
fn lord_howe_changes_by_half_an_hour() {
    let zone = "Australia/Lord_Howe";
    let found = checked_starts(zone, &["01:20-02:50"], &terms(20, 20), "2024-10-06", "2024-10-07");
    assert_eq!(found, ["06T01:20", "06T01:40", "06T02:30"]);
    let found = checked_starts(zone, &["01:20-02:50"], &terms(20, 20), "2024-04-07", "2024-04-08");
    let expected = ["07T01:20", "07T01:40", "07T01:30", "07T01:50", "07T02:10", "07T02:30"];
    assert_eq!(found, expected);
    assert_eq!((minutes(zone, "2024-10-06"), minutes(zone, "2024-04-07")), (1_410, 1_470));
}

#[test]
fn apia_skipped_the_thirtieth_of_december_2011() {
    let zone = "Pacific/Apia";
    let found = checked_starts(zone, &["09:00-11:00"], &terms(60, 60), "2011-12-29", "2012-01-01");
    assert_eq!(found, ["29T09:00", "29T10:00", "31T09:00", "31T10:00"]);
    assert_eq!(minutes(zone, "2011-12-30"), 0);
    let found = checked_starts(zone, &["00:00-24:00"], &terms(720, 720), "2011-12-29", "2012-01-01");
    assert_eq!(found, ["29T00:00", "29T12:00", "31T00:00", "31T12:00"]);
}

#[test]
fn casablanca_turns_back_during_ramadan() {
    // Casablanca was an hour ahead of UTC in 2024, except during Ramadan, from 10 March to 14 April.
    let zone = "Africa/Casablanca";
    let found = checked_starts(zone, &["01:00-04:00"], &terms(60, 60), "2024-03-10", "2024-03-11");
    assert_eq!(found, ["10T01:00", "10T02:00+01:00", "10T02:00+00:00", "10T03:00"]);
    let found = checked_starts(zone, &["01:00-04:00"], &terms(60, 60), "2024-04-14", "2024-04-15");
    assert_eq!(found, ["14T01:00", "14T03:00"]);
}

#[test]
fn kathmandu_changed_from_a_half_hour_to_a_quarter_hour_offset() {
    // On 1986-01-01, clocks went from 00:00 to 00:15.
    let zone = "Asia/Kathmandu";
    let found = checked_starts(zone, &["23:30-01:00"], &terms(15, 30), "1985-12-31", "1986-01-02");
    assert_eq!(found, ["31T00:00", "31T00:30", "31T23:30", "01T00:15", "01T00:45", "01T23:30"]);
    assert_eq!(minutes(zone, "1986-01-01"), 1_425);
    let found = checked_starts(zone, &["09:00-10:00"], &terms(60, 60), "2027-03-01", "2027-03-02");
    assert_eq!(found, ["01T09:00"]);
    let rules = daily(zone, &["09:00-10:00"]);
    let range = dates(&rules, "2027-03-01", "2027-03-02");
    let start = slots(&rules, &terms(60, 60), &BusyTimes::default(), range, Timestamp::MIN)[0].start;
    assert_eq!(start, at("2027-03-01T03:15:00Z"));
}

#[test]
fn st_johns_changed_a_minute_after_midnight() {
    // Until 2011, the clock went forward at 00:01 to 01:01, and back at 00:01 to 23:01 of the day before.
    let zone = "America/St_Johns";
    let found = checked_starts(zone, &["23:30-01:30"], &terms(30, 30), "2006-04-01", "2006-04-03");
    // A session that begins at 00:00 ends at 01:30.
    assert_eq!(found, ["01T00:00", "01T00:30", "01T01:00", "01T23:30", "02T00:00", "02T23:30"]);
    // The date that had begun continues through the repeated hour.
    assert_eq!((minutes(zone, "2006-10-28"), minutes(zone, "2006-10-29")), (1_440, 1_500));
    let found = checked_starts(zone, &["00:00-24:00"], &terms(60, 60), "2006-10-29", "2006-10-30");
    assert_eq!(found.len(), 25);
    assert_eq!(found[..3], ["29T00:00-02:30", "29T00:00-03:30", "29T01:00"]);
}

#[test]
fn troll_changes_by_two_hours() {
    let zone = "Antarctica/Troll";
    let found = checked_starts(zone, &["00:30-04:00"], &terms(30, 60), "2024-03-31", "2024-04-01");
    assert_eq!(found, ["31T00:30", "31T03:30"]);
    let found = checked_starts(zone, &["00:30-04:00"], &terms(60, 60), "2024-10-27", "2024-10-28");
    let expected = ["27T00:30", "27T01:30+02:00", "27T02:30+02:00", "27T01:30+00:00", "27T02:30+00:00"];
    assert_eq!(found, expected);
    assert_eq!((minutes(zone, "2024-03-31"), minutes(zone, "2024-10-27")), (1_320, 1_560));
}

#[test]
fn dates_without_midnight_begin_at_one() {
    for (zone, before, on, after) in [
        ("America/Sao_Paulo", "2018-11-03", "2018-11-04", "2018-11-05"),
        ("Asia/Beirut", "2024-03-30", "2024-03-31", "2024-04-01"),
    ] {
        assert_eq!(minutes(zone, on), 1_380);
        let first = zone.parse::<Zone>().unwrap().local_day_span(date(on)).start();
        let zone_of = |instant| zone.parse::<Zone>().unwrap().to_rfc3339(instant);
        assert!(zone_of(first).starts_with(&format!("{on}T01:00:00")));
        // The grid of a day that is open all day begins with the day. A window from 00:00 to 01:00 is empty, because
        // its opening moves forward to its end.
        let found = checked_starts(zone, &["00:00-24:00"], &terms(60, 240), on, after);
        let hours: Vec<&str> = found.iter().map(|start| &start[3..]).collect();
        assert_eq!(hours, ["01:00", "05:00", "09:00", "13:00", "17:00", "21:00"]);
        let found = checked_starts(zone, &["00:00-01:00"], &terms(30, 30), on, after);
        assert!(found.is_empty(), "{found:?}");
        // The window of the evening before ends at the skipped midnight.
        let found = checked_starts(zone, &["23:00-24:00"], &terms(30, 30), before, on);
        assert_eq!(found.iter().map(|start| &start[3..]).collect::<Vec<_>>(), ["23:00", "23:30"]);
    }
}

#[test]
fn monrovia_was_44_minutes_and_30_seconds_behind() {
    // Until 1972-01-07 00:00, when the clock went to 00:44:30.
    let zone = "Africa/Monrovia";
    let rules = daily(zone, &["00:00-01:30"]);
    let found = checked_starts(zone, &["00:00-01:30"], &terms(30, 30), "1972-01-06", "1972-01-08");
    assert_eq!(found[..3], ["06T00:00", "06T00:30", "06T01:00"]);
    assert_eq!(found[3..], ["07T00:44"]);
    let first = |on: &str, end: &str| {
        slots(&rules, &terms(30, 30), &BusyTimes::default(), dates(&rules, on, end), Timestamp::MIN)[0].start
    };
    assert_eq!(first("1971-06-01", "1971-06-02"), at("1971-06-01T00:44:30Z"));
    assert_eq!(first("1972-01-07", "1972-01-08"), at("1972-01-07T00:44:30Z"));
    assert_eq!(first("1972-01-08", "1972-01-09"), at("1972-01-08T00:00:00Z"));
    assert_eq!(
        zone.parse::<Zone>().unwrap().local_day_span(date("1972-01-07")).seconds(),
        DAY - 44 * 60 - 30
    );
}
