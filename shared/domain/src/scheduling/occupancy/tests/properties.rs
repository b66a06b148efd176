//! Random histories of clients who hold, confirm, cancel and reschedule, some of them based on outdated reads.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::model::Model;
use super::world::{Action, Resolution, World, variant};
use super::*;
use crate::experts::availability::WeeklyHours;
use crate::experts::availability::tests::{range, windows};
use crate::experts::session_type::MAX_BUFFER_MINUTES;

/// Zones, and the start of their histories: some hours before the end of a day, and usually also of a week.
const BEGINNINGS: [(&str, &str); 8] = [
    ("UTC", "2027-01-10T12:00:00Z"),
    ("Asia/Kolkata", "2027-01-10T06:30:00Z"),
    ("America/Los_Angeles", "2027-01-10T20:00:00Z"),
    // 14 hours ahead: the local day differs from the UTC day most of the time.
    ("Pacific/Kiritimati", "2027-01-09T22:00:00Z"),
    // The clock goes forward in the night to Sunday.
    ("America/Los_Angeles", "2027-03-13T20:00:00Z"),
    // Sunday has no midnight.
    ("Asia/Beirut", "2024-03-30T10:00:00Z"),
    // Sunday has midnight twice.
    ("America/Havana", "2024-11-02T16:00:00Z"),
    // Saturday follows Thursday.
    ("Pacific/Apia", "2011-12-29T22:00:00Z"),
];

/// A step of a history.
#[derive(Debug, Clone)]
enum Step {
    /// An action that is decided on a read from this many steps ago.
    Action { action: Action, lag: usize },
    /// The expert changes the terms of a session type.
    Edit { session_type: usize, variant: u16 },
    /// The expert withdraws a session type or offers it again.
    Retire { session_type: usize },
    /// An outside calendar gets a new event of this many minutes, or all its events are removed.
    Busy { quarter: i64, minutes: Option<i64> },
    /// Time passes.
    Wait(i64),
}

fn quarter() -> impl Strategy<Value = i64> {
    // Few distinct values, so that actions conflict.
    prop_oneof![3 => (0..12_i64).prop_map(|place| 40 + place * 4), 1 => 0..240_i64]
}

fn action() -> impl Strategy<Value = Action> {
    let hold = (0..3_usize, quarter(), prop_oneof![3 => Just(1_u16), 1 => 0..5_u16], any::<bool>());
    prop_oneof![
        6 => hold.prop_map(|(session_type, quarter, seats, pays)| Action::Hold { session_type, quarter, seats, pays }),
        2 => any::<Index>().prop_map(Action::Confirm),
        2 => any::<Index>().prop_map(Action::Cancel),
        2 => any::<Index>().prop_map(Action::Expire),
        2 => (any::<Index>(), quarter()).prop_map(|(which, quarter)| Action::Move { which, quarter }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let lag = prop_oneof![2 => Just(0_usize), 1 => 1..6_usize];
    prop_oneof![
        12 => (action(), lag).prop_map(|(action, lag)| Step::Action { action, lag }),
        1 => (0..3_usize, 0..4_u16).prop_map(|(session_type, variant)| Step::Edit { session_type, variant }),
        1 => (0..3_usize).prop_map(|session_type| Step::Retire { session_type }),
        1 => (quarter(), prop::option::weighted(0.7, 1..200_i64))
            .prop_map(|(quarter, minutes)| Step::Busy { quarter, minutes }),
        3 => select(vec![0_i64, 1, 299, 300, 600, 7_200, 40_000]).prop_map(Step::Wait),
    ]
}

/// Checks that the table contains exactly the entries of the model.
fn check(rules: &AvailabilityRules, world: &World, model: &Model) {
    let mut days: BTreeMap<NaiveDate, BTreeMap<EntryKey, Entry>> = BTreeMap::new();
    let mut groups: BTreeMap<_, BTreeMap<AppointmentId, Seats>> = BTreeMap::new();
    for sitting in &model.0 {
        let alone = sitting.capacity.is_none();
        let entry = Entry { hold_expires_at: sitting.hold.filter(|_| alone), ..sitting.entry };
        for date in entry.occupied_span().utc_dates() {
            days.entry(date).or_default().insert(sitting.key(), entry);
        }
        if !alone {
            let seats = Seats { count: sitting.seats, hold_expires_at: sitting.hold, proposed: false };
            groups.entry((entry.session_type, entry.start)).or_default().insert(sitting.id, seats);
        }
    }
    let stored = world.table.days.iter().filter(|(_, day)| !day.entries.is_empty());
    assert_eq!(stored.map(|(date, day)| (*date, day.entries.clone())).collect::<BTreeMap<_, _>>(), days);
    let stored = world.table.groups.iter();
    for (key, group) in stored.clone() {
        assert!(group.seats.values().map(|seats| seats.count).sum::<u16>() <= group.capacity, "{key:?}");
    }
    assert_eq!(stored.map(|(key, group)| (*key, group.seats.clone())).collect::<BTreeMap<_, _>>(), groups);

    // Active appointments are those of the model, with the times that releasing them needs.
    let active = world.appointments.values().filter(|appointment| appointment.status.is_active());
    let mut appointments = model.0.clone();
    appointments.sort_by_key(|sitting| sitting.id);
    let active: Vec<_> = active.map(|one| (one.id, one.occupied_span(), one.seats, one.group)).collect();
    let expected: Vec<_> = appointments
        .iter()
        .map(|one| (one.id, one.entry.occupied_span(), one.seats, one.capacity.is_some()))
        .collect();
    assert_eq!(active, expected);

    let sessions: Vec<Entry> = model.sessions().into_values().collect();
    for (place, one) in sessions.iter().enumerate() {
        for other in &sessions[place + 1..] {
            assert!(!one.occupied_span().overlaps(other.occupied_span()), "{one:?} {other:?}");
        }
        let session_type =
            world.session_types.iter().find(|session_type| session_type.id == one.session_type).unwrap();
        for (cap, week) in [(session_type.terms.daily_cap, false), (session_type.terms.weekly_cap, true)] {
            let count = model.count(rules.time_zone, one.session_type, one.start, week);
            assert!(cap.is_none_or(|cap| count <= usize::from(cap)), "{one:?}");
        }
    }
}

/// Checks that each listed slot can be held with exactly as many seats as listed, and that other starts cannot be
/// held for the same reason as explained, except on a day or in a week that is full only because of expired holds.
fn check_list(rules: &AvailabilityRules, world: &World, change: fn(&mut SessionTerms)) {
    let range = TimeSpan::new(world.start(0), world.start(96));
    // A window of days with free time needs the days from today.
    let ledger =
        world.read(Occupancy::span_for_listing(TimeSpan::new(world.now.min(range.start()), range.end())));
    for mut session_type in world
        .session_types
        .iter()
        .filter(|session_type| session_type.status == SessionTypeStatus::Active)
        .cloned()
    {
        change(&mut session_type.terms);
        let session_type = &session_type;
        let mut scratch = Scratch::default();
        let occupancy = ledger.busy_times(session_type, world.now, &mut scratch);
        let listed = slots::slots(rules, &session_type.terms, &occupancy, range, world.now);
        // Some starts are not on the grid.
        let starts = (0..96).step_by(4).map(|quarter| world.start(quarter));
        for start in starts.flat_map(|start| [start, start.plus(7 * MINUTE)]) {
            let hold = |seats| {
                let request = Request {
                    appointment: id(0),
                    session: *session_type,
                    start,
                    seats,
                    hold_expires_at: None,
                };
                world
                    .read(Occupancy::span_for_booking(rules, session_type, start, world.now))
                    .hold(rules, &request, world.now)
            };
            let explained = slots::tests::explain(rules, &session_type.terms, &occupancy, start, world.now);
            match (listed.iter().find(|slot| slot.start == start), explained) {
                (Some(slot), Ok(())) => {
                    assert!(
                        hold(slot.seats).is_ok(),
                        "{start} is listed, but holding it gives {:?}",
                        hold(slot.seats)
                    );
                    let more = Refusal::Seats { wanted: slot.seats + 1, left: slot.seats };
                    assert_eq!(hold(slot.seats + 1), Err(more), "{start}");
                }
                (None, Err(explained)) => {
                    let is_full = matches!(
                        explained,
                        slots::Refusal::DayFull { .. }
                            | slots::Refusal::DayMinutesFull { .. }
                            | slots::Refusal::WeekFull { .. }
                    );
                    match hold(1) {
                        Ok(held) => {
                            let reclaims = !held.change.reclaimed.is_empty();
                            assert!(is_full && reclaims, "{start}: {explained}, but {held:?}");
                        }
                        // Without the expired holds that it takes over, another cap is reached.
                        Err(Refusal::DayMinutesFull { .. } | Refusal::WeekFull { .. }) if is_full => {}
                        Err(refusal) => assert_eq!(as_explained(refusal), explained, "{start}"),
                    }
                }
                (listed, explained) => panic!("{start} is listed as {listed:?}, but {explained:?}"),
            }
        }
    }
}

/// The refusal of a hold in the words of the slot engine, which knows only occupied time.
fn as_explained(refusal: Refusal) -> slots::Refusal {
    match refusal {
        Refusal::NotOffered(refusal) => refusal,
        Refusal::Taken | Refusal::TooClose | Refusal::Busy => slots::Refusal::Taken,
        Refusal::DayFull { date, cap } => slots::Refusal::DayFull { date, cap },
        Refusal::DayMinutesFull { date, cap } => slots::Refusal::DayMinutesFull { date, cap },
        Refusal::WeekFull { date, cap } => {
            slots::Refusal::WeekFull { monday: date.week(chrono::Weekday::Mon).first_day(), cap }
        }
        Refusal::Seats { .. } => slots::Refusal::NoSeatLeft,
        Refusal::Retired => panic!("retired session types are not listed"),
    }
}

/// Checks that each alternative to a start that cannot be booked, or to which an appointment cannot be moved, can be
/// held by the same request.
fn check_alternatives(rules: &AvailabilityRules, world: &World, change: fn(&mut SessionTerms)) {
    let moved = world.appointments.values().filter(|one| one.status == Status::Confirmed).map(Some);
    for (place, old) in moved.chain([None, None, None]).take(6).enumerate() {
        let mut session_type = match old {
            Some(old) => {
                *world.session_types.iter().find(|session_type| session_type.id == old.session_type).unwrap()
            }
            None => world.session_types[place % 3],
        };
        change(&mut session_type.terms);
        let seats = old.map_or(1 + place as u16 % 3, |old| old.seats);
        for start in (0..96).step_by(8).map(|quarter| world.start(quarter)) {
            let appointment = old.map_or(id(0), |old| old.id);
            let request = Request { appointment, session: session_type, start, seats, hold_expires_at: None };
            let hold = |request: &Request| {
                let needed = Occupancy::span_for_booking(rules, &session_type, request.start, world.now);
                match old {
                    None => world.read(needed).hold(rules, request, world.now),
                    Some(old) => world
                        .read(old.occupied_span())
                        .union(world.read(needed))
                        .move_hold(rules, old, request, world.now),
                }
            };
            let Err(refusal) = hold(&request) else { continue };
            let range = Occupancy::range_of_alternatives(rules, &request, &refusal, world.now);
            let needed = Occupancy::span_for_alternatives(rules, &session_type, range, world.now);
            let occupancy = world.read(needed);
            let alternatives = occupancy.alternatives(rules, old, &request, range, &[], world.now);
            assert!(alternatives.len() <= MAX_ALTERNATIVES && alternatives.is_sorted());
            for start in alternatives {
                let held = hold(&Request { start, ..request });
                assert!(held.is_ok(), "{start} is an alternative, but holding it gives {held:?}");
            }
        }
    }
}

/// Rules with hours on some days only, and terms with a notice and a booking window.
fn check_lists(rules: &AvailabilityRules, world: &World, choice: usize) {
    let narrow = AvailabilityRules {
        blocked: vec![range("2027-01-12", "2027-01-12")],
        weekly: WeeklyHours {
            monday: windows(&["09:00-12:15", "14:00-03:00"]),
            tuesday: windows(&["00:00-24:00"]),
            sunday: windows(&["10:10-24:00"]),
            ..WeeklyHours::default()
        },
        ..rules.clone()
    };
    let near: fn(&mut SessionTerms) = |terms| {
        terms.minimum_notice_minutes = 300;
        terms.booking_window = crate::experts::session_type::BookingWindow::Rolling { days: 1 };
    };
    let free: fn(&mut SessionTerms) = |terms| {
        terms.booking_window = crate::experts::session_type::BookingWindow::FreeDays { days: 1 };
        terms.daily_minutes_cap = Some(1_440);
    };
    // Each history checks one of the combinations, which keeps the test fast.
    let rules = [rules, &narrow][choice % 2];
    let change = [|_: &mut SessionTerms| (), near, free][choice % 3];
    check_list(rules, world, change);
    check_alternatives(rules, world, change);
}

fn play(zone: &str, begin: &str, steps: &[Step]) {
    let rules = always(zone);
    let zone = rules.time_zone;
    let mut world = World::begin(begin);
    let mut model = Model::default();
    let mut history = vec![world.clone()];
    let mut written: BTreeMap<(SessionTypeId, Timestamp), GroupSession> = BTreeMap::new();
    for (place, step) in steps.iter().enumerate() {
        match step {
            Step::Wait(seconds) => world.now = world.now.plus(*seconds),
            Step::Edit { session_type, variant: number } => {
                world.session_types[*session_type].terms = variant(*session_type, *number).terms;
            }
            Step::Retire { session_type } => {
                let status = &mut world.session_types[*session_type].status;
                *status = match status {
                    SessionTypeStatus::Active => SessionTypeStatus::Retired,
                    SessionTypeStatus::Retired | SessionTypeStatus::Unknown => SessionTypeStatus::Active,
                };
            }
            Step::Busy { quarter, minutes: Some(minutes) } => {
                let start = world.start(*quarter).plus(7 * MINUTE);
                world.busy.push(TimeSpan::new(start, start.plus(minutes * MINUTE)));
            }
            Step::Busy { minutes: None, .. } => world.busy.clear(),
            Step::Action { action, lag } => {
                let fresh = id(1 + place as u128);
                let mut read = history[history.len() - 1 - (*lag).min(history.len() - 1)].clone();
                loop {
                    let stale = read.table.days != world.table.days
                        || read.table.groups != world.table.groups
                        || read.appointments != world.appointments;
                    match read.decide(&rules, action, fresh) {
                        Resolution::Write { change, appointments, request } => {
                            if !world.commit(&change, &appointments) {
                                assert!(stale, "a decision on a current read is always committed");
                                read = world.clone();
                                continue;
                            }
                            let made = appointments.last().unwrap();
                            match (&request, &made.status) {
                                (Some((session_type, start, seats)), status) => {
                                    let hold_expires_at = match status {
                                        Status::Pending { hold_expires_at } => Some(*hold_expires_at),
                                        _ => None,
                                    };
                                    let request = Request {
                                        appointment: made.id,
                                        session: *session_type,
                                        start: *start,
                                        seats: *seats,
                                        hold_expires_at,
                                    };
                                    // Even a decision on an outdated read must be correct if it is committed.
                                    let (after, reclaimed) = model
                                        .move_hold(zone, &read.busy, &request, read.now)
                                        .expect("the model can hold it too");
                                    assert_eq!(change.reclaimed, reclaimed);
                                    model = after;
                                }
                                (None, Status::Confirmed) => model.confirm(made.id),
                                (None, _) => model.release(made.id),
                            }
                        }
                        Resolution::Refused(why, session_type, start, seats) if !stale => {
                            let hold_expires_at = None;
                            let appointment = match action {
                                Action::Move { which, .. } => read.pick(*which).unwrap().id,
                                _ => fresh,
                            };
                            let request =
                                Request { appointment, session: session_type, start, seats, hold_expires_at };
                            let expected = model.move_hold(zone, &read.busy, &request, read.now);
                            assert_eq!(expected.map(|_| ()), Err(why));
                        }
                        Resolution::Refused(..) | Resolution::Nothing => {}
                    }
                    break;
                }
            }
        }
        check(&rules, &world, &model);
        for (key, group) in &world.table.groups {
            // This includes sessions that ended and were created again. Otherwise, a writer with an outdated read
            // could overwrite them.
            let before = written.insert(*key, group.clone());
            let grows = |before: GroupSession| before == *group || before.version < group.version;
            assert!(before.is_none_or(grows), "{key:?}: {group:?}");
        }
        history.push(world.clone());
    }
    check_lists(&rules, &world, steps.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn every_history_agrees_with_the_plain_list(
        (zone, begin) in select(&BEGINNINGS[..]),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        play(zone, begin, &steps);
    }

    /// Everything that a decision may change lies in the span that it requires.
    #[test]
    fn required_span_contains_every_reclaimable_session(
        place in 0..3_usize,
        number in 0..4_u16,
        quarter in quarter(),
        back in 0..400_i64,
        length in 1..1_440_u16,
        buffers in (0..720_u16, 0..720_u16),
    ) {
        let (session_type, start) = (variant(place, number), at("2027-01-10T12:00:00Z").plus(quarter * 15 * MINUTE));
        let needed = Occupancy::span_for_booking(&always("Asia/Kolkata"), &session_type, start, start);
        let other = with(9, |terms| {
            terms.length_minutes = length;
            (terms.buffer_before_minutes, terms.buffer_after_minutes) = buffers;
        });
        let other = entry(&other, start.plus((back - 200) * 15 * MINUTE));
        if other.occupied_span().overlaps(session_type.terms.occupied(start)) {
            let days: BTreeSet<NaiveDate> = needed.utc_dates().collect();
            prop_assert!(other.occupied_span().utc_dates().all(|date| days.contains(&date)));
        }
    }

    /// For every listed slot, its week and all overlapping sessions were read.
    #[test]
    fn span_to_list_contains_the_weeks_of_every_zone_and_overlapping_sessions(
        zone in select(vec!["Etc/GMT+12", "Pacific/Midway", "UTC", "Asia/Kathmandu", "Pacific/Kiritimati"]),
        // Around UTC midnights, including the end of a week.
        (first, last) in (0..8_i64, 0..8_i64),
        (early, late) in (-15 * HOUR..15 * HOUR, -15 * HOUR..15 * HOUR),
    ) {
        let zone: Zone = zone.parse().unwrap();
        let midnight = at("2027-01-07T00:00:00Z");
        let start = midnight.plus(first * DAY + early);
        let range = TimeSpan::new(start, start.plus(1).max(midnight.plus((first + last) * DAY + late)));
        let needed = Occupancy::span_for_listing(range);
        let half_a_day = i64::from(MAX_BUFFER_MINUTES) * MINUTE;
        for instant in [range.start(), range.end().plus(-1)] {
            let week = zone.iso_week_span(zone.scheduling_date(instant));
            let session = TimeSpan::new(instant, instant.plus(DAY)).expanded(half_a_day, half_a_day);
            for within in [week, session] {
                prop_assert!(needed.start() <= within.start() && within.end() <= needed.end(), "{within:?}");
            }
        }
        // Reads cost money, so the span contains no more than the adjacent weeks.
        prop_assert!(range.start().seconds() - needed.start().seconds() < 9 * DAY);
        prop_assert!(needed.end().seconds() - range.end().seconds() < 9 * DAY);
    }
}
