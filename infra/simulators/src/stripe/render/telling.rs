//! Events.

use serde_json::{Value, json};

use crate::stripe::API_VERSION;
use crate::stripe::state::{Event, State};

pub(in crate::stripe) fn event(state: &State, event: &Event) -> Value {
    let waiting = state.webhooks.due(&event.id).is_some();
    let mut data = json!({ "object": event.object });
    if let Some(previous) = &event.previous {
        data["previous_attributes"] = previous.clone();
    }
    let mut object = json!({
        "id": event.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": event.created,
        "data": data,
        "livemode": false,
        "pending_webhooks": i32::from(waiting),
        "request": { "id": event.request, "idempotency_key": event.idempotency_key },
        "type": event.kind,
    });
    if let Some(account) = &event.account {
        object["account"] = json!(account);
    }
    object
}
