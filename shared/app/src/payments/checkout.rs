//! How a client pays.

use domain::AppointmentId;
use domain::scheduling::appointment::Status;
use domain::scheduling::party::Party;
use store::AppointmentRecord;

use super::process::fetch_payment;
use crate::identity::people::Person;
use crate::payments::ports::PayWith;
use crate::{App, AppError};

/// How the client of an appointment pays, as the gateway says now.
///
/// # Errors
/// [`AppError::NotFound`] when there is nothing to pay or somebody else asks.
pub async fn way_to_pay(
    app: &App,
    person: &Person,
    id: AppointmentId,
) -> Result<(AppointmentRecord, PayWith), AppError> {
    let record = app.store.appointment_record(id).await?.ok_or(AppError::NotFound("appointment"))?;
    let party = person.party_of(&record.appointment)?;
    let payment = record.payment.as_ref().ok_or(AppError::NotFound("payment; there is nothing to pay"))?;
    let pay_with = match (party, &record.appointment.status) {
        (Party::Client, Status::Pending { .. } | Status::Confirmed) => {
            fetch_payment(app, payment).await?.pay_with
        }
        // Who is asked to pay anew can do so until the deadline, whatever became of the session.
        (Party::Client, _) if payment.action_deadline.is_some_and(|deadline| app.now() < deadline) => {
            fetch_payment(app, payment).await?.pay_with
        }
        _ => PayWith::Nothing,
    };
    Ok((record, pay_with))
}
