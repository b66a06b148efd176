//! Instants, time spans, dates, and the conversion between instants and the wall clock of a time zone.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, LocalResult, NaiveDate, Offset, SecondsFormat, TimeZone, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::interned::Name;

/// Seconds in a minute.
pub const MINUTE: i64 = 60;
/// Seconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Seconds in 24 hours. Every UTC day has this length, and most days of other zones.
pub const DAY: i64 = 24 * HOUR;

/// An instant in whole seconds, from 1970 to the end of 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// The text is not a supported instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTimestamp {
    /// The text is not RFC 3339.
    #[error(
        "must be an RFC 3339 date and time with an offset, such as 2027-03-05T09:00:00Z (in a query, write + as %2B)"
    )]
    Form,
    /// The instant is before 1970 or after 9999.
    #[error("must be a time from 1970 to 9999")]
    Range,
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);
    /// 9999-12-31T23:59:59Z.
    pub const MAX: Self = Self(253_402_300_799);

    /// Creates the instant this many seconds after 1970-01-01T00:00:00Z, clamped to the range of the type.
    pub const fn from_seconds(seconds: i64) -> Self {
        if seconds < Self::MIN.0 {
            Self::MIN
        } else if seconds > Self::MAX.0 {
            Self::MAX
        } else {
            Self(seconds)
        }
    }

    /// Like [`Timestamp::from_seconds`], but without the range check, for hot loops. The caller guarantees that
    /// `seconds` is in range.
    pub(crate) const fn from_seconds_unchecked(seconds: i64) -> Self {
        debug_assert!(Self::MIN.0 <= seconds && seconds <= Self::MAX.0);
        Self(seconds)
    }

    /// Returns the seconds since 1970-01-01T00:00:00Z.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Returns the instant this many seconds later (earlier if negative), clamped to the range of the type.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self::from_seconds(self.0.saturating_add(seconds))
    }

    /// Returns the UTC date of the instant.
    pub fn utc_date(self) -> NaiveDate {
        self.utc().date_naive()
    }

    /// Converts the instant to chrono's type.
    pub fn utc(self) -> DateTime<Utc> {
        // The value is in range by construction, so the result is always unique.
        Utc.timestamp_opt(self.0, 0).single().unwrap_or_default()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    /// Drops the fraction of a second and clamps to the range of the type.
    fn from(instant: DateTime<Utc>) -> Self {
        Self::from_seconds(instant.timestamp())
    }
}

impl fmt::Display for Timestamp {
    /// Writes RFC 3339 in UTC: `2027-03-05T09:00:00Z`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Reads RFC 3339 and drops a fraction of a second: `09:00:00.999Z` is `09:00:00Z`.
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        // chrono also accepts a space instead of the T.
        if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
            return Err(InvalidTimestamp::Form);
        }
        let instant = DateTime::parse_from_rfc3339(text).map_err(|_| InvalidTimestamp::Form)?;
        // The fraction of a second is dropped, also that of a leap second, which counts as the second before it.
        let seconds = instant.timestamp();
        if (Self::MIN.0..=Self::MAX.0).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(InvalidTimestamp::Range)
        }
    }
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(text: String) -> Result<Self, InvalidTimestamp> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(instant: Timestamp) -> Self {
        instant.to_string()
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339 with an offset. A fraction of a second is accepted and dropped.",
        })
    }
}

/// A half-open span of time: `start` is inside, `end` is not. `end` is never before `start`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan {
    start: Timestamp,
    end: Timestamp,
}

impl TimeSpan {
    /// Creates the span from `start` to `end`. It is empty if `end` is not after `start`.
    pub fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end: end.max(start) }
    }

    /// Returns the first instant inside the span.
    pub const fn start(self) -> Timestamp {
        self.start
    }

    /// Returns the first instant after the span.
    pub const fn end(self) -> Timestamp {
        self.end
    }

    /// Returns the length of the span in seconds.
    pub const fn seconds(self) -> i64 {
        self.end.0 - self.start.0
    }

    /// Returns whether the span contains no instant.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Returns whether the span contains the instant.
    pub fn contains(self, instant: Timestamp) -> bool {
        self.start <= instant && instant < self.end
    }

    /// Returns whether the spans have an instant in common. Spans that only touch do not overlap.
    pub fn overlaps(self, other: Self) -> bool {
        self.start.max(other.start) < self.end.min(other.end)
    }

    /// Returns the span extended by `before` seconds at the start and `after` seconds at the end.
    #[must_use]
    pub fn expanded(self, before: i64, after: i64) -> Self {
        Self::new(self.start.plus(-before), self.end.plus(after))
    }

    /// Returns the UTC dates that the span touches, in order. An empty span touches none.
    pub fn utc_dates(self) -> impl Iterator<Item = NaiveDate> + Clone {
        let days = if self.is_empty() {
            0
        } else {
            (self.end.0 - 1).div_euclid(DAY) - self.start.0.div_euclid(DAY) + 1
        };
        self.start.utc_date().iter_days().take(usize::try_from(days).unwrap_or(0))
    }
}

impl fmt::Debug for TimeSpan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.start, self.end)
    }
}

/// A time zone of the IANA time zone database.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    /// UTC if the zone is unknown.
    tz: chrono_tz::Tz,
    /// The name of a zone that is no longer in the database.
    unknown: Option<Name>,
}

/// The text is not the name of a time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of a time zone, written as in the IANA time zone database, such as Asia/Kathmandu")]
pub struct InvalidZone;

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self::of(chrono_tz::UTC);

    const fn of(tz: chrono_tz::Tz) -> Self {
        Self { tz, unknown: None }
    }

    /// Returns the zone of a stored row. Unlike parsing, it also accepts the name of a zone that has left the database since the
    /// row was stored. Times in such a zone are shown in UTC, and nobody can be booked by rules in it.
    pub fn from_stored(name: &str) -> Self {
        name.parse().unwrap_or_else(|_| Self { unknown: Some(Name::from_stored(name)), ..Self::UTC })
    }

    /// Returns whether the zone is in the time zone database.
    pub fn is_known(self) -> bool {
        self.unknown.is_none()
    }

    /// Converts the zone to chrono-tz's type.
    pub const fn tz(self) -> chrono_tz::Tz {
        self.tz
    }

    /// Returns the name in the IANA time zone database.
    pub fn name(self) -> &'static str {
        self.unknown.map_or_else(|| self.tz.name(), Name::as_str)
    }

    /// Returns the date on the zone's wall clock at this instant.
    pub fn wall_clock_date(self, instant: Timestamp) -> NaiveDate {
        instant.utc().with_timezone(&self.tz).date_naive()
    }

    /// Returns the instant at which the zone's wall clock shows `time` on `date`, clamped to the range of
    /// [`Timestamp`].
    ///
    /// Daylight-saving changes follow the "compatible" disambiguation of Temporal: a time in a gap moves forward by
    /// the length of the gap, and a time that occurs twice means its first occurrence. 24:00 is 00:00 of the next
    /// date. If a zone skipped a whole date, as Apia skipped 2011-12-30, its times resolve to the following date.
    pub fn resolve(self, date: NaiveDate, time: LocalTime) -> Timestamp {
        Timestamp::from_seconds(self.first_second(wall_second(day_number(date), time)))
    }

    /// Returns the date whose [`local_day_span`](Self::local_day_span) contains the instant.
    ///
    /// This is the date on the wall clock, with one exception: some zones have turned clocks back across midnight
    /// (St. John's until 2011). There the wall clock returns to the previous date for up to an hour, while this
    /// function stays on the new date.
    pub fn scheduling_date(self, instant: Timestamp) -> NaiveDate {
        date_of_number(self.day_containing(instant.seconds()))
    }

    /// Returns the span from the first instant of a local date to the first instant of the next date. This is the day that
    /// a daily cap counts. The span is empty if the zone skipped the date.
    pub fn local_day_span(self, date: NaiveDate) -> TimeSpan {
        self.days_span(day_number(date), 1)
    }

    /// Returns the span of the ISO week, Monday to Sunday, that contains a local date. This is the week that a weekly cap
    /// counts.
    pub fn iso_week_span(self, date: NaiveDate) -> TimeSpan {
        self.days_span(monday_of(day_number(date)), 7)
    }

    fn days_span(self, first: i64, days: i64) -> TimeSpan {
        let start = Timestamp::from_seconds(self.day_start(first));
        TimeSpan::new(start, Timestamp::from_seconds(self.day_start(first + days)))
    }

    /// Returns the offset of the wall clock from UTC at this second, in seconds; positive if the clock is ahead.
    pub(crate) fn offset(self, second: i64) -> i64 {
        // chrono's range is much larger than the supported years, so the conversion always succeeds.
        let instant = DateTime::from_timestamp(second, 0).unwrap_or_default();
        self.tz.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc().into()
    }

    /// Like [`Zone::resolve`], but on plain seconds. `wall` counts the wall clock's seconds as if it ran in UTC.
    ///
    /// The result may lie outside the range of [`Timestamp`], because the first local day can begin before 1970.
    pub(crate) fn first_second(self, wall: i64) -> i64 {
        // Values up to two days outside the range still resolve to instants outside the range, and chrono cannot
        // overflow.
        let wall = wall.clamp(Timestamp::MIN.0 - 2 * DAY, Timestamp::MAX.0 + 2 * DAY);
        let clock = DateTime::from_timestamp(wall, 0).unwrap_or_default().naive_utc();
        let seconds = |offset: chrono_tz::TzOffset| i64::from(offset.fix().local_minus_utc());
        let offset = match self.tz.offset_from_local_datetime(&clock) {
            LocalResult::Single(offset) => seconds(offset),
            // A time on a clock that is further ahead of UTC is an earlier instant.
            LocalResult::Ambiguous(one, other) => seconds(one).max(seconds(other)),
            // With the offset before the gap, the time moves forward by the length of the gap.
            LocalResult::None => chrono_tz::GapInfo::new(&clock, &self.tz)
                .and_then(|gap| gap.begin)
                .map_or(0, |(_, offset)| seconds(offset)),
        };
        wall - offset
    }

    /// Returns the first second of a day, by its day number. If the zone skipped the day, this is the first second of
    /// the next day.
    pub(crate) fn day_start(self, day: i64) -> i64 {
        self.first_second(day.saturating_mul(DAY))
    }

    /// Returns the number of the local day that contains this second.
    ///
    /// No zone is more than a day away from UTC. The result is therefore the last day that has begun among the UTC
    /// day, the day before and the day after. A skipped day contains no second.
    pub(crate) fn day_containing(self, second: i64) -> i64 {
        let day = second.div_euclid(DAY);
        [day + 1, day].into_iter().find(|day| self.day_start(*day) <= second).unwrap_or(day - 1)
    }

    /// Formats the instant as RFC 3339 with the zone's offset at that instant: `2027-03-05T10:00:00+01:00`.
    pub fn to_rfc3339(self, instant: Timestamp) -> String {
        instant.utc().with_timezone(&self.tz).to_rfc3339_opts(SecondsFormat::Secs, false)
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;

    fn from_str(name: &str) -> Result<Self, InvalidZone> {
        name.parse().map(Self::of).map_err(|_| InvalidZone)
    }
}

impl TryFrom<String> for Zone {
    type Error = InvalidZone;

    fn try_from(name: String) -> Result<Self, InvalidZone> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl JsonSchema for Zone {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Zone".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "time-zone",
            "description": "Name in the IANA time zone database",
            "examples": ["Europe/Berlin"],
        })
    }
}

/// Returns the number of days from 1970-01-01 to the date; negative for earlier dates.
pub(crate) fn day_number(date: NaiveDate) -> i64 {
    i64::from(date.to_epoch_days())
}

/// Returns the date `day` days after 1970-01-01, clamped to chrono's range.
pub(crate) fn date_of_number(day: i64) -> NaiveDate {
    let furthest = if day.is_negative() { NaiveDate::MIN } else { NaiveDate::MAX };
    i32::try_from(day).ok().and_then(NaiveDate::from_epoch_days).unwrap_or(furthest)
}

/// Returns the number of the Monday of the ISO week that contains the day. 1970-01-01 was a Thursday.
pub(crate) fn monday_of(day: i64) -> i64 {
    day - (day + 3).rem_euclid(7)
}

/// Returns the wall clock's reading in seconds, counted as if the clock ran in UTC.
pub(crate) fn wall_second(day: i64, time: LocalTime) -> i64 {
    day * DAY + i64::from(time.minutes()) * MINUTE
}

/// A time of day on the wall clock, in whole minutes, from 00:00 to 24:00. 24:00 is the end of the day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalTime(u16);

/// The text is not a time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a time of day from 00:00 to 24:00, written HH:MM")]
pub struct InvalidLocalTime;

impl LocalTime {
    /// 00:00, the start of the day.
    pub const MIDNIGHT: Self = Self(0);
    /// 24:00, the end of the day.
    pub const END_OF_DAY: Self = Self(1440);

    /// Creates the time this many minutes after 00:00 on the wall clock.
    ///
    /// # Errors
    /// [`InvalidLocalTime`] if `minutes` exceeds 1,440.
    pub const fn from_minutes(minutes: u16) -> Result<Self, InvalidLocalTime> {
        if minutes > 1440 { Err(InvalidLocalTime) } else { Ok(Self(minutes)) }
    }

    /// Returns the minutes since 00:00 on the wall clock.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl FromStr for LocalTime {
    type Err = InvalidLocalTime;

    fn from_str(text: &str) -> Result<Self, InvalidLocalTime> {
        let two_digits = |part: &str| -> Option<u16> {
            (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok())?
        };
        text.split_once(':')
            .and_then(|(hours, minutes)| Some((two_digits(hours)?, two_digits(minutes)?)))
            .filter(|(_, minutes)| *minutes < 60)
            .ok_or(InvalidLocalTime)
            .and_then(|(hours, minutes)| Self::from_minutes(hours * 60 + minutes))
    }
}

impl TryFrom<String> for LocalTime {
    type Error = InvalidLocalTime;

    fn try_from(text: String) -> Result<Self, InvalidLocalTime> {
        text.parse()
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Debug for LocalTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl From<LocalTime> for String {
    fn from(time: LocalTime) -> Self {
        time.to_string()
    }
}

impl JsonSchema for LocalTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LocalTime".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "local-time",
            "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
            "description": "Time of day on the wall clock",
        })
    }
}

/// A calendar date such as `2027-03-05`, from 1970 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(NaiveDate);

/// The text is not a supported date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a calendar date from 1970 to 9999, written YYYY-MM-DD")]
pub struct InvalidDate;

impl Date {
    /// 1970-01-01.
    pub const MIN: Self = Self(NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date"));

    /// Converts the date to chrono's type.
    pub const fn naive(self) -> NaiveDate {
        self.0
    }
}

impl TryFrom<NaiveDate> for Date {
    type Error = InvalidDate;

    fn try_from(date: NaiveDate) -> Result<Self, InvalidDate> {
        if (1970..=9999).contains(&date.year()) { Ok(Self(date)) } else { Err(InvalidDate) }
    }
}

impl FromStr for Date {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        // chrono also accepts `2027-3-5`, signs and white space. The API has a single way to write a date.
        let canonical = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let date = canonical.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
        date.ok_or(InvalidDate).and_then(Self::try_from)
    }
}

impl TryFrom<String> for Date {
    type Error = InvalidDate;

    fn try_from(text: String) -> Result<Self, InvalidDate> {
        text.parse()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl JsonSchema for Date {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Date".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date" })
    }
}

/// A UTC month such as `2027-03`, from 1970 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(Date);

/// The text is not a supported month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a month from 1970 to 9999, written YYYY-MM")]
pub struct InvalidMonth;

impl Month {
    /// Returns the month of an instant.
    pub fn of(instant: Timestamp) -> Self {
        let date = instant.utc_date();
        Self(date.with_day(1).map_or(Date::MIN, Date))
    }

    /// Returns when the next month begins.
    pub fn end(self) -> Timestamp {
        let next = self.0.naive().checked_add_months(chrono::Months::new(1)).unwrap_or(NaiveDate::MAX);
        Timestamp::from_seconds(next.and_time(chrono::NaiveTime::MIN).and_utc().timestamp())
    }
}

impl FromStr for Month {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, InvalidMonth> {
        format!("{text}-01").parse().map(Self).map_err(|_| InvalidMonth)
    }
}

impl TryFrom<String> for Month {
    type Error = InvalidMonth;

    fn try_from(text: String) -> Result<Self, InvalidMonth> {
        text.parse()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.0.naive();
        write!(out, "{:04}-{:02}", date.year(), date.month())
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

impl JsonSchema for Month {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Month".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "month" })
    }
}

#[cfg(test)]
mod tests;
