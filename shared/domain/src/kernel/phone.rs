//! Telephone numbers.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The fewest digits of a number. The shortest numbers in use, such as those of Niue, have 7 with their country code.
const MIN_DIGITS: usize = 7;
/// The most digits of a number (ITU-T E.164).
const MAX_DIGITS: usize = 15;

/// An international telephone number in the notation of ITU-T E.164: `+`, the country code, and the number within the country, in
/// digits only, such as `+493012345678`.
///
/// The check does not show whether the number is in use.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

/// The text is not an international telephone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an international telephone number with + and 7 to 15 digits, such as +493012345678")]
pub struct InvalidPhone;

impl Phone {
    /// Returns the number of a stored row, without checking it again.
    pub fn from_stored(number: String) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Phone {
    type Error = InvalidPhone;

    fn try_from(number: String) -> Result<Self, InvalidPhone> {
        let digits = number.strip_prefix('+').ok_or(InvalidPhone)?;
        // No country code begins with 0.
        let valid = (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
            && !digits.starts_with('0');
        if valid { Ok(Self(number)) } else { Err(InvalidPhone) }
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl fmt::Debug for Phone {
    /// Writes only the length, because personal data must not appear in logs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Phone({} bytes)", self.0.len())
    }
}

impl JsonSchema for Phone {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Phone".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "phone",
            "pattern": r"^\+[1-9][0-9]{6,14}$",
            "description": "International telephone number in the notation of ITU-T E.164: + and digits only",
            "examples": ["+493012345678"],
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(number: &str) -> Result<Phone, InvalidPhone> {
        Phone::try_from(number.to_owned())
    }

    #[test]
    fn other_texts_are_refused() {
        for wrong in [
            "",
            "+",
            "+123456",
            "+1234567890123456",
            "493012345678",
            "00493012345678",
            "+0493012345678",
            "++493012345678",
            "+49 30 12345678",
            "+49-30-12345678",
            "+49(0)3012345678",
            "+4930123456x8",
            "+٤٩٣٠١٢٣٤٥٦",
            "+493012345678\n",
            "tel:+493012345678",
        ] {
            assert_eq!(parse(wrong), Err(InvalidPhone), "{wrong}");
        }
    }

    #[test]
    fn a_number_does_not_appear_in_logs() {
        assert_eq!(format!("{:?}", parse("+493012345678").expect("valid")), "Phone(13 bytes)");
    }

    proptest! {
        #[test]
        fn every_number_of_seven_to_fifteen_digits_is_accepted(number in r"\+[1-9][0-9]{6,14}") {
            prop_assert_eq!(parse(&number).map(String::from), Ok(number));
        }

        #[test]
        fn parsing_arbitrary_text_never_panics(number in ".*") {
            let _ = parse(&number);
        }
    }
}
