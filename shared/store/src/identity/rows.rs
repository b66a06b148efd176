//! The stored form of people.

use domain::identity::person::{Person, PersonProfile};
use domain::identity::suspension::{Suspension, SuspensionChange};
use domain::{PersonId, Timestamp};

use crate::row::{Row, Text, stored};

impl Row<Person> for PersonRow {
    const SCHEMA: u16 = 1;
}

impl Row<Suspension> for SuspensionRow {
    const SCHEMA: u16 = 1;
}

stored! {
    struct SuspensionRow for Suspension {
        person: PersonId,
        version: u64,
        changes: Vec<SuspensionChangeRow>,
    }

    struct SuspensionChangeRow for SuspensionChange {
        suspended: bool,
        reason: Text,
        by: PersonId,
        at: Timestamp,
    }

    struct PersonRow for Person {
        id: PersonId,
        version: u64,
        etag: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<Text>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed_in_at: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_refused_at: Option<Timestamp>,
        profile: PersonProfileRow,
    }

    struct PersonProfileRow for PersonProfile {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<Text>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_zone: Option<Text>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phone: Option<Text>,
    }
}
