//! Bringing an appointment and its payment together, whatever happened to either.

use domain::appointment::{Appointment, Event};
use domain::payment::{IntentStatus, Payment, PaymentState, Settlement, settle};
use domain::{AppointmentId, Timestamp};
use store::table::Consistency;
use store::{Effect, Transaction};

use crate::booking::announce;
use crate::{App, AppError};

/// Most steps of one settlement: confirm or cancel, expire, refund, and a few that others get in the way of.
const MOST_STEPS: usize = 8;

/// When to look again.
pub(crate) enum Next {
    /// Not until something happens.
    Never,
    /// At this instant.
    At(Timestamp),
}

/// Takes steps until the payment and the appointment agree.
pub(crate) async fn settle_payment(app: &App, id: AppointmentId) -> Result<Next, AppError> {
    for _ in 0..MOST_STEPS {
        let (appointment, payment) = tokio::join!(app.store.appointment(id), app.store.payment(id));
        let (Some(appointment), Some(payment)) = (appointment?, payment?) else { return Ok(Next::Never) };
        let intent = match &payment.intent {
            Some(intent) => Some(app.payments.read_intent(intent).await?),
            None => None,
        };
        let status = intent.as_ref().map(|intent| intent.status);
        let step = settle(&appointment, &payment.state, status, app.now());
        tracing::info!(appointment = %id, status = appointment.status.word(), ?step, "settling");
        match (step, &payment.intent) {
            (Settlement::WaitUntil(instant), _) => return Ok(Next::At(instant)),
            (Settlement::Settled, _) => {
                let unpaid = matches!(status, None | Some(IntentStatus::Cancelled));
                if payment.state != PaymentState::Open || !unpaid {
                    return Ok(Next::Never);
                }
                // Then look again: a booking that was slower than its hold may have come first, with an intent.
                put_payment(app, payment, PaymentState::Cancelled).await?;
            }
            (Settlement::Confirm, _) => confirm(app, &appointment, payment).await?,
            (Settlement::Expire, _) => expire(app, id).await?,
            (Settlement::CancelIntent, Some(intent)) => app.payments.cancel_intent(id, intent).await?,
            (Settlement::Refund, Some(intent)) => {
                let refund = app.payments.refund(id, intent, payment.fee).await?;
                let state = PaymentState::Refunded { refund, refunded_at: app.now() };
                put_payment(app, payment, state).await?;
            }
            // Without an intent there is nothing to cancel or refund, and `settle` asks for neither.
            (Settlement::CancelIntent | Settlement::Refund, None) => return Ok(Next::Never),
        }
    }
    // Others keep getting in the way; nothing is lost by looking again a little later.
    Ok(Next::At(app.now().plus(60)))
}

/// Commits one step. When somebody else was faster the step may be needless, so the caller looks again.
async fn commit_step(app: &App, transaction: Transaction) -> Result<(), AppError> {
    let mut tries = app.tries();
    match app.commit(transaction).await {
        Ok(()) => Ok(()),
        Err(failure) => tries.again(failure).await,
    }
}

async fn put_payment(app: &App, payment: Payment, state: PaymentState) -> Result<(), AppError> {
    let mut transaction = Transaction::new();
    transaction.put_payment(&Payment { version: payment.version + 1, state, ..payment })?;
    commit_step(app, transaction).await
}

async fn confirm(app: &App, appointment: &Appointment, payment: Payment) -> Result<(), AppError> {
    let now = app.now();
    let confirmed = appointment.confirmed()?;
    let days = app.store.days(appointment.expert, appointment.occupied(), Consistency::Strong).await?;
    let paid =
        Payment { version: payment.version + 1, state: PaymentState::Paid { paid_at: now }, ..payment };
    let mut transaction = Transaction::new();
    transaction.put_appointment(&confirmed)?;
    transaction.put_payment(&paid)?;
    transaction.change_days(appointment.expert, &days.confirm(appointment));
    announce(app, &mut transaction, &confirmed, Event::Confirmed, now)?;
    commit_step(app, transaction).await
}

/// Gives the slot of a hold back whose time is over. A hold that is something else by now stays as it is.
pub(crate) async fn expire(app: &App, id: AppointmentId) -> Result<(), AppError> {
    let Some(appointment) = app.store.appointment(id).await? else { return Ok(()) };
    match appointment.expired(app.now()) {
        Ok(expired) => release(app, &appointment, &expired).await,
        Err(_) => Ok(()),
    }
}

/// Gives the slot of a hold back that can never be paid.
pub(crate) async fn give_up(app: &App, appointment: &Appointment) -> Result<(), AppError> {
    match appointment.given_up() {
        Ok(expired) => release(app, appointment, &expired).await,
        Err(_) => Ok(()),
    }
}

async fn release(app: &App, appointment: &Appointment, expired: &Appointment) -> Result<(), AppError> {
    let now = app.now();
    let days = app.store.days(appointment.expert, appointment.occupied(), Consistency::Strong).await?;
    let mut transaction = Transaction::new();
    transaction.put_appointment(expired)?;
    transaction.change_days(appointment.expert, &days.release(appointment));
    app.owe(&mut transaction, Effect::Payment(appointment.id), now)?;
    announce(app, &mut transaction, expired, Event::Expired, now)?;
    commit_step(app, transaction).await
}
