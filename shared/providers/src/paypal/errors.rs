//! What a failed call means (<https://developer.paypal.com/api/rest/responses/>).

use app::payments::ports::PaymentError;
use reqwest::StatusCode;
use serde::Deserialize;

/// Why a call brought no answer that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// PayPal says no.
    Answer(No),
    /// Nothing came, or nothing that can be understood.
    Silence(String),
}

/// PayPal's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct No {
    status: StatusCode,
    /// Such as `INSTRUMENT_DECLINED`.
    issue: String,
    message: String,
    /// By which PayPal finds the call when it is asked about it.
    debug_id: String,
}

#[derive(Deserialize)]
struct Envelope {
    name: String,
    message: Option<String>,
    debug_id: Option<String>,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    issue: String,
    description: Option<String>,
}

/// The shape in which access tokens are refused.
#[derive(Deserialize)]
struct TokenRefusal {
    error: String,
    error_description: Option<String>,
}

impl Failure {
    pub(super) fn of_answer(status: StatusCode, body: &[u8]) -> Self {
        let (issue, message, debug_id) = if let Ok(envelope) = serde_json::from_slice::<Envelope>(body) {
            let Envelope { name, message, debug_id, details } = envelope;
            match details.into_iter().next() {
                Some(Detail { issue, description }) => (issue, description.or(message), debug_id),
                None => (name, message, debug_id),
            }
        } else if let Ok(refusal) = serde_json::from_slice::<TokenRefusal>(body) {
            (refusal.error, refusal.error_description, None)
        } else {
            (format!("http_{}", status.as_u16()), None, None)
        };
        Self::Answer(No {
            status,
            issue,
            message: message.unwrap_or_default(),
            debug_id: debug_id.unwrap_or_default(),
        })
    }

    /// PayPal's issue, when it answered with one.
    pub(super) fn issue(&self) -> Option<&str> {
        match self {
            Self::Answer(no) => Some(&no.issue),
            Self::Silence(_) => None,
        }
    }

    fn has_status(&self, status: StatusCode) -> bool {
        matches!(self, Self::Answer(no) if no.status == status)
    }

    /// There is no such thing, or no longer.
    pub(super) fn is_missing(&self) -> bool {
        self.has_status(StatusCode::NOT_FOUND)
    }

    /// The access token is none that is good now.
    pub(super) fn wants_another_token(&self) -> bool {
        self.has_status(StatusCode::UNAUTHORIZED)
    }
}

impl From<Failure> for PaymentError {
    /// Another try may help with rate limits, a call of the same id that is still at work, and PayPal's own faults; the rest is
    /// refused for good.
    fn from(failure: Failure) -> Self {
        let No { status, issue, message, debug_id } = match failure {
            Failure::Answer(no) => no,
            Failure::Silence(reason) => return Self::Unavailable(reason),
        };
        let passing = matches!(
            status,
            StatusCode::CONFLICT
                | StatusCode::TOO_MANY_REQUESTS
                | StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
        ) || status.is_server_error();
        let message = format!("{message} (debug id {debug_id})");
        // What is disputed waits for its end.
        if issue == "TRANSACTION_DISPUTED" {
            Self::NotNow { code: issue, message }
        } else if passing {
            // Wrong keys are the operator's to mend, and consent is the expert's to give again; until then all stays owed.
            Self::Unavailable(format!("status {}, {issue}: {message}", status.as_u16()))
        } else {
            Self::Refused { code: issue, message }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLINED: &[u8] = include_bytes!("recorded/instrument_declined.json");

    #[test]
    fn what_may_pass_is_told_from_what_is_refused_for_good() {
        let of = |status, body: &[u8]| PaymentError::from(Failure::of_answer(status, body));
        assert!(
            matches!(of(StatusCode::UNPROCESSABLE_ENTITY, DECLINED), PaymentError::Refused { code, .. } if code == "INSTRUMENT_DECLINED")
        );
        for status in [
            StatusCode::INTERNAL_SERVER_ERROR,
            StatusCode::BAD_GATEWAY,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::CONFLICT,
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
        ] {
            for body in [DECLINED, b"<html>", b""] {
                assert!(matches!(of(status, body), PaymentError::Unavailable(_)), "{status}");
            }
        }
        let silence = PaymentError::from(Failure::Silence("nobody is there".to_owned()));
        assert_eq!(silence, PaymentError::Unavailable("nobody is there".to_owned()));
    }

    #[test]
    fn finds_the_name_of_a_refusal_wherever_it_stands() {
        let issue = |body: &[u8]| {
            Failure::of_answer(StatusCode::BAD_REQUEST, body).issue().map(str::to_owned).unwrap_or_default()
        };
        assert_eq!(issue(DECLINED), "INSTRUMENT_DECLINED");
        assert_eq!(issue(br#"{"name":"RESOURCE_NOT_FOUND","message":"x"}"#), "RESOURCE_NOT_FOUND");
        assert_eq!(issue(br#"{"error":"invalid_client","error_description":"x"}"#), "invalid_client");
        assert_eq!(issue(b"\xff"), "http_400");
        let missing = Failure::of_answer(StatusCode::NOT_FOUND, b"");
        assert!(missing.is_missing() && !missing.wants_another_token());
        assert!(Failure::of_answer(StatusCode::UNAUTHORIZED, b"").wants_another_token());
        assert!(!Failure::Silence(String::new()).is_missing());
    }
}
