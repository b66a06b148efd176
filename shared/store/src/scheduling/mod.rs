//! Rows of the area `scheduling`.

pub mod appointments;
pub mod client_bookings;
pub mod history;
pub mod keys;
pub mod notes;
pub mod occupancy;
pub mod reliability;
pub(crate) mod rows;
