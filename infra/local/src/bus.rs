//! A stand-in for EventBridge: logs events, and keeps the latest for the page `/events`.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use app::events::DomainEvent;
use app::ports::{EventBus, PortError};
use async_trait::async_trait;
use serde::Serialize;

/// The maximum number of events that are kept.
const CAPACITY: usize = 500;

/// A published event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Published {
    /// The id of the event; an event that is published again has the same id.
    pub id: String,
    /// The type of the event, such as `appointment.confirmed`.
    pub kind: String,
    /// The document of the event.
    pub detail: serde_json::Value,
}

/// An event bus without subscribers.
#[derive(Debug, Default)]
pub struct LocalBus(Mutex<VecDeque<Published>>);

impl LocalBus {
    fn events(&self) -> MutexGuard<'_, VecDeque<Published>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest events, the oldest first.
    pub fn published(&self) -> Vec<Published> {
        self.events().iter().cloned().collect()
    }
}

#[async_trait]
impl EventBus for LocalBus {
    async fn publish(&self, event: &DomainEvent) -> Result<(), PortError> {
        let detail = event.document().map_err(|error| PortError(error.to_string()))?;
        tracing::info!(event = event.id(), kind = event.kind(), "published");
        let mut events = self.events();
        if events.len() >= CAPACITY {
            events.pop_front();
        }
        events.push_back(Published { id: event.id(), kind: event.kind().to_owned(), detail });
        Ok(())
    }
}
