//! Identity: who acts, what they may do, and what belongs to them.

pub mod actor;
pub mod people;

pub use actor::Actor;
pub(crate) use actor::require;
