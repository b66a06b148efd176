//! What an error response means (<https://developer.paypal.com/api/rest/responses/>).

use app::payments::ports::GatewayError;
use reqwest::StatusCode;
use serde::Deserialize;

/// The reason why a request has no usable response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// PayPal sent an error response.
    Rejected(Rejection),
    /// No response arrived, or it could not be read.
    Unavailable(String),
}

/// An error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    status: StatusCode,
    /// The error code, such as `INSTRUMENT_DECLINED`.
    issue: String,
    message: String,
    /// The id with which PayPal's support finds the request.
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

/// The error response to a request for an access token.
#[derive(Deserialize)]
struct TokenRefusal {
    error: String,
    error_description: Option<String>,
}

/// The error code of a response without one.
fn unnamed(status: StatusCode) -> String {
    format!("http_{}", status.as_u16())
}

impl Failure {
    pub(super) fn from_response(status: StatusCode, body: &[u8]) -> Self {
        let (issue, message, debug_id) = if let Ok(envelope) = serde_json::from_slice::<Envelope>(body) {
            let Envelope { name, message, debug_id, details } = envelope;
            match details.into_iter().next() {
                Some(Detail { issue, description }) => (issue, description.or(message), debug_id),
                None => (name, message, debug_id),
            }
        } else if let Ok(refusal) = serde_json::from_slice::<TokenRefusal>(body) {
            (refusal.error, refusal.error_description, None)
        } else {
            (unnamed(status), None, None)
        };
        Self::Rejected(Rejection {
            status,
            issue,
            message: message.unwrap_or_default(),
            debug_id: debug_id.unwrap_or_default(),
        })
    }

    /// PayPal's error code, if there is one.
    pub(super) fn issue(&self) -> Option<&str> {
        match self {
            Self::Rejected(rejection) => Some(&rejection.issue),
            Self::Unavailable(_) => None,
        }
    }

    fn has_status(&self, status: StatusCode) -> bool {
        matches!(self, Self::Rejected(rejection) if rejection.status == status)
    }

    /// Whether the object does not exist, or no longer does.
    pub(super) fn is_missing(&self) -> bool {
        self.has_status(StatusCode::NOT_FOUND)
    }

    /// Whether the access token is not valid.
    pub(super) fn is_invalid_token(&self) -> bool {
        self.has_status(StatusCode::UNAUTHORIZED)
    }
}

impl From<Failure> for GatewayError {
    /// Rate limits, a request with the same id that is still in progress, wrong keys and internal errors are temporary. A disputed
    /// payment, and one that is being paid out, is refused for now. Everything else is refused permanently, also what the platform may
    /// not do because a seller has revoked their consent: a retry cannot help, and PayPal releases by itself what it holds for them.
    fn from(failure: Failure) -> Self {
        let Rejection { status, issue, message, debug_id } = match failure {
            Failure::Rejected(rejection) => rejection,
            Failure::Unavailable(reason) => return Self::Unavailable(reason),
        };
        // A refusal of PayPal's API names its reason. One of a server in front of it does not.
        let is_blocked = status == StatusCode::FORBIDDEN && issue == unnamed(status);
        let temporary =
            matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED)
                || status.is_server_error()
                || is_blocked;
        let message = format!("{message} (debug id {debug_id})");
        // The request may succeed once the dispute is decided, or the payout has ended.
        if matches!(issue.as_str(), "TRANSACTION_DISPUTED" | "TRANSACTION_UNDER_DISPUTE" | "PAYOUT_INITIATED")
        {
            Self::NotNow { code: issue, message }
        } else if temporary {
            // The operator must replace wrong keys. Until then, the job is retried.
            Self::Unavailable(format!("status {}, {issue}: {message}", status.as_u16()))
        } else {
            Self::Refused { code: issue, message }
        }
    }
}

/// A refusal by this adapter, not by PayPal.
pub(super) fn refused(code: &str, message: String) -> GatewayError {
    GatewayError::Refused { code: code.to_owned(), message }
}

/// The order of a payment does not exist, or no longer does.
pub(super) fn missing_order() -> GatewayError {
    refused("missing_order", "the order of the payment no longer exists".to_owned())
}

/// Treats an order that comes too late as done, because it was executed before or has become impossible. The next snapshot shows
/// which. `too_late` are the error codes that say so.
pub(super) fn ok_if_done<T>(
    result: Result<T, Failure>,
    too_late: &[&str],
) -> Result<Option<T>, GatewayError> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(failure) if failure.is_missing() => Ok(None),
        Err(failure) if failure.issue().is_some_and(|issue| too_late.contains(&issue)) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLINED: &[u8] = include_bytes!("recorded/instrument_declined.json");

    #[test]
    fn permanent_refusals_differ_from_temporary_errors() {
        let error = |status, body: &[u8]| GatewayError::from(Failure::from_response(status, body));
        assert!(
            matches!(error(StatusCode::UNPROCESSABLE_ENTITY, DECLINED), GatewayError::Refused { code, .. } if code == "INSTRUMENT_DECLINED")
        );
        for status in [
            StatusCode::INTERNAL_SERVER_ERROR,
            StatusCode::BAD_GATEWAY,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::CONFLICT,
            StatusCode::UNAUTHORIZED,
        ] {
            for body in [DECLINED, b"<html>", b""] {
                assert!(matches!(error(status, body), GatewayError::Unavailable(_)), "{status}");
            }
        }
        // Only PayPal's own responses say that the seller has not given the platform a right, or has revoked it.
        let revoked = br#"{"name":"NOT_AUTHORIZED","details":[{"issue":"PERMISSION_DENIED"}]}"#;
        let unexplained = br#"{"name":"NOT_AUTHORIZED","message":"x"}"#;
        for (body, code) in [(&revoked[..], "PERMISSION_DENIED"), (unexplained, "NOT_AUTHORIZED")] {
            let error = error(StatusCode::FORBIDDEN, body);
            assert!(matches!(error, GatewayError::Refused { code: is, .. } if is == code));
        }
        for body in [&b"<html>"[..], b""] {
            assert!(matches!(error(StatusCode::FORBIDDEN, body), GatewayError::Unavailable(_)));
        }
        let unavailable = GatewayError::from(Failure::Unavailable("timed out".to_owned()));
        assert_eq!(unavailable, GatewayError::Unavailable("timed out".to_owned()));
    }

    #[test]
    fn error_code_is_found_in_every_shape_of_response() {
        let issue = |body: &[u8]| {
            Failure::from_response(StatusCode::BAD_REQUEST, body)
                .issue()
                .map(str::to_owned)
                .unwrap_or_default()
        };
        assert_eq!(issue(DECLINED), "INSTRUMENT_DECLINED");
        assert_eq!(issue(br#"{"name":"RESOURCE_NOT_FOUND","message":"x"}"#), "RESOURCE_NOT_FOUND");
        assert_eq!(issue(br#"{"error":"invalid_client","error_description":"x"}"#), "invalid_client");
        assert_eq!(issue(b"\xff"), "http_400");
        let missing = Failure::from_response(StatusCode::NOT_FOUND, b"");
        assert!(missing.is_missing() && !missing.is_invalid_token());
        assert!(Failure::from_response(StatusCode::UNAUTHORIZED, b"").is_invalid_token());
        assert!(!Failure::Unavailable(String::new()).is_missing());
    }
}
