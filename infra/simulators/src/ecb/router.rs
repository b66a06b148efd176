//! The addresses of the bank.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{DAILY_RATES, EcbSimulator, Switches, file};

type Simulator = State<Arc<EcbSimulator>>;

pub(super) fn router(simulator: Arc<EcbSimulator>) -> Router {
    Router::new()
        .route("/", get(async || Redirect::to(DAILY_RATES)))
        .route(&format!("/{DAILY_RATES}"), get(daily_rates))
        .route("/_simulator/switches", get(show_switches).post(set_switches))
        .with_state(simulator)
}

async fn daily_rates(State(simulator): Simulator) -> Response {
    let mut switched = simulator.switched.subscribe();
    while simulator.switches().stall {
        // The sender lives as long as the simulator.
        let _ = switched.changed().await;
    }
    let switches = simulator.switches();
    if switches.fail {
        return (StatusCode::INTERNAL_SERVER_ERROR, "The simulator was told to fail.").into_response();
    }
    ([("content-type", "text/xml")], file::of(simulator.published(), &switches)).into_response()
}

/// `GET /_simulator/switches`.
async fn show_switches(State(simulator): Simulator) -> Json<Switches> {
    Json(simulator.switches())
}

/// `POST /_simulator/switches` with the members to change.
async fn set_switches(State(simulator): Simulator, body: Bytes) -> Response {
    let mut whole = json!(simulator.switches());
    let changes = serde_json::from_slice::<Value>(&body);
    let (Value::Object(members), Ok(Value::Object(changes))) = (&mut whole, changes) else {
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

fn bad_request(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": { "message": message } }))).into_response()
}
