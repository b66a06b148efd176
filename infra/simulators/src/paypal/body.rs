//! Reading the bodies of requests. A member that the simulator does not act on is refused rather than ignored.

use serde::de::DeserializeOwned;
use serde_path_to_error::Path;

use super::api_error::ApiError;

/// Reads a body. As at PayPal, an empty body is an empty object.
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

/// The path as a JSON pointer, such as `/purchase_units/0/amount` for `purchase_units[0].amount`.
fn pointer(path: &Path) -> String {
    match path.to_string().as_str() {
        "." => String::new(),
        path => format!("/{}", path.replace(['.', '['], "/").replace(']', "")),
    }
}

/// The value of the only parameter that a query may have.
pub(super) fn query_parameter(query: &str, name: &str) -> Result<Option<String>, ApiError> {
    let mut found = None;
    for (given, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if given != name {
            return Err(ApiError::bad_request("NOT_SUPPORTED").at(&given, &value).in_the("query"));
        }
        found = Some(value.into_owned());
    }
    Ok(found)
}

/// Refuses texts that are empty or too long. Each comes with its member of the object at `within`, and with the
/// most characters it may have.
pub(super) fn check_lengths(within: &str, texts: &[(&str, Option<&str>, usize)]) -> Result<(), ApiError> {
    for (member, text, longest) in texts {
        if let Some(text) = text.filter(|text| text.is_empty() || text.chars().count() > *longest) {
            let error = ApiError::bad_request("INVALID_STRING_LENGTH");
            return Err(error.at(&format!("{within}/{member}"), text));
        }
    }
    Ok(())
}

/// Refuses an address that is not one of the web.
pub(super) fn check_address(field: &str, text: Option<&str>) -> Result<(), ApiError> {
    let web = |url: url::Url| matches!(url.scheme(), "http" | "https") && url.as_str().len() <= 4000;
    match text {
        Some(text) if !url::Url::parse(text).is_ok_and(web) => {
            Err(ApiError::bad_request("INVALID_PARAMETER_SYNTAX").at(field, text))
        }
        _ => Ok(()),
    }
}
