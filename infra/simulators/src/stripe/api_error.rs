//! Stripe's error envelope. Source: <https://docs.stripe.com/api/errors>.

use serde_json::{Map, Value, json};

use super::Refused;

/// An answer that says no.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) status: u16,
    /// Whether work had begun, so that an idempotency key replays this answer.
    pub(super) stored: bool,
    details: Box<Details>,
}

#[derive(Debug, Clone)]
struct Details {
    /// `invalid_request_error`, `card_error`, `idempotency_error` or `api_error`.
    kind: &'static str,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
    message: String,
    charge: Option<String>,
    payment_intent: Option<Value>,
    payment_method: Option<Value>,
    setup_intent: Option<Value>,
}

impl ApiError {
    fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        let details = Details {
            kind,
            code: None,
            decline_code: None,
            param: None,
            message: message.into(),
            charge: None,
            payment_intent: None,
            payment_method: None,
            setup_intent: None,
        };
        Self { status, stored: false, details: Box::new(details) }
    }

    /// The request does not make sense by itself.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// The request makes no sense for what is there now.
    pub(super) fn unexpected_state(message: impl Into<String>, payment_intent: Value) -> Self {
        let mut error = Self::invalid(message).code("payment_intent_unexpected_state");
        error.details.payment_intent = Some(payment_intent);
        error.stored = true;
        error
    }

    /// The bank, or the guest, said no. The status is 402.
    pub(super) fn card(failure: &super::state::Failure) -> Self {
        let mut error = Self::new(402, "card_error", failure.message.clone()).code(&failure.code);
        error.details.decline_code = failure.decline_code.clone();
        error.stored = true;
        error
    }

    pub(super) fn missing(what: &str, id: &str, param: &str) -> Self {
        let mut error =
            Self::invalid(format!("No such {what}: '{id}'")).code("resource_missing").param(param);
        // What the address names is 404, what a parameter names is 400.
        if matches!(param, "id" | "intent" | "account_id") {
            error.status = 404;
        }
        error
    }

    pub(super) fn parameter_missing(name: &str) -> Self {
        Self::invalid(format!("Missing required param: {name}.")).code("parameter_missing").param(name)
    }

    /// The platform may not act for this account, or there is none: Stripe does not tell which.
    pub(super) fn no_access(account: &str) -> Self {
        let message = format!(
            "The provided key does not have access to account '{account}' (or that account does not exist). \
             Application access may have been revoked."
        );
        Self::forbidden(message).code("account_invalid")
    }

    pub(super) fn rate_limit() -> Self {
        let message = "Request rate limit exceeded. Learn more about rate limits here \
                       https://docs.stripe.com/rate-limits.";
        Self::new(429, "invalid_request_error", message).code("rate_limit")
    }

    pub(super) fn unauthorized(message: &str) -> Self {
        Self::new(401, "invalid_request_error", message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "invalid_request_error", message)
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

    pub(super) fn code(mut self, code: &str) -> Self {
        self.details.code = Some(code.to_owned());
        self
    }

    pub(super) fn param(mut self, param: impl Into<String>) -> Self {
        self.details.param = Some(param.into());
        self
    }

    pub(super) fn charge(mut self, charge: Option<&str>) -> Self {
        self.details.charge = charge.map(str::to_owned);
        self
    }

    pub(super) fn payment_intent(mut self, intent: Value) -> Self {
        self.details.payment_intent = Some(intent);
        self
    }

    pub(super) fn payment_method(mut self, method: Option<Value>) -> Self {
        self.details.payment_method = method;
        self
    }

    pub(super) fn setup_intent(mut self, intent: Value) -> Self {
        self.details.setup_intent = Some(intent);
        self
    }

    pub(super) fn after_work_began(mut self) -> Self {
        self.stored = true;
        self
    }

    /// The members of the error, also for `last_payment_error`.
    pub(super) fn members(&self) -> Value {
        let details = &*self.details;
        let mut members = Map::new();
        members.insert("type".to_owned(), json!(details.kind));
        members.insert("message".to_owned(), json!(details.message));
        let texts = [
            ("code", &details.code),
            ("decline_code", &details.decline_code),
            ("param", &details.param),
            ("charge", &details.charge),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                members.insert(name.to_owned(), json!(text));
            }
        }
        if let Some(code) = &details.code {
            let page = format!("https://docs.stripe.com/error-codes#{}", code.replace('_', "-"));
            members.insert("doc_url".to_owned(), json!(page));
        }
        for (name, object) in [
            ("payment_intent", &details.payment_intent),
            ("payment_method", &details.payment_method),
            ("setup_intent", &details.setup_intent),
        ] {
            if let Some(object) = object {
                members.insert(name.to_owned(), object.clone());
            }
        }
        Value::Object(members)
    }

    pub(super) fn envelope(&self) -> Value {
        json!({ "error": self.members() })
    }

    pub(super) fn refused(self) -> Refused {
        Refused { status: self.status, code: self.details.code, message: self.details.message }
    }
}
