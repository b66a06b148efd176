//! The slot rules once more, minute by minute, with nothing clever in it.
//!
//! All it takes from the code under test is the types; of time zones it asks only what offset holds at an
//! instant.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, Offset, TimeZone, Utc};

use crate::availability::{AvailabilityRules, Window};
use crate::session_type::{BookingWindow, SessionTypeTerms};
use crate::slots::{Occupancy, Slot};
use crate::{TimeSpan, Timestamp};

/// An expert's time around a date, one entry per minute of UTC.
pub struct Model<'a> {
    rules: &'a AvailabilityRules,
    /// Minutes since 1970 of the first entry.
    base: i64,
    /// Minutes that the wall clock shows, as if in UTC.
    wall: Vec<i64>,
    /// The first minute of each date.
    days: BTreeMap<NaiveDate, i64>,
    open: Vec<bool>,
}

fn wall_minutes(date: NaiveDate, minutes: i64) -> i64 {
    date.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp() / 60 + minutes
}

impl<'a> Model<'a> {
    /// Knows the minutes from `before` days before the date until `after` days after it.
    pub fn new(rules: &'a AvailabilityRules, center: NaiveDate, before: i64, after: i64) -> Self {
        let (first, end) = (wall_minutes(center, -before * 1440), wall_minutes(center, after * 1440));
        let shown = |minute: i64| {
            let instant = Utc.timestamp_opt(minute * 60, 0).unwrap().naive_utc();
            let offset = rules.time_zone.tz().offset_from_utc_datetime(&instant).fix().local_minus_utc();
            assert_eq!(offset % 60, 0, "the model is for offsets of whole minutes");
            minute + i64::from(offset / 60)
        };
        let wall = (first..end).map(shown).collect();
        let mut model = Self { rules, base: first, wall, days: BTreeMap::new(), open: Vec::new() };
        // A day at either edge is not known in full.
        for days in 2 - before..after - 1 {
            let date = NaiveDate::from_num_days_from_ce_opt(center.num_days_from_ce() + days as i32).unwrap();
            model.days.insert(date, model.resolve(wall_minutes(date, 0)));
        }
        model.open = model.open_minutes();
        model
    }

    /// The minute at which the wall clock first shows this; if never, what the clock shows that much after
    /// the gap.
    fn resolve(&self, wall: i64) -> i64 {
        if let Some(at) = self.wall.iter().position(|shown| *shown == wall) {
            return self.base + at as i64;
        }
        let gap = self.wall.iter().position(|shown| *shown > wall).expect("the date is among those known");
        let before = self.base + gap as i64 - 1;
        before + wall - self.wall[gap - 1]
    }

    /// The date on which the minute lies, and its first minute and the next date's.
    fn day(&self, minute: i64) -> (NaiveDate, i64, i64) {
        let (date, start) = self.days.iter().rfind(|(_, start)| **start <= minute).unwrap();
        let end = self.days.range(*date..).find(|(_, start)| **start > minute).unwrap().1;
        (*date, *start, *end)
    }

    fn blocked(&self, date: NaiveDate) -> bool {
        self.rules.blocked.iter().any(|range| (range.first.naive()..=range.last.naive()).contains(&date))
            || self.rules.overrides.iter().any(|(on, windows)| on.naive() == date && windows.is_empty())
    }

    /// The windows that open on a date.
    fn opening(&self, date: NaiveDate) -> Vec<Window> {
        let exists = self.days[&date] < self.days[&date.checked_add_days(Days::new(1)).unwrap()];
        if self.blocked(date) || !exists {
            return Vec::new();
        }
        let weekly = &self.rules.weekly;
        let weekday = match date.weekday().num_days_from_monday() {
            0 => &weekly.monday,
            1 => &weekly.tuesday,
            2 => &weekly.wednesday,
            3 => &weekly.thursday,
            4 => &weekly.friday,
            5 => &weekly.saturday,
            _ => &weekly.sunday,
        };
        let instead =
            self.rules.overrides.iter().find(|(on, _)| on.naive() == date).map(|(_, windows)| windows);
        let extra = self.rules.extra.iter().filter(|extra| extra.date.naive() == date);
        let extra = extra.map(|extra| Window { opens: extra.opens, closes: extra.closes });
        instead.unwrap_or(weekday).iter().copied().chain(extra).collect()
    }

    fn open_minutes(&self) -> Vec<bool> {
        let mut open = vec![false; self.wall.len()];
        let known: Vec<NaiveDate> = self.days.keys().copied().collect();
        for dates in known.windows(3) {
            let [yesterday, today, tomorrow] = dates else { unreachable!() };
            if self.blocked(*today) {
                continue;
            }
            // The face of the day's clock.
            let mut face = [false; 1441];
            for (date, shift) in [(yesterday, -1440), (today, 0)] {
                for window in self.opening(*date) {
                    let opens = i64::from(window.opens.minutes());
                    let mut closes = i64::from(window.closes.minutes());
                    if closes <= opens {
                        closes += 1440;
                    }
                    for minute in opens + shift..closes + shift {
                        if (0..1440).contains(&minute) {
                            face[minute as usize] = true;
                        }
                    }
                }
            }
            let mut opens = None;
            for (minute, is_open) in (0..).zip(face) {
                match opens {
                    None if is_open => opens = Some(minute),
                    Some(start) if !is_open => {
                        let from = self.resolve(wall_minutes(*today, start)).max(self.days[today]);
                        let until = self.resolve(wall_minutes(*today, minute)).min(self.days[tomorrow]);
                        for minute in from..until {
                            open[(minute - self.base) as usize] = true;
                        }
                        opens = None;
                    }
                    _ => {}
                }
            }
        }
        open
    }

    fn is_open(&self, minute: i64) -> bool {
        self.open[(minute - self.base) as usize]
    }

    /// The minute from which the starts are counted at an open minute.
    fn anchor(&self, minute: i64) -> i64 {
        let (_, start, end) = self.day(minute);
        if (start..end).all(|minute| self.is_open(minute)) {
            return start;
        }
        let mut anchor = minute;
        while self.is_open(anchor - 1) {
            anchor -= 1;
            // The evening before a date belongs to a window that goes on, unless that date began a grid of
            // its own.
            if anchor < start {
                return self.anchor(anchor);
            }
        }
        anchor
    }

    /// Whether a session fits the hours and the grid at this minute.
    fn fits(&self, terms: &SessionTypeTerms, minute: i64) -> bool {
        (minute..minute + i64::from(terms.length_minutes)).all(|minute| self.is_open(minute))
            && (minute - self.anchor(minute)) % i64::from(terms.step_minutes) == 0
    }

    fn ahead(&self, terms: &SessionTypeTerms, start: Timestamp, now: Timestamp) -> bool {
        let date = self.day(start.seconds().div_euclid(60)).0;
        let in_window = match terms.booking_window {
            BookingWindow::Rolling { days } => {
                let today = now.utc().with_timezone(&self.rules.time_zone.tz()).date_naive();
                date <= today.checked_add_days(Days::new(days.into())).unwrap()
            }
            BookingWindow::Dates { first, last } => (first.naive()..=last.naive()).contains(&date),
        };
        in_window && start.seconds() >= now.seconds() + i64::from(terms.minimum_notice_minutes) * 60
    }

    fn capped(&self, terms: &SessionTypeTerms, starts: &[Timestamp], minute: i64) -> bool {
        let date = |minute: i64| self.day(minute).0;
        let same_day = starts.iter().filter(|start| date(start.seconds().div_euclid(60)) == date(minute));
        let week = |minute: i64| date(minute).iso_week();
        let same_week = starts.iter().filter(|start| week(start.seconds().div_euclid(60)) == week(minute));
        terms.daily_cap.is_some_and(|cap| same_day.count() >= cap.into())
            || terms.weekly_cap.is_some_and(|cap| same_week.count() >= cap.into())
    }

    /// What [`crate::slots::slots`] should answer.
    pub fn slots(
        &self,
        terms: &SessionTypeTerms,
        occupancy: &Occupancy<'_>,
        range: TimeSpan,
        now: Timestamp,
    ) -> Vec<Slot> {
        let mut offered = Vec::new();
        for second in range.start().seconds()..range.end().seconds() {
            let start = Timestamp::from_seconds(second);
            if let Some((_, seats)) = occupancy.groups.iter().find(|(group, _)| *group == start) {
                if *seats > 0 && self.ahead(terms, start, now) {
                    offered.push(Slot { start, seats: *seats });
                }
                continue;
            }
            if second % 60 == 0
                && self.fits(terms, second / 60)
                && self.ahead(terms, start, now)
                && !self.capped(terms, occupancy.session_starts, second / 60)
                && !occupancy.occupied.iter().any(|taken| taken.overlaps(terms.occupied(start)))
            {
                offered.push(Slot { start, seats: terms.capacity });
            }
        }
        offered
    }
}
