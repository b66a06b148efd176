//! PayPal's error object. Source: <https://developer.paypal.com/api/rest/responses/>.

use serde_json::{Map, Value, json};

use super::Refused;

/// An answer that says no.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) status: u16,
    name: &'static str,
    message: &'static str,
    detail: Option<Box<Detail>>,
}

#[derive(Debug, Clone)]
struct Detail {
    issue: &'static str,
    description: String,
    field: Option<String>,
    value: Option<String>,
    location: &'static str,
    /// Where the payer goes to mend it.
    redirect: Option<String>,
}

impl ApiError {
    fn new(status: u16, name: &'static str, message: &'static str) -> Self {
        Self { status, name, message, detail: None }
    }

    fn with(mut self, issue: &'static str) -> Self {
        let (description, field, value, redirect) = (description(issue).to_owned(), None, None, None);
        self.detail = Some(Box::new(Detail { issue, description, field, value, location: "body", redirect }));
        self
    }

    /// The request does not make sense by itself.
    pub(super) fn bad_request(issue: &'static str) -> Self {
        let message = "Request is not well-formed, syntactically incorrect, or violates schema.";
        Self::new(400, "INVALID_REQUEST", message).with(issue)
    }

    /// The request cannot be done, as things are.
    pub(super) fn unprocessable(issue: &'static str) -> Self {
        let message = "The requested action could not be performed, semantically incorrect, or failed business \
                       validation.";
        Self::new(422, "UNPROCESSABLE_ENTITY", message).with(issue)
    }

    /// The caller may not do this to that seller.
    pub(super) fn forbidden(description: impl Into<String>) -> Self {
        let message = "Authorization failed due to insufficient permissions.";
        Self::new(403, "NOT_AUTHORIZED", message).with("PERMISSION_DENIED").because(description)
    }

    /// There is nothing of this id.
    pub(super) fn not_found(id: &str) -> Self {
        let error = Self::new(404, "RESOURCE_NOT_FOUND", "The specified resource does not exist.");
        error.with("INVALID_RESOURCE_ID").at("id", id).in_the("path")
    }

    /// No access token, or not one that is good now.
    pub(super) fn unauthenticated() -> Self {
        let message = "Authentication failed due to missing authorization header, or invalid authentication \
                       credentials.";
        Self::new(401, "AUTHENTICATION_FAILURE", message)
    }

    /// A call with the same `PayPal-Request-Id` has not been answered yet.
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

    /// Which field is wrong, and what stood there.
    pub(super) fn at(mut self, field: &str, value: &str) -> Self {
        if let Some(detail) = &mut self.detail {
            detail.field = Some(field.to_owned());
            // Strangers' input comes back in a length that fits a log.
            detail.value = Some(value.chars().take(100).collect()).filter(|value: &String| !value.is_empty());
        }
        self
    }

    /// Says it in other words than usual.
    pub(super) fn because(mut self, description: impl Into<String>) -> Self {
        if let Some(detail) = &mut self.detail {
            detail.description = description.into();
        }
        self
    }

    /// `body`, `path` or `query`.
    pub(super) fn in_the(mut self, location: &'static str) -> Self {
        if let Some(detail) = &mut self.detail {
            detail.location = location;
        }
        self
    }

    /// Adds the link by which the payer chooses other means of payment.
    pub(super) fn redirecting(mut self, address: String) -> Self {
        if let Some(detail) = &mut self.detail {
            detail.redirect = Some(address);
        }
        self
    }

    /// The answer's body.
    pub(super) fn envelope(&self, debug_id: &str) -> Value {
        let anchor = self.detail.as_ref().map_or(self.name, |detail| detail.issue);
        let page = format!("https://developer.paypal.com/api/rest/reference/orders/v2/errors/#{anchor}");
        let mut links = vec![json!({ "href": page, "rel": "information_link", "method": "GET" })];
        let mut details = Vec::new();
        if let Some(detail) = &self.detail {
            let mut members = Map::new();
            if let Some(field) = &detail.field {
                members.insert("field".to_owned(), json!(field));
                members.insert("location".to_owned(), json!(detail.location));
            }
            if let Some(value) = &detail.value {
                members.insert("value".to_owned(), json!(value));
            }
            members.insert("issue".to_owned(), json!(detail.issue));
            members.insert("description".to_owned(), json!(detail.description));
            details.push(Value::Object(members));
            if let Some(address) = &detail.redirect {
                links.push(json!({ "href": address, "rel": "redirect", "method": "GET" }));
            }
        }
        let (name, message) = (self.name, self.message);
        let mut body = json!({ "name": name, "message": message, "debug_id": debug_id, "links": links });
        if let (Value::Object(members), false) = (&mut body, details.is_empty()) {
            members.insert("details".to_owned(), Value::Array(details));
        }
        body
    }

    pub(super) fn refused(self) -> Refused {
        let (issue, message) = match self.detail {
            Some(detail) => (detail.issue, detail.description),
            None => (self.name, self.message.to_owned()),
        };
        Refused { status: self.status, issue: issue.to_owned(), message }
    }
}

/// What an issue means. The issues are PayPal's; the words are the simulator's own, and PayPal says that
/// nobody should depend on them.
fn description(issue: &str) -> &'static str {
    match issue {
        "ACTION_DOES_NOT_MATCH_INTENT" => "The order was made with the other intent.",
        "AUTHORIZATION_ALREADY_CAPTURED" => "Nothing of this authorization is left to capture.",
        "AUTHORIZATION_AMOUNT_EXCEEDED" => "No more can be authorized than the payer agreed to.",
        "AUTHORIZATION_EXPIRED" => "The authorization is older than 29 days.",
        "AUTHORIZATION_VOIDED" => "The authorization was voided.",
        "AUTH_CAPTURE_CURRENCY_MISMATCH" => "A capture is in the currency of its authorization.",
        "AUTH_CURRENCY_MISMATCH" => "A reauthorization is in the currency of the first authorization.",
        "CANNOT_BE_NEGATIVE" => "The amount is less than zero.",
        "CANNOT_BE_VOIDED" => "Void the first authorization, not the reauthorization.",
        "CANNOT_BE_ZERO_OR_NEGATIVE" => "The amount is not more than zero.",
        "CAPTURE_FULLY_REFUNDED" => "Nothing of the capture is left to refund.",
        "DECIMALS_NOT_SUPPORTED" => "The currency has no decimals.",
        "DECIMAL_PRECISION" => "The currency has no more than two decimals.",
        "DUPLICATE_INVOICE_ID" => "The seller has used this invoice_id before.",
        "DUPLICATE_REQUEST_ID" => "The PayPal-Request-Id was used for another request.",
        "INSTRUMENT_DECLINED" => "The payer's means of payment was declined; they may choose another.",
        "INVALID_CURRENCY_CODE" => "PayPal does not take payments in this currency.",
        "INVALID_PARAMETER_SYNTAX" => "The field does not have the form it should.",
        "INVALID_PARAMETER_VALUE" => "The field has a value it cannot have.",
        "INVALID_PLATFORM_FEES_ACCOUNT" => "Platform fees go to the partner.",
        "INVALID_PLATFORM_FEES_AMOUNT" => "The platform fee is more than the payment.",
        "INVALID_RESOURCE_ID" => "There is nothing of this id.",
        "INVALID_STRING_LENGTH" => "The field is too short or too long.",
        "MALFORMED_REQUEST_JSON" => "The body is not JSON.",
        "MAX_CAPTURE_AMOUNT_EXCEEDED" => "More would be captured than was authorized.",
        "MAX_CAPTURE_COUNT_EXCEEDED" => "The authorization was captured in too many parts.",
        "MAX_VALUE_EXCEEDED" => "The amount is too large.",
        "MISSING_REQUIRED_PARAMETER" => "A field that is needed is missing.",
        "MULTI_CURRENCY_ORDER" => "All amounts of an order are in one currency.",
        "NOT_SUPPORTED" => "The simulator does not act on this field, so it refuses it.",
        "ORDER_ALREADY_AUTHORIZED" => "The order was authorized before.",
        "ORDER_ALREADY_CAPTURED" => "The order was captured before.",
        "ORDER_NOT_APPROVED" => "The payer has not approved the order.",
        "PAYEE_ACCOUNT_INVALID" => "There is no such seller.",
        "PAYEE_ACCOUNT_RESTRICTED" => "The seller cannot receive payments.",
        "PAYER_ACCOUNT_RESTRICTED" => "The payer's account is restricted.",
        "PAYER_CANNOT_PAY" => "The payer does not have the money any more.",
        "PAYPAL_REQUEST_ID_REQUIRED" => "An order with a payment_source needs a PayPal-Request-Id.",
        "PENDING_CAPTURE" => "A pending capture cannot be refunded.",
        "PERMISSION_DENIED" => "The caller may not do this.",
        "PLATFORM_FEES_NOT_SUPPORTED" => "A payment to the partner itself has no platform fees.",
        "PLATFORM_FEE_EXCEEDED" => "More platform fee would be given back than was taken.",
        "PREVIOUSLY_CAPTURED" => "An authorization that was captured cannot be voided.",
        "PREVIOUSLY_VOIDED" => "The authorization was voided before.",
        "PREVIOUS_REQUEST_IN_PROGRESS" => "The same request is still being worked on.",
        "REAUTHORIZATION_NOT_SUPPORTED" => "A reauthorization cannot be reauthorized.",
        "REAUTHORIZATION_TOO_SOON" => "Once, and from the fourth day on.",
        "REFUND_AMOUNT_EXCEEDED" => "More would be refunded than is left of the capture.",
        "REFUND_CAPTURE_CURRENCY_MISMATCH" => "A refund is in the currency of its capture.",
        "REFUND_NOT_ALLOWED" => "This capture cannot be refunded.",
        "REFUND_TIME_LIMIT_EXCEEDED" => "A capture can be refunded for 180 days.",
        "TRANSACTION_DISPUTED" => "The payer disputes the payment.",
        _ => "The request was refused.",
    }
}
