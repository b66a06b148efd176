//! When a session can be booked, what occupies an expert's time, and the life cycle of an appointment.

pub mod appointment;
pub mod booking_limits;
pub mod cancellation;
pub mod details;
pub mod history;
pub mod note;
pub mod occupancy;
pub mod party;
pub mod proposal;
pub mod reliability;
pub mod slots;
