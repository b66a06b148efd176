//! Requests that are made once, however often they are sent.
//! Source: <https://developer.paypal.com/reference/guidelines/idempotency>.
//!
//! PayPal answers a repeated request with the latest state of what its first sending made, so what is kept is
//! the id of that object. A refusal made nothing: the request is judged anew.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::api_error::ApiError;
use super::state::State;
use super::work::Answer;
use crate::fingerprint::fingerprint;

/// How long the Orders API keeps a `PayPal-Request-Id`, in seconds.
pub const ORDERS_KEEP_REQUEST_IDS: i64 = 6 * 3600;

/// How long the Payments API keeps a `PayPal-Request-Id`, in seconds.
pub const PAYMENTS_KEEP_REQUEST_IDS: i64 = 45 * 86_400;

/// The longest `PayPal-Request-Id`.
const LONGEST: usize = 108;

/// What the first request with an id made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    /// The hash of the address and body.
    fingerprint: String,
    id: String,
    /// It is answered without a body.
    quiet: bool,
    kept_until: i64,
}

impl Stored {
    /// The answer to a repetition: 200, because nothing was made this time.
    pub(super) fn answer(&self) -> Answer {
        let id = self.id.clone();
        if self.quiet { Answer::Quiet { id } } else { Answer::Object { status: 200, id } }
    }
}

/// A `PayPal-Request-Id` with what it is good for.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// An id may be used once for each kind of call.
    pub(super) scoped: String,
    fingerprint: String,
    keeps: i64,
}

impl Key {
    /// `None` when calls to this address do not look at the header.
    pub(super) fn new(id: &str, path: &str, body: &[u8]) -> Result<Option<Self>, ApiError> {
        let parts: Vec<&str> = path.split('/').collect();
        let (operation, keeps) = match parts.as_slice() {
            ["v2", "checkout", "orders"] => ("orders", ORDERS_KEEP_REQUEST_IDS),
            ["v2", "checkout", "orders", _, action] => (*action, ORDERS_KEEP_REQUEST_IDS),
            ["v2", "payments", "authorizations", _, "capture"] => {
                ("authorizations/capture", PAYMENTS_KEEP_REQUEST_IDS)
            }
            ["v2", "payments", _, _, action] => (*action, PAYMENTS_KEEP_REQUEST_IDS),
            _ => return Ok(None),
        };
        if id.is_empty() || id.len() > LONGEST {
            let error = ApiError::bad_request("INVALID_STRING_LENGTH").at("PayPal-Request-Id", id);
            return Err(error.because(format!("A PayPal-Request-Id has 1 to {LONGEST} characters.")));
        }
        // The same JSON is the same request, whatever the order and the spaces.
        let body = match serde_json::from_slice::<Value>(body) {
            Ok(value) => value.to_string().into_bytes(),
            Err(_) => body.to_vec(),
        };
        let fingerprint = fingerprint([path.as_bytes(), &body]);
        Ok(Some(Self { scoped: format!("{operation}/{id}"), fingerprint, keeps }))
    }

    /// What was made before. An id that was used for another request is refused.
    pub(super) fn stored(&self, state: &State, now: i64) -> Result<Option<Stored>, ApiError> {
        match state.stored_answers.get(&self.scoped).filter(|stored| stored.kept_until > now) {
            Some(stored) if stored.fingerprint != self.fingerprint => {
                Err(ApiError::unprocessable("DUPLICATE_REQUEST_ID"))
            }
            stored => Ok(stored.cloned()),
        }
    }

    /// Keeps what was made, and forgets what is too old.
    pub(super) fn store(&self, state: &mut State, now: i64, answer: &Answer) {
        state.stored_answers.retain(|_, stored| stored.kept_until > now);
        let (id, quiet) = match answer {
            Answer::Object { id, .. } => (id.clone(), false),
            Answer::Quiet { id } => (id.clone(), true),
            Answer::Body { .. } => return,
        };
        let stored =
            Stored { fingerprint: self.fingerprint.clone(), id, quiet, kept_until: now + self.keeps };
        state.stored_answers.insert(self.scoped.clone(), stored);
    }
}
