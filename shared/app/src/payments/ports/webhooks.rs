//! Events that payment gateways send.

use async_trait::async_trait;
use domain::{AppointmentId, Timestamp};

use crate::ports::PortError;

/// Looks up the value of an HTTP header by its lower-case name.
pub type Headers<'h> = dyn for<'n> Fn(&'n str) -> Option<String> + Sync + 'h;

/// Verifies and reads a gateway's webhook events.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Verifies that an event comes from the gateway, and returns what it is about. `body` must be the unchanged body of the
    /// request.
    ///
    /// # Errors
    /// [`WebhookError`] if the event cannot be verified or read.
    async fn read_webhook(
        &self,
        headers: &Headers<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<WebhookEvent, WebhookError>;
}

/// A verified event. It only says what to read again; its other content is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEvent {
    /// The event's id, the same in each delivery.
    pub id: String,
    /// What the event is about.
    pub subject: WebhookSubject,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookSubject {
    /// The payment of an appointment.
    Payment {
        /// The appointment, from the metadata of the gateway's object.
        appointment: AppointmentId,
    },
    /// The payment of an appointment, of which an attempt to pay was declined.
    DeclinedPayment {
        /// The appointment, from the metadata of the gateway's object.
        appointment: AppointmentId,
    },
    /// An expert's account.
    Account {
        /// The account's id at the gateway, or the expert's id with which the account was created.
        account: String,
    },
    /// The payouts of an expert's account.
    Payouts {
        /// The account's id at the gateway.
        account: String,
    },
    /// Nothing that concerns this platform.
    Nothing,
}

/// The reason why an event was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The event has no signature, or one that is not the gateway's.
    #[error("the signature is missing or does not match the body")]
    Signature,
    /// The event was signed too long ago, or in the future. It may be a replay.
    #[error("the event was signed more than five minutes before or after the current time")]
    Stale,
    /// The signature is valid, but the body is not a known kind of event.
    #[error("the body is not an event: {0}")]
    Body(String),
    /// A secret or a gateway that is needed to verify the event is not available.
    #[error(transparent)]
    Unavailable(#[from] PortError),
}
