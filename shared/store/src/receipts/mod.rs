//! Rows of the area `receipts`.

pub mod keys;
pub mod receipt;
pub(crate) mod rows;
