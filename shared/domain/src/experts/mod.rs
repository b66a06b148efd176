//! What experts publish: their profile, their availability, and the session types that they offer with the terms of
//! each.

pub mod availability;
pub mod expert;
pub mod members;
pub mod policy;
pub mod session_type;

/// The terms of a session type are invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {must}")]
pub struct InvalidTerms {
    /// The name of the field on the wire.
    pub field: &'static str,
    /// What the field must be.
    pub must: String,
}
