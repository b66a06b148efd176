//! Rows of the area `experts`.

pub mod profiles;
