//! The HTTP client of the demos. It prints each request with the status of its response.

use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Mismatch;
use crate::Terminal;

/// A client of the API.
#[derive(Debug, Clone)]
pub(super) struct ApiClient {
    pub(super) http: reqwest::Client,
    pub(super) terminal: Terminal,
    pub(super) url: String,
}

/// A request that is not sent yet.
pub(super) struct Request {
    terminal: Terminal,
    line: String,
    request: reqwest::RequestBuilder,
    quiet: bool,
}

/// A response.
#[derive(Debug)]
pub(super) struct Response {
    line: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl ApiClient {
    /// A request to a path of the API, or to the URL of another server.
    fn request(&self, method: Method, address: &str) -> Request {
        let url =
            if address.starts_with('/') { format!("{}{address}", self.url) } else { address.to_owned() };
        Request {
            terminal: self.terminal,
            line: format!("{method} {}", without_secret(address)),
            request: self.http.request(method, url),
            quiet: false,
        }
    }

    pub(super) fn get(&self, address: &str) -> Request {
        self.request(Method::GET, address)
    }

    pub(super) fn post(&self, address: &str) -> Request {
        self.request(Method::POST, address)
    }

    pub(super) fn put(&self, address: &str) -> Request {
        self.request(Method::PUT, address)
    }

    pub(super) fn delete(&self, address: &str) -> Request {
        self.request(Method::DELETE, address)
    }
}

/// An address without the client secret in its query.
fn without_secret(address: &str) -> &str {
    match address.split_once("?client_secret=") {
        Some((start, _)) => start,
        None => address,
    }
}

impl Request {
    pub(super) fn signed_in(self, token: &str) -> Self {
        Self { request: self.request.bearer_auth(token), ..self }
    }

    pub(super) fn header(self, name: &'static str, value: &str) -> Self {
        Self {
            request: self.request.header(name, value),
            line: format!("{}  {name}: {value}", self.line),
            ..self
        }
    }

    pub(super) fn json(self, body: &Value) -> Self {
        Self { request: self.request.json(body), ..self }
    }

    pub(super) fn form(self, fields: &[(&str, &str)]) -> Self {
        Self { request: self.request.form(fields), ..self }
    }

    /// Does not print the request, because it is repeated or of no interest.
    pub(super) fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// Sends the request, and prints it with the status of the response.
    pub(super) async fn send(self) -> Result<Response, Mismatch> {
        let failed = |error: reqwest::Error| Mismatch::new(&self.line, "a response", root_cause(&error));
        let response = self.request.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.map_err(failed)?;
        if !self.quiet {
            self.terminal.print(format_args!("    {} → {}", self.line, status.as_u16()));
        }
        Ok(Response { line: self.line, status, headers, text })
    }
}

/// The message of the innermost error, which has the reason.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

impl Response {
    /// The response, if it has this status.
    pub(super) fn with_status(self, status: u16) -> Result<Self, Mismatch> {
        if self.status.as_u16() == status {
            return Ok(self);
        }
        let actual = format!("status {}: {}", self.status.as_u16(), self.text);
        Err(Mismatch::new(self.line, format!("status {status}"), actual))
    }

    /// The document in the response, if the response has this status.
    pub(super) fn document<T: DeserializeOwned>(self, status: u16) -> Result<T, Mismatch> {
        let response = self.with_status(status)?;
        serde_json::from_str(&response.text)
            .map_err(|error| Mismatch::new(response.line, format!("a document ({error})"), response.text))
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Result<String, Mismatch> {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value
            .map(str::to_owned)
            .ok_or_else(|| Mismatch::new(&self.line, format!("the header {name}"), "none"))
    }
}

/// The text at a JSON pointer.
pub(super) fn text<'a>(document: &'a Value, pointer: &str) -> Result<&'a str, Mismatch> {
    document
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or_else(|| Mismatch::new(format!("the member {pointer}"), "a text", document.to_string()))
}

/// Checks the text at a JSON pointer.
pub(super) fn check_member(document: &Value, pointer: &str, expected: &str) -> Result<(), Mismatch> {
    let actual = text(document, pointer)?;
    if actual == expected {
        return Ok(());
    }
    Err(Mismatch::new(format!("the member {pointer}"), expected, format!("{actual}, in {document}")))
}
