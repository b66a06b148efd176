//! How the client pays an existing appointment.

use domain::AppointmentId;
use domain::payments::payment::IntentStatus;
use domain::scheduling::appointment::Status;
use domain::scheduling::party::Party;
use store::AppointmentRecord;

use super::process::fetch_payment;
use crate::identity::Actor;
use crate::identity::signed_in::Scope;
use crate::payments::jobs::PaymentsJob;
use crate::payments::ports::PayWith;
use crate::{App, AppError};

/// An appointment with its payment, the side of the person who reads it, and how its client can pay now. For other people, and
/// when the client cannot pay, the last value is [`PayWith::None`]. If the gateway says that a hold is paid, it is confirmed soon.
///
/// # Errors
/// [`AppError::NotFound`] if the appointment does not exist, has no payment, or the person has no side in it (see
/// [`Actor`]). [`PaymentsError::Gateway`](crate::payments::error::PaymentsError::Gateway) if the gateway does not
/// respond.
pub async fn pay_with(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
) -> Result<(AppointmentRecord, Party, PayWith), AppError> {
    let (record, acting) = actor.appointment_record(app, id, Scope::Read).await?;
    let party = acting.party();
    let payment = record
        .payment
        .as_ref()
        .ok_or(AppError::NotCreated("there is no payment, because there is nothing to pay"))?;
    let pay_with = match (party, &record.appointment.status) {
        _ if payment.too_many_declines => PayWith::None,
        (Party::Client, Status::Pending { .. } | Status::Confirmed) => {
            let fetched = fetch_payment(app, payment).await?;
            let is_paid =
                fetched.snapshot.status.is_secure() || fetched.snapshot.status == IntentStatus::Approved;
            if is_paid && matches!(record.appointment.status, Status::Pending { .. }) {
                // The webhook may be lost. Without this, the job would run when the hold ends, and somebody else may book the time
                // first.
                if let Err(error) = app.run_soon(PaymentsJob::Payment { appointment: id }).await {
                    tracing::warn!(%error, appointment = %id, "the payment job was not enqueued");
                }
            }
            fetched.pay_with
        }
        // A client who was asked to pay again can do so until the deadline, even if the session has ended.
        (Party::Client, _) if payment.action_deadline.is_some_and(|deadline| app.now() < deadline) => {
            fetch_payment(app, payment).await?.pay_with
        }
        _ => PayWith::None,
    };
    Ok((record, party, pay_with))
}
