//! `/_simulator`: what the services do not offer and tests and developers need. JSON in and out, no key needed.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::responses;
use crate::simulator::{Refused, Service, Simulator};

/// The routes of every payment simulator: its faults, its balances, and `POST /_simulator/deliver`, which
/// delivers the webhooks that are due and returns `{"attempts":n}`.
pub(crate) fn common<S: Service>() -> Router<Arc<Simulator<S>>> {
    let show = async |State(simulator): State<Arc<Simulator<S>>>| Json(simulator.faults());
    let set = async |State(simulator): State<Arc<Simulator<S>>>, body: Bytes| {
        change(&simulator.faults(), &body, |faults| simulator.set_faults(faults))
    };
    let balances = async |State(simulator): State<Arc<Simulator<S>>>| Json(simulator.balances());
    let deliver = async |State(simulator): State<Arc<Simulator<S>>>| {
        Json(json!({ "attempts": simulator.deliver_due_webhooks().await }))
    };
    Router::new()
        .route("/_simulator/faults", get(show).post(set))
        .route("/_simulator/balances", get(balances))
        .route("/_simulator/deliver", post(deliver))
}

/// The routes of the actions on objects, such as `POST /_simulator/dispute/{id}`. The path names the action, a variant
/// of `A`, and the object; the body has the members of the variant. An empty body is an empty object.
pub(crate) fn actions<S: Service, A: DeserializeOwned + 'static>(
    act: fn(&Simulator<S>, &str, A) -> Result<Value, Refused>,
) -> MethodRouter<Arc<Simulator<S>>> {
    post(
        async move |State(simulator): State<Arc<Simulator<S>>>,
                    Path((action, id)): Path<(String, String)>,
                    body: Bytes| {
            let members = serde_json::from_slice::<Value>(if body.is_empty() { b"{}" } else { &body });
            match members.and_then(|members| serde_json::from_value(json!({ (action): members }))) {
                Ok(asked) => act(&simulator, &id, asked).map(Json).into_response(),
                Err(error) => bad_request(&error.to_string()),
            }
        },
    )
}

/// Changes the members of `settings` that are named in `body`, and returns all of them.
pub(crate) fn change<T: Clone + Serialize + DeserializeOwned>(
    settings: &T,
    body: &[u8],
    set: impl FnOnce(T),
) -> Response {
    let mut whole = json!(settings);
    let changes: Value = match serde_json::from_slice(body) {
        Ok(changes) => changes,
        Err(error) => return bad_request(&error.to_string()),
    };
    let (Value::Object(members), Value::Object(changes)) = (&mut whole, changes) else {
        return bad_request("send an object with the members to change");
    };
    members.extend(changes);
    match serde_json::from_value::<T>(whole) {
        Ok(settings) => {
            set(settings.clone());
            Json(settings).into_response()
        }
        Err(error) => bad_request(&error.to_string()),
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let error = json!({ "error": { "code": self.code, "message": self.message } });
        responses::json(self.status, error.to_string())
    }
}

fn bad_request(message: &str) -> Response {
    responses::json(400, json!({ "error": { "message": message } }).to_string())
}
