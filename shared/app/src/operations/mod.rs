//! Running the platform: the outbox and its jobs.

pub mod outbox;
