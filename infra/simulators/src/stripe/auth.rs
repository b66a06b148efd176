//! Authentication: API keys, and client secrets. Source: <https://docs.stripe.com/api/authentication>.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::api_error::ApiError;
use super::form::Form;

/// Who calls the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// The platform, with the secret key.
    Platform,
    /// A browser, with a publishable key.
    Browser,
}

/// Checks the API key.
pub(super) fn client(secret_key: &str, headers: &HeaderMap, form: &Form) -> Result<Client, ApiError> {
    let given = match headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        Some(header) => credentials(header),
        None => form.owned("key"),
    };
    let Some(given) = given else {
        let message = "You did not provide an API key. You need to provide your API key in the Authorization \
                       header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').";
        return Err(ApiError::unauthorized(message));
    };
    if same(&given, secret_key) {
        return Ok(Client::Platform);
    }
    if given.starts_with("pk_test_") {
        return Ok(Client::Browser);
    }
    Err(ApiError::unauthorized("Invalid API Key provided."))
}

fn credentials(header: &str) -> Option<String> {
    let (scheme, credentials) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credentials.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
        return decoded.split(':').next().map(str::to_owned);
    }
    None
}

/// Whether two secrets are the same, in a time that does not tell how they differ.
pub(super) fn same(secret: &str, given: &str) -> bool {
    verify_slices_are_equal(secret.as_bytes(), given.as_bytes()).is_ok()
}
