//! What the gateway is asked for.

use domain::payments::ledger::{Movement, MovementKind};
use domain::payments::payment::{Order, Payment, PaymentState, Plan, References, action_deadline};
use domain::scheduling::appointment::{Appointment, Event, Status};
use domain::{Money, Timestamp};
use store::{Job, Transaction};

use super::holds::release_hold;
use super::process::buyer;
use crate::payments::error::PaymentsError;
use crate::payments::ports::{Opened, PaymentError, PaymentGateway, RefundOrder};
use crate::{App, AppError};

/// So long after a gateway failed a look shows whether it acted, in seconds.
const SHOWS_AFTER: i64 = 10 * 60;

/// Asks the gateway for one step. What it refuses for good is noted, so that a person decides. After a no the next try has
/// another key, because a gateway gives the same answer to the same key; after a fault too, once looking has shown for a while
/// that it did not act (<https://docs.stripe.com/api/idempotent_requests>: faults are kept with the key for a day).
pub(super) async fn order(
    app: &App,
    gateway: &dyn PaymentGateway,
    appointment: &Appointment,
    payment: Payment,
    movements: &[Movement],
    order: Order,
) -> Result<(), AppError> {
    let asked = ask(app, gateway, appointment, payment.clone(), movements, order).await;
    let version = payment.version;
    let mut refused = Payment { refusals: payment.refusals.saturating_add(1), ..payment.clone() };
    match (asked, order.refusable()) {
        (
            Err(AppError::Payments(PaymentsError::Gateway(PaymentError::Refused { code, message }))),
            Some((order, _)),
        ) => {
            tracing::error!(appointment = %appointment.id, ?order, code, message, "the gateway refuses an order for good");
            refused.refused.insert(order, code);
            put_payment(app, version, refused, None).await
        }
        (Err(no @ AppError::Payments(PaymentsError::Gateway(PaymentError::NotNow { .. }))), _) => {
            put_payment(app, version, refused, None).await?;
            Err(no)
        }
        (Err(fault @ AppError::Payments(PaymentsError::Gateway(PaymentError::Failed(_)))), _) => {
            let now = app.now();
            match payment.failing_since {
                None => {
                    put_payment(app, version, Payment { failing_since: Some(now), ..payment }, None).await?;
                }
                Some(since) if now >= since.plus(SHOWS_AFTER) => {
                    put_payment(app, version, Payment { failing_since: None, ..refused }, None).await?;
                }
                Some(_) => {}
            }
            Err(fault)
        }
        (asked, _) => asked,
    }
}

async fn ask(
    app: &App,
    gateway: &dyn PaymentGateway,
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
        Order::CollectApproved => match (gateway.collect_approved(&payment).await, payment.action_deadline) {
            // What is refused for good would be refused again: nobody else shall wait for it.
            (Err(PaymentError::Refused { code, .. }), _)
                if matches!(appointment.status, Status::Pending { .. }) =>
            {
                tracing::warn!(appointment = %appointment.id, code, "what the client agreed to cannot be taken");
                release_hold(app, appointment).await?;
            }
            // They can agree to something else until their deadline.
            (Err(PaymentError::Refused { code, .. }), Some(deadline)) => {
                tracing::warn!(appointment = %appointment.id, code, "what the client agreed to anew cannot be taken");
                ask_client(app, gateway, appointment, payment, deadline).await?;
            }
            (taken, _) => taken?,
        },
        Order::CancelIntent => gateway.cancel(&payment).await?,
        Order::Capture(amount) => {
            gateway.capture(&payment, amount, amount.share(payment.fee_rate)).await?;
        }
        Order::AuthoriseSavedCard(amount) => {
            use_saved_card(app, gateway, appointment, payment, amount, false).await?
        }
        Order::ChargeSavedCard(amount) => {
            use_saved_card(app, gateway, appointment, payment, amount, true).await?
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
    }
    Ok(())
}

/// Gives the client a new intent to pay with until a deadline.
async fn ask_client(
    app: &App,
    gateway: &dyn PaymentGateway,
    appointment: &Appointment,
    payment: Payment,
    deadline: Timestamp,
) -> Result<(), AppError> {
    let version = payment.version;
    let is_first = payment.action_deadline.is_none();
    let event = is_first.then_some(Event::PaymentActionRequired);
    let wanted = Payment {
        plan: Plan::Authorise,
        intents: payment.intents.saturating_add(1),
        references: References { intent: None, ..payment.references.clone() },
        ..payment.awaiting_client_until(deadline)
    };
    match gateway.open(&wanted, &buyer(app, appointment)).await {
        Ok(Opened { references, .. }) => {
            put_payment(app, version, Payment { references, ..wanted }, event).await
        }
        // It may come round by then; the slot is not held for it any longer.
        Err(refused @ PaymentError::Refused { .. }) => {
            let refusals = payment.refusals.saturating_add(1);
            put_payment(app, version, Payment { refusals, ..payment.awaiting_client_until(deadline) }, event)
                .await?;
            Err(refused.into())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Asks a saved card. When the gateway will not even do that, the client is asked to pay anew; of one who called off too late,
/// nothing can be had.
async fn use_saved_card(
    app: &App,
    gateway: &dyn PaymentGateway,
    appointment: &Appointment,
    payment: Payment,
    amount: Money,
    at_once: bool,
) -> Result<(), AppError> {
    let version = payment.version;
    let wanted = Payment { intents: payment.intents.saturating_add(1), ..payment.clone() };
    match gateway.use_saved_card(&wanted, amount, at_once).await {
        // Should this not be written, it is found by looking.
        Ok(intent) => put_payment(app, version, payment.with_intent(intent), None).await,
        Err(PaymentError::Refused { code, message }) if appointment.status == Status::Confirmed => {
            tracing::warn!(appointment = %appointment.id, code, message, "the saved card cannot be asked");
            let deadline = payment.action_deadline.unwrap_or(action_deadline(appointment, app.now()));
            ask_client(app, gateway, appointment, payment, deadline).await
        }
        Err(PaymentError::Refused { code, message }) => {
            tracing::warn!(appointment = %appointment.id, code, message, "what is owed cannot be collected");
            let unpaid = Payment { state: PaymentState::Unpaid, ..payment };
            put_payment(app, version, unpaid, Some(Event::PaymentUnpaid)).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Writes a payment over the version that was read.
async fn put_payment(
    app: &App,
    version: u64,
    payment: Payment,
    event: Option<Event>,
) -> Result<(), AppError> {
    let payment = Payment { version: version + 1, ..payment };
    let mut transaction = Transaction::new();
    transaction.put_payment(&payment)?;
    if let Some(event) = event {
        let job = Job::Announcement { appointment: payment.appointment, version: payment.version, event };
        app.enqueue(&mut transaction, job, app.now())?;
    }
    app.commit_step(transaction).await.map(|_| ())
}
