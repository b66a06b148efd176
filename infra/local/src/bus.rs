//! The event bus: keeps the latest events for people to look at, and logs them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use app::ports::{DomainEvent, EventBus, PortError};
use async_trait::async_trait;
use serde::Serialize;

/// Most events that are kept.
const KEPT: usize = 500;

/// An event as it was published.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Published {
    /// The same for each copy.
    pub id: String,
    /// Such as `appointment.confirmed`.
    pub kind: String,
    /// What happened.
    pub detail: serde_json::Value,
}

/// A bus that nobody but people listens to.
#[derive(Debug, Default)]
pub struct LocalBus(Mutex<VecDeque<Published>>);

impl LocalBus {
    fn events(&self) -> MutexGuard<'_, VecDeque<Published>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest events, oldest first.
    pub fn published(&self) -> Vec<Published> {
        self.events().iter().cloned().collect()
    }
}

#[async_trait]
impl EventBus for LocalBus {
    async fn publish(&self, event: &DomainEvent) -> Result<(), PortError> {
        tracing::info!(event = %event.id, kind = %event.kind, "published");
        let mut events = self.events();
        if events.len() >= KEPT {
            events.pop_front();
        }
        events.push_back(Published {
            id: event.id.clone(),
            kind: event.kind.clone(),
            detail: event.detail.clone(),
        });
        Ok(())
    }
}
