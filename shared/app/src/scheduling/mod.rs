//! Slots, bookings, and changes of appointments.

pub mod appointments;
pub mod booking;
pub mod error;
pub mod jobs;
pub mod slots;
