//! `/_simulator`: what Stripe does not offer and tests and people want. JSON in and out, no key needed.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DisputeOutcome, Onboarding, PayoutOutcome, Refused, StripeSimulator, Switches};
use crate::simulator_calls::{answer, change_switches, perform, refusal};

type Simulator = State<Arc<StripeSimulator>>;

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

/// `POST /_simulator/deliver`: delivers the webhooks that are due and answers `{"attempts":n}`.
pub(super) async fn deliver(State(simulator): Simulator) -> Json<Value> {
    Json(json!({ "attempts": simulator.deliver_due_webhooks().await }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pay {
    card_number: String,
}

/// `POST /_simulator/pay/{intent}` with `{"card_number":"4242424242424242"}`: answers the intent.
pub(super) async fn pay(State(simulator): Simulator, Path(intent): Path<String>, body: Bytes) -> Response {
    perform(&body, |order: Pay| simulator.pay(&intent, &order.card_number))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authenticate {
    approve: bool,
}

/// `POST /_simulator/authenticate/{intent}` with `{"approve":true}`: answers the intent.
pub(super) async fn authenticate(
    State(simulator): Simulator,
    Path(intent): Path<String>,
    body: Bytes,
) -> Response {
    perform(&body, |order: Authenticate| simulator.authenticate(&intent, order.approve))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Onboard {
    outcome: Onboarding,
}

/// `POST /_simulator/onboard/{account}` with `{"outcome":"complete"}`: answers the account.
pub(super) async fn onboard(
    State(simulator): Simulator,
    Path(account): Path<String>,
    body: Bytes,
) -> Response {
    perform(&body, |order: Onboard| {
        simulator.onboard(&account, order.outcome)?;
        Ok::<_, Refused>(simulator.object(&account).unwrap_or_default())
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dispute {
    amount: Option<i64>,
    reason: String,
}

/// `POST /_simulator/dispute/{charge or intent}` with `{"reason":"fraudulent"}`, and an `amount` unless it is
/// about everything: answers the dispute.
pub(super) async fn dispute(
    State(simulator): Simulator,
    Path(payment): Path<String>,
    body: Bytes,
) -> Response {
    perform(&body, |order: Dispute| simulator.dispute(&payment, order.amount, &order.reason))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseDispute {
    outcome: DisputeOutcome,
}

/// `POST /_simulator/close_dispute/{dispute}` with `{"outcome":"won"}` or `lost`: answers the dispute.
pub(super) async fn close_dispute(
    State(simulator): Simulator,
    Path(dispute): Path<String>,
    body: Bytes,
) -> Response {
    perform(&body, |order: CloseDispute| simulator.close_dispute(&dispute, order.outcome))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayOut {
    amount: Option<i64>,
    currency: Option<String>,
    outcome: PayoutOutcome,
}

/// `POST /_simulator/payout/{account}` with `{"outcome":"paid"}` or `failed`, and an `amount` unless it is of
/// everything: answers the payout.
pub(super) async fn payout(
    State(simulator): Simulator,
    Path(account): Path<String>,
    body: Bytes,
) -> Response {
    perform(&body, |order: PayOut| {
        simulator.pay_out(&account, order.amount, order.currency.as_deref(), order.outcome)
    })
}

/// `POST /_simulator/deauthorize/{account}`: answers `{}`.
pub(super) async fn deauthorize(State(simulator): Simulator, Path(account): Path<String>) -> Response {
    answer(simulator.deauthorize(&account).map(|()| json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetUpTax {
    active: bool,
    #[serde(default)]
    registrations: Vec<String>,
}

/// `POST /_simulator/tax/{account}` with `{"active":true,"registrations":["DE","US-CA"]}`: answers the account's tax settings.
pub(super) async fn set_up_tax(
    State(simulator): Simulator,
    Path(account): Path<String>,
    body: Bytes,
) -> Response {
    perform(&body, |order: SetUpTax| {
        let registrations: Vec<&str> = order.registrations.iter().map(String::as_str).collect();
        simulator.set_up_tax(&account, order.active, &registrations)
    })
}

/// `GET /_simulator/violations`: the requests that violated the description.
pub(super) async fn violations(State(simulator): Simulator) -> Response {
    Json(simulator.violations()).into_response()
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        refusal(self.status, &json!({ "code": self.code, "message": self.message }))
    }
}
