//! Rows of the area `operations`.

pub mod outbox;
