//! Stripe's error envelope. Source: <https://docs.stripe.com/api/errors>.

use serde_json::{Map, Value, json};

use super::state::Failure;
use crate::simulator::{NotSaved, Refused};

/// An error response.
#[derive(Debug, Clone)]
pub struct ApiError {
    pub(super) status: u16,
    /// Whether the call had begun to act, so that its idempotency key replays this response.
    pub(super) stored: bool,
    members: Map<String, Value>,
}

impl ApiError {
    fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        let error = Self { status, stored: false, members: Map::new() };
        error.with("type", kind).with("message", message.into())
    }

    /// Adds a member.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The request is wrong by itself.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// The request conflicts with the status of an intent. `kind` is `payment_intent` or `setup_intent`.
    pub(super) fn unexpected_state(message: impl Into<String>, kind: &str, intent: Value) -> Self {
        let error = Self::invalid(message).code(&format!("{kind}_unexpected_state")).with(kind, intent);
        error.after_work_began()
    }

    /// The bank, or the cardholder, declined.
    pub(super) fn card(failure: &Failure) -> Self {
        let error =
            Self::new(402, "card_error", failure.message.clone()).code(&failure.code).after_work_began();
        match &failure.decline_code {
            Some(decline_code) => error.with("decline_code", decline_code.as_str()),
            None => error,
        }
    }

    pub(super) fn missing(what: &str, id: &str, param: &str) -> Self {
        let error = Self::invalid(format!("No such {what}: '{id}'")).code("resource_missing").param(param);
        // An id in the path that leads nowhere is a 404, an id in a parameter a 400.
        let in_path = matches!(param, "id" | "intent" | "account_id");
        if in_path { Self { status: 404, ..error } } else { error }
    }

    pub(super) fn parameter_missing(name: &str) -> Self {
        Self::invalid(format!("Missing required param: {name}.")).code("parameter_missing").param(name)
    }

    pub(super) fn parameter_unknown(name: &str) -> Self {
        Self::invalid(format!("Received unknown parameter: {name}")).code("parameter_unknown").param(name)
    }

    /// The platform has no access to this account, or it does not exist: Stripe does not tell which.
    pub(super) fn no_access(account: &str) -> Self {
        let message = format!(
            "The provided key does not have access to account '{account}' (or that account does not exist). \
             Application access may have been revoked."
        );
        Self::new(403, "invalid_request_error", message).code("account_invalid")
    }

    pub(super) fn rate_limit() -> Self {
        let message = "Request rate limit exceeded. Learn more about rate limits here \
                       https://docs.stripe.com/rate-limits.";
        Self::new(429, "invalid_request_error", message).code("rate_limit")
    }

    pub(super) fn unauthorized(message: &str) -> Self {
        Self::new(401, "invalid_request_error", message)
    }

    pub(super) fn unknown_address(method: &str, path: &str) -> Self {
        Self::new(404, "invalid_request_error", format!("Unrecognized request URL ({method}: {path})."))
    }

    pub(super) fn other_parameters(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used \
             with. Try using a key other than '{key}' if you meant to execute a different request."
        );
        Self::new(400, "idempotency_error", message)
    }

    pub(super) fn key_in_use(key: &str) -> Self {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key (that probably means \
             you submitted twice, and the other request is still going through): {key}. Please try again \
             later."
        );
        Self::new(409, "idempotency_error", message).code("idempotency_key_in_use")
    }

    pub(super) fn internal(message: &str) -> Self {
        Self::new(500, "api_error", message)
    }

    pub(super) fn code(self, code: &str) -> Self {
        let page = format!("https://docs.stripe.com/error-codes#{}", code.replace('_', "-"));
        self.with("code", code).with("doc_url", page)
    }

    pub(super) fn param(self, param: impl Into<String>) -> Self {
        self.with("param", param.into())
    }

    pub(super) fn after_work_began(self) -> Self {
        Self { stored: true, ..self }
    }

    /// The error, also for `last_payment_error`.
    pub(super) fn members(&self) -> Value {
        json!(self.members)
    }

    /// The body of the response.
    pub(super) fn envelope(&self) -> String {
        json!({ "error": self.members }).to_string()
    }
}

impl From<NotSaved> for ApiError {
    fn from(_: NotSaved) -> Self {
        Self::internal("The simulator could not save its state; its log says why.")
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        let text = |name: &str| error.members.get(name).and_then(Value::as_str).map(str::to_owned);
        Self { status: error.status, code: text("code"), message: text("message").unwrap_or_default() }
    }
}
