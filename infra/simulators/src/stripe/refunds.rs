//! Giving money back. Source: <https://docs.stripe.com/api/refunds/create>,
//! <https://docs.stripe.com/connect/destination-charges#issue-refunds>.
//!
//! Transfers and fees come back in proportion. Each share is the rounded share of all that has come back so
//! far, less what came back before; so however a payment is cut up, the last refund leaves nothing over.

use serde_json::Value;

use super::api_error::ApiError;
use super::events::{about_charge, emit};
use super::form::Form;
use super::settle::{book, share};
use super::state::{Charge, ChargeStatus, FeeRefund, Refund, Reversal, Transaction};
use super::work::{Outcome, Work};
use super::{in_words, render, validate};
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

/// `POST /v1/refunds`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(CREATE)?;
    let reason = form.word("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    let metadata = validate::metadata(form, &Default::default())?;
    let reverse = form.boolean("reverse_transfer")?.unwrap_or(false);
    let with_fee = form.boolean("refund_application_fee")?.unwrap_or(false);
    let charge = find_charge(work, form)?.clone();
    let amount = amount(form, &charge)?;
    if reverse && charge.transfer.is_none() {
        let message =
            format!("Cannot reverse the transfer of charge {}: it has no associated transfer.", charge.id);
        return Err(ApiError::invalid(message).param("reverse_transfer"));
    }
    if with_fee && charge.application_fee.is_none() {
        let message = format!("Cannot refund the application fee of charge {}: it has none.", charge.id);
        return Err(ApiError::invalid(message).param("refund_application_fee"));
    }

    let id = format!("re_{}", random::letters(24));
    let transaction = book(work, line(work.now, &charge, charge.account.clone(), -amount, "refund", &id));
    let reversal = if reverse { reverse_transfer(work, &charge, &id, amount) } else { None };
    if with_fee {
        refund_fee(work, &charge, amount);
    }
    if let Some(charge) = work.state.charges.get_mut(&charge.id) {
        charge.refunded += amount;
        charge.refunded_reversing += if reverse { amount } else { 0 };
        charge.refunded_with_fee += if with_fee { amount } else { 0 };
    }
    let refund = Refund {
        id: id.clone(),
        account: charge.account.clone(),
        amount,
        currency: charge.currency.clone(),
        charge: charge.id.clone(),
        intent: charge.intent.clone(),
        reason,
        metadata,
        transaction: Some(transaction),
        reversal: reversal.clone(),
        created: work.now,
    };
    let answer = render::refund(&refund);
    work.state.refunds.add(refund);
    announce(work, &charge, &answer, with_fee);
    Ok(answer)
}

fn announce(work: &mut Work, charge: &Charge, refund: &Value, with_fee: bool) {
    emit(work, "refund.created", refund.clone(), charge.account.as_deref());
    about_charge(work, "charge.refunded", &charge.id);
    let reversed = refund.get("transfer_reversal").is_some_and(Value::is_string);
    if let Some(object) =
        charge.transfer.as_deref().filter(|_| reversed).and_then(|id| render::any(work.state, id))
    {
        emit(work, "transfer.reversed", object, None);
    }
    let fee = charge.application_fee.as_deref().filter(|_| with_fee);
    if let Some(object) = fee.and_then(|id| render::any(work.state, id)) {
        emit(work, "application_fee.refunded", object, None);
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
    Ok(charge)
}

fn amount(form: &Form, charge: &Charge) -> Result<i64, ApiError> {
    let left = charge.amount_captured - charge.refunded;
    if left == 0 {
        let message = format!("Charge {} has already been refunded.", charge.id);
        return Err(ApiError::invalid(message).code("charge_already_refunded").after_work_began());
    }
    match form.integer("amount")? {
        None => Ok(left),
        Some(amount) if amount < 1 => Err(ApiError::invalid("Invalid positive integer")
            .code("parameter_invalid_integer")
            .param("amount")),
        Some(amount) if amount > left => {
            let message = format!(
                "Refund amount ({}) is greater than unrefunded amount on charge ({})",
                in_words(amount, &charge.currency),
                in_words(left, &charge.currency)
            );
            Err(ApiError::invalid(message).param("amount").after_work_began())
        }
        Some(amount) => Ok(amount),
    }
}

fn line(
    now: i64,
    charge: &Charge,
    account: Option<String>,
    amount: i64,
    kind: &str,
    source: &str,
) -> Transaction {
    Transaction {
        id: String::new(),
        account,
        amount,
        stripe_fee: 0,
        application_fee: 0,
        currency: charge.currency.clone(),
        kind: kind.to_owned(),
        source: source.to_owned(),
        created: now,
    }
}

fn reverse_transfer(work: &mut Work, charge: &Charge, refund: &str, amount: i64) -> Option<String> {
    let transfer = work.state.transfers.get_mut(charge.transfer.as_deref()?)?;
    let so_far = share(transfer.amount, charge.refunded_reversing, charge.amount_captured);
    let part = share(transfer.amount, charge.refunded_reversing + amount, charge.amount_captured) - so_far;
    // A refund of a few cents can have a share of nothing.
    if part == 0 {
        return None;
    }
    transfer.reversed += part;
    let (transfer_id, destination) = (transfer.id.clone(), transfer.destination.clone());
    let id = format!("trr_{}", random::letters(24));
    let transaction = book(work, line(work.now, charge, None, part, "transfer_refund", &id));
    book(work, line(work.now, charge, Some(destination), -part, "payment_refund", &id));
    work.state.reversals.add(Reversal {
        id: id.clone(),
        transfer: transfer_id,
        refund: refund.to_owned(),
        amount: part,
        currency: charge.currency.clone(),
        transaction,
        created: work.now,
    });
    Some(id)
}

fn refund_fee(work: &mut Work, charge: &Charge, amount: i64) {
    let Some(fee) = charge.application_fee.as_deref().and_then(|id| work.state.fees.get_mut(id)) else {
        return;
    };
    let so_far = share(fee.amount, charge.refunded_with_fee, charge.amount_captured);
    let part = share(fee.amount, charge.refunded_with_fee + amount, charge.amount_captured) - so_far;
    if part == 0 {
        return;
    }
    fee.refunded += part;
    let (fee_id, payer) = (fee.id.clone(), fee.account.clone());
    let id = format!("fr_{}", random::letters(24));
    let transaction = book(work, line(work.now, charge, None, -part, "application_fee_refund", &id));
    book(work, line(work.now, charge, Some(payer), part, "adjustment", &id));
    work.state.fee_refunds.add(FeeRefund {
        id,
        fee: fee_id,
        amount: part,
        currency: charge.currency.clone(),
        transaction,
        created: work.now,
    });
}
