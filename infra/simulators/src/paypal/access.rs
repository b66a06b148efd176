//! Who calls: access tokens, and the seller the platform acts for. Sources:
//! <https://developer.paypal.com/api/rest/authentication/>,
//! <https://developer.paypal.com/api/rest/requests/#paypal-auth-assertion>.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api_error::ApiError;
use super::work::{Answer, Caller, Work};
use super::{PayPalSimulator, PayPalSimulatorConfig, ids};
use crate::answers;

/// How long an access token is good, in seconds.
pub const TOKEN_LASTS: i64 = 9 * 3600;

/// `POST /v1/oauth2/token`.
pub(super) async fn token(
    State(simulator): State<Arc<PayPalSimulator>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let refuse = |status, error: &str, description: &str| {
        answers::json(status, json!({ "error": error, "error_description": description }).to_string())
    };
    if !right_credentials(&simulator.config, &headers) {
        return refuse(401, "invalid_client", "Client Authentication failed");
    }
    let grant = url::form_urlencoded::parse(&body).find(|(name, _)| name == "grant_type");
    if grant.is_none_or(|(_, grant)| grant != "client_credentials") {
        return refuse(400, "unsupported_grant_type", "Grant Type is not client_credentials");
    }
    let token = ids::secret();
    let keep = |work: &mut Work| {
        let now = work.now;
        work.state.tokens.retain(|_, ends| *ends > now);
        work.state.tokens.insert(token.clone(), now + TOKEN_LASTS);
        Ok(Answer::Body { status: 200, body: Value::Null })
    };
    if simulator.work(&mut simulator.lock(), Caller::default(), keep).is_err() {
        return refuse(500, "server_error", "The simulator could not save its state; its log says why.");
    }
    let body = json!({
        "scope": "https://uri.paypal.com/services/payments/payment/authcapture \
                  https://uri.paypal.com/services/payments/refund \
                  https://uri.paypal.com/services/customer/partner",
        "access_token": token,
        "token_type": "Bearer",
        "app_id": "APP-SIMULATOR",
        "expires_in": TOKEN_LASTS,
        "nonce": ids::debug(),
    });
    answers::json(200, body.to_string())
}

fn right_credentials(config: &PayPalSimulatorConfig, headers: &HeaderMap) -> bool {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let basic = given.and_then(|value| value.split_once(' '));
    let encoded = basic.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")).map(|(_, rest)| rest);
    let Some(Ok(given)) = encoded.map(|encoded| STANDARD.decode(encoded.trim())) else { return false };
    let expected = format!("{}:{}", config.client_id, config.client_secret);
    verify_slices_are_equal(&given, expected.as_bytes()).is_ok()
}

/// Checks the access token, and reads whom the platform acts for.
pub(super) fn caller(simulator: &PayPalSimulator, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = given.and_then(|value| value.split_once(' '));
    let token = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, rest)| rest);
    let now = simulator.now();
    let good = token
        .is_some_and(|token| simulator.lock().state.tokens.get(token.trim()).is_some_and(|ends| *ends > now));
    if !good {
        return Err(ApiError::unauthenticated());
    }
    let acts_for = match headers.get("paypal-auth-assertion") {
        None => None,
        Some(assertion) => {
            let read = assertion.to_str().ok().and_then(|text| assertion_payer(&simulator.config, text));
            let wrong = || ApiError::forbidden("The PayPal-Auth-Assertion is not one of this client.");
            Some(read.ok_or_else(wrong)?)
        }
    };
    Ok(Caller { acts_for })
}

/// What the assertion says.
#[derive(Deserialize)]
struct Assertion {
    /// The client's id.
    iss: String,
    /// The seller's merchant id.
    payer_id: String,
}

/// The seller an assertion names: a JSON Web Token without a signature, because the access token proves who
/// the client is.
fn assertion_payer(config: &PayPalSimulatorConfig, text: &str) -> Option<String> {
    let mut parts = text.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if !signature.is_empty() || parts.next().is_some() {
        return None;
    }
    let read = |part: &str| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok();
    let header: Value = serde_json::from_slice(&read(header)?).ok()?;
    let claims: Assertion = serde_json::from_slice(&read(claims)?).ok()?;
    let right = header.get("alg").and_then(Value::as_str) == Some("none") && claims.iss == config.client_id;
    right.then_some(claims.payer_id)
}
