//! What becomes of an appointment once it is booked.

use domain::appointment::{Appointment, Event, Outcome, Party, Status};
use domain::day_ledger::{DayLedger, Request as HoldRequest};
use domain::ledger::{Entry, Movement, MovementKind, Totals};
use domain::payment::{Payment, PaymentState};
use domain::policy::{Quote, no_show};
use domain::text::LongText;
use domain::{AppointmentId, Money, TimeSpan, Timestamp};
use store::table::Consistency;
use store::{AppointmentPage, AppointmentRecord, Effect, Offer, Transaction, Whose};

use crate::booking::{announce, take_days};
use crate::idempotency::{Created, Known, Request};
use crate::payments::look;
use crate::people::{Person, Role};
use crate::ports::PayWith;
use crate::slots::missing;
use crate::{App, AppError};

/// Most appointments of one page.
pub const LARGEST_PAGE: u16 = 100;

/// An appointment with its payment and what moved, for one of its two people.
///
/// # Errors
/// [`AppError::NotFound`] to everybody else.
pub async fn read(
    app: &App,
    person: &Person,
    id: AppointmentId,
) -> Result<(AppointmentRecord, Party), AppError> {
    let record = app.store.appointment_record(id).await?.ok_or(AppError::NotFound("appointment"))?;
    let party = person.party_of(&record.appointment)?;
    Ok((record, party))
}

/// A person's appointments of one side, by time.
///
/// # Errors
/// When they cannot be read.
pub async fn list(
    app: &App,
    whose: Whose,
    starts: TimeSpan,
    after: Option<&str>,
    limit: u16,
) -> Result<AppointmentPage, AppError> {
    Ok(app.store.appointments(whose, starts, after, limit.clamp(1, LARGEST_PAGE)).await?)
}

async fn find(app: &App, person: &Person, id: AppointmentId) -> Result<(Appointment, Party), AppError> {
    let appointment = app.store.appointment(id).await?.ok_or(AppError::NotFound("appointment"))?;
    let party = person.party_of(&appointment)?;
    Ok((appointment, party))
}

/// What calling an appointment off gives back now, for the person who asks.
///
/// # Errors
/// [`AppError::Change`] when it cannot be called off.
pub async fn quote(app: &App, person: &Person, id: AppointmentId) -> Result<Quote, AppError> {
    let (appointment, party) = find(app, person, id).await?;
    let now = app.now();
    appointment.cancelled(party, LongText::default(), now)?;
    let payment = app.store.payment(id).await?;
    Ok(appointment.cancellation_quote(party, now).after(payment.and_then(|payment| payment.kept)))
}

/// Calls an appointment off; the policy of its session type says what goes back. Doing so again changes nothing.
///
/// `expected` is the refund that the person saw; when it is another by now, nothing changes.
///
/// # Errors
/// [`AppError::Change`] when it is over or too late, [`AppError::QuoteChanged`].
pub async fn cancel(
    app: &App,
    person: &Person,
    id: AppointmentId,
    reason: LongText,
    expected: Option<Money>,
) -> Result<Appointment, AppError> {
    let mut tries = app.tries();
    loop {
        let (appointment, party) = find(app, person, id).await?;
        if matches!(&appointment.status, Status::Cancelled { cancelled_by, .. } if *cancelled_by == party) {
            return Ok(appointment);
        }
        let now = app.now();
        let cancelled = appointment.cancelled(party, reason.clone(), now)?;
        let payment = app.store.payment(id).await?;
        let decided = payment.as_ref().and_then(|payment| payment.kept);
        let quote = appointment.cancellation_quote(party, now).after(decided);
        if let Some(expected) = expected.filter(|expected| *expected != quote.refund) {
            return Err(AppError::QuoteChanged { refund: quote.refund, expected });
        }
        let days = app.store.days(appointment.expert, appointment.occupied(), Consistency::Strong).await?;
        let mut transaction = Transaction::new();
        transaction.put_appointment(&cancelled)?;
        transaction.change_days(appointment.expert, &days.release(&appointment));
        keep(app, &mut transaction, payment, quote.kept, now)?;
        announce(app, &mut transaction, &cancelled, Event::Cancelled, now)?;
        match app.commit(transaction).await {
            Ok(()) => return Ok(cancelled),
            Err(failure) => tries.again(failure).await?,
        }
    }
}

/// Decides what the client pays in the end, at most what was decided before, and owes that it comes so.
fn keep(
    app: &App,
    transaction: &mut Transaction,
    payment: Option<Payment>,
    kept: Money,
    now: Timestamp,
) -> Result<(), AppError> {
    let Some(payment) = payment else { return Ok(()) };
    let before = payment.kept.unwrap_or(payment.amount);
    let kept = if kept.amount() < before.amount() { kept } else { before };
    let payment = Payment { version: payment.version + 1, kept: Some(kept), ..payment };
    transaction.put_payment(&payment)?;
    app.owe(transaction, Effect::Payment(payment.appointment), now)
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
    if !person.has(Role::Admin) && person.party_of(&record.appointment)? != Party::Expert {
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
    let payment = Payment { version: payment.version + 1, kept: Some(kept), ..payment };
    let seen = request.starting(id, now);
    let mut transaction = Transaction::new();
    transaction.put_payment(&payment)?;
    transaction.put_seen(&seen, over.as_ref())?;
    app.owe(&mut transaction, Effect::Payment(id), now)?;
    app.commit(transaction).await?;
    Ok(Created::Now(AppointmentRecord { payment: Some(payment), ..record }, seen))
}

/// What no gateway can move is refused before anybody waits for it.
fn check_step(field: &str, amount: Money) -> Result<(), AppError> {
    let step = amount.currency().charge_step();
    if amount.amount().is_multiple_of(step) {
        return Ok(());
    }
    let must = format!("must be a multiple of {step} in the smallest unit of {}", amount.currency().code());
    Err(AppError::Invalid { field: field.to_owned(), must })
}

/// What a person decides about a refund that the client's bank did not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedRefund {
    /// Try once more.
    TryAgain,
    /// It was settled outside the gateway.
    SettledByHand,
}

/// An administrator settles a refund that failed.
///
/// # Errors
/// [`AppError::Forbidden`] to all others, [`AppError::PaymentState`] when none has failed.
pub async fn settle_failed_refund(
    app: &App,
    person: &Person,
    id: AppointmentId,
    decision: FailedRefund,
) -> Result<AppointmentRecord, AppError> {
    if !person.has(Role::Admin) {
        return Err(AppError::Forbidden("only an administrator can settle a failed refund"));
    }
    let mut tries = app.tries();
    loop {
        let record = app.store.appointment_record(id).await?.ok_or(AppError::NotFound("appointment"))?;
        let now = app.now();
        let totals = Totals::of(&record.movements);
        let Some(payment) = &record.payment else {
            return Err(AppError::PaymentState("there was nothing to pay".to_owned()));
        };
        let owed = totals.held().saturating_sub(payment.target(&record.appointment.status).amount());
        let stuck = totals.failed_refunds >= payment.refund_tries || totals.disputed > 0;
        if !stuck || payment.open_dispute || owed == 0 {
            return Err(AppError::PaymentState("no refund of it waits for a person".to_owned()));
        }
        let mut payment = Payment { version: payment.version + 1, ..payment.clone() };
        let mut transaction = Transaction::new();
        match decision {
            FailedRefund::TryAgain => payment.refund_tries = totals.failed_refunds.saturating_add(1),
            FailedRefund::SettledByHand => {
                // What is to go back after this is tried by the gateway again.
                payment.refund_tries = totals.failed_refunds.saturating_add(1);
                payment.entries += 1;
                let amount = payment.amount.with_amount(owed).unwrap_or(payment.amount);
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

/// Moves an appointment to another slot of the same session type. Moving it to where it is changes nothing.
///
/// # Errors
/// [`AppError::Slot`] says why the other slot cannot be had; then the appointment stays where it is.
pub async fn reschedule(
    app: &App,
    person: &Person,
    id: AppointmentId,
    start: Timestamp,
) -> Result<Appointment, AppError> {
    let mut tries = app.tries();
    loop {
        let (appointment, party) = find(app, person, id).await?;
        if appointment.start == start && appointment.status == Status::Confirmed {
            return Ok(appointment);
        }
        match try_reschedule(app, &appointment, party, start).await {
            Ok(moved) => return Ok(moved),
            Err(failure) => tries.again(failure).await?,
        }
    }
}

async fn try_reschedule(
    app: &App,
    appointment: &Appointment,
    party: Party,
    start: Timestamp,
) -> Result<Appointment, AppError> {
    let Appointment { expert, session_type, .. } = *appointment;
    let Some(Offer { rules, session_type: mut kind }) =
        app.store.offer(expert, session_type, Consistency::Strong).await?
    else {
        return Err(missing(app, expert, session_type).await);
    };
    // What was booked keeps its length and stays possible after the expert withdrew the type.
    kind.status = domain::session_type::SessionTypeStatus::Active;
    kind.terms.length_minutes = u16::try_from(appointment.session().seconds() / 60).unwrap_or(u16::MAX);
    if !appointment.group {
        kind.terms.capacity = 1;
    } else if kind.terms.capacity == 1 {
        kind.terms.capacity = appointment.seats.max(2);
    }
    let now = app.now();
    appointment.check_reschedule(party, now)?;
    let current = kind.terms.price.times(appointment.seats).unwrap_or(appointment.price);
    let price = appointment.price_when_moved(current)?;
    let wanted = HoldRequest {
        appointment: appointment.id,
        session_type: &kind,
        start,
        seats: appointment.seats,
        hold_expires_at: None,
    };
    let needed = DayLedger::needed(&rules.rules, &kind, start);
    let (old_days, new_days) = tokio::join!(
        app.store.days(expert, appointment.occupied(), Consistency::Strong),
        app.store.days(expert, needed, Consistency::Strong),
    );
    let held = old_days?.joined(new_days?).move_hold(&rules.rules, appointment, &wanted, now)?;
    let moved = appointment.rescheduled(party, &held, price, now)?;
    let mut transaction = Transaction::new();
    transaction.put_appointment(&moved)?;
    // When the money is taken or set aside hangs on when the session is.
    keep(app, &mut transaction, app.store.payment(moved.id).await?, price, now)?;
    announce(app, &mut transaction, &moved, Event::Rescheduled, now)?;
    take_days(app, &mut transaction, expert, &held.change, now).await?;
    app.commit(transaction).await?;
    Ok(moved)
}

/// One of the two says how a session ended. Saying the same again changes nothing.
///
/// `charge` is what the expert takes for it, when that is less than the price.
///
/// # Errors
/// [`AppError::Change`] when it has not begun or is over otherwise; [`AppError::Forbidden`] to a client who says more than that the
/// expert did not come; [`AppError::Invalid`] when more is to be taken than was agreed.
pub async fn end(
    app: &App,
    person: &Person,
    id: AppointmentId,
    outcome: Outcome,
    charge: Option<Money>,
) -> Result<Appointment, AppError> {
    let mut tries = app.tries();
    loop {
        let (appointment, party) = find(app, person, id).await?;
        let theirs = match (party, outcome) {
            (Party::Client, Outcome::NoShow { missed_by }) => missed_by == Party::Expert,
            (Party::Client, Outcome::Completed) => false,
            _ => true,
        };
        if !theirs {
            return Err(AppError::Forbidden("only the expert can say how a session ended"));
        }
        let now = app.now();
        let price = appointment.price;
        if let Some(charge) =
            charge.filter(|charge| charge.currency() != price.currency() || charge.amount() > price.amount())
        {
            let must = format!("must be at most {price}, the price that was agreed, got {charge}");
            return Err(AppError::Invalid { field: "charge".to_owned(), must });
        }
        if let Some(charge) = charge {
            check_step("charge", charge)?;
        }
        let payment = app.store.payment(id).await?;
        if appointment.status == outcome.status() {
            let target = payment.map(|payment| payment.target(&appointment.status));
            if charge.is_some_and(|charge| target.is_some_and(|target| target != charge)) {
                return Err(AppError::PaymentState(
                    "it was completed before, at another charge; give a part back as a refund instead"
                        .to_owned(),
                ));
            }
            return Ok(appointment);
        }
        let ended: Appointment = appointment.ended(outcome, party, now)?;
        let kept = match outcome {
            Outcome::Completed => charge.unwrap_or(price),
            Outcome::NoShow { missed_by } => no_show(&appointment.cancellation, price, missed_by).kept,
        };
        let mut transaction = Transaction::new();
        transaction.put_appointment(&ended)?;
        keep(app, &mut transaction, payment, kept, now)?;
        announce(app, &mut transaction, &ended, outcome.event(), now)?;
        match app.commit(transaction).await {
            Ok(()) => return Ok(ended),
            Err(failure) => tries.again(failure).await?,
        }
    }
}
