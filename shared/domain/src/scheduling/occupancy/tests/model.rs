//! The rules of the occupancy, implemented over a plain list of appointments.

use super::*;

/// An appointment that occupies time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedAppointment {
    pub id: AppointmentId,
    pub entry: Entry,
    pub hold: Option<Timestamp>,
    pub seats: u16,
    /// The capacity of its group session; `None` for a single session.
    pub capacity: Option<u16>,
}

impl ListedAppointment {
    fn is_expired(&self, now: Timestamp) -> bool {
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
pub(super) struct Model(pub Vec<ListedAppointment>);

impl Model {
    pub fn release(&mut self, id: AppointmentId) {
        self.0.retain(|listed| listed.id != id);
    }

    pub fn confirm(&mut self, id: AppointmentId) {
        for listed in self.0.iter_mut().filter(|listed| listed.id == id) {
            listed.hold = None;
        }
    }

    /// All sessions, without duplicates.
    pub fn sessions(&self) -> BTreeMap<EntryKey, Entry> {
        self.0.iter().map(|listed| (listed.key(), listed.entry)).collect()
    }

    /// Whether all seats of a session have expired.
    fn is_session_expired(&self, key: EntryKey, now: Timestamp) -> bool {
        self.0.iter().filter(|listed| listed.key() == key).all(|listed| listed.is_expired(now))
    }

    /// The number of sessions of a type that begin on the same local day or in the same ISO week.
    pub fn count(&self, zone: Zone, session_type: SessionTypeId, start: Timestamp, week: bool) -> usize {
        let group = |instant: Timestamp| {
            let date = zone.wall_clock_date(instant);
            if week { date.week(chrono::Weekday::Mon).first_day() } else { date }
        };
        let sessions = self.sessions();
        let same = |entry: &&Entry| entry.session_type == session_type && group(entry.start) == group(start);
        sessions.values().filter(same).count()
    }

    /// The minutes of the sessions of a type that begin on the same local day.
    pub fn minutes(&self, zone: Zone, session_type: SessionTypeId, start: Timestamp) -> i64 {
        let date = |instant: Timestamp| zone.wall_clock_date(instant);
        let sessions = self.sessions().into_values();
        let same =
            sessions.filter(|entry| entry.session_type == session_type && date(entry.start) == date(start));
        same.map(|entry| entry.session_span().seconds() / MINUTE).sum()
    }

    /// The list after a hold, and the appointments whose holds were reclaimed.
    pub fn hold(
        &self,
        zone: Zone,
        busy: &[TimeSpan],
        request: &Request,
        now: Timestamp,
    ) -> Result<(Self, BTreeSet<AppointmentId>), Refusal> {
        let Request { session: session_type, start, seats, .. } = *request;
        let terms = &session_type.terms;
        if session_type.status != SessionTypeStatus::Active {
            return Err(Refusal::Retired);
        }
        // The rules are open at all hours.
        if start < now {
            return Err(slots::Refusal::TooSoon { earliest: now }.into());
        }
        let key = EntryKey::Group(session_type.id, start);
        let group_members: Vec<&ListedAppointment> =
            self.0.iter().filter(|listed| listed.key() == key).collect();
        // A group session of another length only occupies time.
        let is_active = group_members
            .iter()
            .any(|member| !member.is_expired(now) && member.entry.end == terms.session(start).end());
        let (entry, capacity) = if is_active {
            let taken: u16 = group_members
                .iter()
                .filter(|member| !member.is_expired(now))
                .map(|member| member.seats)
                .sum();
            let left = group_members[0].capacity.unwrap().min(terms.capacity).saturating_sub(taken);
            if seats == 0 || seats > left {
                return Err(Refusal::Seats { wanted: seats, left });
            }
            (group_members[0].entry, group_members[0].capacity)
        } else {
            if seats == 0 || seats > terms.capacity {
                return Err(Refusal::Seats { wanted: seats, left: terms.capacity });
            }
            (entry(&session_type, start), (terms.capacity > 1).then_some(terms.capacity))
        };
        let mut after = self.clone();
        if is_active {
            after.0.retain(|listed| listed.key() != key || !listed.is_expired(now));
        } else {
            if busy.iter().any(|busy| busy.overlaps(entry.occupied_span())) {
                return Err(Refusal::Busy);
            }
            let overlaps_entry = |other: &Entry| other.occupied_span().overlaps(entry.occupied_span());
            let stand: Vec<Entry> = self
                .sessions()
                .into_iter()
                .filter(|(key, other)| overlaps_entry(other) && !self.is_session_expired(*key, now))
                .map(|(_, other)| other)
                .collect();
            if stand.iter().any(|other| other.session_span().overlaps(entry.session_span())) {
                return Err(Refusal::Taken);
            } else if !stand.is_empty() {
                return Err(Refusal::TooClose);
            }
            after.0.retain(|listed| !overlaps_entry(&listed.entry));
            let date = zone.wall_clock_date(start);
            let full = |cap: Option<u16>, week| {
                cap.filter(|cap| after.count(zone, session_type.id, start, week) >= usize::from(*cap))
            };
            if let Some(cap) = full(terms.daily_cap, false) {
                return Err(Refusal::DayFull { date, cap });
            }
            let minutes = after.minutes(zone, session_type.id, start) + i64::from(terms.length_minutes);
            if let Some(cap) = terms.daily_minutes_cap.filter(|cap| minutes > i64::from(*cap)) {
                return Err(Refusal::DayMinutesFull { date, cap });
            }
            if let Some(cap) = full(terms.weekly_cap, true) {
                return Err(Refusal::WeekFull { date, cap });
            }
        }
        let ids = |model: &Self| model.0.iter().map(|listed| listed.id).collect::<BTreeSet<_>>();
        let reclaimed = &ids(self) - &ids(&after);
        after.0.push(ListedAppointment {
            id: request.appointment,
            entry,
            hold: request.hold_expires_at,
            seats,
            capacity,
        });
        Ok((after, reclaimed))
    }

    /// The list after a reschedule.
    pub fn move_hold(
        &self,
        zone: Zone,
        busy: &[TimeSpan],
        request: &Request,
        now: Timestamp,
    ) -> Result<(Self, BTreeSet<AppointmentId>), Refusal> {
        let mut without = self.clone();
        without.release(request.appointment);
        without.hold(zone, busy, request, now)
    }
}
