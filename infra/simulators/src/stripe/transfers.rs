//! Transfers from the platform to connected accounts, and their reversals.
//! Source: <https://docs.stripe.com/api/transfers>, <https://docs.stripe.com/api/transfer_reversals>.

use super::books::balance_of;
use super::prelude::*;

/// A transfer to send.
pub(super) struct Order<'a> {
    pub(super) amount: i64,
    pub(super) currency: &'a str,
    pub(super) destination: &'a str,
    /// The charge that pays for it.
    pub(super) source_transaction: Option<String>,
    pub(super) transfer_group: Option<String>,
    /// The id and the amount of the application fee that is deducted from it.
    pub(super) fee: Option<(String, i64)>,
    pub(super) metadata: Metadata,
}

/// Moves the money and records the transfer. The event is left to the caller.
pub(super) fn send(work: &mut Work, order: Order) -> Transfer {
    let id = format!("tr_{}", random::letters(24));
    let destination_payment = format!("py_{}", random::letters(24));
    let out = line(work, Line::Transfer, None, -order.amount, order.currency, &id);
    let to = Some(order.destination);
    let mut into = line(work, Line::Payment, to, order.amount, order.currency, &destination_payment);
    into.application_fee = order.fee.as_ref().map_or(0, |(_, amount)| *amount);
    let transfer = Transfer {
        id,
        amount: order.amount,
        amount_reversed: 0,
        reversed_with_fee: 0,
        currency: order.currency.to_owned(),
        destination: order.destination.to_owned(),
        destination_payment,
        balance_transaction: book(work, out),
        destination_transaction: book(work, into),
        source_transaction: order.source_transaction,
        fee: order.fee.map(|(id, _)| id),
        transfer_group: order.transfer_group,
        metadata: order.metadata,
        created: work.now,
    };
    work.state.transfers.add(transfer.clone());
    transfer
}

const CREATE: &str =
    "amount currency destination expand[] metadata metadata[*] source_transaction transfer_group";

/// `POST /v1/transfers`. A charge pays for transfers up to what was captured of it; the platform's balance pays for others.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(&[CREATE])?;
    let currency = validate::currency(form.required("currency")?)?;
    let destination = form.required("destination")?;
    accounts::receiver(work.state, destination, "destination")?;
    let amount = form.integer("amount")?.ok_or_else(|| ApiError::parameter_missing("amount"))?;
    if amount < 1 {
        return Err(validate::not_positive("amount"));
    }
    validate::whole("amount", amount, &currency)?;
    let source =
        form.filled("source_transaction").map(|id| source(work, id, amount, &currency)).transpose()?;
    if source.is_none() && balance_of(work.state, None, &currency) < amount {
        let message = "You have insufficient available funds in your Stripe account. Try adding funds directly \
                       to your available balance.";
        return Err(ApiError::invalid(message).code("balance_insufficient").after_work_began());
    }
    let order = Order {
        amount,
        currency: &currency,
        destination,
        source_transaction: source.as_ref().map(|(charge, _)| charge.clone()),
        transfer_group: form.owned("transfer_group").or(source.and_then(|(_, group)| group)),
        fee: None,
        metadata: validate::metadata(form)?,
    };
    let sent = send(work, order);
    let object = render::transfer(work.state, &sent);
    emit(work, "transfer.created", object.clone(), None);
    Ok(object)
}

/// The id and the transfer group of a charge that pays for another transfer of `amount`.
/// Source: <https://docs.stripe.com/connect/separate-charges-and-transfers#transfer-availability>.
fn source(work: &Work, id: &str, amount: i64, currency: &str) -> Result<(String, Option<String>), ApiError> {
    let refused = |message: String| ApiError::invalid(message).param("source_transaction");
    let charge = work.state.charges.get(id);
    let charge = charge.ok_or_else(|| ApiError::missing("charge", id, "source_transaction"))?;
    if charge.status != ChargeStatus::Succeeded || !charge.captured {
        return Err(refused(format!("Charge {id} took no money that could be transferred.")));
    }
    if charge.currency != currency {
        let of = &charge.currency;
        return Err(refused(format!("The currency of source_transaction's balance transaction is {of}.")));
    }
    let of_charge = |transfer: &&Transfer| transfer.source_transaction.as_deref() == Some(id);
    let sent: i64 = work.state.transfers.iter().filter(of_charge).map(|transfer| transfer.amount).sum();
    if sent + amount > charge.amount_captured {
        let left = display(charge.amount_captured - sent, currency);
        let message = format!("Cannot create transfers with source_transaction {id} for more than {left}.");
        return Err(refused(message).after_work_began());
    }
    let group =
        work.state.intents.get(&charge.payment_intent).and_then(|intent| intent.transfer_group.clone());
    Ok((id.to_owned(), group))
}

/// `POST /v1/transfers/{id}/reversals`.
pub(super) fn create_reversal(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(&["amount expand[] metadata metadata[*] refund_application_fee"])?;
    let metadata = validate::metadata(form)?;
    let with_fee = form.flag("refund_application_fee")?;
    let transfer =
        work.state.transfers.get(id).ok_or_else(|| ApiError::missing("transfer", id, "id"))?.clone();
    let left = transfer.amount - transfer.amount_reversed;
    if left == 0 {
        return Err(fully_reversed(id));
    }
    let amount = validate::amount_up_to(form, left, &transfer.currency, |amount, left| {
        format!("Reversal amount ({amount}) is greater than unreversed amount on transfer ({left})")
    })?;
    let fee = transfer.fee.as_deref().filter(|_| with_fee).and_then(|fee| work.state.fees.get(fee));
    if with_fee && fee.is_none() {
        let message = format!("Cannot refund the application fee of transfer {id}: it has none.");
        return Err(ApiError::invalid(message).param("refund_application_fee"));
    }
    let fee_part = match fee {
        Some(fee) => {
            let (done, of) = (transfer.reversed_with_fee, transfer.amount);
            let part = next_share(fee.amount, done, amount, of, &transfer.currency);
            Some((fee.id.clone(), fees::part(fee, part)?))
        }
        None => None,
    };
    check_balance(work, &transfer, amount - fee_part.as_ref().map_or(0, |(_, part)| *part))?;
    let reversal = reverse(work, id, amount, None, metadata)?;
    if with_fee {
        work.state.transfers.change(id, |transfer| transfer.reversed_with_fee += amount);
    }
    about(work, "transfer.reversed", id);
    if let Some((fee, part)) = fee_part.filter(|(_, part)| *part > 0) {
        fees::refund(work, &fee, part, Metadata::new())?;
        about(work, "application_fee.refunded", &fee);
    }
    Ok(render::reversal(&reversal))
}

/// The part of a transfer to reverse: `part`, but at most what is left. An error when nothing is left.
pub(super) fn part(transfer: &Transfer, part: i64) -> Result<i64, ApiError> {
    let left = transfer.amount - transfer.amount_reversed;
    if left == 0 && part > 0 { Err(fully_reversed(&transfer.id)) } else { Ok(part.min(left)) }
}

fn fully_reversed(id: &str) -> ApiError {
    ApiError::invalid(format!("The transfer {id} is already fully reversed.")).after_work_began()
}

/// Refuses to take an amount back from an account that does not have it, or to which the platform has lost access.
pub(super) fn check_balance(work: &Work, transfer: &Transfer, amount: i64) -> Result<(), ApiError> {
    accounts::find(work.state, &transfer.destination, "account_id")?;
    if balance_of(work.state, Some(&transfer.destination), &transfer.currency) >= amount {
        return Ok(());
    }
    let message = "The recipient of this transfer does not have sufficient funds in their Stripe balance to reverse \
                   this amount.";
    Err(ApiError::invalid(message).code("balance_insufficient").after_work_began())
}

/// Reverses `amount` of a transfer. The event is left to the caller.
pub(super) fn reverse(
    work: &mut Work,
    id: &str,
    amount: i64,
    refund: Option<&str>,
    metadata: Metadata,
) -> Result<Reversal, ApiError> {
    let transfer = work.state.transfers.get_mut(id).ok_or_else(|| ApiError::missing("transfer", id, "id"))?;
    transfer.amount_reversed += amount;
    let (destination, currency) = (transfer.destination.clone(), transfer.currency.clone());
    let reversal = format!("trr_{}", random::letters(24));
    let payment_refund = format!("pyr_{}", random::letters(24));
    let back = line(work, Line::TransferReversal, None, amount, &currency, &reversal);
    let gone = line(work, Line::PaymentRefund, Some(&destination), -amount, &currency, &payment_refund);
    let reversal = Reversal {
        id: reversal,
        transfer: id.to_owned(),
        source_refund: refund.map(str::to_owned),
        amount,
        currency,
        metadata,
        balance_transaction: book(work, back),
        destination_payment_refund: payment_refund,
        payment_refund_transaction: book(work, gone),
        created: work.now,
    };
    work.state.reversals.add(reversal.clone());
    Ok(reversal)
}
