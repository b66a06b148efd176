//! HTTP responses of the simulated APIs, and the loss of one.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;

/// A response with a JSON body.
pub(crate) fn json(status: u16, body: String) -> Response {
    let mut response = with_status(status, Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A response without a content type.
pub(crate) fn with_status(status: u16, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// A response that closes the connection before its first byte.
pub(crate) fn lost() -> Response {
    let error = std::io::Error::other("the simulator was told to lose this response");
    Response::new(Body::from_stream(futures_util::stream::once(std::future::ready(Err::<Bytes, _>(error)))))
}
