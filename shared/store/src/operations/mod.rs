//! Rows of the area `operations`.

pub mod keys;
pub mod outbox;
