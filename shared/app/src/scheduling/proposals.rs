//! Proposals of other times for an appointment, and what becomes of them; see [`domain::scheduling::proposal`].

use domain::experts::members::Right;
use domain::kernel::text::LongText;
use domain::payments::payment::Payment;
use domain::scheduling::appointment::{Appointment, BookedTime, ChangeRefusal};
use domain::scheduling::booking_limits::{Claim, ClientBookings};
use domain::scheduling::occupancy::{Occupancy, OccupancyChange, Request as HoldRequest};
use domain::scheduling::party::{ActingAs, Party};
use domain::scheduling::proposal::{MAX_STARTS_OF_CLIENT, MAX_STARTS_OF_EXPERT, Proposal, ProposalState};
use domain::scheduling::reliability::{Incident, IncidentKind};
use domain::{AppointmentId, Money, TimeSpan, Timestamp, Violations};
use store::table::Consistency;
use store::{AppointmentRecord, Transaction};

use crate::events::EventData;
use crate::identity::signed_in::Scope;
use crate::identity::{Actor, require_right_of};
use crate::jobs::NextRun;
use crate::scheduling::booking::reclaim_and_put_occupancy;
use crate::scheduling::client_bookings;
use crate::scheduling::error::SchedulingError;
use crate::scheduling::jobs::SchedulingJob;
use crate::scheduling::moves::{MoveContext, check_payment, put_move};
use crate::scheduling::slots::slot_refused;
use crate::{App, AppError, Decision, IfMatch, check_version};

/// Proposes other starts for an appointment, and holds them until the proposal expires. Proposing the same again while the proposal
/// is open changes nothing. `if_match` is the version that the person has read. What a client proposes must not overlap another
/// session of theirs unless `allow_overlap`; the sessions of a client whom an expert asks are checked when the client accepts.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`](super::appointments::read) or if the session type does not exist, [`AppError::Forbidden`]
/// for an administrator, [`AppError::Invalid`] if a start cannot be proposed, [`AppError::VersionMismatch`] if the appointment has
/// another version, [`SchedulingError::Change`] if the appointment allows no proposal now, [`SchedulingError::Limit`] if the client
/// has proposed too often, [`SchedulingError::ProposedSlot`] if a start cannot be booked, [`SchedulingError::ProposedOverlap`] if
/// another session of the client overlaps one, [`SchedulingError::TooFarAhead`] if the payment cannot be held or refunded until then.
pub async fn propose(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    if_match: IfMatch,
    starts: &[Timestamp],
    message: &LongText,
    allow_overlap: bool,
) -> Result<(AppointmentRecord, Party), AppError> {
    let now = app.now();
    let app = &app.taking_turns();
    app.transact("propose_times", || async {
        let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
        let party = require_side(acting)?;
        check_starts(&record.appointment, party, starts, now)?;
        let is_repeated = |open: &Proposal| {
            let is_open = open.state_at(now) == ProposalState::Open;
            is_open
                && open.by == party
                && open.starts().eq(starts.iter().copied())
                && open.message == *message
        };
        if record.appointment.moves.proposal.as_ref().is_some_and(is_repeated) {
            return Ok(Decision::Unchanged((record, party)));
        }
        let version = record.appointment.version;
        check_version(if_match, version)?;
        match attempt_proposal(app, record, acting, starts, message, allow_overlap, now).await {
            // A concurrent request may have moved the appointment, and this one read only a part of that transaction.
            Err(AppError::Scheduling(SchedulingError::ProposedSlot { .. }))
                if app.store.appointment(id).await?.is_none_or(|current| current.version != version) =>
            {
                Err(AppError::version_conflict())
            }
            attempt => attempt,
        }
    })
    .await
}

/// The side of an appointment for which a person proposes or decides.
///
/// # Errors
/// [`AppError::Forbidden`] for an administrator.
pub(super) fn require_side(acting: ActingAs) -> Result<Party, AppError> {
    match acting.party() {
        Party::Platform => Err(AppError::Forbidden(
            "the expert and the client agree on another time; an administrator can cancel the appointment",
        )),
        side => Ok(side),
    }
}

/// Checks what does not depend on other appointments.
///
/// # Errors
/// All violations of the request.
fn check_starts(
    appointment: &Appointment,
    by: Party,
    starts: &[Timestamp],
    now: Timestamp,
) -> Result<(), Violations> {
    let mut violations = Violations::default();
    let most = if by == Party::Client { MAX_STARTS_OF_CLIENT } else { MAX_STARTS_OF_EXPERT };
    violations.check_count("/starts", starts.len(), most);
    if starts.is_empty() {
        violations.add("/starts", "must have at least one entry".to_owned());
    }
    // Only one of the starts will be used. But seats of a group session can be booked by others until then.
    let length = if appointment.group { appointment.session_span().seconds() } else { 1 };
    let span = |start: Timestamp| TimeSpan::new(start, start.plus(length));
    for (place, start) in starts.iter().enumerate() {
        let must = match check_start(appointment, *start, now) {
            Err(must) => must,
            Ok(()) if starts[..place].iter().any(|other| span(*other).overlaps(span(*start))) => {
                match appointment.group {
                    true => {
                        "must not overlap the sessions at the other starts, because others can book their seats"
                    }
                    false => "must differ from the other starts",
                }
            }
            Ok(()) => continue,
        };
        violations.add(format!("/starts/{place}"), must.to_owned());
    }
    violations.into_result()
}

/// Checks a start without reading anything. The error says what it must be.
pub(super) fn check_start(
    appointment: &Appointment,
    start: Timestamp,
    now: Timestamp,
) -> Result<(), &'static str> {
    if start <= now {
        Err("must be in the future")
    } else if start == appointment.start {
        Err("must differ from the start of the appointment")
    } else {
        Ok(())
    }
}

async fn attempt_proposal(
    app: &App,
    record: AppointmentRecord,
    acting: ActingAs,
    starts: &[Timestamp],
    message: &LongText,
    allow_overlap: bool,
    now: Timestamp,
) -> Result<Decision<(AppointmentRecord, Party)>, AppError> {
    let party = acting.party();
    let context = MoveContext::of(app, &record.appointment, acting).await?;
    let Held { proposed, bookings, change } =
        hold_proposal(app, &record, &context, party, starts, message, now).await?;
    if let Some(bookings) = bookings.as_ref().filter(|_| !allow_overlap) {
        let times = proposed.moves.proposal.iter().flat_map(|proposal| &proposal.times);
        for (place, time) in times.enumerate() {
            let moved = Appointment { start: time.start, end: time.end, ..proposed.clone() };
            client_bookings::check_move(app, bookings, &moved, now).await.map_err(|error| match error {
                AppError::Scheduling(SchedulingError::Overlap { start, end }) => {
                    SchedulingError::ProposedOverlap { place, start, end }.into()
                }
                other => other,
            })?;
        }
    }
    let mut transaction = Transaction::new();
    transaction.put_appointment(&proposed)?;
    if let Some(bookings) = bookings {
        transaction.put_client_bookings(proposed.client, &bookings)?;
    }
    if let Some(proposal) = &proposed.moves.proposal {
        let event = EventData::proposed(&proposed, proposal);
        app.record_event(&mut transaction, acting, event, now)?;
        let job = SchedulingJob::ExpireProposal { appointment: proposed.id };
        app.enqueue(&mut transaction, job, proposal.expires_at)?;
    }
    reclaim_and_put_occupancy(app, &mut transaction, proposed.expert, &change, now).await?;
    let record = AppointmentRecord { appointment: proposed, ..record };
    Ok(Decision::Commit(transaction, (record, party)))
}

/// A proposal whose times are held. Nothing is written yet.
pub(super) struct Held {
    /// The appointment with the proposal.
    pub(super) proposed: Appointment,
    /// What the client has booked, with one more proposal; `None` for a proposal of the expert.
    bookings: Option<ClientBookings>,
    /// The change of the occupancy.
    change: OccupancyChange,
}

/// Proposes other starts for an appointment, and holds them.
///
/// # Errors
/// [`SchedulingError::Change`] if the appointment allows no proposal now, [`SchedulingError::Limit`] if the client has proposed too
/// often, [`SchedulingError::ProposedSlot`] if a start cannot be booked, [`SchedulingError::TooFarAhead`] if the payment cannot be
/// held or refunded until then.
pub(super) async fn hold_proposal(
    app: &App,
    record: &AppointmentRecord,
    context: &MoveContext,
    party: Party,
    starts: &[Timestamp],
    message: &LongText,
    now: Timestamp,
) -> Result<Held, AppError> {
    let appointment = &record.appointment;
    let expert = appointment.expert;
    appointment.check_proposal(party, now)?;
    let mut bookings = match party {
        Party::Client => Some(client_bookings::add_proposal(app, appointment.client, now).await?),
        Party::Expert | Party::Platform => None,
    };
    let price = appointment.price_after_reschedule(context.current_price);
    let rules = &context.rules.rules;
    let notice_minutes = context.session.terms.minimum_notice_minutes;
    let expires_at = appointment.proposal_expires_at(party, starts, notice_minutes, now);
    let requests: Vec<HoldRequest> =
        starts.iter().map(|start| context.request(appointment, *start, Some(expires_at))).collect();
    let mut occupancy = app.store.occupancy_of(appointment).await?;
    for start in starts {
        let needed = Occupancy::span_for_booking(rules, &context.session, *start, now);
        occupancy = occupancy.union(app.store.occupancy(expert, needed, Consistency::Strong).await?);
    }
    if let Some(bookings) = &mut bookings {
        check_seats(app, bookings, record, (starts, price), &occupancy, now).await?;
    }
    let (times, change) = match occupancy.hold_proposal(rules, appointment, &requests, now) {
        Ok(held) => held,
        Err((place, refusal)) => {
            let Some(request) = requests.get(place) else { return Err(AppError::version_conflict()) };
            // Other starts are suggested only where the client has no other session.
            let client = (party == Party::Client).then_some(appointment.client);
            let refused = slot_refused(app, expert, rules, Some(appointment), client, request, refusal).await;
            return Err(match refused {
                AppError::Scheduling(SchedulingError::Slot { refusal, alternatives }) => {
                    SchedulingError::ProposedSlot { place, refusal, alternatives }.into()
                }
                other => other,
            });
        }
    };
    for time in &times {
        check_payment(record, time.end, now)?;
    }
    let proposed = appointment.proposed(party, times, price, message.clone(), expires_at, now)?;
    Ok(Held { proposed, bookings, change })
}

/// Checks that the client has not too many seats that are not paid in the group sessions at the starts, where a proposal holds seats.
///
/// # Errors
/// [`AppError::Invalid`] for the first start where they would.
async fn check_seats(
    app: &App,
    bookings: &mut ClientBookings,
    record: &AppointmentRecord,
    (starts, price): (&[Timestamp], Money),
    occupancy: &Occupancy,
    now: Timestamp,
) -> Result<(), AppError> {
    let AppointmentRecord { appointment, payment, .. } = record;
    let moved = Appointment { price, ..appointment.clone() };
    let added = (moved.seats, Claim::of_moved(&moved, payment.as_ref().map(Payment::progress)));
    for (place, start) in starts.iter().enumerate() {
        if let Some(group) = occupancy.groups.get(&(moved.session_type, *start)) {
            let checked =
                client_bookings::check_unpaid_seats(app, bookings, group, added, Some(moved.id), now).await?;
            checked.map_err(|must| AppError::invalid(&format!("/starts/{place}"), must))?;
        }
    }
    Ok(())
}

/// Accepts one of the starts that the other side proposed: moves the session there, and frees its old time and the other starts.
/// Accepting the same start again changes nothing. `if_match` is the version that the person has read. What a client accepts must not
/// overlap another session of theirs unless `allow_overlap`. An expert does not learn when the client has other sessions, so what the
/// client proposed is not checked again.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`](super::appointments::read), [`AppError::Forbidden`] for an administrator, and for a member
/// who may not lower the price if the proposal does, [`AppError::VersionMismatch`] if the appointment has another version,
/// [`SchedulingError::Change`] if no proposal of the other side is open, or it does not contain the start,
/// [`SchedulingError::Overlap`] if another session of a client who accepts overlaps it, [`SchedulingError::TooFarAhead`] if the payment
/// cannot be held or refunded until then.
pub async fn accept(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    if_match: IfMatch,
    start: Timestamp,
    allow_overlap: bool,
) -> Result<(AppointmentRecord, Party), AppError> {
    let now = app.now();
    let app = &app.taking_turns();
    app.transact("accept_proposal", || async {
        let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
        let party = require_side(acting)?;
        let appointment = &record.appointment;
        let is_accepted =
            |last: &Proposal| last.by != party && last.state == ProposalState::Accepted { start };
        if appointment.start == start && appointment.moves.proposal.as_ref().is_some_and(is_accepted) {
            return Ok(Decision::Unchanged((record, party)));
        }
        check_version(if_match, appointment.version)?;
        let (moved, time) = accept_as(acting, &record, start, now)?;
        let (occupancy, expert) =
            tokio::join!(app.store.occupancy_of(appointment), app.store.expert(appointment.expert));
        let expert = expert?.ok_or(AppError::NotFound("expert"))?;
        let Some(change) = occupancy?.accept_proposal(appointment, time) else {
            // Its hold was reclaimed, because it expired by a clock that is ahead; or the two were read at different times.
            return match app.store.appointment(id).await? {
                Some(current) if current.version == appointment.version => {
                    Err(ChangeRefusal::NoOpenProposal.into())
                }
                _ => Err(AppError::version_conflict()),
            };
        };
        let mut transaction = Transaction::new();
        transaction.put_appointment(&moved)?;
        let proposed_by = if party == Party::Client { Party::Expert } else { Party::Client };
        let incident = Incident::of_change(IncidentKind::Move, &moved, proposed_by, now);
        app.record_incident(&mut transaction, appointment, &incident, now)?;
        let bookings = app.store.client_bookings(moved.client).await?;
        if party == Party::Client && !allow_overlap {
            client_bookings::check_move(app, &bookings, &moved, now).await?;
        }
        let payment = put_move(app, &mut transaction, &expert, bookings, &moved, &record, now).await?;
        app.record_event(&mut transaction, acting, EventData::rescheduled(appointment, &moved), now)?;
        transaction.put_occupancy(appointment.expert, &change);
        let record = AppointmentRecord { appointment: moved, payment, ..record };
        Ok(Decision::Commit(transaction, (record, party)))
    })
    .await
}

/// The appointment after somebody accepts a start that the other side proposed, and its new time.
///
/// # Errors
/// [`SchedulingError::Change`] if no proposal of the other side is open, or it does not contain the start,
/// [`SchedulingError::TooFarAhead`] if the payment cannot be held or refunded until then, [`AppError::Forbidden`] for a member who may
/// not lower the price if the proposal does.
pub(super) fn accept_as(
    acting: ActingAs,
    record: &AppointmentRecord,
    start: Timestamp,
    now: Timestamp,
) -> Result<(Appointment, BookedTime), AppError> {
    let (appointment, party) = (&record.appointment, acting.party());
    let proposal = appointment.check_decision(party, now)?;
    let time = proposal.time_at(start).ok_or(ChangeRefusal::NotProposed { start })?;
    let moved = appointment.accepted(party, start, now)?;
    check_payment(record, moved.end, now)?;
    // A lower price is a refund, which not every member may give.
    if moved.price.amount() < appointment.price.amount() {
        require_right_of(acting, Right::Money)?;
    }
    Ok((moved, time))
}

/// Declines the proposal of the other side. Declining it again changes nothing. `if_match` is the version that the person has read.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`](super::appointments::read), [`AppError::Forbidden`] for an administrator,
/// [`AppError::VersionMismatch`] if the appointment has another version, [`SchedulingError::Change`] if no proposal of the other
/// side is open.
pub async fn decline(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    if_match: IfMatch,
) -> Result<(AppointmentRecord, Party), AppError> {
    let now = app.now();
    app.transact("decline_proposal", || async {
        let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
        let party = require_side(acting)?;
        let is_done = |last: &Proposal| last.by != party && last.state == ProposalState::Declined;
        close(app, record, acting, if_match, is_done, Appointment::declined, now).await
    })
    .await
}

/// Withdraws a proposal of the same side. Withdrawing it again changes nothing. `if_match` is the version that the person has read.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`](super::appointments::read), [`AppError::Forbidden`] for an administrator,
/// [`AppError::VersionMismatch`] if the appointment has another version, [`SchedulingError::Change`] if no proposal of this side
/// is open.
pub async fn withdraw(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    if_match: IfMatch,
) -> Result<(AppointmentRecord, Party), AppError> {
    let now = app.now();
    app.transact("withdraw_proposal", || async {
        let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
        let party = require_side(acting)?;
        let is_done = |last: &Proposal| last.by == party && last.state == ProposalState::Withdrawn;
        close(app, record, acting, if_match, is_done, Appointment::withdrawn, now).await
    })
    .await
}

/// Ends a proposal without a move, unless it has already ended like this.
async fn close(
    app: &App,
    record: AppointmentRecord,
    acting: ActingAs,
    if_match: IfMatch,
    is_done: impl Fn(&Proposal) -> bool,
    closed: impl Fn(&Appointment, Party, Timestamp) -> Result<Appointment, ChangeRefusal>,
    now: Timestamp,
) -> Result<Decision<(AppointmentRecord, Party)>, AppError> {
    let party = acting.party();
    let appointment = &record.appointment;
    if appointment.moves.proposal.as_ref().is_some_and(is_done) {
        return Ok(Decision::Unchanged((record, party)));
    }
    check_version(if_match, appointment.version)?;
    let closed = closed(appointment, party, now)?;
    let mut transaction = closing(app, appointment, &closed, acting, now).await?;
    if closed.moves.proposal.as_ref().is_some_and(|last| last.state == ProposalState::Declined) {
        let incident = Incident::of_change(IncidentKind::DeclinedProposal, &closed, party, now);
        app.record_incident(&mut transaction, appointment, &incident, now)?;
    }
    let record = AppointmentRecord { appointment: closed, ..record };
    Ok(Decision::Commit(transaction, (record, party)))
}

/// The transaction that ends a proposal without a move, and frees its times.
async fn closing(
    app: &App,
    appointment: &Appointment,
    closed: &Appointment,
    acting: ActingAs,
    now: Timestamp,
) -> Result<Transaction, AppError> {
    let occupancy = app.store.occupancy_of(appointment).await?;
    let mut transaction = Transaction::new();
    transaction.put_appointment(closed)?;
    transaction.put_occupancy(appointment.expert, &occupancy.release_proposal(appointment));
    if let Some(event) = EventData::proposal_closed(closed) {
        app.record_event(&mut transaction, acting, event, now)?;
    }
    Ok(transaction)
}

/// Frees the times of a proposal that has expired. The proposal expires without it; until then, a booking can take the times.
pub(crate) async fn expire(app: &App, id: AppointmentId) -> Result<NextRun, AppError> {
    app.transact("expire_proposal", || async {
        let now = app.now();
        let Some(appointment) = app.store.appointment(id).await? else {
            return Ok(Decision::Unchanged(NextRun::WhenEnqueued));
        };
        let last = appointment.moves.proposal.as_ref();
        let Some(open) = last.filter(|last| last.state == ProposalState::Open) else {
            return Ok(Decision::Unchanged(NextRun::WhenEnqueued));
        };
        // It was made after this job was enqueued.
        if open.state_at(now) == ProposalState::Open {
            return Ok(Decision::Unchanged(NextRun::At(open.expires_at)));
        }
        let Some(expired) = appointment.proposal_expired(now) else {
            // The session is over. A new version of the appointment would hide that a notification is about its last change.
            let mut transaction = Transaction::new();
            let occupancy = app.store.occupancy_of(&appointment).await?;
            transaction.put_occupancy(appointment.expert, &occupancy.release_proposal(&appointment));
            transaction.check_appointment(&appointment);
            return Ok(Decision::Commit(transaction, NextRun::WhenEnqueued));
        };
        let transaction = closing(app, &appointment, &expired, ActingAs::Platform, now).await?;
        Ok(Decision::Commit(transaction, NextRun::WhenEnqueued))
    })
    .await
}
