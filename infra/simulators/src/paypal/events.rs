//! Events. Source: <https://developer.paypal.com/api/rest/webhooks/event-names/>.

use serde::Serialize;
use serde_json::{Value, json};

use super::render::time;
use super::state::Event;
use super::work::Work;
use super::{PayPalSimulatorConfig, ids};

/// Records an event about a resource as it is now, and schedules its webhook.
pub(super) fn emit(work: &mut Work, kind: &str, resource_type: &str, summary: &str, resource: Value) {
    let payment = ["checkout-order", "authorization", "capture", "refund"].contains(&resource_type);
    let event = Event {
        id: ids::event(),
        kind: kind.to_owned(),
        created: work.now,
        resource_type: resource_type.to_owned(),
        resource_version: if payment { "2.0" } else { "1.0" }.to_owned(),
        summary: summary.to_owned(),
        resource,
    };
    work.deliver(&event.id);
    work.state.events.add(event);
}

/// Records an event about an order, authorization, capture, refund or dispute.
pub(super) fn about(work: &mut Work, kind: &str, resource_type: &str, summary: &str, id: &str) {
    let resource = work.view().any(id).unwrap_or_default();
    emit(work, kind, resource_type, summary, resource);
}

/// An event with its members in PayPal's order. Most JSON libraries sort them, so a receiver that reads an
/// event and writes it anew before it has the signature verified fails here as it would at PayPal.
#[derive(Serialize)]
struct Ordered<'a> {
    id: &'a str,
    event_version: &'a str,
    create_time: String,
    resource_type: &'a str,
    resource_version: &'a str,
    event_type: &'a str,
    summary: &'a str,
    resource: &'a Value,
    links: Value,
}

/// The body of the event's webhook, which is also what the API returns.
pub(super) fn body(config: &PayPalSimulatorConfig, event: &Event) -> String {
    let href = config.address(&format!("v1/notifications/webhooks-events/{}", event.id));
    let ordered = Ordered {
        id: &event.id,
        event_version: "1.0",
        create_time: time(event.created),
        resource_type: &event.resource_type,
        resource_version: &event.resource_version,
        event_type: &event.kind,
        summary: &event.summary,
        resource: &event.resource,
        links: json!([{ "href": href, "rel": "self", "method": "GET" }]),
    };
    // Plain JSON can always be written.
    serde_json::to_string(&ordered).unwrap_or_default()
}
