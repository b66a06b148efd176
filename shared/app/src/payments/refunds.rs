//! Refunds that an expert or an administrator gives, whatever the policy says.

use domain::payments::ledger::Totals;
use domain::payments::payment::{Payment, PaymentState};
use domain::scheduling::party::Party;
use domain::{AppointmentId, Money};
use store::{AppointmentRecord, Effect, Transaction};

use crate::idempotency::{Created, Known, Request};
use crate::identity::people::Person;
use crate::{App, AppError};

/// Gives an amount back of what the client pays, as the expert or an administrator pleases, whatever the policy says.
///
/// # Errors
/// [`AppError::Forbidden`] to its client, [`AppError::PaymentState`] when there is not so much left to give back.
pub async fn refund(
    app: &App,
    person: &Person,
    request: &Request,
    id: AppointmentId,
    amount: Money,
) -> Result<Created<AppointmentRecord>, AppError> {
    let mut tries = app.tries();
    loop {
        match try_refund(app, person, request, id, amount).await {
            Ok(created) => return Ok(created),
            Err(failure) => tries.again(failure).await?,
        }
    }
}

async fn try_refund(
    app: &App,
    person: &Person,
    request: &Request,
    id: AppointmentId,
    amount: Money,
) -> Result<Created<AppointmentRecord>, AppError> {
    let now = app.now();
    let record = app.store.appointment_record(id).await?.ok_or(AppError::NotFound("appointment"))?;
    if person.party_of(&record.appointment)? == Party::Client {
        return Err(AppError::Forbidden("only the expert can give money back"));
    }
    let over = match request.known(app, now).await? {
        Known::Answered(answer) => return Ok(Created::Before(answer)),
        Known::Begun(seen) => return Ok(Created::Now(record, seen)),
        Known::New(over) => over,
    };
    let refuse = |text: String| Err(AppError::PaymentState(text));
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
    let kept = target.less(amount);
    let step = u64::from(!domain::planted("refunds_keep_the_version"));
    let payment = Payment { version: payment.version + step, kept: Some(kept), ..payment };
    let seen = request.starting(id, now);
    let mut transaction = Transaction::new();
    transaction.put_payment(&payment)?;
    transaction.put_seen(&seen, over.as_ref())?;
    app.owe(&mut transaction, Effect::Payment(id), now)?;
    app.commit(transaction).await?;
    Ok(Created::Now(AppointmentRecord { payment: Some(payment), ..record }, seen))
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
