//! From an HTTP request to a response: authentication, idempotency, faults, and the routes of the API.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::response::Response;
use axum::routing::{any, get, post};
use bytes::Bytes;

use super::api_error::ApiError;
use super::state::Intent;
use super::work::{Caller, Outcome, Repeated, Success, Work};
use super::{
    PayPalSimulator, auth, authorizations, body, disputes, events, idempotency, ids, orders, pages, payouts,
    refunds, render, sellers, simulator_routes,
};
use crate::faults::Fault;
use crate::idempotency::Key;
use crate::responses;
use crate::simulator::Rejection;

pub(super) fn router(simulator: Arc<PayPalSimulator>) -> Router {
    Router::new()
        .route("/v1/oauth2/token", post(auth::token))
        .route("/v1/notifications/certs/{name}", get(certificate))
        .route("/v1/{*path}", any(api))
        .route("/v2/{*path}", any(api))
        .route("/", get(pages::books::show))
        .route("/checkoutnow", get(pages::approve::show).post(pages::approve::submit))
        .route("/bizsignup/partner/entry", get(pages::onboarding::show).post(pages::onboarding::submit))
        .merge(simulator_routes::routes())
        .with_state(simulator)
}

/// An API call after authentication.
struct Call {
    method: Method,
    path: String,
    query: String,
    body: Bytes,
    caller: Caller,
    key: Option<Key>,
    /// The caller prefers the whole object to its short form.
    whole: bool,
}

async fn api(
    State(simulator): State<Arc<PayPalSimulator>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let debug_id = ids::debug();
    let error = |error: &ApiError| responses::json(error.status, error.envelope(&debug_id).to_string());
    let mut response = match read(&simulator, method, &uri, &headers, body) {
        Ok(call) => {
            let reject = |why| match why {
                Rejection::RateLimit => error(&ApiError::too_many_requests()),
                Rejection::FailBefore => error(&ApiError::internal()),
                Rejection::KeyInUse => error(&ApiError::in_progress()),
            };
            match simulator.admit(call.key.as_ref(), |_, _| None, reject).await {
                Ok(admitted) => act(&simulator, &call, admitted.fault, error),
                Err(response) => response,
            }
        }
        Err(refusal) => error(&refusal),
    };
    if let Ok(id) = HeaderValue::from_str(&debug_id) {
        response.headers_mut().insert("paypal-debug-id", id);
    }
    response
}

fn read(
    simulator: &PayPalSimulator,
    method: Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Call, ApiError> {
    let caller = auth::caller(simulator, headers)?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = text(CONTENT_TYPE.as_str()).unwrap_or_default();
    if method != Method::GET && !kind.starts_with("application/json") {
        return Err(ApiError::wrong_media_type());
    }
    let path = uri.path().trim_matches('/').to_owned();
    let key = match text("paypal-request-id").filter(|_| method == Method::POST) {
        Some(id) => idempotency::key(id, &path, &body)?,
        None => None,
    };
    let whole = method == Method::GET || text("prefer") == Some("return=representation");
    let query = uri.query().unwrap_or_default().to_owned();
    Ok(Call { method, path, query, body, caller, key, whole })
}

/// Executes a call, or replays it, and returns the response that the fault leaves of it.
fn act(
    simulator: &PayPalSimulator,
    call: &Call,
    fault: Option<Fault>,
    error: impl Fn(&ApiError) -> Response,
) -> Response {
    if fault == Some(Fault::FailForGood) {
        return error(&ApiError::internal());
    }
    let mut shared = simulator.lock();
    let run = |work: &mut Work| {
        let Some(key) = &call.key else { return dispatch(work, call) };
        let reused = |_| ApiError::unprocessable("DUPLICATE_REQUEST_ID");
        if let Some(stored) = work.state.stored_responses.get(key, work.now).map_err(reused)? {
            return Ok(stored.response());
        }
        let response = dispatch(work, call)?;
        if let Some(repeated) = Repeated::of(&response) {
            work.state.stored_responses.store(key, work.now, repeated);
        }
        Ok(response)
    };
    let outcome = match call.method {
        Method::GET => simulator.read(&mut shared, call.caller.clone(), run),
        _ => simulator.write(&mut shared, call.caller.clone(), run),
    };
    match fault {
        Some(Fault::LoseResponse) => return responses::lost(),
        Some(_) => return error(&ApiError::internal()),
        None => {}
    }
    let object = |id: &str| {
        let whole = simulator.view(&shared.state).any(id).unwrap_or_default();
        if call.whole { whole.to_string() } else { render::short(&whole).to_string() }
    };
    match outcome {
        Ok(Success::Object { status, id }) => responses::json(status, object(&id)),
        Ok(Success::NoContent { id }) if call.whole => responses::json(200, object(&id)),
        Ok(Success::NoContent { .. }) => responses::with_status(204, Body::empty()),
        Ok(Success::Body { status, body }) => responses::json(status, body.to_string()),
        Err(refusal) => error(&refusal),
    }
}

fn dispatch(work: &mut Work, call: &Call) -> Outcome {
    let parts: Vec<&str> = call.path.split('/').collect();
    let sent = &*call.body;
    match (&call.method, parts.as_slice()) {
        (&Method::POST, ["v2", "checkout", "orders"]) => {
            orders::create(work, body::read(sent)?, call.key.is_some())
        }
        (&Method::POST, ["v2", "checkout", "orders", id, action @ ("authorize" | "capture")]) => {
            body::read::<authorizations::Void>(sent)?;
            let intent = if *action == "capture" { Intent::Capture } else { Intent::Authorize };
            orders::complete(work, id, intent)
        }
        (&Method::POST, ["v2", "payments", "authorizations", id, "capture"]) => {
            authorizations::capture(work, id, body::read(sent)?)
        }
        (&Method::POST, ["v2", "payments", "authorizations", id, "void"]) => {
            body::read::<authorizations::Void>(sent)?;
            authorizations::void(work, id)
        }
        (&Method::POST, ["v2", "payments", "authorizations", id, "reauthorize"]) => {
            authorizations::reauthorize(work, id, &body::read(sent)?)
        }
        (&Method::POST, ["v2", "payments", "captures", id, "refund"]) => {
            refunds::create(work, id, body::read(sent)?)
        }
        (&Method::POST, ["v1", "payments", "referenced-payouts-items"]) => {
            payouts::create(work, body::read(sent)?)
        }
        (&Method::POST, ["v2", "customer", "partner-referrals"]) => sellers::refer(work, body::read(sent)?),
        (&Method::POST, ["v1", "notifications", "verify-webhook-signature"]) => work.service.verify(sent),
        (&Method::GET, parts) => retrieve(work, parts, &call.query, &call.path),
        _ => Err(ApiError::not_found(&call.path)),
    }
}

/// `GET` of an object, or of a list.
fn retrieve(work: &Work, parts: &[&str], query: &str, path: &str) -> Outcome {
    let (id, payee) = match parts {
        ["v2", "checkout", "orders", id] => (*id, work.order(id)?.payee.clone()),
        ["v2", "payments", "authorizations", id] => (*id, work.authorization(id)?.1.payee),
        ["v2", "payments", "captures", id] => (*id, work.capture(id)?.1.payee),
        ["v2", "payments", "refunds", id] => (*id, work.refund(id)?.1.payee),
        ["v1", "customer", "disputes"] => return disputes::list(work, query),
        ["v1", "customer", "disputes", id] => (*id, work.dispute(id)?.1.payee),
        ["v1", "customer", "partners", partner, "merchant-integrations"] => {
            return sellers::find(work, partner, query);
        }
        ["v1", "customer", "partners", partner, "merchant-integrations", merchant] => {
            return sellers::status(work, partner, merchant);
        }
        ["v1", "notifications", "webhooks-events", id] => {
            let event = work.state.events.get(id).ok_or_else(|| ApiError::not_found(id))?;
            let body = serde_json::from_str(&events::body(&work.service.config, event)).unwrap_or_default();
            return Ok(Success::Body { status: 200, body });
        }
        _ => return Err(ApiError::not_found(path)),
    };
    work.check_assertion(&payee)?;
    Ok(Success::Object { status: 200, id: id.to_owned() })
}

/// The certificate at the address of `PAYPAL-CERT-URL`.
async fn certificate(State(simulator): State<Arc<PayPalSimulator>>, Path(name): Path<String>) -> Response {
    let key = &simulator.service.key;
    if name != key.certificate_name() {
        return responses::with_status(404, Body::empty());
    }
    let mut response = responses::with_status(200, Body::from(key.certificate_pem()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-pem-file"));
    response
}
