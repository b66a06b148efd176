//! Text that people write, bounded in length and free of control characters.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing but white space where something is needed.
    #[error("must not be empty")]
    Empty,
    /// Too many characters.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// A control character other than the line breaks that long text may hold, or one that turns the direction of writing.
    #[error("must not hold control characters")]
    Control,
    /// Not an address that mail can be sent to.
    #[error("expected an e-mail address such as ada@example.org")]
    Email,
}

fn checked(text: &str, longest: usize, lines: bool) -> Result<String, InvalidText> {
    let text = text.trim();
    if text.chars().count() > longest {
        return Err(InvalidText::TooLong(longest));
    }
    // Marks that turn the direction of writing can make one name look like another.
    let turns = |character| matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = |character| lines && matches!(character, '\n' | '\r' | '\t');
    if text.chars().any(|character| turns(character) || (character.is_control() && !breaks(character))) {
        return Err(InvalidText::Control);
    }
    Ok(text.to_owned())
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $min:literal..=$max:literal, $format:literal, $check:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;

            fn try_from(text: String) -> Result<Self, InvalidText> {
                let check: fn(&str) -> Result<String, InvalidText> = $check;
                check(&text).map(Self)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            /// The length only: what people write about themselves has no place in a log.
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut schema = schemars::json_schema!({
                    "type": "string", "minLength": $min, "maxLength": $max,
                });
                if !$format.is_empty() {
                    schema.insert("format".to_owned(), $format.into());
                }
                schema
            }
        }
    )*};
}

texts! {
    /// One line, as a name or a title: 1 to 120 characters.
    ShortText: 1..=120, "", |text| match checked(text, 120, false)? {
        text if text.is_empty() => Err(InvalidText::Empty),
        text => Ok(text),
    };
    /// Any number of lines, or none: up to 4,000 characters.
    LongText: 0..=4_000, "", |text| checked(text, 4_000, true);
    /// An e-mail address: one `@` with something on both sides, a dot in the domain, no white space, at most 254
    /// characters (RFC 5321 §4.5.3.1). Whether it exists only a mail can tell.
    Email: 3..=254, "email", |text| {
        let text = checked(text, 254, false)?;
        let plain = !text.chars().any(|character| character.is_whitespace() || "<>()[]\\,;:\"".contains(character));
        match text.split_once('@') {
            Some((local, domain))
                if plain
                    && (1..=64).contains(&local.len())
                    && !domain.contains('@')
                    && domain.split('.').count() > 1
                    && domain.split('.').all(|label| !label.is_empty()) => Ok(text),
            _ => Err(InvalidText::Email),
        }
    };
}

impl Default for LongText {
    /// Nothing.
    fn default() -> Self {
        Self(String::new())
    }
}

#[cfg(test)]
mod tests;
