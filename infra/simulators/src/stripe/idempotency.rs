//! Answers that are given again. Source: <https://docs.stripe.com/api/idempotent_requests>.

use serde::{Deserialize, Serialize};

use super::api_error::ApiError;
use super::form::Form;
use super::state::State;
use crate::fingerprint::fingerprint;

/// How long an answer is kept, in seconds.
const KEPT_FOR: i64 = 24 * 3600;

/// The longest key.
const LONGEST: usize = 255;

/// The first answer for a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    /// The hash of the address and parameters it was for.
    fingerprint: String,
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) request: String,
    created: i64,
}

/// An idempotency key with what it is good for.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) text: String,
    /// Each account has keys of its own.
    pub(super) scoped: String,
    fingerprint: String,
}

impl Key {
    pub(super) fn new(text: &str, account: Option<&str>, path: &str, form: &Form) -> Result<Self, ApiError> {
        if text.is_empty() || text.len() > LONGEST {
            return Err(ApiError::invalid(format!("An idempotency key has 1 to {LONGEST} characters.")));
        }
        let form = form.canonical().into_iter().flat_map(|(name, value)| [name, value]);
        let fingerprint = fingerprint(std::iter::once(path.to_owned()).chain(form));
        let scoped = format!("{}/{text}", account.unwrap_or_default());
        Ok(Self { text: text.to_owned(), scoped, fingerprint })
    }

    /// The answer given before. A key used with other parameters is refused.
    pub(super) fn stored<'a>(&self, state: &'a State, now: i64) -> Result<Option<&'a Stored>, ApiError> {
        let kept = state.stored_answers.get(&self.scoped).filter(|stored| stored.created + KEPT_FOR > now);
        match kept {
            Some(stored) if stored.fingerprint != self.fingerprint => {
                Err(ApiError::other_parameters(&self.text))
            }
            kept => Ok(kept),
        }
    }

    /// Keeps an answer, and forgets those that are too old.
    pub(super) fn store(&self, state: &mut State, now: i64, request: &str, status: u16, body: &str) {
        state.stored_answers.retain(|_, stored| stored.created + KEPT_FOR > now);
        let stored = Stored {
            fingerprint: self.fingerprint.clone(),
            status,
            body: body.to_owned(),
            request: request.to_owned(),
            created: now,
        };
        state.stored_answers.insert(self.scoped.clone(), stored);
    }
}
