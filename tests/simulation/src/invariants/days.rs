//! The days: nobody meets anybody, caps and seats hold, and the rows of the days say what the appointments say.

use domain::day_ledger::{DayLedger, Entry, EntryKey};
use domain::session_type::SessionType;
use domain::time::DAY;
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
    fn of_expert(&self, expert: ExpertId) -> impl Iterator<Item = &Appointment> {
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

    /// The rows of some days say exactly what the appointments say, and caps and seats hold.
    pub(super) fn days_agree(
        &self,
        shared: &Shared,
        direct: &Store,
        expert: ExpertId,
        days: &BTreeSet<NaiveDate>,
        wrong: &mut Vec<String>,
    ) {
        let today = shared.lock().instant();
        for day in days {
            let midnight = Timestamp::from(day.and_time(chrono::NaiveTime::MIN).and_utc());
            if midnight.plus(KEPT) < today {
                continue;
            }
            let span = TimeSpan::new(midnight, midnight.plus(DAY));
            let rows: DayLedger = match now(direct.days(expert, span, Consistency::Strong)) {
                Ok(rows) => rows,
                Err(error) => {
                    wrong.push(format!("{day} of {expert} cannot be read: {error}"));
                    continue;
                }
            };
            self.day_agrees(*day, span, expert, &rows, wrong);
        }
        let (first, last) = (days.first(), days.last());
        if let (Some(first), Some(last)) = (first, last) {
            self.caps_hold(direct, shared, expert, (*first, *last), wrong);
        }
    }

    fn day_agrees(
        &self,
        day: NaiveDate,
        span: TimeSpan,
        expert: ExpertId,
        rows: &DayLedger,
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

    /// Never more sessions of a type on a local day, or in an ISO week, than its caps say.
    fn caps_hold(
        &self,
        direct: &Store,
        shared: &Shared,
        expert: ExpertId,
        (first, last): (NaiveDate, NaiveDate),
        wrong: &mut Vec<String>,
    ) {
        let (types, zone) = {
            let core = shared.lock();
            let Some(known) = core.people.expert(expert) else { return };
            let capped = known
                .types
                .iter()
                .filter(|(_, terms)| terms.daily_cap.is_some() || terms.weekly_cap.is_some());
            (capped.map(|(id, _)| *id).collect::<Vec<_>>(), known.rules.time_zone)
        };
        for id in types {
            let Ok(Some(SessionType { terms, .. })) = now(direct.session_type(expert, id)) else { continue };
            let mut days: BTreeMap<NaiveDate, BTreeSet<Timestamp>> = BTreeMap::new();
            for appointment in self.of_expert(expert).filter(|appointment| appointment.session_type == id) {
                days.entry(zone.day(appointment.start)).or_default().insert(appointment.start);
            }
            let near = |day: &NaiveDate| {
                let (from, to) = (first - chrono::Days::new(8), last + chrono::Days::new(8));
                (from..=to).contains(day)
            };
            let mut weeks: BTreeMap<_, usize> = BTreeMap::new();
            for (day, starts) in days.iter().filter(|(day, _)| near(day)) {
                *weeks.entry(chrono::Datelike::iso_week(day)).or_default() += starts.len();
                if terms.daily_cap.is_some_and(|cap| starts.len() > usize::from(cap)) {
                    wrong
                        .push(format!("{} sessions of {id} on {day}, more than its daily cap", starts.len()));
                }
            }
            for (week, count) in weeks {
                if terms.weekly_cap.is_some_and(|cap| count > usize::from(cap)) {
                    wrong.push(format!("{count} sessions of {id} in {week:?}, more than its weekly cap"));
                }
            }
        }
    }
}
