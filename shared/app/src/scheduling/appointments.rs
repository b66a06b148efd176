//! What becomes of an appointment once it is booked.

use domain::kernel::text::LongText;
use domain::payments::ledger::Totals;
use domain::payments::payment::{Escalation, Payment};
use domain::scheduling::appointment::{Appointment, Event, NoShowReport, Outcome, Status};
use domain::scheduling::cancellation::{Quote, no_show};
use domain::scheduling::occupancy::{Occupancy, Request as HoldRequest};
use domain::scheduling::party::Party;
use domain::{AppointmentId, Money, TimeSpan, Timestamp};
use store::table::Consistency;
use store::{AppointmentPage, AppointmentRecord, AppointmentsOf, Job, Offer, Transaction};

use crate::identity::people::Person;
use crate::payments::error::PaymentsError;
use crate::payments::refunds::check_step;
use crate::scheduling::booking::put_occupancy;
use crate::scheduling::error::SchedulingError;
use crate::scheduling::slots::missing;
use crate::{App, AppError, Attempt};

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
    whose: AppointmentsOf,
    starts: TimeSpan,
    after: Option<&str>,
    limit: u16,
) -> Result<AppointmentPage, AppError> {
    Ok(app.store.appointments(whose, starts, after, limit.clamp(1, LARGEST_PAGE)).await?)
}

/// What calling an appointment off gives back now, for the person who asks.
///
/// # Errors
/// [`SchedulingError::Change`] when it cannot be called off.
pub async fn quote(app: &App, person: &Person, id: AppointmentId) -> Result<Quote, AppError> {
    let (record, party) = read(app, person, id).await?;
    let now = app.now();
    record.appointment.cancelled(party, LongText::default(), now)?;
    Ok(quote_of(&record, party, now))
}

/// What calling off gives back of what the client has paid by now.
fn quote_of(record: &AppointmentRecord, party: Party, now: Timestamp) -> Quote {
    let final_charge = record.payment.as_ref().and_then(|payment| payment.final_charge);
    let quote = record.appointment.cancellation_quote(party, now).after(final_charge);
    match Totals::of(&record.movements) {
        Totals { captured: 0, .. } => quote,
        totals => quote.limited_to_held(totals.held()),
    }
}

/// Calls an appointment off; the policy of its session type says what goes back. Doing so again changes nothing.
///
/// `expected` is the refund that the person saw; when it is another by now, nothing changes.
///
/// # Errors
/// [`SchedulingError::Change`] when it is over or too late, [`SchedulingError::QuoteChanged`].
pub async fn cancel(
    app: &App,
    person: &Person,
    id: AppointmentId,
    reason: LongText,
    expected: Option<Money>,
) -> Result<(AppointmentRecord, Party), AppError> {
    app.transact("cancel_appointment", || async {
        let (record, party) = read(app, person, id).await?;
        let appointment = &record.appointment;
        if matches!(&appointment.status, Status::Cancelled { cancelled_by, .. } if *cancelled_by == party) {
            let final_charge = record.payment.as_ref().map(|payment| payment.target(&appointment.status));
            let refund =
                final_charge.map_or(appointment.price, |final_charge| appointment.price.less(final_charge));
            // Another request of theirs was faster, and gave back less than they saw before this one.
            return match expected.filter(|expected| expected.amount() > refund.amount()) {
                Some(expected) => Err(SchedulingError::QuoteChanged { refund, expected }.into()),
                None => Ok(Attempt::Unchanged((record, party))),
            };
        }
        let now = app.now();
        let cancelled = appointment.cancelled(party, reason.clone(), now)?;
        let quote = quote_of(&record, party, now);
        if let Some(expected) = expected.filter(|expected| *expected != quote.refund) {
            return Err(SchedulingError::QuoteChanged { refund: quote.refund, expected }.into());
        }
        let days =
            app.store.occupancy(appointment.expert, appointment.occupied(), Consistency::Strong).await?;
        let mut transaction = Transaction::new();
        transaction.put_appointment(&cancelled)?;
        transaction.put_occupancy(appointment.expert, &days.release(appointment));
        let payment =
            decide_final_charge(app, &mut transaction, &cancelled, record.payment, quote.final_charge, now)?;
        app.announce(&mut transaction, &cancelled, Event::Cancelled, now)?;
        let record = AppointmentRecord { appointment: cancelled, payment, ..record };
        Ok(Attempt::Commit(transaction, (record, party)))
    })
    .await
}

/// Decides what the client pays in the end, at most what was decided before, and enqueues the job that brings it about. Returns the
/// payment as it is then.
fn decide_final_charge(
    app: &App,
    transaction: &mut Transaction,
    appointment: &Appointment,
    payment: Option<Payment>,
    final_charge: Money,
    now: Timestamp,
) -> Result<Option<Payment>, AppError> {
    let payment = payment.map(|payment| {
        let before = payment.final_charge.unwrap_or(payment.amount);
        let final_charge = if final_charge.amount() < before.amount() { final_charge } else { before };
        let decided = !matches!(appointment.no_show_report, Some(NoShowReport::Disputed));
        Payment {
            version: payment.version + 1,
            final_charge: Some(final_charge),
            // Nobody shall have a session without having paid, wherever it was moved to.
            action_deadline: payment.action_deadline.map(|deadline| deadline.min(appointment.start.max(now))),
            escalation: payment
                .escalation
                .filter(|escalation| !(decided && *escalation == Escalation::NoShowDisputed)),
            ..payment
        }
    });
    if let Some(payment) = &payment {
        transaction.put_payment(payment)?;
    }
    app.enqueue(transaction, Job::Payment(appointment.id), now)?;
    Ok(payment)
}

/// Moves an appointment to another slot of the same session type. Moving it to where it is changes nothing.
///
/// # Errors
/// [`SchedulingError::Slot`] says why the other slot cannot be had; then the appointment stays where it is.
pub async fn reschedule(
    app: &App,
    person: &Person,
    id: AppointmentId,
    start: Timestamp,
) -> Result<(AppointmentRecord, Party), AppError> {
    app.transact("reschedule_appointment", || async {
        let (record, party) = read(app, person, id).await?;
        if record.appointment.start == start && record.appointment.status == Status::Confirmed {
            return Ok(Attempt::Unchanged((record, party)));
        }
        let version = record.appointment.version;
        match attempt_reschedule(app, record, party, start).await {
            // Two requests of the same person at once: this one may have read a part of what the other wrote.
            Err(AppError::Scheduling(SchedulingError::Slot(_)))
                if app.store.appointment(id).await?.is_none_or(|current| current.version != version) =>
            {
                Err(AppError::version_conflict())
            }
            attempt => attempt,
        }
    })
    .await
}

async fn attempt_reschedule(
    app: &App,
    record: AppointmentRecord,
    party: Party,
    start: Timestamp,
) -> Result<Attempt<(AppointmentRecord, Party)>, AppError> {
    let appointment = &record.appointment;
    let Appointment { expert, session_type, .. } = *appointment;
    let Some(Offer { rules, session_type: mut kind }) =
        app.store.offer(expert, session_type, Consistency::Strong).await?
    else {
        return Err(missing(app, expert, session_type).await);
    };
    // What was booked keeps its length and stays possible after the expert withdrew the type.
    kind.status = domain::experts::session_type::SessionTypeStatus::Active;
    kind.terms.length_minutes = u16::try_from(appointment.session().seconds() / 60).unwrap_or(u16::MAX);
    // One session stays one, and seats stay seats, as many as they were. Others join by what is offered then.
    kind.terms.capacity = match appointment.group {
        false => 1,
        true => kind.terms.capacity.max(appointment.seats).max(2),
    };
    let now = app.now();
    appointment.check_reschedule(party, now)?;
    let current = kind.terms.price.times(appointment.seats).unwrap_or(appointment.price);
    let price = appointment.price_after_reschedule(current)?;
    let wanted = HoldRequest {
        appointment: appointment.id,
        session_type: &kind,
        start,
        seats: appointment.seats,
        hold_expires_at: None,
    };
    let needed = Occupancy::needed(&rules.rules, &kind, start);
    let (old_days, new_days) = tokio::join!(
        app.store.occupancy(expert, appointment.occupied(), Consistency::Strong),
        app.store.occupancy(expert, needed, Consistency::Strong),
    );
    let held = old_days?.joined(new_days?).move_hold(&rules.rules, appointment, &wanted, now)?;
    let moved = appointment.rescheduled(party, held.booked_time(), price, now)?;
    let mut transaction = Transaction::new();
    transaction.put_appointment(&moved)?;
    // When the money is taken or set aside, and when it counts as having taken place, hangs on when the session is.
    let payment = decide_final_charge(app, &mut transaction, &moved, record.payment, price, now)?;
    app.announce(&mut transaction, &moved, Event::Rescheduled, now)?;
    put_occupancy(app, &mut transaction, expert, &held.change, now).await?;
    let record = AppointmentRecord { appointment: moved, payment, ..record };
    Ok(Attempt::Commit(transaction, (record, party)))
}

/// One of the two, or an administrator, says how a session ended. Saying the same again changes nothing.
///
/// `charge` is what is taken for it, when that is less than the price.
///
/// # Errors
/// [`SchedulingError::Change`] when it is too early, too late, or said otherwise before; [`AppError::Forbidden`] to a client who says more
/// than that the expert did not come; [`AppError::Invalid`] when more is to be taken than was agreed;
/// [`PaymentsError::State`] when more is to be taken than was decided before.
pub async fn end(
    app: &App,
    person: &Person,
    id: AppointmentId,
    outcome: Outcome,
    charge: Option<Money>,
) -> Result<(AppointmentRecord, Party), AppError> {
    app.transact("end_appointment", || async {
        let (record, party) = read(app, person, id).await?;
        let AppointmentRecord { appointment, payment, .. } = &record;
        if party == Party::Client && outcome != (Outcome::NoShow { missed_by: Party::Expert }) {
            return Err(AppError::Forbidden("a client can only say that the expert did not come"));
        }
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
        if appointment.has_reported(outcome, party) {
            let target = payment.as_ref().map(|payment| payment.target(&appointment.status));
            if charge.is_some_and(|charge| target.is_some_and(|target| target != charge)) {
                return Err(PaymentsError::State(
                    "it was completed before, at another charge; give a part back as a refund instead"
                        .to_owned(),
                )
                .into());
            }
            return Ok(Attempt::Unchanged((record, party)));
        }
        let now = app.now();
        let ended: Appointment = appointment.ended(outcome, party, now)?;
        let final_charge = match (ended.no_show_report, outcome) {
            (Some(NoShowReport::Open { .. } | NoShowReport::Disputed), _) if charge.is_some() => {
                let must = "must be left out: an administrator decides what is taken".to_owned();
                return Err(AppError::Invalid { field: "charge".to_owned(), must });
            }
            // Until it is decided the client pays what was decided before.
            (Some(NoShowReport::Open { .. } | NoShowReport::Disputed), _) => price,
            (_, Outcome::Completed) => charge.unwrap_or(price),
            (_, Outcome::NoShow { missed_by }) => {
                no_show(&appointment.cancellation, price, missed_by).final_charge
            }
        };
        let decided = payment.as_ref().and_then(|payment| payment.final_charge);
        if let Some((charge, decided)) =
            charge.zip(decided).filter(|(charge, decided)| charge.amount() > decided.amount())
        {
            return Err(PaymentsError::State(format!(
                "it was decided before that the client pays {decided}, so nobody can take {charge} now"
            ))
            .into());
        }
        let mut transaction = Transaction::new();
        transaction.put_appointment(&ended)?;
        let payment = decide_final_charge(app, &mut transaction, &ended, record.payment, final_charge, now)?;
        let event = match ended.no_show_report {
            Some(NoShowReport::Disputed) => Event::NoShowDisputed,
            Some(NoShowReport::Open { .. } | NoShowReport::Decided) | None => outcome.event(),
        };
        app.announce(&mut transaction, &ended, event, now)?;
        let record = AppointmentRecord { appointment: ended, payment, ..record };
        Ok(Attempt::Commit(transaction, (record, party)))
    })
    .await
}
