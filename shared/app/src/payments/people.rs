//! What people ask of a payment: how to pay, to give something back, how to go on.

use domain::appointment::{Event, Party, Status};
use domain::ledger::{Entry, Movement, MovementKind, Totals};
use domain::payment::{Concern, Order, Payment, PaymentState};
use domain::{AppointmentId, Money};
use store::{AppointmentRecord, ConcernPage, Effect, Transaction};

use super::look;
use crate::appointments::read;
use crate::idempotency::{Created, Known, Request};
use crate::people::{Person, administrator};
use crate::ports::PayWith;
use crate::{App, AppError};

/// How the client of an appointment pays, as the gateway says now.
///
/// # Errors
/// [`AppError::NotFound`] when there is nothing to pay or somebody else asks.
pub async fn way_to_pay(
    app: &App,
    person: &Person,
    id: AppointmentId,
) -> Result<(AppointmentRecord, PayWith), AppError> {
    let (record, party) = read(app, person, id).await?;
    let payment = record.payment.as_ref().ok_or(AppError::NotFound("payment; there is nothing to pay"))?;
    let pay_with = match (party, &record.appointment.status) {
        (Party::Client, Status::Pending { .. } | Status::Confirmed) => look(app, payment).await?.pay_with,
        // Who is asked to pay anew can do so until the deadline, whatever became of the session.
        (Party::Client, _) if payment.action_deadline.is_some_and(|deadline| app.now() < deadline) => {
            look(app, payment).await?.pay_with
        }
        _ => PayWith::Nothing,
    };
    Ok((record, pay_with))
}

/// Gives an amount back of what the client pays, as the expert or an administrator pleases, whatever the policy says.
///
/// # Errors
/// [`AppError::Forbidden`] to its client, [`AppError::PaymentState`] when there is not so much left to give back.
pub async fn refund(
    app: &App,
    person: &Person,
    request: &Request,
    id: AppointmentId,
    amount: Money,
) -> Result<Created<AppointmentRecord>, AppError> {
    let mut tries = app.tries();
    loop {
        match try_refund(app, person, request, id, amount).await {
            Ok(created) => return Ok(created),
            Err(failure) => tries.again(failure).await?,
        }
    }
}

async fn try_refund(
    app: &App,
    person: &Person,
    request: &Request,
    id: AppointmentId,
    amount: Money,
) -> Result<Created<AppointmentRecord>, AppError> {
    let now = app.now();
    let record = app.store.appointment_record(id).await?.ok_or(AppError::NotFound("appointment"))?;
    if person.party_of(&record.appointment)? == Party::Client {
        return Err(AppError::Forbidden("only the expert can give money back"));
    }
    let over = match request.known(app, now).await? {
        Known::Answered(answer) => return Ok(Created::Before(answer)),
        Known::Begun(seen) => return Ok(Created::Now(record, seen)),
        Known::New(over) => over,
    };
    let refuse = |text: String| Err(AppError::PaymentState(text));
    let Some(payment) = record.payment else {
        return refuse("there was nothing to pay, so there is nothing to give back".to_owned());
    };
    if amount.currency() != payment.amount.currency() || amount.is_zero() {
        let must = format!(
            "must be above zero and in {}, the currency of the payment",
            payment.amount.currency().code()
        );
        return Err(AppError::Invalid { field: "amount".to_owned(), must });
    }
    check_step("amount", amount)?;
    // What the bank holds may come back, and then it would go to the client without anybody having decided that.
    if payment.open_dispute {
        return refuse(
            "the client's bank has yet to decide a dispute; give a part back after that".to_owned(),
        );
    }
    let totals = Totals::of(&record.movements);
    let target = payment.target(&record.appointment.status);
    // What went back by another way is not there to be given back again.
    let target = match totals.captured {
        0 => target,
        _ => target.with_amount(totals.held().min(target.amount())).unwrap_or(target),
    };
    let secured = matches!(
        payment.state,
        PaymentState::Paid { .. }
            | PaymentState::PartlyRefunded { .. }
            | PaymentState::RefundFailed
            | PaymentState::Disputed
            | PaymentState::Authorised { .. }
            | PaymentState::CardSaved
    );
    if !secured {
        return refuse("nothing is paid that could be given back now".to_owned());
    }
    if amount.amount() > target.amount() {
        return refuse(format!("the client pays {target}, so {amount} cannot be given back"));
    }
    let kept = target.less(amount);
    let step = u64::from(!domain::planted("refunds_keep_the_version"));
    let payment = Payment { version: payment.version + step, kept: Some(kept), ..payment };
    let seen = request.starting(id, now);
    let mut transaction = Transaction::new();
    transaction.put_payment(&payment)?;
    transaction.put_seen(&seen, over.as_ref())?;
    app.owe(&mut transaction, Effect::Payment(id), now)?;
    app.commit(transaction).await?;
    Ok(Created::Now(AppointmentRecord { payment: Some(payment), ..record }, seen))
}

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

/// What no gateway can move is refused before anybody waits for it.
pub(crate) fn check_step(field: &str, amount: Money) -> Result<(), AppError> {
    let step = amount.currency().charge_step();
    if amount.amount().is_multiple_of(step) {
        return Ok(());
    }
    let must = format!("must be a multiple of {step} in the smallest unit of {}", amount.currency().code());
    Err(AppError::Invalid { field: field.to_owned(), must })
}
