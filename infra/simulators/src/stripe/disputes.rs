//! Disputes. Source: <https://docs.stripe.com/disputes/how-disputes-work>.
//!
//! A dispute withdraws the amount and Stripe's fee from the platform. Winning it brings the amount back, and not
//! the fee. Transfers are not reversed.

use serde::{Deserialize, Serialize};

use super::books::DISPUTE_FEE;
use super::prelude::*;
use crate::simulator::Refused;

/// How long evidence can be submitted, in seconds.
const RESPOND_WITHIN: i64 = 7 * 86_400;

/// The reasons of disputes. Source: <https://docs.stripe.com/disputes/categories>.
const REASONS: &str = "bank_cannot_process check_returned credit_not_processed customer_initiated \
    debit_not_authorized duplicate fraudulent general incorrect_account_details insufficient_funds noncompliant \
    product_not_received product_unacceptable subscription_canceled unrecognized";

/// How a dispute ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeOutcome {
    /// The bank returns the disputed amount. Stripe keeps its fee.
    Won,
    /// The cardholder keeps the money.
    Lost,
}

/// Disputes `amount`, or all that was not refunded, of a charge or of an intent's latest charge.
pub(super) fn open(work: &mut Work, id: &str, amount: Option<i64>, reason: &str) -> Outcome {
    let charge = find(work, id)?.clone();
    if !REASONS.split_ascii_whitespace().any(|known| known == reason) {
        let message = format!("Invalid reason: must be one of {}", REASONS.replace(' ', ", "));
        return Err(ApiError::invalid(message).param("reason"));
    }
    if charge.status != ChargeStatus::Succeeded || !charge.captured {
        return Err(ApiError::invalid(format!("Charge {} took no money to dispute.", charge.id)));
    }
    if work.state.disputes_of(&charge.id).next().is_some() {
        let message = format!("Charge {} has been disputed before.", charge.id);
        return Err(ApiError::invalid(message).code("charge_disputed"));
    }
    let amount = amount.unwrap_or(charge.amount_captured - charge.amount_refunded);
    if amount < 1 {
        return Err(validate::not_positive("amount"));
    }
    validate::whole("amount", amount, &charge.currency)?;
    if amount > charge.amount_captured {
        let paid = display(charge.amount_captured, &charge.currency);
        return Err(ApiError::invalid(format!("No more than {paid} was paid.")).param("amount"));
    }
    let id = format!("dp_{}", random::letters(24));
    let mut out = line(work, Line::Dispute, None, -amount, &charge.currency, &id);
    out.stripe_fee = fee(&charge.currency);
    let dispute = Dispute {
        id: id.clone(),
        charge: charge.id.clone(),
        payment_intent: charge.payment_intent.clone(),
        amount,
        currency: charge.currency.clone(),
        reason: reason.to_owned(),
        status: DisputeStatus::NeedsResponse,
        due_by: work.now + RESPOND_WITHIN,
        transactions: vec![book(work, out)],
        created: work.now,
    };
    work.state.disputes.add(dispute);
    announce(work, &id, &["charge.dispute.created", "charge.dispute.funds_withdrawn"])
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

/// Closes a dispute.
pub(super) fn close(work: &mut Work, id: &str, outcome: DisputeOutcome) -> Outcome {
    let dispute = work.state.disputes.get(id).ok_or_else(|| ApiError::missing("dispute", id, "id"))?.clone();
    if dispute.status != DisputeStatus::NeedsResponse {
        return Err(ApiError::invalid(format!("This dispute is already closed: {}.", name(dispute.status))));
    }
    let won = outcome == DisputeOutcome::Won;
    let back = won.then(|| {
        let back = line(work, Line::DisputeReversal, None, dispute.amount, &dispute.currency, id);
        book(work, back)
    });
    work.state.disputes.change(id, |dispute| {
        dispute.status = if won { DisputeStatus::Won } else { DisputeStatus::Lost };
        dispute.transactions.extend(back);
    });
    match won {
        true => announce(work, id, &["charge.dispute.funds_reinstated", "charge.dispute.closed"]),
        false => announce(work, id, &["charge.dispute.closed"]),
    }
}

/// Records events about a dispute, and returns the dispute.
fn announce(work: &mut Work, id: &str, kinds: &[&str]) -> Outcome {
    for kind in kinds {
        about(work, kind, id);
    }
    render::any(work.state, id).ok_or_else(|| ApiError::internal("The dispute is gone."))
}

/// Disputes a charge as the owner of its test card does.
pub(super) fn open_by_card(work: &mut Work, charge_id: &str) {
    let Some(charge) = work.state.charges.get(charge_id).cloned() else { return };
    work.state.charges.change(charge_id, |charge| charge.disputed_at = None);
    if let Later::Dispute(reason) = cards::later_of(work.state, &charge)
        && let Err(error) = open(work, charge_id, None, reason)
    {
        // Everything was refunded before.
        tracing::info!(charge_id, reason = Refused::from(error).message, "a charge was not disputed");
    }
}
