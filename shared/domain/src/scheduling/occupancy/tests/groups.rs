//! Group sessions.

use super::*;

const START: &str = "2027-03-02T23:30:00Z";

fn now() -> Timestamp {
    at("2027-03-01T08:00:00Z")
}

fn course() -> SelectedSession {
    with(1, |terms| terms.capacity = 4)
}

fn seats(
    table: &mut Table,
    bits: u128,
    session_type: &SelectedSession,
    count: u16,
    ends: Option<i64>,
) -> Result<Held, Refusal> {
    seats_at(table, bits, session_type, count, ends, now())
}

fn seats_at(
    table: &mut Table,
    bits: u128,
    session_type: &SelectedSession,
    count: u16,
    ends: Option<i64>,
    now_at: Timestamp,
) -> Result<Held, Refusal> {
    let hold_expires_at = ends.map(|seconds| now().plus(seconds));
    table.hold(
        &utc(),
        &Request { seats: count, ..request(bits, session_type, at(START), hold_expires_at) },
        now_at,
    )
}

fn taken(table: &Table) -> Vec<(AppointmentId, u16)> {
    let groups = table.groups.values();
    groups.flat_map(|group| group.seats.iter().map(|(id, seats)| (*id, seats.count))).collect()
}

#[test]
fn joining_is_limited_by_the_current_capacity() {
    let mut table = Table::default();
    seats(&mut table, 1, &course(), 1, None).unwrap();
    let alone = with(1, |terms| terms.capacity = 1);
    assert_eq!(seats(&mut table, 2, &alone, 1, None), Err(Refusal::Seats { wanted: 1, left: 0 }));
    let two = with(1, |terms| terms.capacity = 2);
    assert_eq!(seats(&mut table, 2, &two, 2, None), Err(Refusal::Seats { wanted: 2, left: 1 }));
    seats(&mut table, 2, &two, 1, None).unwrap();
    // The capacity at the first booking is also a limit.
    let many = with(1, |terms| terms.capacity = 9);
    assert_eq!(seats(&mut table, 3, &many, 3, None), Err(Refusal::Seats { wanted: 3, left: 2 }));
}

#[test]
fn seats_can_be_held_until_the_session_is_full() {
    let mut table = Table::default();
    let first = seats(&mut table, 1, &course(), 2, None).unwrap();
    assert_eq!((first.change.days.len(), first.change.groups.len(), first.group), (2, 1, true));
    // After the first booking, only the seats are written, so the versions of the days do not change.
    let second = seats(&mut table, 2, &course(), 1, None).unwrap();
    assert_eq!(
        (second.change.days.len(), second.change.unchanged.len(), second.change.groups.len()),
        (0, 0, 1)
    );
    assert_eq!(seats(&mut table, 3, &course(), 2, None), Err(Refusal::Seats { wanted: 2, left: 1 }));
    assert_eq!(seats(&mut table, 3, &course(), 0, None), Err(Refusal::Seats { wanted: 0, left: 1 }));
    seats(&mut table, 3, &course(), 1, None).unwrap();
    assert_eq!(seats(&mut table, 4, &course(), 1, None), Err(Refusal::Seats { wanted: 1, left: 0 }));
    let key = EntryKey::Group(course().id, at(START));
    assert_eq!(table.entries(), [("2027-03-02".to_owned(), key), ("2027-03-03".to_owned(), key)]);
    assert_eq!(
        seats(&mut Table::default(), 1, &course(), 5, None),
        Err(Refusal::Seats { wanted: 5, left: 4 })
    );
}

#[test]
fn expired_seats_are_reclaimed_by_the_next_booking() {
    let mut table = Table::default();
    seats(&mut table, 1, &course(), 2, Some(60)).unwrap();
    seats(&mut table, 2, &course(), 2, None).unwrap();
    assert_eq!(seats(&mut table, 3, &course(), 1, None), Err(Refusal::Seats { wanted: 1, left: 0 }));
    let held = seats_at(&mut table, 3, &course(), 1, None, now().plus(60)).unwrap();
    assert_eq!(held.change.reclaimed, [id(1)].into());
    assert_eq!(taken(&table), [(id(2), 2), (id(3), 1)]);
}

#[test]
fn session_with_only_expired_seats_is_free() {
    let mut table = Table::default();
    seats(&mut table, 1, &course(), 2, Some(60)).unwrap();
    seats(&mut table, 2, &course(), 1, Some(120)).unwrap();
    let session_type = session_type(2);
    let single = request(3, &session_type, at("2027-03-03T00:00:00Z"), None);
    assert_eq!(table.hold(&utc(), &single, now().plus(119)), Err(Refusal::Taken));
    let held = table.clone().hold(&utc(), &single, now().plus(120)).unwrap();
    assert_eq!(held.change.reclaimed, [id(1), id(2)].into());
    assert!(table.commit(&held.change));
    assert_eq!(table.entries(), [("2027-03-03".to_owned(), EntryKey::Appointment(id(3)))]);
    assert_eq!(taken(&table), []);
}

#[test]
fn session_with_only_expired_seats_can_be_created_again() {
    let mut table = Table::default();
    seats(&mut table, 1, &course(), 4, Some(60)).unwrap();
    let longer = with(1, |terms| {
        terms.capacity = 3;
        terms.length_minutes = 90;
    });
    let held = seats_at(&mut table, 2, &longer, 3, None, now().plus(60)).unwrap();
    assert_eq!(held.change.reclaimed, [id(1)].into());
    assert_eq!(held.entry.session_span().seconds(), 90 * MINUTE);
    assert_eq!(taken(&table), [(id(2), 3)]);
    assert_eq!(table.groups.values().map(|group| group.capacity).collect::<Vec<_>>(), [3]);
}

#[test]
fn confirming_or_releasing_a_seat_does_not_change_other_seats() {
    let mut table = Table::default();
    let first = booked(1, &seats(&mut table, 1, &course(), 1, Some(60)).unwrap());
    let second = booked(2, &seats(&mut table, 2, &course(), 1, Some(60)).unwrap());
    let change = table.read(first.occupied_span()).confirm(&first);
    assert_eq!((change.days.len(), change.groups.len()), (0, 1));
    assert!(table.commit(&change));
    assert_eq!(
        seats_at(&mut table, 3, &course(), 4, None, now().plus(60)),
        Err(Refusal::Seats { wanted: 4, left: 3 })
    );
    let change = table.read(second.occupied_span()).release(&second);
    assert_eq!((change.days.len(), change.groups.len()), (0, 1));
    assert!(table.commit(&change));
    let change = table.read(first.occupied_span()).release(&first);
    assert_eq!((change.days.len(), change.groups.len()), (2, 1));
    assert!(table.commit(&change));
    assert_eq!((table.entries(), taken(&table)), (vec![], vec![]));
    // Confirming a released seat changes nothing.
    let again = table.read(first.occupied_span()).confirm(&first);
    assert_eq!((again.days.len(), again.unchanged.len()), (0, 0));
    // The change only checks that the session still does not exist.
    assert!(again.groups.iter().all(|(_, group)| group.version == 0 && group.seats.is_empty()));
}

#[test]
fn outdated_read_cannot_overwrite_seats_of_a_recreated_session() {
    let mut table = Table::default();
    let first = booked(1, &seats(&mut table, 1, &course(), 1, None).unwrap());
    let course = course();
    let needed = Occupancy::span_for_booking(&utc(), &course, at(START), at(START));
    let slow = table.read(needed).hold(&utc(), &request(2, &course, at(START), None), now()).unwrap();
    assert!(table.commit(&table.read(first.occupied_span()).release(&first)));
    seats(&mut table, 3, &course, 1, None).unwrap();
    assert!(!table.commit(&slow.change), "the third client would lose the seat");
    // No version repeats, however often the session ends and is created again.
    let mut seen = BTreeSet::new();
    for bits in 4..9 {
        let version = table.groups.values().map(|group| group.version).next().unwrap();
        assert!(seen.insert(version));
        let last = id(bits - 1);
        let held = seats(&mut table, bits, &course, 1, None).unwrap();
        assert!(seen.insert(table.groups.values().map(|group| group.version).next().unwrap()));
        for leaving in [last, id(bits)] {
            let old = Appointment { id: leaving, ..booked(0, &held) };
            assert!(table.commit(&table.read(old.occupied_span()).release(&old)));
        }
        seats(&mut table, bits, &course, 1, None).unwrap();
    }
}

#[test]
fn session_keeps_the_times_of_its_first_booking() {
    let mut table = Table::default();
    let first = booked(1, &seats(&mut table, 1, &course(), 1, None).unwrap());
    let buffered = with(1, |terms| {
        terms.capacity = 4;
        terms.buffer_after_minutes = 120;
    });
    let second = seats(&mut table, 2, &buffered, 1, None).unwrap();
    assert_eq!(second.entry.occupied_span(), first.occupied_span());
    for appointment in [first, booked(2, &second)] {
        assert!(table.commit(&table.read(appointment.occupied_span()).release(&appointment)));
    }
    assert_eq!(table.entries(), []);
}

#[test]
fn existing_session_of_another_length_is_not_offered() {
    let mut table = Table::default();
    seats(&mut table, 1, &course(), 1, None).unwrap();
    let longer = with(1, |terms| {
        terms.capacity = 4;
        terms.length_minutes = 90;
    });
    assert_eq!(seats(&mut table, 2, &longer, 1, None), Err(Refusal::Taken));
    let span = TimeSpan::new(at(START), at(START).plus(1));
    let offered = |session_type: &SelectedSession| {
        let mut scratch = Scratch::default();
        let ledger = table.read(Occupancy::span_for_listing(span));
        let occupancy = ledger.busy_times(session_type, now(), &mut scratch);
        slots::slots(&utc(), &session_type.terms, &occupancy, span, now())
    };
    assert_eq!(offered(&longer), []);
    assert_eq!(offered(&course()), [slots::Slot { start: at(START), seats: 3 }]);
}

#[test]
fn seat_can_be_confirmed_after_the_capacity_was_reduced() {
    let mut table = Table::default();
    seats(&mut table, 1, &course(), 1, None).unwrap();
    let two = with(1, |terms| terms.capacity = 2);
    let held = seats(&mut table, 2, &two, 1, Some(60)).unwrap();
    assert!(held.group);
    let pending = booked(2, &held);
    assert!(table.commit(&table.read(pending.occupied_span()).confirm(&pending)));
    assert_eq!(
        seats_at(&mut table, 3, &course(), 3, None, now().plus(60)),
        Err(Refusal::Seats { wanted: 3, left: 2 })
    );
}

#[test]
fn group_session_counts_once_for_caps() {
    let capped = with(1, |terms| {
        terms.capacity = 4;
        terms.daily_cap = Some(1);
    });
    let mut table = Table::default();
    for bits in 1..4 {
        seats(&mut table, bits, &capped, 1, None).unwrap();
    }
    let other = request(9, &capped, at("2027-03-02T10:00:00Z"), None);
    let full = Refusal::DayFull { date: date("2027-03-02"), cap: 1 };
    assert_eq!(table.hold(&utc(), &other, now()), Err(full));
}

#[test]
fn group_session_that_was_not_read_counts_as_taken() {
    let mut table = Table::default();
    seats(&mut table, 1, &course(), 1, Some(0)).unwrap();
    let mut ledger = table.read(TimeSpan::new(at(START), at(START).plus(DAY)));
    ledger.groups.clear();
    let session_type = session_type(2);
    let refused = ledger.hold(&utc(), &request(2, &session_type, at("2027-03-03T00:00:00Z"), None), now());
    assert_eq!(refused, Err(Refusal::Taken));
}

#[test]
fn last_seat_can_move_to_an_overlapping_time() {
    let mut table = Table::default();
    let old = booked(1, &seats(&mut table, 1, &course(), 2, None).unwrap());
    let course = course();
    let start = at("2027-03-02T23:00:00Z");
    let request = Request { seats: 2, ..request(1, &course, start, None) };
    let ledger = table.read(old.occupied_span()).union(table.read(Occupancy::span_for_booking(
        &utc(),
        &course,
        start,
        start,
    )));
    let held = ledger.move_hold(&utc(), &old, &request, now()).unwrap();
    assert!(table.commit(&held.change));
    assert_eq!(table.entries(), [("2027-03-02".to_owned(), EntryKey::Group(course.id, start))]);
    assert_eq!(taken(&table), [(id(1), 2)]);
}

#[test]
fn seat_does_not_conflict_with_itself_when_days_are_newer_than_the_appointment() {
    let mut table = Table::default();
    let old = booked(1, &seats(&mut table, 1, &course(), 2, None).unwrap());
    let course = course();
    let moves = |table: &Table, start: &str| {
        let start = at(start);
        let request = Request { seats: 2, ..request(1, &course, start, None) };
        let ledger = table.read(old.occupied_span()).union(table.read(Occupancy::span_for_booking(
            &utc(),
            &course,
            start,
            start,
        )));
        ledger.move_hold(&utc(), &old, &request, now())
    };
    let first = moves(&table, "2027-03-02T23:00:00Z").unwrap();
    assert!(table.commit(&first.change));
    // The appointment was read before that change, and the days after it.
    let second = moves(&table, "2027-03-02T22:30:00Z").unwrap();
    assert_eq!(second.change.groups.iter().map(|(_, group)| group.seats.len()).sum::<usize>(), 1);
    assert!(table.is_as_read(&second.change), "only the version of the appointment detects the change");
}

#[test]
fn recreated_session_has_a_new_version() {
    let change = |day: u64| OccupancyChange {
        days: vec![(date("2027-03-01"), Day { version: 99, ..Day::default() })]
            .into_iter()
            .chain([(date("2027-03-02"), Day { version: day, ..Day::default() })])
            .collect(),
        ..OccupancyChange::default()
    };
    let group = |version| GroupSession {
        version,
        entry: entry(&course(), at(START)),
        capacity: 4,
        seats: BTreeMap::new(),
    };
    let begins = |day| change(day).group_version(at(START), &group(0));
    // The version of the day comes first. Changes of seats are counted in the lower bits.
    assert_eq!([begins(0), begins(1), begins(7)], [1 << 20, 2 << 20, 8 << 20]);
    assert_eq!(change(7).group_version(at(START), &group(begins(0))), begins(0) + 1);
    assert_eq!(OccupancyChange::default().group_version(at(START), &group(0)), 1 << 20);
}
