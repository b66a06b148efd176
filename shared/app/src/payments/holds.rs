//! Ends the holds of unpaid appointments and frees their slots.

use domain::AppointmentId;
use domain::scheduling::appointment::Appointment;
use domain::scheduling::party::ActingAs;
use store::Transaction;

use crate::events::EventData;
use crate::payments::jobs::PaymentsJob;
use crate::{App, AppError};

/// Expires a hold whose time is over and frees its slot. An appointment that is no longer a hold stays as it is.
pub(crate) async fn expire(app: &App, id: AppointmentId) -> Result<(), AppError> {
    let Some(appointment) = app.store.appointment(id).await? else { return Ok(()) };
    match appointment.expire(app.now()) {
        Ok(expired) => release(app, &appointment, &expired).await,
        Err(_) => Ok(()),
    }
}

/// Ends a hold that can never be paid and frees its slot. An appointment that is no longer a hold stays as it is.
pub(crate) async fn release_hold(app: &App, appointment: &Appointment) -> Result<(), AppError> {
    match appointment.hold_released() {
        Ok(expired) => release(app, appointment, &expired).await,
        Err(_) => Ok(()),
    }
}

/// Commits the end of a hold. A version conflict is ignored: the payment job handles the hold later.
async fn release(app: &App, appointment: &Appointment, expired: &Appointment) -> Result<(), AppError> {
    let now = app.now();
    let occupancy = app.store.occupancy_of(appointment).await?;
    let mut transaction = Transaction::new();
    transaction.put_appointment(expired)?;
    transaction.put_occupancy(appointment.expert, &occupancy.release(appointment));
    app.enqueue(&mut transaction, PaymentsJob::Payment { appointment: appointment.id }, now)?;
    app.record_event(&mut transaction, ActingAs::Platform, EventData::expired(expired), now)?;
    app.try_commit(transaction).await.map(|_| ())
}
