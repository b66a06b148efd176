//! Booking: hold a slot, make its payment possible, and answer; or confirm at once when there is nothing to pay.

use domain::experts::session_type::SessionTypeTerms;
use domain::payments::gateway::GatewayKind;
use domain::payments::payment::{Payment, Plan, References};
use domain::scheduling::appointment::{Appointment, Attendee, Event, Status};
use domain::scheduling::occupancy::{
    Held, MOST_RECLAIMED, Occupancy, OccupancyChange, Request as HoldRequest,
};
use domain::{AppointmentId, Currency, ExpertId, Money, SessionTypeId, Timestamp};
use store::idempotency::IdempotencyRecord;
use store::table::Consistency;
use store::{CommitError, Job, Offer, Transaction};

use crate::idempotency::{Creation, IdempotentRequest, RequestStatus, release};
use crate::identity::people::{Person, Role};
use crate::payments::error::PaymentsError;
use crate::payments::exchange_rates::convert_for_charge;
use crate::payments::fees::fee;
use crate::payments::holds::{self, release_hold};
use crate::payments::ports::{Opened, PayWith, PaymentError};
use crate::payments::process::{buyer, fetch_payment};
use crate::scheduling::error::SchedulingError;
use crate::scheduling::slots::missing;
use crate::{App, AppError, Attempt};

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct Booking {
    /// Of whom.
    pub expert: ExpertId,
    /// What.
    pub session_type: SessionTypeId,
    /// When.
    pub start: Timestamp,
    /// How many seats.
    pub seats: u16,
    /// Who comes.
    pub attendee: Attendee,
    /// By which gateway they pay.
    pub gateway: GatewayKind,
    /// In which currency, when not in that of the price; only in those that the session type offers.
    pub pay_in: Option<Currency>,
}

/// What a client gets.
#[derive(Debug, Clone)]
pub struct Booked {
    /// Confirmed, or pending until it is paid.
    pub appointment: Appointment,
    /// What is to be paid, and with what; none when there is nothing to pay.
    pub payment: Option<(Payment, PayWith)>,
}

/// Books a session.
///
/// # Errors
/// [`SchedulingError::Slot`] says why the slot cannot be had. When the payment provider does not answer, the hold stands, and the same request again
/// goes on where this one stopped.
pub async fn book(
    app: &App,
    person: &Person,
    request: &IdempotentRequest,
    booking: &Booking,
) -> Result<Creation<Booked>, AppError> {
    if !person.has(Role::Client) {
        return Err(AppError::Forbidden("only a client can book; ask for that role at sign-in"));
    }
    let held = app.transact("book_appointment", || attempt_hold(app, person, request, booking)).await?;
    let (appointment, payment, idempotency) = match held {
        Hold::Replayed(response) => return Ok(Creation::Replayed(response)),
        Hold::Held(held) => *held,
    };
    let booked = match payment {
        None => Booked { appointment, payment: None },
        Some(payment) => match request_payment(app, appointment.clone(), payment).await {
            Ok(booked) => booked,
            Err(failure) => {
                // What is refused for good would be refused again: nobody else shall wait for it.
                if let AppError::Payments(PaymentsError::Gateway(PaymentError::Refused { .. })) = failure
                    && let Err(error) = release_hold(app, &appointment).await
                {
                    tracing::warn!(%error, "the hold stands until its time is over");
                }
                release(app, idempotency).await;
                return Err(failure);
            }
        },
    };
    Ok(Creation::Created(booked, idempotency))
}

/// What booking decided about the slot.
enum Hold {
    /// It is held, or confirmed when there is nothing to pay.
    Held(Box<(Appointment, Option<Payment>, IdempotencyRecord)>),
    /// The same request was answered before, like this.
    Replayed(String),
}

/// One attempt at the hold.
async fn attempt_hold(
    app: &App,
    person: &Person,
    request: &IdempotentRequest,
    booking: &Booking,
) -> Result<Attempt<Hold>, AppError> {
    let now = app.now();
    let Booking { expert, session_type, start, seats, attendee, gateway, pay_in } = booking;
    let (known, offer, account, fee_rate) = tokio::join!(
        request.status(app, now),
        app.store.offer(*expert, *session_type, Consistency::Strong),
        app.store.payment_account(*expert, *gateway),
        fee(app, *expert),
    );
    let over = match known? {
        RequestStatus::Completed(answer) => return Ok(Attempt::Unchanged(Hold::Replayed(answer))),
        RequestStatus::InProgress(idempotency) => return resume(app, idempotency).await,
        RequestStatus::New(over) => over,
    };
    let Some(Offer { rules, session_type: kind }) = offer? else {
        return Err(missing(app, *expert, *session_type).await);
    };
    let price = kind
        .terms
        .price
        .times(*seats)
        .map_err(|error| AppError::Invalid { field: "seats".to_owned(), must: error.to_string() })?;
    let price = price_in(app, &kind.terms, price, *pay_in).await?;
    let account = account?.filter(|account| account.charges_enabled);
    let id = app.new_appointment_id();
    let hold_expires_at = now.plus(app.settings.hold_seconds);
    let status = if price.is_zero() { Status::Confirmed } else { Status::Pending { hold_expires_at } };
    let wanted = HoldRequest {
        appointment: id,
        session_type: &kind,
        start: *start,
        seats: *seats,
        hold_expires_at: (!price.is_zero()).then_some(hold_expires_at),
    };
    let needed = Occupancy::needed(&rules.rules, &kind, *start);
    let days = app.store.occupancy(*expert, needed, Consistency::Strong).await?;
    let Held { session, group, change } = match days.hold(&rules.rules, &wanted, now) {
        Ok(held) => held,
        // The same request may have run twice, and it was the other that took the slot.
        Err(refusal) => {
            return match request.status(app, now).await? {
                RequestStatus::Completed(answer) => Ok(Attempt::Unchanged(Hold::Replayed(answer))),
                RequestStatus::InProgress(idempotency) => resume(app, idempotency).await,
                RequestStatus::New(_) => Err(refusal.into()),
            };
        }
    };
    if !price.is_zero() && account.is_none() {
        return Err(PaymentsError::NotReady.into());
    }

    let appointment = Appointment {
        id,
        version: 1,
        expert: *expert,
        client: person.client_id(),
        attendee: attendee.clone(),
        session_type: kind.id,
        session_name: kind.terms.name.clone(),
        start: session.start,
        end: session.end,
        buffer_before_minutes: session.buffer_before_minutes,
        buffer_after_minutes: session.buffer_after_minutes,
        seats: *seats,
        group,
        price,
        created_at: now,
        reschedules: 0,
        cancellation: kind.terms.cancellation.clone(),
        rescheduling: kind.terms.rescheduling.clone(),
        no_show_report: None,
        status,
    };
    let idempotency = request.record(id, now);
    let mut transaction = Transaction::new();
    transaction.put_appointment(&appointment)?;
    transaction.put_idempotency_record(&idempotency, over.as_ref())?;
    let payment = match account.filter(|_| !price.is_zero()) {
        None => None,
        Some(account) => {
            let capabilities = app.gateways.get(*gateway)?.capabilities();
            let plan = Plan::choose(kind.terms.collection, capabilities, session.end, now);
            Some(Payment::agreed(id, price, fee_rate?, (*gateway, account.account), plan))
        }
    };
    match &payment {
        Some(payment) => {
            transaction.put_payment(payment)?;
            app.enqueue(&mut transaction, Job::Payment(id), hold_expires_at)?;
        }
        None => {
            app.announce(&mut transaction, &appointment, Event::Confirmed, now)?;
            app.enqueue(&mut transaction, Job::Payment(id), appointment.completes_at())?;
        }
    }
    put_occupancy(app, &mut transaction, *expert, &change, now).await?;
    Ok(Attempt::Commit(transaction, Hold::Held(Box::new((appointment, payment, idempotency)))))
}

/// Adds a change of days to a transaction, and expires the holds that it reclaimed.
///
/// # Errors
/// When there are too many such holds for one transaction, some are expired in one of their own, and the caller must try
/// again.
pub(crate) async fn put_occupancy(
    app: &App,
    transaction: &mut Transaction,
    expert: ExpertId,
    change: &OccupancyChange,
    now: Timestamp,
) -> Result<(), AppError> {
    if change.reclaimed.len() > MOST_RECLAIMED {
        for id in change.reclaimed.iter().take(MOST_RECLAIMED) {
            holds::expire(app, *id).await?;
        }
        return Err(AppError::version_conflict());
    }
    for id in &change.reclaimed {
        let Some(old) = app.store.appointment(*id).await? else { continue };
        // Whoever changed it since also changed the day, so this transaction fails and the next try sees it.
        let expired = old.expired(now).map_err(|_| AppError::version_conflict())?;
        transaction.put_appointment(&expired)?;
        app.enqueue(transaction, Job::Payment(*id), now)?;
        app.announce(transaction, &expired, Event::Expired, now)?;
    }
    transaction.put_occupancy(expert, change);
    Ok(())
}

/// Goes on where a request stopped that had committed its hold.
async fn resume(app: &App, idempotency: IdempotencyRecord) -> Result<Attempt<Hold>, AppError> {
    let id: AppointmentId = idempotency.subject.parse().map_err(|_| AppError::NotFound("appointment"))?;
    let (appointment, payment) = tokio::join!(app.store.appointment(id), app.store.payment(id));
    let appointment = appointment?.ok_or(AppError::NotFound("appointment"))?;
    Ok(Attempt::Unchanged(Hold::Held(Box::new((appointment, payment?, idempotency)))))
}

/// Makes the payment of a hold possible. The provider's idempotency key is the appointment, so doing it again is harmless.
async fn request_payment(app: &App, appointment: Appointment, payment: Payment) -> Result<Booked, AppError> {
    match appointment.status {
        Status::Pending { hold_expires_at } if hold_expires_at > app.now() => {}
        // Between the hold and now lies a crash, and a repeat that came late.
        Status::Pending { .. } | Status::Expired | Status::Cancelled { .. } => {
            return Err(SchedulingError::HoldEnded.into());
        }
        Status::Confirmed | Status::Completed | Status::NoShow { .. } => {}
    }
    if payment.references != References::default() {
        let pay_with = fetch_payment(app, &payment).await?.pay_with;
        return Ok(Booked { appointment, payment: Some((payment, pay_with)) });
    }
    let Opened { references, pay_with } =
        app.gateways.get(payment.gateway)?.open(&payment, &buyer(app, &appointment)).await?;
    let payment = Payment { version: payment.version + 1, references, ..payment };
    let mut transaction = Transaction::new();
    transaction.put_payment(&payment)?;
    match app.commit(transaction).await {
        Ok(()) => Ok(Booked { appointment, payment: Some((payment, pay_with)) }),
        // The same request ran twice and the other was faster, or the hold ended meanwhile. In the second case the client
        // never learns how to pay, so nothing can ever be paid.
        Err(AppError::Commit(CommitError::VersionConflict(_))) => {
            match app.store.payment(appointment.id).await? {
                Some(stored) if stored.references == payment.references => {
                    Ok(Booked { appointment, payment: Some((stored, pay_with)) })
                }
                _ => Err(SchedulingError::HoldEnded.into()),
            }
        }
        Err(failure) => Err(failure),
    }
}

/// The price in the currency that the client pays in.
async fn price_in(
    app: &App,
    terms: &SessionTypeTerms,
    price: Money,
    pay_in: Option<Currency>,
) -> Result<Money, AppError> {
    let Some(currency) = pay_in.filter(|currency| *currency != price.currency()) else { return Ok(price) };
    let refuse = |must: String| Err(AppError::Invalid { field: "pay_in".to_owned(), must });
    if !terms.presentment_currencies.contains(&currency) {
        return refuse(format!(
            "must be {}, or one of the session type's presentment_currencies",
            price.currency().code()
        ));
    }
    let converted = convert_for_charge(app, price, currency, app.now()).await?;
    // A price is rounded to what can be charged; what cannot be charged at all is refused by the gateway's own limits.
    let charged = converted.proportion(1, 1);
    match charged.check_charge() {
        Ok(()) => Ok(charged),
        Err(error) => refuse(error.to_string()),
    }
}
