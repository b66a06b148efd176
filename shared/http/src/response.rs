//! Responses as handlers build them.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lambda_http::Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::{self, Problem};

/// An HTTP response.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers, besides those that every response has.
    pub headers: HeaderMap,
    /// The body. For a media type that is not text, `lambda_http` encodes it as base64 for API Gateway.
    pub body: Body,
}

impl Response {
    /// A response with a JSON document. If the document cannot be serialized, the response is a 500 problem.
    pub fn json<T: Serialize + JsonSchema>(status: StatusCode, document: &T) -> Self {
        match serde_json::to_string(document) {
            Ok(body) => Self::json_text(status, body),
            Err(error) => {
                tracing::error!(%error, "a response cannot be serialized as JSON");
                Problem::internal().into()
            }
        }
    }

    /// A response with a JSON document that is already serialized, such as one from an idempotency record.
    pub fn json_text(status: StatusCode, body: String) -> Self {
        Self::file(status, "application/json", body)
    }

    /// The response to a request that created something in `collection`, a path: the document in `body`, which may come from an
    /// idempotency record, with its `id` in `Location` and its `version` as the ETag. A document without a version has version 1.
    pub fn created(collection: &str, body: String) -> Self {
        #[derive(Deserialize)]
        struct Created {
            id: String,
            #[serde(default = "first_version")]
            version: u64,
        }

        match serde_json::from_str(&body) {
            Ok(Created { id, version }) => Self::json_text(StatusCode::CREATED, body)
                .location(&format!("{collection}/{id}"))
                .version(version),
            Err(error) => {
                tracing::error!(%error, "a created document has no id");
                Problem::internal().into()
            }
        }
    }

    /// A response with a document of this media type, as text or bytes.
    pub fn file(status: StatusCode, media_type: &'static str, body: impl Into<Body>) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
        Self { status, headers, body: body.into() }
    }

    /// A response without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Body::Text(String::new()) }
    }

    /// The body as text, to be stored in an idempotency record; empty if the body is binary.
    pub fn into_text(self) -> String {
        match self.body {
            Body::Text(text) => text,
            _ => String::new(),
        }
    }

    /// Sets a header. A value that is not valid in a header is ignored.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Sets the ETag to the version of the document; the caller sends it back in `If-Match`.
    #[must_use]
    pub fn version(self, version: u64) -> Self {
        self.header(ETAG, &format!("\"{version}\""))
    }

    /// Sets `Location` to the path of the created resource.
    #[must_use]
    pub fn location(self, path: &str) -> Self {
        self.header(LOCATION, path)
    }
}

fn first_version() -> u64 {
    1
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Self::json(status, &problem).header(CONTENT_TYPE, problem::MEDIA_TYPE);
        if let Some(seconds) = problem.retry_after {
            response = response.header(RETRY_AFTER, &seconds.to_string());
        }
        if status == StatusCode::UNAUTHORIZED {
            response = response.header(WWW_AUTHENTICATE, "Bearer");
        }
        response
    }
}

impl From<Response> for lambda_http::Response<Body> {
    fn from(Response { status, headers, body }: Response) -> Self {
        let mut response = Self::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        let headers = response.headers_mut();
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(http::header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        response
    }
}
