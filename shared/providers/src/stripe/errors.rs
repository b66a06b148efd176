//! What an error response means (<https://docs.stripe.com/error-low-level>), and why a bank declined.

use app::payments::ports::GatewayError;
use domain::payments::payment::Decline;
use reqwest::StatusCode;
use serde::Deserialize;

use super::wire::{DeclineDetails, Ignored, ObjectId};

/// The reason why a request has no usable response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Stripe sent an error response.
    Rejected(Rejection),
    /// No response arrived, or it could not be read.
    Unavailable(String),
}

/// An error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    status: StatusCode,
    code: String,
    message: String,
    /// The parameter that the error is about.
    param: Option<String>,
    /// The payment intent that the error is about.
    intent: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    error: Detail,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(rename = "type")]
    kind: String,
    code: Option<String>,
    message: Option<String>,
    param: Option<String>,
    payment_intent: Option<ObjectId>,
}

impl Failure {
    pub(super) fn from_response(status: StatusCode, body: &[u8]) -> Self {
        let detail = serde_json::from_slice::<Envelope>(body).ok().map(|envelope| envelope.error);
        let unnamed = || format!("http_{}", status.as_u16());
        Self::Rejected(match detail {
            Some(Detail { kind, code, message, param, payment_intent }) => Rejection {
                status,
                code: code.unwrap_or(kind),
                message: message.unwrap_or_default(),
                param,
                intent: payment_intent.map(|intent| intent.id),
            },
            None => Rejection { status, code: unnamed(), message: String::new(), param: None, intent: None },
        })
    }

    /// Stripe's error code, if there is one.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Rejected(rejection) => Some(&rejection.code),
            Self::Unavailable(_) => None,
        }
    }

    /// Stripe's error message, or an empty string.
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Rejected(rejection) => &rejection.message,
            Self::Unavailable(_) => "",
        }
    }

    /// Whether Stripe had an internal error. It may or may not have acted.
    pub(super) fn is_internal_error(&self) -> bool {
        matches!(self, Self::Rejected(rejection) if rejection.status.is_server_error())
    }

    /// Whether Stripe refused the request because of this parameter.
    pub(super) fn is_about(&self, param: &str) -> bool {
        match self {
            Self::Rejected(rejection) => {
                rejection.status.is_client_error() && rejection.param.as_deref() == Some(param)
            }
            Self::Unavailable(_) => false,
        }
    }

    /// The intent that Stripe created before the bank declined it.
    pub(super) fn declined_intent(&self) -> Option<&str> {
        match self {
            Self::Rejected(rejection) if rejection.status == StatusCode::PAYMENT_REQUIRED => {
                rejection.intent.as_deref()
            }
            Self::Rejected(_) | Self::Unavailable(_) => None,
        }
    }
}

impl From<Failure> for GatewayError {
    /// Locks, rate limits, wrong keys and internal errors are temporary. An insufficient balance needs a new request, with a new
    /// idempotency key. Everything else is refused permanently, also access to an account whose owner has revoked it.
    fn from(failure: Failure) -> Self {
        let Rejection { status, code, message, .. } = match failure {
            Failure::Rejected(rejection) => rejection,
            Failure::Unavailable(reason) => return Self::Unavailable(reason),
        };
        let temporary = matches!(
            status,
            StatusCode::CONFLICT
                | StatusCode::TOO_MANY_REQUESTS
                | StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
        ) && code != NO_ACCESS
            // Another request has locked the object.
            || code == "lock_timeout";
        // The platform's balance is too low, or the key was used for another request that Stripe did not execute. Stripe stores
        // this response with the key.
        let not_now = matches!(code.as_str(), BALANCE_INSUFFICIENT | "idempotency_error");
        let description = || format!("status {}, {code}: {message}", status.as_u16());
        if not_now {
            Self::NotNow { code, message }
        } else if status.is_server_error() {
            Self::Failed(description())
        } else if temporary {
            // The operator must replace a wrong key; until then, the job is retried.
            Self::Unavailable(description())
        } else {
            Self::Refused { code, message }
        }
    }
}

/// What it means that a request which takes money back from an expert failed. A balance that does not cover it is that of the expert's
/// account. Nobody knows when it will, so this is a refusal.
pub(super) fn not_taken_back(failure: Failure) -> GatewayError {
    match failure.into() {
        GatewayError::NotNow { code, message } if code == BALANCE_INSUFFICIENT => {
            GatewayError::Refused { code, message }
        }
        error => error,
    }
}

/// A balance does not cover the request.
const BALANCE_INSUFFICIENT: &str = "balance_insufficient";
/// The intent's state no longer allows the request (<https://docs.stripe.com/error-codes>).
pub(super) const UNEXPECTED_INTENT_STATE: &str = "payment_intent_unexpected_state";
/// The setup intent's state no longer allows the request.
pub(super) const UNEXPECTED_SETUP_STATE: &str = "setup_intent_unexpected_state";
/// The owner of a connected account revoked the platform's access.
pub(super) const NO_ACCESS: &str = "account_invalid";
/// The object does not exist.
pub(super) const NOT_FOUND: &str = "resource_missing";

/// Treats an order that comes too late as done, because it was executed before or has become impossible. The next snapshot shows
/// which. `too_late` is the error code that says so.
pub(super) fn ok_if_done(result: Result<Ignored, Failure>, too_late: &str) -> Result<(), GatewayError> {
    match result {
        Ok(_) => Ok(()),
        Err(failure) if failure.code() == Some(too_late) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

/// A reference that an earlier step stored in the payment.
pub(super) fn required(reference: Option<&String>, what: &str) -> Result<String, GatewayError> {
    reference.cloned().ok_or_else(|| refused("missing_reference", format!("the payment has no {what}")))
}

/// A refusal by this adapter, not by Stripe.
pub(super) fn refused(code: &str, message: String) -> GatewayError {
    GatewayError::Refused { code: code.to_owned(), message }
}

/// Why a bank declined. Codes that are not listed here are plain refusals. So are cards that are reported lost or stolen, or are
/// suspected of fraud: Stripe asks not to disclose those reasons (<https://docs.stripe.com/declines/codes>).
pub(super) fn decline(details: &DeclineDetails) -> Decline {
    let code = details.decline_code.as_deref().or(details.code.as_deref()).unwrap_or_default();
    match code {
        "authentication_required"
        | "authentication_not_handled"
        | "mobile_device_authentication_required"
        | "payment_intent_authentication_failure"
        | "setup_intent_authentication_failure" => Decline::AuthenticationRequired,
        "insufficient_funds" | "card_velocity_exceeded" | "withdrawal_count_limit_exceeded" => {
            Decline::InsufficientFunds
        }
        "expired_card" => Decline::ExpiredCard,
        "incorrect_address"
        | "incorrect_cvc"
        | "incorrect_number"
        | "incorrect_zip"
        | "invalid_cvc"
        | "invalid_expiry_month"
        | "invalid_expiry_year"
        | "invalid_number" => Decline::WrongDetails,
        "card_not_supported"
        | "currency_not_supported"
        | "invalid_amount"
        | "not_permitted"
        | "service_not_allowed"
        | "transaction_not_allowed" => Decline::NotSupported,
        "approve_with_id"
        | "issuer_not_available"
        | "processing_error"
        | "reenter_transaction"
        | "try_again_later" => Decline::TryLater,
        _ => Decline::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permanent_refusals_differ_from_temporary_errors() {
        let error = |status, body: &[u8]| GatewayError::from(Failure::from_response(status, body));
        let body =
            br#"{"error":{"type":"invalid_request_error","code":"amount_too_small","message":"Too small"}}"#;
        let code = "amount_too_small".to_owned();
        let expected = GatewayError::Refused { code, message: "Too small".to_owned() };
        assert_eq!(error(StatusCode::BAD_REQUEST, body), expected);
        for status in [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::CONFLICT,
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
        ] {
            assert!(matches!(error(status, b"<html>"), GatewayError::Unavailable(_)), "{status}");
        }
        assert!(matches!(error(StatusCode::BAD_GATEWAY, b"<html>"), GatewayError::Failed(_)));
        let of_code = |code: &str| {
            let body = format!(r#"{{"error":{{"type":"invalid_request_error","code":"{code}"}}}}"#);
            error(StatusCode::BAD_REQUEST, body.as_bytes())
        };
        assert!(matches!(of_code("lock_timeout"), GatewayError::Unavailable(_)));
        assert!(matches!(of_code("balance_insufficient"), GatewayError::NotNow { .. }));
        let no_access = br#"{"error":{"type":"invalid_request_error","code":"account_invalid"}}"#;
        assert!(matches!(error(StatusCode::FORBIDDEN, no_access), GatewayError::Refused { .. }));
        let reused = br#"{"error":{"type":"idempotency_error","message":"Keys for idempotent requests"}}"#;
        assert!(matches!(error(StatusCode::BAD_REQUEST, reused), GatewayError::NotNow { .. }));
    }

    #[test]
    fn empty_balance_of_an_expert_is_a_refusal() {
        let failure = |status, code: &str| {
            let body = format!(r#"{{"error":{{"type":"invalid_request_error","code":"{code}"}}}}"#);
            not_taken_back(Failure::from_response(status, body.as_bytes()))
        };
        let empty = failure(StatusCode::BAD_REQUEST, "balance_insufficient");
        assert!(matches!(empty, GatewayError::Refused { code, .. } if code == "balance_insufficient"));
        let reused = failure(StatusCode::BAD_REQUEST, "idempotency_error");
        assert!(matches!(reused, GatewayError::NotNow { .. }));
        assert!(matches!(failure(StatusCode::BAD_GATEWAY, "api_error"), GatewayError::Failed(_)));
    }

    #[test]
    fn declined_payment_names_its_intent() {
        let body = include_bytes!("recorded/card_declined.json");
        let failure = Failure::from_response(StatusCode::PAYMENT_REQUIRED, body);
        assert_eq!(failure.declined_intent(), Some("pi_3Q1declined"));
        assert!(
            matches!(GatewayError::from(failure), GatewayError::Refused { code, .. } if code == "authentication_required")
        );
        assert_eq!(Failure::from_response(StatusCode::BAD_REQUEST, body).declined_intent(), None);
    }

    #[test]
    fn decline_reason_is_reported_unless_it_is_confidential() {
        let of = |code: Option<&str>, decline_code: Option<&str>| {
            decline(&DeclineDetails {
                code: code.map(str::to_owned),
                decline_code: decline_code.map(str::to_owned),
            })
        };
        assert_eq!(of(Some("card_declined"), Some("insufficient_funds")), Decline::InsufficientFunds);
        assert_eq!(of(Some("expired_card"), None), Decline::ExpiredCard);
        assert_eq!(of(Some("authentication_required"), None), Decline::AuthenticationRequired);
        for confidential in ["lost_card", "stolen_card", "fraudulent", "pickup_card", "merchant_blacklist"] {
            assert_eq!(of(Some("card_declined"), Some(confidential)), Decline::Refused, "{confidential}");
        }
        assert_eq!(of(None, None), Decline::Refused);
    }
}
