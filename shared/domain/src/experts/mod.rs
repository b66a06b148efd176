//! What experts publish: their profile, their availability, and the session types that they offer with the terms of
//! each.

pub mod availability;
pub mod duration;
pub mod expert;
pub mod members;
pub mod policy;
pub mod session_type;
