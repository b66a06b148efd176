//! JSON documents of experts and session types.

use domain::experts::expert::{Expert, ExpertProfile};
use domain::experts::session_type::{SessionType, SessionTypeStatus, SessionTypeTerms};
use domain::{ExpertId, SessionTypeId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

/// The public profile of an expert.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExpertDocument {
    /// The id of the expert.
    pub id: ExpertId,
    /// When the profile was first published.
    pub created_at: Timestamp,
    /// The contents of the profile.
    #[serde(flatten)]
    pub profile: ExpertProfile,
}

impl From<Expert> for ExpertDocument {
    fn from(expert: Expert) -> Self {
        Self { id: expert.id, created_at: expert.created_at, profile: expert.profile }
    }
}

/// A session type that an expert offers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionTypeDocument {
    /// The id of the session type.
    pub id: SessionTypeId,
    /// Whether the session type can be booked.
    pub status: SessionTypeStatus,
    /// The version, to send in `If-Match` when you replace the terms.
    pub version: u64,
    /// The terms that the expert chose.
    #[serde(flatten)]
    pub terms: SessionTypeTerms,
}

impl From<SessionType> for SessionTypeDocument {
    fn from(kind: SessionType) -> Self {
        Self { id: kind.id, status: kind.status, version: kind.version, terms: kind.terms }
    }
}
