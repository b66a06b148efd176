//! The addresses of the sign-in service.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{SignIn, authorize, pages, token};

pub(super) fn router(service: Arc<SignIn>) -> Router {
    // Applications in a browser call these from another origin. The others are for people, and other origins
    // must not read them.
    let shared = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/.well-known/jwks.json", get(jwks))
        .route("/oauth2/token", post(token::endpoint).options(nothing))
        .route("/oauth2/userInfo", get(token::user_info).options(nothing))
        .layer(from_fn(allow_other_origins));
    Router::new()
        .route("/", get(pages::people))
        .route("/oauth2/authorize", get(authorize::show).post(authorize::submit))
        .route("/people/{subject}/token", post(pages::take_token))
        .merge(shared)
        .with_state(service)
}

async fn nothing() -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn allow_other_origins(request: axum::extract::Request, next: Next) -> Response {
    let preflight = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    let mut allow = |name, value| {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    };
    allow("access-control-allow-origin", "*");
    if preflight {
        allow("access-control-allow-methods", "GET, POST");
        allow("access-control-allow-headers", "authorization, content-type");
    }
    response
}

/// Source: <https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata>.
async fn discovery(State(service): State<Arc<SignIn>>) -> Json<Value> {
    let issuer = service.issuer();
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth2/authorize"),
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "userinfo_endpoint": format!("{issuer}/oauth2/userInfo"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": service.full_scope().split(' ').collect::<Vec<_>>(),
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["none"],
    }))
}

async fn jwks(State(service): State<Arc<SignIn>>) -> Response {
    ([("cache-control", "max-age=60")], Json(service.jwks())).into_response()
}
