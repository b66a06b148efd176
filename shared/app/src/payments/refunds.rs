//! Voluntary refunds by the expert, independent of the cancellation policy.

use domain::experts::members::Right;
use domain::payments::ledger::{MovementKind, Totals};
use domain::payments::payment::{FinalCharge, Payment, PaymentState};
use domain::scheduling::appointment::Appointment;
use domain::scheduling::history::{Change, HistoryEntry};
use domain::scheduling::party::Party;
use domain::{AppointmentId, Money, Timestamp};
use store::{RowVersion, Transaction};

use crate::idempotency::{Creation, IdempotentRequest, RequestStatus};
use crate::identity::signed_in::Scope;
use crate::identity::{Actor, require_right_of};
use crate::payments::error::{PaymentsError, check_known};
use crate::payments::{final_charge, refund_costs};
use crate::{App, AppError, Decision};

/// The maximum number of refunds of a payment that the expert grants, also of those that wait for the expert's share; not of those
/// that are due, and the rest can be refunded as one more. Each costs requests to the gateway and has a document.
pub const MAX_REFUNDS: usize = 50;

/// A refund that was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refund {
    /// The appointment whose payment is refunded.
    pub appointment_id: AppointmentId,
    /// The amount of this refund.
    pub amount: Money,
    /// What happens with the amount.
    pub state: RefundState,
    /// What the client pays in the end, after this refund and all earlier ones.
    pub final_charge: Money,
    /// When the refund was requested.
    pub requested_at: Timestamp,
}

/// What happens with the amount of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    /// The client has paid, and the gateway is asked to refund the amount.
    Pending,
    /// The client has not been charged yet, and will be charged less.
    ChargeReduced,
}

/// Reduces the final charge of an appointment by an amount. The payment job then refunds the amount, or captures less. What was paid out
/// to the expert is taken back first.
///
/// # Errors
/// - [`AppError::NotFound`] if the appointment does not exist or does not concern the person
/// - [`AppError::Forbidden`] if the person is its client, an administrator, or a member of its expert without the right to refund
/// - [`AppError::KeyReused`], [`AppError::StillRunning`]: see [`IdempotentRequest`]
/// - [`AppError::Invalid`] if the amount is zero, has another currency, or cannot be charged in full steps
/// - [`AppError::NewerRelease`] if the state of the payment is unknown
/// - [`PaymentsError::State`] if nothing is paid, a dispute is open, the amount exceeds what the client pays, the payment has
///   [`MAX_REFUNDS`] refunds, an administrator has settled it with the expert, or the expert was paid and their account cannot return
///   the share
pub async fn refund(
    app: &App,
    actor: &Actor,
    request: &IdempotentRequest,
    id: AppointmentId,
    amount: Money,
) -> Result<Creation<Refund>, AppError> {
    app.transact("refund_appointment", || attempt_refund(app, actor, request, id, amount)).await
}

async fn attempt_refund(
    app: &App,
    actor: &Actor,
    request: &IdempotentRequest,
    id: AppointmentId,
    amount: Money,
) -> Result<Decision<Creation<Refund>>, AppError> {
    let now = app.now();
    let person = actor.require_person(Scope::Write)?;
    let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
    match acting.party() {
        Party::Expert => {}
        Party::Client => return Err(AppError::Forbidden("only the expert can refund a payment")),
        // What an administrator decides has no effect before both sides were notified.
        Party::Platform => {
            return Err(AppError::Forbidden(
                "only the expert can refund a payment; cancel the appointment before its end, or report a session that took place as completed with a smaller charge",
            ));
        }
    }
    require_right_of(acting, Right::Money)?;
    let totals = Totals::of(&record.movements);
    let state = if totals.captured > 0 { RefundState::Pending } else { RefundState::ChargeReduced };
    let expired = match request.status(app, person, now).await? {
        RequestStatus::Completed(response) => return Ok(Decision::Unchanged(Creation::Replayed(response))),
        RequestStatus::Interrupted(idempotency) => {
            // The first attempt has stored the final charge and stopped before it responded.
            let payment = record.payment.ok_or_else(AppError::version_conflict)?;
            let final_charge = payment.amount_due(&record.appointment.status);
            let refund = Refund { appointment_id: id, amount, state, final_charge, requested_at: now };
            return Ok(Decision::Unchanged(Creation::Created(refund, idempotency)));
        }
        RequestStatus::New(expired) => expired,
    };
    let refuse = |text: String| Err(PaymentsError::State(text).into());
    let Some(payment) = record.payment else {
        return refuse("the session has no price, so there is nothing to refund".to_owned());
    };
    check_known(&payment)?;
    if amount.currency() != payment.amount.currency() || amount.is_zero() {
        let must = format!(
            "must be above zero and in {}, the currency of the payment",
            payment.amount.currency().code()
        );
        return Err(AppError::invalid("/amount", must));
    }
    check_charge_increment("/amount", amount)?;
    if payment.resolved_with_expert {
        return refuse(
            "an administrator has settled this payment with the expert, so the gateway cannot take your share back".to_owned(),
        );
    }
    if totals.expert_balance() > 0 {
        check_share_can_return(app, &record.appointment, &payment).await?;
    }
    // If the dispute is won, the disputed amount comes back and would be refunded as well, although nobody has decided that.
    if payment.open_dispute {
        return refuse("a dispute is open; refund after the client's bank has decided it".to_owned());
    }
    let secured = matches!(
        payment.state,
        PaymentState::Paid { .. }
            | PaymentState::PartiallyRefunded { .. }
            | PaymentState::RefundFailed
            | PaymentState::Disputed
            | PaymentState::Authorized { .. }
            | PaymentState::CardSaved
    );
    if !secured {
        return refuse("nothing is paid that can be refunded now".to_owned());
    }
    let refundable = payment.refundable(totals, &record.appointment.status);
    if amount.amount() > refundable.amount() {
        return refuse(format!("the client pays {refundable}, so {amount} cannot be refunded"));
    }
    // The last part of all can always be refunded.
    let made = record.movements.iter().filter(|one| one.kind == MovementKind::Refund).count();
    let refunds = made.max(payment.granted_refunds.into());
    if refunds >= MAX_REFUNDS && amount.amount() < refundable.amount() {
        return refuse(format!(
            "a payment can be refunded in at most {MAX_REFUNDS} parts; refund the rest of it, which is {refundable}"
        ));
    }
    let final_charge = payment.charge_after_refund(refundable, amount);
    let (appointment, movements) = (&record.appointment, &record.movements);
    let costs =
        refund_costs::of_expert(app, appointment, Some(&payment), movements, final_charge, now).await?;
    // Before the capture, nothing was paid to the expert, so there is no share to wait for.
    let decided = match state {
        RefundState::Pending => FinalCharge::Granted(final_charge),
        RefundState::ChargeReduced => FinalCharge::entitled(final_charge),
    };
    let idempotency = request.record(person, id, now);
    let mut transaction = Transaction::new();
    transaction.check_appointment(appointment);
    let payment = final_charge::put_payment(app, &mut transaction, appointment, &payment, decided, now)?;
    costs.put(&mut transaction)?;
    let entry = HistoryEntry::new(now, acting, Change::RefundGranted { amount });
    let version = RowVersion::Payment(payment.version);
    transaction.put_history(id, record.appointment.version, version, &entry)?;
    transaction.put_idempotency_record(&idempotency, expired.as_ref())?;
    let refund = Refund { appointment_id: id, amount, state, final_charge, requested_at: now };
    Ok(Decision::Commit(transaction, Creation::Created(refund, idempotency)))
}

/// Checks that the expert's account can return the share that was paid out to it, as far as the platform knows. Whether its balance
/// covers the share only shows when it is taken back. A gateway that cannot reach it refunds from the account itself.
///
/// # Errors
/// [`PaymentsError::State`] if the account is disabled, or another one has replaced it.
async fn check_share_can_return(
    app: &App,
    appointment: &Appointment,
    payment: &Payment,
) -> Result<(), AppError> {
    let account = app.store.payment_account(appointment.expert, payment.gateway).await?;
    if account.is_some_and(|account| account.account == payment.destination && account.charges_enabled) {
        return Ok(());
    }
    let gateway = payment.gateway;
    Err(PaymentsError::State(format!(
        "your share was paid to an account at {gateway} that cannot return it now; complete the account at {gateway}, or ask an \
         administrator to settle the refund with you"
    ))
    .into())
}

/// Checks that an amount is a multiple of the smallest step that gateways can charge in its currency.
///
/// # Errors
/// [`AppError::Invalid`] for the value at `pointer`.
pub(crate) fn check_charge_increment(pointer: &str, amount: Money) -> Result<(), AppError> {
    let step = amount.currency().charge_step();
    if amount.amount().is_multiple_of(step) {
        return Ok(());
    }
    let must = format!("must be a multiple of {step} in the smallest unit of {}", amount.currency().code());
    Err(AppError::invalid(pointer, must))
}
