//! Rules laid out over instants.
//!
//! Every window is cut at midnight into pieces of local dates. On each date the pieces are joined on the face
//! of the clock, resolved to instants, cut to the date, and joined again, because clocks that skip an hour
//! can make two of them meet. A piece that begins with its date where the piece before ended goes on with the
//! grid of that piece, unless it is open for the whole date: that begins a grid of its own, or hours without
//! any closing would have no beginning to count from. So the grid of a piece depends on its own date and the
//! one before, and nothing else.

use crate::Zone;
use crate::kernel::time::{DAY, Date, MINUTE, date_of_number, day_number};

use super::{AvailabilityRules, ExtraWindow, Window};

/// Open time within one local day, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenPiece {
    /// Number of the local day.
    pub day: i64,
    /// The opening from which starts are counted; on an earlier day when the piece goes on across midnight.
    pub anchor: i64,
    /// First second that is open.
    pub start: i64,
    /// First second that is not, or the end of the day.
    pub end: i64,
    /// When the open time that the piece belongs to ends, maybe days later; filled in by whoever joins the
    /// pieces.
    pub closes: i64,
}

/// Minutes on the clock's face of one date.
type Minutes = (u16, u16);

/// The pieces of every local day that has an instant in `from..until`, in order, whole even where they reach
/// out of it.
pub(crate) fn open_pieces(rules: &AvailabilityRules, from: i64, until: i64) -> Vec<OpenPiece> {
    let mut pieces: Vec<OpenPiece> = Vec::new();
    if from >= until {
        return pieces;
    }
    let first = rules.time_zone.day_holding(from);
    // The day before tells where a piece began that goes on across midnight, and the one before that what of
    // the day before is left from the evening. One more, in case the zone skipped one of them.
    let mut day = Day::new(rules.time_zone, first - 3);
    let mut exceptions = Exceptions::new(rules);
    let weekly = rules.weekly.days().map(|(_, windows)| windows);
    let (mut yesterdays, mut todays, mut minutes) = (Vec::new(), Vec::new(), Vec::new());
    while day.start < until {
        let closed = exceptions.windows_opening(day.number, weekly, &mut todays);
        if day.start == day.end {
            // A date that does not exist opens nothing, also nothing that would last into the next.
            todays.clear();
        } else if !closed {
            minutes.extend(yesterdays.iter().copied().filter_map(part_of_next_date));
            minutes.extend(todays.iter().map(part_of_own_date));
            join(&mut minutes);
            day.add_pieces(&minutes, &mut pieces);
            minutes.clear();
        }
        std::mem::swap(&mut yesterdays, &mut todays);
        todays.clear();
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
    // One that closes at midnight leaves nothing, which comes out as an empty piece.
    (closes <= opens).then_some((0, closes))
}

/// Sorts, and makes one of those that touch or overlap.
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

/// No zone has ever changed its offset and changed it back within so many seconds (the closest, Boa Vista in
/// October 2000, took almost seven days; a test holds this), so one that has the same offset at both ends has
/// it in between.
pub(crate) const OFFSET_CHECK: i64 = 5 * DAY;

/// One local day.
struct Day {
    zone: Zone,
    number: i64,
    start: i64,
    end: i64,
    /// Seconds that the clock is ahead of UTC at `start`, and until when it is known to be so.
    offset: i64,
    known_until: i64,
    /// Whether the clock runs through the day without a change, so that every time of it is an addition away.
    even: bool,
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
            even: true,
        };
        day.find_end();
        day
    }

    /// Goes on to the next day.
    fn advance(&mut self) {
        self.number += 1;
        self.start = self.end;
        if !self.even {
            self.offset = self.zone.offset(self.start);
            self.known_until = self.start;
        }
        self.find_end();
    }

    /// Looking up an offset is what costs most about a day, so it is done for several at once.
    fn find_end(&mut self) {
        self.end = self.start + DAY;
        for ahead in [OFFSET_CHECK, DAY] {
            if self.known_until < self.end && self.zone.offset(self.start + ahead) == self.offset {
                self.known_until = self.start + ahead;
            }
        }
        self.even = self.end <= self.known_until && self.start + self.offset == self.number * DAY;
        if !self.even {
            self.end = self.zone.day_start(self.number + 1);
        }
    }

    fn second(&self, minute: u16) -> i64 {
        let wall = self.number * DAY + i64::from(minute) * MINUTE;
        if self.even { wall - self.offset } else { self.zone.first_second(wall) }
    }

    /// Adds the pieces that these joined minutes are on this day.
    fn add_pieces(&self, minutes: &[Minutes], pieces: &mut Vec<OpenPiece>) {
        let before = pieces.len();
        for (opens, closes) in minutes {
            let start = self.second(*opens).max(self.start);
            let end = self.second(*closes).min(self.end);
            // Minutes that the clock skips come out empty, or even backwards when they end after the gap.
            if start >= end {
                continue;
            }
            match pieces.last_mut() {
                // Two that meet only because the clock skips what lies between them.
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

/// The exceptions in the order of their dates, for days asked for in order.
struct Exceptions<'a> {
    rules: &'a AvailabilityRules,
    /// First and last day.
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

    /// Puts the windows that open on the day into `windows`. True when the day is blocked: nothing opens
    /// then, and nothing of the evening before goes on.
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
