//! Ends the holds of unpaid appointments and frees their slots.

use domain::AppointmentId;
use domain::payments::payment::Payment;
use domain::scheduling::appointment::Appointment;
use domain::scheduling::party::ActingAs;
use store::Transaction;

use crate::events::EventData;
use crate::payments::declines::{self, DECLINED};
use crate::payments::jobs::PaymentsJob;
use crate::{App, AppError};

/// Expires a hold whose time is over and frees its slot. An appointment that is no longer a hold stays as it is.
pub(crate) async fn expire(app: &App, id: AppointmentId) -> Result<(), AppError> {
    let Some(appointment) = app.store.appointment(id).await? else { return Ok(()) };
    match appointment.expire(app.now()) {
        Ok(expired) => release(app, &appointment, &expired, None).await,
        Err(_) => Ok(()),
    }
}

/// Ends a hold that can never be paid and frees its slot. An appointment that is no longer a hold stays as it is.
pub(crate) async fn release_hold(app: &App, appointment: &Appointment) -> Result<(), AppError> {
    match appointment.hold_released() {
        Ok(expired) => release(app, appointment, &expired, None).await,
        Err(_) => Ok(()),
    }
}

/// Ends a hold whose payment the gateway declined when it was collected, and counts the declined attempt. An appointment that is no
/// longer a hold stays as it is.
pub(crate) async fn release_declined(
    app: &App,
    appointment: &Appointment,
    payment: &Payment,
) -> Result<(), AppError> {
    match appointment.hold_released() {
        Ok(expired) => {
            release(app, appointment, &expired, Some(payment)).await?;
            tracing::warn!(appointment = %appointment.id, gateway = %payment.gateway, "{DECLINED}");
            Ok(())
        }
        Err(_) => Ok(()),
    }
}

/// Commits the end of a hold. A version conflict is ignored: the payment job handles the hold later.
async fn release(
    app: &App,
    appointment: &Appointment,
    expired: &Appointment,
    declined: Option<&Payment>,
) -> Result<(), AppError> {
    let now = app.now();
    let occupancy = app.store.occupancy_of(appointment).await?;
    let mut transaction = Transaction::new();
    transaction.put_appointment(expired)?;
    transaction.put_occupancy(appointment.expert, &occupancy.release(appointment));
    if let Some(payment) = declined {
        declines::count(app, &mut transaction, appointment, payment, now).await?;
    }
    app.enqueue(&mut transaction, PaymentsJob::Payment { appointment: appointment.id }, now)?;
    app.record_event(&mut transaction, ActingAs::Platform, EventData::expired(expired), now)?;
    app.try_commit(transaction).await.map(|_| ())
}
