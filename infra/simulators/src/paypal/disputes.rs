//! Disputes, kept small: PayPal takes the money from the seller, keeps it while it looks, and gives it to one
//! of them. Source: <https://developer.paypal.com/docs/api/customer-disputes/v1/>.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::api_error::ApiError;
use super::state::{CaptureStatus, Dispute, Refund, RefundStatus};
use super::work::{Answer, Outcome, Work};
use super::{PAYERS, PAYPAL, books, events, ids, money, refunds};

/// Why a payer disputes a payment. The names on the wire are PayPal's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DisputeReason {
    /// What was paid for did not come.
    #[serde(rename = "MERCHANDISE_OR_SERVICE_NOT_RECEIVED")]
    NotReceived,
    /// It was not what had been said.
    #[serde(rename = "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED")]
    NotAsDescribed,
    /// The account's owner did not pay this.
    #[serde(rename = "UNAUTHORISED")]
    Unauthorised,
}

/// Who wins a dispute. The names on the wire are PayPal's.
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
    let open = |dispute: &Dispute| dispute.capture == capture && dispute.outcome.is_none();
    if work.state.disputes.iter().any(open) {
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
        capture: capture.to_owned(),
        amount,
        reason,
        outcome: None,
        created: work.now,
        updated: work.now,
    };
    let id = dispute.id.clone();
    work.state.disputes.add(dispute);
    books::moved(work, "dispute", &id, &order, &order.payee, PAYPAL, amount);
    events::dispute(work, "CUSTOMER.DISPUTE.CREATED", "A dispute was opened", &id);
    Ok(Answer::Object { status: 201, id })
}

/// Ends a dispute.
pub(super) fn resolve(work: &mut Work, id: &str, outcome: DisputeOutcome) -> Outcome {
    let dispute = work.state.disputes.get(id).cloned().ok_or_else(|| ApiError::not_found(id))?;
    if dispute.outcome.is_some() {
        let error = ApiError::unprocessable("INVALID_PARAMETER_VALUE").at("dispute", id);
        return Err(error.because("The dispute was resolved before."));
    }
    let (_, order) = work.capture(&dispute.capture)?;
    let now = work.now;
    work.state.disputes.change(id, |dispute| {
        dispute.outcome = Some(outcome);
        dispute.updated = now;
    });
    match outcome {
        DisputeOutcome::SellerFavour => {
            books::moved(work, "dispute_won", id, &order, PAYPAL, &order.payee, dispute.amount);
        }
        DisputeOutcome::BuyerFavour => {
            books::moved(work, "dispute_lost", id, &order, PAYPAL, PAYERS, dispute.amount);
            reverse(work, &dispute);
        }
    }
    events::dispute(work, "CUSTOMER.DISPUTE.RESOLVED", "A dispute was resolved", id);
    Ok(Answer::Object { status: 200, id: id.to_owned() })
}

/// Writes down, as a refund, what PayPal gave to the payer. Its money has moved already.
fn reverse(work: &mut Work, dispute: &Dispute) {
    let before: i64 = work.state.refunds_of(&dispute.capture).map(|refund| refund.amount).sum();
    let refund = Refund {
        id: ids::transaction(),
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
    events::refund(work, "PAYMENT.CAPTURE.REVERSED", "A payment capture was reversed", &id);
}

/// `GET /v1/customer/disputes?disputed_transaction_id=…`: the disputes about a capture, or all, newest first.
pub(super) fn list(work: &Work, query: &str) -> Outcome {
    let mut capture = None;
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name != "disputed_transaction_id" {
            return Err(ApiError::bad_request("NOT_SUPPORTED").at(&name, &value).in_the("query"));
        }
        capture = Some(value.into_owned());
    }
    let wanted = |dispute: &&Dispute| capture.as_ref().is_none_or(|capture| dispute.capture == *capture);
    let view = work.view();
    let items: Vec<_> = work
        .state
        .disputes
        .iter()
        .rev()
        .filter(wanted)
        .filter_map(|dispute| view.dispute(&dispute.id))
        .collect();
    let links = [view.link("self", "GET", "v1/customer/disputes")];
    Ok(Answer::Body { status: 200, body: json!({ "items": items, "links": links }) })
}

/// The amount as PayPal writes it.
pub(super) fn amount(dispute: &Dispute, currency: &str) -> serde_json::Value {
    money::json(dispute.amount, currency)
}
