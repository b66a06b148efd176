//! The days: nobody meets anybody, and the rows of the days say what the appointments say.

use domain::kernel::time::DAY;
use domain::scheduling::occupancy::{Entry, EntryKey, Occupancy};
use store::table::Consistency;

use super::*;

/// How long the row of a day stays, in seconds.
const KEPT: i64 = 30 * DAY;

/// Who takes how many seats of a group session, and until when they are held.
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
        let ids = self.standing.get(&expert).into_iter().flatten();
        ids.filter_map(|id| self.known.get(id).map(|known| &known.appointment))
    }

    /// No two sessions of an expert overlap, buffers included, unless they are seats of one group session.
    pub(super) fn stands_alone(&self, appointment: &Appointment, wrong: &mut Vec<String>) {
        for other in self.of_expert(appointment.expert) {
            let shared = appointment.group && other.group && entry_key(appointment) == entry_key(other);
            if other.id != appointment.id && !shared && appointment.occupied().overlaps(other.occupied()) {
                wrong.push(format!(
                    "{} at {:?} and {} at {:?} of one expert overlap",
                    appointment.id,
                    appointment.occupied(),
                    other.id,
                    other.occupied()
                ));
            }
        }
    }

    /// The rows of some days say exactly what the appointments say, and no session has more seats taken than it has.
    pub(super) fn days_agree(
        &self,
        direct: &Store,
        today: Timestamp,
        expert: ExpertId,
        days: &BTreeSet<NaiveDate>,
        wrong: &mut Vec<String>,
    ) {
        for day in days {
            let midnight = Timestamp::from(day.and_time(chrono::NaiveTime::MIN).and_utc());
            if midnight.plus(KEPT) < today {
                continue;
            }
            let span = TimeSpan::new(midnight, midnight.plus(DAY));
            let rows: Occupancy = match now(direct.occupancy(expert, span, Consistency::Strong)) {
                Ok(rows) => rows,
                Err(error) => {
                    wrong.push(format!("{day} of {expert} cannot be read: {error}"));
                    continue;
                }
            };
            self.day_agrees(*day, span, expert, &rows, wrong);
        }
    }

    fn day_agrees(
        &self,
        day: NaiveDate,
        span: TimeSpan,
        expert: ExpertId,
        rows: &Occupancy,
        wrong: &mut Vec<String>,
    ) {
        let of_day = || self.of_expert(expert).filter(|appointment| appointment.occupied().overlaps(span));
        let expected: BTreeMap<EntryKey, Entry> =
            of_day().map(|appointment| (entry_key(appointment), entry(appointment))).collect();
        let found = rows.days.get(&day).map(|day| day.entries.clone()).unwrap_or_default();
        if expected != found {
            let missing: Vec<_> =
                expected.iter().filter(|(key, entry)| found.get(key) != Some(entry)).collect();
            let surplus: Vec<_> =
                found.iter().filter(|(key, entry)| expected.get(key) != Some(entry)).collect();
            wrong.push(format!(
                "the row of {day} of {expert} does not say what the appointments say; missing {missing:?}, surplus {surplus:?}"
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
        let found: BTreeMap<_, BTreeMap<_, _>> = rows
            .groups
            .iter()
            .map(|(key, group)| {
                let seats = group.seats.iter().map(|(id, seats)| (*id, (seats.count, seats.hold_expires_at)));
                (*key, seats.collect())
            })
            .collect();
        if seats != found {
            wrong.push(format!("the seats of {day} of {expert} are {found:?}, not {seats:?}"));
        }
        for group in rows.groups.values() {
            let taken: u32 = group.seats.values().map(|seats| u32::from(seats.count)).sum();
            if taken > u32::from(group.capacity) {
                wrong.push(format!("{taken} seats are taken of {}", group.capacity));
            }
        }
    }
}
