//! Notifications: who is told about a change, who is warned, and the list of each person.

mod consequences;
pub mod jobs;
pub mod notifications;
mod notify;
