//! Counts existing sessions for the caps of a session type.

use super::{Refusal, length};
use crate::experts::duration::SessionTerms;
use crate::kernel::time::{MINUTE, TimeSpan, Zone, date_of_number, monday_of};

/// Counts sessions by local day and week. Days must be requested in ascending order, so that each week is counted
/// once.
pub(super) struct Caps {
    zone: Zone,
    daily: Option<u16>,
    daily_minutes: Option<u16>,
    weekly: Option<u16>,
    /// Seconds of one more session.
    length: i64,
    /// The start and the length of each session in seconds, sorted; empty if the session type has no caps.
    sessions: Vec<(i64, i64)>,
    /// The Monday of the week that was counted last, and whether that week is full.
    week: Option<(i64, bool)>,
}

impl Caps {
    pub(super) fn new(zone: Zone, terms: &SessionTerms, sessions: &[TimeSpan]) -> Self {
        let SessionTerms { daily_cap, daily_minutes_cap, weekly_cap, .. } = *terms;
        let mut sessions: Vec<(i64, i64)> = match daily_cap.or(daily_minutes_cap).or(weekly_cap) {
            Some(_) => {
                sessions.iter().map(|session| (session.start().seconds(), session.seconds())).collect()
            }
            None => Vec::new(),
        };
        sessions.sort_unstable();
        Self {
            zone,
            daily: daily_cap,
            daily_minutes: daily_minutes_cap,
            weekly: weekly_cap,
            length: length(terms),
            sessions,
            week: None,
        }
    }

    /// Returns why no more sessions can take place on a day, if a cap is reached.
    pub(super) fn full(&mut self, day: i64) -> Option<Refusal> {
        if let Some(cap) = self.daily
            && self.on_days(day, 1).len() >= usize::from(cap)
        {
            return Some(Refusal::DayFull { date: date_of_number(day), cap });
        }
        if let Some(cap) = self.daily_minutes {
            let taken: i64 = self.on_days(day, 1).iter().map(|(_, seconds)| seconds).sum();
            if taken + self.length > i64::from(cap) * MINUTE {
                return Some(Refusal::DayMinutesFull { date: date_of_number(day), cap });
            }
        }
        if let Some(cap) = self.weekly {
            let monday = monday_of(day);
            let full = match self.week {
                Some((known, full)) if known == monday => full,
                _ => self.on_days(monday, 7).len() >= usize::from(cap),
            };
            self.week = Some((monday, full));
            if full {
                return Some(Refusal::WeekFull { monday: date_of_number(monday), cap });
            }
        }
        None
    }

    /// The sessions that begin on these local days.
    fn on_days(&self, first: i64, days: i64) -> &[(i64, i64)] {
        let before = |second: i64| self.sessions.partition_point(|(start, _)| *start < second);
        let (from, to) = (before(self.zone.day_start(first)), before(self.zone.day_start(first + days)));
        self.sessions.get(from..to).unwrap_or_default()
    }
}
