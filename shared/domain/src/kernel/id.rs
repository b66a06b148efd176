//! Typed ids: a prefix that names the type, an underscore, and 26 characters that encode 128 bits.
//!
//! The body is Crockford's base 32 in lower case (<https://www.crockford.com/base32.html>). It sorts like the number,
//! has no characters that are easily confused, and needs no escaping in a URL. Ids whose high bits are a timestamp
//! therefore sort by creation time.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Length of the encoded body: 26 × 5 bits hold 128 bits and leave two unused.
const BODY: usize = 26;

/// The text is not an id of the expected type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be an id of the form \"{prefix}_\" and {BODY} characters of 0-9 a-z without i, l, o and u")]
pub struct InvalidId {
    prefix: &'static str,
}

fn encode(bits: u128) -> [u8; BODY] {
    let mut body = [b'0'; BODY];
    for (place, character) in body.iter_mut().rev().enumerate() {
        *character = ALPHABET[(bits >> (5 * place)) as usize & 31];
    }
    body
}

fn decode(body: &str) -> Option<u128> {
    // The first character holds only the top three bits.
    if body.len() != BODY || body.as_bytes()[0] > b'7' {
        return None;
    }
    body.bytes().try_fold(0_u128, |bits, character| {
        let value = ALPHABET.iter().position(|letter| *letter == character)?;
        Some(bits << 5 | value as u128)
    })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(u128);

        impl $name {
            /// The prefix before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Creates an id from a 128-bit body that the caller has generated or derived.
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// Returns the 128-bit body.
            pub const fn bits(self) -> u128 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                let body = encode(self.0);
                write!(out, "{}_{}", $prefix, str::from_utf8(&body).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "format": concat!($prefix, "-id"),
                    "pattern": concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
                })
            }
        }
    )*};
}

ids! {
    /// The id of an appointment. Ids sort by creation time.
    AppointmentId = "apt";
    /// The id of an expert. It is derived from the issuer and subject of the access token, so ownership needs no lookup.
    ExpertId = "exp";
    /// The id of a client. It is derived from the issuer and subject of the access token, as an [`ExpertId`] is.
    ClientId = "cli";
    /// The id of a person, whatever they act as. It is derived from the issuer and subject of the access token, as an [`ExpertId`]
    /// is.
    PersonId = "per";
    /// The id of an invitation to become a member of an expert. Ids sort by creation time.
    InvitationId = "inv";
    /// The id of a session type.
    SessionTypeId = "ses";
    /// The id of a note about a session. Ids sort by creation time.
    NoteId = "not";
    /// The id of a notification. Ids sort by the time of delivery, to the second.
    NotificationId = "ntf";
    /// The id of a receipt, a credit note or a correction.
    ReceiptId = "rcp";
}

// The ids of one person have the same bits, so that no lookup is needed to find what the person is as an expert or a client.
// These conversions are named, because a conversion with `From` would hide a confusion of ids.

impl ExpertId {
    /// Returns the id of the expert as a person.
    pub const fn person(self) -> PersonId {
        PersonId(self.0)
    }
}

impl ClientId {
    /// Returns the id of the client as a person.
    pub const fn person(self) -> PersonId {
        PersonId(self.0)
    }
}

impl PersonId {
    /// Returns the id of the person as an expert.
    pub const fn expert(self) -> ExpertId {
        ExpertId(self.0)
    }

    /// Returns the person's id as a client.
    pub const fn client(self) -> ClientId {
        ClientId(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn display_and_parse_round_trip(bits: u128) {
            let id = AppointmentId::from_bits(bits);
            prop_assert_eq!(id.to_string().parse::<AppointmentId>(), Ok(id));
        }

        #[test]
        fn text_sorts_like_the_bits(one: u128, other: u128) {
            let text = |bits| ExpertId::from_bits(bits).to_string();
            prop_assert_eq!(one.cmp(&other), text(one).cmp(&text(other)));
        }

        #[test]
        fn parsing_arbitrary_text_never_panics(text in ".*") {
            prop_assert!(text.parse::<ClientId>().is_err());
        }
    }

    #[test]
    fn non_canonical_text_is_refused() {
        let id = SessionTypeId::from_bits(7).to_string();
        for wrong in [
            id.replace("ses", "exp"),
            id.to_uppercase(),
            id.replace('7', "l"),
            format!("{id}0"),
            id[..id.len() - 1].to_owned(),
            "ses_80000000000000000000000000".to_owned(),
        ] {
            assert!(wrong.parse::<SessionTypeId>().is_err(), "{wrong}");
        }
    }
}
