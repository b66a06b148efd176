//! Writes what the client pays in the end.

use domain::Timestamp;
use domain::payments::payment::{FinalCharge, Payment};
use domain::scheduling::appointment::Appointment;
use store::Transaction;

use crate::payments::error::check_known;
use crate::payments::jobs::PaymentsJob;
use crate::{App, AppError};

/// Adds to the transaction the payment of an appointment with a [new final charge](Payment::with_final_charge), and the payment job,
/// which captures or refunds accordingly. Returns the changed payment.
///
/// # Errors
/// [`AppError::NewerRelease`] if the state of the payment is unknown.
pub(crate) fn put(
    app: &App,
    transaction: &mut Transaction,
    appointment: &Appointment,
    payment: Option<&Payment>,
    final_charge: FinalCharge,
    now: Timestamp,
) -> Result<Option<Payment>, AppError> {
    match payment {
        Some(payment) => {
            put_payment(app, transaction, appointment, payment, final_charge, now).map(Option::Some)
        }
        None => {
            app.enqueue(transaction, PaymentsJob::Payment { appointment: appointment.id }, now)?;
            Ok(None)
        }
    }
}

/// Does the same for an appointment that has a payment.
///
/// # Errors
/// [`AppError::NewerRelease`] if the state of the payment is unknown.
pub(crate) fn put_payment(
    app: &App,
    transaction: &mut Transaction,
    appointment: &Appointment,
    payment: &Payment,
    final_charge: FinalCharge,
    now: Timestamp,
) -> Result<Payment, AppError> {
    check_known(payment)?;
    let payment = payment.with_final_charge(appointment, final_charge, now);
    transaction.put_payment(&payment)?;
    app.enqueue(transaction, PaymentsJob::Payment { appointment: appointment.id }, now)?;
    Ok(payment)
}
