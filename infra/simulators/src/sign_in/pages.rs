//! The pages of the sign-in service.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::json;

use super::authorize::Request;
use super::{Person, SignIn, token};
use crate::pages;

/// The page of `/oauth2/authorize`: one button for each person.
pub(super) fn choose(service: &SignIn, request: &Request) -> Response {
    let parameters = [
        ("response_type", &request.response_type),
        ("client_id", &request.client_id),
        ("redirect_uri", &request.redirect_uri),
        ("scope", &request.scope),
        ("state", &request.state),
        ("nonce", &request.nonce),
        ("code_challenge", &request.code_challenge),
        ("code_challenge_method", &request.code_challenge_method),
    ];
    let body = html! {
        form method="post" {
            @for (name, value) in parameters {
                @if let Some(value) = value { input type="hidden" name=(name) value=(value); }
            }
            @for person in &service.config.people {
                p { button name="subject" value=(person.subject) { (person.name) } " " (about(person)) }
            }
        }
        (note())
    };
    pages::page(StatusCode::OK, "Sign in as", body)
}

fn about(person: &Person) -> String {
    let groups = if person.groups.is_empty() { "no group".to_owned() } else { person.groups.join(", ") };
    format!("{} · {groups}", person.email)
}

fn note() -> Markup {
    html! { p.note { "No password is asked for: this service is for one machine only." } }
}

/// `/`: the people, with a button each for a token.
pub(super) async fn people(State(service): State<Arc<SignIn>>) -> Response {
    let path = |person: &Person| {
        let subject: String = url::form_urlencoded::byte_serialize(person.subject.as_bytes()).collect();
        format!("people/{}/token", subject.replace('+', "%20"))
    };
    let body = html! {
        p { "Take an access token, valid for an hour, to call the API by hand." }
        @for person in &service.config.people {
            form method="post" action=(path(person)) { button { (person.name) } " " (about(person)) }
        }
        (note())
    };
    pages::page(StatusCode::OK, "People", body)
}

/// `POST /people/{subject}/token`: an access token, as JSON, or as a page for browsers. Cognito has nothing like
/// it.
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
        let body = html! {
            p { "For an hour:" }
            pre { (access_token) }
            p { "As a header for " code { "curl" } ":" }
            pre { "-H 'Authorization: Bearer " (access_token) "'" }
        };
        return pages::page(StatusCode::OK, &format!("A token for {}", person.name), body);
    }
    let body = json!({
        "access_token": access_token,
        "expires_in": token::TOKEN_LASTS,
        "scope": service.full_scope(),
        "token_type": "Bearer",
    });
    ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
