//! `PayPal-Request-Id`. Source: <https://developer.paypal.com/reference/guidelines/idempotency>.
//!
//! PayPal responds to a repeated request with the current state of the object that the first request created or
//! changed, so its id is what is stored. A refusal is not stored: the request is judged anew.

use serde_json::Value;

use super::api_error::ApiError;
use crate::idempotency::{Key, fingerprint};

/// How long the Orders API stores a `PayPal-Request-Id`, in seconds.
pub const ORDERS_KEEP_REQUEST_IDS: i64 = 6 * 3600;

/// How long the Payments API stores a `PayPal-Request-Id`, in seconds.
pub const PAYMENTS_KEEP_REQUEST_IDS: i64 = 45 * 86_400;

/// The most characters of a `PayPal-Request-Id`.
const LONGEST: usize = 108;

/// Reads a `PayPal-Request-Id`; `None` when calls to this path ignore the header. An id may be used once for
/// each kind of call.
pub(super) fn key(id: &str, path: &str, body: &[u8]) -> Result<Option<Key>, ApiError> {
    let parts: Vec<&str> = path.split('/').collect();
    let (operation, stored_for) = match parts.as_slice() {
        ["v2", "checkout", "orders"] => ("orders", ORDERS_KEEP_REQUEST_IDS),
        ["v2", "checkout", "orders", _, action] => (*action, ORDERS_KEEP_REQUEST_IDS),
        ["v2", "payments", "authorizations", _, "capture"] => {
            ("authorizations/capture", PAYMENTS_KEEP_REQUEST_IDS)
        }
        ["v2", "payments", _, _, action] => (*action, PAYMENTS_KEEP_REQUEST_IDS),
        ["v1", "payments", "referenced-payouts-items"] => {
            ("referenced-payouts-items", PAYMENTS_KEEP_REQUEST_IDS)
        }
        _ => return Ok(None),
    };
    if id.is_empty() || id.len() > LONGEST {
        let error = ApiError::bad_request("INVALID_STRING_LENGTH").at("PayPal-Request-Id", id);
        return Err(error.because(format!("A PayPal-Request-Id has 1 to {LONGEST} characters.")));
    }
    // Neither the order of the members nor white space makes a request another one.
    let body = match serde_json::from_slice::<Value>(body) {
        Ok(value) => value.to_string().into_bytes(),
        Err(_) => body.to_vec(),
    };
    let fingerprint = fingerprint([path.as_bytes(), &body]);
    Ok(Some(Key { text: id.to_owned(), scoped: format!("{operation}/{id}"), fingerprint, stored_for }))
}
