//! Calls to the API, shown as they happen.

use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Wrong;
use crate::Terminal;

/// Somebody who calls the API.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) http: reqwest::Client,
    pub(super) terminal: Terminal,
    pub(super) url: String,
}

/// A call that is being put together.
pub(super) struct Call {
    terminal: Terminal,
    line: String,
    request: reqwest::RequestBuilder,
    quiet: bool,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    line: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Caller {
    /// A call to a path of the API, or to a whole address elsewhere.
    pub(super) fn call(&self, method: Method, address: &str) -> Call {
        let whole =
            if address.starts_with('/') { format!("{}{address}", self.url) } else { address.to_owned() };
        Call {
            terminal: self.terminal,
            line: format!("{method} {}", shortened(address)),
            request: self.http.request(method, whole),
            quiet: false,
        }
    }

    pub(super) fn get(&self, address: &str) -> Call {
        self.call(Method::GET, address)
    }

    pub(super) fn post(&self, address: &str) -> Call {
        self.call(Method::POST, address)
    }

    pub(super) fn put(&self, address: &str) -> Call {
        self.call(Method::PUT, address)
    }
}

/// An address without the secrets in it.
fn shortened(address: &str) -> &str {
    match address.split_once("?client_secret=") {
        Some((start, _)) => start,
        None => address,
    }
}

impl Call {
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

    /// The same without showing it, for calls that are repeated.
    pub(super) fn quietly(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// Sends it, and shows what was asked and with which status it was answered.
    pub(super) async fn send(self) -> Result<Answer, Wrong> {
        let lost = |error: reqwest::Error| Wrong::new(&self.line, "an answer", innermost(&error));
        let answer = self.request.send().await.map_err(lost)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.map_err(lost)?;
        if !self.quiet {
            self.terminal.say(format_args!("    {} → {}", self.line, status.as_u16()));
        }
        Ok(Answer { line: self.line, status, headers, text })
    }
}

/// What is at the bottom of an error, which is where the reason stands.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

impl Answer {
    /// The answer, when it has this status.
    pub(super) fn with(self, status: u16) -> Result<Self, Wrong> {
        if self.status.as_u16() == status {
            return Ok(self);
        }
        let came = format!("status {}: {}", self.status.as_u16(), self.text);
        Err(Wrong::new(self.line, format!("status {status}"), came))
    }

    /// The document, when the answer has this status.
    pub(super) fn document<T: DeserializeOwned>(self, status: u16) -> Result<T, Wrong> {
        let answer = self.with(status)?;
        serde_json::from_str(&answer.text)
            .map_err(|error| Wrong::new(answer.line, format!("a document ({error})"), answer.text))
    }

    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Result<String, Wrong> {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned).ok_or_else(|| Wrong::new(&self.line, format!("the header {name}"), "none"))
    }
}

/// A text inside a document.
pub(super) fn text<'a>(document: &'a Value, pointer: &str) -> Result<&'a str, Wrong> {
    document
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or_else(|| Wrong::new(format!("the member {pointer}"), "a text", document.to_string()))
}

/// Makes sure that a text inside a document is this one.
pub(super) fn must_be(document: &Value, pointer: &str, expected: &str) -> Result<(), Wrong> {
    let came = text(document, pointer)?;
    if came == expected {
        return Ok(());
    }
    Err(Wrong::new(format!("the member {pointer}"), expected, format!("{came}, in {document}")))
}
