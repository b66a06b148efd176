//! Parsing and formatting of instants, dates and times of day, and days at the limits of time zones.

use schemars::schema_for;

use super::*;

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

#[test]
fn only_the_canonical_time_of_day_parses() {
    for (text, minutes) in [("00:00", 0), ("09:05", 545), ("23:59", 1_439), ("24:00", 1_440)] {
        let time: LocalTime = text.parse().unwrap();
        assert_eq!(
            (time.minutes(), time.to_string(), String::from(time)),
            (minutes, text.into(), text.into())
        );
        assert_eq!(LocalTime::from_minutes(minutes), Ok(time));
    }
    for wrong in ["9:05", "09:5", "009:05", "+9:05", "09:+5", "09:60", "24:01", "0905", "09:05:00", ""] {
        assert_eq!(wrong.parse::<LocalTime>(), Err(InvalidLocalTime), "{wrong}");
    }
    assert_eq!(LocalTime::from_minutes(1_441), Err(InvalidLocalTime));
}

#[test]
fn only_the_canonical_date_parses() {
    let date: Date = "2027-03-05".parse().unwrap();
    assert_eq!((date.to_string(), String::from(date)), ("2027-03-05".into(), "2027-03-05".into()));
    for wrong in
        ["2027-03-5", "2027-3-005", "+2027-3-05", "2027/03/05", "2027-02-29", "1969-12-31", "10000-01-01"]
    {
        assert_eq!(wrong.parse::<Date>(), Err(InvalidDate), "{wrong}");
    }
}

#[test]
fn timestamps_are_clamped_to_the_supported_years() {
    assert_eq!(Timestamp::from_seconds(-1), Timestamp::MIN);
    assert_eq!(Timestamp::MIN.to_string(), "1970-01-01T00:00:00Z");
    assert_eq!(Timestamp::MAX.plus(1), Timestamp::MAX);
    assert_eq!(Timestamp::MAX.plus(-1).plus(1), Timestamp::MAX);
    assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59Z");
}

#[test]
fn span_contains_its_start_but_not_its_end() {
    let at = Timestamp::from_seconds;
    let span = TimeSpan::new(at(10), at(20));
    assert_eq!((span.seconds(), span.is_empty()), (10, false));
    assert_eq!([9, 10, 19, 20].map(|second| span.contains(at(second))), [false, true, true, false]);
    let days = |from, to| TimeSpan::new(at(from), at(to)).utc_dates().count();
    assert_eq!([days(0, DAY), days(0, DAY + 1), days(DAY - 1, DAY + 1), days(DAY, DAY)], [1, 2, 2, 0]);
}

#[test]
fn day_is_the_local_date_of_the_zone() {
    let noon: Timestamp = "2027-03-05T11:00:00Z".parse().unwrap();
    let days =
        ["Etc/GMT+12", "UTC", "Pacific/Kiritimati"].map(|name| zone(name).scheduling_date(noon).to_string());
    assert_eq!(days, ["2027-03-04", "2027-03-05", "2027-03-06"]);
}

#[test]
fn first_second_clamps_two_days_outside_the_range() {
    let (first, last) = (Timestamp::MIN.seconds() - 2 * DAY, Timestamp::MAX.seconds() + 2 * DAY);
    for (wall, second) in [(i64::MIN, first), (first, first), (last, last), (i64::MAX, last)] {
        assert_eq!(Zone::UTC.first_second(wall), second);
    }
    assert_eq!((date_of_number(i64::MIN), date_of_number(i64::MAX)), (NaiveDate::MIN, NaiveDate::MAX));
    assert_eq!(date_of_number(-1).to_string(), "1969-12-31");
}

#[test]
fn schemas_describe_the_format() {
    let property = |schema: schemars::Schema, key: &str| {
        schema.get(key).and_then(|text| text.as_str().map(str::to_owned))
    };
    assert_eq!(property(schema_for!(Timestamp), "format").as_deref(), Some("date-time"));
    assert_eq!(property(schema_for!(Date), "format").as_deref(), Some("date"));
    let pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$";
    assert_eq!(property(schema_for!(LocalTime), "pattern").as_deref(), Some(pattern));
    assert_eq!(property(schema_for!(Zone), "type").as_deref(), Some("string"));
}

#[test]
fn offset_is_positive_ahead_of_utc() {
    let summer: Timestamp = "2027-07-01T00:00:00Z".parse().unwrap();
    for (name, minutes) in [("UTC", 0), ("Asia/Kathmandu", 345), ("America/New_York", -240)] {
        assert_eq!(zone(name).offset(summer.seconds()), minutes * MINUTE, "{name}");
    }
}

#[test]
fn a_stored_zone_that_left_the_database_keeps_its_name_and_shows_utc() {
    let left = Zone::from_stored("Mars/Olympus_Mons");
    assert_eq!(left.name(), "Mars/Olympus_Mons");
    assert!(!left.is_known());
    assert_eq!(left, Zone::from_stored("Mars/Olympus_Mons"));
    assert_eq!(left.to_rfc3339(Timestamp::MIN), "1970-01-01T00:00:00+00:00");
    assert_eq!("Mars/Olympus_Mons".parse::<Zone>(), Err(InvalidZone));
    let berlin = Zone::from_stored("Europe/Berlin");
    assert!(berlin.is_known());
    assert_eq!(Ok(berlin), "Europe/Berlin".parse());
}

#[test]
fn month_contains_its_instants_until_the_next_one_begins() {
    let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
    let month = Month::of(at("2026-12-31T23:59:59Z"));
    assert_eq!((month.to_string().as_str(), month.end()), ("2026-12", at("2027-01-01T00:00:00Z")));
    assert_eq!("2026-12".parse(), Ok(month));
    assert_eq!(Month::of(month.end()).to_string(), "2027-01");
    assert_eq!(Month::of(Timestamp::MAX).end(), Timestamp::MAX);
    for invalid in ["2026-13", "2026-1", "2026-12-01", "1969-12", "", "+026-12"] {
        assert_eq!(invalid.parse::<Month>(), Err(InvalidMonth), "{invalid}");
    }
}
