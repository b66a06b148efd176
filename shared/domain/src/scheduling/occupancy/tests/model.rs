//! The rules of the ledger, said over a plain list of appointments.

use super::*;

/// One appointment that takes time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sitting {
    pub id: AppointmentId,
    pub entry: Entry,
    pub hold: Option<Timestamp>,
    pub seats: u16,
    /// Seats of its group session; none when it is alone.
    pub capacity: Option<u16>,
}

impl Sitting {
    fn is_over(&self, now: Timestamp) -> bool {
        self.hold.is_some_and(|end| end <= now)
    }

    pub fn key(&self) -> EntryKey {
        match self.capacity {
            Some(_) => EntryKey::Group(self.entry.session_type, self.entry.start),
            None => EntryKey::Appointment(self.id),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Model(pub Vec<Sitting>);

impl Model {
    pub fn release(&mut self, id: AppointmentId) {
        self.0.retain(|sitting| sitting.id != id);
    }

    pub fn confirm(&mut self, id: AppointmentId) {
        for sitting in self.0.iter_mut().filter(|sitting| sitting.id == id) {
            sitting.hold = None;
        }
    }

    /// Sessions, each once.
    pub fn sessions(&self) -> BTreeMap<EntryKey, Entry> {
        self.0.iter().map(|sitting| (sitting.key(), sitting.entry)).collect()
    }

    /// Whether nobody holds a session any more.
    fn is_session_over(&self, key: EntryKey, now: Timestamp) -> bool {
        self.0.iter().filter(|sitting| sitting.key() == key).all(|sitting| sitting.is_over(now))
    }

    /// Sessions of a type that begin on the same local day, or in the same local week.
    pub fn count(&self, zone: Zone, kind: SessionTypeId, start: Timestamp, week: bool) -> usize {
        let group = |instant: Timestamp| {
            let date = zone.date(instant);
            if week { date.week(chrono::Weekday::Mon).first_day() } else { date }
        };
        let sessions = self.sessions();
        let same = |entry: &&Entry| entry.session_type == kind && group(entry.start) == group(start);
        sessions.values().filter(same).count()
    }

    /// The list after a hold, and who lost their place.
    pub fn hold(
        &self,
        zone: Zone,
        busy: &[TimeSpan],
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<(Self, BTreeSet<AppointmentId>), Refusal> {
        let Request { session_type: kind, start, seats, .. } = *request;
        let terms = &kind.terms;
        if kind.status == SessionTypeStatus::Retired {
            return Err(Refusal::Retired);
        }
        // The hours are all hours.
        if start < now {
            return Err(slots::Refusal::TooSoon { earliest: now }.into());
        }
        let key = EntryKey::Group(kind.id, start);
        let mates: Vec<&Sitting> = self.0.iter().filter(|sitting| sitting.key() == key).collect();
        let standing = mates.iter().any(|mate| !mate.is_over(now));
        let (entry, capacity) = if standing {
            if mates[0].entry.end != terms.session(start).end() {
                return Err(Refusal::Taken);
            }
            let taken: u16 = mates.iter().filter(|mate| !mate.is_over(now)).map(|mate| mate.seats).sum();
            let left = mates[0].capacity.unwrap().min(terms.capacity).saturating_sub(taken);
            if seats == 0 || seats > left {
                return Err(Refusal::Seats { wanted: seats, left });
            }
            (mates[0].entry, mates[0].capacity)
        } else {
            if seats == 0 || seats > terms.capacity {
                return Err(Refusal::Seats { wanted: seats, left: terms.capacity });
            }
            (entry(kind, start), (terms.capacity > 1).then_some(terms.capacity))
        };
        let mut after = self.clone();
        if standing {
            after.0.retain(|sitting| sitting.key() != key || !sitting.is_over(now));
        } else {
            if busy.iter().any(|busy| busy.overlaps(entry.occupied())) {
                return Err(Refusal::Busy);
            }
            let in_the_way = |other: &Entry| other.occupied().overlaps(entry.occupied());
            let stand: Vec<Entry> = self
                .sessions()
                .into_iter()
                .filter(|(key, other)| in_the_way(other) && !self.is_session_over(*key, now))
                .map(|(_, other)| other)
                .collect();
            if stand.iter().any(|other| other.session().overlaps(entry.session())) {
                return Err(Refusal::Taken);
            } else if !stand.is_empty() {
                return Err(Refusal::TooClose);
            }
            after.0.retain(|sitting| !in_the_way(&sitting.entry));
            let date = zone.date(start);
            let full = |cap: Option<u16>, week| {
                cap.filter(|cap| after.count(zone, kind.id, start, week) >= usize::from(*cap))
            };
            if let Some(cap) = full(terms.daily_cap, false) {
                return Err(Refusal::DayFull { date, cap });
            }
            if let Some(cap) = full(terms.weekly_cap, true) {
                return Err(Refusal::WeekFull { date, cap });
            }
        }
        let ids = |model: &Self| model.0.iter().map(|sitting| sitting.id).collect::<BTreeSet<_>>();
        let reclaimed = &ids(self) - &ids(&after);
        after.0.push(Sitting {
            id: request.appointment,
            entry,
            hold: request.hold_expires_at,
            seats,
            capacity,
        });
        Ok((after, reclaimed))
    }

    /// The list after a move.
    pub fn move_hold(
        &self,
        zone: Zone,
        busy: &[TimeSpan],
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<(Self, BTreeSet<AppointmentId>), Refusal> {
        let mut without = self.clone();
        without.release(request.appointment);
        without.hold(zone, busy, request, now)
    }
}
