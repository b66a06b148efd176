//! Refunds that an expert or an administrator gives, whatever the policy says.

use domain::payments::ledger::Totals;
use domain::payments::payment::{Payment, PaymentState};
use domain::scheduling::party::Party;
use domain::{AppointmentId, Money};
use store::{AppointmentRecord, Job, Transaction};

use crate::idempotency::{Creation, IdempotentRequest, RequestStatus};
use crate::identity::people::Person;
use crate::payments::error::PaymentsError;
use crate::{App, AppError, Attempt};

/// Gives an amount back of what the client pays, as the expert or an administrator pleases, whatever the policy says.
///
/// # Errors
/// [`AppError::Forbidden`] to its client, [`PaymentsError::State`] when there is not so much left to give back.
pub async fn refund(
    app: &App,
    person: &Person,
    request: &IdempotentRequest,
    id: AppointmentId,
    amount: Money,
) -> Result<Creation<AppointmentRecord>, AppError> {
    app.transact("refund_appointment", || attempt_refund(app, person, request, id, amount)).await
}

async fn attempt_refund(
    app: &App,
    person: &Person,
    request: &IdempotentRequest,
    id: AppointmentId,
    amount: Money,
) -> Result<Attempt<Creation<AppointmentRecord>>, AppError> {
    let now = app.now();
    let record = app.store.appointment_record(id).await?.ok_or(AppError::NotFound("appointment"))?;
    if person.party_of(&record.appointment)? == Party::Client {
        return Err(AppError::Forbidden("only the expert can give money back"));
    }
    let over = match request.status(app, now).await? {
        RequestStatus::Completed(answer) => return Ok(Attempt::Unchanged(Creation::Replayed(answer))),
        RequestStatus::InProgress(idempotency) => {
            return Ok(Attempt::Unchanged(Creation::Created(record, idempotency)));
        }
        RequestStatus::New(over) => over,
    };
    let refuse = |text: String| Err(PaymentsError::State(text).into());
    let Some(payment) = record.payment else {
        return refuse("there was nothing to pay, so there is nothing to give back".to_owned());
    };
    if amount.currency() != payment.amount.currency() || amount.is_zero() {
        let must = format!(
            "must be above zero and in {}, the currency of the payment",
            payment.amount.currency().code()
        );
        return Err(AppError::Invalid { field: "amount".to_owned(), must });
    }
    check_step("amount", amount)?;
    // What the bank holds may come back, and then it would go to the client without anybody having decided that.
    if payment.open_dispute {
        return refuse(
            "the client's bank has yet to decide a dispute; give a part back after that".to_owned(),
        );
    }
    let totals = Totals::of(&record.movements);
    let target = payment.target(&record.appointment.status);
    // What went back by another way is not there to be given back again.
    let target = match totals.captured {
        0 => target,
        _ => target.with_amount(totals.held().min(target.amount())).unwrap_or(target),
    };
    let secured = matches!(
        payment.state,
        PaymentState::Paid { .. }
            | PaymentState::PartlyRefunded { .. }
            | PaymentState::RefundFailed
            | PaymentState::Disputed
            | PaymentState::Authorised { .. }
            | PaymentState::CardSaved
    );
    if !secured {
        return refuse("nothing is paid that could be given back now".to_owned());
    }
    if amount.amount() > target.amount() {
        return refuse(format!("the client pays {target}, so {amount} cannot be given back"));
    }
    let final_charge = target.less(amount);
    let payment = Payment { version: payment.version + 1, final_charge: Some(final_charge), ..payment };
    let idempotency = request.record(id, now);
    let mut transaction = Transaction::new();
    transaction.put_payment(&payment)?;
    transaction.put_idempotency_record(&idempotency, over.as_ref())?;
    app.enqueue(&mut transaction, Job::Payment(id), now)?;
    Ok(Attempt::Commit(
        transaction,
        Creation::Created(AppointmentRecord { payment: Some(payment), ..record }, idempotency),
    ))
}

/// What no gateway can move is refused before anybody waits for it.
pub(crate) fn check_step(field: &str, amount: Money) -> Result<(), AppError> {
    let step = amount.currency().charge_step();
    if amount.amount().is_multiple_of(step) {
        return Ok(());
    }
    let must = format!("must be a multiple of {step} in the smallest unit of {}", amount.currency().code());
    Err(AppError::Invalid { field: field.to_owned(), must })
}
