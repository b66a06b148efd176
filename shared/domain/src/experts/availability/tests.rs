use super::open::open_pieces;
use super::*;
use crate::kernel::time::{DAY, HOUR, day_number};

/// Rules without hours.
pub(crate) fn closed(zone: &str) -> AvailabilityRules {
    AvailabilityRules {
        time_zone: zone.parse().unwrap(),
        weekly: WeeklyHours::default(),
        overrides: BTreeMap::new(),
        blocked: Vec::new(),
        extra: Vec::new(),
    }
}

/// Rules with the same windows, such as `09:00-17:00`, on every day of the week.
pub(crate) fn daily(zone: &str, hours: &[&str]) -> AvailabilityRules {
    let weekly = WeeklyHours {
        monday: windows(hours),
        tuesday: windows(hours),
        wednesday: windows(hours),
        thursday: windows(hours),
        friday: windows(hours),
        saturday: windows(hours),
        sunday: windows(hours),
    };
    AvailabilityRules { weekly, ..closed(zone) }
}

/// Windows such as `09:00-17:00`.
pub(crate) fn windows(hours: &[&str]) -> Vec<Window> {
    let window = |text: &&str| {
        let (opens, closes) = text.split_once('-').unwrap();
        Window { opens: opens.parse().unwrap(), closes: closes.parse().unwrap() }
    };
    hours.iter().map(window).collect()
}

pub(crate) fn on(date: &str) -> Date {
    date.parse().unwrap()
}

pub(crate) fn range(first: &str, last: &str) -> DateRange {
    DateRange { first: on(first), last: on(last) }
}

pub(crate) fn extra(date: &str, opens: &str, closes: &str) -> ExtraWindow {
    ExtraWindow { date: on(date), opens: opens.parse().unwrap(), closes: closes.parse().unwrap() }
}

/// Checks rules without hours after a change.
fn checked(change: impl FnOnce(&mut AvailabilityRules)) -> Result<(), String> {
    let mut rules = closed("Europe/Berlin");
    change(&mut rules);
    rules.check().map_err(|invalid| invalid.to_string())
}

#[test]
fn windows_may_overlap_cross_midnight_and_last_the_whole_day() {
    let hours = windows(&["09:00-24:00", "22:00-02:00", "00:00-24:00", "09:00-08:59", "23:59-00:00"]);
    let everywhere = checked(|rules| {
        rules.weekly.monday = hours.clone();
        rules.overrides.insert(on("2027-03-01"), hours);
    });
    assert_eq!(everywhere, Ok(()));
    assert_eq!(checked(|_| {}), Ok(()));
}

#[test]
fn error_names_the_invalid_field() {
    let must = "must be before 24:00; a window from midnight opens at 00:00 of the next date";
    assert_eq!(
        checked(|rules| rules.weekly.friday = windows(&["09:00-10:00", "24:00-02:00"])),
        Err(format!("/weekly/friday/1/opens: {must}"))
    );
    assert_eq!(
        checked(|rules| rules.overrides = [(on("2027-03-01"), windows(&["24:00-02:00"]))].into()),
        Err(format!("/overrides/2027-03-01/0/opens: {must}"))
    );
    assert_eq!(
        checked(|rules| rules.extra = vec![extra("2027-03-01", "24:00", "24:00")]),
        Err(format!("/extra/0/opens: {must}"))
    );
    assert_eq!(
        checked(|rules| rules.blocked = vec![range("2027-03-02", "2027-03-01")]),
        Err("/blocked/0/last: must not be before the first date, 2027-03-02".to_owned())
    );
}

#[test]
fn all_violations_are_found_at_once() {
    let wrong = checked(|rules| {
        rules.weekly.monday = windows(&["24:00-02:00", "24:00-02:00"]);
        rules.blocked = vec![range("2027-03-02", "2027-03-01")];
        rules.extra = vec![extra("2027-03-01", "24:00", "24:00")];
    });
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
        let equal = &format!("{time}-{time}");
        assert_eq!(
            checked(|rules| rules.weekly.friday = windows(&["09:00-10:00", equal])),
            Err(format!("/weekly/friday/1/closes: {must}"))
        );
        assert_eq!(
            checked(|rules| rules.overrides = [(on("2027-03-01"), windows(&[equal]))].into()),
            Err(format!("/overrides/2027-03-01/0/closes: {must}"))
        );
        assert_eq!(
            checked(|rules| rules.extra = vec![extra("2027-03-01", time, time)]),
            Err(format!("/extra/0/closes: {must}"))
        );
    }
}

#[test]
fn stored_window_that_closes_when_it_opens_is_open_for_a_day() {
    let mut rules = closed("UTC");
    rules.weekly.monday = windows(&["09:00-09:00"]);
    let monday = day_number(NaiveDate::from_ymd_opt(2027, 3, 1).unwrap());
    let open = open_pieces(&rules, monday * DAY, (monday + 2) * DAY);
    let hours: Vec<_> =
        open.iter().map(|piece| ((piece.start / HOUR) % 24, (piece.end / HOUR) % 24)).collect();
    assert_eq!(hours, [(9, 0), (0, 9)]);
}

#[test]
fn number_of_windows_and_exceptions_is_limited() {
    let hours = windows(&["09:00-10:00"; 13]);
    let too_many = "must have at most 12 entries, got 13";
    assert_eq!(
        checked(|rules| rules.weekly.sunday = hours.clone()),
        Err(format!("/weekly/sunday: {too_many}"))
    );
    assert_eq!(
        checked(|rules| rules.overrides = [(on("2027-03-01"), hours)].into()),
        Err(format!("/overrides/2027-03-01: {too_many}"))
    );
    assert_eq!(
        checked(|rules| rules.extra = vec![extra("2027-03-01", "09:00", "10:00"); 13]),
        Err("/extra/12/date: must not be the date of more than 12 extra windows".to_owned())
    );
    assert_eq!(
        checked(|rules| rules.blocked = vec![range("2027-03-01", "2027-03-01"); 401]),
        Err("/blocked: must have at most 400 entries, got 401".to_owned())
    );
}

#[test]
fn date_is_blocked_by_a_range_or_an_empty_override() {
    let rules = AvailabilityRules {
        blocked: vec![range("2027-03-02", "2027-03-03")],
        overrides: [(on("2027-03-05"), Vec::new()), (on("2027-03-06"), windows(&["09:00-10:00"]))].into(),
        ..closed("UTC")
    };
    let blocked = |day: &u32| rules.is_blocked(NaiveDate::from_ymd_opt(2027, 3, *day).unwrap());
    assert_eq!((1..9).filter(blocked).collect::<Vec<_>>(), [2, 3, 5]);
}

#[test]
fn open_pieces_cover_exactly_the_days_of_the_range() {
    let mut rules = closed("UTC");
    rules.weekly.monday = windows(&["09:00-10:00"]);
    rules.weekly.tuesday = windows(&["00:00-10:00"]);
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
