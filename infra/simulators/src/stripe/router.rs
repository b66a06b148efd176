//! From an HTTP request to a response: authentication, idempotency, and faults.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::response::Response;
use axum::routing::{any, get, post};
use bytes::Bytes;
use serde_json::Value;

use super::api_error::ApiError;
use super::auth::Client;
use super::form::Form;
use super::work::{Caller, Work};
use super::{
    API_VERSION, StripeSimulator, accounts, auth, dispatch, expand, idempotency, pages, simulator_routes,
};
use crate::faults::Fault;
use crate::idempotency::Key;
use crate::simulator::Rejection;
use crate::{random, responses};

pub(super) fn router(simulator: Arc<StripeSimulator>) -> Router {
    Router::new()
        .route("/v1/{*path}", any(api))
        .route("/", get(pages::books::show))
        .route("/pay/{intent}", get(pages::pay::show).post(pages::pay::submit))
        .route("/3ds/{intent}", get(pages::challenge::show).post(pages::challenge::submit))
        .route("/connect/onboarding/{link}", get(pages::onboarding::follow))
        .route("/connect/visit/{visit}", post(pages::onboarding::submit))
        .merge(simulator_routes::routes())
        .with_state(simulator)
}

/// An API call after authentication.
struct Call {
    method: Method,
    path: String,
    form: Form,
    caller: Caller,
    /// The call's `req_…` id.
    id: String,
    key: Option<Key>,
}

async fn api(
    State(simulator): State<Arc<StripeSimulator>>,
    Path(path): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let id = format!("req_{}", random::letters(14));
    let version = headers.get("stripe-version").cloned();
    let path = path.trim_end_matches('/').to_owned();
    let mut response = match read(&simulator, &id, method, path, &uri, &headers, &body) {
        Ok(call) => perform(&simulator, call).await,
        Err(error) => error_response(&error),
    };
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("request-id", id);
    }
    headers.insert("stripe-version", version.unwrap_or(HeaderValue::from_static(API_VERSION)));
    headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
    response
}

fn read(
    simulator: &StripeSimulator,
    id: &str,
    method: Method,
    path: String,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Call, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let form = match method {
        Method::GET | Method::DELETE => Form::parse(uri.query().unwrap_or_default().as_bytes())?,
        _ => {
            let kind = text(CONTENT_TYPE.as_str()).unwrap_or_default();
            if !body.is_empty() && !kind.starts_with("application/x-www-form-urlencoded") {
                let message = format!(
                    "Invalid request (check that your POST content type is \
                     application/x-www-form-urlencoded); it is {kind:?}."
                );
                return Err(ApiError::invalid(message));
            }
            Form::parse(body)?
        }
    };
    let client = auth::client(&simulator.service.secret_key, headers, &form)?;
    let account = text("stripe-account").map(str::to_owned);
    if let Some(account) = &account {
        accounts::find(&simulator.lock().state, account, "account_id")?;
    }
    if method == Method::POST && client == Client::Platform {
        let check = simulator.service.request_check.get();
        if let Some(wrong) = check.and_then(|check| check("POST", &format!("/v1/{path}"), form.fields())) {
            return Err(ApiError::invalid(wrong));
        }
    }
    let key_text = text("idempotency-key").filter(|_| method == Method::POST);
    let key = key_text.map(|key| idempotency::key(key, account.as_deref(), &path, &form)).transpose()?;
    let caller = Caller {
        request: Some(id.to_owned()),
        idempotency_key: key_text.map(str::to_owned),
        account,
        browser: client == Client::Browser,
    };
    Ok(Call { method, path, form, caller, id: id.to_owned(), key })
}

/// Executes a call once, with the faults that are set.
async fn perform(simulator: &StripeSimulator, call: Call) -> Response {
    let now = simulator.now();
    let replay = |state: &super::state::State, fault| {
        let key = call.key.as_ref()?;
        match state.stored_responses.get(key, now) {
            Ok(stored) => stored.map(|stored| replayed(stored, fault)),
            Err(_) => Some(error_response(&ApiError::other_parameters(&key.text))),
        }
    };
    let reject = |why| match why {
        Rejection::RateLimit => error_response(&ApiError::rate_limit()),
        Rejection::FailBefore => {
            error_response(&ApiError::internal("The simulator was told to fail before it acts."))
        }
        Rejection::KeyInUse => {
            let key = call.key.as_ref().map_or("", |key| key.text.as_str());
            error_response(&ApiError::key_in_use(key))
        }
    };
    match simulator.admit(call.key.as_ref(), replay, reject).await {
        Ok(admitted) => act(simulator, &call, admitted.fault),
        Err(response) => response,
    }
}

fn act(simulator: &StripeSimulator, call: &Call, fault: Option<Fault>) -> Response {
    let mut shared = simulator.lock();
    let run = |work: &mut Work| {
        let (status, body, stored) = execute(work, call, fault);
        if let Some(key) = call.key.as_ref().filter(|_| stored) {
            let response = idempotency::Response { status, body: body.clone(), request: call.id.clone() };
            work.state.stored_responses.store(key, work.now, response);
        }
        Ok((status, body))
    };
    let outcome = match call.method {
        Method::GET => simulator.read(&mut shared, call.caller.clone(), run),
        _ => simulator.write(&mut shared, call.caller.clone(), run),
    };
    if fault == Some(Fault::LoseResponse) {
        return responses::lost();
    }
    let (status, body) = outcome.unwrap_or_else(|error| (error.status, error.envelope()));
    let mut response = responses::json(status, body);
    if let Some(key) = call.key.as_ref().and_then(|key| HeaderValue::from_str(&key.text).ok()) {
        response.headers_mut().insert("idempotency-key", key);
    }
    response
}

/// Executes a call. Returns the status and body of the response, and whether the idempotency key replays it.
fn execute(work: &mut Work, call: &Call, fault: Option<Fault>) -> (u16, String, bool) {
    let failed = |when: &str| {
        let error = ApiError::internal(&format!("The simulator was told to fail {when}."));
        (error.status, error.envelope(), true)
    };
    if fault == Some(Fault::FailForGood) {
        return failed("for good");
    }
    let expansions = call.form.list("expand").unwrap_or_default();
    let outcome = dispatch::check_expansions(work, &call.method, &call.path, &expansions)
        .and_then(|()| dispatch::dispatch(work, &call.method, &call.path, &call.form));
    match outcome {
        _ if fault == Some(Fault::FailAfter) => failed("after it acted"),
        Ok(mut object) => {
            expand::expand(work.state, &mut object, &expansions);
            (200, Value::to_string(&object), true)
        }
        Err(error) => (error.status, error.envelope(), error.stored),
    }
}

fn replayed(stored: &idempotency::Response, fault: Option<Fault>) -> Response {
    match fault {
        Some(Fault::LoseResponse) => return responses::lost(),
        Some(_) => return error_response(&ApiError::internal("The simulator was told to fail.")),
        None => {}
    }
    let mut response = responses::json(stored.status, stored.body.clone());
    response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    if let Ok(request) = HeaderValue::from_str(&stored.request) {
        response.headers_mut().insert("original-request", request);
    }
    response
}

fn error_response(error: &ApiError) -> Response {
    responses::json(error.status, error.envelope())
}
