//! Invariants of occupancy rows: sessions do not overlap, and the rows match the appointments.

use domain::kernel::time::DAY;
use domain::scheduling::occupancy::{Entry, EntryKey, Occupancy};
use store::table::Consistency;

use super::*;

/// How long an occupancy row is kept, in seconds.
const RETENTION: i64 = 30 * DAY;
/// The largest difference of two clocks, in seconds.
const CLOCK_SKEW: i64 = 60;

/// The seats of a group session, by appointment: their number, and when their hold expires.
type Seats = BTreeMap<AppointmentId, (u16, Option<Timestamp>)>;

fn entry_key(appointment: &Appointment) -> EntryKey {
    if appointment.group {
        EntryKey::Group(appointment.session_type, appointment.start)
    } else {
        EntryKey::Appointment(appointment.id)
    }
}

fn entry(appointment: &Appointment) -> Entry {
    let hold_expires_at = match appointment.status {
        Status::Pending { hold_expires_at } if !appointment.group => Some(hold_expires_at),
        _ => None,
    };
    Entry {
        session_type: appointment.session_type,
        start: appointment.start,
        end: appointment.end,
        buffer_before_minutes: appointment.buffer_before_minutes,
        buffer_after_minutes: appointment.buffer_after_minutes,
        hold_expires_at,
    }
}

impl Invariants {
    pub(super) fn of_expert(&self, expert: ExpertId) -> impl Iterator<Item = &Appointment> {
        let ids = self.occupying.get(&expert).into_iter().flatten();
        ids.filter_map(|id| self.known.get(id).map(|known| &known.appointment))
    }

    /// No two sessions of an expert overlap, including buffers, except for seats of the same group session.
    pub(super) fn check_overlap(&self, appointment: &Appointment, violations: &mut Vec<String>) {
        for other in self.of_expert(appointment.expert) {
            let shared = appointment.group && other.group && entry_key(appointment) == entry_key(other);
            if other.id != appointment.id
                && !shared
                && appointment.occupied_span().overlaps(other.occupied_span())
            {
                violations.push(format!(
                    "{} at {:?} and {} at {:?} of one expert overlap",
                    appointment.id,
                    appointment.occupied_span(),
                    other.id,
                    other.occupied_span()
                ));
            }
        }
    }

    /// No session overlaps a time that is held for a proposal of another appointment, except for seats of the same group session.
    pub(super) fn check_proposals(
        &self,
        core: &Core,
        appointment: &Appointment,
        violations: &mut Vec<String>,
    ) {
        let at = core.instant().plus(2 + CLOCK_SKEW);
        for (held, expires_at) in self.of_expert(appointment.expert).flat_map(super::proposals::held_sessions)
        {
            let shared = appointment.group && held.group && entry_key(appointment) == entry_key(&held);
            if held.id != appointment.id
                && !shared
                && at < expires_at
                && appointment.occupied_span().overlaps(held.occupied_span())
            {
                let (id, other) = (appointment.id, held.id);
                violations.push(format!("{id} and a proposal of {other} at {} overlap", held.start));
            }
        }
    }

    /// Occupancy rows match the appointments, and no session has more seats taken than its capacity.
    pub(super) fn check_days(
        &self,
        direct: &Store,
        today: Timestamp,
        expert: ExpertId,
        days: &BTreeSet<NaiveDate>,
        violations: &mut Vec<String>,
    ) {
        for day in days {
            let midnight = Timestamp::from(day.and_time(chrono::NaiveTime::MIN).and_utc());
            if midnight.plus(RETENTION) < today {
                continue;
            }
            let span = TimeSpan::new(midnight, midnight.plus(DAY));
            let rows: Occupancy = match now(direct.occupancy(expert, span, Consistency::Strong)) {
                Ok(rows) => rows,
                Err(error) => {
                    violations.push(format!("{day} of {expert} cannot be read: {error}"));
                    continue;
                }
            };
            self.check_day(*day, span, today, expert, &rows, violations);
        }
    }

    fn check_day(
        &self,
        day: NaiveDate,
        span: TimeSpan,
        today: Timestamp,
        expert: ExpertId,
        rows: &Occupancy,
        violations: &mut Vec<String>,
    ) {
        let of_day =
            || self.of_expert(expert).filter(|appointment| appointment.occupied_span().overlaps(span));
        let mut expected: BTreeMap<EntryKey, Entry> =
            of_day().map(|appointment| (entry_key(appointment), entry(appointment))).collect();
        let found = rows.days.get(&day).map(|day| day.entries.clone()).unwrap_or_default();
        // The holds of an expired proposal stay until somebody takes the time, or a job frees it. Clocks differ.
        let mut over = BTreeSet::new();
        let held = || self.of_expert(expert).flat_map(super::proposals::held_sessions);
        for (held, expires_at) in held().filter(|(held, _)| held.occupied_span().overlaps(span)) {
            let is_over = expires_at <= today.plus(2 + CLOCK_SKEW);
            let (key, entry) = match held.group {
                true => (entry_key(&held), entry(&held)),
                false => (
                    EntryKey::Proposal(held.id, held.start),
                    Entry { hold_expires_at: Some(expires_at), ..entry(&held) },
                ),
            };
            if is_over && !expected.contains_key(&key) && !found.contains_key(&key) {
                over.insert((held.id, held.start));
            } else {
                expected.entry(key).or_insert(entry);
            }
        }
        if expected != found {
            let missing: Vec<_> =
                expected.iter().filter(|(key, entry)| found.get(key) != Some(entry)).collect();
            let surplus: Vec<_> =
                found.iter().filter(|(key, entry)| expected.get(key) != Some(entry)).collect();
            violations.push(format!(
                "the occupancy row of {day} of {expert} does not match the appointments; missing {missing:?}, surplus {surplus:?}"
            ));
        }
        let mut seats: BTreeMap<(SessionTypeId, Timestamp), Seats> = BTreeMap::new();
        for appointment in
            of_day().filter(|appointment| appointment.group && span.contains(appointment.start))
        {
            let hold = match appointment.status {
                Status::Pending { hold_expires_at } => Some(hold_expires_at),
                _ => None,
            };
            let key = (appointment.session_type, appointment.start);
            seats.entry(key).or_default().insert(appointment.id, (appointment.seats, hold));
        }
        for (held, expires_at) in held().filter(|(held, _)| held.group && span.contains(held.start)) {
            let (key, is_over) = ((held.session_type, held.start), over.contains(&(held.id, held.start)));
            let has_none = rows.groups.get(&key).is_none_or(|group| !group.seats.contains_key(&held.id));
            let is_free = has_none && expires_at <= today.plus(2 + CLOCK_SKEW);
            if !is_over && !is_free {
                seats.entry(key).or_default().insert(held.id, (held.seats, Some(expires_at)));
            }
        }
        let found: BTreeMap<_, BTreeMap<_, _>> = rows
            .groups
            .iter()
            .map(|(key, group)| {
                let seats = group.seats.iter().map(|(id, seats)| (*id, (seats.count, seats.hold_expires_at)));
                (*key, seats.collect())
            })
            .collect();
        if seats != found {
            violations.push(format!("the seats of {day} of {expert} are {found:?}, not {seats:?}"));
        }
        for group in rows.groups.values() {
            let taken: u32 = group.seats.values().map(|seats| u32::from(seats.count)).sum();
            if taken > u32::from(group.capacity) {
                violations.push(format!("{taken} seats are taken of {}", group.capacity));
            }
        }
    }
}
