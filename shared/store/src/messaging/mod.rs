//! Rows of notifications.

pub mod keys;
pub mod notifications;
pub(crate) mod rows;
