//! Operations: the outbox and its jobs.

pub mod outbox;
