//! What happened.

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
