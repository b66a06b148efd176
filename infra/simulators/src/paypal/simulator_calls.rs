//! `/_simulator`: what PayPal does not offer and tests and people want. JSON in and out, no token needed.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DisputeOutcome, DisputeReason, Onboarding, PayPalSimulator, Refused, Switches, TEST_PAYERS};
use crate::simulator_calls::{change_switches, perform, refusal};

type Simulator = State<Arc<PayPalSimulator>>;

/// `GET /_simulator/switches`.
pub(super) async fn show_switches(State(simulator): Simulator) -> Json<Switches> {
    Json(simulator.switches())
}

/// `POST /_simulator/switches` with the members to change.
pub(super) async fn set_switches(State(simulator): Simulator, body: Bytes) -> Response {
    change_switches(&simulator.switches(), &body, |switches| simulator.set_switches(switches))
}

/// `GET /_simulator/balances`.
pub(super) async fn balances(State(simulator): Simulator) -> Response {
    Json(simulator.balances()).into_response()
}

/// `GET /_simulator/payers`: the test payers, as `{"name":…,"payer_id":…,"effect":…}`.
pub(super) async fn payers() -> Json<Value> {
    let shown = TEST_PAYERS.iter();
    let shown =
        shown.map(|payer| json!({ "name": payer.name, "payer_id": payer.payer_id, "effect": payer.effect }));
    Json(shown.collect())
}

/// `POST /_simulator/deliver`: delivers the webhooks that are due and answers `{"attempts":n}`.
pub(super) async fn deliver(State(simulator): Simulator) -> Json<Value> {
    Json(json!({ "attempts": simulator.deliver_due_webhooks().await }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Onboard {
    outcome: Onboarding,
}

/// `POST /_simulator/onboard/{tracking_id}` with `{"outcome":"complete"}`: answers the seller.
pub(super) async fn onboard(
    State(simulator): Simulator,
    Path(tracking_id): Path<String>,
    body: Bytes,
) -> Response {
    perform(&body, |order: Onboard| simulator.onboard(&tracking_id, order.outcome))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// `POST /_simulator/revoke/{merchant_id}` with `{}`: answers the seller.
pub(super) async fn revoke(
    State(simulator): Simulator,
    Path(merchant_id): Path<String>,
    body: Bytes,
) -> Response {
    perform(&body, |_: Nothing| simulator.revoke(&merchant_id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approve {
    payer: String,
}

/// `POST /_simulator/approve/{order}` with `{"payer":"good"}`: answers the order.
pub(super) async fn approve(State(simulator): Simulator, Path(order): Path<String>, body: Bytes) -> Response {
    perform(&body, |asked: Approve| simulator.approve(&order, &asked.payer))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dispute {
    reason: DisputeReason,
    amount: Option<i64>,
}

/// `POST /_simulator/dispute/{capture}` with `{"reason":"MERCHANDISE_OR_SERVICE_NOT_RECEIVED"}`, and the
/// `amount` in minor units when it is not all that is left: answers the dispute.
pub(super) async fn dispute(
    State(simulator): Simulator,
    Path(capture): Path<String>,
    body: Bytes,
) -> Response {
    perform(&body, |asked: Dispute| simulator.dispute(&capture, asked.reason, asked.amount))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resolve {
    outcome: DisputeOutcome,
}

/// `POST /_simulator/resolve/{dispute}` with `{"outcome":"RESOLVED_BUYER_FAVOUR"}`: answers the dispute.
pub(super) async fn resolve(
    State(simulator): Simulator,
    Path(dispute): Path<String>,
    body: Bytes,
) -> Response {
    perform(&body, |asked: Resolve| simulator.resolve_dispute(&dispute, asked.outcome))
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        refusal(self.status, &json!({ "issue": self.issue, "message": self.message }))
    }
}
