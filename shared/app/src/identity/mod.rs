//! Who acts: people, their roles, and what is theirs.

pub mod people;
