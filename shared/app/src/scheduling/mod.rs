//! Listing slots, booking them, and what becomes of an appointment afterwards.

pub mod appointments;
pub mod booking;
pub mod error;
pub mod slots;
