//! Slots, bookings, and changes of appointments.

pub mod appointments;
pub mod booking;
pub mod cancellation;
mod capacity;
mod client_bookings;
pub mod details;
pub mod error;
pub mod history;
pub mod jobs;
pub mod moves;
pub mod notes;
pub mod proposals;
pub mod reliability;
pub mod session_reports;
pub mod slots;
