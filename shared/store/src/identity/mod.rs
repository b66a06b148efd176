//! Rows of people.

pub mod keys;
pub mod people;
pub(crate) mod rows;
pub mod suspensions;
