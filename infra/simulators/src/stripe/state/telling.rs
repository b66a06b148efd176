//! What happened, and who was told.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct Event {
    pub(in crate::stripe) id: String,
    pub(in crate::stripe) kind: String,
    pub(in crate::stripe) created: i64,
    pub(in crate::stripe) account: Option<String>,
    /// The object as it was then: events are never written anew.
    pub(in crate::stripe) object: Value,
    pub(in crate::stripe) previous: Option<Value>,
    pub(in crate::stripe) request: Option<String>,
    pub(in crate::stripe) idempotency_key: Option<String>,
}

/// A webhook that still has to arrive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct Delivery {
    pub(in crate::stripe) number: u64,
    pub(in crate::stripe) event: String,
    pub(in crate::stripe) due_at: i64,
    /// How many attempts failed.
    pub(in crate::stripe) failures: usize,
}

/// One attempt to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The event's id.
    pub event: String,
    /// The event's type, such as `payment_intent.succeeded`.
    pub kind: String,
    /// When, in Unix seconds of the simulator's clock.
    pub at: i64,
    /// Where to.
    pub url: String,
    /// The HTTP status that was answered; `None` when no answer came.
    pub status: Option<u16>,
    /// When it is tried again, in Unix seconds; `None` when it arrived or was given up.
    pub retry_at: Option<i64>,
}
