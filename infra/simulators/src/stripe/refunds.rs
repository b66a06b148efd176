//! Refunds. Source: <https://docs.stripe.com/api/refunds/create>,
//! <https://docs.stripe.com/connect/destination-charges#issue-refunds>,
//! <https://docs.stripe.com/refunds#failed-refunds>.
//!
//! Transfers and fees are reversed in proportion: however a payment is cut up, its last refund leaves nothing
//! over. A refund that fails brings back only the platform's money: transfers stay reversed and fees refunded.

use super::prelude::*;

const CREATE: &str = "amount charge expand[] metadata metadata[*] payment_intent reason refund_application_fee \
    reverse_transfer";

/// A part of a transfer, or of a fee, that is reversed: its id and the amount.
type Part = (String, i64);

/// `POST /v1/refunds`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[CREATE])?;
    let reason = form.word("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    let metadata = validate::metadata(form)?;
    let reverse = form.flag("reverse_transfer")?;
    let with_fee = form.flag("refund_application_fee")?;
    let charge = find_charge(work, form)?.clone();
    let left = charge.amount_captured - charge.amount_refunded;
    if left == 0 {
        let message = format!("Charge {} has already been refunded.", charge.id);
        return Err(ApiError::invalid(message).code("charge_already_refunded").after_work_began());
    }
    let amount = validate::amount_up_to(form, left, &charge.currency, |amount, left| {
        format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left})")
    })?;
    let of_transfer = if reverse { Some(transfer_part(work, &charge, amount)?) } else { None };
    let of_fee = if with_fee { Some(fee_part(work, &charge, amount)?) } else { None };

    if let Some((transfer, part)) = of_transfer.as_ref().filter(|(_, part)| *part > 0) {
        let transfer = work
            .state
            .transfers
            .get(transfer)
            .ok_or_else(|| ApiError::missing("transfer", transfer, "id"))?;
        transfers::check_balance(work, transfer, part - of_fee.as_ref().map_or(0, |(_, part)| *part))?;
    }

    let id = format!("re_{}", random::letters(24));
    let out = line(work, Line::Refund, None, -amount, &charge.currency, &id);
    let balance_transaction = book(work, out);
    // The share of a few cents can be nothing.
    let reversal = match of_transfer.filter(|(_, part)| *part > 0) {
        Some((transfer, part)) => {
            Some(transfers::reverse(work, &transfer, part, Some(&id), Metadata::new())?)
        }
        None => None,
    };
    let fee = match of_fee.filter(|(_, part)| *part > 0) {
        Some((fee, part)) => Some(fees::refund(work, &fee, part, Metadata::new())?.fee),
        None => None,
    };
    work.state.charges.change(&charge.id, |charge| {
        charge.amount_refunded += amount;
        charge.refunded_reversing += if reverse { amount } else { 0 };
        charge.refunded_with_fee += if with_fee { amount } else { 0 };
    });
    let (status, settles) = course(work, &charge);
    let refund = Refund {
        id,
        amount,
        currency: charge.currency.clone(),
        charge: charge.id.clone(),
        payment_intent: charge.payment_intent.clone(),
        reason,
        metadata,
        status,
        settles,
        balance_transaction,
        failure_transaction: None,
        transfer_reversal: reversal.as_ref().map(|reversal| reversal.id.clone()),
        created: work.now,
    };
    let object = render::refund(&refund);
    work.state.refunds.add(refund);
    emit(work, "refund.created", object.clone(), None);
    about(work, "charge.refunded", &charge.id);
    if let Some(reversal) = reversal {
        about(work, "transfer.reversed", &reversal.transfer);
    }
    if let Some(fee) = fee {
        about(work, "application_fee.refunded", &fee);
    }
    Ok(object)
}

/// The status of a new refund, and when it changes to which, by the charge's test card and the faults.
fn course(work: &Work, charge: &Charge) -> (RefundStatus, Option<(i64, RefundStatus)>) {
    let at = work.now + cards::LATER_AFTER;
    let later = cards::later_of(work.state, charge);
    if work.faults.fail_refunds || later == Later::FailingRefunds {
        (RefundStatus::Succeeded, Some((at, RefundStatus::Failed)))
    } else if work.faults.pend_refunds || later == Later::PendingRefunds {
        (RefundStatus::Pending, Some((at, RefundStatus::Succeeded)))
    } else {
        (RefundStatus::Succeeded, None)
    }
}

fn find_charge<'a>(work: &'a Work, form: &Form) -> Result<&'a Charge, ApiError> {
    let charge_id = match (form.filled("charge"), form.filled("payment_intent")) {
        (Some(charge), None) => charge.to_owned(),
        (None, Some(id)) => {
            let found = work.state.intents.get(id);
            let found = found.ok_or_else(|| ApiError::missing("payment_intent", id, "payment_intent"))?;
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
    let charge = work.state.charges.get(&charge_id);
    let charge = charge.ok_or_else(|| ApiError::missing("charge", &charge_id, "charge"))?;
    if charge.status != ChargeStatus::Succeeded || !charge.captured {
        let message = format!(
            "Charge {charge_id} has not been captured, so there is nothing to refund. Cancel its PaymentIntent \
             instead."
        );
        return Err(ApiError::invalid(message).code("charge_not_refundable").after_work_began());
    }
    // The cardholder's bank has the money already.
    if work.state.disputes_of(&charge_id).any(|dispute| dispute.status != DisputeStatus::Won) {
        let message = format!("Charge {charge_id} has been charged back; cannot issue a refund.");
        return Err(ApiError::invalid(message).code("charge_disputed").after_work_began());
    }
    Ok(charge)
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

/// Changes the status of a refund when it settles. The money of a failed refund comes back.
pub(super) fn settle(work: &mut Work, id: &str) {
    let Some(refund) = work.state.refunds.get(id).cloned() else { return };
    let Some((_, status)) = refund.settles else { return };
    let failed = status == RefundStatus::Failed;
    let back = failed.then(|| {
        let back = line(work, Line::RefundFailure, None, refund.amount, &refund.currency, id);
        book(work, back)
    });
    if failed {
        work.state.charges.change(&refund.charge, |charge| charge.amount_refunded -= refund.amount);
    }
    let before = render::refund(&refund);
    let after = Refund { status, settles: None, failure_transaction: back, ..refund };
    let object = render::refund(&after);
    work.state.refunds.change(id, |refund| *refund = after);
    let mut previous = changed(&before, &object);
    for added in ["failure_reason", "failure_balance_transaction"] {
        if object.get(added).is_some() {
            previous.insert(added.to_owned(), Value::Null);
        }
    }
    for kind in ["refund.updated", "charge.refund.updated"] {
        emit_change(work, kind, object.clone(), Some(Value::Object(previous.clone())), None);
    }
    if failed {
        emit(work, "refund.failed", object, None);
    }
}
