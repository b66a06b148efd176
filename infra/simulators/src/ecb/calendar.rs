//! On which days there is a file.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Weekday};

/// When the file of a day comes: 16:00 CET, as an offset from the day's beginning in UTC.
const PUBLISHED_AT: TimeDelta = TimeDelta::hours(15);

/// Whether the bank publishes on a day: not at weekends, and not on TARGET's holidays, which are 1 January, Good Friday, Easter
/// Monday, 1 May, 25 and 26 December (<https://www.ecb.europa.eu/paym/target/html/index.en.html>).
pub fn publishes_on(day: NaiveDate) -> bool {
    let holiday = matches!((day.month(), day.day()), (1, 1) | (5, 1) | (12, 25 | 26));
    // 0 on Easter Sunday.
    let from_easter = i64::from(day.ordinal()) - i64::from(easter(day.year()));
    let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    !holiday && !weekend && !matches!(from_easter, -2 | 1)
}

/// The day of the year of Easter Sunday in the Gregorian calendar, by the rule of Meeus, Jones and Butcher.
fn easter(year: i32) -> u32 {
    let golden = year % 19;
    let (century, rest) = (year / 100, year % 100);
    let moon = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
    let correction = (golden + 11 * moon + 22 * weekday) / 451;
    let days = moon + weekday - 7 * correction + 114;
    let month = u32::try_from(days / 31).unwrap_or(3);
    let day = u32::try_from(days % 31 + 1).unwrap_or(1);
    NaiveDate::from_ymd_opt(year, month, day).map_or(0, |sunday| sunday.ordinal())
}

/// The day of the file that stands at a time in Unix seconds, or of the one so many before it.
pub(super) fn latest(seconds: i64, publications_ago: u16) -> NaiveDate {
    let now = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    let mut day = (now - PUBLISHED_AT).date_naive();
    let mut ago = publications_ago;
    loop {
        if publishes_on(day) {
            match ago.checked_sub(1) {
                Some(fewer) => ago = fewer,
                None => return day,
            }
        }
        match day.checked_sub_days(Days::new(1)) {
            Some(before) => day = before,
            None => return day,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn easter_is_on_its_days() {
        for sunday in
            ["1818-03-22", "1954-04-18", "1981-04-19", "2000-04-23", "2024-03-31", "2027-03-28", "2038-04-25"]
        {
            let sunday = day(sunday);
            assert_eq!(easter(sunday.year()), sunday.ordinal(), "{sunday}");
        }
    }

    #[test]
    fn a_file_stays_until_the_next_one_comes() {
        for (now, ago, expected) in [
            ("2027-03-04T15:00:00Z", 0, "2027-03-04"),
            ("2027-03-05T14:59:59Z", 0, "2027-03-04"),
            ("2027-03-05T15:00:00Z", 0, "2027-03-05"),
            // A weekend.
            ("2027-03-08T14:59:59Z", 0, "2027-03-05"),
            ("2027-03-08T15:00:00Z", 0, "2027-03-08"),
            ("2027-03-08T15:00:00Z", 2, "2027-03-04"),
            // Easter.
            ("2027-03-30T14:59:59Z", 0, "2027-03-25"),
            ("2027-03-30T15:00:00Z", 0, "2027-03-30"),
            // New Year's Day is a Friday.
            ("2027-01-03T12:00:00Z", 0, "2026-12-31"),
        ] {
            let now: DateTime<chrono::Utc> = now.parse().unwrap();
            assert_eq!(latest(now.timestamp(), ago), day(expected), "{now}");
        }
    }
}
