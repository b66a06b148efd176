//! Referenced payouts: PayPal pays the seller and the platform what it held of a capture, when the platform requests it, or by
//! itself after 28 days. Sources: <https://developer.paypal.com/docs/api/referenced-payouts/v1/>,
//! <https://developer.paypal.com/limited-release/commerce-platform/accept-payments/delay-disbursement.md>.

use super::prelude::*;

/// How long PayPal holds a capture at most, in seconds.
pub const HOLD_LASTS: i64 = 28 * 86_400;

/// `POST /v1/payments/referenced-payouts-items`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreatePayout {
    reference_type: String,
    reference_id: String,
}

/// When PayPal pays out a capture by itself; `None` if it holds nothing.
pub(super) fn due_at(capture: &Capture) -> Option<i64> {
    let received = !matches!(capture.status, CaptureStatus::Pending | CaptureStatus::Declined);
    capture.held.filter(|_| received).map(|_| capture.created + HOLD_LASTS)
}

/// Pays out all that is left of a capture.
pub(super) fn create(work: &mut Work, request: CreatePayout) -> Outcome {
    if request.reference_type != "TRANSACTION_ID" {
        let error = ApiError::bad_request("INVALID_PARAMETER_VALUE");
        return Err(error.at("/reference_type", &request.reference_type));
    }
    let (capture, order) = work.capture(&request.reference_id)?;
    work.check_acting_for(&order.payee, HOLDING)?;
    if capture.held.is_none() {
        return Err(ApiError::already_paid_out());
    }
    if due_at(&capture).is_none() {
        return Err(ApiError::unprocessable("TRANSACTION_NOT_VALID").at("/reference_id", &capture.id));
    }
    if work.state.has_open_dispute(&capture.id) {
        return Err(ApiError::unprocessable("TRANSACTION_UNDER_DISPUTE").at("/reference_id", &capture.id));
    }
    Ok(Success::Object { status: 201, id: pay_out(work, &capture, &order) })
}

/// Pays out what is left after 28 days.
pub(super) fn settle(work: &mut Work, capture: &str) {
    if let Ok((capture, order)) = work.capture(capture) {
        pay_out(work, &capture, &order);
    }
}

fn pay_out(work: &mut Work, capture: &Capture, order: &Order) -> String {
    let held = capture.held.unwrap_or(Held { amount: 0, platform_fee: 0 });
    let id = ids::account();
    work.state.captures.change(&capture.id, |capture| capture.held = None);
    books::paid_out(work, &id, held, order);
    work.state.payouts.add(Payout {
        id: id.clone(),
        capture: capture.id.clone(),
        currency: order.currency.clone(),
        amount: held.amount - held.platform_fee,
        created: work.now,
    });
    events::about(work, "PAYMENT.REFERENCED-PAYOUT-ITEM.COMPLETED", &id);
    id
}
