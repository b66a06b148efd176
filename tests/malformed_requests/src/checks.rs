//! What must hold for every response to a malformed request.

use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::{Request, Response, description};

/// Internal words that no response may contain.
const SECRETS: [&str; 5] = ["sk_test_local", "whsec_local", "paypal-secret-local", "panicked", "DynamoDB"];

/// Words of Rust's deserializer, which no response may contain.
const RUST_WORDS: [&str; 9] = [
    "invalid type",
    "invalid value",
    "invalid length",
    "missing field",
    "unknown field",
    "duplicate field",
    "unknown variant",
    "did not match any variant",
    "expected struct",
];

/// A word of Rust's deserializer in a text for callers; `None` if there is none.
pub fn rust_word(text: &str) -> Option<&'static str> {
    RUST_WORDS.into_iter().find(|word| text.contains(word))
}

/// What is wrong with a response: it is a server error, not as documented, contains internal words, or refuses a request that
/// has written to the table. `None` if nothing is wrong.
pub fn violation(request: &Request, response: &Response) -> Option<String> {
    let status = response.status;
    if status.is_server_error() {
        return Some("the response is a server error".to_owned());
    }
    let media = response.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default();
    let content = &description::operation(request.route)["responses"][status.as_str()]["content"];
    if !response.body.is_empty() && !content[essence].is_object() {
        return Some(format!("{essence:?} with {status} is not documented"));
    }
    if essence.ends_with("json") || response.body.is_empty() {
        let violation = description::violation(request.route, status.as_u16(), &response.json());
        if let Some(violation) = violation {
            return Some(format!("{status} {violation}"));
        }
    }
    let text = String::from_utf8_lossy(&response.body);
    if let Some(secret) = SECRETS.iter().find(|secret| text.contains(**secret)) {
        return Some(format!("the response contains {secret}"));
    }
    if status.is_success() {
        return None;
    }
    if let Some(word) = rust_word(&text) {
        return Some(format!("the response says {word:?}, which only users of Rust understand"));
    }
    if response.json()["status"] != status.as_u16() {
        return Some("the problem document has another status".to_owned());
    }
    if status == StatusCode::UNAUTHORIZED && request.person.is_some() {
        return Some("the response is 401 although a person is signed in".to_owned());
    }
    response.wrote.then(|| "the request is refused but has written to the table".to_owned())
}
