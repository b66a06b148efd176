//! Reading what the platform sends. A member that the simulator does not act on is refused rather than
//! ignored, so nothing passes here that would be lost there.

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::api_error::ApiError;

/// Reads a body. An empty one is an empty object, as PayPal has it.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    let mut input = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut input).map_err(|error| {
        let field = pointer(error.path());
        refusal(&field, error.inner())
    })?;
    input.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::bad_request("MALFORMED_REQUEST_JSON").because(format!("The body is not JSON: {error}."))
}

fn refusal(field: &str, error: &serde_json::Error) -> ApiError {
    let message = error.to_string();
    let named = message.split('`').nth(1).unwrap_or_default();
    let inside = |member: &str| match field.rsplit('/').next() {
        Some(last) if last == member => field.to_owned(),
        _ => format!("{field}/{member}"),
    };
    if error.is_syntax() || error.is_eof() {
        malformed(error)
    } else if message.starts_with("missing field") {
        ApiError::bad_request("MISSING_REQUIRED_PARAMETER").at(&inside(named), "")
    } else if message.starts_with("unknown field") {
        ApiError::bad_request("NOT_SUPPORTED").at(&inside(named), "")
    } else if message.starts_with("unknown variant") {
        ApiError::bad_request("INVALID_PARAMETER_VALUE").at(field, named)
    } else {
        ApiError::bad_request("INVALID_PARAMETER_SYNTAX").at(field, "").because(message)
    }
}

/// The path as a JSON pointer, such as `/purchase_units/0/amount`.
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&part);
    }
    pointer
}

/// Refuses a text that is empty or has more than `longest` characters.
pub(super) fn check_length(field: &str, text: Option<&str>, longest: usize) -> Result<(), ApiError> {
    match text {
        Some(text) if text.is_empty() || text.chars().count() > longest => {
            Err(ApiError::bad_request("INVALID_STRING_LENGTH").at(field, text))
        }
        _ => Ok(()),
    }
}

/// Refuses an address that is not one of the web.
pub(super) fn check_address(field: &str, text: Option<&str>) -> Result<(), ApiError> {
    let of_the_web = |text: &str| {
        text.len() <= 4000 && url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    };
    match text {
        Some(text) if !of_the_web(text) => {
            Err(ApiError::bad_request("INVALID_PARAMETER_SYNTAX").at(field, text))
        }
        _ => Ok(()),
    }
}
