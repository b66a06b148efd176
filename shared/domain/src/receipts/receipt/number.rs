//! Receipt numbers.

use std::fmt;
use std::str::FromStr;

use chrono::Datelike;
use serde::{Deserialize, Serialize};

use crate::{Timestamp, Zone};

/// The number of a document in its issuer's series of a year, such as `2026-000042`.
///
/// Receipts, credit notes and corrections of an issuer share one series per year. The series has no gaps, which
/// proves that no document of any kind is missing. A document that amends an invoice is treated as an invoice and
/// also needs a sequential number (Directive 2006/112/EC, Articles 219 and 226).
///
/// The year is that of the issue date on the issuer's calendar, not that of the payment. A document that is issued
/// just after New Year therefore never belongs to a series that is already closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReceiptNumber {
    year: u16,
    sequence: u32,
}

/// The text is not a receipt number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a receipt number, such as 2026-000042")]
pub struct InvalidReceiptNumber;

impl ReceiptNumber {
    /// Creates the number that follows `last` in the series of `year`.
    pub fn after(last: u32, year: u16) -> Self {
        Self { year, sequence: last.saturating_add(1) }
    }

    /// Returns the year of the series for a document issued at this instant, on the calendar of the issuer's time
    /// zone.
    pub fn year_of(issued_at: Timestamp, issuer: Zone) -> u16 {
        // At the limits of the timestamp range, the local year can lie outside of it.
        u16::try_from(issuer.wall_clock_date(issued_at).year()).unwrap_or(0).clamp(1970, 9999)
    }

    /// Returns the year of the series.
    pub fn year(self) -> u16 {
        self.year
    }

    /// Returns the position in the series; the first is 1.
    pub fn sequence(self) -> u32 {
        self.sequence
    }
}

impl fmt::Display for ReceiptNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:06}", self.year, self.sequence)
    }
}

impl fmt::Debug for ReceiptNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for ReceiptNumber {
    type Err = InvalidReceiptNumber;

    fn from_str(text: &str) -> Result<Self, InvalidReceiptNumber> {
        let (year, sequence) = text.split_once('-').ok_or(InvalidReceiptNumber)?;
        let number = Self {
            year: year.parse().map_err(|_| InvalidReceiptNumber)?,
            sequence: sequence.parse().map_err(|_| InvalidReceiptNumber)?,
        };
        // Only the canonical form is accepted.
        if number.to_string() == text && number.sequence > 0 { Ok(number) } else { Err(InvalidReceiptNumber) }
    }
}

impl TryFrom<String> for ReceiptNumber {
    type Error = InvalidReceiptNumber;

    fn try_from(text: String) -> Result<Self, InvalidReceiptNumber> {
        text.parse()
    }
}

impl From<ReceiptNumber> for String {
    fn from(number: ReceiptNumber) -> Self {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_canonical_number_parses() {
        let number = ReceiptNumber::after(41, 2026);
        assert_eq!((number.year(), number.sequence()), (2026, 42));
        assert_eq!((number.to_string(), format!("{number:?}")), ("2026-000042".into(), "2026-000042".into()));
        assert_eq!("2026-000042".parse(), Ok(number));
        assert_eq!(ReceiptNumber::after(1_234_566, 2026).to_string(), "2026-1234567");
        for wrong in [
            "2026-42",
            "2026-0000042",
            "26-000042",
            "2026-000000",
            "2026",
            "2026-",
            "-1-000001",
            "+2026-000001",
        ] {
            assert_eq!(wrong.parse::<ReceiptNumber>(), Err(InvalidReceiptNumber), "{wrong}");
        }
    }

    #[test]
    fn year_is_that_of_the_issuers_calendar() {
        let midnight: Timestamp = "2027-01-01T00:00:00Z".parse().expect("a time");
        let year = |at, zone: &str| ReceiptNumber::year_of(at, zone.parse().expect("a zone"));
        assert_eq!(year(midnight, "UTC"), 2027);
        assert_eq!(year(midnight, "America/New_York"), 2026);
        assert_eq!(year(midnight.plus(-13 * 3600), "Pacific/Auckland"), 2027);
        assert_eq!(
            (year(Timestamp::MIN, "America/New_York"), year(Timestamp::MAX, "Asia/Tokyo")),
            (1970, 9999)
        );
    }

    proptest! {
        #[test]
        fn display_and_parse_round_trip(year in 1970_u16..=9999, last in 0_u32..u32::MAX) {
            let number = ReceiptNumber::after(last, year);
            prop_assert_eq!(number.to_string().parse::<ReceiptNumber>(), Ok(number));
        }

        #[test]
        fn parsing_arbitrary_text_never_panics(text in ".*") {
            let _ = text.parse::<ReceiptNumber>();
        }
    }
}
