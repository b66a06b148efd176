//! Each refusal, what is reclaimed, and the life of a hold.

use super::*;

const NOW: &str = "2027-03-01T08:00:00Z";

fn now() -> Timestamp {
    at(NOW)
}

/// An occupancy with these confirmed sessions.
fn table(sessions: &[(u128, &SelectedSession, &str)]) -> Table {
    let mut table = Table::default();
    for (bits, session_type, start) in sessions {
        table.hold(&utc(), &request(*bits, session_type, at(start), None), now()).unwrap();
    }
    table
}

fn refusal(table: &mut Table, session_type: &SelectedSession, start: &str) -> Refusal {
    let before = table.entries();
    let refusal = table.hold(&utc(), &request(99, session_type, at(start), None), now()).unwrap_err();
    assert_eq!(table.entries(), before);
    refusal
}

#[test]
fn retired_session_type_cannot_be_held() {
    let retired = SelectedSession { status: SessionTypeStatus::Retired, ..session_type(1) };
    assert_eq!(refusal(&mut Table::default(), &retired, "2027-03-01T10:00:00Z"), Refusal::Retired);
}

#[test]
fn starts_that_are_not_offered_cannot_be_held() {
    for start in ["2027-03-01T07:45:00Z", "2027-03-01T10:01:00Z"] {
        let refusal = refusal(&mut Table::default(), &session_type(1), start);
        assert!(matches!(refusal, Refusal::NotOffered(_)), "{refusal}");
    }
}

#[test]
fn taken_time_cannot_be_held() {
    let mut table = table(&[(1, &session_type(1), "2027-03-01T10:00:00Z")]);
    for start in ["2027-03-01T09:15:00Z", "2027-03-01T10:00:00Z", "2027-03-01T10:45:00Z"] {
        assert_eq!(refusal(&mut table, &session_type(2), start), Refusal::Taken, "{start}");
    }
    for (bits, start) in [(2, "2027-03-01T09:00:00Z"), (3, "2027-03-01T11:00:00Z")] {
        table.hold(&utc(), &request(bits, &session_type(2), at(start), None), now()).unwrap();
    }
}

#[test]
fn buffers_of_adjacent_sessions_do_not_overlap() {
    let buffered = with(1, |terms| {
        terms.buffer_before_minutes = 15;
        terms.buffer_after_minutes = 30;
    });
    let mut table = table(&[(1, &buffered, "2027-03-01T12:00:00Z")]);
    // The buffer after the other session ends where the own buffer begins.
    for start in ["2027-03-01T10:30:00Z", "2027-03-01T13:30:00Z"] {
        assert_eq!(refusal(&mut table, &buffered, start), Refusal::TooClose, "{start}");
    }
    for start in ["2027-03-01T11:00:00Z", "2027-03-01T13:15:00Z"] {
        assert_eq!(refusal(&mut table, &session_type(2), start), Refusal::TooClose, "{start}");
    }
    assert_eq!(refusal(&mut table, &session_type(2), "2027-03-01T12:45:00Z"), Refusal::Taken);
    for (bits, start) in [(2, "2027-03-01T10:15:00Z"), (3, "2027-03-01T13:45:00Z")] {
        table.hold(&utc(), &request(bits, &buffered, at(start), None), now()).unwrap();
    }
}

#[test]
fn overlap_of_session_takes_precedence_over_overlap_of_buffer() {
    // The first other session overlaps only the buffer, the second one the session itself.
    let wide = with(1, |terms| terms.buffer_before_minutes = 60);
    let mut table = table(&[
        (1, &session_type(2), "2027-03-01T09:00:00Z"),
        (2, &session_type(2), "2027-03-01T10:30:00Z"),
    ]);
    assert_eq!(refusal(&mut table, &wide, "2027-03-01T10:00:00Z"), Refusal::Taken);
}

#[test]
fn busy_time_of_outside_calendars_blocks() {
    let session_type = with(1, |terms| terms.buffer_after_minutes = 15);
    let busy = TimeSpan::new(at("2027-03-01T11:10:00Z"), at("2027-03-01T12:00:00Z"));
    let ledger = Occupancy { busy: vec![busy], ..Occupancy::default() };
    let hold = |start: &str| ledger.clone().hold(&utc(), &request(1, &session_type, at(start), None), now());
    assert_eq!(hold("2027-03-01T10:00:00Z"), Err(Refusal::Busy));
    assert!(hold("2027-03-01T09:45:00Z").is_ok());
    assert!(hold("2027-03-01T12:00:00Z").is_ok());
}

#[test]
fn daily_cap_limits_sessions_of_the_type() {
    let capped = with(1, |terms| terms.daily_cap = Some(2));
    let mut table = table(&[(1, &capped, "2027-03-02T10:00:00Z"), (2, &capped, "2027-03-02T12:00:00Z")]);
    let full = Refusal::DayFull { date: date("2027-03-02"), cap: 2 };
    assert_eq!(refusal(&mut table, &capped, "2027-03-02T00:00:00Z"), full);
    assert_eq!(refusal(&mut table, &capped, "2027-03-02T23:45:00Z"), full);
    // Other session types and other days are not affected.
    table.hold(&utc(), &request(3, &session_type(2), at("2027-03-02T14:00:00Z"), None), now()).unwrap();
    table.hold(&utc(), &request(4, &capped, at("2027-03-01T22:45:00Z"), None), now()).unwrap();
    table.hold(&utc(), &request(5, &capped, at("2027-03-03T00:00:00Z"), None), now()).unwrap();
}

#[test]
fn weekly_cap_counts_weeks_of_the_experts_zone() {
    let capped = with(1, |terms| terms.weekly_cap = Some(1));
    let rules = always("Asia/Kolkata");
    let mut table = Table::default();
    let mut hold =
        |bits, start: &str| table.hold(&rules, &request(bits, &capped, at(start), None), now()).map(|_| ());
    // Monday, 00:00 in Kolkata.
    hold(1, "2027-03-07T18:30:00Z").unwrap();
    let full = Refusal::WeekFull { date: date("2027-03-14"), cap: 1 };
    assert_eq!(hold(2, "2027-03-14T18:15:00Z"), Err(full));
    hold(3, "2027-03-14T18:30:00Z").unwrap();
    hold(4, "2027-03-07T17:15:00Z").unwrap();
}

#[test]
fn expired_hold_counts_for_caps_until_released() {
    let capped = with(1, |terms| terms.daily_cap = Some(1));
    let mut table = Table::default();
    let hold = request(1, &capped, at("2027-03-02T10:00:00Z"), Some(now().plus(600)));
    let held = table.hold(&utc(), &hold, now()).unwrap();
    let late = now().plus(601);
    let other = request(2, &capped, at("2027-03-02T14:00:00Z"), None);
    // The hold can still be paid and would then be confirmed.
    let full = Refusal::DayFull { date: date("2027-03-02"), cap: 1 };
    assert_eq!(table.hold(&utc(), &other, late), Err(full));
    // A booking that reclaims the hold replaces it in the count.
    let same = request(3, &capped, at("2027-03-02T10:30:00Z"), None);
    assert!(table.clone().hold(&utc(), &same, late).is_ok());
    let pending = booked(1, &held);
    assert!(table.commit(&table.read(pending.occupied_span()).release(&pending)));
    table.hold(&utc(), &other, late).unwrap();
}

#[test]
fn days_counted_for_caps_are_version_checked() {
    let rules = always("Asia/Kolkata");
    let start = at("2027-03-03T10:00:00Z");
    let mut table = Table::default();
    table.hold(&rules, &request(1, &session_type(2), at("2027-03-02T20:00:00Z"), None), now()).unwrap();
    let unchanged = |session_type: &SelectedSession| {
        let needed = Occupancy::span_for_booking(&rules, session_type, start, now());
        table
            .read(needed)
            .hold(&rules, &request(9, session_type, start, None), now())
            .unwrap()
            .change
            .unchanged
    };
    assert_eq!(unchanged(&session_type(1)), []);
    // 3 March in Kolkata begins on 2 March in UTC.
    let daily = with(1, |terms| terms.daily_cap = Some(1));
    assert_eq!(unchanged(&daily), [(date("2027-03-02"), 1)]);
    let weekly = with(1, |terms| terms.weekly_cap = Some(1));
    let days =
        ["2027-02-28", "2027-03-01", "2027-03-02", "2027-03-04", "2027-03-05", "2027-03-06", "2027-03-07"];
    let expected: Vec<_> = days.into_iter().map(|day| (date(day), u64::from(day == "2027-03-02"))).collect();
    assert_eq!(unchanged(&weekly), expected);
}

#[test]
fn invalid_number_of_seats_cannot_be_held() {
    let session_type = session_type(1);
    for seats in [0, 2] {
        let request = Request { seats, ..request(1, &session_type, at("2027-03-01T10:00:00Z"), None) };
        let refusal = Table::default().hold(&utc(), &request, now()).unwrap_err();
        assert_eq!(refusal, Refusal::Seats { wanted: seats, left: 1 });
    }
}

#[test]
fn hold_ends_exactly_at_its_expiry() {
    let start = at("2027-03-01T10:00:00Z");
    let mut table = Table::default();
    table.hold(&utc(), &request(1, &session_type(1), start, Some(now().plus(600))), now()).unwrap();
    let session_type = session_type(1);
    let again = |seconds| {
        let needed = Occupancy::span_for_booking(&utc(), &session_type, start, now());
        table.read(needed).hold(&utc(), &request(2, &session_type, start, None), now().plus(seconds))
    };
    assert_eq!(again(599), Err(Refusal::Taken));
    assert_eq!(again(600).unwrap().change.reclaimed, [id(1)].into());
}

#[test]
fn reclaiming_a_hold_across_midnight_frees_both_days() {
    let mut table = Table::default();
    let hold = Some(now().plus(600));
    table.hold(&utc(), &request(1, &session_type(1), at("2027-03-02T23:30:00Z"), hold), now()).unwrap();
    let over = EntryKey::Appointment(id(1));
    assert_eq!(table.entries(), [("2027-03-02".to_owned(), over), ("2027-03-03".to_owned(), over)]);
    // Only the second day overlaps the new session.
    let held = table
        .hold(&utc(), &request(2, &session_type(1), at("2027-03-03T00:15:00Z"), None), now().plus(600))
        .unwrap();
    assert_eq!(held.change.reclaimed, [id(1)].into());
    assert_eq!(table.entries(), [("2027-03-03".to_owned(), EntryKey::Appointment(id(2)))]);
    assert_eq!(held.change.days.len(), 2);
}

#[test]
fn booking_reclaims_all_overlapping_holds_and_no_other() {
    let mut table = Table::default();
    let short = with(1, |terms| terms.length_minutes = 30);
    let hold = Some(now().plus(600));
    for (bits, start) in ["09:30", "10:00", "10:30", "11:00"].into_iter().enumerate() {
        let start = at(&format!("2027-03-01T{start}:00Z"));
        table.hold(&utc(), &request(bits as u128, &short, start, hold), now()).unwrap();
    }
    let held = table
        .hold(&utc(), &request(9, &session_type(1), at("2027-03-01T10:00:00Z"), None), now().plus(600))
        .unwrap();
    assert_eq!(held.change.reclaimed, [id(1), id(2)].into());
    let left: Vec<EntryKey> = table.entries().into_iter().map(|(_, key)| key).collect();
    assert_eq!(left, [0, 3, 9].map(|bits| EntryKey::Appointment(id(bits))));
}

#[test]
fn nothing_is_reclaimed_if_another_session_blocks() {
    let mut table = Table::default();
    let hold = Some(now().plus(600));
    table.hold(&utc(), &request(1, &session_type(1), at("2027-03-01T10:00:00Z"), hold), now()).unwrap();
    table.hold(&utc(), &request(2, &session_type(1), at("2027-03-01T11:00:00Z"), None), now()).unwrap();
    let refused =
        table.hold(&utc(), &request(3, &session_type(1), at("2027-03-01T10:30:00Z"), None), now().plus(600));
    assert_eq!(refused, Err(Refusal::Taken));
    assert_eq!(table.entries().len(), 2);
}

#[test]
fn confirmed_session_does_not_expire() {
    let mut table = Table::default();
    let start = at("2027-03-02T23:30:00Z");
    let held =
        table.hold(&utc(), &request(1, &session_type(1), start, Some(now().plus(600))), now()).unwrap();
    let pending = booked(1, &held);
    let change = table.read(pending.occupied_span()).confirm(&pending);
    assert_eq!((change.days.len(), change.groups.len(), change.unchanged.len()), (2, 0, 0));
    assert!(table.commit(&change));
    assert!(
        table.days.values().flat_map(|day| day.entries.values()).all(|entry| entry.hold_expires_at.is_none())
    );
    let refused = table.hold(&utc(), &request(2, &session_type(1), start, None), now().plus(DAY));
    assert_eq!(refused, Err(Refusal::Taken));
}

#[test]
fn released_time_is_free_and_releasing_again_changes_nothing() {
    let mut table = table(&[
        (1, &session_type(1), "2027-03-02T23:30:00Z"),
        (2, &session_type(1), "2027-03-02T10:00:00Z"),
    ]);
    let mut old = appointment(1);
    (old.start, old.end) = (at("2027-03-02T23:30:00Z"), at("2027-03-03T00:30:00Z"));
    let change = table.read(old.occupied_span()).release(&old);
    assert!(table.commit(&change));
    assert_eq!(table.entries(), [("2027-03-02".to_owned(), EntryKey::Appointment(id(2)))]);
    // If an entry is missing, the change only checks the versions, because the read may have seen only a part of a
    // recent write.
    for again in
        [table.read(old.occupied_span()).release(&old), table.read(old.occupied_span()).confirm(&old)]
    {
        assert_eq!((again.days.len(), again.groups.len(), again.unchanged.len()), (0, 0, 2));
    }
}

#[test]
fn appointment_can_move_to_a_time_that_overlaps_its_own() {
    let table = table(&[
        (1, &session_type(1), "2027-03-01T23:00:00Z"),
        (2, &session_type(1), "2027-03-02T01:00:00Z"),
    ]);
    let mut old = appointment(1);
    (old.start, old.end) = (at("2027-03-01T23:00:00Z"), at("2027-03-02T00:00:00Z"));
    let session_type = session_type(1);
    let to = |start: &str| {
        let ledger = table.read(old.occupied_span()).union(table.read(Occupancy::span_for_booking(
            &utc(),
            &session_type,
            at(start),
            now(),
        )));
        ledger.move_hold(&utc(), &old, &request(1, &session_type, at(start), None), now())
    };
    let held = to("2027-03-01T23:30:00Z").unwrap();
    let mut moved = table.clone();
    assert!(moved.commit(&held.change));
    let key = EntryKey::Appointment(id(1));
    let expected = [
        ("2027-03-01".to_owned(), key),
        ("2027-03-02".to_owned(), key),
        ("2027-03-02".to_owned(), EntryKey::Appointment(id(2))),
    ];
    assert_eq!(moved.entries(), expected);
    assert_eq!(to("2027-03-02T00:15:00Z"), Err(Refusal::Taken));
    // If the appointment moves far, both the old and the new day are written.
    let far = to("2027-04-01T10:00:00Z").unwrap();
    let days: Vec<NaiveDate> = far.change.days.iter().map(|(date, _)| *date).collect();
    assert_eq!(days, [date("2027-03-01"), date("2027-04-01")]);
    assert!(!moved.is_as_read(&far.change), "the first day has a newer version");
}

#[test]
fn rescheduling_within_a_full_day_does_not_exceed_the_cap() {
    let capped = with(1, |terms| {
        terms.daily_cap = Some(1);
        terms.weekly_cap = Some(1);
    });
    let table = table(&[(1, &capped, "2027-03-02T10:00:00Z")]);
    let mut old = appointment(1);
    (old.start, old.end) = (at("2027-03-02T10:00:00Z"), at("2027-03-02T11:00:00Z"));
    let start = at("2027-03-02T15:00:00Z");
    let needed = Occupancy::span_for_booking(&utc(), &capped, start, now());
    let held = table.read(needed).move_hold(&utc(), &old, &request(1, &capped, start, None), now()).unwrap();
    assert_eq!(held.change.unchanged.len(), 6);
}

#[test]
fn appointment_does_not_conflict_with_itself_when_days_are_outdated() {
    let mut table = Table::default();
    let session_type = session_type(1);
    let held =
        table.hold(&utc(), &request(1, &session_type, at("2027-03-01T10:00:00Z"), None), now()).unwrap();
    let (old, behind) = (booked(1, &held), table.clone());
    let needed = |start: &str| Occupancy::span_for_booking(&utc(), &session_type, at(start), now());
    let to = |table: &Table, appointment: &Appointment, start: &str| {
        let days = table.read(needed(start));
        days.move_hold(&utc(), appointment, &request(1, &session_type, at(start), None), now())
    };
    let moved = to(&table, &old, "2027-03-02T12:00:00Z").unwrap();
    assert!(table.commit(&moved.change));
    // The days are older than the appointment, and the other way round.
    let late = to(&behind, &booked(1, &moved), "2027-03-01T10:00:00Z").unwrap();
    assert!(!table.is_as_read(&late.change));
    let early = to(&table, &old, "2027-03-02T12:00:00Z").unwrap();
    assert!(early.change.days.iter().all(|(_, day)| day.entries.len() == 1));
}

#[test]
fn only_one_of_two_changes_to_the_same_day_is_committed() {
    let mut table = Table::default();
    let read =
        table.read(Occupancy::span_for_booking(&utc(), &session_type(1), at("2027-03-01T10:00:00Z"), now()));
    let session_type = session_type(1);
    let hold = |bits, start: &str| {
        read.clone().hold(&utc(), &request(bits, &session_type, at(start), None), now()).unwrap().change
    };
    assert!(table.commit(&hold(1, "2027-03-01T10:00:00Z")));
    assert!(!table.commit(&hold(2, "2027-03-01T10:30:00Z")));
    assert!(table.commit(&hold(3, "2027-03-02T10:30:00Z")));
}

#[test]
fn offered_slots_are_those_that_can_be_held() {
    let mut table = table(&[(1, &session_type(1), "2027-03-01T10:00:00Z")]);
    table
        .hold(&utc(), &request(2, &session_type(1), at("2027-03-01T12:00:00Z"), Some(now().plus(60))), now())
        .unwrap();
    let range = TimeSpan::new(at("2027-03-01T09:00:00Z"), at("2027-03-01T13:00:00Z"));
    let offered = |now: Timestamp| {
        let mut scratch = Scratch::default();
        let ledger = table.read(Occupancy::span_for_listing(range));
        let occupancy = ledger.busy_times(&session_type(1), now, &mut scratch);
        slots::slots(&utc(), &session_type(1).terms, &occupancy, range, now).len()
    };
    // 09:00 and 11:00 do not overlap. Without the expired hold, 11:15 to 12:45 are possible as well.
    assert_eq!((offered(now()), offered(now().plus(60))), (2, 9));
}

#[test]
fn listing_reads_the_weeks_of_every_zone_and_a_day_and_a_half_after_its_end() {
    // From Friday to Sunday morning. In a zone that is 14 hours ahead, the week ends 14 hours earlier, and vice
    // versa.
    let range = TimeSpan::new(at("2027-03-05T09:00:00Z"), at("2027-03-07T09:00:00Z"));
    let needed = TimeSpan::new(at("2027-02-28T10:00:00Z"), at("2027-03-08T21:00:00Z"));
    assert_eq!(Occupancy::span_for_listing(range), needed);
    let range = TimeSpan::new(at("2027-03-05T09:00:00Z"), at("2027-03-06T09:00:00Z"));
    let needed = TimeSpan::new(at("2027-02-28T10:00:00Z"), at("2027-03-08T14:00:00Z"));
    assert_eq!(Occupancy::span_for_listing(range), needed);
}

#[test]
fn daily_minutes_cap_counts_sessions_of_any_length_on_their_local_day() {
    let mut table = Table::default();
    let of_minutes =
        |minutes| with(1, |terms| (terms.length_minutes, terms.daily_minutes_cap) = (minutes, Some(120)));
    let hold = |table: &mut Table, bits, minutes, start: &str| {
        table.hold(&utc(), &request(bits, &of_minutes(minutes), at(start), None), now())
    };
    hold(&mut table, 1, 60, "2027-03-01T10:00:00Z").unwrap();
    hold(&mut table, 2, 45, "2027-03-01T12:00:00Z").unwrap();
    let full = Refusal::DayMinutesFull { date: date("2027-03-01"), cap: 120 };
    assert_eq!(hold(&mut table, 3, 30, "2027-03-01T14:00:00Z").unwrap_err(), full);
    let held = hold(&mut table, 3, 15, "2027-03-01T14:00:00Z").unwrap();
    // The day that was counted is written or checked.
    assert_eq!(held.change.days.len(), 1);
    hold(&mut table, 4, 120, "2027-03-02T00:00:00Z").unwrap();
}

#[test]
fn window_of_free_days_checks_the_full_days_that_it_depends_on() {
    let mut table = Table::default();
    let next_day = |days| {
        with(1, |terms| {
            terms.booking_window = crate::experts::session_type::BookingWindow::FreeDays { days };
        })
    };
    let day_long = with(2, |terms| terms.length_minutes = 1_440);
    let (first, second) = (at("2027-03-01T00:00:00Z"), at("2027-03-02T10:00:00Z"));
    let (one, two) = (next_day(1), next_day(2));
    let after = Refusal::NotOffered(slots::Refusal::AfterWindow { last_date: date("2027-03-01") });
    let refused = table.hold(&utc(), &request(2, &one, second, None), first).unwrap_err();
    assert_eq!(refused, after);

    let full = table.hold(&utc(), &request(1, &day_long, first, None), first).unwrap();
    // The second day is the first one with free time, as long as the first day stays full.
    let read = |session_type| table.read(Occupancy::span_for_booking(&utc(), session_type, second, first));
    let held = read(&one).hold(&utc(), &request(2, &one, second, None), first).unwrap();
    assert_eq!(held.change.unchanged, [(date("2027-03-01"), 1)]);
    // With two days, the second one can be booked in any case.
    let held_anyway = read(&two).hold(&utc(), &request(2, &two, second, None), first).unwrap();
    assert_eq!(held_anyway.change.unchanged, []);

    let release = table.read(day_long.terms.occupied(first)).release(&booked(1, &full));
    assert!(table.commit(&release));
    assert!(!table.commit(&held.change), "the first day is free again");
    assert_eq!(table.hold(&utc(), &request(2, &one, second, None), first).unwrap_err(), after);
}

#[test]
fn appointments_are_active_until_they_end() {
    let (single, course) = (session_type(1), with(2, |terms| terms.capacity = 3));
    let mut table = table(&[(1, &single, "2027-03-01T10:00:00Z"), (2, &single, "2027-03-02T10:00:00Z")]);
    let hold = request(3, &single, at("2027-03-02T12:00:00Z"), Some(at("2027-03-01T08:10:00Z")));
    table.hold(&utc(), &hold, now()).unwrap();
    table.hold(&utc(), &request(4, &course, at("2027-03-03T10:00:00Z"), None), now()).unwrap();
    let march = TimeSpan::new(at("2027-03-01T00:00:00Z"), at("2027-04-01T00:00:00Z"));
    let active = |time: &str| {
        let ids = table.read(march).active_appointments(at(time));
        (1..=4).filter(|bits| ids.contains(&AppointmentId::from_bits(*bits))).collect::<Vec<_>>()
    };
    assert_eq!(active(NOW), [1, 2, 3, 4]);
    assert_eq!(active("2027-03-01T08:10:00Z"), [1, 2, 3, 4], "an expired hold can still be paid");
    assert_eq!(active("2027-03-01T11:00:00Z"), [2, 3, 4]);
    assert_eq!(active("2027-03-03T11:00:00Z"), [] as [u128; 0]);
}

#[test]
fn appointment_can_be_moved_to_every_listed_day_of_a_window_of_free_days() {
    // One session a day, and the window is the next day with free time.
    let session_type = with(1, |terms| {
        terms.booking_window = crate::experts::session_type::BookingWindow::FreeDays { days: 1 };
        terms.daily_cap = Some(1);
    });
    let mut table = table(&[(1, &session_type, "2027-03-01T20:00:00Z")]);
    let mut booked = appointment(1);
    (booked.start, booked.end) = (at("2027-03-01T20:00:00Z"), at("2027-03-01T21:00:00Z"));
    let days = TimeSpan::new(now(), at("2027-04-15T00:00:00Z"));
    let mut scratch = Scratch::default();
    let occupancy = table.read(days);
    let busy = occupancy.busy_times(&session_type, now(), &mut scratch);
    let listed = slots::slots(&utc(), &session_type.terms, &busy, days, now());
    assert_eq!(listed[0].start, at("2027-03-02T00:00:00Z"));
    let request = request(1, &session_type, at("2027-03-04T10:00:00Z"), None);
    let evening = TimeSpan::new(booked.start, days.end());
    let alternatives = table.read(days).alternatives(&utc(), Some(&booked), &request, evening, &[], now());
    assert_eq!(alternatives[0], at("2027-03-01T20:15:00Z"), "its own start is not an alternative");
    let moved =
        table.read(days).move_hold(&utc(), &booked, &Request { start: listed[0].start, ..request }, now());
    assert!(table.commit(&moved.unwrap().change));
}
