//! Telling what happened. Source: <https://developer.paypal.com/api/rest/webhooks/event-names/>.

use serde::Serialize;
use serde_json::{Value, json};

use super::render::time;
use super::state::Event;
use super::work::Work;
use super::{PayPalSimulatorConfig, ids};

/// Records an event about a resource as it is now, and makes its webhooks due.
pub(super) fn about(
    work: &mut Work,
    kind: &str,
    resource_type: &str,
    resource_version: &str,
    summary: &str,
    resource: Value,
) {
    let event = Event {
        id: ids::event(),
        kind: kind.to_owned(),
        created: work.now,
        resource_type: resource_type.to_owned(),
        resource_version: resource_version.to_owned(),
        summary: summary.to_owned(),
        resource,
    };
    if work.announce && !work.switches.drop_webhooks {
        let due_at = work.now + i64::from(work.switches.delay_deliveries_seconds);
        work.state.webhooks.add(&event.id, due_at, work.switches.duplicate_deliveries);
    }
    work.state.events.add(event);
}

/// An event about an order.
pub(super) fn order(work: &mut Work, kind: &str, summary: &str, id: &str) {
    let Some(resource) = work.view().order(id) else { return };
    about(work, kind, "checkout-order", "2.0", summary, resource);
}

/// An event about an authorization.
pub(super) fn authorization(work: &mut Work, kind: &str, summary: &str, id: &str) {
    let Some(resource) = work.view().authorization(id) else { return };
    about(work, kind, "authorization", "2.0", summary, resource);
}

/// An event about a capture.
pub(super) fn capture(work: &mut Work, kind: &str, summary: &str, id: &str) {
    let Some(resource) = work.view().capture(id) else { return };
    about(work, kind, "capture", "2.0", summary, resource);
}

/// An event about a refund: its link `up` leads to the capture.
pub(super) fn refund(work: &mut Work, kind: &str, summary: &str, id: &str) {
    let Some(resource) = work.view().refund(id) else { return };
    about(work, kind, "refund", "2.0", summary, resource);
}

/// An event about a dispute.
pub(super) fn dispute(work: &mut Work, kind: &str, summary: &str, id: &str) {
    let Some(resource) = work.view().dispute(id) else { return };
    about(work, kind, "dispute", "1.0", summary, resource);
}

/// The members in PayPal's order. Most JSON libraries sort them, so a receiver that reads an event and writes
/// it anew before it has the signature checked fails here as it would there.
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

/// The body of the event's webhook, and of the API's answer about it.
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
    serde_json::to_string(&ordered).unwrap_or_else(|error| {
        // Plain JSON can always be written; an empty body is no event to anybody.
        tracing::error!(%error, "an event could not be written");
        String::new()
    })
}
