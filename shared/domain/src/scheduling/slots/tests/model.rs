//! A simple implementation of the slot rules, minute by minute.
//!
//! It uses only the types of the code under test. From a time zone, it reads only the offset at an instant.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};

use super::changes::offset;
use crate::experts::availability::{AvailabilityRules, Window};
use crate::experts::duration::SessionTerms;
use crate::experts::session_type::BookingWindow;
use crate::kernel::time::{DAY, MINUTE};
use crate::scheduling::slots::{BusyTimes, Slot};
use crate::{TimeSpan, Timestamp, Zone};

/// The wall clock of a zone around an instant, with one entry per minute.
pub struct Clock {
    /// Seconds between two entries: a minute, or half a minute if an offset is not a whole number of minutes, as in
    /// Monrovia.
    tick: i64,
    /// The second of the first entry since 1970-01-01T00:00:00Z.
    base: i64,
    /// The reading of the clock for each entry, in seconds as if the clock ran in UTC.
    wall: Vec<i64>,
    /// For each reading from that of the first entry on, the first entry with this reading, if any.
    first_shown: Vec<Option<usize>>,
    /// The entry at which each date begins. A skipped date begins with the next date.
    days: BTreeMap<NaiveDate, usize>,
}

fn midnight(date: NaiveDate) -> i64 {
    date.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp()
}

fn next(date: NaiveDate) -> NaiveDate {
    date.checked_add_days(Days::new(1)).unwrap()
}

impl Clock {
    /// Creates a clock for the seconds from `from` to `until`.
    pub fn new(zone: Zone, from: i64, until: i64) -> Self {
        let base = from.div_euclid(MINUTE) * MINUTE;
        let seconds = until - base;
        let shown = |tick: i64| -> Vec<i64> {
            (0..seconds / tick).map(|at| base + at * tick + offset(zone, base + at * tick)).collect()
        };
        let (mut tick, mut wall) = (MINUTE, shown(MINUTE));
        if wall.iter().any(|second| second % MINUTE != 0) {
            tick = 30;
            wall = shown(tick);
        }
        assert!(
            wall.iter().all(|second| second % tick == 0),
            "the model supports only offsets in whole half minutes"
        );
        let (low, high) = (wall[0], *wall.iter().max().unwrap());
        let mut first_shown = vec![None; ((high - low) / tick + 1) as usize];
        for (at, second) in wall.iter().enumerate().filter(|(_, second)| **second >= low) {
            first_shown[((second - low) / tick) as usize].get_or_insert(at);
        }
        let mut clock = Self { tick, base, wall, first_shown, days: BTreeMap::new() };
        for day in low.div_euclid(DAY) + 1..=high.div_euclid(DAY) {
            let date = NaiveDate::from_epoch_days(day as i32).unwrap();
            clock.days.insert(date, clock.resolve(midnight(date)));
        }
        clock
    }

    /// The first entry with this reading. A reading in a gap moves forward by the length of the gap.
    fn resolve(&self, wall: i64) -> usize {
        let place = ((wall - self.wall[0]) / self.tick) as usize;
        (0..).find_map(|back| Some(self.first_shown[place - back]? + back)).unwrap()
    }

    /// The date of an entry: the last date that has begun.
    fn date(&self, at: usize) -> NaiveDate {
        *self.days.iter().rfind(|(_, start)| **start <= at).unwrap().0
    }

    fn entry(&self, instant: Timestamp) -> usize {
        ((instant.seconds() - self.base) / self.tick) as usize
    }

    fn second(&self, at: usize) -> i64 {
        self.base + at as i64 * self.tick
    }

    /// The expected result of [`Zone::scheduling_date`].
    pub fn date_of(&self, instant: Timestamp) -> NaiveDate {
        self.date(self.entry(instant))
    }

    /// The expected result of [`Zone::resolve`], in seconds since 1970-01-01T00:00:00Z.
    pub fn second_of(&self, date: NaiveDate, minute: i64) -> i64 {
        self.second(self.resolve(midnight(date) + minute * MINUTE))
    }
}

/// An expert's open time.
pub struct Model<'a> {
    clock: &'a Clock,
    rules: &'a AvailabilityRules,
    /// For each open entry, the entry from which the grid of starts is counted.
    anchors: Vec<Option<usize>>,
    /// For each open entry, the first later entry that is closed.
    closes: Vec<usize>,
}

impl<'a> Model<'a> {
    pub fn new(clock: &'a Clock, rules: &'a AvailabilityRules) -> Self {
        let mut model = Self { clock, rules, anchors: Vec::new(), closes: Vec::new() };
        let open = model.open();
        let mut first_of_whole_days = vec![false; open.len()];
        for (date, start) in &clock.days {
            if let Some(end) = clock.days.get(&next(*date))
                && start < end
            {
                first_of_whole_days[*start] = open[*start..*end].iter().all(|is_open| *is_open);
            }
        }
        for at in 0..open.len() {
            model.anchors.push(if !open[at] {
                None
            } else if first_of_whole_days[at] {
                // A date that is open all day has its own grid.
                Some(at)
            } else {
                // Other open time continues the grid of the minute before, also across midnight.
                at.checked_sub(1).and_then(|before| model.anchors[before]).or(Some(at))
            });
        }
        model.closes = (0..open.len()).collect();
        for at in (0..open.len() - 1).rev().filter(|at| open[*at]) {
            model.closes[at] = if open[at + 1] { model.closes[at + 1] } else { at + 1 };
        }
        model
    }

    fn blocked(&self, date: NaiveDate) -> bool {
        self.rules.blocked.iter().any(|range| (range.first.naive()..=range.last.naive()).contains(&date))
            || self.rules.overrides.iter().any(|(on, windows)| on.naive() == date && windows.is_empty())
    }

    /// The windows that open on a date.
    fn opening(&self, date: NaiveDate) -> Vec<Window> {
        let exists = self.clock.days[&date] < self.clock.days[&next(date)];
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

    /// Whether each entry is open.
    fn open(&self) -> Vec<bool> {
        let clock = self.clock;
        let mut open = vec![false; clock.wall.len()];
        let known: Vec<NaiveDate> = clock.days.keys().copied().collect();
        for dates in known.windows(3) {
            let [yesterday, today, tomorrow] = dates else { unreachable!() };
            if self.blocked(*today) {
                continue;
            }
            // The wall clock of the day, with an additional last minute that is always closed.
            let mut open_minutes = [false; 1441];
            for (date, shift) in [(yesterday, -1440), (today, 0)] {
                for window in self.opening(*date) {
                    let opens = i64::from(window.opens.minutes());
                    let mut closes = i64::from(window.closes.minutes());
                    if closes <= opens {
                        closes += 1440;
                    }
                    let (opens, closes) = ((opens + shift).max(0), (closes + shift).min(1440));
                    if opens < closes {
                        open_minutes[opens as usize..closes as usize].fill(true);
                    }
                }
            }
            let mut opens = None;
            for (minute, is_open) in (0..).zip(open_minutes) {
                match opens {
                    None if is_open => opens = Some(minute),
                    Some(start) if !is_open => {
                        let from = clock.resolve(midnight(*today) + start * MINUTE).max(clock.days[today]);
                        let until =
                            clock.resolve(midnight(*today) + minute * MINUTE).min(clock.days[tomorrow]);
                        if from < until {
                            open[from..until].fill(true);
                        }
                        opens = None;
                    }
                    _ => {}
                }
            }
        }
        open
    }

    /// Whether a session at this second fits the hours and the grid.
    fn fits(&self, terms: &SessionTerms, second: i64) -> bool {
        let (tick, length) = (self.clock.tick, i64::from(terms.length_minutes) * MINUTE);
        let at = (second - self.clock.base) / tick;
        let Some(anchor) = self.anchors[at as usize].filter(|_| second % tick == 0) else { return false };
        let since_anchor = (at - anchor as i64) * tick;
        let until_closing = (self.closes[at as usize] as i64 - at) * tick;
        since_anchor % (i64::from(terms.step_minutes) * MINUTE) == 0 && length <= until_closing
    }

    fn ahead(
        &self,
        terms: &SessionTerms,
        occupancy: &BusyTimes<'_>,
        start: Timestamp,
        now: Timestamp,
    ) -> bool {
        let date = self.clock.date_of(start);
        let today = || self.clock.date_of(now);
        let in_window = match terms.booking_window {
            BookingWindow::Rolling { days } => {
                date <= today().checked_add_days(Days::new(days.into())).unwrap()
            }
            BookingWindow::BusinessDays { days } => {
                let mut last = today();
                for _ in 0..days {
                    last = next(last);
                    while last.weekday().num_days_from_monday() > 4 {
                        last = next(last);
                    }
                }
                date <= last
            }
            BookingWindow::FreeDays { days } => {
                let last = today().checked_add_days(Days::new(30)).unwrap();
                date <= last && self.free_dates_before(date, terms, occupancy, now) < usize::from(days)
            }
            BookingWindow::Dates { first, last } => (first.naive()..=last.naive()).contains(&date),
        };
        in_window && self.has_notice(terms, start, now)
    }

    fn has_notice(&self, terms: &SessionTerms, start: Timestamp, now: Timestamp) -> bool {
        start.seconds() >= now.seconds() + i64::from(terms.minimum_notice_minutes) * MINUTE
    }

    /// The number of dates before this one on which at least one session can start, regardless of the booking window.
    fn free_dates_before(
        &self,
        date: NaiveDate,
        terms: &SessionTerms,
        occupancy: &BusyTimes<'_>,
        now: Timestamp,
    ) -> usize {
        let dates = self.clock.days.iter().filter(|(other, _)| **other < date);
        dates
            .filter(|(other, first)| {
                let end = self.clock.days[&next(**other)];
                let mut seconds = (**first..end).map(|at| self.clock.second(at));
                let groups = occupancy.groups.iter().map(|(start, _)| start.seconds());
                let mut groups = groups
                    .filter(|second| (self.clock.second(**first)..self.clock.second(end)).contains(second));
                let is_free = |second: i64| {
                    let start = Timestamp::from_seconds(second);
                    self.has_notice(terms, start, now) && self.seats(terms, occupancy, second).is_some()
                };
                seconds.any(is_free) || groups.any(is_free)
            })
            .count()
    }

    fn capped(&self, terms: &SessionTerms, sessions: &[TimeSpan], start: Timestamp) -> bool {
        if terms.daily_cap.or(terms.daily_minutes_cap).or(terms.weekly_cap).is_none() || sessions.is_empty() {
            return false;
        }
        let date = self.clock.date_of(start);
        let dated: Vec<(NaiveDate, &TimeSpan)> =
            sessions.iter().map(|session| (self.clock.date_of(session.start()), session)).collect();
        let same_day = || dated.iter().filter(|(on, _)| *on == date).map(|(_, other)| other);
        let same_week = || dated.iter().filter(|(on, _)| on.iso_week() == date.iso_week()).count();
        let minutes = || {
            same_day().map(|other| other.seconds()).sum::<i64>() + i64::from(terms.length_minutes) * MINUTE
        };
        terms.daily_cap.is_some_and(|cap| same_day().count() >= cap.into())
            || terms.daily_minutes_cap.is_some_and(|cap| minutes() > i64::from(cap) * MINUTE)
            || terms.weekly_cap.is_some_and(|cap| same_week() >= cap.into())
    }

    /// The seats at this second, regardless of notice and booking window.
    fn seats(&self, terms: &SessionTerms, occupancy: &BusyTimes<'_>, second: i64) -> Option<u16> {
        let start = Timestamp::from_seconds(second);
        if let Some((_, seats)) = occupancy.groups.iter().find(|(group, _)| *group == start) {
            return Some(*seats).filter(|seats| *seats > 0);
        }
        let is_free = self.fits(terms, second)
            && !occupancy.occupied.iter().any(|taken| taken.overlaps(terms.occupied(start)))
            && !self.capped(terms, occupancy.sessions, start);
        is_free.then_some(terms.capacity)
    }

    /// The expected result of [`crate::scheduling::slots::slots`].
    pub fn slots(
        &self,
        terms: &SessionTerms,
        occupancy: &BusyTimes<'_>,
        range: TimeSpan,
        now: Timestamp,
    ) -> Vec<Slot> {
        let (tick, from) = (self.clock.tick, range.start().seconds());
        let first = from + (self.clock.base - from).rem_euclid(tick);
        let groups = occupancy.groups.iter().map(|(start, _)| *start).filter(|start| range.contains(*start));
        let mut seconds: Vec<i64> = (first..range.end().seconds())
            .step_by(tick as usize)
            .chain(groups.map(Timestamp::seconds))
            .collect();
        seconds.sort_unstable();
        seconds.dedup();
        let offered = seconds.into_iter().filter_map(|second| {
            let start = Timestamp::from_seconds(second);
            let seats = self.seats(terms, occupancy, second)?;
            self.ahead(terms, occupancy, start, now).then_some(Slot { start, seats })
        });
        offered.collect()
    }
}
