//! Refunds: the seller refunds a payment, and the platform may contribute a part of its fee.
//! Source: <https://developer.paypal.com/docs/api/payments/v2/#captures_refund>.

use super::prelude::*;

/// How long a capture can be refunded, in seconds.
const REFUNDABLE_FOR: i64 = 180 * 86_400;

/// `POST /v2/payments/captures/{id}/refund`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundCapture {
    amount: Option<money::Wire>,
    custom_id: Option<String>,
    invoice_id: Option<String>,
    note_to_payer: Option<String>,
    payment_instruction: Option<Contribution>,
}

/// The part of its fee that the platform contributes. Without it the seller bears the whole refund.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contribution {
    platform_fees: Option<Vec<ContributedFee>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContributedFee {
    amount: money::Wire,
}

/// Refunds all that is left of a capture, or a part.
pub(super) fn create(work: &mut Work, id: &str, request: RefundCapture) -> Outcome {
    let (capture, order) = work.capture(id)?;
    work.check_acting_for(&order.payee, "REFUND")?;
    let texts = [
        ("custom_id", request.custom_id.as_deref(), 127),
        ("invoice_id", request.invoice_id.as_deref(), 127),
        ("note_to_payer", request.note_to_payer.as_deref(), 255),
    ];
    check_lengths("", &texts)?;
    check_refundable(work, &capture)?;
    let refunded: i64 = work.state.refunds_of(id).map(|refund| refund.amount).sum();
    let left = capture.amount - refunded;
    if left == 0 {
        return Err(ApiError::unprocessable("CAPTURE_FULLY_REFUNDED"));
    }
    let (mismatch, exceeded) = ("REFUND_CAPTURE_CURRENCY_MISMATCH", "REFUND_AMOUNT_EXCEEDED");
    let amount = money::requested(request.amount.as_ref(), left, &order.currency, mismatch, exceeded)?;
    let fees = request.payment_instruction.as_ref().and_then(|all| all.platform_fees.as_deref());
    let platform_fee = contribution(work, &capture, &order, fees.unwrap_or_default(), &amount)?;
    if let Some(invoice) = &request.invoice_id {
        let used = |refund: &Refund| refund.invoice_id.as_ref() == Some(invoice);
        if work.state.refunds.iter().any(used) {
            return Err(ApiError::unprocessable("DUPLICATE_INVOICE_ID").at("/invoice_id", invoice));
        }
    }
    let payer = order.payer_behavior();
    let will_fail = work.faults.fail_refunds || payer == Some(Behavior::RefundsFail);
    let waits = will_fail || work.faults.pend_refunds || payer == Some(Behavior::RefundsPend);
    let refund = Refund {
        id: ids::transaction(),
        order: order.id.clone(),
        capture: id.to_owned(),
        status: if waits { RefundStatus::Pending } else { RefundStatus::Completed },
        amount: amount.minor,
        platform_fee,
        total_refunded: refunded + amount.minor,
        custom_id: request.custom_id,
        invoice_id: request.invoice_id,
        note_to_payer: request.note_to_payer,
        settles_at: waits.then_some(work.now + ECHECK_CLEARS_AFTER),
        will_fail,
        created: work.now,
        updated: work.now,
    };
    let id = refund.id.clone();
    work.state.refunds.add(refund.clone());
    if waits {
        events::about(work, "PAYMENT.REFUND.PENDING", &id);
    } else {
        completed(work, &refund, &order);
    }
    Ok(Success::Object { status: 201, id })
}

fn check_refundable(work: &Work, capture: &Capture) -> Result<(), ApiError> {
    match capture.status {
        CaptureStatus::Pending => return Err(ApiError::unprocessable("PENDING_CAPTURE")),
        CaptureStatus::Declined => return Err(ApiError::unprocessable("REFUND_NOT_ALLOWED")),
        CaptureStatus::Completed | CaptureStatus::PartiallyRefunded | CaptureStatus::Refunded => {}
    }
    if capture.created + REFUNDABLE_FOR <= work.now {
        return Err(ApiError::unprocessable("REFUND_TIME_LIMIT_EXCEEDED"));
    }
    if work.state.has_open_dispute(&capture.id) {
        return Err(ApiError::unprocessable("TRANSACTION_DISPUTED"));
    }
    Ok(())
}

/// The contribution of the platform: at most what is left of the fee it received.
fn contribution(
    work: &Work,
    capture: &Capture,
    order: &Order,
    fees: &[ContributedFee],
    refunded: &money::Money,
) -> Result<i64, ApiError> {
    let field = "/payment_instruction/platform_fees";
    let fee = match fees {
        [] => return Ok(0),
        [fee] => fee.amount.not_negative(&format!("{field}/0/amount"))?,
        _ => return Err(ApiError::bad_request("INVALID_PARAMETER_VALUE").at(field, "")),
    };
    if fee.currency != order.currency {
        let error = ApiError::unprocessable("REFUND_CAPTURE_CURRENCY_MISMATCH");
        return Err(error.at(field, &fee.currency));
    }
    let given: i64 = work.state.refunds_of(&capture.id).map(|refund| refund.platform_fee).sum();
    if fee.minor > (capture.platform_fee - given).min(refunded.minor) {
        let value = money::value(fee.minor, &fee.currency);
        return Err(ApiError::unprocessable("PLATFORM_FEE_EXCEEDED").at(field, &value));
    }
    Ok(fee.minor)
}

fn completed(work: &mut Work, refund: &Refund, order: &Order) {
    books::refunded(work, refund, order);
    mark_capture(work, &refund.capture);
    events::about(work, "PAYMENT.CAPTURE.REFUNDED", &refund.id);
}

/// Sets the capture's status by its completed refunds.
pub(super) fn mark_capture(work: &mut Work, id: &str) {
    let completed = work.state.refunds_of(id).filter(|refund| refund.status == RefundStatus::Completed);
    let total: i64 = completed.map(|refund| refund.amount).sum();
    let now = work.now;
    work.state.captures.change(id, |capture| {
        let whole = total >= capture.amount;
        capture.status = if whole { CaptureStatus::Refunded } else { CaptureStatus::PartiallyRefunded };
        capture.updated = now;
    });
}

/// The eCheck of a pending refund cleared, or bounced.
pub(super) fn settle(work: &mut Work, id: &str) {
    let Ok((refund, order)) = work.refund(id) else { return };
    let status = if refund.will_fail { RefundStatus::Failed } else { RefundStatus::Completed };
    let now = work.now;
    work.state.refunds.change(id, |refund| {
        refund.status = status;
        refund.settles_at = None;
        refund.updated = now;
    });
    if refund.will_fail {
        events::about(work, "PAYMENT.REFUND.FAILED", id);
    } else {
        completed(work, &refund, &order);
    }
}
