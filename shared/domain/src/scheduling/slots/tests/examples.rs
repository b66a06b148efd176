//! Each rule on selected dates. 2027-03-01 is a Monday.

use super::*;

fn offered(
    rules: &AvailabilityRules,
    terms: &SessionTerms,
    occupancy: BusyTimes<'_>,
    first: &str,
    end: &str,
) -> Vec<String> {
    shown(rules, &slots(rules, terms, &occupancy, dates(rules, first, end), Timestamp::MIN))
}

#[test]
fn grid_begins_at_the_opening_and_a_session_may_end_at_the_closing() {
    let rules = daily("Europe/Berlin", &["09:10-10:30"]);
    assert_eq!(
        starts(&rules, &terms(30, 25), "2027-03-01", "2027-03-02"),
        ["01T09:10", "01T09:35", "01T10:00"]
    );
    assert_eq!(starts(&rules, &terms(31, 25), "2027-03-01", "2027-03-02"), ["01T09:10", "01T09:35"]);
    assert!(starts(&rules, &terms(81, 25), "2027-03-01", "2027-03-02").is_empty());
}

#[test]
fn each_window_has_its_own_grid() {
    let rules = daily("UTC", &["14:05-15:05", "09:00-10:00"]);
    let expected = ["01T09:00", "01T09:30", "01T14:05", "01T14:35"];
    assert_eq!(starts(&rules, &terms(30, 30), "2027-03-01", "2027-03-02"), expected);
}

#[test]
fn touching_and_overlapping_windows_are_one_window() {
    let one = ["01T09:00", "01T09:40", "01T10:20", "01T11:00"];
    for windows in [
        &["09:00-12:00"][..],
        &["10:15-12:00", "09:00-10:15"],
        &["09:00-11:00", "09:30-12:00", "10:00-10:10"],
    ] {
        assert_eq!(starts(&daily("UTC", windows), &terms(60, 40), "2027-03-01", "2027-03-02"), one);
    }
}

#[test]
fn window_across_midnight_keeps_its_grid() {
    let rules = rules("Europe/Berlin", |rules| rules.weekly.monday = windows(&["22:30-01:00"]));
    let all = ["01T22:30", "01T23:10", "01T23:50", "02T00:30"];
    assert_eq!(starts(&rules, &terms(30, 40), "2027-03-01", "2027-03-03"), all);
    assert_eq!(starts(&rules, &terms(30, 40), "2027-03-02", "2027-03-03"), all[3..]);
}

#[test]
fn windows_that_touch_at_midnight_are_one_window() {
    for monday in ["23:30-24:00", "23:30-00:00"] {
        let rules = rules("Europe/Berlin", |rules| {
            rules.weekly.monday = windows(&[monday]);
            rules.weekly.tuesday = windows(&["00:00-01:00"]);
        });
        let expected = ["01T23:30", "02T00:10"];
        assert_eq!(starts(&rules, &terms(45, 40), "2027-03-01", "2027-03-03"), expected);
    }
}

#[test]
fn day_open_all_day_has_its_own_grid_and_sessions_may_cross_midnight() {
    let always = daily("Europe/Berlin", &["00:00-24:00"]);
    let expected = ["01T00:00", "01T07:00", "01T14:00", "01T21:00", "02T00:00"];
    assert_eq!(starts(&always, &terms(1440, 420), "2027-03-01", "2027-03-03")[..5], expected);
    // The same rules in another form.
    for windows in [
        &["09:00-09:00"][..],
        &["00:00-00:00"],
        &["12:00-24:00", "00:00-12:00"],
        &["18:00-12:00", "11:00-18:00"],
    ] {
        let rules = daily("Europe/Berlin", windows);
        assert_eq!(
            starts(&rules, &terms(1440, 420), "2027-03-01", "2027-03-03")[..5],
            expected,
            "{windows:?}"
        );
    }
    // The evening before keeps its grid until midnight. The following morning continues the grid of the whole day.
    let some = rules("UTC", |rules| {
        rules.weekly.monday = windows(&["23:10-24:00"]);
        rules.weekly.tuesday = windows(&["00:00-24:00"]);
        rules.weekly.wednesday = windows(&["00:00-05:00"]);
    });
    let expected = ["01T23:10", "02T00:00", "02T07:00", "02T14:00", "02T21:00", "03T04:00"];
    assert_eq!(starts(&some, &terms(60, 420), "2027-03-01", "2027-03-05"), expected);
}

#[test]
fn day_open_all_day_through_windows_of_two_dates_has_its_own_grid() {
    let rules = rules("UTC", |rules| {
        rules.weekly.monday = windows(&["18:00-12:00"]);
        rules.weekly.tuesday = windows(&["12:00-24:00"]);
        rules.weekly.wednesday = windows(&["00:00-06:00"]);
    });
    assert_eq!(starts(&rules, &terms(60, 420), "2027-03-03", "2027-03-04"), ["03T04:00"]);
    let all = ["01T18:00", "02T00:00", "02T07:00", "02T14:00", "02T21:00", "03T04:00"];
    assert_eq!(starts(&rules, &terms(60, 420), "2027-03-01", "2027-03-04"), all);
}

#[test]
fn override_replaces_windows_of_its_date_but_not_of_the_evening_before() {
    let rules = rules("Europe/Berlin", |rules| {
        rules.weekly.monday = windows(&["22:00-02:00"]);
        rules.weekly.tuesday = windows(&["09:00-11:00"]);
        rules.overrides.insert(on("2027-03-02"), windows(&["15:00-16:00"]));
    });
    let expected = ["01T22:00", "01T23:00", "02T00:00", "02T01:00", "02T15:00", "08T22:00", "08T23:00"];
    assert_eq!(starts(&rules, &terms(60, 60), "2027-03-01", "2027-03-09"), expected);
}

#[test]
fn blocked_date_has_no_open_time_regardless_of_other_rules() {
    let blocked_range =
        |rules: &mut AvailabilityRules| rules.blocked = vec![range("2027-03-02", "2027-03-02")];
    let empty_override = |rules: &mut AvailabilityRules| {
        rules.overrides.insert(on("2027-03-02"), Vec::new());
    };
    for block in [blocked_range, empty_override] {
        let rules = rules("Europe/Berlin", |rules| {
            block(rules);
            rules.weekly.monday = windows(&["22:00-02:00"]);
            rules.weekly.tuesday = windows(&["22:00-02:00"]);
            rules.weekly.wednesday = windows(&["12:00-13:00"]);
            rules.extra = vec![extra("2027-03-01", "20:00", "08:00"), extra("2027-03-02", "09:00", "10:00")];
        });
        // Monday's window ends at midnight. Tuesday's does not open, so it does not continue on Wednesday.
        let expected = ["01T20:00", "01T21:00", "01T22:00", "01T23:00", "03T12:00"];
        assert_eq!(starts(&rules, &terms(60, 60), "2027-03-01", "2027-03-04"), expected);
        let refusal = check_start(&rules, &terms(60, 60), at("2027-03-02T09:00:00Z"), Timestamp::MIN);
        assert_eq!(refusal, Err(Refusal::Blocked { date: date("2027-03-02") }));
    }
}

#[test]
fn blocked_ranges_include_both_ends_and_may_overlap() {
    let rules = AvailabilityRules {
        blocked: vec![
            range("2027-03-04", "2027-03-05"),
            range("2027-03-02", "2027-03-08"),
            range("2027-03-03", "2027-03-03"),
        ],
        ..daily("UTC", &["09:00-10:00"])
    };
    assert_eq!(
        starts(&rules, &terms(60, 60), "2027-03-01", "2027-03-11"),
        ["01T09:00", "09T09:00", "10T09:00"]
    );
}

#[test]
fn extra_windows_are_added_and_merged() {
    let rules = rules("UTC", |rules| {
        rules.weekly.monday = windows(&["09:00-10:00"]);
        rules.overrides.insert(on("2027-03-03"), windows(&["12:00-13:00"]));
        rules.extra = vec![extra("2027-03-03", "23:00", "01:00"), extra("2027-03-01", "10:00", "11:00")];
    });
    let expected = ["01T09:00", "01T09:45", "03T12:00", "03T23:00", "03T23:45"];
    assert_eq!(starts(&rules, &terms(60, 45), "2027-03-01", "2027-03-05"), expected);
}

#[test]
fn occupied_time_removes_starts_without_moving_the_grid() {
    let rules = daily("UTC", &["09:00-12:00"]);
    let busy = [span("2027-03-01T09:31:00Z", "2027-03-01T10:01:00Z")];
    let occupancy = BusyTimes { occupied: &busy, ..BusyTimes::default() };
    let expected = ["01T09:00", "01T10:30", "01T11:00", "01T11:30"];
    assert_eq!(offered(&rules, &terms(30, 30), occupancy, "2027-03-01", "2027-03-02"), expected);
}

#[test]
fn buffers_must_not_overlap_occupied_time_but_may_lie_outside_the_hours() {
    let rules = daily("UTC", &["09:00-12:00"]);
    let with_buffers = SessionTerms { buffer_before_minutes: 15, buffer_after_minutes: 10, ..terms(30, 5) };
    let busy = [span("2027-03-01T10:00:00Z", "2027-03-01T10:30:00Z")];
    let occupancy = BusyTimes { occupied: &busy, ..BusyTimes::default() };
    let found = offered(&rules, &with_buffers, occupancy, "2027-03-01", "2027-03-02");
    // The session at 09:20 ends at 09:50 and its buffer at 10:00. The buffer before 10:45 begins at 10:30.
    assert_eq!(found[..6], ["01T09:00", "01T09:05", "01T09:10", "01T09:15", "01T09:20", "01T10:45"]);
    assert_eq!(found.last().unwrap(), "01T11:30");
}

#[test]
fn occupied_time_of_any_length_removes_exactly_what_it_overlaps() {
    let rules = daily("UTC", &["09:00-10:00"]);
    for (start, end, expected) in [
        ("2027-03-01T08:00:00Z", "2027-03-01T09:00:00Z", &["01T09:00", "01T09:30"][..]),
        ("2027-03-01T08:00:00Z", "2027-03-01T09:00:01Z", &["01T09:30"]),
        ("2027-03-01T09:29:59Z", "2027-03-01T09:30:00Z", &["01T09:30"]),
        ("2027-03-01T09:30:00Z", "2027-03-01T09:30:01Z", &["01T09:00"]),
        ("2027-03-01T09:10:00Z", "2027-03-01T09:10:00Z", &["01T09:00", "01T09:30"]),
        ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", &[]),
        ("2027-02-01T00:00:00Z", "2027-03-01T09:15:00Z", &["01T09:30"]),
        ("2027-03-01T09:45:00Z", "2027-04-01T00:00:00Z", &["01T09:00"]),
    ] {
        let busy = [span(start, end)];
        let occupancy = BusyTimes { occupied: &busy, ..BusyTimes::default() };
        assert_eq!(
            offered(&rules, &terms(30, 30), occupancy, "2027-03-01", "2027-03-02"),
            expected,
            "{start}/{end}"
        );
    }
}

#[test]
fn start_exactly_at_the_minimum_notice_is_offered() {
    let rules = daily("UTC", &["09:00-12:00"]);
    let terms = SessionTerms { minimum_notice_minutes: 120, ..terms(60, 60) };
    let on = dates(&rules, "2027-03-01", "2027-03-02");
    let found = |now: &str| shown(&rules, &slots(&rules, &terms, &BusyTimes::default(), on, at(now)));
    assert_eq!(found("2027-03-01T08:00:00Z"), ["01T10:00", "01T11:00"]);
    assert_eq!(found("2027-03-01T08:00:01Z"), ["01T11:00"]);
    let check = |now: &str| check_start(&rules, &terms, at("2027-03-01T10:00:00Z"), at(now));
    assert_eq!(check("2027-03-01T08:00:00Z"), Ok(()));
    let refusal = check("2027-03-01T08:00:01Z");
    assert_eq!(refusal, Err(Refusal::TooSoon { earliest: at("2027-03-01T10:00:01Z") }));
}

#[test]
fn rolling_window_counts_dates_of_the_experts_zone() {
    let rules = daily("Pacific/Auckland", &["10:00-11:00"]);
    let terms = SessionTerms { booking_window: BookingWindow::Rolling { days: 1 }, ..terms(60, 60) };
    let on = dates(&rules, "2027-02-27", "2027-03-06");
    let found = |now: &str| shown(&rules, &slots(&rules, &terms, &BusyTimes::default(), on, at(now)));
    // In Auckland, 2 March begins at 11:00 UTC on 1 March.
    assert_eq!(found("2027-03-01T10:59:59Z"), ["02T10:00"]);
    assert_eq!(found("2027-03-01T11:00:00Z"), ["02T10:00", "03T10:00"]);
    let refusal = check_start(&rules, &terms, at("2027-03-02T21:00:00Z"), at("2027-03-01T10:59:59Z"));
    assert_eq!(refusal, Err(Refusal::AfterWindow { last_date: date("2027-03-02") }));
}

#[test]
fn fixed_booking_dates_include_both_ends() {
    let rules = daily("America/Los_Angeles", &["20:00-21:00"]);
    let booking_window = BookingWindow::Dates { first: on("2027-03-02"), last: on("2027-03-03") };
    let terms = SessionTerms { booking_window, ..terms(60, 60) };
    assert_eq!(starts(&rules, &terms, "2027-02-27", "2027-03-06"), ["02T20:00", "03T20:00"]);
    let refusal = |start| check_start(&rules, &terms, at(start), Timestamp::MIN);
    assert_eq!(refusal("2027-03-02T04:00:00Z"), Err(Refusal::BeforeWindow { first: date("2027-03-02") }));
    assert_eq!(refusal("2027-03-05T04:00:00Z"), Err(Refusal::AfterWindow { last_date: date("2027-03-03") }));
}

#[test]
fn full_day_or_week_offers_no_further_starts() {
    let rules = daily("America/New_York", &["20:00-22:00"]);
    // 20:00 in New York is on the next day in UTC. Days and weeks are counted in the expert's time zone.
    let standing = [at("2027-03-03T01:00:00Z"), at("2027-03-05T01:00:00Z"), at("2027-03-05T02:00:00Z")];
    let standing = standing.map(hour_from);
    let found = |terms: SessionTerms| {
        let occupancy = BusyTimes { sessions: &standing, ..BusyTimes::default() };
        offered(&rules, &terms, occupancy, "2027-03-01", "2027-03-09")
    };
    let daily = SessionTerms { daily_cap: Some(2), ..terms(120, 120) };
    let expected = ["01T20:00", "02T20:00", "03T20:00", "05T20:00", "06T20:00", "07T20:00", "08T20:00"];
    assert_eq!(found(daily), expected);
    let weekly = SessionTerms { weekly_cap: Some(3), ..terms(120, 120) };
    assert_eq!(found(weekly), ["08T20:00"]);
    assert_eq!(found(SessionTerms { weekly_cap: Some(4), ..weekly }).len(), 8);

    let occupancy = BusyTimes { sessions: &standing, ..BusyTimes::default() };
    let refusal = |terms, start| explain(&rules, terms, &occupancy, at(start), Timestamp::MIN);
    let full = Refusal::DayFull { date: date("2027-03-04"), cap: 2 };
    assert_eq!(refusal(&daily, "2027-03-05T01:00:00Z"), Err(full));
    let full = Refusal::WeekFull { monday: date("2027-03-01"), cap: 3 };
    assert_eq!(refusal(&weekly, "2027-03-08T01:00:00Z"), Err(full));
}

#[test]
fn day_with_too_few_minutes_left_offers_no_further_starts() {
    let rules = daily("America/New_York", &["20:00-23:00"]);
    let standing = [
        span("2027-03-02T01:00:00Z", "2027-03-02T02:30:00Z"),
        span("2027-03-03T01:00:00Z", "2027-03-03T01:30:00Z"),
    ];
    let terms = SessionTerms { daily_minutes_cap: Some(150), ..terms(90, 90) };
    let occupancy = BusyTimes { sessions: &standing, ..BusyTimes::default() };
    // 90 minutes are taken on the first day, and 30 on the second.
    assert_eq!(
        offered(&rules, &terms, occupancy, "2027-03-01", "2027-03-04"),
        ["02T20:00", "02T21:30", "03T20:00", "03T21:30"]
    );
    let full = Refusal::DayMinutesFull { date: date("2027-03-01"), cap: 150 };
    let explained = explain(&rules, &terms, &occupancy, at("2027-03-02T02:30:00Z"), Timestamp::MIN);
    assert_eq!(explained, Err(full));
    let range = dates(&rules, "2027-03-01", "2027-03-02");
    assert_eq!(why_empty(&rules, &terms, &occupancy, range, Timestamp::MIN), EmptyReason::CapsReached);
}

#[test]
fn business_days_end_on_a_weekday() {
    let rules = daily("UTC", &["09:00-10:00"]);
    // 5 March 2027 is a Friday.
    let found = |days, now| {
        let terms = SessionTerms { booking_window: BookingWindow::BusinessDays { days }, ..terms(60, 60) };
        let on = dates(&rules, "2027-03-01", "2027-03-20");
        shown(&rules, &slots(&rules, &terms, &BusyTimes::default(), on, at(now)))
    };
    assert_eq!(found(0, "2027-03-05T08:00:00Z"), ["05T09:00"]);
    let until_monday = ["05T09:00", "06T09:00", "07T09:00", "08T09:00"];
    assert_eq!(found(1, "2027-03-05T08:00:00Z"), until_monday);
    assert_eq!(found(1, "2027-03-06T08:00:00Z"), until_monday[1..]);
}

#[test]
fn next_days_with_free_time_skip_full_and_closed_days() {
    // Open on Mondays, Tuesdays and Thursdays. 1 March 2027 is a Monday.
    let hours = windows(&["09:00-11:00"]);
    let rules = rules("UTC", |rules| {
        rules.weekly.monday = hours.clone();
        rules.weekly.tuesday = hours.clone();
        rules.weekly.thursday = hours;
    });
    let terms = |days| SessionTerms { booking_window: BookingWindow::FreeDays { days }, ..terms(60, 60) };
    let on = dates(&rules, "2027-03-01", "2027-05-01");
    let now = at("2027-03-01T09:30:00Z");
    let found = |days, taken: &[TimeSpan]| {
        let occupancy = BusyTimes { occupied: taken, ..BusyTimes::default() };
        shown(&rules, &slots(&rules, &terms(days), &occupancy, on, now))
    };
    assert_eq!(found(1, &[]), ["01T10:00"]);
    assert_eq!(found(2, &[]), ["01T10:00", "02T09:00", "02T10:00"]);
    // The rest of Monday is taken, so the two days are Tuesday and Thursday.
    let taken = [span("2027-03-01T10:00:00Z", "2027-03-01T10:30:00Z")];
    assert_eq!(found(2, &taken), ["02T09:00", "02T10:00", "04T09:00", "04T10:00"]);
    // At most 30 days are searched: until Wednesday, 31 March.
    assert_eq!(found(31, &[]).last().unwrap(), "30T10:00");
    let everything = [span("2027-03-01T00:00:00Z", "2027-04-01T00:00:00Z")];
    assert_eq!(found(1, &everything), Vec::<String>::new());
    let occupancy = BusyTimes { occupied: &taken, ..BusyTimes::default() };
    let period = BookablePeriod::new(&rules, &terms(2), &occupancy, now);
    assert_eq!((period.from(), period.until()), (now, at("2027-03-05T00:00:00Z")));
    let refusal = explain(&rules, &terms(2), &occupancy, at("2027-03-08T09:00:00Z"), now);
    assert_eq!(refusal, Err(Refusal::AfterWindow { last_date: date("2027-03-04") }));
}

#[test]
fn empty_range_names_the_first_rule_that_leaves_no_start() {
    let rules = rules("UTC", |rules| {
        rules.weekly.monday = windows(&["09:00-11:00"]);
        rules.blocked = vec![range("2027-03-08", "2027-03-08")];
    });
    let terms = SessionTerms {
        minimum_notice_minutes: 3 * 1_440,
        booking_window: BookingWindow::Rolling { days: 20 },
        daily_cap: Some(1),
        ..terms(60, 60)
    };
    let taken = [span("2027-03-15T08:00:00Z", "2027-03-15T12:00:00Z")];
    let sessions = [at("2027-03-22T09:00:00Z")].map(hour_from);
    let occupancy = BusyTimes { occupied: &taken, sessions: &sessions, ..BusyTimes::default() };
    let now = at("2027-03-04T09:00:00Z");
    let why = |first, end| {
        let range = dates(&rules, first, end);
        assert_eq!(slots(&rules, &terms, &occupancy, range, now), [], "{first}");
        why_empty(&rules, &terms, &occupancy, range, now)
    };
    assert_eq!(why("2027-03-29", "2027-03-30"), EmptyReason::OutsideBookingWindow);
    assert_eq!(why("2027-03-01", "2027-03-07"), EmptyReason::NoticeTooShort);
    assert_eq!(why("2027-03-08", "2027-03-10"), EmptyReason::Blocked);
    assert_eq!(why("2027-03-09", "2027-03-10"), EmptyReason::NoHours);
    assert_eq!(why("2027-03-08", "2027-03-16"), EmptyReason::AllTaken);
    assert_eq!(why("2027-03-15", "2027-03-23"), EmptyReason::CapsReached);
    let late = SessionTerms { minimum_notice_minutes: 0, ..terms };
    let range = span("2027-03-15T10:30:00Z", "2027-03-16T00:00:00Z");
    assert_eq!(why_empty(&rules, &late, &occupancy, range, now), EmptyReason::HoursTooShort);
}

#[test]
fn group_session_with_free_seats_is_offered_at_its_start() {
    let rules = daily("UTC", &["09:00-12:00"]);
    let terms = SessionTerms { capacity: 8, daily_cap: Some(1), buffer_after_minutes: 30, ..terms(60, 30) };
    let standing = [at("2027-03-01T09:30:00Z")].map(hour_from);
    // One group session is on the grid, one is outside of the current hours, and one is full.
    let groups =
        [(at("2027-03-01T20:10:00Z"), 3), (at("2027-03-01T09:30:00Z"), 5), (at("2027-03-02T10:00:00Z"), 0)];
    let taken = groups.map(|(start, _)| terms.occupied(start));
    let occupancy = BusyTimes { occupied: &taken, sessions: &standing, groups: &groups };
    let on = dates(&rules, "2027-03-01", "2027-03-03");
    let found = slots(&rules, &terms, &occupancy, on, Timestamp::MIN);
    let slot = |start, seats| Slot { start: at(start), seats };
    let expected = [
        slot("2027-03-01T09:30:00Z", 5),
        slot("2027-03-01T20:10:00Z", 3),
        slot("2027-03-02T09:00:00Z", 8),
        slot("2027-03-02T11:00:00Z", 8),
    ];
    // 09:00 on the second day overlaps the buffer of the session at 10:00, and 11:00 lies in the buffer after it.
    assert_eq!(found, expected[..2]);
    let explained = |start| explain(&rules, &terms, &occupancy, at(start), Timestamp::MIN);
    assert_eq!(explained("2027-03-02T10:00:00Z"), Err(Refusal::NoSeatLeft));
    assert_eq!(explained("2027-03-01T20:10:00Z"), Ok(()));

    let shorter = SessionTerms { buffer_after_minutes: 0, ..terms };
    let taken = groups.map(|(start, _)| shorter.occupied(start));
    let occupancy = BusyTimes { occupied: &taken, ..occupancy };
    assert_eq!(slots(&rules, &shorter, &occupancy, on, Timestamp::MIN), expected);
    // Minimum notice and booking window also apply to seats.
    let now = at("2027-03-01T20:10:01Z");
    assert_eq!(slots(&rules, &shorter, &occupancy, on, now), expected[2..]);
    assert_eq!(
        BookablePeriod::new(&rules, &shorter, &occupancy, now).check(at("2027-03-01T20:10:00Z")),
        Err(Refusal::TooSoon { earliest: now })
    );
}

#[test]
fn refusals_name_the_first_rule_that_is_violated() {
    let rules = daily("UTC", &["09:00-11:00"]);
    let terms = SessionTerms { daily_cap: Some(1), ..terms(60, 45) };
    let refusal = |start| check_start(&rules, &terms, at(start), Timestamp::MIN).unwrap_err();
    assert_eq!(refusal("2027-03-01T11:00:00Z"), Refusal::OutsideHours);
    let past = Refusal::PastClosing { closes: at("2027-03-01T11:00:00Z") };
    assert_eq!(refusal("2027-03-01T10:30:00Z"), past);
    assert_eq!(refusal("2027-03-01T09:15:00Z"), Refusal::NotOnGrid);
    // The session would end with the hours, so only the grid prevents it.
    assert_eq!(refusal("2027-03-01T10:00:00Z"), Refusal::NotOnGrid);
    let busy = [span("2027-03-01T09:30:00Z", "2027-03-01T09:31:00Z")];
    let standing = [at("2027-03-01T09:00:00Z")].map(hour_from);
    let occupancy = BusyTimes { occupied: &busy, sessions: &standing, ..BusyTimes::default() };
    let explained = |start| explain(&rules, &terms, &occupancy, at(start), Timestamp::MIN).unwrap_err();
    // Occupied time comes before the caps, as when booking.
    assert_eq!(explained("2027-03-01T09:00:00Z"), Refusal::Taken);
    assert_eq!(explained("2027-03-01T09:45:00Z"), Refusal::DayFull { date: date("2027-03-01"), cap: 1 });
}

#[test]
fn booking_window_begins_with_the_first_second_of_its_first_date() {
    let rules = daily("UTC", &["00:00-24:00"]);
    let booking_window = BookingWindow::Dates { first: on("2027-03-02"), last: on("2027-03-02") };
    let terms = SessionTerms { booking_window, ..terms(60, 60) };
    let check = |start| check_start(&rules, &terms, at(start), Timestamp::MIN);
    let before = Err(Refusal::BeforeWindow { first: date("2027-03-02") });
    assert_eq!((check("2027-03-01T23:00:00Z"), check("2027-03-02T00:00:00Z")), (before, Ok(())));
    let behind = Err(Refusal::AfterWindow { last_date: date("2027-03-02") });
    assert_eq!((check("2027-03-02T23:00:00Z"), check("2027-03-03T00:00:00Z")), (Ok(()), behind));
}

#[test]
fn session_at_midnight_counts_for_the_day_that_begins() {
    let rules = daily("UTC", &["00:00-24:00"]);
    let terms = SessionTerms { daily_cap: Some(1), ..terms(60, 720) };
    let standing = [at("2027-03-02T00:00:00Z")].map(hour_from);
    let occupancy = BusyTimes { sessions: &standing, ..BusyTimes::default() };
    let expected = ["01T00:00", "01T12:00", "03T00:00", "03T12:00"];
    assert_eq!(offered(&rules, &terms, occupancy, "2027-03-01", "2027-03-04"), expected);
}

#[test]
fn group_sessions_are_listed_in_order_with_other_starts() {
    let rules = daily("UTC", &["09:00-12:00"]);
    let terms = SessionTerms { capacity: 8, ..terms(30, 30) };
    let groups = [(at("2027-03-01T10:15:00Z"), 2), (at("2027-03-01T11:00:00Z"), 1)];
    let occupancy = BusyTimes { groups: &groups, ..BusyTimes::default() };
    let on = dates(&rules, "2027-03-01", "2027-03-02");
    let found: Vec<(String, u16)> = slots(&rules, &terms, &occupancy, on, Timestamp::MIN)
        .iter()
        .map(|slot| (slot.start.to_string()[11..16].to_owned(), slot.seats))
        .collect();
    let expected =
        [("09:00", 8), ("09:30", 8), ("10:00", 8), ("10:15", 2), ("10:30", 8), ("11:00", 1), ("11:30", 8)];
    assert_eq!(found, expected.map(|(start, seats)| (start.to_owned(), seats)));
}

#[test]
fn starts_every_minute_are_supported() {
    let rules = daily("UTC", &["00:00-24:00"]);
    let found = starts(&rules, &terms(1, 1), "2027-03-01", "2027-03-02");
    let every: Vec<String> =
        (0..1_440).map(|minute| format!("01T{:02}:{:02}", minute / 60, minute % 60)).collect();
    assert_eq!(found, every);
}

#[test]
fn starts_on_grids_with_a_small_common_unit_are_found() {
    // The grids differ by one minute, and starts on one grid are more than an hour apart.
    let rules = daily("UTC", &["00:00-06:00", "07:01-08:01"]);
    let expected = ["01T00:00", "01T02:08", "01T04:16", "01T07:01"];
    assert_eq!(starts(&rules, &terms(60, 128), "2027-03-01", "2027-03-02"), expected);
}

#[test]
fn long_range_gives_the_same_slots_as_its_years() {
    let rules = daily("Europe/Berlin", &["22:00-03:00"]);
    let terms = terms(90, 70);
    let busy: Vec<TimeSpan> = (0..4000)
        .map(|day| {
            TimeSpan::new(
                at("2027-01-01T23:00:00Z").plus(day * DAY),
                at("2027-01-01T23:30:00Z").plus(day * DAY),
            )
        })
        .collect();
    let occupancy = BusyTimes { occupied: &busy, ..BusyTimes::default() };
    let whole = slots(&rules, &terms, &occupancy, dates(&rules, "2027-01-01", "2037-01-01"), Timestamp::MIN);
    let years: Vec<Slot> = (2027..2037)
        .flat_map(|year| {
            let range = dates(&rules, &format!("{year}-01-01"), &format!("{}-01-01", year + 1));
            slots(&rules, &terms, &occupancy, range, Timestamp::MIN)
        })
        .collect();
    assert!(whole.len() > 3650);
    assert_eq!(whole, years);
}
