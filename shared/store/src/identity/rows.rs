//! The stored form of people.

use domain::identity::person::{Person, PersonProfile};
use domain::identity::suspension::{DecidedBy, Suspension, SuspensionChange};
use domain::{PersonId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::row::{Row, Stored, Text, Unreadable, known, stored};

impl Row<Person> for PersonRow {
    const SCHEMA: u16 = 1;
}

impl Row<Suspension> for SuspensionRow {
    const SCHEMA: u16 = 2;

    /// Releases that read only format 1 do not know that the platform suspends people.
    fn schema_of(suspension: &Suspension) -> u16 {
        let by_platform = suspension.changes.iter().any(|change| change.by == DecidedBy::Platform);
        if by_platform { 2 } else { 1 }
    }
}

/// Who suspended a person: the administrator, or nobody if the platform did.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct DecidedByRow(Option<PersonId>);

known!(DecidedByRow);

impl DecidedByRow {
    fn is_platform(&self) -> bool {
        self.0.is_none()
    }
}

impl Stored<DecidedBy> for DecidedByRow {
    fn of(value: &DecidedBy) -> Self {
        Self(match value {
            DecidedBy::Administrator(person) => Some(*person),
            DecidedBy::Platform => None,
        })
    }

    fn read(self) -> Result<DecidedBy, Unreadable> {
        Ok(self.0.map_or(DecidedBy::Platform, DecidedBy::Administrator))
    }
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
        #[serde(default, skip_serializing_if = "DecidedByRow::is_platform")]
        by: DecidedByRow,
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
