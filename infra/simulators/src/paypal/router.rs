//! From an HTTP request to an answer: tokens, idempotency, faults, and which call is meant.

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
use super::idempotency::Key;
use super::state::Intent;
use super::work::{Answer, Caller, Outcome, Work};
use super::{
    PayPalSimulator, access, authorizations, body, disputes, events, ids, orders, pages, refunds, render,
    sellers, simulator_calls, webhooks,
};
use crate::answers;
use crate::faults::{Fault, use_up};

pub(super) fn router(simulator: Arc<PayPalSimulator>) -> Router {
    Router::new()
        .route("/v1/oauth2/token", post(access::token))
        .route("/v1/notifications/certs/{name}", get(certificate))
        .route("/v1/{*path}", any(api))
        .route("/v2/{*path}", any(api))
        .route(
            "/_simulator/switches",
            get(simulator_calls::show_switches).post(simulator_calls::set_switches),
        )
        .route("/_simulator/balances", get(simulator_calls::balances))
        .route("/_simulator/payers", get(simulator_calls::payers))
        .route("/_simulator/deliver", post(simulator_calls::deliver))
        .route("/_simulator/onboard/{tracking_id}", post(simulator_calls::onboard))
        .route("/_simulator/revoke/{merchant_id}", post(simulator_calls::revoke))
        .route("/_simulator/approve/{order}", post(simulator_calls::approve))
        .route("/_simulator/dispute/{capture}", post(simulator_calls::dispute))
        .route("/_simulator/resolve/{dispute}", post(simulator_calls::resolve))
        .route("/", get(pages::books::show))
        .route("/checkoutnow", get(pages::approve::show).post(pages::approve::submit))
        .route("/bizsignup/partner/entry", get(pages::onboarding::show).post(pages::onboarding::submit))
        .with_state(simulator)
}

/// An API call after its token was checked.
struct Call {
    method: Method,
    path: String,
    query: String,
    body: Bytes,
    caller: Caller,
    key: Option<Key>,
    /// The caller prefers the whole object to the short answer.
    whole: bool,
    debug_id: String,
}

async fn api(
    State(simulator): State<Arc<PayPalSimulator>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let debug_id = ids::debug();
    let mut answer = match read(&simulator, &debug_id, method, &uri, &headers, body) {
        Ok(call) => perform(&simulator, call).await,
        Err(error) => error_response(&error, &debug_id),
    };
    if let Ok(id) = HeaderValue::from_str(&debug_id) {
        answer.headers_mut().insert("paypal-debug-id", id);
    }
    answer
}

fn read(
    simulator: &PayPalSimulator,
    debug_id: &str,
    method: Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Call, ApiError> {
    let caller = access::caller(simulator, headers)?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = text(CONTENT_TYPE.as_str()).unwrap_or_default();
    if method != Method::GET && !kind.starts_with("application/json") {
        return Err(ApiError::wrong_media_type());
    }
    let path = uri.path().trim_matches('/').to_owned();
    let key = match text("paypal-request-id").filter(|_| method == Method::POST) {
        Some(id) => Key::new(id, &path, &body)?,
        None => None,
    };
    let whole = method == Method::GET || text("prefer") == Some("return=representation");
    let query = uri.query().unwrap_or_default().to_owned();
    Ok(Call { method, path, query, body, caller, key, whole, debug_id: debug_id.to_owned() })
}

/// Does what the call asks for, once, under the faults that are switched on.
async fn perform(simulator: &PayPalSimulator, call: Call) -> Response {
    let (fault, _in_use, release) = {
        let mut shared = simulator.lock();
        let fault = shared.switches.take_fault();
        match fault {
            Some(Fault::RateLimit) => return error_response(&ApiError::too_many_requests(), &call.debug_id),
            Some(Fault::FailBefore) => return error_response(&ApiError::internal(), &call.debug_id),
            _ => {}
        }
        let in_use = match &call.key {
            Some(key) => match simulator.keys_in_use.take(key.scoped.clone()) {
                Some(in_use) => Some(in_use),
                None => return error_response(&ApiError::in_progress(), &call.debug_id),
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

fn act(simulator: &PayPalSimulator, call: &Call, fault: Option<Fault>) -> Response {
    let mut shared = simulator.lock();
    let run = |work: &mut Work| {
        let (now, key) = (work.now, call.key.as_ref());
        if let Some(stored) = key.map(|key| key.stored(work.state, now)).transpose()?.flatten() {
            return Ok(stored.answer());
        }
        let answer = dispatch(work, simulator, call)?;
        if let Some(key) = key {
            key.store(work.state, now, &answer);
        }
        Ok(answer)
    };
    let outcome = match call.method {
        Method::GET => simulator.look(&mut shared, call.caller.clone(), run),
        _ => simulator.work(&mut shared, call.caller.clone(), run),
    };
    match fault {
        Some(Fault::LoseAnswer) => return answers::lost(),
        Some(_) => return error_response(&ApiError::internal(), &call.debug_id),
        None => {}
    }
    let object = |id: &str| {
        let whole = simulator.view(&shared.state).any(id).unwrap_or_default();
        if call.whole { whole.to_string() } else { render::short(&whole).to_string() }
    };
    match outcome {
        Ok(Answer::Object { status, id }) => answers::json(status, object(&id)),
        Ok(Answer::Quiet { id }) if call.whole => answers::json(200, object(&id)),
        Ok(Answer::Quiet { .. }) => answers::with_status(204, Body::empty()),
        Ok(Answer::Body { status, body }) => answers::json(status, body.to_string()),
        Err(error) => error_response(&error, &call.debug_id),
    }
}

fn dispatch(work: &mut Work, simulator: &PayPalSimulator, call: &Call) -> Outcome {
    let parts: Vec<&str> = call.path.split('/').collect();
    let sent = &*call.body;
    match (&call.method, parts.as_slice()) {
        (&Method::POST, ["v2", "checkout", "orders"]) => {
            orders::create(work, body::read(sent)?, call.key.is_some())
        }
        (&Method::POST, ["v2", "checkout", "orders", id, "authorize"]) => {
            body::read::<authorizations::Void>(sent)?;
            orders::complete(work, id, Intent::Authorize)
        }
        (&Method::POST, ["v2", "checkout", "orders", id, "capture"]) => {
            body::read::<authorizations::Void>(sent)?;
            orders::complete(work, id, Intent::Capture)
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
        (&Method::POST, ["v2", "customer", "partner-referrals"]) => sellers::refer(work, body::read(sent)?),
        (&Method::POST, ["v1", "notifications", "verify-webhook-signature"]) => {
            webhooks::verify(work.config, &simulator.key, sent)
        }
        (&Method::GET, parts) => retrieve(work, parts, &call.query, &call.path),
        _ => Err(ApiError::not_found(&call.path)),
    }
}

/// `GET` of one thing, or of a list.
fn retrieve(work: &Work, parts: &[&str], query: &str, path: &str) -> Outcome {
    let (id, payee) = match parts {
        ["v2", "checkout", "orders", id] => (*id, work.order(id)?.payee.clone()),
        ["v2", "payments", "authorizations", id] => (*id, work.authorization(id)?.1.payee),
        ["v2", "payments", "captures", id] => (*id, work.capture(id)?.1.payee),
        ["v2", "payments", "refunds", id] => (*id, work.refund(id)?.1.payee),
        ["v1", "customer", "disputes"] => return disputes::list(work, query),
        ["v1", "customer", "disputes", id] => {
            let dispute = work.state.disputes.get(id).ok_or_else(|| ApiError::not_found(id))?;
            (*id, work.capture(&dispute.capture)?.1.payee)
        }
        ["v1", "customer", "partners", partner, "merchant-integrations"] => {
            return sellers::find(work, partner, query);
        }
        ["v1", "customer", "partners", partner, "merchant-integrations", merchant] => {
            return sellers::status(work, partner, merchant);
        }
        ["v1", "notifications", "webhooks-events", id] => {
            let event = work.state.events.get(id).ok_or_else(|| ApiError::not_found(id))?;
            let body = serde_json::from_str(&events::body(work.config, event)).unwrap_or_default();
            return Ok(Answer::Body { status: 200, body });
        }
        _ => return Err(ApiError::not_found(path)),
    };
    work.check_assertion(&payee)?;
    Ok(Answer::Object { status: 200, id: id.to_owned() })
}

/// The certificate at the address of `PAYPAL-CERT-URL`.
async fn certificate(State(simulator): State<Arc<PayPalSimulator>>, Path(name): Path<String>) -> Response {
    if name != simulator.key.certificate_name() {
        return answers::with_status(404, Body::empty());
    }
    let mut response = answers::with_status(200, Body::from(simulator.key.certificate_pem()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-pem-file"));
    response
}

fn error_response(error: &ApiError, debug_id: &str) -> Response {
    answers::json(error.status, error.envelope(debug_id).to_string())
}
