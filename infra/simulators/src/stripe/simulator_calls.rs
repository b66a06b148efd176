//! `/_simulator`: what Stripe does not offer and tests and people want. JSON in and out, no key needed.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DisputeOutcome, Onboarding, PayoutOutcome, Refused, StripeSimulator, Switches};

type Simulator = State<Arc<StripeSimulator>>;

/// `GET /_simulator/switches`.
pub(super) async fn show_switches(State(simulator): Simulator) -> Json<Switches> {
    Json(simulator.switches())
}

/// `POST /_simulator/switches` with the members to change.
pub(super) async fn set_switches(State(simulator): Simulator, body: Bytes) -> Response {
    let mut whole = json!(simulator.switches());
    let changes: Value = match serde_json::from_slice(&body) {
        Ok(changes) => changes,
        Err(error) => return bad_request(&error.to_string()),
    };
    let (Value::Object(members), Value::Object(changes)) = (&mut whole, changes) else {
        return bad_request("send an object with the switches to change");
    };
    members.extend(changes);
    match serde_json::from_value::<Switches>(whole) {
        Ok(switches) => {
            simulator.set_switches(switches.clone());
            Json(switches).into_response()
        }
        Err(error) => bad_request(&error.to_string()),
    }
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
    match serde_json::from_slice::<Pay>(&body) {
        Ok(order) => answer(simulator.pay(&intent, &order.card_number)),
        Err(error) => bad_request(&error.to_string()),
    }
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
    match serde_json::from_slice::<Authenticate>(&body) {
        Ok(order) => answer(simulator.authenticate(&intent, order.approve)),
        Err(error) => bad_request(&error.to_string()),
    }
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
    match serde_json::from_slice::<Onboard>(&body) {
        Ok(order) => {
            let outcome = simulator.onboard(&account, order.outcome);
            answer(outcome.map(|()| simulator.object(&account).unwrap_or_default()))
        }
        Err(error) => bad_request(&error.to_string()),
    }
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
    match serde_json::from_slice::<Dispute>(&body) {
        Ok(order) => answer(simulator.dispute(&payment, order.amount, &order.reason)),
        Err(error) => bad_request(&error.to_string()),
    }
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
    match serde_json::from_slice::<CloseDispute>(&body) {
        Ok(order) => answer(simulator.close_dispute(&dispute, order.outcome)),
        Err(error) => bad_request(&error.to_string()),
    }
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
    match serde_json::from_slice::<PayOut>(&body) {
        Ok(order) => {
            answer(simulator.pay_out(&account, order.amount, order.currency.as_deref(), order.outcome))
        }
        Err(error) => bad_request(&error.to_string()),
    }
}

/// `POST /_simulator/deauthorize/{account}`: answers `{}`.
pub(super) async fn deauthorize(State(simulator): Simulator, Path(account): Path<String>) -> Response {
    answer(simulator.deauthorize(&account).map(|()| json!({})))
}

/// `GET /_simulator/violations`: the requests that violated the description.
pub(super) async fn violations(State(simulator): Simulator) -> Response {
    Json(simulator.violations()).into_response()
}

fn answer(outcome: Result<Value, Refused>) -> Response {
    match outcome {
        Ok(object) => Json(object).into_response(),
        Err(refused) => {
            let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let error = json!({ "code": refused.code, "message": refused.message });
            (status, Json(json!({ "error": error }))).into_response()
        }
    }
}

fn bad_request(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": { "message": message } }))).into_response()
}
