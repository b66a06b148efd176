//! Rows of the area `experts`.

pub mod keys;
pub mod members;
pub mod profiles;
pub(crate) mod rows;
