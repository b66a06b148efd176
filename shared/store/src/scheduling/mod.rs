//! Rows of the area `scheduling`.

pub mod appointments;
pub mod keys;
pub mod occupancy;
pub(crate) mod rows;
