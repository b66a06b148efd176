//! What people see of the sign-in service.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::authorize::Request;
use super::{Person, SignIn, token};
use crate::html::{self, escape};

/// The page of `/oauth2/authorize`: one button for each person.
pub(super) fn choose(service: &SignIn, request: &Request) -> Response {
    let mut hidden = String::new();
    for (name, value) in [
        ("response_type", &request.response_type),
        ("client_id", &request.client_id),
        ("redirect_uri", &request.redirect_uri),
        ("scope", &request.scope),
        ("state", &request.state),
        ("nonce", &request.nonce),
        ("code_challenge", &request.code_challenge),
        ("code_challenge_method", &request.code_challenge_method),
    ] {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = write!(hidden, "<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value));
        }
    }
    let mut body = format!("<form method=\"post\">{hidden}");
    for person in &service.config.people {
        let _ = write!(
            body,
            "<p><button name=\"subject\" value=\"{}\">{}</button> {}</p>",
            escape(&person.subject),
            escape(&person.name),
            about(person)
        );
    }
    body.push_str(
        "</form><p class=\"note\">No password is asked for: this service is for one machine only.</p>",
    );
    html::page(StatusCode::OK, "Sign in as", &body)
}

fn about(person: &Person) -> String {
    escape(&format!(
        "{} · {}",
        person.email,
        if person.groups.is_empty() { "no group".to_owned() } else { person.groups.join(", ") }
    ))
}

/// `/`: the people, with a button each for a token.
pub(super) async fn people(State(service): State<Arc<SignIn>>) -> Response {
    let mut body = String::from("<p>Take an access token, good for an hour, to call the API by hand.</p>");
    for person in &service.config.people {
        let path: String = url::form_urlencoded::byte_serialize(person.subject.as_bytes()).collect();
        let _ = write!(
            body,
            "<form method=\"post\" action=\"people/{}/token\"><button>{}</button> {}</form>",
            escape(&path.replace('+', "%20")),
            escape(&person.name),
            about(person)
        );
    }
    body.push_str("<p class=\"note\">No password is asked for: this service is for one machine only.</p>");
    html::page(StatusCode::OK, "People", &body)
}

/// `POST /people/{subject}/token`: a token at once, as JSON, or as a page for browsers. For local use only:
/// nothing is asked, and Cognito has nothing like it.
pub(super) async fn take_token(
    State(service): State<Arc<SignIn>>,
    Path(subject): Path<String>,
    headers: HeaderMap,
) -> Response {
    let wants_page = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let Some(person) = service.person(&subject) else {
        let body = json!({ "error": "not_found", "error_description": "There is nobody with that subject." });
        return (StatusCode::NOT_FOUND, Json(body)).into_response();
    };
    let access_token = service.access_token(person, token::TOKEN_LASTS);
    if wants_page {
        let body = format!(
            "<p>For an hour:</p><pre>{0}</pre><p>As a header for <code>curl</code>:</p>\
             <pre>-H 'Authorization: Bearer {0}'</pre>",
            escape(&access_token)
        );
        return html::page(StatusCode::OK, &format!("A token for {}", person.name), &body);
    }
    let body = json!({
        "access_token": access_token,
        "expires_in": token::TOKEN_LASTS,
        "scope": service.full_scope(),
        "token_type": "Bearer",
    });
    ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
