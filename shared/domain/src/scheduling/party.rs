//! The two sides of an appointment, and the platform.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who acts on an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// Who gives the session.
    Expert,
    /// Who booked it.
    Client,
    /// Neither: the platform, when nobody could be paid, or by hand.
    Platform,
}
