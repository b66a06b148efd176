//! Sends orders to the gateway, such as a capture or a refund.

use domain::payments::ledger::{Movement, MovementKind, Totals};
use domain::payments::payment::{Order, OrderKind, Payment, PaymentState, Plan, References, action_deadline};
use domain::scheduling::appointment::{Appointment, Status};
use domain::scheduling::party::ActingAs;
use domain::{AppointmentId, Money, Timestamp};
use store::{AppointmentRecord, Transaction};

use super::declines::{self, DECLINED};
use super::holds::release_declined;
use super::process::buyer;
use crate::events::{EventData, PaymentChanged};
use crate::payments::error::PaymentsError;
use crate::payments::ports::{Charges, Completion, GatewayError, Opened, RefundOrder};
use crate::transact::Decision;
use crate::{App, AppError};

/// When requests have failed for this many seconds, a snapshot reliably shows whether the order was executed.
const VISIBLE_AFTER: i64 = 10 * 60;

/// Sends one order to the gateway.
///
/// A permanent refusal of a capture, refund, reversal or transfer is stored in the payment. The next step escalates it, or lets the
/// expert owe what could not be taken back from them. A refund that takes the share back is then sent without that. If a refund that
/// the expert granted waits for their share, both parties are told so, and again when the platform ends its attempts.
/// After a permanent or a temporary refusal, the next attempt has a new idempotency key, because a gateway repeats its response to the
/// same key. After a failure it has a new key as well, but only once snapshots have shown for ten minutes that the order was not executed
/// (<https://docs.stripe.com/api/idempotent_requests>: failures are stored with the key for a day).
///
/// # Errors
/// [`PaymentsError::Gateway`] if the job must retry the order later.
pub(super) async fn order(
    app: &App,
    gateway: &dyn Charges,
    appointment: &Appointment,
    payment: Payment,
    movements: &[Movement],
    order: Order,
) -> Result<(), AppError> {
    // A definite response ends a failure.
    let responded = Payment { failing_since: None, ..payment.clone() };
    let result = execute(app, gateway, appointment, responded.clone(), movements, order).await;
    let version = payment.version;
    let refused = Payment { refusals: payment.refusals.saturating_add(1), ..responded };
    match (result, order.refused_as(gateway.capabilities())) {
        (
            Err(AppError::Payments(PaymentsError::Gateway(GatewayError::Refused { code, message }))),
            Some(kind),
        ) => {
            tracing::error!(
                appointment = %appointment.id,
                order = order.as_str(),
                amount = order.amount().map(tracing::field::display),
                code,
                message,
                "the gateway permanently refused an order"
            );
            let is_first = payment.refused_reversal.is_none();
            let (totals, amount_due) = (Totals::of(movements), payment.amount_due(&appointment.status));
            let waits = payment.reverses_for_grant(totals, amount_due);
            let event = |after: &Payment| {
                let waiting = after.waiting_refund(totals, amount_due)?;
                let is_last = waiting.next_attempt_at.is_none();
                let is_news = kind == OrderKind::Reversal && waits && (is_first || is_last);
                is_news.then(|| EventData::refund_waits(PaymentChanged::new(appointment, after), waiting))
            };
            put_payment(app, version, refused.with_refusal(kind, code, waits, app.now()), event).await
        }
        (Err(refusal @ AppError::Payments(PaymentsError::Gateway(GatewayError::NotNow { .. }))), _) => {
            put_payment(app, version, refused, |_| None).await?;
            Err(refusal)
        }
        (Err(failure @ AppError::Payments(PaymentsError::Gateway(GatewayError::Failed(_)))), _) => {
            let now = app.now();
            match payment.failing_since {
                None => {
                    put_payment(app, version, Payment { failing_since: Some(now), ..payment }, |_| None)
                        .await?;
                }
                Some(since) if now >= since.plus(VISIBLE_AFTER) => {
                    put_payment(app, version, refused, |_| None).await?;
                }
                Some(_) => {}
            }
            Err(failure)
        }
        (result, _) => result,
    }
}

/// Sends one order, with an idempotency key that follows from the payment and the number of earlier orders of its kind.
async fn execute(
    app: &App,
    gateway: &dyn Charges,
    appointment: &Appointment,
    payment: Payment,
    movements: &[Movement],
    order: Order,
) -> Result<(), AppError> {
    let ordinal = |kind| {
        let before = movements.iter().filter(|movement| movement.kind == kind).count();
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    };
    match order {
        Order::CompleteApproved => match (gateway.complete_approved(&payment).await, payment.action_deadline)
        {
            // A permanent refusal would be repeated, so the slot is freed for others.
            (Err(GatewayError::Refused { code, .. }), _)
                if matches!(appointment.status, Status::Pending { .. }) =>
            {
                tracing::warn!(appointment = %appointment.id, code, "the payment that the client approved was refused");
                release_declined(app, appointment, &payment).await?;
            }
            // The client can approve another payment until the deadline.
            (Err(GatewayError::Refused { code, .. }), Some(deadline)) => {
                tracing::warn!(appointment = %appointment.id, code, "the payment that the client approved again was refused");
                let version = payment.version;
                let declined = payment.declined_once_more(&app.settings.decline_limits);
                if declined.too_many_declines {
                    put_payment(app, version, declined, |_| None).await?;
                } else {
                    ask_client(app, gateway, appointment, Payment { version, ..declined }, deadline).await?;
                }
            }
            (Ok(Completion::Declined), _) => {
                count_declined(app, appointment.id).await?;
                tracing::warn!(appointment = %appointment.id, gateway = %payment.gateway, "{DECLINED}");
            }
            (Ok(Completion::Done), _) => {}
            (Err(failure), _) => return Err(failure.into()),
        },
        Order::CancelIntent => gateway.cancel(&payment).await?,
        Order::Capture(amount) => {
            gateway.capture(&payment, amount, amount.apply_rate(payment.fee_rate)).await?;
        }
        Order::AuthorizeSavedCard(amount) => {
            charge_saved_card(app, gateway, appointment, payment, amount, false).await?
        }
        Order::ChargeSavedCard(amount) => {
            charge_saved_card(app, gateway, appointment, payment, amount, true).await?
        }
        Order::RequestPayment { deadline } => {
            ask_client(app, gateway, appointment, payment, deadline).await?;
        }
        Order::Refund { amount, from_expert } => {
            let order = RefundOrder { amount, from_expert, ordinal: ordinal(MovementKind::Refund) };
            gateway.refund(&payment, order).await?;
        }
        Order::Reverse { amount, with_fee } => {
            gateway.reverse(&payment, amount, with_fee, ordinal(MovementKind::Reversal)).await?;
        }
        Order::TransferAgain(amount) => {
            gateway.transfer(&payment, amount, ordinal(MovementKind::Transfer)).await?;
        }
        Order::PayOut(share) => {
            gateway.pay_out(&payment, share, ordinal(MovementKind::Transfer)).await?;
            // If this write fails, the order is sent again, which the gateway accepts.
            if !gateway.capabilities().supports_transfers {
                let (version, released_at) = (payment.version, Some(app.now()));
                put_payment(app, version, Payment { released_at, ..payment }, |_| None).await?;
            }
        }
        Order::TakeBack(share) => {
            gateway.take_back(&payment, share, ordinal(MovementKind::Reversal)).await?;
        }
    }
    Ok(())
}

/// Counts an attempt to pay that was declined while the client can choose another means of payment. Nothing at the gateway shows it
/// later. The next step ends the payment after too many.
async fn count_declined(app: &App, id: AppointmentId) -> Result<(), AppError> {
    app.transact("count_declined", || async {
        let record = app.store.latest_appointment_record(id).await?;
        let Some(AppointmentRecord { appointment, payment: Some(payment), .. }) = record else {
            return Ok(Decision::Unchanged(()));
        };
        let mut transaction = Transaction::new();
        transaction.check_appointment(&appointment);
        declines::count(app, &mut transaction, &appointment, &payment, app.now()).await?;
        Ok(Decision::Commit(transaction, ()))
    })
    .await
}

/// Opens a new intent, with which the client can pay until a deadline. The first time, it also publishes
/// `payment.action_required`.
async fn ask_client(
    app: &App,
    gateway: &dyn Charges,
    appointment: &Appointment,
    payment: Payment,
    deadline: Timestamp,
) -> Result<(), AppError> {
    let version = payment.version;
    let is_first = payment.action_deadline.is_none();
    let event = |after: &Payment| {
        let changed = PaymentChanged::new(appointment, after);
        is_first.then(|| EventData::action_required(changed, deadline))
    };
    let requested = Payment {
        plan: Plan::Authorize,
        intent_number: payment.intent_number.saturating_add(1),
        references: References { intent: None, ..payment.references.clone() },
        ..payment.awaiting_client_until(deadline)
    };
    match gateway.open(&requested, &buyer(app, appointment)).await {
        Ok(Opened { references, .. }) => {
            put_payment(app, version, Payment { references, ..requested }, event).await
        }
        // The gateway may accept the payment later. The deadline is stored, so that the slot is not kept beyond it.
        Err(refused @ GatewayError::Refused { .. }) => {
            let refusals = payment.refusals.saturating_add(1);
            put_payment(app, version, Payment { refusals, ..payment.awaiting_client_until(deadline) }, event)
                .await?;
            Err(refused.into())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Authorizes or charges a saved card. If the gateway refuses permanently, the client of a confirmed appointment is asked to pay
/// again; for any other appointment, the amount remains unpaid.
async fn charge_saved_card(
    app: &App,
    gateway: &dyn Charges,
    appointment: &Appointment,
    payment: Payment,
    amount: Money,
    at_once: bool,
) -> Result<(), AppError> {
    let version = payment.version;
    let requested = Payment { intent_number: payment.intent_number.saturating_add(1), ..payment.clone() };
    match gateway.charge_saved_card(&requested, amount, at_once).await {
        // If this write fails, the next snapshot contains the intent.
        Ok(intent) => put_payment(app, version, payment.with_intent(intent), |_| None).await,
        Err(GatewayError::Refused { code, message }) if appointment.status == Status::Confirmed => {
            tracing::warn!(appointment = %appointment.id, code, message, "the saved card was refused; the client is asked to pay again");
            let deadline = payment.action_deadline.unwrap_or(action_deadline(appointment, app.now()));
            // The gateway repeats a refusal of the same key. If the client cannot be asked now, the card is tried again under a new one.
            let refusals = payment.refusals.saturating_add(1);
            let refused = Payment { refusals, ..payment };
            put_payment(app, version, refused.clone(), |_| None).await?;
            let stored = Payment { version: version + 1, ..refused };
            ask_client(app, gateway, appointment, stored, deadline).await
        }
        Err(GatewayError::Refused { code, message }) => {
            tracing::warn!(appointment = %appointment.id, code, message, "the saved card was refused; the amount remains unpaid");
            let unpaid = Payment { state: PaymentState::Unpaid, ..payment };
            let event =
                |after: &Payment| Some(EventData::unpaid(PaymentChanged::new(appointment, after), amount));
            put_payment(app, version, unpaid, event).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Writes a payment, and a job that publishes an event about the written payment, on condition that the stored version is
/// `version`. A version conflict is ignored: the job reads everything again.
async fn put_payment(
    app: &App,
    version: u64,
    payment: Payment,
    event: impl FnOnce(&Payment) -> Option<EventData>,
) -> Result<(), AppError> {
    let payment = Payment { version: version + 1, ..payment };
    let mut transaction = Transaction::new();
    transaction.put_payment(&payment)?;
    if let Some(event) = event(&payment) {
        app.record_event(&mut transaction, ActingAs::Platform, event, app.now())?;
    }
    app.try_commit(transaction).await.map(|_| ())
}
