//! Exact percentages.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Rate;

/// The maximum number of decimal digits.
const DIGITS: usize = 6;
/// 100 % in millionths of a percent.
const WHOLE: u32 = 100_000_000;

/// A tax rate from 0 to 100 %, exact to a millionth of a percent. In JSON, it is a decimal number in a string, such
/// as `"9.875"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Percentage(u32);

/// The text is not a percentage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a decimal number from 0 to 100 with at most {DIGITS} digits after the point")]
pub struct InvalidPercentage;

impl Percentage {
    /// Returns the percentage in millionths of a percent: 19,000,000 is 19 %.
    pub fn millionths(self) -> u32 {
        self.0
    }

    /// Returns 100 % in millionths of a percent.
    pub(crate) fn whole() -> u64 {
        WHOLE.into()
    }
}

impl From<Rate> for Percentage {
    fn from(rate: Rate) -> Self {
        Self(u32::from(rate.basis_points()) * (WHOLE / 10_000))
    }
}

impl TryFrom<String> for Percentage {
    type Error = InvalidPercentage;

    fn try_from(text: String) -> Result<Self, InvalidPercentage> {
        let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
        let digits =
            |text: &str| (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) {
            return Err(InvalidPercentage);
        }
        // Trailing zeros have no meaning.
        let part = part.trim_end_matches('0');
        if part.len() > DIGITS {
            return Err(InvalidPercentage);
        }
        let number = |text: &str| text.parse::<u64>().map_err(|_| InvalidPercentage);
        let millionths =
            number(whole)?.saturating_mul(1_000_000).saturating_add(number(&format!("{part:0<DIGITS$}"))?);
        u32::try_from(millionths).ok().filter(|all| *all <= WHOLE).map(Self).ok_or(InvalidPercentage)
    }
}

impl From<Percentage> for String {
    fn from(percentage: Percentage) -> Self {
        percentage.to_string()
    }
}

impl fmt::Display for Percentage {
    /// Writes the number without the percent sign, such as `19` or `5.5`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = format!("{:06}", self.0 % 1_000_000);
        match part.trim_end_matches('0') {
            "" => write!(out, "{}", self.0 / 1_000_000),
            part => write!(out, "{}.{part}", self.0 / 1_000_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<u32> {
        Percentage::try_from(text.to_owned()).ok().map(Percentage::millionths)
    }

    #[test]
    fn decimals_parse_exactly_or_are_refused() {
        for (text, millionths) in [
            ("0", 0),
            ("0.0", 0),
            ("19", 19_000_000),
            ("9.875", 9_875_000),
            ("8.8750000", 8_875_000),
            ("100.00", WHOLE),
        ] {
            assert_eq!(parse(text), Some(millionths), "{text}");
        }
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e1",
            "100.000001",
            "101",
            "0.0000001",
            "9999999999999",
            "1.2.3",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        let rate = |points| Percentage::from(Rate::from_basis_points(points).expect("in range")).to_string();
        assert_eq!([0, 5, 550, 1_900, 2_155, 10_000].map(rate), ["0", "0.05", "5.5", "19", "21.55", "100"]);
    }

    proptest! {
        #[test]
        fn display_and_parse_round_trip(millionths in 0..=WHOLE) {
            prop_assert_eq!(parse(&Percentage(millionths).to_string()), Some(millionths));
        }

        #[test]
        fn parsing_arbitrary_text_never_panics(text in ".{0,16}") {
            let _ = Percentage::try_from(text);
        }
    }
}
