//! Notifications: who is told about a change, and the list of each person.

pub mod jobs;
pub mod notifications;
mod notify;
