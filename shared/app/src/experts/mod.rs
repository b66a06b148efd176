//! What experts publish: profiles, availability rules and session types.

pub mod profiles;
pub mod session_types;
