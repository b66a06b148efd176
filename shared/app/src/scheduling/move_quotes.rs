//! Quotes of moves: how a session can be moved to another start, and what a cancellation by the client refunds before and after it.

use domain::kernel::text::LongText;
use domain::scheduling::appointment::{Appointment, BookedTime};
use domain::scheduling::cancellation::Quote;
use domain::scheduling::party::Party;
use domain::scheduling::proposal::ProposalState;
use domain::{AppointmentId, Money, Timestamp};
use store::AppointmentRecord;

use crate::identity::Actor;
use crate::identity::signed_in::Scope;
use crate::scheduling::appointments::{Move, check_payment, quote_of, with_final_charge};
use crate::scheduling::proposals;
use crate::{App, AppError};

/// How a person can move a session to a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveKind {
    /// At once.
    AtOnce,
    /// By proposing it to the other side.
    Propose,
    /// By accepting the open proposal of the other side.
    Accept,
}

/// What moving a session to a start means for both sides, if it is moved now.
#[derive(Debug, Clone)]
pub struct MoveQuote {
    /// How the person can move it.
    pub how: MoveKind,
    /// The last instant at which the client can move the session at once; `None` if they cannot now.
    pub at_once_until: Option<Timestamp>,
    /// The price of all seats after the move.
    pub price: Money,
    /// A cancellation by the client now, with the session as it is.
    pub cancelled_now: Quote,
    /// A cancellation by the client right after the move.
    pub cancelled_after_move: Quote,
    /// A cancellation by the client right after the proposal is declined; `None` for a move at once.
    pub cancelled_after_decline: Option<Quote>,
}

/// What moving a session to a start would mean now. Whether the start is free is not checked: it is when it is moved or proposed.
///
/// The functions that move the session, decline a proposal and cancel the appointment compute the quote.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`](super::appointments::read) or if the session type does not exist, [`AppError::Forbidden`]
/// for an administrator, [`AppError::Invalid`] if the start is in the past or is the one of the appointment,
/// [`SchedulingError::Change`](super::error::SchedulingError::Change) if the person can neither move the session there, nor propose it,
/// [`SchedulingError::TooFarAhead`](super::error::SchedulingError::TooFarAhead) if the payment cannot be held or refunded until then.
pub async fn quote(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    start: Timestamp,
) -> Result<MoveQuote, AppError> {
    let (record, acting) = actor.appointment_record(app, id, Scope::Read).await?;
    let party = proposals::side(acting)?;
    let now = app.now();
    let appointment = &record.appointment;
    proposals::check_start(appointment, start, now).map_err(|must| AppError::invalid("/start", must))?;
    let step = Move::of(app, appointment, acting).await?;
    let open = appointment.moves.proposal.as_ref();
    let open = open.filter(|open| open.by != party && open.state_at(now) == ProposalState::Open);
    let (how, moved, declined) = if open.and_then(|open| open.time_at(start)).is_some() {
        (MoveKind::Accept, appointment.accepted(party, start, now)?, Some(appointment.declined(party, now)?))
    } else if party == Party::Client && appointment.check_reschedule(now).is_ok() {
        let price = appointment.price_after_reschedule(step.current_price);
        (MoveKind::AtOnce, appointment.rescheduled(time_at(appointment, start), price, now)?, None)
    } else {
        let price = appointment.price_after_reschedule(step.current_price);
        let notice_minutes = step.session.terms.minimum_notice_minutes;
        let expires_at = appointment.proposal_expires_at(party, &[start], notice_minutes, now);
        let times = vec![time_at(appointment, start)];
        let proposed = appointment.proposed(party, times, price, LongText::default(), expires_at, now)?;
        let other = if party == Party::Client { Party::Expert } else { Party::Client };
        (MoveKind::Propose, proposed.accepted(other, start, now)?, Some(proposed.declined(other, now)?))
    };
    check_payment(&record, moved.end, now)?;
    let suspended = step.expert.suspended;
    let at_once_until = appointment.check_reschedule(now).is_ok().then(|| appointment.reschedule_until());
    Ok(MoveQuote {
        how,
        at_once_until,
        price: moved.price,
        cancelled_now: cancelled(app, record.clone(), suspended, now).await?,
        cancelled_after_move: after(app, &record, moved, suspended, now).await?,
        cancelled_after_decline: match declined {
            Some(appointment) => {
                Some(cancelled(app, AppointmentRecord { appointment, ..record }, suspended, now).await?)
            }
            None => None,
        },
    })
}

/// The time of a session at another start, before it is held.
fn time_at(appointment: &Appointment, start: Timestamp) -> BookedTime {
    let &Appointment { buffer_before_minutes, buffer_after_minutes, group, .. } = appointment;
    let end = start.plus(appointment.session_span().seconds());
    BookedTime { start, end, buffer_before_minutes, buffer_after_minutes, group }
}

/// The quote of a cancellation by the client.
async fn cancelled(
    app: &App,
    record: AppointmentRecord,
    suspended: bool,
    now: Timestamp,
) -> Result<Quote, AppError> {
    Ok(quote_of(app, &record, Party::Client, suspended, now).await?.0)
}

/// The quote of a cancellation right after a move.
async fn after(
    app: &App,
    record: &AppointmentRecord,
    moved: Appointment,
    suspended: bool,
    now: Timestamp,
) -> Result<Quote, AppError> {
    let payment = record.payment.clone().map(|payment| with_final_charge(&moved, payment, moved.price, now));
    let record = AppointmentRecord { appointment: moved, payment, ..record.clone() };
    cancelled(app, record, suspended, now).await
}
