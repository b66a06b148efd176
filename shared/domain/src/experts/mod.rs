//! What experts publish: their profile, when they can be booked, and what they offer on which terms.

pub mod availability;
pub mod expert;
pub mod policy;
pub mod session_type;

/// Why terms are not those of a session type: the field, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {must}")]
pub struct InvalidTerms {
    /// Name of the field on the wire.
    pub field: &'static str,
    /// What it must be.
    pub must: String,
}
