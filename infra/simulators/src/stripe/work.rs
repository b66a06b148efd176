//! What API calls use and return.

use serde_json::Value;

use super::Stripe;
use super::api_error::ApiError;
use super::state::Intent;

/// What an action uses.
pub(super) type Work<'a> = crate::simulator::Work<'a, Stripe>;

/// The result of an action: an object, or an error.
pub(super) type Outcome = Result<Value, ApiError>;

/// Who makes a call, and how. The default is the simulator itself: a page, or time passing.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The id of the API call.
    pub(super) request: Option<String>,
    pub(super) idempotency_key: Option<String>,
    /// The connected account of the `Stripe-Account` header.
    pub(super) account: Option<String>,
    /// The caller has a publishable key: it needs the client secret of an intent, and sees a part of it.
    pub(super) browser: bool,
}

impl Work<'_> {
    pub(super) fn payment_intent(&self, id: &str) -> Result<&Intent, ApiError> {
        self.state.intents.get(id).ok_or_else(|| ApiError::missing("payment_intent", id, "intent"))
    }
}
