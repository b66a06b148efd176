//! Money that the platform sends to connected accounts, and takes back.
//! Source: <https://docs.stripe.com/api/transfers>, <https://docs.stripe.com/api/transfer_reversals>.

use super::api_error::ApiError;
use super::books::{balance_of, book, line, next_share};
use super::events::emit;
use super::form::Form;
use super::state::{ChargeStatus, Line, Metadata, Reversal, State, Transfer};
use super::work::{Outcome, Work};
use super::{accounts, fees, in_words, render, validate};
use crate::random;

const CREATE: &[&str] = &[
    "amount",
    "currency",
    "description",
    "destination",
    "expand[]",
    "metadata",
    "metadata[*]",
    "source_transaction",
    "transfer_group",
];

const REVERSE: &[&str] = &["amount", "expand[]", "metadata", "metadata[*]", "refund_application_fee"];

/// What is sent.
pub(super) struct Order<'a> {
    pub(super) amount: i64,
    pub(super) currency: &'a str,
    pub(super) destination: &'a str,
    /// The charge whose money it is.
    pub(super) charge: Option<&'a str>,
    pub(super) group: Option<String>,
    /// The id and the amount of the application fee that is taken from it.
    pub(super) fee: Option<(String, i64)>,
    pub(super) description: Option<String>,
    pub(super) metadata: Metadata,
}

/// The group of a payment and its transfers: the one that was asked for, or one of its own when there is
/// somebody to transfer to.
pub(super) fn group(asked: Option<&str>, destination: Option<&String>, intent: &str) -> Option<String> {
    match (asked, destination) {
        (None, Some(_)) => Some(format!("group_{intent}")),
        (asked, _) => asked.map(str::to_owned),
    }
}

/// Moves the money and records the transfer. Nobody is told yet.
pub(super) fn send(work: &mut Work, order: Order) -> Transfer {
    let id = format!("tr_{}", random::letters(24));
    let destination_payment = format!("py_{}", random::letters(24));
    let out = line(work, Line::Transfer, None, -order.amount, order.currency, &id);
    let to = Some(order.destination);
    let mut into = line(work, Line::Payment, to, order.amount, order.currency, &destination_payment);
    into.application_fee = order.fee.as_ref().map_or(0, |(_, amount)| *amount);
    let transaction = book(work, out);
    let destination_transaction = book(work, into);
    let transfer = Transfer {
        id,
        amount: order.amount,
        reversed: 0,
        reversed_with_fee: 0,
        currency: order.currency.to_owned(),
        destination: order.destination.to_owned(),
        destination_payment,
        destination_transaction,
        charge: order.charge.map(str::to_owned),
        fee: order.fee.map(|(id, _)| id),
        group: order.group,
        description: order.description,
        metadata: order.metadata,
        transaction,
        created: work.now,
    };
    work.state.transfers.add(transfer.clone());
    transfer
}

/// `POST /v1/transfers`.
pub(super) fn create(work: &mut Work, form: &Form) -> Outcome {
    form.allow_only(CREATE)?;
    only_the_platform(work)?;
    let currency = validate::currency(form.required("currency")?)?;
    let destination = form.required("destination")?;
    accounts::receiver(work.state, destination, "destination")?;
    let amount = match (form.integer("amount")?, form.filled("source_transaction")) {
        (amount, Some(charge)) => from_charge(work.state, charge, amount, &currency)?,
        (Some(amount), None) => amount,
        (None, None) => return Err(ApiError::parameter_missing("amount")),
    };
    if amount < 1 {
        return Err(validate::not_positive("amount"));
    }
    validate::whole("amount", amount, &currency)?;
    let source = form.filled("source_transaction");
    if source.is_none() && balance_of(work.state, None, &currency) < amount {
        let message = "You have insufficient available funds in your Stripe account. Try adding funds directly \
                       to your available balance, or use source_transaction to name the charge whose money \
                       this is.";
        return Err(ApiError::invalid(message).code("balance_insufficient").after_work_began());
    }
    let asked = form.filled("transfer_group");
    let group = match source.and_then(|charge| work.state.charges.get(charge)) {
        Some(charge) => {
            let intent = work.state.intents.get(&charge.intent);
            let of_charge = intent.and_then(|intent| intent.transfer_group.as_deref());
            group(asked.or(of_charge), Some(&charge.id), &charge.intent)
        }
        None => asked.map(str::to_owned),
    };
    let order = Order {
        amount,
        currency: &currency,
        destination,
        charge: source,
        group,
        fee: None,
        description: form.owned("description"),
        metadata: validate::metadata(form, &Default::default())?,
    };
    let sent = send(work, order);
    let answer = render::transfer(work.state, &sent);
    emit(work, "transfer.created", answer.clone(), None);
    Ok(answer)
}

fn only_the_platform(work: &Work) -> Result<(), ApiError> {
    match work.origin.account {
        None => Ok(()),
        Some(_) => Err(ApiError::invalid("Only the platform's own money can be transferred.")),
    }
}

/// How much of a charge's money is to be sent: what was asked for, or all of it.
fn from_charge(state: &State, id: &str, amount: Option<i64>, currency: &str) -> Result<i64, ApiError> {
    let name = "source_transaction";
    let charge = state.charges.get(id).filter(|charge| charge.account.is_none());
    let charge = charge.ok_or_else(|| ApiError::missing("charge", id, name))?;
    if charge.status != ChargeStatus::Succeeded || !charge.captured {
        return Err(ApiError::invalid(format!("Charge {id} has not been captured.")).param(name));
    }
    if charge.currency != currency {
        let message = format!("The currency of source_transaction ({}) is not {currency}.", charge.currency);
        return Err(ApiError::invalid(message).param(name));
    }
    let of_charge = state.transfers.iter().filter(|transfer| transfer.charge.as_deref() == Some(id));
    let sent: i64 = of_charge.map(|transfer| transfer.amount).sum();
    let left = charge.amount_captured - sent;
    let amount = amount.unwrap_or(left);
    if amount > left {
        let message = format!(
            "Transfers using this transaction as a source must not exceed the source amount of {}. (There is \
             already a transfer using this source, amounting to {}.)",
            in_words(charge.amount_captured, currency),
            in_words(sent, currency)
        );
        return Err(ApiError::invalid(message).param("amount").after_work_began());
    }
    Ok(amount)
}

/// `POST /v1/transfers/{id}/reversals`.
pub(super) fn create_reversal(work: &mut Work, id: &str, form: &Form) -> Outcome {
    form.allow_only(REVERSE)?;
    only_the_platform(work)?;
    let metadata = validate::metadata(form, &Default::default())?;
    let with_fee = form.boolean("refund_application_fee")?.unwrap_or(false);
    let transfer =
        work.state.transfers.get(id).ok_or_else(|| ApiError::missing("transfer", id, "id"))?.clone();
    let left = transfer.amount - transfer.reversed;
    if left == 0 {
        return Err(fully_reversed(id));
    }
    let amount = form.integer("amount")?.unwrap_or(left);
    if amount < 1 {
        return Err(validate::not_positive("amount"));
    }
    validate::whole("amount", amount, &transfer.currency)?;
    if amount > left {
        let message = format!(
            "Reversal amount ({}) is greater than unreversed amount on transfer ({})",
            in_words(amount, &transfer.currency),
            in_words(left, &transfer.currency)
        );
        return Err(ApiError::invalid(message).param("amount").after_work_began());
    }
    let fee = transfer.fee.as_deref().filter(|_| with_fee);
    if with_fee && fee.is_none() {
        let message = format!("Cannot refund the application fee of transfer {id}: it has none.");
        return Err(ApiError::invalid(message).param("refund_application_fee"));
    }
    let fee_part = match fee.and_then(|fee| work.state.fees.get(fee)) {
        Some(fee) => {
            let (done, of) = (transfer.reversed_with_fee, transfer.amount);
            let part = next_share(fee.amount, done, amount, of, &transfer.currency);
            Some((fee.id.clone(), fees::part(fee, part)?))
        }
        None => None,
    };
    let reversal = reverse(work, id, amount, None, metadata)?;
    if let Some(transfer) = work.state.transfers.get_mut(id).filter(|_| with_fee) {
        transfer.reversed_with_fee += amount;
    }
    about_reversed(work, id);
    if let Some((fee, part)) = fee_part.filter(|(_, part)| *part > 0) {
        fees::give_back(work, &fee, part, Metadata::new())?;
        fees::about_refunded(work, &fee);
    }
    Ok(render::reversal(&reversal))
}

/// How much of the transfer goes back for `part`: no more than is left, and an error when nothing is.
pub(super) fn part(transfer: &Transfer, part: i64) -> Result<i64, ApiError> {
    let left = transfer.amount - transfer.reversed;
    if left == 0 && part > 0 {
        return Err(fully_reversed(&transfer.id));
    }
    Ok(part.min(left))
}

fn fully_reversed(id: &str) -> ApiError {
    ApiError::invalid(format!("The transfer {id} is already fully reversed.")).after_work_began()
}

/// Takes `amount` of a transfer back. Nobody is told yet.
pub(super) fn reverse(
    work: &mut Work,
    id: &str,
    amount: i64,
    refund: Option<&str>,
    metadata: Metadata,
) -> Result<Reversal, ApiError> {
    let transfer = work.state.transfers.get_mut(id).ok_or_else(|| ApiError::missing("transfer", id, "id"))?;
    transfer.reversed += amount;
    let (destination, currency) = (transfer.destination.clone(), transfer.currency.clone());
    let reversal = format!("trr_{}", random::letters(24));
    let payment_refund = format!("pyr_{}", random::letters(24));
    let back = line(work, Line::TransferReversal, None, amount, &currency, &reversal);
    let gone = line(work, Line::PaymentRefund, Some(&destination), -amount, &currency, &payment_refund);
    let reversal = Reversal {
        id: reversal,
        transfer: id.to_owned(),
        refund: refund.map(str::to_owned),
        amount,
        currency,
        metadata,
        transaction: book(work, back),
        payment_refund,
        payment_refund_transaction: book(work, gone),
        created: work.now,
    };
    work.state.reversals.add(reversal.clone());
    Ok(reversal)
}

/// Tells that some of a transfer was taken back.
pub(super) fn about_reversed(work: &mut Work, id: &str) {
    if let Some(object) = render::any(work.state, id) {
        emit(work, "transfer.reversed", object, None);
    }
}
