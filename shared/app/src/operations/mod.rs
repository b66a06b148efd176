//! Operations: the outbox, its jobs, and what administrators can do about jobs that fail.

pub mod error;
pub mod failing_jobs;
pub mod jobs;
pub mod outbox;
