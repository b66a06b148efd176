//! A simulated expert with an occupancy and appointments, and the actions of clients and the expert.

use proptest::sample::Index;

use super::*;

/// An action of a client or the expert.
#[derive(Debug, Clone)]
pub(super) enum Action {
    Hold { session_type: usize, quarter: i64, seats: u16, pays: bool },
    Confirm(Index),
    Cancel(Index),
    Expire(Index),
    Move { which: Index, quarter: i64 },
}

/// The session types: a short one with a daily cap, a group session with a weekly cap, and a long one with long
/// buffers.
pub(super) fn session_types() -> Vec<SelectedSession> {
    (0..3).map(|place| variant(place, 0)).collect()
}

pub(super) fn variant(place: usize, variant: u16) -> SelectedSession {
    match place {
        0 => with(1, |terms| {
            terms.length_minutes = [45, 90, 15, 45][usize::from(variant)];
            terms.buffer_before_minutes = [10, 0, 0, 10][usize::from(variant)];
            terms.buffer_after_minutes = [0, 15, 30, 0][usize::from(variant)];
            terms.daily_cap = Some(3);
            terms.daily_minutes_cap = [Some(135), Some(190), None, Some(100)][usize::from(variant)];
            // This session type can also become a group session and back.
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

/// Everything that can be read at one moment.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) table: Table,
    pub(super) appointments: BTreeMap<AppointmentId, Appointment>,
    pub(super) session_types: Vec<SelectedSession>,
    pub(super) busy: Vec<TimeSpan>,
    pub(super) begin: Timestamp,
    pub(super) now: Timestamp,
}

/// The result of an action, decided on a read.
pub(super) enum Resolution {
    /// A change to commit, with the resulting appointments.
    Write {
        change: OccupancyChange,
        appointments: Vec<Appointment>,
        request: Option<(SelectedSession, Timestamp, u16)>,
    },
    Refused(Refusal, SelectedSession, Timestamp, u16),
    /// There is nothing to do, or the status of the appointment does not allow the action.
    Nothing,
}

impl World {
    pub(super) fn pick(&self, index: Index) -> Option<&Appointment> {
        let all: Vec<&Appointment> = self.appointments.values().collect();
        (!all.is_empty()).then(|| all[index.index(all.len())])
    }

    pub(super) fn reclaimed(&self, change: &OccupancyChange) -> Vec<Appointment> {
        change.reclaimed.iter().map(|id| self.appointments[id].expire(self.now).unwrap()).collect()
    }

    pub(super) fn begin(begin: &str) -> Self {
        let begin = at(begin);
        let (table, appointments) = (Table::default(), BTreeMap::new());
        Self { table, appointments, session_types: session_types(), busy: Vec::new(), begin, now: begin }
    }

    pub(super) fn start(&self, quarter: i64) -> Timestamp {
        self.begin.plus(quarter * 15 * MINUTE)
    }

    /// Reads the rows of a span and the busy times of outside calendars in it.
    pub(super) fn read(&self, span: TimeSpan) -> Occupancy {
        let busy = self.busy.iter().filter(|busy| busy.overlaps(span)).copied().collect();
        Occupancy { busy, ..self.table.read(span) }
    }

    pub(super) fn decide(
        &self,
        rules: &AvailabilityRules,
        action: &Action,
        fresh: AppointmentId,
    ) -> Resolution {
        let now = self.now;
        match *action {
            Action::Hold { session_type, quarter, seats, pays } => {
                let (session_type, start) = (&self.session_types[session_type], self.start(quarter));
                let hold_expires_at = pays.then_some(now.plus(300));
                let request =
                    Request { appointment: fresh, session: *session_type, start, seats, hold_expires_at };
                let occupancy = self.read(Occupancy::span_for_booking(rules, session_type, start, now));
                match occupancy.hold(rules, &request, now) {
                    Ok(held) => {
                        let status = hold_expires_at
                            .map_or(Status::Confirmed, |hold_expires_at| Status::Pending { hold_expires_at });
                        let made = Appointment { id: fresh, seats, status, ..booked(0, &held) };
                        let mut appointments = self.reclaimed(&held.change);
                        appointments.push(made);
                        let request = Some((*session_type, start, seats));
                        Resolution::Write { change: held.change, appointments, request }
                    }
                    Err(refusal) => Resolution::Refused(refusal, *session_type, start, seats),
                }
            }
            Action::Confirm(which) => self.end(which, |table, old| {
                Some((table.read(old.occupied_span()).confirm(old), old.confirm().ok()?))
            }),
            Action::Cancel(which) => self.end(which, |table, old| {
                let cancelled =
                    old.cancel(crate::scheduling::party::Party::Client, Default::default(), now).ok()?;
                Some((table.read(old.occupied_span()).release(old), cancelled))
            }),
            Action::Expire(which) => self.end(which, |table, old| {
                Some((table.read(old.occupied_span()).release(old), old.expire(now).ok()?))
            }),
            Action::Move { which, quarter } => {
                let start = self.start(quarter);
                let Some(old) = self.pick(which) else { return Resolution::Nothing };
                if old.check_reschedule(now).is_err() || old.start == start {
                    return Resolution::Nothing;
                }
                let session_type = self
                    .session_types
                    .iter()
                    .find(|session_type| session_type.id == old.session_type)
                    .unwrap();
                let mut session_type = *session_type;
                // As in the use case, a booked session keeps its length, and a seat stays a seat.
                session_type.terms.length_minutes =
                    u16::try_from(old.session_span().seconds() / MINUTE).unwrap();
                if !old.group {
                    session_type.terms.capacity = 1;
                } else if session_type.terms.capacity == 1 {
                    session_type.terms.capacity = old.seats.max(2);
                }
                let request = Request {
                    appointment: old.id,
                    session: session_type,
                    start,
                    seats: old.seats,
                    hold_expires_at: None,
                };
                let needed = Occupancy::span_for_booking(rules, &session_type, start, now);
                let occupancy = self.read(old.occupied_span()).union(self.read(needed));
                match occupancy.move_hold(rules, old, &request, now) {
                    Ok(held) => {
                        let mut appointments = self.reclaimed(&held.change);
                        appointments.push(old.rescheduled(held.booked_time(), old.price, now).unwrap());
                        let request = Some((session_type, start, old.seats));
                        Resolution::Write { change: held.change, appointments, request }
                    }
                    Err(refusal) => Resolution::Refused(refusal, session_type, start, old.seats),
                }
            }
        }
    }

    pub(super) fn end(
        &self,
        which: Index,
        change: impl FnOnce(&Table, &Appointment) -> Option<(OccupancyChange, Appointment)>,
    ) -> Resolution {
        match self.pick(which).and_then(|old| change(&self.table, old)) {
            Some((change, appointment)) => {
                Resolution::Write { change, appointments: vec![appointment], request: None }
            }
            None => Resolution::Nothing,
        }
    }

    /// Commits everything or nothing, like a transaction.
    pub(super) fn commit(&mut self, change: &OccupancyChange, appointments: &[Appointment]) -> bool {
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
