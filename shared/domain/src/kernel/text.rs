//! Text that users enter: limited in length, and free of characters that a reader cannot see.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::characters::{Lines, is_ignorable, is_visible};

mod characters;

/// The text is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// The text is required, but has no visible character.
    #[error("must have at least one visible character")]
    Empty,
    /// The text has too many characters.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// The text contains a control character other than a line break or tab in a text of several lines, a line separator, or a
    /// character that changes the writing direction.
    #[error("must not contain control characters, or characters that change the writing direction")]
    Control,
    /// The text contains this character, which readers cannot see where it is, or which has no meaning.
    #[error("must not contain the invisible or undefined character U+{:04X}", u32::from(*.0))]
    Invisible(char),
    /// The text is not an address on the web that browsers open securely.
    #[error("must be an https:// address such as https://example.org/ada, without a user name")]
    Link,
    /// The text is not a valid e-mail address.
    #[error("must be an e-mail address such as ada@example.org")]
    Email,
}

/// Checks a text as it was written, and returns it without surrounding white space.
fn checked(text: &str, longest: usize, lines: Lines) -> Result<String, InvalidText> {
    if text.chars().count() > longest {
        return Err(InvalidText::TooLong(longest));
    }
    characters::check(text, lines)?;
    Ok(text.trim().to_owned())
}

/// Checks an address for characters that may be in words, but not in addresses.
fn checked_address(text: &str, longest: usize) -> Result<String, InvalidText> {
    let text = checked(text, longest, Lines::One)?;
    text.chars()
        .find(|character| is_ignorable(*character))
        .map_or(Ok(text), |hidden| Err(InvalidText::Invisible(hidden)))
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $min:literal..=$max:literal, $format:literal, $pattern:expr, $check:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the text of a stored row without a check. It was valid when it was stored, and the rules may be stricter
            /// now.
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// Returns the text.
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
            /// Writes only the length, because personal text must not appear in logs.
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string", "minLength": $min, "maxLength": $max, "format": $format, "pattern": $pattern,
                })
            }
        }
    )*};
}

/// The pattern of a line in JSON Schema: no control characters, none that change the writing direction, and none that are always
/// invisible. Whether the others are allowed depends on their neighbors, which a pattern cannot say.
const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufff8]*$";
/// The same pattern with line breaks and tabs.
const LINES: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufff8]*$";

texts! {
    /// A single line, such as a name or a title: 1 to 120 characters, at least one of them visible.
    ShortText: 1..=120, "line", LINE, |text| match checked(text, 120, Lines::One)? {
        text if text.chars().any(is_visible) => Ok(text),
        _ => Err(InvalidText::Empty),
    };
    /// Text with any number of lines: up to 4,000 characters; may be empty.
    LongText: 0..=4_000, "text", LINES, |text| checked(text, 4_000, Lines::Any);
    /// Text with any number of lines: 1 to 4,000 characters, at least one of them visible.
    NoteText: 1..=4_000, "note", LINES, |text| match checked(text, 4_000, Lines::Any)? {
        text if text.chars().any(is_visible) => Ok(text),
        _ => Err(InvalidText::Empty),
    };
    /// An address on the web: `https` with a host name and without a user name, at most 500 characters.
    Link: 12..=500, "link", LINE, |text| {
        let text = checked_address(text, 500)?;
        match url::Url::parse(&text) {
            Ok(url) if url.scheme() == "https"
                && url.domain().is_some_and(|domain| domain.contains('.'))
                && url.username().is_empty()
                && url.password().is_none()
                && url.as_str().len() <= 500 => Ok(url.into()),
            _ => Err(InvalidText::Link),
        }
    };
    /// An e-mail address: one `@` with text on both sides, a dot in the domain, no white space, at most 254
    /// characters (RFC 5321 §4.5.3.1). The check does not show whether the mailbox exists.
    Email: 3..=254, "email", LINE, |text| {
        let text = checked_address(text, 254)?;
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
    /// Returns an empty text.
    fn default() -> Self {
        Self(String::new())
    }
}

#[cfg(test)]
mod tests;
