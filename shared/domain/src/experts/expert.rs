//! An expert and their public profile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::text::{LongText, ShortText};
use crate::{ExpertId, Timestamp};

/// What an expert tells about themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpertProfile {
    /// The name clients see.
    pub name: ShortText,
    /// One line about what they do.
    pub headline: ShortText,
    /// As much as they like.
    #[serde(default)]
    pub about: LongText,
}

/// An expert as they stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expert {
    /// Derived from the person who signed in.
    pub id: ExpertId,
    /// Grows by one with each change; the ETag.
    pub version: u64,
    /// When the profile was first published.
    pub created_at: Timestamp,
    /// What they tell.
    pub profile: ExpertProfile,
}
