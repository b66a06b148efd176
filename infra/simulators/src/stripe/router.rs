//! From an HTTP request to an answer: keys, idempotency, faults, and which call is meant.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{any, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

use super::api_error::ApiError;
use super::form::Form;
use super::idempotency::Key;
use super::work::{Origin, Work};
use super::{API_VERSION, StripeSimulator, accounts, dispatch, pages, render, simulator_calls};
use crate::faults::{Fault, use_up};
use crate::{answers, random};

pub(super) fn router(simulator: Arc<StripeSimulator>) -> Router {
    Router::new()
        .route("/v1/{*path}", any(api))
        .route(
            "/_simulator/switches",
            get(simulator_calls::show_switches).post(simulator_calls::set_switches),
        )
        .route("/_simulator/balances", get(simulator_calls::balances))
        .route("/_simulator/deliver", post(simulator_calls::deliver))
        .route("/_simulator/pay/{intent}", post(simulator_calls::pay))
        .route("/_simulator/authenticate/{intent}", post(simulator_calls::authenticate))
        .route("/_simulator/onboard/{account}", post(simulator_calls::onboard))
        .route("/_simulator/deauthorize/{account}", post(simulator_calls::deauthorize))
        .route("/_simulator/dispute/{payment}", post(simulator_calls::dispute))
        .route("/_simulator/close_dispute/{dispute}", post(simulator_calls::close_dispute))
        .route("/_simulator/payout/{account}", post(simulator_calls::payout))
        .route("/_simulator/tax/{account}", post(simulator_calls::set_up_tax))
        .route("/_simulator/violations", get(simulator_calls::violations))
        .route("/", get(pages::books::show))
        .route("/pay/{intent}", get(pages::pay::show).post(pages::pay::submit))
        .route("/3ds/{intent}", get(pages::challenge::show).post(pages::challenge::submit))
        .route("/connect/onboarding/{link}", get(pages::onboarding::follow))
        .route("/connect/visit/{visit}", post(pages::onboarding::submit))
        .with_state(simulator)
}

/// An API call after its keys were checked.
struct Call {
    method: Method,
    path: String,
    form: Form,
    origin: Origin,
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
    if method == Method::OPTIONS {
        return preflight();
    }
    let version = headers.get("stripe-version").cloned();
    let path = path.trim_end_matches('/').to_owned();
    let mut answer = match read(&simulator, &id, method, path, &uri, &headers, &body) {
        Ok(call) => perform(&simulator, call).await,
        Err(error) => error_response(&error),
    };
    let headers = answer.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("request-id", id);
    }
    headers.insert("stripe-version", version.unwrap_or(HeaderValue::from_static(API_VERSION)));
    headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
    answer
}

/// Browsers ask before they send a payment from another origin.
fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, POST"),
        (
            "access-control-allow-headers",
            "authorization, content-type, idempotency-key, stripe-account, stripe-version",
        ),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
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
    let form = match method {
        Method::GET | Method::DELETE => Form::parse(uri.query().unwrap_or_default().as_bytes())?,
        _ => {
            let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
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
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let from_client = authenticate(simulator, headers, &form)?;
    let account = text("stripe-account").map(str::to_owned);
    if let Some(account) = &account {
        accounts::find(&simulator.lock().state, account, "account_id")?;
    }
    if method == Method::POST && !from_client {
        check_against_description(simulator, &method, &path, &form)?;
    }
    let key_text = text("idempotency-key").filter(|_| method == Method::POST);
    let key = key_text.map(|key| Key::new(key, account.as_deref(), &path, &form)).transpose()?;
    let origin = Origin {
        request: Some(id.to_owned()),
        idempotency_key: key.as_ref().map(|key| key.text.clone()),
        account,
        from_client,
    };
    Ok(Call { method, path, form, origin, id: id.to_owned(), key })
}

/// Refuses, and remembers, a request that the description of the API does not allow.
fn check_against_description(
    simulator: &StripeSimulator,
    method: &Method,
    path: &str,
    form: &Form,
) -> Result<(), ApiError> {
    let Some(description) = simulator.lock().description.clone() else { return Ok(()) };
    let found = description.check(method.as_str(), &format!("/v1/{path}"), form.fields());
    let Some(first) = found.first() else { return Ok(()) };
    let error = ApiError::invalid(format!("The request violates the description of the API. {first}"));
    let error = if first.parameter.is_empty() { error } else { error.param(first.parameter.clone()) };
    simulator.lock().violations.extend(found);
    Err(error)
}

/// Checks the API key and answers whether it is a client's publishable one.
fn authenticate(simulator: &StripeSimulator, headers: &HeaderMap, form: &Form) -> Result<bool, ApiError> {
    let given = match headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        Some(header) => credentials(header),
        None => form.owned("key"),
    };
    let Some(given) = given else {
        let message = "You did not provide an API key. You need to provide your API key in the Authorization \
                       header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').";
        return Err(ApiError::unauthorized(message));
    };
    if verify_slices_are_equal(given.as_bytes(), simulator.config.secret_key.as_bytes()).is_ok() {
        return Ok(false);
    }
    if given.starts_with("pk_test_") {
        return Ok(true);
    }
    Err(ApiError::unauthorized("Invalid API Key provided."))
}

fn credentials(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        return decoded.split(':').next().map(str::to_owned);
    }
    None
}

/// Does what the call asks for, once, under the faults that are switched on.
async fn perform(simulator: &StripeSimulator, call: Call) -> Response {
    let (fault, _in_use, release) = {
        let mut shared = simulator.lock();
        let fault = shared.switches.take_fault(call.key.is_some());
        if fault == Some(Fault::RateLimit) {
            return error_response(&ApiError::rate_limit());
        }
        if fault == Some(Fault::FailBefore) {
            return error_response(&ApiError::internal("The simulator was told to fail before it acts."));
        }
        if let Some(key) = &call.key {
            match key.stored(&shared.state, simulator.now()) {
                Ok(None) => {}
                Ok(Some(stored)) => return replay(stored, fault),
                Err(error) => return error_response(&error),
            }
        }
        let in_use = match &call.key {
            Some(key) => match simulator.keys_in_use.take(key.scoped.clone()) {
                Some(in_use) => Some(in_use),
                None => return error_response(&ApiError::key_in_use(&key.text)),
            },
            None => None,
        };
        let stalled = use_up(&mut shared.switches.stall_calls);
        (fault, in_use, stalled.then(|| simulator.switched.subscribe()))
    };
    if let Some(mut release) = release {
        // It fails only when the simulator is gone, and then there is nobody left to answer.
        let _ = release.changed().await;
    }
    act(simulator, &call, fault)
}

fn act(simulator: &StripeSimulator, call: &Call, fault: Option<Fault>) -> Response {
    let mut shared = simulator.lock();
    let now = simulator.now();
    if let (Some(Fault::FailForGood), Some(key)) = (fault, &call.key) {
        let error = ApiError::internal("The simulator was told to fail for good.");
        let store = |work: &mut Work| {
            key.store(work.state, now, &call.id, error.status, &error.envelope().to_string());
            Ok(Value::Null)
        };
        let kept = simulator.work(&mut shared, call.origin.clone(), store);
        return error_response(kept.as_ref().err().unwrap_or(&error));
    }
    let mut answered = (500, String::new());
    let run = |work: &mut Work| {
        let expansions = call.form.list("expand").unwrap_or_default();
        let outcome = dispatch::check_expansions(work, &call.method, &call.path, &expansions)
            .and_then(|()| dispatch::dispatch(work, &call.method, &call.path, &call.form));
        let (status, body, stored) = match outcome {
            Ok(mut object) => {
                render::expand(work.state, &mut object, &expansions);
                (200, object.to_string(), true)
            }
            Err(error) => (error.status, error.envelope().to_string(), error.stored),
        };
        answered = match fault {
            Some(Fault::FailAfter) => {
                let error = ApiError::internal("The simulator was told to fail after it acted.");
                (error.status, error.envelope().to_string())
            }
            _ => (status, body),
        };
        if let Some(key) = call.key.as_ref().filter(|_| stored || fault == Some(Fault::FailAfter)) {
            key.store(work.state, now, &call.id, answered.0, &answered.1);
        }
        Ok(Value::Null)
    };
    let kept = match call.method {
        Method::GET => simulator.look(&mut shared, call.origin.clone(), run),
        _ => simulator.work(&mut shared, call.origin.clone(), run),
    };
    let (status, body) = match kept {
        Ok(_) => answered,
        Err(error) => (error.status, error.envelope().to_string()),
    };
    if fault == Some(Fault::LoseAnswer) {
        return answers::lost();
    }
    let mut response = answers::json(status, body);
    if let Some(key) = call.key.as_ref().and_then(|key| HeaderValue::from_str(&key.text).ok()) {
        response.headers_mut().insert("idempotency-key", key);
    }
    response
}

fn replay(stored: &super::idempotency::Stored, fault: Option<Fault>) -> Response {
    match fault {
        Some(Fault::LoseAnswer) => return answers::lost(),
        Some(_) => return error_response(&ApiError::internal("The simulator was told to fail.")),
        None => {}
    }
    let mut response = answers::json(stored.status, stored.body.clone());
    response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    if let Ok(request) = HeaderValue::from_str(&stored.request) {
        response.headers_mut().insert("original-request", request);
    }
    response
}

fn error_response(error: &ApiError) -> Response {
    answers::json(error.status, error.envelope().to_string())
}
