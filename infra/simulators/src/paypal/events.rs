//! Events. Source: <https://developer.paypal.com/api/rest/webhooks/event-names/>.

use serde::Serialize;
use serde_json::{Value, json};

use super::render::time;
use super::state::Event;
use super::work::Work;
use super::{PayPalSimulatorConfig, ids};

/// Records an event about a resource as it is now, and schedules its webhook.
pub(super) fn emit(work: &mut Work, kind: &str, resource: Value) {
    let event = Event { id: ids::event(), kind: kind.to_owned(), created: work.now, resource };
    work.deliver(&event.id);
    work.state.events.add(event);
}

/// Records an event about an order, authorization, capture, refund or dispute.
pub(super) fn about(work: &mut Work, kind: &str, id: &str) {
    let resource = work.view().any(id).unwrap_or_default();
    emit(work, kind, resource);
}

/// The type of the resource of an event, and the version of its API.
fn resource_type(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "CHECKOUT.ORDER.APPROVED" => ("checkout-order", "2.0"),
        "PAYMENT.CAPTURE.REFUNDED" | "PAYMENT.CAPTURE.REVERSED" => ("refund", "2.0"),
        _ if kind.starts_with("PAYMENT.REFUND.") => ("refund", "2.0"),
        _ if kind.starts_with("PAYMENT.REFERENCED-PAYOUT-ITEM.") => ("referenced_payouts_item", "1.0"),
        _ if kind.starts_with("PAYMENT.CAPTURE.") => ("capture", "2.0"),
        _ if kind.starts_with("PAYMENT.AUTHORIZATION.") => ("authorization", "2.0"),
        _ if kind.starts_with("CUSTOMER.DISPUTE.") => ("dispute", "1.0"),
        "MERCHANT.ONBOARDING.COMPLETED" => ("merchant-onboarding", "1.0"),
        _ => ("partner-consent", "1.0"),
    }
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
    summary: String,
    resource: &'a Value,
    links: Value,
}

/// The body of the event's webhook, which is also what the API returns.
pub(super) fn body(config: &PayPalSimulatorConfig, event: &Event) -> String {
    let href = config.address(&format!("v1/notifications/webhooks-events/{}", event.id));
    let (resource_type, resource_version) = resource_type(&event.kind);
    let ordered = Ordered {
        id: &event.id,
        event_version: "1.0",
        create_time: time(event.created),
        resource_type,
        resource_version,
        event_type: &event.kind,
        // PayPal's is a sentence.
        summary: event.kind.to_ascii_lowercase().replace('.', " "),
        resource: &event.resource,
        links: json!([{ "href": href, "rel": "self", "method": "GET" }]),
    };
    // Plain JSON can always be written.
    serde_json::to_string(&ordered).unwrap_or_default()
}
