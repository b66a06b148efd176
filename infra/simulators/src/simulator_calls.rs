//! `/_simulator`: what all simulators offer in the same words. JSON in and out.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answers;

/// Changes the members of the switches that are named in `body`, and answers the whole.
pub(crate) fn change_switches<S: Clone + Serialize + DeserializeOwned>(
    switches: &S,
    body: &[u8],
    set: impl FnOnce(S),
) -> Response {
    let mut whole = json!(switches);
    let changes: Value = match serde_json::from_slice(body) {
        Ok(changes) => changes,
        Err(error) => return bad_request(&error.to_string()),
    };
    let (Value::Object(members), Value::Object(changes)) = (&mut whole, changes) else {
        return bad_request("send an object with the switches to change");
    };
    members.extend(changes);
    match serde_json::from_value::<S>(whole) {
        Ok(switches) => {
            set(switches.clone());
            Json(switches).into_response()
        }
        Err(error) => bad_request(&error.to_string()),
    }
}

/// Does what `body` asks for, and answers the object that was changed by it.
pub(crate) fn perform<T: DeserializeOwned, E: IntoResponse>(
    body: &[u8],
    act: impl FnOnce(T) -> Result<Value, E>,
) -> Response {
    match serde_json::from_slice(body) {
        Ok(asked) => answer(act(asked)),
        Err(error) => bad_request(&error.to_string()),
    }
}

/// Answers an object, or why there is none.
pub(crate) fn answer(outcome: Result<Value, impl IntoResponse>) -> Response {
    outcome.map(Json).into_response()
}

/// An error with these members.
pub(crate) fn refusal(status: u16, members: &Value) -> Response {
    answers::json(status, json!({ "error": members }).to_string())
}

fn bad_request(message: &str) -> Response {
    refusal(400, &json!({ "message": message }))
}
