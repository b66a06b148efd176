//! What an action may use while it runs.

use serde_json::Value;
use url::Url;

use super::api_error::ApiError;
use super::state::{Intent, State};
use super::switches::Switches;

/// The object to answer with, or why not.
pub(super) type Outcome = Result<Value, ApiError>;

/// Who asked, and how. The default is the simulator itself: a page, or the passing of time.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    /// The id of the API call.
    pub(super) request: Option<String>,
    pub(super) idempotency_key: Option<String>,
    /// The connected account the call was made on with the `Stripe-Account` header.
    pub(super) account: Option<String>,
    /// The call came with a publishable key: it needs the intent's client secret and sees little.
    pub(super) from_client: bool,
}

pub(super) struct Work<'a> {
    pub(super) state: &'a mut State,
    pub(super) switches: &'a Switches,
    /// Whether anybody listens to webhooks.
    pub(super) announce: bool,
    pub(super) now: i64,
    pub(super) public_url: &'a Url,
    pub(super) origin: Origin,
}

impl Work<'_> {
    /// An address of the simulator's own pages.
    pub(super) fn page(&self, path: &str) -> String {
        format!("{}/{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// The intent, when it belongs to the account the call was made on.
    pub(super) fn intent(&self, id: &str) -> Result<&Intent, ApiError> {
        self.state
            .intents
            .get(id)
            .filter(|intent| intent.account == self.origin.account)
            .ok_or_else(|| ApiError::missing("payment_intent", id, "intent"))
    }

    /// Changes the intent. It must exist.
    pub(super) fn change_intent(&mut self, id: &str, change: impl FnOnce(&mut Intent)) {
        match self.state.intents.get_mut(id) {
            Some(intent) => change(intent),
            None => tracing::error!(id, "an intent that was there is gone"),
        }
    }
}
