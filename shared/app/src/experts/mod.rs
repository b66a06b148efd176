//! Profiles, availability rules, session types and members of experts.

pub mod members;
pub mod profiles;
pub mod session_types;
