//! An expert and their public profile.

use serde::{Deserialize, Serialize};

use crate::kernel::text::{LongText, ShortText};
use crate::{ExpertId, Timestamp};

/// The public profile of an expert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpertProfile {
    /// The expert's name, as clients see it.
    pub name: ShortText,
    /// One line about what the expert does.
    pub headline: ShortText,
    /// A description of the expert; may be empty.
    #[serde(default)]
    pub about: LongText,
}

/// An expert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expert {
    /// The expert's id, derived from the issuer and subject of their access token.
    pub id: ExpertId,
    /// The version, incremented with each change. It is the ETag.
    pub version: u64,
    /// When the profile was first published.
    pub created_at: Timestamp,
    /// The public profile.
    pub profile: ExpertProfile,
}
