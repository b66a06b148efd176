//! Tokens, and the endpoint that gives them out. Sources:
//! <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3>,
//! <https://www.rfc-editor.org/rfc/rfc9700#section-4.14>.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::sessions::Grant;
use super::{Person, SignIn};
use crate::random;

/// How long access and id tokens are good for, in seconds.
pub(super) const TOKEN_LASTS: i64 = 3600;

/// The language and the time zone of everybody on the list.
const LOCALE: &str = "en-GB";
const ZONE: &str = "Europe/London";

/// An access token with the claims that Cognito's have.
pub(super) fn access(
    service: &SignIn,
    person: &Person,
    scope: &str,
    signed_in_at: i64,
    valid_seconds: i64,
) -> String {
    let now = service.now();
    service.key.sign(&json!({
        "iss": service.issuer,
        "sub": person.subject,
        "client_id": service.config.client_id,
        "token_use": "access",
        "scope": scope,
        "cognito:groups": person.groups,
        "username": person.subject,
        "auth_time": signed_in_at,
        // A token that has expired was issued before it did.
        "iat": now.min(now + valid_seconds),
        "exp": now + valid_seconds,
        "jti": random::letters(32),
        "version": 2,
    }))
}

fn id_token(service: &SignIn, person: &Person, grant: &Grant, access_token: &str) -> String {
    let now = service.now();
    let hash = digest(&SHA256, access_token.as_bytes());
    let (left, _) = hash.as_ref().split_at(16);
    let mut claims = json!({
        "iss": service.issuer,
        "sub": person.subject,
        "aud": service.config.client_id,
        "token_use": "id",
        "at_hash": URL_SAFE_NO_PAD.encode(left),
        "auth_time": grant.signed_in_at,
        "cognito:groups": person.groups,
        "cognito:username": person.subject,
        "email": person.email,
        "email_verified": true,
        "name": person.name,
        "iat": now,
        "exp": now + TOKEN_LASTS,
        "jti": random::letters(32),
    });
    if let Some(nonce) = &grant.nonce {
        claims["nonce"] = json!(nonce);
    }
    service.key.sign(&claims)
}

/// The S256 challenge of a verifier. Source: <https://www.rfc-editor.org/rfc/rfc7636#section-4.2>.
pub(super) fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// `POST /oauth2/token`.
pub(super) async fn endpoint(State(service): State<Arc<SignIn>>, body: Bytes) -> Response {
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let text = |name: &str| form.get(name).map_or("", String::as_str);
    if text("client_id") != service.config.client_id {
        return refuse("invalid_client", "The client_id is not the registered one.");
    }
    match text("grant_type") {
        "authorization_code" => redeem(&service, text("code"), text("redirect_uri"), text("code_verifier")),
        "refresh_token" => refresh(&service, text("refresh_token")),
        _ => refuse("unsupported_grant_type", "The grant_type is authorization_code or refresh_token."),
    }
}

fn redeem(service: &SignIn, code: &str, redirect_uri: &str, verifier: &str) -> Response {
    // The code is used up by a wrong guess too: nobody gets to try verifiers.
    let Some(code) = service.sessions().take_code(code, service.now()) else {
        return refuse("invalid_grant", "The code is unknown, used or too old.");
    };
    if code.redirect_uri != redirect_uri {
        return refuse("invalid_grant", "The redirect_uri is not the one the code was asked for with.");
    }
    let challenge = challenge_of(verifier);
    if verify_slices_are_equal(challenge.as_bytes(), code.challenge.as_bytes()).is_err() {
        return refuse("invalid_grant", "The code_verifier does not match the code_challenge.");
    }
    grant_tokens(service, &code.grant)
}

fn refresh(service: &SignIn, token: &str) -> Response {
    let taken = service.sessions().take_refresh(token, service.now());
    match taken {
        Some(grant) => grant_tokens(service, &grant),
        None => refuse("invalid_grant", "The refresh token is unknown, used or too old."),
    }
}

fn grant_tokens(service: &SignIn, grant: &Grant) -> Response {
    let Some(person) = service.person(&grant.subject) else {
        return refuse("invalid_grant", "The person can no longer sign in.");
    };
    let access_token = access(service, person, &grant.scope, grant.signed_in_at, TOKEN_LASTS);
    let mut response = json!({
        "access_token": access_token,
        "expires_in": TOKEN_LASTS,
        "refresh_token": service.sessions().issue_refresh(grant.clone(), service.now()),
        "scope": grant.scope,
        "token_type": "Bearer",
    });
    if grant.scope.split(' ').any(|scope| scope == "openid") {
        response["id_token"] = json!(id_token(service, person, grant, &access_token));
    }
    ([(CACHE_CONTROL, "no-store")], Json(response)).into_response()
}

fn refuse(error: &str, description: &str) -> Response {
    let body = json!({ "error": error, "error_description": description });
    (StatusCode::BAD_REQUEST, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// `GET /oauth2/userInfo` with an access token.
pub(super) async fn user_info(State(service): State<Arc<SignIn>>, headers: HeaderMap) -> Response {
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.strip_prefix("Bearer "));
    let claims = token.and_then(|token| service.key.verify(token)).filter(|claims| {
        let is = |name: &str, wanted: &str| claims.get(name).and_then(Value::as_str) == Some(wanted);
        let good_until = claims.get("exp").and_then(Value::as_i64).unwrap_or(0);
        is("iss", &service.issuer) && is("token_use", "access") && good_until > service.now()
    });
    let subject = claims.as_ref().and_then(|claims| claims.get("sub")).and_then(Value::as_str);
    if let Some((status, body)) = service.user_info_response() {
        return (status, [(CONTENT_TYPE, "application/json")], body).into_response();
    }
    match subject.and_then(|subject| service.person(subject)) {
        Some(person) => Json(json!({
            "sub": person.subject,
            "email": person.email,
            // Cognito sends this one as text.
            "email_verified": "true",
            "name": person.name,
            "locale": LOCALE,
            "zoneinfo": ZONE,
            "username": person.subject,
        }))
        .into_response(),
        None => {
            let body =
                json!({ "error": "invalid_token", "error_description": "The access token is not good." });
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")], Json(body))
                .into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::challenge_of;

    #[test]
    fn the_challenge_is_the_one_of_the_standards_example() {
        let challenge = challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
