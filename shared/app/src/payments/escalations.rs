//! Payments that wait for a person's decision.

use domain::payments::ledger::{Entry, Movement, MovementKind, Totals};
use domain::payments::payment::{Concern, Order, Payment};
use domain::scheduling::appointment::Event;
use domain::scheduling::party::Party;
use domain::{AppointmentId, Money};
use store::{AppointmentRecord, ConcernPage, Effect, Transaction};

use crate::identity::people::{Person, administrator};
use crate::{App, AppError};

/// What a person decides about a payment that cannot go on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The gateway is asked once more.
    TryAgain,
    /// So much was settled with the client or the expert outside the gateway, or is given up.
    SettledByHand(Money),
}

/// Most payments of one page.
pub const LARGEST_PAGE: u16 = 100;

/// The payments that wait for a person, for administrators: the oldest booking first.
///
/// # Errors
/// [`AppError::Forbidden`] to all others.
pub async fn concerns(
    app: &App,
    person: &Person,
    after: Option<AppointmentId>,
    limit: u16,
) -> Result<ConcernPage, AppError> {
    administrator(person)?;
    Ok(app.store.concerns(after, limit.clamp(1, LARGEST_PAGE)).await?)
}

/// An administrator decides how a payment goes on that needs a person.
///
/// # Errors
/// [`AppError::Forbidden`] to all others, [`AppError::PaymentState`] when it needs nobody, or another decision.
pub async fn decide(
    app: &App,
    person: &Person,
    id: AppointmentId,
    decision: Decision,
) -> Result<AppointmentRecord, AppError> {
    let refuse = |text: &str| Err(AppError::PaymentState(text.to_owned()));
    let mut tries = app.tries();
    loop {
        let record = app.store.appointment_record(id).await?.ok_or(AppError::NotFound("appointment"))?;
        if person.party_of(&record.appointment)? != Party::Platform {
            return Err(AppError::Forbidden("only an administrator who is not one of the two can decide"));
        }
        let now = app.now();
        let totals = Totals::of(&record.movements);
        let Some(payment) = &record.payment else { return refuse("there was nothing to pay") };
        let Some(concern) = payment.concern else {
            return refuse("it goes on by itself, so there is nothing to decide");
        };
        let owed = totals.held().saturating_sub(payment.target(&record.appointment.status).amount());
        if let Decision::SettledByHand(settled) = decision {
            let (amount, owed) = match concern {
                Concern::RefundFailed { amount }
                | Concern::DisputeLost { amount }
                | Concern::Refused { order: Order::Refund, amount } => {
                    (amount, payment.amount.with_amount(owed).ok())
                }
                Concern::Refused { amount, .. } => (amount, Some(amount)),
                Concern::Contested => (settled, Some(settled)),
            };
            // What was settled is what the person saw, and what is still so.
            if settled != amount || owed != Some(amount) {
                let now = owed.unwrap_or(amount);
                return refuse(&format!("it is about {now} by now, not {settled}; look at it again"));
            }
        }
        let mut transaction = Transaction::new();
        let mut payment = Payment { version: payment.version + 1, concern: None, ..payment.clone() };
        match (decision, concern) {
            (_, Concern::Contested) => {
                return refuse(
                    "the two do not say the same of the session; say how it ended, as completed or as a no-show",
                );
            }
            (Decision::TryAgain, Concern::DisputeLost { .. }) => {
                return refuse(
                    "the gateway refunds nothing of what was lost in a dispute; settle it by hand",
                );
            }
            (Decision::TryAgain, Concern::RefundFailed { .. }) => {
                payment.refund_tries = totals.failed_refunds.saturating_add(1);
            }
            (Decision::TryAgain, Concern::Refused { order, .. }) => {
                payment.refused.remove(&order);
            }
            // Nobody can be made to pay any more.
            (Decision::SettledByHand(_), Concern::Refused { order: Order::Capture, .. }) => {
                payment.kept = Some(payment.amount.nothing());
                let (version, event) = (payment.version, Event::PaymentUnpaid);
                app.owe(&mut transaction, Effect::Announcement { appointment: id, version, event }, now)?;
            }
            (
                Decision::SettledByHand(_),
                Concern::Refused { order: Order::Reversal | Order::Transfer, .. },
            ) => {
                payment.settled_with_expert = true;
            }
            (
                Decision::SettledByHand(amount),
                Concern::RefundFailed { .. }
                | Concern::DisputeLost { .. }
                | Concern::Refused { order: Order::Refund, .. },
            ) => {
                // What is to go back after this is tried by the gateway again.
                payment.refund_tries = totals.failed_refunds.saturating_add(1);
                payment.refused.remove(&Order::Refund);
                payment.entries += 1;
                let object = format!("by_hand_{}", payment.entries);
                let movement = Movement::new(MovementKind::SettledByHand, amount, object, now, None);
                app.owe(&mut transaction, Effect::Receipts(id), now)?;
                transaction.put_entry(
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
        app.owe(&mut transaction, Effect::Payment(id), now)?;
        match app.commit(transaction).await {
            Ok(()) => {
                return app.store.appointment_record(id).await?.ok_or(AppError::NotFound("appointment"));
            }
            Err(failure) => tries.again(failure).await?,
        }
    }
}
