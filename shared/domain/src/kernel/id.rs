//! Typed ids: a prefix that names the kind, then 26 characters of 128 bits.
//!
//! The body is Crockford's base 32 in lower case (<https://www.crockford.com/base32.html>): it sorts like the number,
//! survives being read aloud and needs no escaping in a URL. Ids whose high bits are the time therefore sort by the time
//! they were made.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a body: 26 × 5 bits hold 128 bits with two to spare.
const BODY: usize = 26;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id of the form \"{prefix}_\" and {BODY} characters of 0-9 a-z without i, l, o and u")]
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
            /// The letters before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The id with this 128-bit body, which the caller drew or derived.
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// The 128-bit body.
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
                    "pattern": concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
                })
            }
        }
    )*};
}

ids! {
    /// A booked session, from its hold to its end.
    AppointmentId = "apt";
    /// Somebody who offers sessions. Derived from the person who signed in, so that ownership needs no look-up.
    ExpertId = "exp";
    /// Somebody who books sessions. Derived from the person who signed in, as [`ExpertId`] is.
    ClientId = "cli";
    /// What an expert offers.
    SessionTypeId = "ses";
    /// A receipt, a credit note or a correction.
    ReceiptId = "rcp";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_and_back(bits: u128) {
            let id = AppointmentId::from_bits(bits);
            prop_assert_eq!(id.to_string().parse::<AppointmentId>(), Ok(id));
        }

        #[test]
        fn text_sorts_like_the_number(one: u128, other: u128) {
            let text = |bits| ExpertId::from_bits(bits).to_string();
            prop_assert_eq!(one.cmp(&other), text(one).cmp(&text(other)));
        }

        #[test]
        fn strangers_text_never_panics(text in ".*") {
            prop_assert!(text.parse::<ClientId>().is_err());
        }
    }

    #[test]
    fn refuses_what_is_not_canonical() {
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
