//! Instants, spans of instants, and the meeting of wall clocks with them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, LocalResult, NaiveDate, Offset, SecondsFormat, TimeZone, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Seconds in a minute.
pub const MINUTE: i64 = 60;
/// Seconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Seconds in 24 hours, which is a day of UTC and most, not all, days of a zone.
pub const DAY: i64 = 24 * HOUR;

/// An instant, to the second, from 1970 to the end of 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// A text is not an instant that we take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTimestamp {
    /// Not RFC 3339.
    #[error(
        "expected an RFC 3339 date and time with an offset, such as 2027-03-05T09:00:00Z (in a query, write + as %2B)"
    )]
    Form,
    /// A fraction of a second.
    #[error("times are to the whole second")]
    Fraction,
    /// Before 1970 or after 9999.
    #[error("expected a time between 1970 and 9999")]
    Range,
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);
    /// 9999-12-31T23:59:59Z.
    pub const MAX: Self = Self(253_402_300_799);

    /// The instant this many seconds after 1970-01-01T00:00:00Z, held to the range of the type.
    pub const fn from_seconds(seconds: i64) -> Self {
        if seconds < Self::MIN.0 {
            Self::MIN
        } else if seconds > Self::MAX.0 {
            Self::MAX
        } else {
            Self(seconds)
        }
    }

    /// [`Timestamp::from_seconds`] of a number known to be in range, for loops in which the check would show.
    pub(crate) const fn within_range(seconds: i64) -> Self {
        debug_assert!(Self::MIN.0 <= seconds && seconds <= Self::MAX.0);
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// This many seconds later (earlier, when negative), held to the range of the type.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self::from_seconds(self.0.saturating_add(seconds))
    }

    /// The UTC day that holds the instant.
    pub fn utc_day(self) -> NaiveDate {
        self.utc().date_naive()
    }

    /// The instant as chrono's type.
    pub fn utc(self) -> DateTime<Utc> {
        // In range by construction, so there is always exactly one answer.
        Utc.timestamp_opt(self.0, 0).single().unwrap_or_default()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    /// The second that holds the instant, held to the range of the type.
    fn from(instant: DateTime<Utc>) -> Self {
        Self::from_seconds(instant.timestamp())
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC: `2027-03-05T09:00:00Z`.
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

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        // chrono also takes a space for the T.
        if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) {
            return Err(InvalidTimestamp::Form);
        }
        let instant = DateTime::parse_from_rfc3339(text).map_err(|_| InvalidTimestamp::Form)?;
        if instant.timestamp_subsec_nanos() != 0 {
            return Err(InvalidTimestamp::Fraction);
        }
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
            "description": "RFC 3339 with an offset, to the whole second",
        })
    }
}

/// The instants from `start` up to, and without, `end`. Never runs backwards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan {
    start: Timestamp,
    end: Timestamp,
}

impl TimeSpan {
    /// From `start` up to `end`; empty when `end` is not after `start`.
    pub fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, end: end.max(start) }
    }

    /// The first instant inside.
    pub const fn start(self) -> Timestamp {
        self.start
    }

    /// The first instant after.
    pub const fn end(self) -> Timestamp {
        self.end
    }

    /// Seconds from start to end.
    pub const fn seconds(self) -> i64 {
        self.end.0 - self.start.0
    }

    /// Whether there is no instant inside.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether the instant lies inside.
    pub fn contains(self, instant: Timestamp) -> bool {
        self.start <= instant && instant < self.end
    }

    /// Whether the two share an instant; spans that only touch do not.
    pub fn overlaps(self, other: Self) -> bool {
        self.start.max(other.start) < self.end.min(other.end)
    }

    /// The span grown by this many seconds on either side.
    #[must_use]
    pub fn widened(self, before: i64, after: i64) -> Self {
        Self::new(self.start.plus(-before), self.end.plus(after))
    }

    /// The UTC days that hold an instant of the span, in order; none when it is empty.
    pub fn utc_days(self) -> impl Iterator<Item = NaiveDate> + Clone {
        let days = if self.is_empty() {
            0
        } else {
            (self.end.0 - 1).div_euclid(DAY) - self.start.0.div_euclid(DAY) + 1
        };
        self.start.utc_day().iter_days().take(usize::try_from(days).unwrap_or(0))
    }
}

impl fmt::Debug for TimeSpan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.start, self.end)
    }
}

/// A zone of the IANA time zone database, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(chrono_tz::Tz);

/// The text is not the name of a zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a zone in the IANA time zone database, such as Europe/Berlin")]
pub struct InvalidZone;

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(chrono_tz::UTC);

    /// The zone as chrono-tz's type.
    pub const fn tz(self) -> chrono_tz::Tz {
        self.0
    }

    /// The name in the IANA database.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The date that the zone's wall clock shows.
    pub fn date(self, instant: Timestamp) -> NaiveDate {
        instant.utc().with_timezone(&self.0).date_naive()
    }

    /// The instant at which the zone's wall clock shows this time on this date, held to the range of
    /// [`Timestamp`].
    ///
    /// A time that the clock skips moves forward by as much as it skips, a time that it shows twice is its
    /// first occurrence (Temporal calls this "compatible"), and 24:00 is 00:00 of the next date. A date that
    /// a zone skipped altogether, as Apia did with 2011-12-30, has all its times on the date after.
    pub fn resolve(self, date: NaiveDate, time: LocalTime) -> Timestamp {
        Timestamp::from_seconds(self.first_second(wall_second(day_number(date), time)))
    }

    /// The date in whose [span](crate::scheduling::slots::local_day_span) the instant lies.
    ///
    /// It is what the wall clock shows, but for one hour a year in zones that have turned clocks back from
    /// just after midnight (St. John's until 2011): there the date, once begun, does not end and begin again.
    pub fn day(self, instant: Timestamp) -> NaiveDate {
        date_of_number(self.day_holding(instant.seconds()))
    }

    /// Seconds that the wall clock is ahead of UTC at this second.
    pub(crate) fn offset(self, second: i64) -> i64 {
        // chrono reaches far beyond the years that we take, so there is always an answer.
        let instant = DateTime::from_timestamp(second, 0).unwrap_or_default();
        self.0.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc().into()
    }

    /// [`Zone::resolve`] on plain seconds, those of the wall clock counted as if it ran in UTC. The answer
    /// may lie outside [`Timestamp`]'s range: the hours of the first local day can begin before 1970.
    pub(crate) fn first_second(self, wall: i64) -> i64 {
        // Two days outside the range still resolve to outside the range, and chrono cannot overflow there.
        let wall = wall.clamp(Timestamp::MIN.0 - 2 * DAY, Timestamp::MAX.0 + 2 * DAY);
        let clock = DateTime::from_timestamp(wall, 0).unwrap_or_default().naive_utc();
        let seconds = |offset: chrono_tz::TzOffset| i64::from(offset.fix().local_minus_utc());
        let offset = match self.0.offset_from_local_datetime(&clock) {
            LocalResult::Single(offset) => seconds(offset),
            // The further ahead the clock, the earlier it shows a time.
            LocalResult::Ambiguous(one, other) => seconds(one).max(seconds(other)),
            // Read with the offset before the gap, the time comes out later by the length of the gap.
            LocalResult::None => chrono_tz::GapInfo::new(&clock, &self.0)
                .and_then(|gap| gap.begin)
                .map_or(0, |(_, offset)| seconds(offset)),
        };
        wall - offset
    }

    /// The first second of a day, by its number; the first of the next day when the zone skipped it.
    pub(crate) fn day_start(self, day: i64) -> i64 {
        self.first_second(day.saturating_mul(DAY))
    }

    /// The number of the day that holds this second: of the one in UTC, the next and the one before the last that has begun,
    /// because no zone is further away. Skipped days are empty, and begin with the day after.
    pub(crate) fn day_holding(self, second: i64) -> i64 {
        let day = second.div_euclid(DAY);
        [day + 1, day].into_iter().find(|day| self.day_start(*day) <= second).unwrap_or(day - 1)
    }

    /// RFC 3339 with the zone's offset at that instant: `2027-03-05T10:00:00+01:00`.
    pub fn show(self, instant: Timestamp) -> String {
        instant.utc().with_timezone(&self.0).to_rfc3339_opts(SecondsFormat::Secs, false)
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;

    fn from_str(name: &str) -> Result<Self, InvalidZone> {
        name.parse().map(Self).map_err(|_| InvalidZone)
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
            "description": "Name in the IANA time zone database",
            "examples": ["Europe/Berlin"],
        })
    }
}

/// Days from 1970-01-01 to the date, negative before.
pub(crate) fn day_number(date: NaiveDate) -> i64 {
    i64::from(date.to_epoch_days())
}

/// The date so many days after 1970-01-01; chrono's last or first when it has none that far.
pub(crate) fn date_of_number(day: i64) -> NaiveDate {
    let furthest = if day.is_negative() { NaiveDate::MIN } else { NaiveDate::MAX };
    i32::try_from(day).ok().and_then(NaiveDate::from_epoch_days).unwrap_or(furthest)
}

/// What a wall clock shows, in seconds as if it ran in UTC.
pub(crate) fn wall_second(day: i64, time: LocalTime) -> i64 {
    day * DAY + i64::from(time.minutes()) * MINUTE
}

/// A time of day on a wall clock, to the minute, from 00:00 to 24:00 (the end of the day).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalTime(u16);

/// The text is not a time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a time of day from 00:00 to 24:00, written HH:MM")]
pub struct InvalidLocalTime;

impl LocalTime {
    /// 00:00, the start of the day.
    pub const MIDNIGHT: Self = Self(0);
    /// 24:00, the end of the day.
    pub const END_OF_DAY: Self = Self(1440);

    /// The time this many minutes after 00:00 on the clock's face.
    ///
    /// # Errors
    /// [`InvalidLocalTime`] above 1,440.
    pub const fn from_minutes(minutes: u16) -> Result<Self, InvalidLocalTime> {
        if minutes > 1440 { Err(InvalidLocalTime) } else { Ok(Self(minutes)) }
    }

    /// Minutes after 00:00 on the clock's face.
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
            "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
            "description": "Time of day on the wall clock",
        })
    }
}

/// A calendar date, `2027-03-05`, from 1970 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(NaiveDate);

/// The text is not a date that we take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a calendar date from 1970 to 9999, written YYYY-MM-DD")]
pub struct InvalidDate;

impl Date {
    /// The date as chrono's type.
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
        // chrono also reads `2027-3-5`, signs and white space; the wire has one way to write a date.
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

#[cfg(test)]
mod tests;
