use serde_json::{Value, json};

use super::open::open_pieces;
use super::*;
use crate::kernel::time::{DAY, HOUR, day_number};

fn checked(fields: Value) -> Result<(), String> {
    let mut rules = json!({ "time_zone": "Europe/Berlin" });
    rules.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let rules: AvailabilityRules = serde_json::from_value(rules).unwrap();
    rules.check().map_err(|invalid| invalid.to_string())
}

fn window(opens: &str, closes: &str) -> Value {
    json!({ "opens": opens, "closes": closes })
}

#[test]
fn windows_may_overlap_cross_midnight_and_last_the_whole_day() {
    let windows = [
        window("09:00", "24:00"),
        window("22:00", "02:00"),
        window("00:00", "24:00"),
        window("09:00", "08:59"),
        window("23:59", "00:00"),
    ];
    assert_eq!(
        checked(json!({ "weekly": { "monday": windows }, "overrides": { "2027-03-01": windows } })),
        Ok(())
    );
    assert_eq!(checked(json!({})), Ok(()));
}

#[test]
fn error_names_the_invalid_field() {
    let end = window("24:00", "02:00");
    let must = "must be before 24:00; a window from midnight opens at 00:00 of the next date";
    assert_eq!(
        checked(json!({ "weekly": { "friday": [window("09:00", "10:00"), end] } })),
        Err(format!("/weekly/friday/1/opens: {must}"))
    );
    assert_eq!(
        checked(json!({ "overrides": { "2027-03-01": [end] } })),
        Err(format!("/overrides/2027-03-01/0/opens: {must}"))
    );
    assert_eq!(
        checked(json!({ "extra": [{ "date": "2027-03-01", "opens": "24:00", "closes": "24:00" }] })),
        Err(format!("/extra/0/opens: {must}"))
    );
    assert_eq!(
        checked(json!({ "blocked": [{ "first": "2027-03-02", "last": "2027-03-01" }] })),
        Err("/blocked/0/last: must not be before the first date, 2027-03-02".to_owned())
    );
}

#[test]
fn all_violations_are_found_at_once() {
    let end = window("24:00", "02:00");
    let wrong = checked(json!({
        "weekly": { "monday": [end, end] },
        "blocked": [{ "first": "2027-03-02", "last": "2027-03-01" }],
        "extra": [{ "date": "2027-03-01", "opens": "24:00", "closes": "24:00" }],
    }));
    let wrong = wrong.expect_err("violations");
    let pointers: Vec<&str> =
        wrong.split("; ").filter_map(|one| one.split_once(": ")).map(|(pointer, _)| pointer).collect();
    let expected = ["/weekly/monday/0/opens", "/weekly/monday/1/opens", "/blocked/0/last", "/extra/0/opens"];
    assert!(expected.iter().all(|pointer| pointers.contains(pointer)), "{wrong}");
}

#[test]
fn window_must_not_close_when_it_opens() {
    let must = "must differ from opens; for the whole day, open at 00:00 and close at 24:00";
    for time in ["00:00", "09:00", "23:59"] {
        let equal = window(time, time);
        assert_eq!(
            checked(json!({ "weekly": { "friday": [window("09:00", "10:00"), equal] } })),
            Err(format!("/weekly/friday/1/closes: {must}"))
        );
        assert_eq!(
            checked(json!({ "overrides": { "2027-03-01": [equal] } })),
            Err(format!("/overrides/2027-03-01/0/closes: {must}"))
        );
        let extra = json!([{ "date": "2027-03-01", "opens": time, "closes": time }]);
        assert_eq!(checked(json!({ "extra": extra })), Err(format!("/extra/0/closes: {must}")));
    }
}

#[test]
fn stored_window_that_closes_when_it_opens_is_open_for_a_day() {
    let rules: AvailabilityRules = serde_json::from_value(json!({
        "time_zone": "UTC",
        "weekly": { "monday": [window("09:00", "09:00")] },
    }))
    .unwrap();
    let monday = day_number(NaiveDate::from_ymd_opt(2027, 3, 1).unwrap());
    let open = open_pieces(&rules, monday * DAY, (monday + 2) * DAY);
    let hours: Vec<_> =
        open.iter().map(|piece| ((piece.start / HOUR) % 24, (piece.end / HOUR) % 24)).collect();
    assert_eq!(hours, [(9, 0), (0, 9)]);
}

#[test]
fn number_of_windows_and_exceptions_is_limited() {
    let windows = vec![window("09:00", "10:00"); 13];
    let too_many = "must have at most 12 entries, got 13";
    assert_eq!(
        checked(json!({ "weekly": { "sunday": windows } })),
        Err(format!("/weekly/sunday: {too_many}"))
    );
    assert_eq!(
        checked(json!({ "overrides": { "2027-03-01": windows } })),
        Err(format!("/overrides/2027-03-01: {too_many}"))
    );
    let extra = vec![json!({ "date": "2027-03-01", "opens": "09:00", "closes": "10:00" }); 13];
    assert_eq!(
        checked(json!({ "extra": extra })),
        Err("/extra/12/date: must not be the date of more than 12 extra windows".to_owned())
    );
    let blocked = vec![json!({ "first": "2027-03-01", "last": "2027-03-01" }); 401];
    assert_eq!(
        checked(json!({ "blocked": blocked })),
        Err("/blocked: must have at most 400 entries, got 401".to_owned())
    );
}

#[test]
fn date_is_blocked_by_a_range_or_an_empty_override() {
    let rules: AvailabilityRules = serde_json::from_value(json!({
        "time_zone": "UTC",
        "blocked": [{ "first": "2027-03-02", "last": "2027-03-03" }],
        "overrides": { "2027-03-05": [], "2027-03-06": [window("09:00", "10:00")] },
    }))
    .unwrap();
    let blocked = |day: &u32| rules.is_blocked(NaiveDate::from_ymd_opt(2027, 3, *day).unwrap());
    assert_eq!((1..9).filter(blocked).collect::<Vec<_>>(), [2, 3, 5]);
}

#[test]
fn open_pieces_cover_exactly_the_days_of_the_range() {
    let rules: AvailabilityRules = serde_json::from_value(json!({
        "time_zone": "UTC",
        "weekly": { "monday": [window("09:00", "10:00")], "tuesday": [window("00:00", "10:00")] },
    }))
    .unwrap();
    // 1 March 2027 is a Monday.
    let monday = day_number(NaiveDate::from_ymd_opt(2027, 3, 1).unwrap());
    let days = |from: i64, until: i64| {
        let second = |hours: i64| monday * DAY + hours * HOUR;
        open_pieces(&rules, second(from), second(until))
            .iter()
            .map(|piece| piece.day - monday)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        [days(0, 24), days(0, 25), days(23, 25), days(24, 25)],
        [vec![0], vec![0, 1], vec![0, 1], vec![1]]
    );
    assert_eq!([days(5, 5), days(5, 4), days(48, 99)], [const { Vec::<i64>::new() }; 3]);
}
