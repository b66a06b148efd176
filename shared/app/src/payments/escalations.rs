//! Payments that wait for a person's decision.

use domain::payments::ledger::{Entry, Movement, MovementKind, Totals};
use domain::payments::payment::{Escalation, OrderKind, Payment};
use domain::scheduling::appointment::Event;
use domain::scheduling::party::Party;
use domain::{AppointmentId, Money};
use store::{AppointmentRecord, EscalationPage, Job, Transaction};

use crate::identity::people::{Person, administrator};
use crate::payments::error::PaymentsError;
use crate::{App, AppError, Attempt};

/// What the names of movements begin with that an administrator made outside the gateway. A number follows that is unique only within
/// the appointment.
pub(crate) const MANUAL: &str = "manual_";

/// What a person decides about a payment that cannot go on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The gateway is asked once more.
    TryAgain,
    /// So much was settled with the client or the expert outside the gateway, or is given up.
    ResolvedManually(Money),
}

/// Most payments of one page.
pub const LARGEST_PAGE: u16 = 100;

/// The payments that wait for a person, for administrators: the oldest booking first.
///
/// # Errors
/// [`AppError::Forbidden`] to all others.
pub async fn list(
    app: &App,
    person: &Person,
    after: Option<AppointmentId>,
    limit: u16,
) -> Result<EscalationPage, AppError> {
    administrator(person)?;
    Ok(app.store.escalations(after, limit.clamp(1, LARGEST_PAGE)).await?)
}

/// An administrator decides how a payment goes on that needs a person.
///
/// # Errors
/// [`AppError::Forbidden`] to all others, [`PaymentsError::State`] when it needs nobody, or another decision.
pub async fn resolve(
    app: &App,
    person: &Person,
    id: AppointmentId,
    resolution: Resolution,
) -> Result<AppointmentRecord, AppError> {
    let refuse = |text: &str| Err(PaymentsError::State(text.to_owned()).into());
    app.transact("resolve_escalation", || async {
        let record = app.store.appointment_record(id).await?.ok_or(AppError::NotFound("appointment"))?;
        if person.party_of(&record.appointment)? != Party::Platform {
            return Err(AppError::Forbidden("only an administrator who is not one of the two can decide"));
        }
        let now = app.now();
        let totals = Totals::of(&record.movements);
        let Some(payment) = &record.payment else { return refuse("there was nothing to pay") };
        let Some(escalation) = payment.escalation else {
            return refuse("it goes on by itself, so there is nothing to decide");
        };
        let owed = totals.held().saturating_sub(payment.target(&record.appointment.status).amount());
        if let Resolution::ResolvedManually(settled) = resolution {
            let (amount, owed) = match escalation {
                Escalation::RefundFailed { amount }
                | Escalation::DisputeLost { amount }
                | Escalation::Refused { order: OrderKind::Refund, amount } => {
                    (amount, payment.amount.with_amount(owed).ok())
                }
                Escalation::Refused { amount, .. } => (amount, Some(amount)),
                Escalation::NoShowDisputed => (settled, Some(settled)),
            };
            // What was settled is what the person saw, and what is still so.
            if settled != amount || owed != Some(amount) {
                let now = owed.unwrap_or(amount);
                return refuse(&format!("it is subject {now} by now, not {settled}; look at it again"));
            }
        }
        let mut transaction = Transaction::new();
        let mut payment = Payment { version: payment.version + 1, escalation: None, ..payment.clone() };
        let mut movements = record.movements.clone();
        match (resolution, escalation) {
            (_, Escalation::NoShowDisputed) => {
                return refuse(
                    "the two do not say the same of the session; say how it ended, as completed or as a no-show",
                );
            }
            (Resolution::TryAgain, Escalation::DisputeLost { .. }) => {
                return refuse(
                    "the gateway refunds nothing of what was lost in a dispute; settle it by hand",
                );
            }
            (Resolution::TryAgain, Escalation::RefundFailed { .. }) => {
                payment.refund_tries = totals.failed_refunds.saturating_add(1);
            }
            (Resolution::TryAgain, Escalation::Refused { order, .. }) => {
                payment.refused.remove(&order);
            }
            // Nobody can be made to pay any more.
            (Resolution::ResolvedManually(_), Escalation::Refused { order: OrderKind::Capture, .. }) => {
                payment.final_charge = Some(payment.amount.nothing());
                let (version, event) = (payment.version, Event::PaymentUnpaid);
                app.enqueue(&mut transaction, Job::Announcement { appointment: id, version, event }, now)?;
            }
            (
                Resolution::ResolvedManually(_),
                Escalation::Refused { order: OrderKind::Reversal | OrderKind::Transfer, .. },
            ) => {
                payment.resolved_with_expert = true;
            }
            (
                Resolution::ResolvedManually(amount),
                Escalation::RefundFailed { .. }
                | Escalation::DisputeLost { .. }
                | Escalation::Refused { order: OrderKind::Refund, .. },
            ) => {
                // What is to go back after this is tried by the gateway again.
                payment.refund_tries = totals.failed_refunds.saturating_add(1);
                payment.refused.remove(&OrderKind::Refund);
                payment.entries += 1;
                let object = format!("{MANUAL}{}", payment.entries);
                let movement = Movement::new(MovementKind::ResolvedManually, amount, object, now, None);
                app.enqueue(&mut transaction, Job::Receipts(id), now)?;
                movements.push(movement.clone());
                transaction.put_ledger_entry(
                    id,
                    &Entry {
                        appointment: Some(id),
                        expert: record.appointment.expert,
                        gateway: payment.gateway,
                        number: payment.entries,
                        at: now,
                        movements: vec![movement],
                    },
                )?;
            }
        }
        transaction.put_payment(&payment)?;
        app.enqueue(&mut transaction, Job::Payment(id), now)?;
        let record = AppointmentRecord { payment: Some(payment), movements, ..record };
        Ok(Attempt::Commit(transaction, record))
    })
    .await
}
