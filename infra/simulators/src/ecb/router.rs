//! The addresses of the bank.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;

use super::{DAILY_RATES, EcbSimulator, Switches, file};
use crate::simulator_routes::change;

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
    change(&simulator.switches(), &body, |switches| simulator.set_switches(switches))
}
