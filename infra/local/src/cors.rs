//! A stand-in for API Gateway's Cross-Origin Resource Sharing, with the settings of `template.yaml`
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>).
//!
//! The gateway answers preflight requests itself, adds its headers to every response to an allowed origin, and drops CORS
//! headers of functions. Without origins it does nothing.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The methods that pages of an allowed origin may use.
pub const METHODS: &str = "GET,POST,PUT,DELETE";
/// The headers that they may send.
pub const REQUEST_HEADERS: &str = "authorization,content-type,if-match,idempotency-key";
/// The headers that they may read.
pub const RESPONSE_HEADERS: &str = "etag,location,retry-after";
/// The seconds for which a browser may remember the answer to a preflight request.
pub const MAX_AGE: &str = "3600";

/// Handles a request as API Gateway does if pages of these origins may use the API.
pub(crate) async fn handle(State(origins): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    let asks = request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let origin = request.headers().get(ORIGIN).cloned();
    if origins.is_empty() {
        return next.run(request).await;
    }
    let is_preflight = request.method() == Method::OPTIONS && origin.is_some() && asks;
    let mut response =
        if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let allowed = origin.filter(|origin| origins.iter().any(|known| known.as_bytes() == origin.as_bytes()));
    if let Some(origin) = allowed {
        allow(headers, origin, is_preflight);
    }
    response
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue, is_preflight: bool) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(RESPONSE_HEADERS));
    if is_preflight {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(REQUEST_HEADERS));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    }
}
