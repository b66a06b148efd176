//! Identity: who acts, what they may do, what belongs to them, and what the platform keeps about people.

pub mod actor;
pub mod person;
pub mod ports;
pub mod signed_in;
pub mod suspension;

pub use actor::Actor;
pub(crate) use actor::require_right_of;
