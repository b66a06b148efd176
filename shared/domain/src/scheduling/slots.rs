//! Which starts of a session type can be booked.
//!
//! Open time comes from the availability rules as pieces of local days (see [`crate::availability`]). Each
//! piece has the instant from which its grid of starts is counted, so a start is on the grid or not whatever
//! range is asked for. Notice and booking window bound the starts, caps take out whole days, occupied time
//! takes out single starts.
//!
//! The work is proportional to the occupied spans plus the starts: neither is sorted or searched. Per stretch
//! of days, each occupied span marks in a bitmap the starts that it takes out, and what is left is read off
//! it.

use chrono::NaiveDate;

use crate::experts::availability::{AvailabilityRules, OpenPiece, open_pieces};
use crate::experts::session_type::{BookingWindow, SessionTypeTerms};
use crate::kernel::time::{DAY, MINUTE, TimeSpan, Timestamp, Zone, date_of_number, day_number};

mod free_starts;
#[cfg(test)]
mod tests;

use free_starts::FreeStarts;

/// Seconds of range worked on at once, so that the bitmap stays small however long the range is.
const STRETCH: i64 = 400 * DAY;

/// What already stands in an expert's time.
#[derive(Debug, Clone, Copy, Default)]
pub struct BusyTimes<'a> {
    /// Time that no new session's occupied span may overlap: appointments with their buffers, and outside
    /// events as they are. In any order; they may overlap one another. Those that touch no session of the
    /// range do no harm.
    pub occupied: &'a [TimeSpan],
    /// Starts of the sessions of this type that stand, for the caps: all those of each local day that the
    /// range touches, and with a weekly cap of each ISO week. A group session is one session.
    pub session_starts: &'a [Timestamp],
    /// Start and seats left of each group session of this type that stands.
    pub groups: &'a [(Timestamp, u16)],
}

/// A start that can be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// When the session starts.
    pub start: Timestamp,
    /// How many seats can be booked: all that the session type has, or those left in a session that stands.
    pub seats: u16,
}

/// Why a start is not offered. Instants are shown in UTC; whoever knows the reader's zone can show them
/// better.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Less than the minimum notice ahead.
    #[error("this is too short notice: the earliest start is {earliest}")]
    TooSoon {
        /// The first instant that gives enough notice, on the grid or not.
        earliest: Timestamp,
    },
    /// After the booking window.
    #[error("this is too far ahead: the last date that can be booked is {last_date}")]
    TooFar {
        /// The last date of the window, in the expert's zone.
        last_date: NaiveDate,
    },
    /// Before the booking window's first date.
    #[error("this cannot be booked yet: the first date that can be booked is {first}")]
    BeforeWindow {
        /// The first date of the window, in the expert's zone.
        first: NaiveDate,
    },
    /// The expert has blocked the whole date.
    #[error("the expert is away on {date}")]
    Blocked {
        /// The date in the expert's zone.
        date: NaiveDate,
    },
    /// The start is not in open time.
    #[error("the expert's hours do not include this time")]
    OutsideHours {
        /// The next start on the grid within the two days after, if there is one.
        next: Option<Timestamp>,
    },
    /// The session would run on after the expert's hours end.
    #[error("a session that starts then would end after the hours close, at {closes}")]
    PastClosing {
        /// The end of the open time that holds the start.
        closes: Timestamp,
    },
    /// Between two starts of the grid.
    #[error("sessions do not start at this time{}", nearest(*.previous, *.next))]
    NotOnGrid {
        /// The nearest start before, within a day.
        previous: Option<Timestamp>,
        /// The nearest start after, within a day.
        next: Option<Timestamp>,
    },
    /// The local day has as many sessions of the type as it may.
    #[error("{date} already has all the sessions of this type that one day may have ({cap})")]
    DayFull {
        /// The date in the expert's zone.
        date: NaiveDate,
        /// The daily cap.
        cap: u16,
    },
    /// The ISO week has as many sessions of the type as it may.
    #[error("the week of {monday} already has all the sessions of this type that one week may have ({cap})")]
    WeekFull {
        /// The Monday on which the week begins, in the expert's zone.
        monday: NaiveDate,
        /// The weekly cap.
        cap: u16,
    },
    /// The session with its buffers would overlap time that is taken.
    #[error("the time, with the breaks final_charge around sessions, is taken")]
    Taken,
    /// The group session that starts then is full.
    #[error("every seat of the session at this time is taken")]
    NoSeatLeft,
}

fn nearest(previous: Option<Timestamp>, next: Option<Timestamp>) -> String {
    match (previous, next) {
        (Some(previous), Some(next)) => format!(": the nearest are {previous} and {next}"),
        (Some(only), None) | (None, Some(only)) => format!(": the nearest is {only}"),
        (None, None) => String::new(),
    }
}

/// The first instant of a local date up to the first instant of the next: the day that a daily cap counts.
/// Empty when the zone skipped the date.
pub fn local_day_span(zone: Zone, date: NaiveDate) -> TimeSpan {
    days_span(zone, day_number(date), 1)
}

/// The Monday to Sunday that hold a local date, from first instant to first instant: the week that a weekly
/// cap counts.
pub fn iso_week_span(zone: Zone, date: NaiveDate) -> TimeSpan {
    days_span(zone, monday(day_number(date)), 7)
}

fn days_span(zone: Zone, first: i64, days: i64) -> TimeSpan {
    let start = Timestamp::from_seconds(zone.day_start(first));
    TimeSpan::new(start, Timestamp::from_seconds(zone.day_start(first + days)))
}

/// The number of the Monday of a day's week; 1970-01-01 was a Thursday.
fn monday(day: i64) -> i64 {
    day - (day + 3).rem_euclid(7)
}

/// The starts in `range` that can be booked, in order.
///
/// Whether a start is offered does not depend on the range. The answer is as long as the range and the
/// booking window make it, so callers bound one of them; what the work needs besides is bounded here.
pub fn slots(
    rules: &AvailabilityRules,
    terms: &SessionTypeTerms,
    occupancy: &BusyTimes<'_>,
    range: TimeSpan,
    now: Timestamp,
) -> Vec<Slot> {
    let bounds = Bounds::new(rules.time_zone, terms, now);
    let from = range.start().seconds().max(bounds.from);
    let until = range.end().seconds().min(bounds.until);
    let mut slots = Vec::new();
    let mut caps = Caps::new(rules.time_zone, terms, occupancy.session_starts);
    let mut next = from;
    while next < until {
        let stop = until.min(next + STRETCH);
        let runs = runs(rules, terms, next, stop);
        slots.reserve(runs.iter().map(|run| run.count).sum());
        if let Some(free) = FreeStarts::of(&runs, terms, occupancy.occupied) {
            for run in runs.iter().filter(|run| caps.full(run.day).is_none()) {
                free.push(run, terms.capacity, &mut slots);
            }
        }
        next = stop;
    }
    if occupancy.groups.is_empty() { slots } else { with_groups(slots, occupancy.groups, from, until) }
}

/// Adds the group sessions that stand; where one stands, it is what its start offers.
fn with_groups(slots: Vec<Slot>, groups: &[(Timestamp, u16)], from: i64, until: i64) -> Vec<Slot> {
    let mut standing: Vec<Slot> = groups
        .iter()
        .filter(|(start, _)| (from..until).contains(&start.seconds()))
        .map(|&(start, seats)| Slot { start, seats })
        .collect();
    standing.sort_by_key(|slot| slot.start);
    standing.dedup_by_key(|slot| slot.start);
    let mut merged = Vec::with_capacity(slots.len() + standing.len());
    let mut fresh = slots.into_iter().peekable();
    for group in standing {
        while let Some(slot) = fresh.next_if(|slot| slot.start < group.start) {
            merged.push(slot);
        }
        fresh.next_if(|slot| slot.start == group.start);
        if group.seats > 0 {
            merged.push(group);
        }
    }
    merged.extend(fresh);
    merged
}

/// Whether a session may start at `start` as far as notice and booking window go, whatever the hours: all
/// that a seat of a group session that stands must keep to.
///
/// # Errors
/// [`Refusal::TooFar`], [`Refusal::BeforeWindow`] or [`Refusal::TooSoon`].
pub fn check_ahead(
    rules: &AvailabilityRules,
    terms: &SessionTypeTerms,
    start: Timestamp,
    now: Timestamp,
) -> Result<(), Refusal> {
    Bounds::new(rules.time_zone, terms, now).check(start)
}

/// Whether a session may start at `start` as far as hours, grid, notice and booking window go, whatever else
/// stands.
///
/// # Errors
/// The first of these rules that the start breaks, notice and booking window before the hours.
pub fn check_start(
    rules: &AvailabilityRules,
    terms: &SessionTypeTerms,
    start: Timestamp,
    now: Timestamp,
) -> Result<(), Refusal> {
    let bounds = Bounds::new(rules.time_zone, terms, now);
    bounds.check(start)?;
    check_hours(rules, terms, start, &bounds)
}

/// Why [`slots`] does not offer a start, or `Ok` when it does.
///
/// # Errors
/// The first rule that the start breaks: those of [`check_start`], then the caps, then what is taken.
pub fn explain(
    rules: &AvailabilityRules,
    terms: &SessionTypeTerms,
    occupancy: &BusyTimes<'_>,
    start: Timestamp,
    now: Timestamp,
) -> Result<(), Refusal> {
    let bounds = Bounds::new(rules.time_zone, terms, now);
    bounds.check(start)?;
    if let Some((_, seats)) = occupancy.groups.iter().find(|(group, _)| *group == start) {
        return if *seats > 0 { Ok(()) } else { Err(Refusal::NoSeatLeft) };
    }
    check_hours(rules, terms, start, &bounds)?;
    let day = rules.time_zone.day_holding(start.seconds());
    if let Some(refusal) = Caps::new(rules.time_zone, terms, occupancy.session_starts).full(day) {
        return Err(refusal);
    }
    let wanted = terms.occupied(start);
    if occupancy.occupied.iter().any(|taken| taken.overlaps(wanted)) { Err(Refusal::Taken) } else { Ok(()) }
}

fn check_hours(
    rules: &AvailabilityRules,
    terms: &SessionTypeTerms,
    start: Timestamp,
    bounds: &Bounds,
) -> Result<(), Refusal> {
    let second = start.seconds();
    if !runs(rules, terms, second, second + 1).is_empty() {
        return Ok(());
    }
    let first = |from: i64, until: i64| {
        let runs = runs(rules, terms, from.max(bounds.from), until.min(bounds.until));
        runs.first().map(|run| Timestamp::from_seconds(run.first))
    };
    let pieces = joined(rules, second, second + length(terms));
    let Some(piece) = pieces.iter().find(|piece| piece.start <= second && second < piece.end) else {
        let date = date_of_number(rules.time_zone.day_holding(second));
        return Err(if rules.is_blocked(date) {
            Refusal::Blocked { date }
        } else {
            Refusal::OutsideHours { next: first(second, second + 2 * DAY) }
        });
    };
    let closes = piece.closes.min(Timestamp::MAX.seconds());
    if second + length(terms) > closes {
        return Err(Refusal::PastClosing { closes: Timestamp::from_seconds(closes) });
    }
    let before = runs(rules, terms, (second - DAY).max(bounds.from), second);
    let previous = before.last().map(|run| Timestamp::from_seconds(run.last(terms)));
    Err(Refusal::NotOnGrid { previous, next: first(second, second + DAY + 1) })
}

fn length(terms: &SessionTypeTerms) -> i64 {
    i64::from(terms.length_minutes) * MINUTE
}

/// Seconds from one start to the next. Terms that were never checked may say zero.
fn step(terms: &SessionTypeTerms) -> i64 {
    i64::from(terms.step_minutes.max(1)) * MINUTE
}

/// The seconds in which a session may start, by notice and booking window.
struct Bounds {
    zone: Zone,
    window: BookingWindow,
    today: i64,
    earliest: i64,
    from: i64,
    until: i64,
}

impl Bounds {
    fn new(zone: Zone, terms: &SessionTypeTerms, now: Timestamp) -> Self {
        let today = zone.day_holding(now.seconds());
        let earliest = now.seconds() + i64::from(terms.minimum_notice_minutes) * MINUTE;
        let mut bounds =
            Self { zone, window: terms.booking_window, today, earliest, from: earliest, until: 0 };
        bounds.until = zone.day_start(bounds.last_day() + 1);
        if let Some(first) = bounds.first_day() {
            bounds.from = earliest.max(zone.day_start(first));
        }
        bounds
    }

    fn first_day(&self) -> Option<i64> {
        match self.window {
            BookingWindow::Rolling { .. } => None,
            BookingWindow::Dates { first, .. } => Some(day_number(first.naive())),
        }
    }

    fn last_day(&self) -> i64 {
        match self.window {
            BookingWindow::Rolling { days } => self.today + i64::from(days),
            BookingWindow::Dates { last, .. } => day_number(last.naive()),
        }
    }

    fn check(&self, start: Timestamp) -> Result<(), Refusal> {
        let second = start.seconds();
        // The window comes first: no notice would help a start that lies before or after it.
        if second >= self.until {
            return Err(Refusal::TooFar { last_date: date_of_number(self.last_day()) });
        }
        if let Some(first) = self.first_day()
            && second < self.zone.day_start(first)
        {
            return Err(Refusal::BeforeWindow { first: date_of_number(first) });
        }
        if second < self.earliest {
            return Err(Refusal::TooSoon { earliest: Timestamp::from_seconds(self.earliest) });
        }
        Ok(())
    }
}

/// Counts sessions by local day and week. Days are asked for in order, so each week is resolved once.
struct Caps {
    zone: Zone,
    daily: Option<u16>,
    weekly: Option<u16>,
    /// In order; empty without caps.
    starts: Vec<i64>,
    week: Option<(i64, bool)>,
}

impl Caps {
    fn new(zone: Zone, terms: &SessionTypeTerms, starts: &[Timestamp]) -> Self {
        let (daily, weekly) = (terms.daily_cap, terms.weekly_cap);
        let mut starts: Vec<i64> = if daily.is_some() || weekly.is_some() {
            starts.iter().map(|start| start.seconds()).collect()
        } else {
            Vec::new()
        };
        starts.sort_unstable();
        Self { zone, daily, weekly, starts, week: None }
    }

    /// Why a day takes no more sessions, if so.
    fn full(&mut self, day: i64) -> Option<Refusal> {
        if let Some(cap) = self.daily
            && self.count(day, 1) >= usize::from(cap)
        {
            return Some(Refusal::DayFull { date: date_of_number(day), cap });
        }
        if let Some(cap) = self.weekly {
            let monday = monday(day);
            let full = match self.week {
                Some((known, full)) if known == monday => full,
                _ => self.count(monday, 7) >= usize::from(cap),
            };
            self.week = Some((monday, full));
            if full {
                return Some(Refusal::WeekFull { monday: date_of_number(monday), cap });
            }
        }
        None
    }

    fn count(&self, first: i64, days: i64) -> usize {
        let before = |second: i64| self.starts.partition_point(|start| *start < second);
        before(self.zone.day_start(first + days)) - before(self.zone.day_start(first))
    }
}

/// Starts of one local day's grid that lie in open time with their whole session.
struct Run {
    day: i64,
    first: i64,
    count: usize,
}

impl Run {
    fn last(&self, terms: &SessionTypeTerms) -> i64 {
        self.first + (i64::try_from(self.count).unwrap_or(1) - 1) * step(terms)
    }
}

/// All starts of the grid in `from..until`, in order; none of the runs is empty.
fn runs(rules: &AvailabilityRules, terms: &SessionTypeTerms, from: i64, until: i64) -> Vec<Run> {
    let (length, step) = (length(terms), step(terms));
    let pieces = joined(rules, from, until.saturating_add(length));
    let run = |piece: OpenPiece| {
        let low = from.max(piece.start);
        // The first start of the grid that is not before `low`.
        let first = low + (piece.anchor - low).rem_euclid(step);
        // An end after the last instant that we can say cannot be booked.
        let last = (piece.closes.min(Timestamp::MAX.seconds()) - length).min(piece.end - 1).min(until - 1);
        let count = if first <= last { usize::try_from((last - first) / step + 1).unwrap_or(0) } else { 0 };
        (count > 0).then_some(Run { day: piece.day, first, count })
    };
    pieces.into_iter().filter_map(run).collect()
}

/// The open pieces of the days that `from..until` touches, each knowing where the open time it belongs to
/// closes (when that lies beyond `until`, some instant not before `until`).
fn joined(rules: &AvailabilityRules, from: i64, until: i64) -> Vec<OpenPiece> {
    let mut pieces = open_pieces(rules, from, until);
    let mut after: Option<(i64, i64)> = None;
    for piece in pieces.iter_mut().rev() {
        piece.closes = match after {
            Some((start, closes)) if start == piece.end => closes,
            _ => piece.end,
        };
        after = Some((piece.start, piece.closes));
    }
    pieces
}
