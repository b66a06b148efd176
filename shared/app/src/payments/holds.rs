//! Ends the holds of unpaid appointments and frees their slots.

use domain::AppointmentId;
use domain::scheduling::appointment::{Appointment, Event};
use store::table::Consistency;
use store::{Job, Transaction};

use crate::{App, AppError};

/// Gives the slot of a hold back whose time is over. A hold that is something else by now stays as it is.
pub(crate) async fn expire(app: &App, id: AppointmentId) -> Result<(), AppError> {
    let Some(appointment) = app.store.appointment(id).await? else { return Ok(()) };
    match appointment.expired(app.now()) {
        Ok(expired) => release(app, &appointment, &expired).await,
        Err(_) => Ok(()),
    }
}

/// Gives the slot of a hold back that can never be paid.
pub(crate) async fn release_hold(app: &App, appointment: &Appointment) -> Result<(), AppError> {
    match appointment.hold_released() {
        Ok(expired) => release(app, appointment, &expired).await,
        Err(_) => Ok(()),
    }
}

async fn release(app: &App, appointment: &Appointment, expired: &Appointment) -> Result<(), AppError> {
    let now = app.now();
    let days = app.store.occupancy(appointment.expert, appointment.occupied(), Consistency::Strong).await?;
    let mut transaction = Transaction::new();
    transaction.put_appointment(expired)?;
    transaction.put_occupancy(appointment.expert, &days.release(appointment));
    app.enqueue(&mut transaction, Job::Payment(appointment.id), now)?;
    app.announce(&mut transaction, expired, Event::Expired, now)?;
    app.commit_step(transaction).await.map(|_| ())
}
