//! The period in which a session may start according to notice and booking window.

use super::{BusyTimes, Refusal, slots_between};
use crate::experts::availability::AvailabilityRules;
use crate::experts::duration::SessionTerms;
use crate::experts::session_type::{BookingWindow, FREE_DAYS_LOOK_AHEAD};
use crate::kernel::time::{
    DAY, HOUR, MINUTE, TimeSpan, Timestamp, Zone, date_of_number, day_number, monday_of,
};

/// The period in which a session may start according to the minimum notice and the booking window.
#[derive(Debug, Clone)]
pub struct BookablePeriod {
    zone: Zone,
    /// The first day of the booking window, if it has one.
    first_day: Option<i64>,
    /// The last day of the booking window.
    last_day: i64,
    /// The first second with enough notice.
    earliest: i64,
    /// The first second at which a session may start.
    pub(super) from: i64,
    /// The first second after the booking window.
    pub(super) until: i64,
}

impl BookablePeriod {
    /// Determines the period at `now`.
    pub fn new(
        rules: &AvailabilityRules,
        terms: &SessionTerms,
        occupancy: &BusyTimes<'_>,
        now: Timestamp,
    ) -> Self {
        let zone = rules.time_zone;
        let today = zone.day_containing(now.seconds());
        let earliest = now.seconds() + i64::from(terms.minimum_notice_minutes) * MINUTE;
        let (first_day, last_day) = match terms.booking_window {
            BookingWindow::Rolling { days } => (None, today + i64::from(days)),
            BookingWindow::BusinessDays { days } => (None, business_days_after(today, days.into())),
            BookingWindow::FreeDays { days } => {
                (None, last_free_day(rules, terms, occupancy, earliest, today, days))
            }
            BookingWindow::Dates { first, last } => {
                (Some(day_number(first.naive())), day_number(last.naive()))
            }
        };
        let from = first_day.map_or(earliest, |first| earliest.max(zone.day_start(first)));
        Self { zone, first_day, last_day, earliest, from, until: zone.day_start(last_day + 1) }
    }

    /// Returns the first instant at which a session may start. It need not be on the grid.
    pub fn from(&self) -> Timestamp {
        Timestamp::from_seconds(self.from)
    }

    /// Returns the end of the booking window: sessions must start before it. It is not after [`Self::from`] if nothing
    /// can be booked.
    pub fn until(&self) -> Timestamp {
        Timestamp::from_seconds(self.until)
    }

    /// Returns the first second of the booking window, regardless of the notice.
    pub(super) fn window_start(&self) -> i64 {
        self.first_day.map_or(i64::MIN, |first| self.zone.day_start(first))
    }

    /// Checks that a session at `start` respects the booking window and the notice.
    ///
    /// # Errors
    /// [`Refusal::AfterWindow`], [`Refusal::BeforeWindow`] or [`Refusal::TooSoon`].
    pub fn check(&self, start: Timestamp) -> Result<(), Refusal> {
        let second = start.seconds();
        // The booking window comes first, because more notice cannot help a start outside of it.
        if second >= self.until {
            return Err(Refusal::AfterWindow { last_date: date_of_number(self.last_day) });
        }
        if let Some(first) = self.first_day
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

/// Returns the day this many business days, Monday to Friday, after a day.
fn business_days_after(day: i64, count: i64) -> i64 {
    // Counting from the Friday before a weekend gives the same days.
    let weekday = day - monday_of(day);
    let last_business_day = if count > 0 { day - (weekday - 4).max(0) } else { day };
    let days_of_week = last_business_day - monday_of(last_business_day) + count;
    let weekends = if count > 0 { days_of_week / 5 } else { 0 };
    last_business_day + count + 2 * weekends
}

/// Returns the last day of a booking window of days with free time.
fn last_free_day(
    rules: &AvailabilityRules,
    terms: &SessionTerms,
    occupancy: &BusyTimes<'_>,
    earliest: i64,
    today: i64,
    count: u16,
) -> i64 {
    let zone = rules.time_zone;
    let limit = today + i64::from(FREE_DAYS_LOOK_AHEAD);
    let (mut found, mut end_of_day) = (0, i64::MIN);
    for slot in slots_between(rules, terms, occupancy, earliest, zone.day_start(limit + 1)) {
        let start = slot.start.seconds();
        if start < end_of_day {
            continue;
        }
        let day = zone.day_containing(start);
        found += 1;
        if found >= count {
            return day;
        }
        end_of_day = zone.day_start(day + 1);
    }
    limit
}

/// Returns the span of occupied time that decides where a booking window of days with free time ends: from the week of
/// today to the last day that is searched. Other booking windows do not depend on occupied time.
pub fn look_ahead(rules: &AvailabilityRules, terms: &SessionTerms, now: Timestamp) -> Option<TimeSpan> {
    let BookingWindow::FreeDays { .. } = terms.booking_window else { return None };
    let zone = rules.time_zone;
    let today = zone.day_containing(now.seconds());
    let second = |day: i64| Timestamp::from_seconds(zone.day_start(day));
    let limit = today + i64::from(FREE_DAYS_LOOK_AHEAD);
    // The last session may extend a day and a half into the time after it, and a weekly cap counts its whole week.
    let end = second(monday_of(limit) + 7).max(second(limit + 1).plus(DAY + 12 * HOUR));
    Some(TimeSpan::new(second(monday_of(today)).min(now.plus(-12 * HOUR)), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn business_days_skip_saturdays_and_sundays() {
        // 1 March 2027 is a Monday.
        let day = |of_march: u32| day_number(chrono::NaiveDate::from_ymd_opt(2027, 3, of_march).unwrap());
        for (from, count, to) in [
            (1, 0, 1),
            (1, 1, 2),
            (1, 4, 5),
            (1, 5, 8),
            (4, 1, 5),
            (5, 0, 5),
            (5, 1, 8),
            (5, 6, 15),
            (6, 0, 6),
            (6, 1, 8),
            (7, 1, 8),
            (7, 5, 12),
            (7, 6, 15),
        ] {
            assert_eq!(business_days_after(day(from), count), day(to), "{count} after {from}");
        }
    }

    #[test]
    fn business_days_are_those_found_by_counting() {
        for day in 20_000..20_007 {
            let mut reached = day;
            for count in 1..600 {
                reached += 1;
                while reached - monday_of(reached) > 4 {
                    reached += 1;
                }
                assert_eq!(business_days_after(day, count), reached, "{count} after {day}");
            }
        }
    }
}
