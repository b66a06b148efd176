//! What a failed call means (<https://docs.stripe.com/error-low-level>).

use app::ports::PaymentError;
use reqwest::StatusCode;
use serde::Deserialize;

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
}

/// Another try may help with locks, rate limits and Stripe's own faults; the rest is refused for good.
pub(super) fn of_answer(status: StatusCode, body: &[u8]) -> PaymentError {
    let detail = serde_json::from_slice::<Envelope>(body).ok().map(|envelope| envelope.error);
    let code = detail.as_ref().map_or_else(
        || format!("http_{}", status.as_u16()),
        |detail| detail.code.clone().unwrap_or_else(|| detail.kind.clone()),
    );
    let message = detail.and_then(|detail| detail.message).unwrap_or_default();
    let passing = matches!(
        status,
        StatusCode::CONFLICT
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
    ) || status.is_server_error();
    if passing {
        // A wrong key is the operator's to mend; until then everything stays owed.
        PaymentError::Unavailable(format!("status {}, {code}: {message}", status.as_u16()))
    } else {
        PaymentError::Refused { code, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_refusals_from_faults() {
        let body =
            br#"{"error":{"type":"invalid_request_error","code":"amount_too_small","message":"Too small"}}"#;
        let refused = of_answer(StatusCode::BAD_REQUEST, body);
        assert_eq!(
            refused,
            PaymentError::Refused { code: "amount_too_small".to_owned(), message: "Too small".to_owned() }
        );
        for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::CONFLICT, StatusCode::BAD_GATEWAY] {
            assert!(matches!(of_answer(status, b"<html>"), PaymentError::Unavailable(_)), "{status}");
        }
    }
}
