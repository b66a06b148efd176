//! Answers.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lambda_http::{Body, Response};
use serde::Serialize;

use crate::problem::{self, Problem};

/// What a handler answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// More headers than every answer has.
    pub headers: HeaderMap,
    /// The body. What is not text travels through API Gateway as base64; lambda_http sees to it by the content type.
    pub body: Body,
}

impl Answer {
    /// A JSON document.
    pub fn json<T: Serialize>(status: StatusCode, document: &T) -> Self {
        match serde_json::to_string(document) {
            Ok(body) => Self::json_text(status, body),
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                Problem::internal().into()
            }
        }
    }

    /// A JSON document that is written already.
    pub fn json_text(status: StatusCode, body: String) -> Self {
        Self::file(status, "application/json", body)
    }

    /// A document of this media type: text, or bytes.
    pub fn file(status: StatusCode, media_type: &'static str, body: impl Into<Body>) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
        Self { status, headers, body: body.into() }
    }

    /// No document.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Body::Text(String::new()) }
    }

    /// The body, when it is text: what is remembered of an answer.
    pub fn into_text(self) -> String {
        match self.body {
            Body::Text(text) => text,
            _ => String::new(),
        }
    }

    /// The same with one more header; a value that cannot be one is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The same with the version of the document, for `If-Match`.
    #[must_use]
    pub fn version(self, version: u64) -> Self {
        self.header(ETAG, &format!("\"{version}\""))
    }

    /// The same with the address of what was made.
    #[must_use]
    pub fn location(self, path: &str) -> Self {
        self.header(LOCATION, path)
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = Self::json(status, &problem).header(CONTENT_TYPE, problem::MEDIA_TYPE);
        if let Some(seconds) = problem.retry_after {
            answer = answer.header(RETRY_AFTER, &seconds.to_string());
        }
        if status == StatusCode::UNAUTHORIZED {
            answer = answer.header(WWW_AUTHENTICATE, "Bearer");
        }
        answer
    }
}

impl From<Answer> for Response<Body> {
    fn from(answer: Answer) -> Self {
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        let headers = response.headers_mut();
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(http::header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        response
    }
}
