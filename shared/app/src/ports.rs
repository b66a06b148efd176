//! The ports that every area uses: time, randomness, the job queue, the event bus and secrets.
//!
//! Use cases may call a port more than once with the same arguments, for example after a retry.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use store::{FailureDomain, JobName};

use crate::events::DomainEvent;

/// The current time, and pauses.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// The milliseconds since the beginning of the current second. They only order ids of the same second.
    fn milliseconds(&self) -> u16 {
        0
    }

    /// The time since some fixed instant. Unlike [`Clock::now`], it has fractions of a second, and nobody sets it.
    fn elapsed(&self) -> Duration;

    /// Waits before the next attempt at a transaction.
    async fn pause(&self, length: Duration);
}

/// A source of random bits that nobody can predict.
pub trait Random: Send + Sync {
    /// 128 new random bits.
    fn bits(&self) -> u128;
}

/// The queues of jobs that are due, one for each failure domain. They may lose, repeat and reorder messages: the outbox is what
/// counts.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Asks the worker of a failure domain to process these jobs now.
    ///
    /// # Errors
    /// If the queue did not accept all of them.
    async fn send(&self, failure_domain: FailureDomain, jobs: &[JobName]) -> Result<(), PortError>;
}

/// The bus from which integrations receive domain events. An event may be published more than once, with the same id.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Publishes one event.
    ///
    /// # Errors
    /// If the bus did not accept the event.
    async fn publish(&self, event: &DomainEvent) -> Result<(), PortError>;
}

/// The secrets of the operator, such as API keys.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Reads the value of a secret.
    ///
    /// # Errors
    /// If the secret cannot be read.
    async fn read(&self, name: &str) -> Result<Secret, PortError>;
}

/// A value that must not appear in logs: `Debug` does not show it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, to send it to the service that requires it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret")
    }
}

/// A service failed. A retry may succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PortError(pub String);
