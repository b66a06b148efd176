//! The slot engine: computes at which instants a session type can be booked.
//!
//! The availability rules yield open time as pieces of local days (see [`crate::experts::availability`]). Each piece
//! has an anchor from which its grid of starts is counted, so whether a start is on the grid does not depend on the
//! requested range. The minimum notice and the booking window limit the starts, caps remove whole days, and occupied
//! time removes single starts.
//!
//! The running time is proportional to the number of occupied spans plus the number of starts. The
//! occupied spans are neither sorted nor searched. Only the session starts that caps count and the existing group sessions are
//! sorted. The engine processes the range in stretches of days, marks in a bitmap the starts that each occupied span removes, and
//! reads the remaining starts from the bitmap.

use chrono::NaiveDate;

use crate::experts::availability::{AvailabilityRules, OpenPiece, open_pieces};
use crate::experts::duration::SessionTerms;
use crate::kernel::time::{DAY, MINUTE, TimeSpan, Timestamp, date_of_number};

mod caps;
mod empty;
mod free_starts;
mod period;
#[cfg(test)]
pub(crate) mod tests;

use caps::Caps;
pub use empty::{EmptyReason, why_empty};
use free_starts::FreeStarts;
pub use period::{BookablePeriod, look_ahead};

/// Seconds of the range that are processed at once. It limits the size of the bitmap for long ranges.
const STRETCH: i64 = 400 * DAY;

/// The time that is already taken, as the slot engine reads it.
///
/// With a booking window of days with free time, it must also cover the [`look_ahead`].
#[derive(Debug, Clone, Copy, Default)]
pub struct BusyTimes<'a> {
    /// Time that the occupied time of a new session must not overlap: appointments with their buffers, and events of
    /// external calendars. Spans may be in any order and overlap. Spans that do not touch the range have no effect.
    pub occupied: &'a [TimeSpan],
    /// The existing sessions of this type, without buffers, for the caps. It must contain all of them for each local
    /// day that the range touches and, with a weekly cap, for each ISO week. A group session counts once.
    pub sessions: &'a [TimeSpan],
    /// The start and the number of free seats of each existing group session of this type.
    pub groups: &'a [(Timestamp, u16)],
}

/// An instant at which a session can be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The start of the session.
    pub start: Timestamp,
    /// The number of seats that can be booked: the capacity, or the free seats of an existing group session.
    pub seats: u16,
}

/// Why a start is not offered. Messages show instants in UTC, because this module does not know the reader's time
/// zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The start is closer than the minimum notice.
    #[error("the minimum notice is not met; choose a start at or after {earliest}")]
    TooSoon {
        /// The first instant with enough notice; it need not be on the grid.
        earliest: Timestamp,
    },
    /// The start is after the booking window.
    #[error("this is too far ahead; choose a date no later than {last_date}")]
    AfterWindow {
        /// The last date of the booking window, in the expert's time zone.
        last_date: NaiveDate,
    },
    /// The start is before the booking window.
    #[error("this date cannot be booked; choose a date no earlier than {first}")]
    BeforeWindow {
        /// The first date of the booking window, in the expert's time zone.
        first: NaiveDate,
    },
    /// The expert has blocked the whole date.
    #[error("the expert is not available on {date}; choose another date")]
    Blocked {
        /// The date in the expert's time zone.
        date: NaiveDate,
    },
    /// The start is outside the expert's open hours.
    #[error("this time is outside the expert's available hours; choose another slot")]
    OutsideHours,
    /// The session would end after the open hours.
    #[error(
        "the session would end after the expert's available hours, which end at {closes}; choose another slot"
    )]
    PastClosing {
        /// The end of the open time that contains the start.
        closes: Timestamp,
    },
    /// The start is not on the grid.
    #[error("no session starts at this time; choose another slot")]
    NotOnGrid,
    /// The local day has reached the daily cap of the session type.
    #[error(
        "the expert gives at most {cap} of these sessions a day, and {date} is full; choose another date"
    )]
    DayFull {
        /// The date in the expert's time zone.
        date: NaiveDate,
        /// The daily cap.
        cap: u16,
    },
    /// Another session would exceed the daily cap on minutes of the session type.
    #[error(
        "the expert gives at most {cap} minutes of these sessions a day, and {date} has too few left; choose another date"
    )]
    DayMinutesFull {
        /// The date in the expert's time zone.
        date: NaiveDate,
        /// The daily cap in minutes.
        cap: u16,
    },
    /// The ISO week has reached the weekly cap of the session type.
    #[error(
        "the expert gives at most {cap} of these sessions a week, and the week of {monday} is full; choose another week"
    )]
    WeekFull {
        /// The Monday of the week, in the expert's time zone.
        monday: NaiveDate,
        /// The weekly cap.
        cap: u16,
    },
    /// The session with its buffers would overlap occupied time.
    #[error("the session or its buffers would overlap occupied time; choose another slot")]
    Taken,
    /// The group session at this start has no free seat.
    #[error("all seats of this session are taken; choose another slot")]
    NoSeatLeft,
}

/// Returns the starts in `range` that can be booked, in order.
///
/// Whether a start is offered does not depend on the range. The result grows with the smaller of the range and the
/// booking window, so callers must limit one of them. All other memory is bounded.
pub fn slots(
    rules: &AvailabilityRules,
    terms: &SessionTerms,
    occupancy: &BusyTimes<'_>,
    range: TimeSpan,
    now: Timestamp,
) -> Vec<Slot> {
    slots_within(rules, terms, occupancy, range, &BookablePeriod::new(rules, terms, occupancy, now))
}

/// Like [`slots`], in a period that was determined before.
pub(super) fn slots_within(
    rules: &AvailabilityRules,
    terms: &SessionTerms,
    occupancy: &BusyTimes<'_>,
    range: TimeSpan,
    period: &BookablePeriod,
) -> Vec<Slot> {
    let from = range.start().seconds().max(period.from);
    slots_between(rules, terms, occupancy, from, range.end().seconds().min(period.until))
}

/// Like [`slots`], regardless of notice and booking window.
fn slots_between(
    rules: &AvailabilityRules,
    terms: &SessionTerms,
    occupancy: &BusyTimes<'_>,
    from: i64,
    until: i64,
) -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut caps = Caps::new(rules.time_zone, terms, occupancy.sessions);
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

/// Adds the existing group sessions. At the start of an existing group session, its free seats replace the regular
/// slot.
fn with_groups(slots: Vec<Slot>, groups: &[(Timestamp, u16)], from: i64, until: i64) -> Vec<Slot> {
    let mut existing: Vec<Slot> = groups
        .iter()
        .filter(|(start, _)| (from..until).contains(&start.seconds()))
        .map(|&(start, seats)| Slot { start, seats })
        .collect();
    existing.sort_by_key(|slot| slot.start);
    existing.dedup_by_key(|slot| slot.start);
    let mut merged = Vec::with_capacity(slots.len() + existing.len());
    let mut regular = slots.into_iter().peekable();
    for group in existing {
        while let Some(slot) = regular.next_if(|slot| slot.start < group.start) {
            merged.push(slot);
        }
        regular.next_if(|slot| slot.start == group.start);
        if group.seats > 0 {
            merged.push(group);
        }
    }
    merged.extend(regular);
    merged
}

/// Checks the open hours and the grid for a session at `start`, but not what is occupied.
///
/// # Errors
/// The first rule that the start violates.
pub fn check_hours(rules: &AvailabilityRules, terms: &SessionTerms, start: Timestamp) -> Result<(), Refusal> {
    let second = start.seconds();
    if !runs(rules, terms, second, second + 1).is_empty() {
        return Ok(());
    }
    let pieces = joined(rules, second, second + length(terms));
    let Some(piece) = pieces.iter().find(|piece| piece.start <= second && second < piece.end) else {
        let date = date_of_number(rules.time_zone.day_containing(second));
        return Err(if rules.is_blocked(date) { Refusal::Blocked { date } } else { Refusal::OutsideHours });
    };
    let closes = piece.closes.min(Timestamp::MAX.seconds());
    if second + length(terms) > closes {
        return Err(Refusal::PastClosing { closes: Timestamp::from_seconds(closes) });
    }
    Err(Refusal::NotOnGrid)
}

fn length(terms: &SessionTerms) -> i64 {
    i64::from(terms.length_minutes) * MINUTE
}

/// Seconds between two starts of the grid. Unchecked terms may contain zero, which counts as one minute.
fn step(terms: &SessionTerms) -> i64 {
    i64::from(terms.step_minutes.max(1)) * MINUTE
}

/// Consecutive starts of the grid on one local day. For each of them, the whole session lies in open time.
struct Run {
    day: i64,
    first: i64,
    count: usize,
}

impl Run {
    fn last(&self, terms: &SessionTerms) -> i64 {
        self.first + (i64::try_from(self.count).unwrap_or(1) - 1) * step(terms)
    }
}

/// Returns all starts of the grid in `from..until`, in order. No run is empty.
fn runs(rules: &AvailabilityRules, terms: &SessionTerms, from: i64, until: i64) -> Vec<Run> {
    let (length, step) = (length(terms), step(terms));
    let pieces = joined(rules, from, until.saturating_add(length));
    let run = |piece: OpenPiece| {
        let low = from.max(piece.start);
        // The first start of the grid at or after `low`.
        let first = low + (piece.anchor - low).rem_euclid(step);
        // A session that would end after the last supported instant cannot be booked.
        let last = (piece.closes.min(Timestamp::MAX.seconds()) - length).min(piece.end - 1).min(until - 1);
        let count = if first <= last { usize::try_from((last - first) / step + 1).unwrap_or(0) } else { 0 };
        (count > 0).then_some(Run { day: piece.day, first, count })
    };
    pieces.into_iter().filter_map(run).collect()
}

/// Returns the open pieces of the days that `from..until` touches, with `closes` set to the end of the continuous
/// open time. If that lies beyond `until`, `closes` may be any instant at or after `until`.
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
