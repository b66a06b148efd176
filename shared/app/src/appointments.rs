//! What becomes of an appointment once it is booked.

use domain::appointment::{Appointment, ChangeRefusal, Event, Outcome, Party, Status};
use domain::day_ledger::{DayLedger, Request as HoldRequest};
use domain::payment::Payment;
use domain::text::LongText;
use domain::{AppointmentId, TimeSpan, Timestamp};
use store::table::Consistency;
use store::{AppointmentPage, Effect, Offer, Transaction, Whose};

use crate::booking::{announce, take_days};
use crate::people::Person;
use crate::slots::missing;
use crate::{App, AppError};

/// Most appointments of one page.
pub const LARGEST_PAGE: u16 = 100;

/// An appointment and its payment, for one of its two people.
///
/// # Errors
/// [`AppError::NotFound`] to everybody else.
pub async fn read(
    app: &App,
    person: &Person,
    id: AppointmentId,
) -> Result<(Appointment, Option<Payment>, Party), AppError> {
    let (appointment, payment) = tokio::join!(app.store.appointment(id), app.store.payment(id));
    let appointment = appointment?.ok_or(AppError::NotFound("appointment"))?;
    let party = person.party_of(&appointment)?;
    Ok((appointment, payment?, party))
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

/// Calls an appointment off. What was paid goes back. Doing so again changes nothing.
///
/// # Errors
/// [`AppError::Change`] when it is over or too late.
pub async fn cancel(
    app: &App,
    person: &Person,
    id: AppointmentId,
    reason: LongText,
) -> Result<Appointment, AppError> {
    let mut tries = app.tries();
    loop {
        let (appointment, party) = find(app, person, id).await?;
        if matches!(&appointment.status, Status::Cancelled { cancelled_by, .. } if *cancelled_by == party) {
            return Ok(appointment);
        }
        let now = app.now();
        let cancelled = appointment.cancelled(party, reason.clone(), now)?;
        let days = app.store.days(appointment.expert, appointment.occupied(), Consistency::Strong).await?;
        let mut transaction = Transaction::new();
        transaction.put_appointment(&cancelled)?;
        transaction.change_days(appointment.expert, &days.release(&appointment));
        if !appointment.price.is_zero() {
            app.owe(&mut transaction, Effect::Payment(id), now)?;
        }
        announce(app, &mut transaction, &cancelled, Event::Cancelled, now)?;
        match app.commit(transaction).await {
            Ok(()) => return Ok(cancelled),
            Err(failure) => tries.again(failure).await?,
        }
    }
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
        let (appointment, _) = find(app, person, id).await?;
        if appointment.start == start && appointment.status == Status::Confirmed {
            return Ok(appointment);
        }
        match try_reschedule(app, &appointment, start).await {
            Ok(moved) => return Ok(moved),
            Err(failure) => tries.again(failure).await?,
        }
    }
}

async fn try_reschedule(
    app: &App,
    appointment: &Appointment,
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
    appointment.check_reschedule(now)?;
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
    let moved = appointment.rescheduled(&held, now)?;
    let mut transaction = Transaction::new();
    transaction.put_appointment(&moved)?;
    announce(app, &mut transaction, &moved, Event::Rescheduled, now)?;
    take_days(app, &mut transaction, expert, &held.change, now).await?;
    app.commit(transaction).await?;
    Ok(moved)
}

/// The expert says how a session ended. Saying the same again changes nothing.
///
/// # Errors
/// [`AppError::Change`] when it has not begun or is over otherwise; [`AppError::Forbidden`] to its client.
pub async fn end(
    app: &App,
    person: &Person,
    id: AppointmentId,
    outcome: Outcome,
) -> Result<Appointment, AppError> {
    let mut tries = app.tries();
    loop {
        let (appointment, party) = find(app, person, id).await?;
        if party != Party::Expert {
            return Err(AppError::Forbidden("only the expert can say how a session ended"));
        }
        if appointment.status == outcome.status() {
            return Ok(appointment);
        }
        let now = app.now();
        let ended: Result<Appointment, ChangeRefusal> = appointment.ended(outcome, now);
        let ended = ended?;
        let mut transaction = Transaction::new();
        transaction.put_appointment(&ended)?;
        let event = match outcome {
            Outcome::Completed => Event::Completed,
            Outcome::NoShow => Event::NoShow,
        };
        announce(app, &mut transaction, &ended, event, now)?;
        match app.commit(transaction).await {
            Ok(()) => return Ok(ended),
            Err(failure) => tries.again(failure).await?,
        }
    }
}
