//! When an expert can be booked: weekly hours in the expert's own zone, and their exceptions.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Zone;
use crate::kernel::time::{Date, LocalTime};

mod open;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use open::OFFSET_CHECK;
pub(crate) use open::{OpenPiece, open_pieces};

/// Most windows on one day.
pub const MAXIMUM_WINDOWS_A_DAY: usize = 12;
/// Most overrides, blocked ranges and extra windows, each.
pub const MAXIMUM_EXCEPTIONS: usize = 400;

/// An open window on the wall clock. When it closes at or before it opens, it closes on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First minute that is open; before 24:00.
    pub opens: LocalTime,
    /// First minute that is not; 24:00 is the end of the day.
    pub closes: LocalTime,
}

/// The windows that open on each day of the week.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
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

/// A run of dates, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DateRange {
    /// First date.
    pub first: Date,
    /// Last date; not before the first.
    pub last: Date,
}

/// A window on one date, besides what the rules give that date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraWindow {
    /// The date on which it opens.
    pub date: Date,
    /// First minute that is open.
    pub opens: LocalTime,
    /// First minute that is not.
    pub closes: LocalTime,
}

/// When an expert can be booked.
///
/// For a local date: a blocked range, or an override without windows, leaves no open time on that date at
/// all, also none of a window that began the evening before. Else an override's windows replace the weekly
/// ones that would open on that date. Extra windows come on top. Windows that touch or overlap, also at
/// midnight, are one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvailabilityRules {
    /// The zone of every local time and date here.
    pub time_zone: Zone,
    /// The ordinary week.
    #[serde(default)]
    pub weekly: WeeklyHours,
    /// Other hours on single dates; an empty list blocks the date.
    #[serde(default)]
    pub overrides: BTreeMap<Date, Vec<Window>>,
    /// Holidays and the like.
    #[serde(default)]
    pub blocked: Vec<DateRange>,
    /// One-off windows.
    #[serde(default)]
    pub extra: Vec<ExtraWindow>,
}

/// Why rules are not those of an expert: the field, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {must}")]
pub struct InvalidRules {
    /// Path of the field on the wire, such as `weekly.monday[1].opens`.
    pub field: String,
    /// What it must be.
    pub must: String,
}

impl AvailabilityRules {
    /// Checks what the field types do not hold by themselves. Windows may overlap, and one that closes when
    /// it opens is open for a day.
    ///
    /// # Errors
    /// The first field that is out of its range.
    pub fn check(&self) -> Result<(), InvalidRules> {
        for (name, windows) in self.weekly.days() {
            check_windows(&format!("weekly.{name}"), windows)?;
        }
        at_most("overrides", self.overrides.len(), MAXIMUM_EXCEPTIONS)?;
        for (date, windows) in &self.overrides {
            check_windows(&format!("overrides.{date}"), windows)?;
        }
        at_most("blocked", self.blocked.len(), MAXIMUM_EXCEPTIONS)?;
        for (at, DateRange { first, last }) in self.blocked.iter().enumerate() {
            if last < first {
                let must = format!("must not be before blocked[{at}].first, {first}");
                return Err(InvalidRules { field: format!("blocked[{at}].last"), must });
            }
        }
        at_most("extra", self.extra.len(), MAXIMUM_EXCEPTIONS)?;
        let mut on_date: BTreeMap<Date, usize> = BTreeMap::new();
        for (at, window) in self.extra.iter().enumerate() {
            check_opening(&format!("extra[{at}]"), window.opens)?;
            let count = on_date.entry(window.date).or_default();
            *count += 1;
            at_most(&format!("extra on {}", window.date), *count, MAXIMUM_WINDOWS_A_DAY)?;
        }
        Ok(())
    }

    /// Whether a blocked range or an empty override closes the whole date.
    pub fn is_blocked(&self, date: NaiveDate) -> bool {
        self.blocked.iter().any(|range| range.first.naive() <= date && date <= range.last.naive())
            || Date::try_from(date).is_ok_and(|date| self.overrides.get(&date).is_some_and(Vec::is_empty))
    }
}

impl WeeklyHours {
    /// From Monday to Sunday, each day's name on the wire and the windows that open on it.
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

fn check_windows(field: &str, windows: &[Window]) -> Result<(), InvalidRules> {
    at_most(field, windows.len(), MAXIMUM_WINDOWS_A_DAY)?;
    windows
        .iter()
        .enumerate()
        .try_for_each(|(at, window)| check_opening(&format!("{field}[{at}]"), window.opens))
}

fn check_opening(field: &str, opens: LocalTime) -> Result<(), InvalidRules> {
    if opens < LocalTime::END_OF_DAY {
        return Ok(());
    }
    let must = "must be before 24:00; a window from midnight opens at 00:00 of the next date".to_owned();
    Err(InvalidRules { field: format!("{field}.opens"), must })
}

fn at_most(field: &str, count: usize, most: usize) -> Result<(), InvalidRules> {
    if count <= most {
        return Ok(());
    }
    Err(InvalidRules {
        field: field.to_owned(),
        must: format!("must have at most {most} entries, got {count}"),
    })
}
