//! Random histories: clients who hold, confirm, cancel and move, some of them on what they read a while ago.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::model::{Model, Why};
use super::*;
use crate::appointment::Party;

/// A Sunday evening, so that days and a week end among the starts.
const BEGIN: &str = "2027-01-10T12:00:00Z";

/// What somebody does.
#[derive(Debug, Clone)]
enum Deed {
    Hold { kind: usize, quarter: i64, seats: u16, pays: bool },
    Confirm(Index),
    Cancel(Index),
    Expire(Index),
    Move { which: Index, quarter: i64 },
}

/// A step of a history.
#[derive(Debug, Clone)]
enum Step {
    /// A deed, decided on what was read so many steps ago.
    Deed { deed: Deed, lag: usize },
    /// The expert changes the terms of a type.
    Edit { kind: usize, variant: u16 },
    /// Time passes.
    Wait(i64),
}

/// The types: a short one with a daily cap, a group's with a weekly cap, a long one with long buffers.
fn kinds() -> Vec<SessionType> {
    (0..3).map(|place| variant(place, 0)).collect()
}

fn variant(place: usize, variant: u16) -> SessionType {
    match place {
        0 => with(1, |terms| {
            terms.length_minutes = [45, 90, 15, 45][usize::from(variant)];
            terms.buffer_before_minutes = [10, 0, 0, 10][usize::from(variant)];
            terms.buffer_after_minutes = [0, 15, 30, 0][usize::from(variant)];
            terms.daily_cap = Some(3);
            // It, too, may be opened for groups and closed again.
            terms.capacity = [1, 1, 1, 2][usize::from(variant)];
        }),
        1 => with(2, |terms| {
            terms.length_minutes = [120, 120, 120, 60][usize::from(variant)];
            terms.buffer_after_minutes = [0, 720, 0, 30][usize::from(variant)];
            terms.capacity = [3, 4, 1, 2][usize::from(variant)];
            terms.weekly_cap = Some(4);
        }),
        _ => with(3, |terms| {
            terms.length_minutes = [600, 1_440, 300, 30][usize::from(variant)];
            terms.buffer_before_minutes = [120, 720, 0, 720][usize::from(variant)];
            terms.buffer_after_minutes = [300, 720, 0, 0][usize::from(variant)];
        }),
    }
}

fn quarter() -> impl Strategy<Value = i64> {
    // Often the same few, so that people meet.
    prop_oneof![3 => (0..12_i64).prop_map(|place| 40 + place * 4), 1 => 0..240_i64]
}

fn deed() -> impl Strategy<Value = Deed> {
    let hold = (0..3_usize, quarter(), prop_oneof![3 => Just(1_u16), 1 => 0..5_u16], any::<bool>());
    prop_oneof![
        6 => hold.prop_map(|(kind, quarter, seats, pays)| Deed::Hold { kind, quarter, seats, pays }),
        2 => any::<Index>().prop_map(Deed::Confirm),
        2 => any::<Index>().prop_map(Deed::Cancel),
        2 => any::<Index>().prop_map(Deed::Expire),
        2 => (any::<Index>(), quarter()).prop_map(|(which, quarter)| Deed::Move { which, quarter }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let lag = prop_oneof![2 => Just(0_usize), 1 => 1..6_usize];
    prop_oneof![
        12 => (deed(), lag).prop_map(|(deed, lag)| Step::Deed { deed, lag }),
        1 => (0..3_usize, 0..4_u16).prop_map(|(kind, variant)| Step::Edit { kind, variant }),
        3 => select(vec![0_i64, 1, 299, 300, 600, 7_200, 40_000]).prop_map(Step::Wait),
    ]
}

/// All that can be read at one moment.
#[derive(Debug, Clone)]
struct World {
    table: Table,
    appointments: BTreeMap<AppointmentId, Appointment>,
    kinds: Vec<SessionType>,
    now: Timestamp,
}

/// What a deed comes to on what was read.
enum Decision {
    /// To be written, with the appointments as they become.
    Write {
        change: Change,
        appointments: Vec<Appointment>,
        request: Option<(SessionType, Timestamp, u16)>,
    },
    Refused(Why, SessionType, Timestamp, u16),
    /// There is nothing to do, or the appointment's status does not allow it.
    Nothing,
}

impl World {
    fn pick(&self, index: Index) -> Option<&Appointment> {
        let all: Vec<&Appointment> = self.appointments.values().collect();
        (!all.is_empty()).then(|| all[index.index(all.len())])
    }

    fn reclaimed(&self, change: &Change) -> Vec<Appointment> {
        change.reclaimed.iter().map(|id| self.appointments[id].expired(self.now).unwrap()).collect()
    }

    fn start(quarter: i64) -> Timestamp {
        at(BEGIN).plus(quarter * 15 * MINUTE)
    }

    fn decide(&self, rules: &AvailabilityRules, deed: &Deed, fresh: AppointmentId) -> Decision {
        let now = self.now;
        match *deed {
            Deed::Hold { kind, quarter, seats, pays } => {
                let (kind, start) = (&self.kinds[kind], Self::start(quarter));
                let hold_expires_at = pays.then_some(now.plus(300));
                let request =
                    Request { appointment: fresh, session_type: kind, start, seats, hold_expires_at };
                let ledger = self.table.read(DayLedger::needed(rules, kind, start));
                match ledger.hold(rules, &request, now) {
                    Ok(held) => {
                        let status = hold_expires_at
                            .map_or(Status::Confirmed, |hold_expires_at| Status::Pending { hold_expires_at });
                        let made = Appointment { id: fresh, seats, status, ..booked(0, &held) };
                        let mut appointments = self.reclaimed(&held.change);
                        appointments.push(made);
                        let request = Some((kind.clone(), start, seats));
                        Decision::Write { change: held.change, appointments, request }
                    }
                    Err(refusal) => Decision::Refused(Why::from(&refusal), kind.clone(), start, seats),
                }
            }
            Deed::Confirm(which) => self.end(which, |table, old| {
                Some((table.read(old.occupied()).confirm(old), old.confirmed().ok()?))
            }),
            Deed::Cancel(which) => self.end(which, |table, old| {
                let cancelled =
                    old.cancelled(crate::appointment::Party::Client, Default::default(), now).ok()?;
                Some((table.read(old.occupied()).release(old), cancelled))
            }),
            Deed::Expire(which) => self.end(which, |table, old| {
                Some((table.read(old.occupied()).release(old), old.expired(now).ok()?))
            }),
            Deed::Move { which, quarter } => {
                let start = Self::start(quarter);
                let Some(old) = self.pick(which) else { return Decision::Nothing };
                if old.check_reschedule(Party::Client, now).is_err() || old.start == start {
                    return Decision::Nothing;
                }
                let kind = self.kinds.iter().find(|kind| kind.id == old.session_type).unwrap();
                let mut kind = kind.clone();
                // As the use case does: what was booked keeps its length, and a seat stays a seat.
                kind.terms.length_minutes = u16::try_from(old.session().seconds() / MINUTE).unwrap();
                if !old.group {
                    kind.terms.capacity = 1;
                } else if kind.terms.capacity == 1 {
                    kind.terms.capacity = old.seats.max(2);
                }
                let request = Request {
                    appointment: old.id,
                    session_type: &kind,
                    start,
                    seats: old.seats,
                    hold_expires_at: None,
                };
                let needed = DayLedger::needed(rules, &kind, start);
                let ledger = self.table.read(old.occupied()).joined(self.table.read(needed));
                match ledger.move_hold(rules, old, &request, now) {
                    Ok(held) => {
                        let mut appointments = self.reclaimed(&held.change);
                        appointments.push(old.rescheduled(Party::Client, &held, old.price, now).unwrap());
                        let request = Some((kind.clone(), start, old.seats));
                        Decision::Write { change: held.change, appointments, request }
                    }
                    Err(refusal) => Decision::Refused(Why::from(&refusal), kind.clone(), start, old.seats),
                }
            }
        }
    }

    fn end(
        &self,
        which: Index,
        change: impl FnOnce(&Table, &Appointment) -> Option<(Change, Appointment)>,
    ) -> Decision {
        match self.pick(which).and_then(|old| change(&self.table, old)) {
            Some((change, appointment)) => {
                Decision::Write { change, appointments: vec![appointment], request: None }
            }
            None => Decision::Nothing,
        }
    }

    /// All of it or nothing, as a transaction does.
    fn commit(&mut self, change: &Change, appointments: &[Appointment]) -> bool {
        let as_read = |appointment: &Appointment| {
            self.appointments.get(&appointment.id).map_or(0, |old| old.version) == appointment.version - 1
        };
        if !appointments.iter().all(as_read) || !self.table.commit(change) {
            return false;
        }
        for appointment in appointments {
            self.appointments.insert(appointment.id, appointment.clone());
        }
        true
    }
}

/// The table holds what the model says, to the entry.
fn check(rules: &AvailabilityRules, world: &World, model: &Model) {
    let mut days: BTreeMap<NaiveDate, BTreeMap<EntryKey, Entry>> = BTreeMap::new();
    let mut groups: BTreeMap<_, BTreeMap<AppointmentId, Seats>> = BTreeMap::new();
    for sitting in &model.0 {
        let alone = sitting.capacity.is_none();
        let entry = Entry { hold_expires_at: sitting.hold.filter(|_| alone), ..sitting.entry };
        for date in entry.occupied().utc_days() {
            days.entry(date).or_default().insert(sitting.key(), entry);
        }
        if !alone {
            let seats = Seats { count: sitting.seats, hold_expires_at: sitting.hold };
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

    // Appointments that take time are those of the model, with the times under which they can be freed.
    let active = world.appointments.values().filter(|appointment| appointment.status.is_active());
    let mut sittings = model.0.clone();
    sittings.sort_by_key(|sitting| sitting.id);
    let active: Vec<_> = active.map(|one| (one.id, one.occupied(), one.seats, one.group)).collect();
    let expected: Vec<_> = sittings
        .iter()
        .map(|one| (one.id, one.entry.occupied(), one.seats, one.capacity.is_some()))
        .collect();
    assert_eq!(active, expected);

    let sessions: Vec<Entry> = model.sessions().into_values().collect();
    for (place, one) in sessions.iter().enumerate() {
        for other in &sessions[place + 1..] {
            assert!(!one.occupied().overlaps(other.occupied()), "{one:?} {other:?}");
        }
        let kind = world.kinds.iter().find(|kind| kind.id == one.session_type).unwrap();
        for (cap, week) in [(kind.terms.daily_cap, false), (kind.terms.weekly_cap, true)] {
            let count = model.count(rules.time_zone, one.session_type, one.start, week);
            assert!(cap.is_none_or(|cap| count <= usize::from(cap)), "{one:?}");
        }
    }
}

fn play(zone: &str, steps: &[Step]) {
    let rules = always(zone);
    let zone = rules.time_zone;
    let mut world =
        World { table: Table::default(), appointments: BTreeMap::new(), kinds: kinds(), now: at(BEGIN) };
    let mut model = Model::default();
    let mut history = vec![world.clone()];
    for (place, step) in steps.iter().enumerate() {
        match step {
            Step::Wait(seconds) => world.now = world.now.plus(*seconds),
            Step::Edit { kind, variant: number } => world.kinds[*kind] = variant(*kind, *number),
            Step::Deed { deed, lag } => {
                let fresh = id(1 + place as u128);
                let mut read = history[history.len() - 1 - (*lag).min(history.len() - 1)].clone();
                loop {
                    let stale = read.table.days != world.table.days
                        || read.table.groups != world.table.groups
                        || read.appointments != world.appointments;
                    match read.decide(&rules, deed, fresh) {
                        Decision::Write { change, appointments, request } => {
                            if !world.commit(&change, &appointments) {
                                assert!(stale, "a fresh decision is always written");
                                read = world.clone();
                                continue;
                            }
                            let made = appointments.last().unwrap();
                            match (&request, &made.status) {
                                (Some((kind, start, seats)), status) => {
                                    let hold_expires_at = match status {
                                        Status::Pending { hold_expires_at } => Some(*hold_expires_at),
                                        _ => None,
                                    };
                                    let request = Request {
                                        appointment: made.id,
                                        session_type: kind,
                                        start: *start,
                                        seats: *seats,
                                        hold_expires_at,
                                    };
                                    // Also when it was decided on old news, it must still be right.
                                    let (after, reclaimed) = model
                                        .move_hold(zone, &request, read.now)
                                        .expect("the model holds it too");
                                    assert_eq!(change.reclaimed, reclaimed);
                                    model = after;
                                }
                                (None, Status::Confirmed) => model.confirm(made.id),
                                (None, _) => model.release(made.id),
                            }
                        }
                        Decision::Refused(why, kind, start, seats) if !stale => {
                            let hold_expires_at = None;
                            let appointment = match deed {
                                Deed::Move { which, .. } => read.pick(*which).unwrap().id,
                                _ => fresh,
                            };
                            let request =
                                Request { appointment, session_type: &kind, start, seats, hold_expires_at };
                            assert_eq!(model.move_hold(zone, &request, read.now).map(|_| ()), Err(why));
                        }
                        Decision::Refused(..) | Decision::Nothing => {}
                    }
                    break;
                }
            }
        }
        check(&rules, &world, &model);
        history.push(world.clone());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_history_is_that_of_a_plain_list(
        zone in select(vec!["UTC", "Asia/Kolkata", "America/Los_Angeles"]),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        play(zone, &steps);
    }

    /// All that a decision may change lies in the days that it needs.
    #[test]
    fn what_is_needed_holds_whatever_is_in_the_way(
        place in 0..3_usize,
        number in 0..4_u16,
        quarter in quarter(),
        back in 0..400_i64,
        length in 1..1_440_u16,
        buffers in (0..720_u16, 0..720_u16),
    ) {
        let (kind, start) = (variant(place, number), World::start(quarter));
        let needed = DayLedger::needed(&always("Asia/Kolkata"), &kind, start);
        let other = with(9, |terms| {
            terms.length_minutes = length;
            (terms.buffer_before_minutes, terms.buffer_after_minutes) = buffers;
        });
        let other = entry(&other, start.plus((back - 200) * 15 * MINUTE));
        if other.occupied().overlaps(kind.terms.occupied(start)) {
            let days: BTreeSet<NaiveDate> = needed.utc_days().collect();
            prop_assert!(other.occupied().utc_days().all(|date| days.contains(&date)));
        }
    }
}
