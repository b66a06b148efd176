//! Bringing an appointment and its payment together, whatever happened to either.

use std::collections::BTreeMap;

use domain::kernel::time::DAY;
use domain::payments::ledger::{self, Movement, MovementKind};
use domain::payments::payment::{IntentStatus, Payment, PaymentAction, References, Wait, next_action};
use domain::scheduling::appointment::{Appointment, Event, Outcome, Status};
use domain::scheduling::party::Party;
use domain::{AppointmentId, Timestamp};
use store::{AppointmentRecord, Transaction};

use super::change::Change;
use super::orders::order;
use crate::payments::ports::{Buyer, FetchedPayment};
use crate::{App, AppError};

/// Most steps of one settlement: confirm or cancel, expire, refund, and a few that others get in the way of.
const MOST_STEPS: usize = 12;

/// So long clients can dispute a payment, in seconds (PayPal: 180 days,
/// <https://www.paypal.com/us/legalhub/paypal/useragreement-full>), and how often it is looked at meanwhile.
const DISPUTABLE: i64 = 180 * DAY;
const LATER_LOOK: i64 = 30 * DAY;

/// What the log says when a payment cannot go on before a person decides. The alarm in `template.yaml` waits for these words.
pub const ESCALATED: &str = "payment escalated";

/// When to look again.
pub(crate) enum Next {
    /// Not until something happens.
    Never,
    /// At this instant.
    At(Timestamp),
}

/// What the gateway says of a payment; of one that it was never asked for, that it is missing.
pub(crate) async fn fetch_payment(app: &App, payment: &Payment) -> Result<FetchedPayment, AppError> {
    if payment.references == References::default() {
        return Ok(FetchedPayment::missing());
    }
    Ok(app.gateways.get(payment.gateway)?.charges.fetch_payment(payment).await?)
}

/// How the people of an appointment are addressed by a gateway.
pub(crate) fn buyer<'a>(app: &'a App, appointment: &'a Appointment) -> Buyer<'a> {
    Buyer {
        description: appointment.session_name.as_str(),
        name: appointment.attendee.name.as_str(),
        email: appointment.attendee.email.as_str(),
        return_url: &app.settings.public_base_url,
    }
}

/// Takes steps until the payment and the appointment agree.
pub(crate) async fn process_payment(app: &App, id: AppointmentId) -> Result<Next, AppError> {
    for _ in 0..MOST_STEPS {
        let Some(AppointmentRecord { appointment, payment, movements }) =
            app.store.latest_appointment_record(id).await?
        else {
            return Ok(Next::Never);
        };
        let now = app.now();
        let Some(payment) = payment else {
            match complete_free(app, &appointment, now).await? {
                Some(next) => return Ok(next),
                None => continue,
            }
        };
        let gateway = app.gateways.get(payment.gateway)?;
        let FetchedPayment { snapshot, unrecorded_intent, .. } = fetch_payment(app, &payment).await?;
        let new_movements: Vec<Movement> =
            ledger::new_movements(&movements, &snapshot.movements).into_iter().cloned().collect();
        let movements: Vec<Movement> = movements.into_iter().chain(new_movements.iter().cloned()).collect();
        let target = payment.target(&appointment.status);
        let observed = Payment {
            state: payment.state_of(&snapshot, &movements, target),
            decline: snapshot.decline,
            open_dispute: snapshot.open_dispute,
            lost_dispute: snapshot.lost_dispute,
            // Who paid anew has their deadline behind them.
            action_deadline: match snapshot.status {
                IntentStatus::Authorised { .. } | IntentStatus::Succeeded => None,
                _ => payment.action_deadline,
            },
            // It was refused, or failed, of the payment as it then was.
            refused: if new_movements.is_empty() { payment.refused.clone() } else { BTreeMap::new() },
            failing_since: payment.failing_since.filter(|_| new_movements.is_empty()),
            ..match unrecorded_intent {
                Some(intent) => payment.with_intent(intent),
                None => payment.clone(),
            }
        };
        let action =
            next_action(&appointment, &observed, &snapshot, &movements, gateway.charges.capabilities(), now);
        tracing::info!(appointment = %id, status = appointment.status.as_str(), ?action, new_movements = new_movements.len(), "settling");

        let mut change = Change::new(app, &appointment, payment, observed, new_movements, now);
        match action {
            PaymentAction::Wait(wait) => {
                change.set_escalation(action.escalation());
                let look_again = wait == Wait::Settled && change.close_unpaid();
                if change.commit().await? && !look_again {
                    return Ok(match wait.until() {
                        Some(until) => Next::At(until),
                        None if gateway.books.is_none() => {
                            later_look(&movements, now).map_or(Next::Never, Next::At)
                        }
                        None => Next::Never,
                    });
                }
            }
            PaymentAction::Transition(transition) => {
                change.apply(transition).await?;
                change.commit().await?;
            }
            PaymentAction::Order(requested) => {
                // What was read is written first. Nothing is ordered for a state that has changed meanwhile.
                if let Some(payment) = change.commit_and_keep(true).await? {
                    order(app, &*gateway.charges, &appointment, payment, &movements, requested).await?;
                }
            }
        }
    }
    // Others keep getting in the way; nothing is lost by looking again a little later.
    Ok(Next::At(app.now().plus(60)))
}

/// Notes that a session without a payment took place, unless somebody says otherwise in time; none when somebody else was
/// faster.
async fn complete_free(
    app: &App,
    appointment: &Appointment,
    now: Timestamp,
) -> Result<Option<Next>, AppError> {
    if appointment.status != Status::Confirmed {
        return Ok(Some(Next::Never));
    }
    if now < appointment.completes_at() {
        return Ok(Some(Next::At(appointment.completes_at())));
    }
    let completed = appointment.ended(Outcome::Completed, Party::Platform, now)?;
    let mut transaction = Transaction::new();
    transaction.put_appointment(&completed)?;
    app.announce(&mut transaction, &completed, Event::Completed, now)?;
    Ok(app.commit_step(transaction).await?.then_some(Next::Never))
}

/// When to look again at a payment that is settled, at a gateway whose books nobody can be told to read: as long as the client can
/// dispute it, because nothing else would find what a lost message was about.
fn later_look(movements: &[Movement], now: Timestamp) -> Option<Timestamp> {
    let captured = movements.iter().filter(|movement| movement.kind == MovementKind::Captured);
    let disputable_until = captured.map(|movement| movement.at).max()?.plus(DISPUTABLE);
    (now < disputable_until).then_some(now.plus(LATER_LOOK).min(disputable_until))
}
