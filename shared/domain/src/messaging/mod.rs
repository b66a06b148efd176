//! Notifications: what people are told about changes that concern them.

pub mod notification;
