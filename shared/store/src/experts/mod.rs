//! Rows of the area `experts`.

pub mod keys;
pub mod profiles;
pub(crate) mod rows;
