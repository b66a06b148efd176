//! The event bus, with EventBridge.

use std::sync::Arc;

use app::events::DomainEvent;
use app::ports::{EventBus, PortError};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use store::table::causes;

use crate::Lazy;

/// The `source` of every event on the bus.
pub const SOURCE: &str = "expert-connect";

/// An EventBridge event bus.
pub struct EventBridge {
    client: Lazy<Client>,
    bus: String,
}

impl EventBridge {
    /// Publishes to the bus with this name. The client is created when it is first used.
    pub fn new(config: Arc<SdkConfig>, bus: impl Into<String>) -> Self {
        Self { client: Lazy::new(config), bus: bus.into() }
    }
}

#[async_trait]
impl EventBus for EventBridge {
    async fn publish(&self, event: &DomainEvent) -> Result<(), PortError> {
        let detail = event.document().map_err(|error| PortError(error.to_string()))?;
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(SOURCE)
            .detail_type(event.kind())
            .detail(detail.to_string())
            .build();
        let client = self.client.get(|config| Client::new(config));
        let response =
            client.put_events().entries(entry).send().await.map_err(|error| PortError(causes(&error)))?;
        match response.entries.unwrap_or_default().into_iter().find_map(|entry| entry.error_code) {
            Some(code) => Err(PortError(format!("the event bus refused the event: {code}"))),
            None => Ok(()),
        }
    }
}
