//! Holds an expert's share until the platform has it released
//! (<https://developer.paypal.com/limited-release/commerce-platform/accept-payments/delay-disbursement.md>).
//!
//! The order says how it is disbursed, and cannot be changed. PayPal releases everything that is left of a capture: what was not
//! refunded or lost by a dispute. It does so when requested, or by itself after 28 days. Neither the order nor the capture shows
//! whether it has happened, so the platform remembers when it requested it.

use app::payments::ports::GatewayError;
use domain::Timestamp;
use domain::kernel::time::DAY;
use domain::payments::payment::Payment;
use domain::payments::payout::PayoutTiming;
use serde_json::json;

use super::client::Request;
use super::convert::key;
use super::errors::{missing_order, refused};
use super::{PayPal, wire};

/// How long PayPal holds a captured amount at most, in seconds (same page).
const RELEASED_AFTER: i64 = 28 * DAY;
/// How long the platform relies on it, in seconds: two days less, in which failed requests are repeated.
pub(super) const HOLD_PERIOD: i64 = RELEASED_AFTER - 2 * DAY;
/// The amount was released before: by an earlier request, or by itself.
const RELEASED: &str = "PAYOUT_ALREADY_COMPLETED_FOR_REFERENCE";
/// Reasons of a failure that ends by itself.
const TEMPORARY: [&str; 2] = ["INTERNAL_ERROR", "TRANSACTION_UNDER_DISPUTE"];

/// PayPal's name for when it disburses a payment.
pub(super) fn disbursement_mode(payment: &Payment) -> &'static str {
    match payment.payout_timing {
        PayoutTiming::AtPayment => "INSTANT",
        PayoutTiming::AfterSession => "DELAYED",
    }
}

/// When PayPal releases by itself what was captured at `captured_at`. `None` if it does not hold it.
pub(super) fn releases_at(payment: &Payment, captured_at: Timestamp) -> Option<Timestamp> {
    (payment.payout_timing == PayoutTiming::AfterSession).then(|| captured_at.plus(RELEASED_AFTER))
}

impl PayPal {
    /// Releases all that PayPal holds of a payment. `ordinal` is a part of the idempotency key. PayPal repeats its response to
    /// the same key. To another one it responds that the amount was released, which is what the caller wants.
    pub(super) async fn release(&self, payment: &Payment, ordinal: u32) -> Result<(), GatewayError> {
        let order = self.order(payment).await?.ok_or_else(missing_order)?;
        let no_capture = || refused("nothing_to_release", "no money was captured for the payment".to_owned());
        let capture = order.received().ok_or_else(no_capture)?;
        let key = key(payment, "release", ordinal);
        let body = json!({ "reference_type": "TRANSACTION_ID", "reference_id": capture.id });
        let request = Request::post("/v1/payments/referenced-payouts-items".to_owned(), &body)?;
        let request = request.once(&key).acting_for(&payment.destination);
        match self.client.send::<wire::ReferencedPayout>(&request).await {
            Ok(payout) => outcome(payout.processing_state),
            Err(failure) if failure.issue() == Some(RELEASED) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// What the state of a payout means. The same request gets the same state again, so a payout that has not ended needs another key.
fn outcome(state: wire::ProcessingState) -> Result<(), GatewayError> {
    let wire::ProcessingState { status, reason } = state;
    let code = reason.unwrap_or_else(|| status.clone());
    match status.as_str() {
        "SUCCESS" => Ok(()),
        _ if code == RELEASED => Ok(()),
        "FAILED" | "PAYOUT_FAILED" if !TEMPORARY.contains(&code.as_str()) => {
            Err(refused(&code, "PayPal could not pay the expert what it holds".to_owned()))
        }
        _ => Err(GatewayError::NotNow { code, message: "PayPal has yet to pay the expert".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_payout_that_has_ended_counts() {
        let outcome = |status: &str, reason: Option<&str>| {
            let state = json!({ "processing_state": { "status": status, "reason": reason } });
            let payout: wire::ReferencedPayout = serde_json::from_value(state).expect("PayPal's shape");
            outcome(payout.processing_state)
        };
        assert_eq!(outcome("SUCCESS", None), Ok(()));
        assert_eq!(outcome("FAILED", Some(RELEASED)), Ok(()));
        for (status, reason) in [
            ("PENDING", None),
            ("PROCESSING", None),
            ("SOMETHING_NEW", None),
            ("FAILED", Some("INTERNAL_ERROR")),
            ("FAILED", Some("TRANSACTION_UNDER_DISPUTE")),
        ] {
            assert!(
                matches!(outcome(status, reason), Err(GatewayError::NotNow { .. })),
                "{status} {reason:?}"
            );
        }
        for (status, reason) in [("FAILED", Some("MERCHANT_RESTRICTIONS")), ("PAYOUT_FAILED", None)] {
            assert!(
                matches!(outcome(status, reason), Err(GatewayError::Refused { .. })),
                "{status} {reason:?}"
            );
        }
    }
}
