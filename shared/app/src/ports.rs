//! The ports that every area uses: time, randomness, the job queue, the event bus and secrets.
//!
//! Implementations must be safe to call more than once with the same arguments.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use serde::Serialize;
use store::Job;

/// Time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// This instant.
    fn now(&self) -> Timestamp;

    /// Waits, so that rivals for the same rows do not meet again.
    async fn pause(&self, length: Duration);
}

/// Chance that nobody can foresee.
pub trait Random: Send + Sync {
    /// 128 fresh bits.
    fn bits(&self) -> u128;
}

/// The fast path to the effect worker. It may lose, repeat and reorder.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Asks for these effects to be worked off now.
    ///
    /// # Errors
    /// When not all of them were taken.
    async fn send(&self, jobs: &[Job]) -> Result<(), PortError>;
}

/// Where integrators hear what happened. Every event may come more than once, with the same id.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Publishes one event.
    ///
    /// # Errors
    /// When it was not taken.
    async fn publish(&self, event: &DomainEvent) -> Result<(), PortError>;
}

/// What only the operator may know.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The value of a secret.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn read(&self, name: &str) -> Result<Secret, PortError>;
}

/// Something that appears in no log: it has no `Debug` of its value and no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a value from being shown.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one who must send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret")
    }
}

/// The world did not do as asked; another try may work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PortError(pub String);

/// An event that the world is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DomainEvent {
    /// The same for each copy of the event.
    pub id: String,
    /// Such as `appointment.confirmed`.
    pub kind: String,
    /// The subject as it stood when the event was published.
    pub detail: serde_json::Value,
}
