//! Authentication: access tokens, and the seller that the platform acts for. Sources:
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
use super::work::{Caller, Work};
use super::{PayPalSimulator, PayPalSimulatorConfig, ids};
use crate::responses;

/// How long an access token is valid, in seconds.
pub const TOKEN_LASTS: i64 = 9 * 3600;

/// `POST /v1/oauth2/token`.
pub(super) async fn token(
    State(simulator): State<Arc<PayPalSimulator>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let refuse = |status, error: &str, description: &str| {
        responses::json(status, json!({ "error": error, "error_description": description }).to_string())
    };
    let config = &simulator.service.config;
    let expected = format!("{}:{}", config.client_id, config.client_secret);
    let given = credentials(&headers, "basic").and_then(|encoded| STANDARD.decode(encoded).ok());
    if given.is_none_or(|given| verify_slices_are_equal(&given, expected.as_bytes()).is_err()) {
        return refuse(401, "invalid_client", "Client Authentication failed");
    }
    let grant = url::form_urlencoded::parse(&body).find(|(name, _)| name == "grant_type");
    if grant.is_none_or(|(_, grant)| grant != "client_credentials") {
        return refuse(400, "unsupported_grant_type", "Grant Type is not client_credentials");
    }
    let token = ids::secret();
    let store = |work: &mut Work| {
        let now = work.now;
        work.state.tokens.retain(|expires_at| *expires_at > now);
        work.state.tokens.insert(token.clone(), now + TOKEN_LASTS);
        Ok(())
    };
    if simulator.write(&mut simulator.lock(), Caller::default(), store).is_err() {
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
    responses::json(200, body.to_string())
}

/// The credentials of an `Authorization` header with this scheme.
fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (given, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then_some(credentials.trim())
}

/// Checks the access token, and reads which seller the platform acts for.
pub(super) fn caller(simulator: &PayPalSimulator, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let token = credentials(headers, "bearer").unwrap_or_default();
    let expires_at = simulator.lock().state.tokens.get(token).copied();
    if expires_at.is_none_or(|expires_at| expires_at <= simulator.now()) {
        return Err(ApiError::unauthenticated());
    }
    let Some(assertion) = headers.get("paypal-auth-assertion") else { return Ok(Caller::default()) };
    let config = &simulator.service.config;
    let seller = assertion.to_str().ok().and_then(|text| assertion_payer(config, text));
    let wrong = || ApiError::forbidden("The PayPal-Auth-Assertion is not one of this client.");
    Ok(Caller { acts_for: Some(seller.ok_or_else(wrong)?) })
}

/// The claims of an assertion.
#[derive(Deserialize)]
struct Assertion {
    /// The client's id.
    iss: String,
    /// The seller's merchant id.
    payer_id: String,
}

/// The seller that an assertion names. It is a JSON Web Token without a signature, because the access token
/// authenticates the client.
fn assertion_payer(config: &PayPalSimulatorConfig, text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('.').collect();
    let [header, claims, ""] = parts[..] else { return None };
    let read = |part: &str| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok();
    let header: Value = serde_json::from_slice(&read(header)?).ok()?;
    let claims: Assertion = serde_json::from_slice(&read(claims)?).ok()?;
    (header["alg"] == "none" && claims.iss == config.client_id).then_some(claims.payer_id)
}
