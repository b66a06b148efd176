//! Identity: people, their roles, and what belongs to them.

pub mod people;
