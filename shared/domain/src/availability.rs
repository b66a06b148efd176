//! When an expert can be booked: weekly hours in the expert's own zone, and their exceptions.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Zone;
use crate::time::{Date, LocalTime};

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
/// For a local date: a blocked range, or an override without windows, leaves no open time on that date at all, also none
/// of a window that began the evening before. Else an override's windows replace the weekly ones that would open on that
/// date. Extra windows come on top. Windows that touch or overlap, also at midnight, are one window.
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
