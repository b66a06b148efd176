//! Limits on what a client holds and books, and on sessions of a client at the same time.
//!
//! Each booking and each move of a client writes the client's row [`ClientBookings`], so concurrent ones cannot both pass a limit or
//! overlap. The row also lists what was booked just now, because the index of the client's appointments shows it a little later.
//! Payments, cancellations and expiries do not write the row. If they could matter, the appointments in it are read.

use std::collections::BTreeMap;
use std::net::IpAddr;

use aws_lc_rs::digest;
use domain::kernel::time::DAY;
use domain::scheduling::appointment::{Appointment, Status};
use domain::scheduling::booking_limits::{
    Claim, ClientBooking, ClientBookings, LimitReached, check_attempts,
};
use domain::scheduling::occupancy::GroupSession;
use domain::{AppointmentId, ClientId, TimeSpan, Timestamp};
use store::AppointmentOwner;

use crate::scheduling::appointments::MAX_PAGE;
use crate::scheduling::error::SchedulingError;
use crate::{App, AppError};

/// A digest of a network address and the UTC day. An IPv6 address stands for its network of 64 bits, because one caller has all of
/// it. Only the digest is stored.
pub(super) fn digest_of(address: IpAddr, now: Timestamp) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&now.seconds().div_euclid(DAY).to_be_bytes());
    match address.to_canonical() {
        IpAddr::V4(address) => context.update(&address.octets()),
        IpAddr::V6(address) => context.update(&address.octets()[..8]),
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Counts an attempt to book from a network address, which `digest` stands for together with the day. The count is stored for two
/// days.
///
/// The result says whether too many attempts came from the network today. A repeated request counts too but is not refused.
///
/// # Errors
/// [`AppError::Read`] if the table does not count.
pub(super) async fn count_attempt(
    app: &App,
    digest: Option<&str>,
    now: Timestamp,
) -> Result<Result<(), LimitReached>, AppError> {
    let Some(digest) = digest else { return Ok(Ok(())) };
    let attempts = app.store.count_attempt(digest, now.plus(2 * DAY)).await?;
    Ok(check_attempts(attempts, &app.settings.booking_limits, now))
}

/// Checks the limits of a client who adds a booking. `bookings` is the client's row. Returns its next version, to which the caller adds
/// the booking with [`ClientBookings::add`].
///
/// It reads the appointments in the row only if the row alone cannot allow the booking.
///
/// # Errors
/// [`SchedulingError::Limit`] if a limit is reached.
pub(super) async fn check_limits(
    app: &App,
    mut bookings: ClientBookings,
    new: &ClientBooking,
    now: Timestamp,
) -> Result<ClientBookings, AppError> {
    let limits = &app.settings.booking_limits;
    bookings.forget(now);
    if !bookings.allows(new, limits, now) {
        resolve(app, &mut bookings, new.claim, now).await?;
        bookings.check(new, limits, now).map_err(|reached| SchedulingError::limit(reached, now))?;
    }
    Ok(bookings)
}

/// Looks up what has become of the bookings with a price, or of the others.
async fn resolve(
    app: &App,
    bookings: &mut ClientBookings,
    claim: Claim,
    now: Timestamp,
) -> Result<(), AppError> {
    let is_priced = |claim| matches!(claim, Claim::Hold { .. } | Claim::CardSaved | Claim::CardDeclined);
    let same = bookings.bookings.iter().filter(|(_, one)| is_priced(one.claim) == is_priced(claim));
    let ids: Vec<AppointmentId> = same.map(|(id, _)| *id).collect();
    look_up(app, bookings, &ids, now).await
}

/// Looks up what has become of these bookings.
async fn look_up(
    app: &App,
    bookings: &mut ClientBookings,
    ids: &[AppointmentId],
    now: Timestamp,
) -> Result<(), AppError> {
    for (appointment, payment) in app.store.holds(ids).await? {
        bookings.resolve(&appointment, payment, now);
    }
    Ok(())
}

/// What a client has booked, with one more proposal of other times.
///
/// # Errors
/// [`SchedulingError::Limit`] if the client has proposed too often.
pub(super) async fn add_proposal(
    app: &App,
    client: ClientId,
    now: Timestamp,
) -> Result<ClientBookings, AppError> {
    let mut bookings = app.store.client_bookings(client).await?;
    let added = bookings.add_proposal(&app.settings.booking_limits, now);
    added.map_err(|reached| SchedulingError::limit(reached, now))?;
    Ok(bookings)
}

/// Checks the limits of a client who moves an appointment at once: a free or unpaid seat that leaves a session in which the client has
/// other seats counts by itself.
///
/// # Errors
/// [`SchedulingError::Limit`] if a limit is reached.
pub(super) async fn check_separation(
    app: &App,
    bookings: &mut ClientBookings,
    moved: &Appointment,
    now: Timestamp,
) -> Result<(), AppError> {
    let limits = &app.settings.booking_limits;
    bookings.forget(now);
    if bookings.check_separation(moved, limits, now).is_err() {
        let claim = bookings.bookings.get(&moved.id).map_or(Claim::Free, |booking| booking.claim);
        resolve(app, bookings, claim, now).await?;
        let checked = bookings.check_separation(moved, limits, now);
        checked.map_err(|reached| SchedulingError::limit(reached, now))?;
    }
    Ok(())
}

/// Checks how many seats of a group session a client would have that are not paid yet, if these are added. `claim` is what pays for
/// them, and seats that are paid are not limited. `moved` is the appointment whose seats they are already, if it is moved.
///
/// It reads the client's appointments in the session only if the row alone cannot allow the seats, because the row does not know what
/// was paid.
///
/// # Errors
/// What is wrong with the request if they are too many.
pub(super) async fn check_unpaid_seats(
    app: &App,
    bookings: &mut ClientBookings,
    group: &GroupSession,
    (seats, claim): (u16, Claim),
    moved: Option<AppointmentId>,
    now: Timestamp,
) -> Result<Result<(), String>, AppError> {
    let limit = app.settings.booking_limits.seats;
    let unpaid = |bookings: &ClientBookings| {
        let mut unpaid = bookings.unpaid_seats(group, now);
        unpaid.retain(|id, _| Some(*id) != moved);
        let total = unpaid.values().fold(0, |total: u16, seats| total.saturating_add(*seats));
        (unpaid, total)
    };
    let (others, total) = unpaid(bookings);
    if claim == Claim::Paid || total.saturating_add(seats) <= limit {
        return Ok(Ok(()));
    }
    look_up(app, bookings, &others.into_keys().collect::<Vec<_>>(), now).await?;
    let (_, total) = unpaid(bookings);
    if total.saturating_add(seats) <= limit {
        return Ok(Ok(()));
    }
    Ok(Err(format!(
        "must not bring your seats of this session that are not paid above {limit}; you have {total} now"
    )))
}

/// Checks that the new time of an appointment overlaps no other session of its client. `bookings` is the client's row; if the
/// move writes the same one, no booking can come in between.
///
/// # Errors
/// [`SchedulingError::Overlap`] if it does.
pub(super) async fn check_move(
    app: &App,
    bookings: &ClientBookings,
    moved: &Appointment,
    now: Timestamp,
) -> Result<(), AppError> {
    let new = ClientBooking::of(moved, Claim::Paid, now);
    check_overlap(app, moved.client, bookings, &new, Some(moved.id), now).await
}

/// The times of the sessions of a client that overlap a span, as far as the row and the index know. `moved` is left out.
///
/// # Errors
/// [`AppError::Read`] if the table cannot be read.
pub(super) async fn session_spans(
    app: &App,
    client: ClientId,
    span: TimeSpan,
    moved: Option<AppointmentId>,
) -> Result<Vec<TimeSpan>, AppError> {
    let bookings = app.store.client_bookings(client).await?;
    let sessions = sessions(app, client, &bookings, span, moved, app.now()).await?;
    Ok(sessions.values().map(ClientBooking::session_span).collect())
}

/// Checks that no other session of the client overlaps this one, except `moved`. It reads the client's appointments from a day before
/// the session on, which is nearly always one page of an index. What may overlap is read again,
/// because the index may be late and the row does not know what became of it.
///
/// # Errors
/// [`SchedulingError::Overlap`] if one does.
pub(super) async fn check_overlap(
    app: &App,
    client: ClientId,
    bookings: &ClientBookings,
    new: &ClientBooking,
    moved: Option<AppointmentId>,
    now: Timestamp,
) -> Result<(), AppError> {
    let sessions = sessions(app, client, bookings, new.session_span(), moved, now).await?;
    let ids: Vec<AppointmentId> = sessions.into_keys().collect();
    for (other, _) in app.store.holds(&ids).await? {
        let session = ClientBooking::of(&other, Claim::Paid, now);
        if takes_time(&other, now)
            && session.session_span().overlaps(new.session_span())
            && !session.shares_session_with(new)
        {
            return Err(SchedulingError::Overlap { start: other.start, end: other.end }.into());
        }
    }
    Ok(())
}

/// Whether an appointment takes its client's time. An expired hold does not, even if its payment job has not run yet. One with a
/// status that this release does not know may take it.
fn takes_time(appointment: &Appointment, now: Timestamp) -> bool {
    match appointment.status {
        Status::Pending { hold_expires_at } => now < hold_expires_at,
        Status::Confirmed | Status::Unknown => true,
        Status::Expired | Status::Cancelled { .. } | Status::Completed | Status::NoShow { .. } => false,
    }
}

/// The sessions of a client that may overlap a span.
async fn sessions(
    app: &App,
    client: ClientId,
    bookings: &ClientBookings,
    span: TimeSpan,
    moved: Option<AppointmentId>,
    now: Timestamp,
) -> Result<BTreeMap<AppointmentId, ClientBooking>, AppError> {
    let mut found = BTreeMap::new();
    // A session lasts a day at most.
    let starts = TimeSpan::new(span.start().plus(-DAY), span.end());
    let mut after = None;
    loop {
        let owner = AppointmentOwner::Client(client);
        let page = app.store.appointments(owner, starts, after.as_deref(), MAX_PAGE).await?;
        let taking_time = page.appointments.iter().filter(|appointment| takes_time(appointment, now));
        found.extend(taking_time.map(|one| (one.id, ClientBooking::of(one, Claim::Paid, now))));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    found.extend(bookings.bookings.iter().map(|(id, booking)| (*id, booking.clone())));
    found.retain(|id, session| Some(*id) != moved && session.session_span().overlaps(span));
    Ok(found)
}
