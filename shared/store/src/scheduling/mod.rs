//! Rows of the area `scheduling`.

pub mod appointments;
pub mod occupancy;
