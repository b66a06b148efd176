//! Converts availability rules to open time as instants.
//!
//! Each window is split at midnight into pieces of local dates. The pieces of a date are merged on the wall clock,
//! converted to instants, cut to the date, and merged again, because two pieces can become adjacent when the clock
//! skips an hour.
//!
//! Each piece has an anchor from which its grid of starts is counted. A piece that begins at midnight, where the
//! piece before ended, keeps the anchor of that piece. A piece that is open for the whole date has its own anchor,
//! because otherwise the grid of hours that never close would have no beginning. The grid of a piece therefore
//! depends only on its own date and the date before.

use crate::Zone;
use crate::kernel::time::{DAY, Date, MINUTE, date_of_number, day_number};

use super::{AvailabilityRules, ExtraWindow, Window};

/// Open time within one local day, in seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenPiece {
    /// The number of the local day.
    pub day: i64,
    /// The instant from which the grid of starts is counted. It lies on the day before if the window continues across
    /// midnight.
    pub anchor: i64,
    /// The first second that is open.
    pub start: i64,
    /// The first second that is no longer open; at most the end of the day.
    pub end: i64,
    /// The end of the continuous open time that contains the piece, possibly on a later day. The caller that joins
    /// the pieces sets it.
    pub closes: i64,
}

/// A range of minutes on the wall clock of one date.
type Minutes = (u16, u16);

/// Returns the pieces of each local day that has an instant in `from..until`, in order. Pieces are not cut to the
/// range.
pub(crate) fn open_pieces(rules: &AvailabilityRules, from: i64, until: i64) -> Vec<OpenPiece> {
    // A zone that is no longer in the database has no wall clock. Unknown time is never free.
    if !rules.time_zone.is_known() {
        return Vec::new();
    }
    let mut pieces: Vec<OpenPiece> = Vec::new();
    if from >= until {
        return pieces;
    }
    let first = rules.time_zone.day_containing(from);
    // The pieces of the first day depend on the day before, which may contain the anchor, and the pieces of that day
    // depend on windows that open on the day before it. A third day covers the case that the zone skipped one of
    // them.
    let mut day = Day::new(rules.time_zone, first - 3);
    let mut exceptions = Exceptions::new(rules);
    let weekly = rules.weekly.days().map(|(_, windows)| windows);
    let (mut previous_windows, mut windows, mut minutes) = (Vec::new(), Vec::new(), Vec::new());
    while day.start < until {
        let closed = exceptions.windows_opening(day.number, weekly, &mut windows);
        if day.start == day.end {
            // The zone skipped this date. No window opens on it, not even one that would continue on the next date.
            windows.clear();
        } else if !closed {
            minutes.extend(previous_windows.iter().copied().filter_map(part_of_next_date));
            minutes.extend(windows.iter().map(part_of_own_date));
            join(&mut minutes);
            day.add_pieces(&minutes, &mut pieces);
            minutes.clear();
        }
        std::mem::swap(&mut previous_windows, &mut windows);
        windows.clear();
        day.advance();
    }
    let wanted = pieces.partition_point(|piece| piece.day < first);
    pieces.drain(..wanted);
    pieces
}

fn part_of_own_date(window: &Window) -> Minutes {
    let (opens, closes) = (window.opens.minutes(), window.closes.minutes());
    (opens, if closes > opens { closes } else { 1440 })
}

fn part_of_next_date(window: Window) -> Option<Minutes> {
    let (opens, closes) = (window.opens.minutes(), window.closes.minutes());
    // A window that closes at midnight leaves an empty piece, which is dropped later.
    (closes <= opens).then_some((0, closes))
}

/// Sorts the ranges and merges those that touch or overlap.
fn join(minutes: &mut Vec<Minutes>) {
    if minutes.len() < 2 {
        return;
    }
    minutes.sort_unstable();
    minutes.dedup_by(|later, earlier| {
        let touch = later.0 <= earlier.1;
        if touch {
            earlier.1 = earlier.1.max(later.1);
        }
        touch
    });
}

/// If a zone has the same offset at both ends of this many seconds, it has that offset throughout.
///
/// No zone has changed its offset and changed it back in less time. The shortest such period, in Boa Vista in October
/// 2000, lasted almost seven days. A test checks this against the time zone database.
pub(crate) const OFFSET_CHECK: i64 = 5 * DAY;

/// One local day.
struct Day {
    zone: Zone,
    number: i64,
    start: i64,
    end: i64,
    /// The offset of the wall clock from UTC at `start`, in seconds.
    offset: i64,
    /// The offset is known to be constant until this second.
    known_until: i64,
    /// Whether the offset is constant throughout the day, so that a wall-clock time converts by addition.
    is_uniform: bool,
}

impl Day {
    fn new(zone: Zone, number: i64) -> Self {
        let start = zone.day_start(number);
        let mut day = Self {
            zone,
            number,
            start,
            end: start,
            offset: zone.offset(start),
            known_until: start,
            is_uniform: true,
        };
        day.find_end();
        day
    }

    /// Advances to the next day.
    fn advance(&mut self) {
        self.number += 1;
        self.start = self.end;
        if !self.is_uniform {
            self.offset = self.zone.offset(self.start);
            self.known_until = self.start;
        }
        self.find_end();
    }

    /// Determines the end of the day. Looking up an offset is the most expensive part of a day, so one lookup covers
    /// several days.
    fn find_end(&mut self) {
        self.end = self.start + DAY;
        for ahead in [OFFSET_CHECK, DAY] {
            if self.known_until < self.end && self.zone.offset(self.start + ahead) == self.offset {
                self.known_until = self.start + ahead;
            }
        }
        self.is_uniform = self.end <= self.known_until && self.start + self.offset == self.number * DAY;
        if !self.is_uniform {
            self.end = self.zone.day_start(self.number + 1);
        }
    }

    fn second(&self, minute: u16) -> i64 {
        let wall = self.number * DAY + i64::from(minute) * MINUTE;
        if self.is_uniform { wall - self.offset } else { self.zone.first_second(wall) }
    }

    /// Adds the pieces that these merged minutes yield on this day.
    fn add_pieces(&self, minutes: &[Minutes], pieces: &mut Vec<OpenPiece>) {
        let before = pieces.len();
        for (opens, closes) in minutes {
            let start = self.second(*opens).max(self.start);
            let end = self.second(*closes).min(self.end);
            // Minutes that the clock skips yield an empty piece, or a negative one if they end after the gap.
            if start >= end {
                continue;
            }
            match pieces.last_mut() {
                // The pieces are adjacent only because the clock skips the time between them.
                Some(last) if last.day == self.number && start <= last.end => last.end = last.end.max(end),
                _ => pieces.push(OpenPiece { day: self.number, anchor: start, start, end, closes: end }),
            }
        }
        let (earlier, own) = pieces.split_at_mut(before);
        if let (Some(last), Some(first)) = (earlier.last(), own.first_mut()) {
            let whole_day = first.start == self.start && first.end == self.end;
            if first.start == last.end && !whole_day {
                first.anchor = last.start;
            }
        }
    }
}

/// The exceptions, sorted by date. Days must be requested in ascending order.
struct Exceptions<'a> {
    rules: &'a AvailabilityRules,
    /// The first and the last day of each blocked range.
    blocked: Vec<(i64, i64)>,
    next_blocked: usize,
    blocked_until: i64,
    extra: Vec<(i64, ExtraWindow)>,
    next_extra: usize,
}

impl<'a> Exceptions<'a> {
    fn new(rules: &'a AvailabilityRules) -> Self {
        let number = |date: Date| day_number(date.naive());
        let ranges = rules.blocked.iter().map(|range| (number(range.first), number(range.last)));
        let mut blocked: Vec<_> = ranges.collect();
        blocked.sort_unstable();
        let mut extra: Vec<_> = rules.extra.iter().map(|window| (number(window.date), *window)).collect();
        extra.sort_unstable_by_key(|(day, _)| *day);
        Self { rules, blocked, next_blocked: 0, blocked_until: i64::MIN, extra, next_extra: 0 }
    }

    /// Collects in `windows` the windows that open on the day. Returns true if the day is blocked: then `windows` is
    /// empty, and a window of the evening before does not continue.
    fn windows_opening(&mut self, day: i64, weekly: [&[Window]; 7], windows: &mut Vec<Window>) -> bool {
        while let Some((first, last)) = self.blocked.get(self.next_blocked)
            && *first <= day
        {
            self.blocked_until = self.blocked_until.max(*last);
            self.next_blocked += 1;
        }
        while let Some((date, window)) = self.extra.get(self.next_extra)
            && *date <= day
        {
            if *date == day {
                windows.push(Window { opens: window.opens, closes: window.closes });
            }
            self.next_extra += 1;
        }
        let replaced = if self.rules.overrides.is_empty() {
            None
        } else {
            Date::try_from(date_of_number(day)).ok().and_then(|date| self.rules.overrides.get(&date))
        };
        if day <= self.blocked_until || replaced.is_some_and(Vec::is_empty) {
            windows.clear();
            return true;
        }
        // 1970-01-01 was a Thursday, the day with index 3.
        let weekday = usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0);
        windows.extend_from_slice(replaced.map_or(weekly[weekday], Vec::as_slice));
        false
    }
}
