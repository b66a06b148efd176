//! Profiles, availability rules and session types of experts.

pub mod profiles;
pub mod session_types;
