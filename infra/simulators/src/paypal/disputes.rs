//! Disputes, simplified: PayPal holds the seller's money until it decides who gets it. Source: <https://developer.paypal.com/docs/api/customer-disputes/v1/>.

use serde::Serialize;

use super::prelude::*;

/// Why a payer disputes a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DisputeReason {
    /// The service was not provided.
    #[serde(rename = "MERCHANDISE_OR_SERVICE_NOT_RECEIVED")]
    NotReceived,
    /// The service was not as described.
    #[serde(rename = "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED")]
    NotAsDescribed,
    /// The owner of the account did not make the payment.
    #[serde(rename = "UNAUTHORIZED")]
    Unauthorized,
}

/// Who wins a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DisputeOutcome {
    /// The payer gets the money.
    #[serde(rename = "RESOLVED_BUYER_FAVOUR")]
    BuyerFavour,
    /// The seller gets it back.
    #[serde(rename = "RESOLVED_SELLER_FAVOUR")]
    SellerFavour,
}

/// Opens a dispute about `amount` of a capture, or about all that is left of it.
pub(super) fn open(work: &mut Work, capture: &str, reason: DisputeReason, amount: Option<i64>) -> Outcome {
    let (row, order) = work.capture(capture)?;
    let refunded: i64 = work.state.refunds_of(capture).map(|refund| refund.amount).sum();
    let left = row.amount - refunded;
    if work.state.has_open_dispute(capture) {
        return Err(ApiError::unprocessable("TRANSACTION_DISPUTED"));
    }
    let received = matches!(row.status, CaptureStatus::Completed | CaptureStatus::PartiallyRefunded);
    let amount = amount.unwrap_or(left);
    if !received || amount < 1 || amount > left {
        let error = ApiError::unprocessable("INVALID_PARAMETER_VALUE").at("amount", "");
        return Err(error.because(format!("Between 1 and {left} minor units can be disputed.")));
    }
    let dispute = Dispute {
        id: ids::dispute(),
        order: order.id.clone(),
        capture: capture.to_owned(),
        amount,
        reason,
        outcome: None,
        created: work.now,
        updated: work.now,
    };
    let id = dispute.id.clone();
    work.state.disputes.add(dispute);
    let owner = books::holder(work, capture, &order);
    books::hold(work, capture, -amount, 0);
    books::enter(work, "dispute", &id, &order, &[(&owner, -amount), (PAYPAL, amount)]);
    events::about(work, "CUSTOMER.DISPUTE.CREATED", &id);
    Ok(Success::Object { status: 201, id })
}

/// Ends a dispute.
pub(super) fn resolve(work: &mut Work, id: &str, outcome: DisputeOutcome) -> Outcome {
    let (dispute, order) = work.dispute(id)?;
    if dispute.outcome.is_some() {
        let error = ApiError::unprocessable("INVALID_PARAMETER_VALUE").at("dispute", id);
        return Err(error.because("The dispute was resolved before."));
    }
    let now = work.now;
    work.state.disputes.change(id, |dispute| {
        dispute.outcome = Some(outcome);
        dispute.updated = now;
    });
    let (kind, winner) = match outcome {
        DisputeOutcome::SellerFavour => {
            books::hold(work, &dispute.capture, dispute.amount, 0);
            ("dispute_won", books::holder(work, &dispute.capture, &order))
        }
        DisputeOutcome::BuyerFavour => ("dispute_lost", PAYERS.to_owned()),
    };
    books::enter(work, kind, id, &order, &[(PAYPAL, -dispute.amount), (&winner, dispute.amount)]);
    if outcome == DisputeOutcome::BuyerFavour {
        reverse(work, &dispute);
    }
    events::about(work, "CUSTOMER.DISPUTE.RESOLVED", id);
    Ok(Success::Object { status: 200, id: id.to_owned() })
}

/// Records what PayPal gave to the payer as a refund. The money has moved already.
fn reverse(work: &mut Work, dispute: &Dispute) {
    let before: i64 = work.state.refunds_of(&dispute.capture).map(|refund| refund.amount).sum();
    let refund = Refund {
        id: ids::transaction(),
        order: dispute.order.clone(),
        capture: dispute.capture.clone(),
        status: RefundStatus::Completed,
        amount: dispute.amount,
        platform_fee: 0,
        total_refunded: before + dispute.amount,
        custom_id: None,
        invoice_id: None,
        note_to_payer: Some("Payment reversed".to_owned()),
        settles_at: None,
        will_fail: false,
        created: work.now,
        updated: work.now,
    };
    let id = refund.id.clone();
    work.state.refunds.add(refund);
    refunds::mark_capture(work, &dispute.capture);
    events::about(work, "PAYMENT.CAPTURE.REVERSED", &id);
}

/// `GET /v1/customer/disputes?disputed_transaction_id=…`: the disputes about a capture, or all, newest first.
pub(super) fn list(work: &Work, query: &str) -> Outcome {
    let capture = query_parameter(query, "disputed_transaction_id")?;
    let wanted = |dispute: &&Dispute| capture.as_ref().is_none_or(|capture| dispute.capture == *capture);
    let view = work.view();
    let found = work.state.disputes.iter().rev().filter(wanted);
    let items: Vec<_> = found.filter_map(|dispute| view.dispute(&dispute.id)).collect();
    let links = [view.link("self", "GET", "v1/customer/disputes")];
    Ok(Success::Body { status: 200, body: json!({ "items": items, "links": links }) })
}
