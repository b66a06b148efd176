//! How domain values become rows, and rows become domain values again.
//!
//! What is stored, what the rules use and what the API shows are three sets of types. The types of stored values are in each
//! area's `rows.rs`. They change only in ways that older and newer versions of the code can read, because both run during a
//! rollout, and a rollback must not take the product down:
//! - A reader ignores attributes that it does not know. A new attribute has `#[serde(default)]`.
//! - A reader turns an enum value that it does not know into one that it handles with care; `rows.rs` says which. A kind of
//!   movement, account, gateway or document is an exception: a sum without it would be wrong, so the row is not read.
//! - A row with such a value is not changed, because that would overwrite the value: an appointment and a session type then have
//!   an unknown status, a payment an unknown state, and [`Transaction::put_row`] writes no value that is not known. Only a
//!   replacement of the whole resource, such as the terms of a session type or the role of a member, overwrites it.
//! - A text, currency, time zone or country is read even if the rules for new ones are stricter now.
//! - The attribute [`SCHEMA`] is the version of the row's format; a row without it has format 1. It increases only with a change
//!   that an older release would misread, such as another meaning or unit of an attribute, or an attribute that must not be
//!   ignored. The new release then reads both formats, and an older one refuses the row: the request fails and the row stays as
//!   it is. A new attribute that may be ignored, and a new value of an enum, do not increase it.
//! - Occupancy rows are stricter, because unknown occupancy is never free: an attribute that is not known is refused as well.
//!
//! The golden rows (`golden/`) are a test of all this.

use std::collections::BTreeMap;

use domain::experts::policy::Percent;
use domain::kernel::country::Country;
use domain::kernel::language::Language;
use domain::kernel::phone::Phone;
use domain::kernel::text::{Email, Link, LongText, NoteText, ShortText};
use domain::kernel::time::{Date, LocalTime};
use domain::payments::exchange::EuroRate;
use domain::receipts::receipt::ReceiptNumber;
use domain::receipts::tax::Percentage;
use domain::{
    AppointmentId, ClientId, Currency, ExpertId, InvitationId, Money, NoteId, NotificationId, PersonId, Rate,
    ReceiptId, SessionTypeId, Timestamp, Zone,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use aws_sdk_dynamodb::types::AttributeValue;

use crate::keys::Key;
use crate::table::{Condition, Item};
use crate::transaction::{key_of, number};
use crate::{CommitError, ReadError, Transaction};

/// The attribute with the version of the row's format.
pub const SCHEMA: &str = "schema";

/// A stored form that can have values that only a newer release knows.
pub(crate) trait Known {
    /// Whether this release knows all its values.
    fn is_known(&self) -> bool;
}

/// The stored form of a domain value `D`.
pub(crate) trait Stored<D>: Known + Sized {
    /// The stored form of a value.
    fn of(value: &D) -> Self;

    /// The value.
    ///
    /// # Errors
    /// [`Unreadable`] if this version of the code must not guess what is stored.
    fn read(self) -> Result<D, Unreadable>;
}

/// The stored form of a domain value that has a row of its own.
pub(crate) trait Row<D>: Stored<D> + Serialize + DeserializeOwned {
    /// The latest version of the format of the row.
    const SCHEMA: u16;

    /// The version of the format in which a value is written: the earliest one that does not misread it.
    fn schema_of(_: &D) -> u16 {
        Self::SCHEMA
    }

    /// What is read if this release does not know all values of the row. In `value`, others stand for the unknown ones; the result
    /// must not lead to a change that overwrites them. `None` if the row is not read.
    fn degraded(_value: D) -> Option<D> {
        None
    }
}

/// Why a stored value is not read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// A value that only a newer release knows.
    Unknown(String),
    /// A value that no release stores.
    Invalid(String),
}

impl Unreadable {
    /// A value of this kind that this release does not know.
    pub(crate) fn unknown(kind: &str) -> Self {
        Self::Unknown(format!("this release does not know the {kind}"))
    }

    /// A value that no release stores.
    pub(crate) fn invalid(reason: impl ToString) -> Self {
        Self::Invalid(reason.to_string())
    }

    /// The error of reading the row with this key.
    fn in_row(self, key: String) -> ReadError {
        match self {
            Self::Unknown(reason) => ReadError::NewerRelease { key, reason },
            Self::Invalid(reason) => ReadError::Corrupt { key, reason },
        }
    }
}

impl Transaction {
    /// Writes the row of a domain value, with additional attributes such as keys of an index.
    ///
    /// # Errors
    /// [`CommitError::NewerRelease`] if it has a value that this release does not know, [`CommitError::Unstorable`] if it cannot be
    /// represented as a row.
    pub(crate) fn put_row<R: Row<D>, D>(
        &mut self,
        key: Key,
        condition: Condition,
        value: &D,
        more: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> Result<(), CommitError> {
        let row = R::of(value);
        if !row.is_known() {
            return Err(CommitError::NewerRelease(key));
        }
        let schema = [(SCHEMA, number(R::schema_of(value)))];
        self.put_document(key, condition, &row, schema.into_iter().chain(more))
    }
}

/// Checks that a row has a format up to `known`.
///
/// # Errors
/// [`ReadError::NewerRelease`] if it has not.
pub(crate) fn check_schema(item: &Item, known: u16) -> Result<(), ReadError> {
    let is_known = match item.get(SCHEMA) {
        None => true,
        Some(AttributeValue::N(schema)) => schema.parse().is_ok_and(|schema: u16| schema <= known),
        Some(_) => false,
    };
    if is_known { Ok(()) } else { Err(Unreadable::unknown("format").in_row(key_of(item))) }
}

/// Reads a row that was written with [`Transaction::put_row`].
///
/// # Errors
/// [`ReadError::NewerRelease`] or [`ReadError::Corrupt`] if the row is not readable; see [`check_schema`] and [`Stored::read`].
pub(crate) fn read_row<R: Row<D>, D>(item: Item) -> Result<D, ReadError> {
    check_schema(&item, R::SCHEMA)?;
    let key = key_of(&item);
    let row: Result<R, Unreadable> = serde_dynamo::from_item(item).map_err(Unreadable::invalid);
    let read = row.and_then(|row| match row.is_known() {
        true => row.read(),
        false => R::degraded(row.read()?).ok_or_else(|| Unreadable::unknown("value")),
    });
    read.map_err(|unreadable| unreadable.in_row(key))
}

/// Reads the rows of a list with [`read_row`]. A row that this release cannot read is logged and left out, so that it does not hide
/// the others. The number of these rows is returned too.
///
/// Each list of documents is read with it, and its API document says with `truncated` that some are missing. Sums, decisions and the
/// entries of the ledger, which are added up, need all rows: there, one that cannot be read is an error.
pub(crate) fn read_list<R: Row<D>, D>(items: Vec<Item>) -> (Vec<D>, usize) {
    let found = items.len();
    let mut rows = Vec::with_capacity(found);
    for item in items {
        let key = key_of(&item);
        match read_row::<R, D>(item) {
            Ok(row) => rows.push(row),
            // The reason can contain personal data.
            Err(_) => tracing::error!(key, "a row cannot be read and is left out of a list"),
        }
    }
    let unreadable = found - rows.len();
    (rows, unreadable)
}

/// Cuts the rows of a page, which were read with a limit of one more. Returns the value of `sort_key` in the last row of the page if
/// there are more: the cursor of the next page. It is read from the key, because the last row may be unreadable.
pub(crate) fn cut_page(items: &mut Vec<Item>, limit: u16, sort_key: &str) -> Option<String> {
    let more = items.len() > usize::from(limit);
    items.truncate(limit.into());
    items.last().filter(|_| more)?.get(sort_key)?.as_s().ok().cloned()
}

/// Stored forms without values that only a newer release knows.
macro_rules! known {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::row::Known for $type {
            fn is_known(&self) -> bool {
                true
            }
        }
    )*};
}

pub(crate) use known;

/// Types whose stored form is the type itself. Their text or number never changes.
macro_rules! same {
    ($($type:ty),* $(,)?) => {$(
        known!($type);

        impl Stored<$type> for $type {
            fn of(value: &$type) -> Self {
                value.clone()
            }

            fn read(self) -> Result<$type, Unreadable> {
                Ok(self)
            }
        }
    )*};
}

same!(
    bool,
    u8,
    u16,
    u32,
    u64,
    i64,
    String,
    Timestamp,
    Date,
    LocalTime,
    Rate,
    Percent,
    Percentage,
    EuroRate,
    ReceiptNumber,
    AppointmentId,
    ClientId,
    ExpertId,
    InvitationId,
    NoteId,
    NotificationId,
    PersonId,
    ReceiptId,
    SessionTypeId,
);

impl<S: Known> Known for Option<S> {
    fn is_known(&self) -> bool {
        self.as_ref().is_none_or(S::is_known)
    }
}

impl<S: Known> Known for Vec<S> {
    fn is_known(&self) -> bool {
        self.iter().all(S::is_known)
    }
}

impl<K, S: Known> Known for BTreeMap<K, S> {
    fn is_known(&self) -> bool {
        self.values().all(S::is_known)
    }
}

impl<S: Stored<D>, D> Stored<Option<D>> for Option<S> {
    fn of(value: &Option<D>) -> Self {
        value.as_ref().map(S::of)
    }

    fn read(self) -> Result<Option<D>, Unreadable> {
        self.map(S::read).transpose()
    }
}

impl<S: Stored<D>, D> Stored<Vec<D>> for Vec<S> {
    fn of(value: &Vec<D>) -> Self {
        value.iter().map(S::of).collect()
    }

    fn read(self) -> Result<Vec<D>, Unreadable> {
        self.into_iter().map(S::read).collect()
    }
}

impl<K: Ord + Clone, S: Stored<D>, D> Stored<BTreeMap<K, D>> for BTreeMap<K, S> {
    fn of(value: &BTreeMap<K, D>) -> Self {
        value.iter().map(|(key, value)| (key.clone(), S::of(value))).collect()
    }

    fn read(self) -> Result<BTreeMap<K, D>, Unreadable> {
        self.into_iter().map(|(key, value)| Ok((key, value.read()?))).collect()
    }
}

/// The stored form of values that were checked when they were stored and are not checked again, because the rules for new ones
/// may be stricter now: texts, currencies, time zones and countries.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text(String);

known!(Text, MoneyRow);

macro_rules! texts {
    ($($type:ty: $write:expr, $read:expr;)*) => {$(
        impl Stored<$type> for Text {
            fn of(value: &$type) -> Self {
                let write: fn(&$type) -> String = $write;
                Self(write(value))
            }

            fn read(self) -> Result<$type, Unreadable> {
                let read: fn(String) -> $type = $read;
                Ok(read(self.0))
            }
        }
    )*};
}

texts! {
    ShortText: |text| text.as_str().to_owned(), ShortText::from_stored;
    LongText: |text| text.as_str().to_owned(), LongText::from_stored;
    Email: |text| text.as_str().to_owned(), Email::from_stored;
    NoteText: |text| text.as_str().to_owned(), NoteText::from_stored;
    Link: |text| text.as_str().to_owned(), Link::from_stored;
    Language: |language| language.as_str().to_owned(), Language::from_stored;
    Phone: |phone| phone.as_str().to_owned(), Phone::from_stored;
    Currency: |currency| currency.code().to_owned(), |code| Currency::from_stored(&code);
    Zone: |zone| zone.name().to_owned(), |name| Zone::from_stored(&name);
    Country: |country| country.to_string(), |code| Country::from_stored(&code);
}

/// The stored form of an amount.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MoneyRow {
    amount: u64,
    currency: Text,
}

impl Stored<Money> for MoneyRow {
    fn of(value: &Money) -> Self {
        Self { amount: value.amount(), currency: Text::of(&value.currency()) }
    }

    fn read(self) -> Result<Money, Unreadable> {
        Money::new(self.amount, self.currency.read()?).map_err(Unreadable::invalid)
    }
}

/// Defines the stored form of a struct or an enum of `domain`, member by member, with the conversion in both directions.
///
/// `struct AttendeeRow for Attendee { name: Text }` has the members of `Attendee` in their stored form. `enum` lists the
/// variants; the last line says what an unknown value becomes: `_ => …` is an expression for the domain value or an error,
/// and `_ is Unknown` a variant that the domain has for this purpose.
macro_rules! stored {
    () => {};
    (
        $(#[$meta:meta])*
        struct $row:ident for $domain:ty { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? }
        $($rest:tt)*
    ) => {
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
        $(#[$meta])*
        pub(crate) struct $row { $($(#[$attribute])* $field: $type),* }

        impl $crate::row::Known for $row {
            fn is_known(&self) -> bool {
                true $(&& $crate::row::Known::is_known(&self.$field))*
            }
        }

        impl $crate::row::Stored<$domain> for $row {
            fn of(value: &$domain) -> Self {
                Self { $($field: $crate::row::Stored::of(&value.$field)),* }
            }

            fn read(self) -> Result<$domain, $crate::row::Unreadable> {
                type Domain = $domain;
                Ok(Domain { $($field: $crate::row::Stored::read(self.$field)?),* })
            }
        }

        $crate::row::stored! { $($rest)* }
    };
    (
        $(#[$meta:meta])*
        enum $row:ident for $domain:ident {
            $($(#[$note:meta])* $variant:ident $({ $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? })?,)*
            _ $(is $unknown:ident)? $(=> $otherwise:expr)?
        }
        $($rest:tt)*
    ) => {
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        $(#[$meta])*
        pub(crate) enum $row {
            $($(#[$note])* $variant $({ $($(#[$attribute])* $field: $type),* })?,)*
            #[serde(other)]
            Unknown,
        }

        impl $crate::row::Known for $row {
            fn is_known(&self) -> bool {
                match self {
                    $(Self::$variant $({ $($field),* })? => true $($(&& $crate::row::Known::is_known($field))*)?,)*
                    Self::Unknown => false,
                }
            }
        }

        impl $crate::row::Stored<$domain> for $row {
            fn of(value: &$domain) -> Self {
                match value {
                    $($domain::$variant $({ $($field),* })? => {
                        Self::$variant $({ $($field: $crate::row::Stored::of($field)),* })?
                    })*
                    $($domain::$unknown => Self::Unknown,)?
                }
            }

            fn read(self) -> Result<$domain, $crate::row::Unreadable> {
                match self {
                    $(Self::$variant $({ $($field),* })? => Ok(
                        $domain::$variant $({ $($field: $crate::row::Stored::read($field)?),* })?
                    ),)*
                    $(Self::Unknown => Ok($domain::$unknown),)?
                    $(Self::Unknown => $otherwise,)?
                }
            }
        }

        $crate::row::stored! { $($rest)* }
    };
}

pub(crate) use stored;
