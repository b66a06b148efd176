//! Giving money back. Source: <https://docs.stripe.com/api/refunds/create>,
//! <https://docs.stripe.com/connect/destination-charges#issue-refunds>,
//! <https://docs.stripe.com/refunds#failed-refunds>.
//!
//! Transfers and fees come back in proportion, and however a payment is cut up, the last refund leaves nothing
//! over.
//! A refund that fails brings the platform's money back, and nothing else: transfers stay reversed and fees
//! stay given back.

use serde_json::{Value, json};

use super::api_error::ApiError;
use super::books::{book, line, next_share};
use super::cards::{self, Later};
use super::events::{about_charge, emit, emit_change};
use super::form::Form;
use super::state::{Charge, ChargeStatus, DisputeStatus, Line, Metadata, Refund, RefundStatus};
use super::work::{Outcome, Work};
use super::{fees, in_words, render, transfers, validate};
use crate::random;

const CREATE: &[&str] = &[
    "amount",
    "charge",
    "expand[]",
    "metadata",
    "metadata[*]",
    "payment_intent",
    "reason",
    "refund_application_fee",
    "reverse_transfer",
];

/// A part of a transfer, or of a fee, that comes back: its id and the amount.
type Part = (String, i64);

/// `POST /v1/refunds`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(CREATE)?;
    let reason = form.word("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    let metadata = validate::metadata(form, &Default::default())?;
    let reverse = form.boolean("reverse_transfer")?.unwrap_or(false);
    let with_fee = form.boolean("refund_application_fee")?.unwrap_or(false);
    let charge = find_charge(work, form)?.clone();
    let amount = amount(form, &charge)?;
    let of_transfer = if reverse { Some(transfer_part(work, &charge, amount)?) } else { None };
    let of_fee = if with_fee { Some(fee_part(work, &charge, amount)?) } else { None };

    let id = format!("re_{}", random::letters(24));
    let account = charge.account.as_deref();
    let out = line(work, Line::Refund, account, -amount, &charge.currency, &id);
    let transaction = book(work, out);
    // A share of a few cents can be nothing.
    let reversal = match of_transfer.filter(|(_, part)| *part > 0) {
        Some((transfer, part)) => {
            Some(transfers::reverse(work, &transfer, part, Some(&id), Metadata::new())?)
        }
        None => None,
    };
    let fee = match of_fee.filter(|(_, part)| *part > 0) {
        Some((fee, part)) => Some(fees::give_back(work, &fee, part, Metadata::new())?.fee),
        None => None,
    };
    if let Some(charge) = work.state.charges.get_mut(&charge.id) {
        charge.refunded += amount;
        charge.refunded_reversing += if reverse { amount } else { 0 };
        charge.refunded_with_fee += if with_fee { amount } else { 0 };
    }
    let (status, settles) = course(work, &charge);
    let refund = Refund {
        id: id.clone(),
        account: charge.account.clone(),
        amount,
        currency: charge.currency.clone(),
        charge: charge.id.clone(),
        intent: charge.intent.clone(),
        reason,
        metadata,
        status,
        settles,
        transaction,
        failure_transaction: None,
        reversal: reversal.as_ref().map(|reversal| reversal.id.clone()),
        created: work.now,
    };
    let answer = render::refund(&refund);
    work.state.refunds.add(refund);
    emit(work, "refund.created", answer.clone(), account);
    about_charge(work, "charge.refunded", &charge.id);
    if let Some(reversal) = reversal {
        transfers::about_reversed(work, &reversal.transfer);
    }
    if let Some(fee) = fee {
        fees::about_refunded(work, &fee);
    }
    Ok(answer)
}

/// What the bank of the charge's card says to a refund now, and later.
fn course(work: &Work, charge: &Charge) -> (RefundStatus, Option<(i64, RefundStatus)>) {
    let method = work.state.payment_methods.get(&charge.payment_method);
    let at = work.now + cards::LATER_AFTER;
    match method.map(|method| cards::later_of(&method.means)) {
        Some(Later::PendingRefunds) => (RefundStatus::Pending, Some((at, RefundStatus::Succeeded))),
        Some(Later::FailingRefunds) => (RefundStatus::Succeeded, Some((at, RefundStatus::Failed))),
        _ => (RefundStatus::Succeeded, None),
    }
}

fn find_charge<'a>(work: &'a Work, form: &Form) -> Result<&'a Charge, ApiError> {
    let charge_id = match (form.filled("charge"), form.filled("payment_intent")) {
        (Some(charge), None) => charge.to_owned(),
        (None, Some(id)) => {
            let found =
                work.intent(id).map_err(|_| ApiError::missing("payment_intent", id, "payment_intent"))?;
            let charge = found.latest_charge.clone().filter(|charge| {
                work.state.charges.get(charge).is_some_and(|charge| charge.status == ChargeStatus::Succeeded)
            });
            charge.ok_or_else(|| {
                let message =
                    format!("This PaymentIntent ({id}) does not have a successful charge to refund.");
                ApiError::invalid(message).param("payment_intent").after_work_began()
            })?
        }
        (Some(_), Some(_)) => {
            return Err(ApiError::invalid("Give either charge or payment_intent, not both.").param("charge"));
        }
        (None, None) => {
            let message =
                "One of the following params should be provided for this request: payment_intent or charge.";
            return Err(ApiError::invalid(message).code("parameter_missing"));
        }
    };
    let charge = work.state.charges.get(&charge_id).filter(|charge| charge.account == work.origin.account);
    let charge = charge.ok_or_else(|| ApiError::missing("charge", &charge_id, "charge"))?;
    if charge.status != ChargeStatus::Succeeded || !charge.captured {
        let message = format!(
            "Charge {charge_id} has not been captured, so there is nothing to refund. Cancel its PaymentIntent \
             instead."
        );
        return Err(ApiError::invalid(message).code("charge_not_refundable").after_work_began());
    }
    // The guest's bank has taken the money already.
    if work.state.disputes_of(&charge_id).any(|dispute| dispute.status != DisputeStatus::Won) {
        let message = format!("Charge {charge_id} has been charged back; cannot issue a refund.");
        return Err(ApiError::invalid(message).code("charge_disputed").after_work_began());
    }
    Ok(charge)
}

fn amount(form: &Form, charge: &Charge) -> Result<i64, ApiError> {
    let left = charge.amount_captured - charge.refunded;
    if left == 0 {
        let message = format!("Charge {} has already been refunded.", charge.id);
        return Err(ApiError::invalid(message).code("charge_already_refunded").after_work_began());
    }
    let Some(amount) = form.integer("amount")? else { return Ok(left) };
    if amount < 1 {
        return Err(validate::not_positive("amount"));
    }
    validate::whole("amount", amount, &charge.currency)?;
    if amount > left {
        let message = format!(
            "Refund amount ({}) is greater than unrefunded amount on charge ({})",
            in_words(amount, &charge.currency),
            in_words(left, &charge.currency)
        );
        return Err(ApiError::invalid(message).param("amount").after_work_began());
    }
    Ok(amount)
}

fn transfer_part(work: &Work, charge: &Charge, amount: i64) -> Result<Part, ApiError> {
    let Some(transfer) = charge.transfer.as_deref().and_then(|id| work.state.transfers.get(id)) else {
        let message =
            format!("Cannot reverse the transfer of charge {}: it has no associated transfer.", charge.id);
        return Err(ApiError::invalid(message).param("reverse_transfer"));
    };
    let (done, of) = (charge.refunded_reversing, charge.amount_captured);
    let part = next_share(transfer.amount, done, amount, of, &charge.currency);
    Ok((transfer.id.clone(), transfers::part(transfer, part)?))
}

fn fee_part(work: &Work, charge: &Charge, amount: i64) -> Result<Part, ApiError> {
    let Some(fee) = charge.application_fee.as_deref().and_then(|id| work.state.fees.get(id)) else {
        let message = format!("Cannot refund the application fee of charge {}: it has none.", charge.id);
        return Err(ApiError::invalid(message).param("refund_application_fee"));
    };
    let (done, of) = (charge.refunded_with_fee, charge.amount_captured);
    let part = next_share(fee.amount, done, amount, of, &charge.currency);
    Ok((fee.id.clone(), fees::part(fee, part)?))
}

/// Ends a refund whose bank took its time: it arrived, or it did not and the money comes back.
pub(super) fn settle(work: &mut Work, id: &str) {
    let Some(refund) = work.state.refunds.get(id).cloned() else { return };
    let Some((_, status)) = refund.settles else { return };
    let failed = status == RefundStatus::Failed;
    let back = failed.then(|| {
        let account = refund.account.as_deref();
        let back = line(work, Line::RefundFailure, account, refund.amount, &refund.currency, id);
        book(work, back)
    });
    if let Some(charge) = work.state.charges.get_mut(&refund.charge).filter(|_| failed) {
        charge.refunded -= refund.amount;
    }
    let before = render::refund(&refund);
    let Some(refund) = work.state.refunds.get_mut(id) else { return };
    refund.status = status;
    refund.settles = None;
    refund.failure_transaction = back;
    let (after, account) = (render::refund(refund), refund.account.clone());
    let mut previous = json!({});
    for name in ["status", "pending_reason", "failure_reason", "failure_balance_transaction"] {
        let (was, is) = (before.get(name), after.get(name));
        if was != is {
            previous[name] = was.cloned().unwrap_or(Value::Null);
        }
    }
    for kind in ["refund.updated", "charge.refund.updated"] {
        emit_change(work, kind, after.clone(), Some(previous.clone()), account.as_deref());
    }
    if failed {
        emit(work, "refund.failed", after, account.as_deref());
    }
}
