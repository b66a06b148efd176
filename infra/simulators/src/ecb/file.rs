//! The bank's file.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{Datelike, NaiveDate};

use super::Switches;

/// What one euro bought of each currency around the beginning of 2027: digits, and how many of them stand behind the point.
const AROUND: [(&str, u64, usize); 29] = [
    ("USD", 10_850, 4),
    ("JPY", 16_300, 2),
    ("CZK", 25_100, 3),
    ("DKK", 74_590, 4),
    ("GBP", 83_800, 5),
    ("HUF", 39_800, 2),
    ("PLN", 42_100, 4),
    ("RON", 49_800, 4),
    ("SEK", 110_700, 4),
    ("CHF", 9_400, 4),
    ("ISK", 14_600, 2),
    ("NOK", 116_800, 4),
    ("TRY", 420_000, 4),
    ("AUD", 16_500, 4),
    ("BRL", 60_200, 4),
    ("CAD", 15_100, 4),
    ("CNY", 78_200, 4),
    ("HKD", 84_400, 4),
    ("IDR", 1_770_000, 2),
    ("ILS", 39_100, 4),
    ("INR", 932_000, 4),
    ("KRW", 156_100, 2),
    ("MXN", 219_900, 4),
    ("MYR", 47_200, 4),
    ("NZD", 18_100, 4),
    ("PHP", 61_200, 3),
    ("SGD", 14_400, 4),
    ("THB", 36_600, 3),
    ("ZAR", 198_500, 4),
];

/// How far a rate strays from those, in thousandths, to either side.
const STRAY: u64 = 10;

/// The rates of a day.
fn rates(day: NaiveDate) -> impl Iterator<Item = (String, String)> {
    AROUND.iter().enumerate().map(move |(place, &(code, digits, decimals))| {
        let seed = u64::from(day.num_days_from_ce().unsigned_abs()) << 8 | place as u64;
        let digits = digits * (1_000 - STRAY + scramble(seed) % (2 * STRAY + 1)) / 1_000;
        let unit = 10_u64.pow(u32::try_from(decimals).unwrap_or(0));
        (code.to_owned(), format!("{}.{:0decimals$}", digits / unit, digits % unit))
    })
}

/// The finishing step of SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>): each bit of the result depends on each of the seed.
fn scramble(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// The file of a day, as the switches want it.
pub(super) fn of(day: NaiveDate, switches: &Switches) -> String {
    let mut table: BTreeMap<String, String> = rates(day).collect();
    table.extend(switches.rates.clone());
    let date = switches.date.clone().unwrap_or_else(|| day.to_string());
    let mut file = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gesmes:Envelope \
         xmlns:gesmes=\"http://www.gesmes.org/xml/2002-08-01\" \
         xmlns=\"http://www.ecb.int/vocabulary/2002-08-01/eurofxref\">\n\t<gesmes:subject>Reference \
         rates</gesmes:subject>\n\t<gesmes:Sender>\n\t\t<gesmes:name>European Central \
         Bank</gesmes:name>\n\t</gesmes:Sender>\n\t<Cube>\n",
    );
    // Writing to a text cannot fail.
    let _ = writeln!(file, "\t\t<Cube time='{}'>", escaped(&date));
    for (code, rate) in table {
        let _ = writeln!(file, "\t\t\t<Cube currency='{}' rate='{}'/>", escaped(&code), escaped(&rate));
    }
    file.push_str("\t\t</Cube>\n\t</Cube>\n</gesmes:Envelope>\n");
    if switches.cut_off {
        // Everything here is ASCII, or was asked for.
        file.truncate(file.floor_char_boundary(file.len() / 2));
    }
    if switches.huge {
        file.extend(std::iter::repeat_n(' ', 1024 * 1024));
    }
    file
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_follow_from_the_date() {
        let day = |text: &str| -> NaiveDate { text.parse().unwrap() };
        let rates = |text: &str| super::rates(day(text)).collect::<Vec<_>>();
        assert_eq!(rates("2027-03-04"), rates("2027-03-04"));
        assert_ne!(rates("2027-03-04"), rates("2027-03-05"));
        for (code, rate) in rates("2027-03-04") {
            let (_, around, decimals) = AROUND.iter().find(|(known, ..)| *known == code).unwrap();
            let digits: u64 = rate.replace('.', "").parse().unwrap();
            assert!(digits.abs_diff(*around) <= around / 100 + 1, "{code} {rate}");
            assert_eq!(rate.split_once('.').unwrap().1.len(), *decimals, "{code} {rate}");
        }
    }

    #[test]
    fn the_file_is_as_wanted() {
        let day: NaiveDate = "2027-03-04".parse().unwrap();
        let usual = of(day, &Switches::default());
        assert!(usual.contains("<Cube time='2027-03-04'>"));
        assert_eq!(usual.matches("currency=").count(), 29);
        let rates = [("USD", "2"), ("X'Y", "<&")].map(|(code, rate)| (code.to_owned(), rate.to_owned()));
        let date = Some("never".to_owned());
        let changed = of(day, &Switches { rates: rates.into(), date, ..Switches::default() });
        assert_eq!(changed.matches("currency=").count(), 30);
        for part in ["time='never'", "currency='USD' rate='2'", "currency='X&apos;Y' rate='&lt;&amp;'"] {
            assert!(changed.contains(part), "{part}");
        }
        assert!(usual.starts_with(&of(day, &Switches { cut_off: true, ..Switches::default() })));
        assert!(of(day, &Switches { huge: true, ..Switches::default() }).len() > 1_000_000);
    }
}
