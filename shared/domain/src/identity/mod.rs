//! People: what the platform keeps about everybody who signs in.

pub mod person;
pub mod suspension;
