//! Quotes of moves: how a session can be moved to another start, and what a cancellation by the client refunds before and after it.

use domain::kernel::text::LongText;
use domain::scheduling::appointment::Appointment;
use domain::scheduling::party::Party;
use domain::scheduling::proposal::ProposalState;
use domain::{AppointmentId, Money, Timestamp};
use store::AppointmentRecord;

use crate::identity::Actor;
use crate::identity::signed_in::Scope;
use crate::scheduling::appointments::{
    CancellationQuote, FinalCharge, Move, cancellation, check_at_once, gains_by_suspension, hold_move,
    with_final_charge,
};
use crate::scheduling::error::SchedulingError;
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
    /// The latest instant at which an authorized amount is captured after the move; `None` if no amount is authorized.
    pub captured_by: Option<Timestamp>,
    /// A cancellation by the client now, with the session as it is.
    pub cancellation_now: CancellationQuote,
    /// A cancellation by the client right after the move.
    pub cancellation_after_move: CancellationQuote,
    /// A cancellation by the client right after the proposal is declined; `None` for a move at once.
    pub cancellation_after_decline: Option<CancellationQuote>,
}

/// What moving a session to a start would mean now. Whether it would overlap another session of the client is not checked.
///
/// The functions that move the session, propose the start, decline a proposal and cancel the appointment compute the quote.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`](super::appointments::read) or if the session type does not exist, [`AppError::Forbidden`]
/// for an administrator and for a member who may not lower the price, [`AppError::Invalid`] if the start is in the past or is the one of the appointment,
/// [`SchedulingError::Change`] if the person can neither move the session there, nor propose it, [`SchedulingError::Slot`] if the
/// start cannot be booked, [`SchedulingError::Limit`] if the client has proposed too often or cannot separate free seats, [`SchedulingError::TooFarAhead`] if the
/// payment cannot be held or refunded until then.
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
        let (moved, _) = proposals::accepted_by(acting, &record, start, now)?;
        (MoveKind::Accept, moved, Some(appointment.declined(party, now)?))
    } else if party == Party::Client && check_at_once(&record, now).is_ok() {
        (MoveKind::AtOnce, hold_move(app, &record, &step, start, false, now).await?.moved, None)
    } else {
        let message = LongText::default();
        let held = proposals::hold_proposal(app, &record, &step, party, &[start], &message, now).await;
        let proposed = match held {
            Ok(held) => held.proposed,
            Err(AppError::Scheduling(SchedulingError::ProposedSlot { refusal, alternatives, .. })) => {
                return Err(SchedulingError::Slot { refusal, alternatives }.into());
            }
            Err(failure) => return Err(failure),
        };
        let other = if party == Party::Client { Party::Expert } else { Party::Client };
        (MoveKind::Propose, proposed.accepted(other, start, now)?, Some(proposed.declined(other, now)?))
    };
    let suspended = step.expert.is_suspended() && gains_by_suspension(actor, Party::Client);
    let at_once_until = check_at_once(&record, now).is_ok().then(|| appointment.reschedule_until());
    Ok(MoveQuote {
        how,
        at_once_until,
        price: moved.price,
        captured_by: record.payment.as_ref().and_then(|payment| payment.captured_by(&moved)),
        cancellation_now: cancelled(app, record.clone(), suspended, now).await?,
        cancellation_after_move: after(app, &record, moved, suspended, now).await?,
        cancellation_after_decline: match declined {
            Some(appointment) => {
                Some(cancelled(app, AppointmentRecord { appointment, ..record }, suspended, now).await?)
            }
            None => None,
        },
    })
}

/// The quote of a cancellation by the client.
async fn cancelled(
    app: &App,
    record: AppointmentRecord,
    suspended: bool,
    now: Timestamp,
) -> Result<CancellationQuote, AppError> {
    Ok(cancellation(app, &record, Party::Client, suspended, now).await?.quoted(Party::Client))
}

/// The quote of a cancellation right after a move.
async fn after(
    app: &App,
    record: &AppointmentRecord,
    moved: Appointment,
    suspended: bool,
    now: Timestamp,
) -> Result<CancellationQuote, AppError> {
    let payment = record
        .payment
        .clone()
        .map(|payment| with_final_charge(&moved, payment, FinalCharge::Granted(moved.price), now));
    let record = AppointmentRecord { appointment: moved, payment, ..record.clone() };
    cancelled(app, record, suspended, now).await
}
