//! Guests who dispute a payment at their bank. Source: <https://docs.stripe.com/disputes/how-disputes-work>.
//!
//! Opening takes the amount and Stripe's fee from whoever took the payment: the platform, unless it was a
//! direct charge. Winning brings the amount back and not the fee. Transfers are nobody's business here.

use serde::{Deserialize, Serialize};

use super::api_error::ApiError;
use super::books::{DISPUTE_FEE, book, line};
use super::cards::{self, Later};
use super::events::emit;
use super::state::{Charge, ChargeStatus, Dispute, DisputeStatus, Line};
use super::work::{Outcome, Work};
use super::{currencies, in_words, render, validate};
use crate::random;

/// How long evidence can be given, in seconds.
const ANSWER_WITHIN: i64 = 7 * 86_400;

/// What guests can say. Source: <https://docs.stripe.com/disputes/categories>.
const REASONS: &[&str] = &[
    "bank_cannot_process",
    "check_returned",
    "credit_not_processed",
    "customer_initiated",
    "debit_not_authorized",
    "duplicate",
    "fraudulent",
    "general",
    "incorrect_account_details",
    "insufficient_funds",
    "noncompliant",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
];

/// How a dispute ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeOutcome {
    /// The bank gives the disputed money back. Stripe keeps its fee.
    Won,
    /// The guest keeps the money.
    Lost,
}

/// Disputes `amount`, or all that was not refunded, of a charge or of an intent's latest charge.
pub(super) fn open(work: &mut Work, id: &str, amount: Option<i64>, reason: &str) -> Outcome {
    let charge = find(work, id)?.clone();
    if !REASONS.contains(&reason) {
        let message = format!("Invalid reason: must be one of {}", REASONS.join(", "));
        return Err(ApiError::invalid(message).param("reason"));
    }
    if charge.status != ChargeStatus::Succeeded || !charge.captured {
        return Err(ApiError::invalid(format!("Charge {} took no money to dispute.", charge.id)));
    }
    if work.state.disputes_of(&charge.id).next().is_some() {
        let message = format!("Charge {} has been disputed before.", charge.id);
        return Err(ApiError::invalid(message).code("charge_disputed"));
    }
    let amount = amount.unwrap_or(charge.amount_captured - charge.refunded);
    if amount < 1 {
        return Err(validate::not_positive("amount"));
    }
    validate::whole("amount", amount, &charge.currency)?;
    if amount > charge.amount_captured {
        let paid = in_words(charge.amount_captured, &charge.currency);
        return Err(ApiError::invalid(format!("No more than {paid} was paid.")).param("amount"));
    }
    let id = format!("dp_{}", random::letters(24));
    let mut out = line(work, Line::Dispute, charge.account.as_deref(), -amount, &charge.currency, &id);
    out.stripe_fee = fee(&charge.currency);
    let dispute = Dispute {
        id: id.clone(),
        account: charge.account.clone(),
        charge: charge.id.clone(),
        intent: charge.intent.clone(),
        amount,
        currency: charge.currency.clone(),
        reason: reason.to_owned(),
        status: DisputeStatus::NeedsResponse,
        due_by: work.now + ANSWER_WITHIN,
        transactions: vec![book(work, out)],
        created: work.now,
    };
    work.state.disputes.add(dispute);
    tell(work, &id, &["charge.dispute.created", "charge.dispute.funds_withdrawn"])
}

fn find<'a>(work: &'a Work, id: &str) -> Result<&'a Charge, ApiError> {
    let of_intent = work.state.intents.get(id).and_then(|intent| intent.latest_charge.as_deref());
    let charge = work.state.charges.get(of_intent.unwrap_or(id));
    charge.ok_or_else(|| ApiError::missing("charge", id, "id"))
}

fn fee(currency: &str) -> i64 {
    match currencies::exponent(currency) {
        3 => DISPUTE_FEE * 10,
        _ => DISPUTE_FEE,
    }
}

/// Ends a dispute.
pub(super) fn close(work: &mut Work, id: &str, outcome: DisputeOutcome) -> Outcome {
    let dispute = work.state.disputes.get(id).ok_or_else(|| ApiError::missing("dispute", id, "id"))?.clone();
    if dispute.status != DisputeStatus::NeedsResponse {
        return Err(ApiError::invalid(format!("This dispute is already closed: {}.", dispute.status.name())));
    }
    let won = outcome == DisputeOutcome::Won;
    let back = won.then(|| {
        let account = dispute.account.as_deref();
        let back = line(work, Line::DisputeReversal, account, dispute.amount, &dispute.currency, id);
        book(work, back)
    });
    if let Some(dispute) = work.state.disputes.get_mut(id) {
        dispute.status = if won { DisputeStatus::Won } else { DisputeStatus::Lost };
        dispute.transactions.extend(back);
    }
    match won {
        true => tell(work, id, &["charge.dispute.funds_reinstated", "charge.dispute.closed"]),
        false => tell(work, id, &["charge.dispute.closed"]),
    }
}

fn tell(work: &mut Work, id: &str, kinds: &[&str]) -> Outcome {
    let dispute = work.state.disputes.get(id).ok_or_else(|| ApiError::internal("The dispute is gone."))?;
    let (object, account) = (render::dispute(work.state, dispute), dispute.account.clone());
    for kind in kinds {
        emit(work, kind, object.clone(), account.as_deref());
    }
    Ok(object)
}

/// Disputes a charge as its card does.
pub(super) fn open_by_card(work: &mut Work, charge_id: &str) {
    let Some(charge) = work.state.charges.get_mut(charge_id) else { return };
    charge.disputed_at = None;
    let method = charge.payment_method.clone();
    let later = work.state.payment_methods.get(&method).map(|method| cards::later_of(&method.means));
    if let Some(Later::Dispute(reason)) = later
        && let Err(error) = open(work, charge_id, None, reason)
    {
        // Everything was refunded before its guest came to dispute it.
        tracing::info!(charge_id, reason = error.refused().message, "a charge was not disputed");
    }
}
