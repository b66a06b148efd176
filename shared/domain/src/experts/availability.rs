//! When an expert can be booked: weekly hours in the expert's own time zone, and exceptions to them.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::kernel::time::{Date, LocalTime};
use crate::{Violations, Zone};

mod open;
#[cfg(test)]
pub(crate) mod tests;

#[cfg(test)]
pub(crate) use open::OFFSET_CHECK;
pub(crate) use open::{OpenPiece, open_pieces};

/// The maximum number of windows on one day.
pub const MAX_WINDOWS_A_DAY: usize = 12;
/// The maximum number of overrides, of blocked ranges, and of extra windows.
pub const MAX_EXCEPTIONS: usize = 400;

/// A window of open time on the wall clock. A window that closes before its opening time closes on the next day. The
/// whole day is `00:00` to `24:00`; equal times are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first minute that is open; before 24:00.
    pub opens: LocalTime,
    /// The first minute that is no longer open; 24:00 is the end of the day. If it is before `opens`, the window closes on the
    /// next day. It must differ from `opens`.
    pub closes: LocalTime,
}

/// The windows that open on each day of the week.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WeeklyHours {
    /// Windows that open on a Monday.
    pub monday: Vec<Window>,
    /// Windows that open on a Tuesday.
    pub tuesday: Vec<Window>,
    /// Windows that open on a Wednesday.
    pub wednesday: Vec<Window>,
    /// Windows that open on a Thursday.
    pub thursday: Vec<Window>,
    /// Windows that open on a Friday.
    pub friday: Vec<Window>,
    /// Windows that open on a Saturday.
    pub saturday: Vec<Window>,
    /// Windows that open on a Sunday.
    pub sunday: Vec<Window>,
}

/// A range of dates, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateRange {
    /// The first date.
    pub first: Date,
    /// The last date; not before the first.
    pub last: Date,
}

/// An additional window on a single date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtraWindow {
    /// The date on which the window opens.
    pub date: Date,
    /// The first minute that is open; before 24:00.
    pub opens: LocalTime,
    /// The first minute that is no longer open; 24:00 is the end of the day. If it is before `opens`, the window closes on the
    /// next day. It must differ from `opens`.
    pub closes: LocalTime,
}

/// When an expert can be booked.
///
/// If a local date is in a blocked range, or has an override without windows, nothing is open on that date; this
/// includes the rest of a window that opened the evening before. Otherwise, the windows of an override replace the
/// weekly windows that would open on that date, and extra windows are added. Windows that touch or overlap, also
/// across midnight, count as one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvailabilityRules {
    /// The time zone of all local times and dates in the rules.
    pub time_zone: Zone,
    /// The regular weekly hours.
    pub weekly: WeeklyHours,
    /// Different hours on single dates. An empty list blocks the date.
    pub overrides: BTreeMap<Date, Vec<Window>>,
    /// Blocked dates, such as holidays.
    pub blocked: Vec<DateRange>,
    /// Additional windows on single dates.
    pub extra: Vec<ExtraWindow>,
}

impl AvailabilityRules {
    /// Checks the constraints that the field types do not enforce.
    ///
    /// Windows may overlap. A window must not close at the time at which it opens. If a stored window does, it is open for
    /// 24 hours.
    ///
    /// # Errors
    /// All violations of the rules.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::default();
        for (name, windows) in self.weekly.days() {
            check_windows(&mut violations, &format!("/weekly/{name}"), windows);
        }
        violations.check_count("/overrides", self.overrides.len(), MAX_EXCEPTIONS);
        for (date, windows) in &self.overrides {
            check_windows(&mut violations, &format!("/overrides/{date}"), windows);
        }
        violations.check_count("/blocked", self.blocked.len(), MAX_EXCEPTIONS);
        for (at, DateRange { first, last }) in self.blocked.iter().enumerate() {
            if last < first {
                violations.add(
                    format!("/blocked/{at}/last"),
                    format!("must not be before the first date, {first}"),
                );
            }
        }
        violations.check_count("/extra", self.extra.len(), MAX_EXCEPTIONS);
        let mut on_date: BTreeMap<Date, usize> = BTreeMap::new();
        for (at, window) in self.extra.iter().enumerate() {
            check_window(&mut violations, &format!("/extra/{at}"), window.opens, window.closes);
            let count = on_date.entry(window.date).or_default();
            *count += 1;
            if *count > MAX_WINDOWS_A_DAY {
                violations.add(
                    format!("/extra/{at}/date"),
                    format!("must not be the date of more than {MAX_WINDOWS_A_DAY} extra windows"),
                );
            }
        }
        violations.into_result()
    }

    /// Returns whether a blocked range or an empty override closes the whole date.
    pub fn is_blocked(&self, date: NaiveDate) -> bool {
        self.blocked.iter().any(|range| range.first.naive() <= date && date <= range.last.naive())
            || Date::try_from(date).is_ok_and(|date| self.overrides.get(&date).is_some_and(Vec::is_empty))
    }
}

impl WeeklyHours {
    /// Returns for each day, from Monday to Sunday, its name on the wire and the windows that open on it.
    fn days(&self) -> [(&'static str, &[Window]); 7] {
        [
            ("monday", &self.monday),
            ("tuesday", &self.tuesday),
            ("wednesday", &self.wednesday),
            ("thursday", &self.thursday),
            ("friday", &self.friday),
            ("saturday", &self.saturday),
            ("sunday", &self.sunday),
        ]
    }
}

fn check_windows(violations: &mut Violations, pointer: &str, windows: &[Window]) {
    violations.check_count(pointer, windows.len(), MAX_WINDOWS_A_DAY);
    for (at, window) in windows.iter().enumerate() {
        check_window(violations, &format!("{pointer}/{at}"), window.opens, window.closes);
    }
}

fn check_window(violations: &mut Violations, pointer: &str, opens: LocalTime, closes: LocalTime) {
    if opens >= LocalTime::END_OF_DAY {
        violations.add(
            format!("{pointer}/opens"),
            "must be before 24:00; a window from midnight opens at 00:00 of the next date",
        );
    } else if opens == closes {
        violations.add(
            format!("{pointer}/closes"),
            "must differ from opens; for the whole day, open at 00:00 and close at 24:00",
        );
    }
}
