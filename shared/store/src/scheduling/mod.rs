//! Rows of the area `scheduling`.

pub mod keys;
pub mod appointments;
pub mod occupancy;
