//! Captures: the payer's money goes to the seller, at once or when an eCheck clears.
//! Source: <https://developer.paypal.com/docs/api/payments/v2/#captures>.

use super::api_error::ApiError;
use super::payers::{self, Behaviour};
use super::state::{Capture, CaptureStatus, Order};
use super::work::Work;
use super::{ECHECK_CLEARS_AFTER, books, events, ids};

/// What is to be captured.
pub(super) struct Taking {
    pub(super) authorization: Option<String>,
    pub(super) amount: i64,
    pub(super) platform_fee: i64,
    pub(super) final_capture: bool,
    pub(super) invoice_id: Option<String>,
}

/// Refuses an invoice that this seller's payer of another order has paid, or may still pay.
pub(super) fn check_invoice(work: &Work, order: &Order, invoice: Option<&str>) -> Result<(), ApiError> {
    let Some(invoice) = invoice else { return Ok(()) };
    let paid = |capture: &&Capture| {
        capture.order != order.id
            && capture.status != CaptureStatus::Declined
            && capture.invoice_id.as_deref() == Some(invoice)
    };
    let same_seller = |capture: &Capture| {
        work.state.orders.get(&capture.order).is_some_and(|other| other.payee == order.payee)
    };
    if work.state.captures.iter().filter(paid).any(same_seller) {
        return Err(ApiError::unprocessable("DUPLICATE_INVOICE_ID").at("invoice_id", invoice));
    }
    Ok(())
}

/// Takes the money, and answers the capture's id.
pub(super) fn take(work: &mut Work, order: &Order, taking: Taking) -> String {
    let id = ids::transaction();
    let payer = order.payer.as_deref().map(payers::behaviour);
    let by_echeck = matches!(payer, Some(Behaviour::EcheckClears | Behaviour::EcheckBounces));
    let capture = Capture {
        id: id.clone(),
        order: order.id.clone(),
        authorization: taking.authorization,
        status: if by_echeck { CaptureStatus::Pending } else { CaptureStatus::Completed },
        amount: taking.amount,
        platform_fee: taking.platform_fee,
        paypal_fee: books::processing_fee(taking.amount, taking.platform_fee, &order.currency),
        final_capture: taking.final_capture,
        invoice_id: taking.invoice_id,
        settles_at: by_echeck.then_some(work.now + ECHECK_CLEARS_AFTER),
        created: work.now,
        updated: work.now,
    };
    work.state.captures.add(capture.clone());
    if by_echeck {
        events::capture(work, "PAYMENT.CAPTURE.PENDING", "A payment capture is pending", &id);
    } else {
        completed(work, &capture, order);
    }
    id
}

fn completed(work: &mut Work, capture: &Capture, order: &Order) {
    books::captured(work, capture, order);
    events::capture(work, "PAYMENT.CAPTURE.COMPLETED", "A payment capture completed", &capture.id);
}

/// The eCheck of a pending capture cleared, or bounced.
pub(super) fn settle(work: &mut Work, id: &str) {
    let Ok((capture, order)) = work.capture(id) else { return };
    let bounces = order.payer.as_deref().map(payers::behaviour) == Some(Behaviour::EcheckBounces);
    let status = if bounces { CaptureStatus::Declined } else { CaptureStatus::Completed };
    let now = work.now;
    work.state.captures.change(id, |capture| {
        capture.status = status;
        capture.settles_at = None;
        capture.updated = now;
    });
    if bounces {
        events::capture(work, "PAYMENT.CAPTURE.DENIED", "A payment capture was denied", id);
    } else {
        completed(work, &capture, &order);
    }
}
