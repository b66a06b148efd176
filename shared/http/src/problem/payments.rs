//! The problems of the area `payments`.

use app::payments::declines::DeclineRefusal;
use app::payments::error::PaymentsError;
use app::payments::ports::{GatewayError, WebhookError};

use super::Problem;
use super::catalog::problem_types;

problem_types! {
    WEBHOOK_REFUSED = 400 "webhook-refused", "The event was rejected",
        "The signature of the event is missing, wrong or too old, or its body is not an event.",
        "Check the signing secret and the clock; the payment gateway repeats its events.";
    PAYMENTS_NOT_READY = 409 "payments-not-ready", "The expert cannot take payments yet",
        "The expert has no account at the payment gateway that accepts payments.",
        "Choose another gateway, a session without a price or another expert; as the expert, finish the onboarding.";
    PAYMENT_STATE = 409 "payment-state", "The payment's state does not allow this",
        "The payment, or its amount, does not allow the request now.",
        "Read the payment; `detail` says what is possible.";
    PAYMENT_REFUSED = 409 "payment-refused", "The payment gateway refused",
        "The payment gateway has permanently refused the request; this request charged nothing.",
        "Pay in another way, or contact the platform with the code that `detail` contains.";
    TOO_MANY_DECLINED_PAYMENTS = 429 temporary "too-many-declined-payments", "Too many payments were declined",
        "As many attempts to pay as `limit` allows were declined in this UTC day, of you or from your network address; `detail` says \
         which.",
        "Book again after `retry_after` seconds, on the next UTC day. Free sessions can be booked at once.";
    CHALLENGE_REQUIRED = 403 "challenge-required", "A challenge must be solved first",
        "Attempts to pay were declined, so a booking for a price needs proof that a person makes it. The request had no token of a \
         challenge, or one that is not valid any more.",
        "Show the challenge with `site_key` in the client's browser, and send the same request again with its token as \
         `challenge_token`.";
}

pub(super) fn from_error(error: PaymentsError) -> Problem {
    let detail = error.to_string();
    match error {
        PaymentsError::NotReady => Problem::new(PAYMENTS_NOT_READY, detail),
        PaymentsError::State(_) => Problem::new(PAYMENT_STATE, detail),
        PaymentsError::Declined(DeclineRefusal::TooMany { reached, seconds }) => {
            let retry_after = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
            let limit = Some(reached.limit.into());
            Problem { limit, retry_after, ..Problem::new(TOO_MANY_DECLINED_PAYMENTS, detail) }
        }
        PaymentsError::Declined(DeclineRefusal::ChallengeRequired { site_key }) => {
            Problem { site_key: Some(site_key), ..Problem::new(CHALLENGE_REQUIRED, detail) }
        }
        PaymentsError::Declined(DeclineRefusal::NotVerified(reason)) => {
            tracing::error!(%reason, "a challenge could not be verified");
            Problem::unavailable("the challenge could not be verified; send a request with a new token")
        }
        PaymentsError::Gateway(GatewayError::Refused { code, message }) => {
            // The gateway's message may contain data of the expert's account, which the client must not see.
            tracing::warn!(code, message, "the payment gateway refused");
            Problem::new(PAYMENT_REFUSED, format!("the payment gateway refused ({code})"))
        }
        PaymentsError::Gateway(
            reason @ (GatewayError::Unavailable(_) | GatewayError::Failed(_) | GatewayError::NotNow { .. }),
        ) => {
            tracing::error!(%reason, "the payment gateway is not available");
            Problem::unavailable(
                "the payment gateway did not execute the request; nothing is lost: send the same request again, with the same \
                 Idempotency-Key",
            )
        }
        PaymentsError::Webhook(WebhookError::Unavailable(reason)) => {
            tracing::error!(%reason, "a webhook event could not be verified");
            Problem::unavailable("the event could not be verified; send it again")
        }
        PaymentsError::Webhook(WebhookError::Body(_)) => {
            // The reason is in the words of the deserializer, and may contain personal data.
            Problem::new(WEBHOOK_REFUSED, "the body is not an event of this payment gateway")
        }
        PaymentsError::Webhook(WebhookError::Signature | WebhookError::Stale) => {
            Problem::new(WEBHOOK_REFUSED, detail)
        }
    }
}
