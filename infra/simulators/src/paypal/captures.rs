//! Captures: the payer's money goes to the seller, at once, when an eCheck clears, or after a review.
//! Source: <https://developer.paypal.com/docs/api/payments/v2/#captures>.

use super::prelude::*;

/// A capture to make.
pub(super) struct NewCapture {
    pub(super) authorization: Option<String>,
    pub(super) amount: i64,
    pub(super) platform_fee: i64,
    pub(super) final_capture: bool,
    pub(super) is_delayed: bool,
}

/// Refuses an invoice that was paid with another order of this seller, or may still be.
pub(super) fn check_invoice(work: &Work, order: &Order) -> Result<(), ApiError> {
    let Some(invoice) = &order.invoice_id else { return Ok(()) };
    let same = |other: &Order| other.payee == order.payee && other.invoice_id.as_ref() == Some(invoice);
    let mut paid = work.state.captures.iter().filter(|capture| {
        capture.order != order.id
            && capture.status != CaptureStatus::Declined
            && work.state.orders.get(&capture.order).is_some_and(same)
    });
    if paid.next().is_some() {
        return Err(ApiError::unprocessable("DUPLICATE_INVOICE_ID").at("invoice_id", invoice));
    }
    Ok(())
}

/// Captures the money, and returns the id of the capture.
pub(super) fn create(work: &mut Work, order: &Order, new: NewCapture) -> String {
    let id = ids::transaction();
    let is_pending = order.test_payer().is_some_and(|payer| payer.pending_reason().is_some());
    let capture = Capture {
        id: id.clone(),
        order: order.id.clone(),
        authorization: new.authorization,
        status: if is_pending { CaptureStatus::Pending } else { CaptureStatus::Completed },
        amount: new.amount,
        platform_fee: new.platform_fee,
        paypal_fee: books::processing_fee(new.amount, new.platform_fee, &order.currency),
        final_capture: new.final_capture,
        is_delayed: new.is_delayed,
        held: new.is_delayed.then_some(Held { amount: new.amount, platform_fee: new.platform_fee }),
        settles_at: is_pending.then_some(work.now + ECHECK_CLEARS_AFTER),
        created: work.now,
        updated: work.now,
    };
    work.state.captures.add(capture.clone());
    if is_pending {
        events::about(work, "PAYMENT.CAPTURE.PENDING", &id);
    } else {
        completed(work, &capture, order);
    }
    id
}

fn completed(work: &mut Work, capture: &Capture, order: &Order) {
    books::captured(work, capture, order);
    events::about(work, "PAYMENT.CAPTURE.COMPLETED", &capture.id);
}

/// The eCheck of a pending capture cleared or bounced, or PayPal has reviewed it.
pub(super) fn settle(work: &mut Work, id: &str) {
    let Ok((capture, order)) = work.capture(id) else { return };
    let fails = matches!(order.payer_behavior(), Some(Behavior::EcheckBounces | Behavior::ReviewFails));
    let status = if fails { CaptureStatus::Declined } else { CaptureStatus::Completed };
    let now = work.now;
    work.state.captures.change(id, |capture| {
        capture.status = status;
        capture.settles_at = None;
        capture.updated = now;
    });
    if fails {
        events::about(work, "PAYMENT.CAPTURE.DENIED", id);
    } else {
        completed(work, &capture, &order);
    }
}
