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

/// A refusal without its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    NotOffered,
    Taken,
    TooClose,
    DayFull,
    WeekFull,
    Seats,
}

impl From<&Refusal> for Why {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::NotOffered(_) => Self::NotOffered,
            Refusal::Taken => Self::Taken,
            Refusal::TooClose => Self::TooClose,
            Refusal::DayFull { .. } => Self::DayFull,
            Refusal::WeekFull { .. } => Self::WeekFull,
            Refusal::Seats { .. } => Self::Seats,
            Refusal::Retired | Refusal::Busy => panic!("not in the model: {refusal}"),
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
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<(Self, BTreeSet<AppointmentId>), Why> {
        let Request { session_type: kind, start, seats, .. } = *request;
        let terms = &kind.terms;
        if start < now {
            return Err(Why::NotOffered);
        }
        let key = EntryKey::Group(kind.id, start);
        let mates: Vec<&Sitting> = self.0.iter().filter(|sitting| sitting.key() == key).collect();
        let standing = mates.iter().any(|mate| !mate.is_over(now));
        let (entry, capacity) = if standing {
            if mates[0].entry.end != terms.session(start).end() {
                return Err(Why::Taken);
            }
            let taken: u16 = mates.iter().filter(|mate| !mate.is_over(now)).map(|mate| mate.seats).sum();
            if seats == 0 || seats + taken > mates[0].capacity.unwrap() {
                return Err(Why::Seats);
            }
            (mates[0].entry, mates[0].capacity)
        } else {
            if seats == 0 || seats > terms.capacity {
                return Err(Why::Seats);
            }
            (entry(kind, start), (terms.capacity > 1).then_some(terms.capacity))
        };
        let mut after = self.clone();
        if standing {
            after.0.retain(|sitting| sitting.key() != key || !sitting.is_over(now));
        } else {
            let in_the_way = |other: &Entry| other.occupied().overlaps(entry.occupied());
            let stand: Vec<Entry> = self
                .sessions()
                .into_iter()
                .filter(|(key, other)| in_the_way(other) && !self.is_session_over(*key, now))
                .map(|(_, other)| other)
                .collect();
            if stand.iter().any(|other| other.session().overlaps(entry.session())) {
                return Err(Why::Taken);
            } else if !stand.is_empty() {
                return Err(Why::TooClose);
            }
            after.0.retain(|sitting| !in_the_way(&sitting.entry));
            for (cap, week, why) in
                [(terms.daily_cap, false, Why::DayFull), (terms.weekly_cap, true, Why::WeekFull)]
            {
                if cap.is_some_and(|cap| after.count(zone, kind.id, start, week) >= usize::from(cap)) {
                    return Err(why);
                }
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
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<(Self, BTreeSet<AppointmentId>), Why> {
        let mut without = self.clone();
        without.release(request.appointment);
        without.hold(zone, request, now)
    }
}
