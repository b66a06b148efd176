//! `Idempotency-Key`. Source: <https://docs.stripe.com/api/idempotent_requests>.

use serde::{Deserialize, Serialize};

use super::api_error::ApiError;
use super::form::Form;
use crate::idempotency::{Key, fingerprint};

/// How long a response is stored, in seconds.
const STORED_FOR: i64 = 24 * 3600;

/// The most characters of a key.
const LONGEST: usize = 255;

/// A stored response.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Response {
    pub(super) status: u16,
    pub(super) body: String,
    /// The id of the first request.
    pub(super) request: String,
}

/// Reads an idempotency key. Each account has keys of its own.
pub(super) fn key(text: &str, account: Option<&str>, path: &str, form: &Form) -> Result<Key, ApiError> {
    if text.is_empty() || text.len() > LONGEST {
        return Err(ApiError::invalid(format!("An idempotency key has 1 to {LONGEST} characters.")));
    }
    let form = form.sorted().into_iter().flat_map(|(name, value)| [name, value]);
    let fingerprint = fingerprint(std::iter::once(path.to_owned()).chain(form));
    let scoped = format!("{}/{text}", account.unwrap_or_default());
    Ok(Key { text: text.to_owned(), scoped, fingerprint, stored_for: STORED_FOR })
}
