//! The problem documents of the area `payments`.

use app::payments::error::PaymentsError;
use app::payments::ports::{GatewayError, WebhookError};
use http::StatusCode;

use super::Problem;

pub(super) fn problem(error: PaymentsError) -> Problem {
    let detail = error.to_string();
    match error {
        PaymentsError::NotReady => {
            Problem::conflict("payments-not-ready", "The expert cannot take payments yet", detail)
        }
        PaymentsError::State(_) => {
            Problem::conflict("payment-state", "The payment's state does not allow this", detail)
        }
        PaymentsError::Gateway(GatewayError::Refused { code, message }) => {
            // The gateway's message may contain data of the expert's account, which the client must not see.
            tracing::warn!(code, message, "the payment gateway refused");
            let detail = format!("the payment gateway refused ({code})");
            Problem::conflict("payment-refused", "The payment gateway refused", detail)
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
        PaymentsError::Webhook(WebhookError::Signature | WebhookError::Stale | WebhookError::Body(_)) => {
            Problem::new(StatusCode::BAD_REQUEST, "webhook-refused", "The event was rejected", detail)
        }
    }
}
