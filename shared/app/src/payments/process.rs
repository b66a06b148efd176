//! The payment job: brings an appointment and its payment in line, whatever happened to either.

use domain::kernel::time::DAY;
use domain::payments::ledger::{self, Movement, MovementKind, Totals};
use domain::payments::payment::{Payment, PaymentAction, References, Wait, next_action};
use domain::scheduling::appointment::{Appointment, Outcome, Status};
use domain::scheduling::party::{ActingAs, Party};
use domain::{AppointmentId, Timestamp};
use store::table::Consistency;
use store::{AppointmentRecord, Transaction};

use super::change::Change;
use super::orders::order;
use crate::events::EventData;
use crate::jobs::NextRun;
use crate::payments::error::check_known;
use crate::payments::payout_timing::record_session;
use crate::payments::ports::{Buyer, FetchedPayment};
use crate::{App, AppError};

/// The maximum number of steps of one run. A payment needs few steps; the others are for version conflicts.
const MAX_STEPS: usize = 12;

/// How long clients can dispute a payment, in seconds. At PayPal it is 180 days
/// (<https://www.paypal.com/us/legalhub/paypal/useragreement-full>).
const DISPUTE_PERIOD: i64 = 180 * DAY;
/// The time between two checks for disputes, in seconds.
const DISPUTE_CHECK: i64 = 30 * DAY;

/// The log message of a new escalation. An alarm in `template.yaml` looks for it.
pub const ESCALATED: &str = "payment escalated";

/// The log message of a share that could not be taken back from an expert, and that they owe from now on. An alarm in `template.yaml`
/// looks for it.
pub const SHARE_OWED: &str = "an expert owes a share that could not be taken back";

/// Fetches a payment from the gateway. A payment that was never opened there is reported as missing, without a request.
pub(crate) async fn fetch_payment(app: &App, payment: &Payment) -> Result<FetchedPayment, AppError> {
    if payment.references == References::default() {
        return Ok(FetchedPayment::missing());
    }
    Ok(app.gateways.get(payment.gateway)?.charges.fetch_payment(payment).await?)
}

/// The client of an appointment, as gateways need it.
pub(crate) fn buyer<'a>(app: &'a App, appointment: &'a Appointment) -> Buyer<'a> {
    Buyer {
        description: appointment.session_name.as_str(),
        name: appointment.attendee.name.as_str(),
        email: appointment.attendee.email.as_str(),
        return_url: &app.settings.public_base_url,
    }
}

/// Runs the payment job of an appointment.
///
/// Each step reads the appointment, the payment and the ledger, fetches a snapshot from the gateway, records new movements, and
/// takes the next payment action. The job ends when that action is to wait. A step that loses a race is repeated.
///
/// # Errors
/// [`AppError::Payments`] if the gateway fails; [`SchedulingError::Change`](crate::scheduling::error::SchedulingError::Change) or
/// [`AppError::NewerRelease`] if the status of the appointment or the state of the payment is unknown; [`AppError::Read`] or
/// [`AppError::Commit`] if the table fails.
pub(crate) async fn process_payment(app: &App, id: AppointmentId) -> Result<NextRun, AppError> {
    for _ in 0..MAX_STEPS {
        let Some(AppointmentRecord { appointment, payment, movements, .. }) =
            app.store.latest_appointment_record(id).await?
        else {
            return Ok(NextRun::WhenEnqueued);
        };
        // The job is retried until the release runs again that has written the status.
        appointment.check_known()?;
        let now = app.now();
        let Some(payment) = payment else {
            match complete_without_payment(app, &appointment, now).await? {
                Some(next) => return Ok(next),
                None => continue,
            }
        };
        // As for an unknown status: the job is retried, and until then nothing is written or ordered.
        check_known(&payment)?;
        let gateway = app.gateways.get(payment.gateway)?;
        let FetchedPayment { snapshot, unrecorded_intent, .. } = fetch_payment(app, &payment).await?;
        let mut new_movements: Vec<Movement> =
            ledger::new_movements(&movements, &snapshot.movements).into_iter().cloned().collect();
        let mut movements: Vec<Movement> =
            movements.into_iter().chain(new_movements.iter().cloned()).collect();
        if let Some(cost) = payment.due_processing_cost(&movements, now) {
            movements.push(cost.clone());
            new_movements.push(cost);
        }
        let target = payment.amount_due(&appointment.status);
        let totals = Totals::of(&movements);
        let observed = payment.observed(&appointment, &snapshot, &movements, &new_movements);
        let observed = match unrecorded_intent {
            Some(intent) => observed.with_intent(intent),
            None => observed,
        };
        // In a step of its own, because the next action may change the expert's debt, too. A lost dispute is recorded together with what
        // follows from it.
        if let Some(regained) = observed.share_regained(&new_movements, totals, target) {
            let debt = app.store.debt(appointment.expert, Consistency::Strong).await?;
            let in_debt = regained.with_amount(debt.owed_in(regained.currency())).unwrap_or(regained);
            let in_debt = in_debt.at_most(regained);
            let after = observed.with_share_regained(in_debt, totals, target);
            let after = Payment { lost_dispute: payment.lost_dispute, ..after };
            let mut change = Change::new(app, &appointment, payment, after, &movements, new_movements, now);
            change.put_debt(&debt.minus(in_debt))?;
            change.commit().await?;
            continue;
        }
        let capabilities = gateway.charges.capabilities();
        let action = next_action(&appointment, &observed, &snapshot, &movements, capabilities, now);
        tracing::info!(
            appointment = %id,
            status = appointment.status.as_str(),
            action = action.as_str(),
            amount = action.amount().map(tracing::field::display),
            new_movements = new_movements.len(),
            "payment action"
        );

        let mut change = Change::new(app, &appointment, payment, observed, &movements, new_movements, now);
        change.apply_new_dispute().await?;
        match action {
            PaymentAction::Wait(wait) => {
                change.set_escalation(action.escalation());
                let fetch_again = wait == Wait::Done && change.mark_cancelled_if_unpaid();
                let is_done = wait == Wait::Done;
                if change.commit().await?
                    && !fetch_again
                    && (!is_done
                        || record_session(app, &appointment, &snapshot, Totals::of(&movements), now).await?)
                {
                    return Ok(match wait.until() {
                        Some(until) => NextRun::At(until),
                        None if gateway.books.is_none() => {
                            next_dispute_check(&movements, now).map_or(NextRun::WhenEnqueued, NextRun::At)
                        }
                        None => NextRun::WhenEnqueued,
                    });
                }
            }
            PaymentAction::Transition(transition) => {
                change.apply(transition).await?;
                change.commit().await?;
            }
            PaymentAction::Order(requested) => {
                let is_withheld =
                    gateway.charges.capabilities().supports_transfers && change.withhold(requested).await?;
                // The snapshot is stored first. If the state has changed meanwhile, no order is sent.
                if let Some(payment) = change.commit_and_return(true).await?.filter(|_| !is_withheld) {
                    order(app, &*gateway.charges, &appointment, payment, &movements, requested).await?;
                }
            }
        }
    }
    // Concurrent changes used up all steps. Another run in a minute loses nothing.
    Ok(NextRun::At(app.now().plus(60)))
}

/// Completes a session without a payment once its time has come. `None` after a version conflict.
async fn complete_without_payment(
    app: &App,
    appointment: &Appointment,
    now: Timestamp,
) -> Result<Option<NextRun>, AppError> {
    if appointment.status != Status::Confirmed {
        return Ok(Some(NextRun::WhenEnqueued));
    }
    if now < appointment.completes_at() {
        return Ok(Some(NextRun::At(appointment.completes_at())));
    }
    let completed = appointment.ended(Outcome::Completed, None, Party::Platform, now)?;
    let mut transaction = Transaction::new();
    transaction.put_appointment(&completed)?;
    app.record_event(&mut transaction, ActingAs::Platform, EventData::ended(&completed, None), now)?;
    Ok(app.try_commit(transaction).await?.then_some(NextRun::WhenEnqueued))
}

/// When to check a settled payment for disputes, at a gateway that provides no books. As long as the client can dispute it, these
/// checks are the only way to find a dispute whose webhook was lost.
fn next_dispute_check(movements: &[Movement], now: Timestamp) -> Option<Timestamp> {
    let captured = movements.iter().filter(|movement| movement.kind == MovementKind::Captured);
    let disputable_until = captured.map(|movement| movement.at).max()?.plus(DISPUTE_PERIOD);
    (now < disputable_until).then_some(now.plus(DISPUTE_CHECK).min(disputable_until))
}
