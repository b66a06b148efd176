//! Somebody who offers sessions, and how they are paid.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{LongText, ShortText};
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

/// An expert's account at Stripe, as Stripe last described it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StripeAccount {
    /// `acct_…`
    pub account: String,
    /// Grows by one with each change.
    pub version: u64,
    /// Whether clients can pay; without it paid sessions cannot be booked.
    pub charges_enabled: bool,
    /// Whether Stripe pays out to the expert's bank.
    pub payouts_enabled: bool,
    /// What Stripe still wants to know, in its own field names.
    pub requirements_due: Vec<String>,
    /// Why Stripe stopped the account, in its own word.
    pub disabled_reason: Option<String>,
    /// When Stripe said so.
    pub read_at: Timestamp,
}
