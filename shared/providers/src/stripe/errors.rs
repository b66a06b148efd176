//! What a failed call means (<https://docs.stripe.com/error-low-level>), and why banks refuse.

use app::payments::ports::PaymentError;
use domain::payments::payment::Decline;
use reqwest::StatusCode;
use serde::Deserialize;

use super::wire::{Anything, Named, Refusal};

/// Why a call brought no answer that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Stripe says no.
    Answer(No),
    /// Nothing came, or nothing that can be understood.
    Silence(String),
}

/// Stripe's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct No {
    status: StatusCode,
    code: String,
    message: String,
    /// The parameter that it is about.
    param: Option<String>,
    /// The payment intent that it is about.
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
    payment_intent: Option<Named>,
}

impl Failure {
    pub(super) fn of_answer(status: StatusCode, body: &[u8]) -> Self {
        let detail = serde_json::from_slice::<Envelope>(body).ok().map(|envelope| envelope.error);
        let unnamed = || format!("http_{}", status.as_u16());
        Self::Answer(match detail {
            Some(Detail { kind, code, message, param, payment_intent }) => No {
                status,
                code: code.unwrap_or(kind),
                message: message.unwrap_or_default(),
                param,
                intent: payment_intent.map(|intent| intent.id),
            },
            None => No { status, code: unnamed(), message: String::new(), param: None, intent: None },
        })
    }

    /// Stripe's code, when it answered with one.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Answer(no) => Some(&no.code),
            Self::Silence(_) => None,
        }
    }

    /// Stripe's sentence, when it answered with one.
    pub(super) fn message(&self) -> &str {
        match self {
            Self::Answer(no) => &no.message,
            Self::Silence(_) => "",
        }
    }

    /// Whether Stripe failed, which says nothing of whether it acted.
    pub(super) fn is_fault(&self) -> bool {
        matches!(self, Self::Answer(no) if no.status.is_server_error())
    }

    /// Whether Stripe refused what was asked because of this parameter.
    pub(super) fn is_about(&self, param: &str) -> bool {
        matches!(self, Self::Answer(no) if no.status.is_client_error() && no.param.as_deref() == Some(param))
    }

    /// The intent that was made before the bank refused it.
    pub(super) fn refused_intent(&self) -> Option<&str> {
        match self {
            Self::Answer(no) if no.status == StatusCode::PAYMENT_REQUIRED => no.intent.as_deref(),
            Self::Answer(_) | Self::Silence(_) => None,
        }
    }
}

impl From<Failure> for PaymentError {
    /// The same try may help with locks, rate limits and Stripe's own faults, another one with an empty balance; the rest is
    /// refused for good.
    fn from(failure: Failure) -> Self {
        let No { status, code, message, .. } = match failure {
            Failure::Answer(no) => no,
            Failure::Silence(reason) => return Self::Unavailable(reason),
        };
        let passing = matches!(
            status,
            StatusCode::CONFLICT
                | StatusCode::TOO_MANY_REQUESTS
                | StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
        )
            // Another request holds the object.
            || code == "lock_timeout";
        // The platform's balance must fill first; or the key stands for what was asked before and was not done. Stripe keeps such
        // an answer with the key.
        let not_now = matches!(code.as_str(), "balance_insufficient" | "idempotency_error");
        let in_words = || format!("status {}, {code}: {message}", status.as_u16());
        if not_now {
            Self::NotNow { code, message }
        } else if status.is_server_error() {
            Self::Failed(in_words())
        } else if passing {
            // A wrong key is the operator's to mend; until then everything stays owed.
            Self::Unavailable(in_words())
        } else {
            Self::Refused { code, message }
        }
    }
}

/// What an intent is asked for comes too late (<https://docs.stripe.com/error-codes>).
pub(super) const INTENT_OVER: &str = "payment_intent_unexpected_state";
/// The same of a setup intent.
pub(super) const SETUP_OVER: &str = "setup_intent_unexpected_state";
/// The owner of an account took the platform's access away.
pub(super) const NO_ACCESS: &str = "account_invalid";
/// There is no such object.
pub(super) const NOT_FOUND: &str = "resource_missing";

/// An order that comes too late, because what it asks for was done or has become impossible, is none; the caller looks again.
pub(super) fn unless_over(done: Result<Anything, Failure>, over: &str) -> Result<(), PaymentError> {
    match done {
        Ok(_) => Ok(()),
        Err(failure) if failure.code() == Some(over) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

/// What must be there because of a step before this one.
pub(super) fn reference(reference: Option<&String>, what: &str) -> Result<String, PaymentError> {
    reference.cloned().ok_or_else(|| refused("missing_reference", format!("the payment has no {what}")))
}

/// A refusal of our own.
pub(super) fn refused(code: &str, message: String) -> PaymentError {
    PaymentError::Refused { code: code.to_owned(), message }
}

/// Why a bank refused. Stripe asks that nobody be told of a card that is reported lost or stolen or is suspected of fraud, so
/// those, like all that is not listed here, are plain refusals. Source: <https://docs.stripe.com/declines/codes>.
pub(super) fn decline(refusal: &Refusal) -> Decline {
    let code = refusal.decline_code.as_deref().or(refusal.code.as_deref()).unwrap_or_default();
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
    fn tells_refusals_from_faults() {
        let answered = |status, body: &[u8]| PaymentError::from(Failure::of_answer(status, body));
        let body =
            br#"{"error":{"type":"invalid_request_error","code":"amount_too_small","message":"Too small"}}"#;
        let code = "amount_too_small".to_owned();
        let expected = PaymentError::Refused { code, message: "Too small".to_owned() };
        assert_eq!(answered(StatusCode::BAD_REQUEST, body), expected);
        for status in [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::CONFLICT,
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
        ] {
            assert!(matches!(answered(status, b"<html>"), PaymentError::Unavailable(_)), "{status}");
        }
        assert!(matches!(answered(StatusCode::BAD_GATEWAY, b"<html>"), PaymentError::Failed(_)));
        let of_code = |code: &str| {
            let body = format!(r#"{{"error":{{"type":"invalid_request_error","code":"{code}"}}}}"#);
            answered(StatusCode::BAD_REQUEST, body.as_bytes())
        };
        assert!(matches!(of_code("lock_timeout"), PaymentError::Unavailable(_)));
        assert!(matches!(of_code("balance_insufficient"), PaymentError::NotNow { .. }));
        let reused = br#"{"error":{"type":"idempotency_error","message":"Keys for idempotent requests"}}"#;
        assert!(matches!(answered(StatusCode::BAD_REQUEST, reused), PaymentError::NotNow { .. }));
    }

    #[test]
    fn finds_the_intent_that_a_bank_refused() {
        let body = include_bytes!("recorded/card_declined.json");
        let failure = Failure::of_answer(StatusCode::PAYMENT_REQUIRED, body);
        assert_eq!(failure.refused_intent(), Some("pi_3Q1declined"));
        assert!(
            matches!(PaymentError::from(failure), PaymentError::Refused { code, .. } if code == "authentication_required")
        );
        assert_eq!(Failure::of_answer(StatusCode::BAD_REQUEST, body).refused_intent(), None);
    }

    #[test]
    fn says_what_can_be_said_of_a_decline() {
        let of = |code: Option<&str>, decline_code: Option<&str>| {
            decline(&Refusal { code: code.map(str::to_owned), decline_code: decline_code.map(str::to_owned) })
        };
        assert_eq!(of(Some("card_declined"), Some("insufficient_funds")), Decline::InsufficientFunds);
        assert_eq!(of(Some("expired_card"), None), Decline::ExpiredCard);
        assert_eq!(of(Some("authentication_required"), None), Decline::AuthenticationRequired);
        for secret in ["lost_card", "stolen_card", "fraudulent", "pickup_card", "merchant_blacklist"] {
            assert_eq!(of(Some("card_declined"), Some(secret)), Decline::Refused, "{secret}");
        }
        assert_eq!(of(None, None), Decline::Refused);
    }
}
