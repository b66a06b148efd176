//! The parties to an appointment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The party that acts on an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The expert who gives the session.
    Expert,
    /// The client who booked the session.
    Client,
    /// The platform: automatically, if the client did not pay, or an administrator.
    Platform,
}
