//! Moves appointments to other starts, and quotes what a move means: how a session can be moved, and what a cancellation by the client
//! refunds before and after it.

use domain::experts::duration::SelectedSession;
use domain::experts::expert::Expert;
use domain::experts::members::Right;
use domain::experts::policy::ReschedulePrice;
use domain::kernel::text::LongText;
use domain::payments::payment::{FinalCharge, Payment};
use domain::scheduling::appointment::{Appointment, ChangeRefusal, Status};
use domain::scheduling::booking_limits::{Claim, ClientBookings};
use domain::scheduling::occupancy::{Occupancy, OccupancyChange, Request as HoldRequest};
use domain::scheduling::party::{ActingAs, Party};
use domain::scheduling::proposal::ProposalState;
use domain::scheduling::reliability::{Incident, IncidentKind};
use domain::{AppointmentId, Money, Timestamp};
use store::table::Consistency;
use store::{AppointmentRecord, Offer, Transaction, VersionedRules};

use crate::events::EventData;
use crate::identity::signed_in::Scope;
use crate::identity::{Actor, require_right_of};
use crate::payments::final_charge;
use crate::payments::refund_costs::{self};
use crate::scheduling::booking::{price_in, reclaim_and_put_occupancy};
use crate::scheduling::cancellation::{CancellationQuote, decide_cancellation, gains_by_suspension};
use crate::scheduling::error::SchedulingError;
use crate::scheduling::slots::{missing_offer, slot_refused};
use crate::scheduling::{capacity, client_bookings, proposals};
use crate::{App, AppError, Decision, IfMatch, check_version};

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
    let party = proposals::require_side(acting)?;
    let now = app.now();
    let appointment = &record.appointment;
    proposals::check_start(appointment, start, now).map_err(|must| AppError::invalid("/start", must))?;
    let context = MoveContext::of(app, appointment, acting).await?;
    let open = appointment.moves.proposal.as_ref();
    let open = open.filter(|open| open.by != party && open.state_at(now) == ProposalState::Open);
    let (how, moved, declined) = if open.and_then(|open| open.time_at(start)).is_some() {
        let (moved, _) = proposals::accept_as(acting, &record, start, now)?;
        (MoveKind::Accept, moved, Some(appointment.declined(party, now)?))
    } else if party == Party::Client && check_at_once(&record, now).is_ok() {
        (MoveKind::AtOnce, hold_move(app, &record, &context, start, false, now).await?.moved, None)
    } else {
        let message = LongText::default();
        let held = proposals::hold_proposal(app, &record, &context, party, &[start], &message, now).await;
        let proposed = match held {
            Ok(held) => held.proposed,
            Err(AppError::Scheduling(SchedulingError::ProposedSlot { refusal, alternatives, .. })) => {
                return Err(SchedulingError::Slot { refusal, alternatives }.into());
            }
            // The quote is of one start, where a proposal has a list.
            Err(AppError::Invalid(violations)) => return Err(violations.moved_to("/start").into()),
            Err(failure) => return Err(failure),
        };
        let other = if party == Party::Client { Party::Expert } else { Party::Client };
        (MoveKind::Propose, proposed.accepted(other, start, now)?, Some(proposed.declined(other, now)?))
    };
    let suspended = context.expert.is_suspended() && gains_by_suspension(actor, Party::Client);
    let at_once_until = check_at_once(&record, now).is_ok().then(|| appointment.reschedule_until());
    Ok(MoveQuote {
        how,
        at_once_until,
        price: moved.price,
        captured_by: record.payment.as_ref().and_then(|payment| payment.captured_by(&moved)),
        cancellation_now: cancellation_quote(app, record.clone(), suspended, now).await?,
        cancellation_after_move: cancellation_quote_after(app, &record, moved, suspended, now).await?,
        cancellation_after_decline: match declined {
            Some(appointment) => Some(
                cancellation_quote(app, AppointmentRecord { appointment, ..record }, suspended, now).await?,
            ),
            None => None,
        },
    })
}

/// The quote of a cancellation by the client.
async fn cancellation_quote(
    app: &App,
    record: AppointmentRecord,
    suspended: bool,
    now: Timestamp,
) -> Result<CancellationQuote, AppError> {
    Ok(decide_cancellation(app, &record, Party::Client, suspended, now).await?.into_quote(Party::Client))
}

/// The quote of a cancellation right after a move.
async fn cancellation_quote_after(
    app: &App,
    record: &AppointmentRecord,
    moved: Appointment,
    suspended: bool,
    now: Timestamp,
) -> Result<CancellationQuote, AppError> {
    let charge = FinalCharge::Granted(moved.price);
    let payment = record.payment.as_ref().map(|payment| payment.with_final_charge(&moved, charge, now));
    let record = AppointmentRecord { appointment: moved, payment, ..record.clone() };
    cancellation_quote(app, record, suspended, now).await
}

/// Moves an appointment to another slot of the same session type, at once. Only its client can, as long as its terms allow it. A move
/// to its current start changes nothing. `if_match` is the version that the person has read. It must not overlap another session of
/// the client unless `allow_overlap`.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`](super::appointments::read) or if the session type does not exist, [`AppError::Forbidden`] for the other side and for
/// administrators, [`AppError::VersionMismatch`] if the appointment has another version, [`SchedulingError::Change`] if the
/// appointment cannot be moved, [`SchedulingError::Slot`] if the other slot cannot be booked, [`SchedulingError::Overlap`] if another
/// session of the client overlaps it, [`SchedulingError::Limit`] if the client then has too many unpaid appointments or free seats,
/// [`AppError::Invalid`] if too many seats, [`SchedulingError::TooFarAhead`] if the payment cannot be held or refunded until then. In
/// all cases the appointment stays where it is.
pub async fn reschedule(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    if_match: IfMatch,
    start: Timestamp,
    allow_overlap: bool,
) -> Result<(AppointmentRecord, Party), AppError> {
    let now = app.now();
    let app = &app.taking_turns();
    app.transact("reschedule_appointment", || async {
        let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
        let party = check_mover(acting)?;
        if record.appointment.start == start && record.appointment.status == Status::Confirmed {
            return Ok(Decision::Unchanged((record, party)));
        }
        let version = record.appointment.version;
        check_version(if_match, version)?;
        match attempt_reschedule(app, record, acting, start, allow_overlap, now).await {
            // A concurrent request may have moved the appointment, and this one read only a part of that transaction.
            Err(AppError::Scheduling(SchedulingError::Slot { .. }))
                if app.store.appointment(id).await?.is_none_or(|current| current.version != version) =>
            {
                Err(AppError::version_conflict())
            }
            attempt => attempt,
        }
    })
    .await
}

/// Checks that a person may move an appointment at once: only its client may.
fn check_mover(acting: ActingAs) -> Result<Party, AppError> {
    match acting.party() {
        Party::Client => Ok(Party::Client),
        Party::Expert => {
            Err(AppError::Forbidden("only the client can move the appointment at once; propose other times"))
        }
        Party::Platform => Err(AppError::Forbidden(
            "an administrator cannot move an appointment; cancel it, which refunds everything",
        )),
    }
}

/// Checks whether the client may move an appointment at once.
///
/// # Errors
/// If its terms do not allow it, or it is not paid yet and was moved too often.
fn check_at_once(record: &AppointmentRecord, now: Timestamp) -> Result<(), ChangeRefusal> {
    record.appointment.check_reschedule(now)?;
    record.payment.as_ref().map_or(Ok(()), |payment| payment.check_reschedule(&record.appointment))
}

/// Checks that a session can be moved to an end, as far as its payment allows it.
///
/// # Errors
/// [`SchedulingError::TooFarAhead`] if the gateway could not hold or refund the payment until then.
pub(super) fn check_payment(
    record: &AppointmentRecord,
    end: Timestamp,
    now: Timestamp,
) -> Result<(), SchedulingError> {
    let Some(payment) = &record.payment else { return Ok(()) };
    Ok(payment.check_move(&record.movements, end, now)?)
}

/// What a move of an appointment depends on.
pub(super) struct MoveContext {
    /// The expert.
    pub(super) expert: Expert,
    /// The expert's availability rules.
    pub(super) rules: VersionedRules,
    /// The session to hold. It has the length of the appointment.
    pub(super) session: SelectedSession,
    /// What all seats cost now; the price of the appointment if they have no price, or if the person may not lower the price.
    pub(super) current_price: Money,
}

impl MoveContext {
    /// Reads what a move by a person depends on.
    ///
    /// # Errors
    /// If the session type or the availability rules do not exist.
    pub(super) async fn of(app: &App, appointment: &Appointment, acting: ActingAs) -> Result<Self, AppError> {
        let Appointment { expert, session_type, .. } = *appointment;
        let Some(Offer { expert: profile, rules, session_type: offered, .. }) =
            app.store.offer(expert, session_type, Consistency::Strong).await?
        else {
            return Err(missing_offer(app, expert, session_type).await);
        };
        // An appointment keeps its length, and it can be moved even after the expert has retired the session type, and while the
        // expert is not live.
        let minutes = u16::try_from(appointment.session_span().seconds() / 60).unwrap_or(u16::MAX);
        let mut session = offered.bookable_of_length(minutes, rules.rules.time_zone, app.now());
        session.status = domain::experts::session_type::SessionTypeStatus::Active;
        // An individual session stays individual, and a group booking keeps its seats, even if the capacity is lower now.
        session.terms.capacity = match appointment.group {
            false => 1,
            true => session.terms.capacity.max(appointment.seats).max(2),
        };
        // If its duration is no longer offered or has no price now, the old price stays; likewise if the new one would be too
        // large: a reschedule never costs more.
        let duration = offered.terms.durations.iter().find(|duration| duration.minutes == minutes);
        let current =
            duration.and_then(|duration| offered.terms.price(*duration, profile.profile.hourly_rate).ok());
        // A lower price is a refund, which not every member may give.
        let current = current.filter(|_| require_right_of(acting, Right::Money).is_ok());
        let current = current.and_then(|price| price.checked_mul(appointment.seats).ok());
        let current = match current.filter(|_| appointment.rescheduling.price == ReschedulePrice::Current) {
            // The client may have chosen to pay in another currency than that of the prices.
            Some(price) => match price_in(app, price, Some(appointment.price.currency())).await {
                Ok(price) => Some(price),
                Err(AppError::Invalid(_)) => None,
                Err(failure) => return Err(failure),
            },
            None => None,
        };
        let current_price = current.unwrap_or(appointment.price);
        Ok(Self { expert: profile, rules, session, current_price })
    }

    /// The request to hold a start for an appointment.
    pub(super) fn request(
        &self,
        appointment: &Appointment,
        start: Timestamp,
        hold_expires_at: Option<Timestamp>,
    ) -> HoldRequest {
        let Appointment { id, seats, .. } = *appointment;
        HoldRequest { appointment: id, session: self.session, start, seats, hold_expires_at }
    }
}

async fn attempt_reschedule(
    app: &App,
    record: AppointmentRecord,
    acting: ActingAs,
    start: Timestamp,
    allow_overlap: bool,
    now: Timestamp,
) -> Result<Decision<(AppointmentRecord, Party)>, AppError> {
    let party = acting.party();
    let appointment = &record.appointment;
    let context = MoveContext::of(app, appointment, acting).await?;
    let HeldMove { moved, change, bookings } =
        hold_move(app, &record, &context, start, allow_overlap, now).await?;
    let mut transaction = Transaction::new();
    transaction.put_appointment(&moved)?;
    let incident = Incident::of_change(IncidentKind::Move, &moved, party, now);
    app.record_incident(&mut transaction, appointment, &incident, now)?;
    if !allow_overlap {
        client_bookings::check_move(app, &bookings, &moved, now).await?;
    }
    let payment = put_move(app, &mut transaction, &context.expert, bookings, &moved, &record, now).await?;
    app.record_event(&mut transaction, acting, EventData::rescheduled(appointment, &moved), now)?;
    reclaim_and_put_occupancy(app, &mut transaction, moved.expert, &change, now).await?;
    let record = AppointmentRecord { appointment: moved, payment, ..record };
    Ok(Decision::Commit(transaction, (record, party)))
}

/// A move at once, with the new time held. Nothing is written yet.
struct HeldMove {
    /// The appointment at its new time.
    moved: Appointment,
    /// The change of the occupancy.
    change: OccupancyChange,
    /// What the client has booked.
    bookings: ClientBookings,
}

/// Moves an appointment for its client to another start, and holds that time instead of the old one. Nothing is written. `allow_overlap`
/// only decides which alternatives a refusal lists.
///
/// # Errors
/// [`SchedulingError::Change`] if the appointment cannot be moved at once, [`SchedulingError::Slot`] if the start cannot be booked,
/// [`SchedulingError::TooFarAhead`] if the payment cannot be held or refunded until then, [`SchedulingError::Limit`] if a free or
/// unpaid seat leaves other seats of the client, and they cannot have another such appointment, [`AppError::Invalid`] if they would
/// have too many seats of a group session that are not paid.
async fn hold_move(
    app: &App,
    record: &AppointmentRecord,
    context: &MoveContext,
    start: Timestamp,
    allow_overlap: bool,
    now: Timestamp,
) -> Result<HeldMove, AppError> {
    check_at_once(record, now)?;
    let appointment = &record.appointment;
    let expert = appointment.expert;
    let price = appointment.price_after_reschedule(context.current_price);
    let request = context.request(appointment, start, None);
    let rules = &context.rules.rules;
    let needed = Occupancy::span_for_booking(rules, &context.session, start, now);
    let (old, new) = tokio::join!(
        app.store.occupancy_of(appointment),
        app.store.occupancy(expert, needed, Consistency::Strong),
    );
    let occupancy = old?.union(new?);
    let group = occupancy.groups.get(&(appointment.session_type, start)).cloned();
    let held = match occupancy.move_hold(rules, appointment, &request, now) {
        Ok(held) => held,
        Err(refusal) => {
            let (old, client) = (Some(appointment), (!allow_overlap).then_some(appointment.client));
            return Err(slot_refused(app, expert, rules, old, client, &request, refusal).await);
        }
    };
    let moved = appointment.rescheduled(held.booked_time(), price, now)?;
    check_payment(record, moved.end, now)?;
    let mut bookings = app.store.client_bookings(moved.client).await?;
    client_bookings::check_separation(app, &mut bookings, &moved, now).await?;
    if let Some(group) = group {
        let claim = Claim::of_moved(&moved, record.payment.as_ref().map(Payment::progress));
        let (added, own) = ((moved.seats, claim), Some(moved.id));
        let checked =
            client_bookings::check_unpaid_seats(app, &mut bookings, &group, added, own, now).await?;
        checked.map_err(|must| AppError::invalid("/start", must))?;
    }
    Ok(HeldMove { moved, change: held.change, bookings })
}

/// Adds to the transaction what depends on the time and the price of a moved appointment. `bookings` is the row of its client, and
/// `record` the appointment before the move. Returns the changed payment.
pub(super) async fn put_move(
    app: &App,
    transaction: &mut Transaction,
    expert: &Expert,
    mut bookings: ClientBookings,
    moved: &Appointment,
    record: &AppointmentRecord,
    now: Timestamp,
) -> Result<Option<Payment>, AppError> {
    capacity::reschedule(app, transaction, expert, moved, now).await?;
    bookings.relocate(moved, record.payment.as_ref().map(Payment::progress), now);
    transaction.put_client_bookings(moved.client, &bookings)?;
    let AppointmentRecord { appointment, payment, movements, .. } = record;
    refund_costs::of_expert(app, appointment, payment.as_ref(), movements, moved.price, now)
        .await?
        .put(transaction)?;
    // The price may have changed. The payment job also needs the new time, because authorization, capture and completion depend
    // on it.
    let charge = FinalCharge::Granted(moved.price);
    final_charge::put(app, transaction, moved, payment.as_ref(), charge, now)
}
