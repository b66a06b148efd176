//! Payments that wait for a decision by an administrator.

use domain::payments::ledger::{Entry, Movement, MovementKind, Totals};
use domain::payments::payment::{Escalation, OrderKind, Payment};
use domain::scheduling::history::{Change, HistoryEntry};
use domain::scheduling::party::ActingAs;
use domain::{AppointmentId, Money};
use store::{AppointmentRecord, EscalationPage, RowVersion, Transaction};

use crate::events::{EventData, PaymentChanged};
use crate::identity::Actor;
use crate::identity::signed_in::{Role, Scope};
use crate::payments::error::{PaymentsError, check_known};
use crate::payments::jobs::PaymentsJob;
use crate::{App, AppError, Decision};

/// The decision of an administrator about an escalated payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Send the refused order to the gateway again.
    TryAgain,
    /// This amount was settled with the client or the expert outside the gateway, or is written off.
    ResolvedManually(Money),
}

/// The prefix of the object of a movement that was resolved manually. The gateway has no object for it.
pub(crate) const MANUAL_OBJECT: &str = "manual_";

/// The maximum number of payments of one page.
pub const MAX_PAGE: u16 = 100;

/// The escalated payments, the oldest booking first. `after` is the last appointment of the previous page.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an administrator.
pub async fn list(
    app: &App,
    actor: &Actor,
    after: Option<AppointmentId>,
    limit: u16,
) -> Result<EscalationPage, AppError> {
    actor.require_role(Role::Admin, Scope::Read)?;
    Ok(app.store.escalations(after, limit.clamp(1, MAX_PAGE)).await?)
}

/// Resolves an escalated payment. The payment job continues with it at once.
///
/// # Errors
/// [`AppError::NotFound`] if the appointment does not exist, [`AppError::Forbidden`] if the person is not an administrator or has a
/// side in the appointment, as its expert, its client, or a present or former member, [`PaymentsError::State`] if the payment is not
/// escalated, requires another decision, or the amount has changed.
pub async fn resolve(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    resolution: Resolution,
) -> Result<AppointmentRecord, AppError> {
    let refuse = |text: &str| Err(PaymentsError::State(text.to_owned()).into());
    app.transact("resolve_escalation", || async {
        actor.require_active(app, Role::Admin).await?;
        let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
        match acting {
            ActingAs::Administrator { .. } => {}
            _ => return Err(AppError::Forbidden("only an administrator without a side of their own can decide this")),
        }
        let now = app.now();
        let totals = Totals::of(&record.movements);
        let Some(payment) = &record.payment else { return refuse("there was nothing to pay") };
        check_known(payment)?;
        let Some(escalation) = payment.escalation else {
            return refuse("the payment is not escalated, so there is nothing to decide");
        };
        if let Resolution::ResolvedManually(settled) = resolution {
            let due = payment.amount_due(&record.appointment.status);
            let owed = payment.amount.with_amount(totals.net_paid().saturating_sub(due.amount())).ok();
            check_settled(escalation, settled, owed)?;
        }
        let mut transaction = Transaction::new();
        let mut payment = Payment { version: payment.version + 1, escalation: None, ..payment.clone() };
        let mut movements = record.movements.clone();
        match (resolution, escalation) {
            (_, Escalation::NoShowDisputed) => {
                return refuse(
                    "the no-show report is disputed; record how the session ended, as completed or as a no-show",
                );
            }
            (_, Escalation::Unknown) => return refuse("the reason of the escalation is not known"),
            (Resolution::TryAgain, Escalation::DisputeLost { .. }) => {
                return refuse(
                    "the gateway cannot refund what was lost in a dispute; settle the amount outside the gateway and resolve it manually",
                );
            }
            (Resolution::TryAgain, Escalation::RefundFailed { .. }) => {
                payment.max_failed_refunds = totals.failed_refunds.saturating_add(1);
            }
            (Resolution::TryAgain, Escalation::Refused { order, .. }) => {
                payment = payment.without_refusal(order);
            }
            // The amount can no longer be collected.
            (Resolution::ResolvedManually(_), Escalation::Refused { order: OrderKind::Capture, .. }) => {
                let nothing = payment.amount.zero();
                payment.lower_charge(nothing, nothing);
                let due = record.payment.as_ref().map_or(payment.amount, |before| {
                    before.amount_due(&record.appointment.status)
                });
                let changed = PaymentChanged::new(&record.appointment, &payment);
                app.record_event(&mut transaction, acting, EventData::unpaid(changed, due), now)?;
            }
            // If the dispute is won, another share is due.
            (
                Resolution::ResolvedManually(_),
                Escalation::Refused { order: OrderKind::Reversal | OrderKind::Transfer, .. },
            ) if payment.open_dispute => {
                return refuse(
                    "a dispute is open, so the expert's share is not final; settle it after the client's bank has decided",
                );
            }
            (
                Resolution::ResolvedManually(_),
                Escalation::Refused { order: OrderKind::Reversal | OrderKind::Transfer, .. },
            ) => {
                let due = payment.amount_due(&record.appointment.status);
                payment = payment.settled_with_expert(totals, due);
            }
            (
                Resolution::ResolvedManually(amount),
                Escalation::RefundFailed { .. }
                | Escalation::DisputeLost { .. }
                | Escalation::Refused { order: OrderKind::Refund, .. },
            ) => {
                // Later refunds are sent to the gateway again.
                payment.max_failed_refunds = totals.failed_refunds.saturating_add(1);
                payment = payment.without_refusal(OrderKind::Refund);
                payment.entries += 1;
                let object = format!("{MANUAL_OBJECT}{}", payment.entries);
                let movement = Movement::new(MovementKind::ResolvedManually, amount, object, now, None);
                app.enqueue_receipts(&mut transaction, id, now)?;
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
        transaction.check_appointment(&record.appointment);
        transaction.put_payment(&payment)?;
        let entry = HistoryEntry::new(now, acting, Change::EscalationResolved);
        let version = RowVersion::Payment(payment.version);
        transaction.put_history(id, record.appointment.version, version, &entry)?;
        app.enqueue(&mut transaction, PaymentsJob::Payment { appointment: id }, now)?;
        let record = AppointmentRecord { payment: Some(payment), movements, ..record };
        Ok(Decision::Commit(transaction, record))
    })
    .await
}

/// Checks that an amount that was settled outside the gateway is the one that the administrator has read, and still current. `owed` is
/// what the client is to get back now.
///
/// # Errors
/// [`PaymentsError::State`] if it is another amount.
fn check_settled(escalation: Escalation, settled: Money, owed: Option<Money>) -> Result<(), AppError> {
    let (amount, current) = match escalation {
        Escalation::RefundFailed { amount }
        | Escalation::DisputeLost { amount }
        | Escalation::Refused { order: OrderKind::Refund, amount } => (amount, owed),
        Escalation::Refused { amount, .. } => (amount, Some(amount)),
        Escalation::NoShowDisputed | Escalation::Unknown => return Ok(()),
    };
    if settled == amount && current == Some(amount) {
        return Ok(());
    }
    let now = current.unwrap_or(amount);
    Err(PaymentsError::State(format!("the amount is now {now}, not {settled}; read the payment again"))
        .into())
}
