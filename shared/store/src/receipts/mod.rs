//! Rows of the area `receipts`.

pub mod receipt;
