//! Why a range has no slots.

use super::{BookablePeriod, BusyTimes, joined, runs, slots_between};
use crate::experts::availability::AvailabilityRules;
use crate::experts::duration::SessionTerms;
use crate::kernel::time::{TimeSpan, Timestamp};

/// Why a range has no slots: the first rule that leaves no start, in the order in which a booking checks the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EmptyReason {
    /// The expert is suspended. The slot engine does not check this.
    ExpertNotLive,
    /// The duration has no price now. The slot engine does not check this.
    NoPrice,
    /// The session has a price, and the expert cannot be paid yet. The slot engine does not check this.
    PaymentsNotReady,
    /// The range lies outside the booking window.
    OutsideBookingWindow,
    /// Every start in the booking window is closer than the minimum notice.
    NoticeTooShort,
    /// The expert has no hours in the range.
    NoHours,
    /// Blocked dates, or overrides without hours, close all dates in the range that would have starts.
    Blocked,
    /// The expert has hours in the range, but no session that starts in the range fits into them.
    HoursTooShort,
    /// Sessions would fit into the hours, but none of the offered starts lies in the range.
    NoStart,
    /// Appointments, their buffers or full group sessions take all starts.
    AllTaken,
    /// There is free time, but a cap on sessions or minutes is reached on each of its dates.
    CapsReached,
}

/// Returns why [`slots`](super::slots) returns nothing for a range. The answer is meaningless if it returns something.
pub fn why_empty(
    rules: &AvailabilityRules,
    terms: &SessionTerms,
    occupancy: &BusyTimes<'_>,
    range: TimeSpan,
    now: Timestamp,
) -> EmptyReason {
    let period = BookablePeriod::new(rules, terms, occupancy, now);
    let until = range.end().seconds().min(period.until);
    if range.start().seconds().max(period.window_start()) >= until {
        return EmptyReason::OutsideBookingWindow;
    }
    let from = range.start().seconds().max(period.from);
    if from >= until {
        return EmptyReason::NoticeTooShort;
    }
    let has_group = occupancy.groups.iter().any(|(start, _)| (from..until).contains(&start.seconds()));
    if runs(rules, terms, from, until).is_empty() && !has_group {
        let mut unblocked = rules.clone();
        unblocked.blocked.clear();
        unblocked.overrides.retain(|_, windows| !windows.is_empty());
        if !runs(&unblocked, terms, from, until).is_empty() {
            return EmptyReason::Blocked;
        }
        let every_minute = SessionTerms { step_minutes: 1, ..*terms };
        let is_open = joined(rules, from, until).iter().any(|piece| piece.start < until && from < piece.end);
        return match (is_open, runs(rules, &every_minute, from, until).is_empty()) {
            (false, _) => EmptyReason::NoHours,
            (true, true) => EmptyReason::HoursTooShort,
            (true, false) => EmptyReason::NoStart,
        };
    }
    let uncapped = SessionTerms { daily_cap: None, daily_minutes_cap: None, weekly_cap: None, ..*terms };
    match slots_between(rules, &uncapped, occupancy, from, until).is_empty() {
        true => EmptyReason::AllTaken,
        false => EmptyReason::CapsReached,
    }
}
