//! PayPal's error object. Source: <https://developer.paypal.com/api/rest/responses/>.

use serde_json::{Map, Value, json};

use crate::simulator::{NotSaved, Refused};

/// An error response.
#[derive(Debug, Clone)]
pub struct ApiError {
    pub(super) status: u16,
    name: &'static str,
    message: &'static str,
    /// The issue, and which field has it; empty for errors that are not about the request.
    detail: Map<String, Value>,
    /// Where the payer goes to choose another means of payment.
    redirect: Option<String>,
}

impl ApiError {
    fn new(status: u16, name: &'static str, message: &'static str) -> Self {
        Self { status, name, message, detail: Map::new(), redirect: None }
    }

    fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }

    /// PayPal documents the issues, and that nobody should depend on their descriptions.
    fn with(self, issue: &'static str) -> Self {
        let words = issue.to_ascii_lowercase().replace('_', " ");
        self.set("issue", issue).because(format!("The request was refused: {words}."))
    }

    /// The request is wrong by itself.
    pub(super) fn bad_request(issue: &'static str) -> Self {
        let message = "Request is not well-formed, syntactically incorrect, or violates schema.";
        Self::new(400, "INVALID_REQUEST", message).with(issue)
    }

    /// The request conflicts with the state of what it is about.
    pub(super) fn unprocessable(issue: &'static str) -> Self {
        let message = "The requested action could not be performed, semantically incorrect, or failed business \
                       validation.";
        Self::new(422, "UNPROCESSABLE_ENTITY", message).with(issue)
    }

    /// PayPal holds nothing of a capture any more. The name is the issue.
    pub(super) fn already_paid_out() -> Self {
        let message = "The payout was completed before.";
        Self::new(422, "PAYOUT_ALREADY_COMPLETED_FOR_REFERENCE", message)
    }

    /// The caller may not do this for the seller.
    pub(super) fn forbidden(description: impl Into<String>) -> Self {
        let message = "Authorization failed due to insufficient permissions.";
        Self::new(403, "NOT_AUTHORIZED", message).with("PERMISSION_DENIED").because(description)
    }

    /// There is no object with this id.
    pub(super) fn not_found(id: &str) -> Self {
        let error = Self::new(404, "RESOURCE_NOT_FOUND", "The specified resource does not exist.");
        error.with("INVALID_RESOURCE_ID").at("id", id).in_the("path")
    }

    /// There is no access token, or it is not valid now.
    pub(super) fn unauthenticated() -> Self {
        let message = "Authentication failed due to missing authorization header, or invalid authentication \
                       credentials.";
        Self::new(401, "AUTHENTICATION_FAILURE", message)
    }

    /// A call with the same `PayPal-Request-Id` has no response yet.
    pub(super) fn in_progress() -> Self {
        let message = "The server has detected a conflict while processing this request.";
        Self::new(409, "RESOURCE_CONFLICT", message).with("PREVIOUS_REQUEST_IN_PROGRESS")
    }

    pub(super) fn wrong_media_type() -> Self {
        let message = "The server does not support the request payload's media type.";
        Self::new(415, "UNSUPPORTED_MEDIA_TYPE", message)
    }

    pub(super) fn too_many_requests() -> Self {
        Self::new(429, "RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting.")
    }

    pub(super) fn internal() -> Self {
        Self::new(500, "INTERNAL_SERVER_ERROR", "An internal server error occurred.")
    }

    /// Adds the field that is wrong, and the start of its value, short enough for a log.
    pub(super) fn at(self, field: &str, value: &str) -> Self {
        let error = self.set("field", field).in_the("body");
        if value.is_empty() { error } else { error.set("value", value.chars().take(100).collect::<String>()) }
    }

    /// Replaces the description.
    pub(super) fn because(self, description: impl Into<String>) -> Self {
        self.set("description", description.into())
    }

    /// Sets where the field is: `body`, `path` or `query`.
    pub(super) fn in_the(self, location: &'static str) -> Self {
        self.set("location", location)
    }

    /// Adds the link by which the payer chooses another means of payment.
    pub(super) fn redirecting(self, address: String) -> Self {
        Self { redirect: Some(address), ..self }
    }

    /// The body of the response.
    pub(super) fn envelope(&self, debug_id: &str) -> Value {
        let anchor = self.detail.get("issue").and_then(Value::as_str).unwrap_or(self.name);
        let page = format!("https://developer.paypal.com/api/rest/reference/orders/v2/errors/#{anchor}");
        let mut links = vec![json!({ "href": page, "rel": "information_link", "method": "GET" })];
        if let Some(address) = &self.redirect {
            links.push(json!({ "href": address, "rel": "redirect", "method": "GET" }));
        }
        let (name, message) = (self.name, self.message);
        let mut body = json!({ "name": name, "message": message, "debug_id": debug_id, "links": links });
        if !self.detail.is_empty() {
            body["details"] = json!([self.detail]);
        }
        body
    }
}

impl From<NotSaved> for ApiError {
    fn from(_: NotSaved) -> Self {
        Self::internal()
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        let text = |name: &str| error.detail.get(name).and_then(Value::as_str);
        let (code, message) = (text("issue").unwrap_or(error.name), text("description"));
        Self {
            status: error.status,
            code: Some(code.to_owned()),
            message: message.unwrap_or(error.message).to_owned(),
        }
    }
}
