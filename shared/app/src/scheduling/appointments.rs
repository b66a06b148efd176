//! Reads and changes appointments after the booking.

use domain::experts::duration::SelectedSession;
use domain::experts::expert::Expert;
use domain::experts::members::Right;
use domain::experts::policy::ReschedulePrice;
use domain::kernel::text::LongText;
use domain::payments::ledger::Totals;
use domain::payments::payment::{Escalation, Payment};
use domain::scheduling::appointment::{Appointment, ChangeRefusal, NoShowReport, Outcome, Status};
use domain::scheduling::booking_limits::ClientBookings;
use domain::scheduling::cancellation::Quote;
use domain::scheduling::occupancy::{Occupancy, OccupancyChange, Request as HoldRequest};
use domain::scheduling::party::{ActingAs, Party};
use domain::scheduling::reliability::{Incident, IncidentKind};
use domain::{AppointmentId, Money, TimeSpan, Timestamp};
use store::table::Consistency;
use store::{AppointmentOwner, AppointmentPage, AppointmentRecord, Offer, Transaction, VersionedRules};

use crate::events::{AmountChange, EventData};
use crate::identity::signed_in::{Role, Scope};
use crate::identity::{Actor, require_right_of};
use crate::payments::error::{PaymentsError, check_known};
use crate::payments::jobs::PaymentsJob;
use crate::payments::refund_costs::{self, CountedCosts};
use crate::payments::refunds::check_charge_increment;
use crate::scheduling::booking::{price_in, reclaim_and_put_occupancy};
use crate::scheduling::error::SchedulingError;
use crate::scheduling::slots::{missing_offer, slot_refused};
use crate::scheduling::{capacity, client_bookings};
use crate::{App, AppError, Decision, IfMatch, check_version};

/// The maximum number of appointments on one page.
pub const MAX_PAGE: u16 = 100;

/// An appointment with its payment and movements, and the side of the person who reads it.
///
/// # Errors
/// [`AppError::NotFound`] if it does not exist, or the person has no side in it (see [`Actor`]).
pub async fn read(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
) -> Result<(AppointmentRecord, Party), AppError> {
    let (record, acting) = actor.appointment_record(app, id, Scope::Read).await?;
    Ok((record, acting.party()))
}

/// The appointments of an expert or a client that start within a span, ordered by start. There are none for a person without the
/// role of an expert or a client.
///
/// # Errors
/// [`AppError::Forbidden`] if the person may not act for the expert or is not the client.
pub async fn list(
    app: &App,
    actor: &Actor,
    owner: AppointmentOwner,
    starts: TimeSpan,
    after: Option<&str>,
    limit: u16,
) -> Result<AppointmentPage, AppError> {
    let person = actor.require_person(Scope::Read)?;
    let has_role = match owner {
        AppointmentOwner::Expert(expert) if expert == person.expert_id() => person.has(Role::Expert),
        AppointmentOwner::Expert(expert) => {
            actor.require_right(app, expert, Right::Schedule, Scope::Read).await?;
            true
        }
        AppointmentOwner::Client(client) if client == person.client_id() => person.has(Role::Client),
        AppointmentOwner::Client(_) => {
            return Err(AppError::Forbidden("these are the appointments of another client"));
        }
    };
    if !has_role {
        return Ok(AppointmentPage { appointments: Vec::new(), unreadable: 0, next: None });
    }
    Ok(app.store.appointments(owner, starts, after, limit.clamp(1, MAX_PAGE)).await?)
}

/// What a cancellation would have as its consequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CancellationQuote {
    /// The refund and the charge.
    pub quote: Quote,
    /// What the expert would owe the platform for the processing of the refund; `None` unless the expert's side asks about its own
    /// cancellation.
    pub expert_owes: Option<Money>,
    /// Whether the cancellation would be an incident of the side that cancels.
    pub counts_as_late: bool,
}

/// What a cancellation by this person would have as its consequences now.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`], [`SchedulingError::Change`] and [`AppError::Forbidden`] if the person cannot cancel the
/// appointment now.
pub async fn quote(app: &App, actor: &Actor, id: AppointmentId) -> Result<CancellationQuote, AppError> {
    let (record, acting) = actor.appointment_record(app, id, Scope::Read).await?;
    let (party, now) = (acting.party(), app.now());
    cancelled_by(acting, &record.appointment, LongText::default(), now)?;
    let suspended = expert_is_suspended(app, actor, &record.appointment, party).await?;
    Ok(cancellation(app, &record, party, suspended, now).await?.quoted(party))
}

/// The appointment after somebody cancels it.
///
/// # Errors
/// [`SchedulingError::Change`] if it is no longer active or it is too late, [`AppError::Forbidden`] for a member who may not refund it.
fn cancelled_by(
    acting: ActingAs,
    appointment: &Appointment,
    reason: LongText,
    now: Timestamp,
) -> Result<Appointment, AppError> {
    let cancelled = appointment.cancel(acting.party(), reason, now)?;
    // After the start, the session may have taken place, and a cancellation by the expert refunds everything.
    if appointment.start <= now && !appointment.price.is_zero() {
        require_right_of(acting, Right::Money)?;
    }
    Ok(cancelled)
}

/// Whether somebody may cancel freely while the expert is suspended: a client may, except one who is an administrator, whatever the
/// scope of their token, because they could suspend the expert themself.
pub(super) fn gains_by_suspension(actor: &Actor, party: Party) -> bool {
    party == Party::Client && !matches!(actor, Actor::Person(person) if person.has(Role::Admin))
}

/// Whether a client cancels while the expert is suspended, as far as that counts for them. If the profile cannot be read, only the
/// suspension of the person counts.
async fn expert_is_suspended(
    app: &App,
    actor: &Actor,
    appointment: &Appointment,
    party: Party,
) -> Result<bool, AppError> {
    if !gains_by_suspension(actor, party) {
        return Ok(false);
    }
    match app.store.readable_expert(appointment.expert).await? {
        Some(expert) => Ok(expert.is_suspended()),
        None => Ok(app.store.suspension(appointment.expert.person()).await?.current().is_some()),
    }
}

/// A cancellation that is decided, but not written.
pub(super) struct Cancellation {
    /// The refund and the charge.
    quote: Quote,
    /// What the client would be charged if the expert had granted no refund before.
    charge_without_grants: Money,
    /// The counts that the refund changes.
    costs: CountedCosts,
    /// The incident of the side that cancels.
    late: Option<Incident>,
}

impl Cancellation {
    /// What a party reads about it before it cancels.
    pub(super) fn quoted(self, party: Party) -> CancellationQuote {
        let Self { quote, costs, late, .. } = self;
        let owes = costs.owed().unwrap_or(quote.refund.zero());
        CancellationQuote {
            quote,
            expert_owes: (party == Party::Expert).then_some(owes),
            counts_as_late: late.is_some(),
        }
    }
}

/// Decides a cancellation: the refund, the counts that it changes, and whether it is late. If the client has paid, the refund is at
/// most what the platform still holds, and smaller by the cost of processing it if the platform does not bear this cost. `suspended`
/// says whether a client cancels while the expert is suspended.
///
/// # Errors
/// [`AppError::Read`] if the table cannot be read.
pub(super) async fn cancellation(
    app: &App,
    record: &AppointmentRecord,
    party: Party,
    suspended: bool,
    now: Timestamp,
) -> Result<Cancellation, AppError> {
    let final_charge = record.payment.as_ref().and_then(|payment| payment.final_charge);
    let free = suspended.then(|| record.appointment.quote_while_expert_suspended()).flatten();
    let by_policy = free.unwrap_or_else(|| record.appointment.cancellation_quote(party, now));
    let quote = limited(by_policy.after(final_charge), record);
    let (quote, costs) = refund_costs::of_cancellation(app, record, quote, now).await?;
    let charge_without_grants =
        by_policy.final_charge.amount().saturating_add(quote.processing_cost.amount());
    let charge_without_grants =
        quote.final_charge.with_amount(charge_without_grants).unwrap_or(quote.final_charge);
    let late = app.settings.reliability.of_cancellation(&record.appointment, party, suspended, now);
    Ok(Cancellation { quote, charge_without_grants, costs, late })
}

/// A quote that refunds at most what the platform still holds, if the client has paid.
fn limited(quote: Quote, record: &AppointmentRecord) -> Quote {
    match Totals::of(&record.movements) {
        Totals { captured: 0, .. } => quote,
        totals => quote.limited_to_net_paid(totals.net_paid()),
    }
}

/// Cancels an appointment. Its cancellation policy determines the refund. If the same party cancels again, nothing changes.
///
/// `if_match` is the version that the person has read, and `expected` the refund that they have read in the quote.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`], [`AppError::VersionMismatch`] if the appointment has another version,
/// [`SchedulingError::Change`] if the appointment is no longer active or it is too late, [`AppError::Forbidden`] for a member who may
/// not refund a session that has begun, [`SchedulingError::QuoteChanged`] if the refund differs from `expected`, or, for a repeated
/// request, is less than `expected`. Without `expected`, it must not be reduced by the cost of its processing.
/// After an error nothing has changed.
pub async fn cancel(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    if_match: IfMatch,
    reason: LongText,
    expected: Option<Money>,
) -> Result<(AppointmentRecord, Party), AppError> {
    // The moment of the request decides the refund, however often the change meets others.
    let now = app.now();
    let app = &app.taking_turns();
    app.transact("cancel_appointment", || async {
        let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
        let party = acting.party();
        let appointment = &record.appointment;
        if matches!(&appointment.status, Status::Cancelled { cancelled_by, .. } if *cancelled_by == party) {
            // A cancellation decides the final charge. Without one, this read saw only a part of its transaction.
            if record.payment.as_ref().is_some_and(|payment| payment.final_charge.is_none()) {
                return Err(AppError::version_conflict());
            }
            let final_charge = record.payment.as_ref().map(|payment| payment.amount_due(&appointment.status));
            let refund = final_charge
                .map_or(appointment.price, |final_charge| appointment.price.saturating_sub(final_charge));
            // An earlier request of the same person has cancelled it with a smaller refund than this request expects.
            return match expected.filter(|expected| expected.amount() > refund.amount()) {
                Some(expected) => Err(SchedulingError::QuoteChanged { refund, expected }.into()),
                None => Ok(Decision::Unchanged((record, party))),
            };
        }
        check_version(if_match, appointment.version)?;
        let cancelled = cancelled_by(acting, appointment, reason.clone(), now)?;
        let suspended = expert_is_suspended(app, actor, appointment, party).await?;
        let Cancellation { quote, charge_without_grants, costs, late } =
            cancellation(app, &record, party, suspended, now).await?;
        // Nobody pays for the processing of a refund without having seen it.
        let expected = expected.unwrap_or(quote.refund_without_processing_cost());
        if expected != quote.refund {
            return Err(SchedulingError::QuoteChanged { refund: quote.refund, expected }.into());
        }
        let occupancy = app.store.occupancy_of(appointment).await?;
        let mut transaction = Transaction::new();
        transaction.put_appointment(&cancelled)?;
        if let Some(late) = late {
            app.record_incident(&mut transaction, appointment, &late, now)?;
        }
        transaction.put_occupancy(appointment.expert, &occupancy.release(appointment));
        costs.put(&mut transaction)?;
        let before = record.payment.clone();
        // If the expert has paid the processing fee, what the client pays of it is the expert's, less the commission.
        let processing_cost = Some(quote.processing_cost).filter(|cost| !cost.is_zero());
        let payment = record.payment.map(|payment| {
            let processing_cost = processing_cost.filter(|_| payment.gateway.platform_pays_fee());
            Payment { processing_cost, ..payment }
        });
        let charge = FinalCharge::Entitled(charge_without_grants);
        let payment = put_final_charge(app, &mut transaction, &cancelled, payment, charge, now)?;
        let charge = AmountChange::of_charge(before.as_ref(), payment.as_ref());
        app.record_event(&mut transaction, acting, EventData::cancelled(&cancelled, party, charge), now)?;
        let record = AppointmentRecord { appointment: cancelled, payment, ..record };
        Ok(Decision::Commit(transaction, (record, party)))
    })
    .await
}

/// A new final charge, and why the client is refunded the rest.
#[derive(Debug, Clone, Copy)]
pub(super) enum FinalCharge {
    /// The client is entitled to the refund, whether or not the expert can return their share of it.
    Entitled(Money),
    /// The expert grants the refund. It is made once the expert has returned their share of it.
    Granted(Money),
}

/// Adds to the transaction the payment with a new final charge, and the payment job, which captures or refunds accordingly. The
/// final charge never increases. The action deadline is limited to the start, and a no-show escalation is cleared unless the
/// report is disputed. Returns the changed payment.
///
/// # Errors
/// [`AppError::NewerRelease`] if the state of the payment is unknown.
fn put_final_charge(
    app: &App,
    transaction: &mut Transaction,
    appointment: &Appointment,
    payment: Option<Payment>,
    final_charge: FinalCharge,
    now: Timestamp,
) -> Result<Option<Payment>, AppError> {
    payment.as_ref().map_or(Ok(()), check_known)?;
    let payment = payment.map(|payment| with_final_charge(appointment, payment, final_charge, now));
    if let Some(payment) = &payment {
        transaction.put_payment(payment)?;
    }
    app.enqueue(transaction, PaymentsJob::Payment { appointment: appointment.id }, now)?;
    Ok(payment)
}

/// The next version of a payment, with a new final charge; see [`put_final_charge`].
pub(super) fn with_final_charge(
    appointment: &Appointment,
    payment: Payment,
    final_charge: FinalCharge,
    now: Timestamp,
) -> Payment {
    let is_undisputed = !appointment.no_show_report.is_some_and(NoShowReport::awaits_decision);
    let mut changed = Payment {
        version: payment.version + 1,
        // If the session moves to an earlier time, the client has to pay before it.
        action_deadline: payment.action_deadline.map(|deadline| deadline.min(appointment.start.max(now))),
        escalation: payment
            .escalation
            .filter(|escalation| !(is_undisputed && *escalation == Escalation::NoShowDisputed)),
        ..payment
    };
    match final_charge {
        FinalCharge::Entitled(charge) => changed.lower_charge(charge),
        FinalCharge::Granted(charge) => changed.grant_charge(charge),
    }
    changed
}

/// Moves an appointment to another slot of the same session type, at once. Only its client can, as long as its terms allow it. A move
/// to its current start changes nothing. `if_match` is the version that the person has read. It must not overlap another session of
/// the client unless `allow_overlap`.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`] or if the session type does not exist, [`AppError::Forbidden`] for the other side and for
/// administrators, [`AppError::VersionMismatch`] if the appointment has another version, [`SchedulingError::Change`] if the
/// appointment cannot be moved, [`SchedulingError::Slot`] if the other slot cannot be booked. In all cases the appointment stays
/// where it is.
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
pub(super) fn check_mover(acting: ActingAs) -> Result<Party, AppError> {
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
pub(super) fn check_at_once(record: &AppointmentRecord, now: Timestamp) -> Result<(), ChangeRefusal> {
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
pub(super) struct Move {
    /// The expert.
    pub(super) expert: Expert,
    /// The expert's availability rules.
    pub(super) rules: VersionedRules,
    /// The session to hold. It has the length of the appointment.
    pub(super) session: SelectedSession,
    /// What all seats cost now; the price of the appointment if they have no price, or if the person may not lower the price.
    pub(super) current_price: Money,
}

impl Move {
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
    let step = Move::of(app, appointment, acting).await?;
    let HeldMove { moved, change, bookings } =
        hold_move(app, &record, &step, start, allow_overlap, now).await?;
    let mut transaction = Transaction::new();
    transaction.put_appointment(&moved)?;
    let incident = Incident::of_change(IncidentKind::Move, &moved, party, now);
    app.record_incident(&mut transaction, appointment, &incident, now)?;
    if !allow_overlap {
        client_bookings::check_move(app, &bookings, &moved, now).await?;
    }
    let payment = put_move(app, &mut transaction, &step.expert, bookings, &moved, &record, now).await?;
    app.record_event(&mut transaction, acting, EventData::rescheduled(appointment, &moved), now)?;
    reclaim_and_put_occupancy(app, &mut transaction, moved.expert, &change, now).await?;
    let record = AppointmentRecord { appointment: moved, payment, ..record };
    Ok(Decision::Commit(transaction, (record, party)))
}

/// A move at once, with the new time held. Nothing is written yet.
pub(super) struct HeldMove {
    /// The appointment at its new time.
    pub(super) moved: Appointment,
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
/// have too many seats of a free session.
pub(super) async fn hold_move(
    app: &App,
    record: &AppointmentRecord,
    step: &Move,
    start: Timestamp,
    allow_overlap: bool,
    now: Timestamp,
) -> Result<HeldMove, AppError> {
    check_at_once(record, now)?;
    let appointment = &record.appointment;
    let expert = appointment.expert;
    let price = appointment.price_after_reschedule(step.current_price);
    let request = step.request(appointment, start, None);
    let rules = &step.rules.rules;
    let needed = Occupancy::span_for_booking(rules, &step.session, start, now);
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
    if let Some(group) = group.filter(|_| moved.price.is_zero()) {
        let checked = client_bookings::check_free_seats(app, &bookings, &group, moved.seats, Some(moved.id));
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
    let payment = payment.clone();
    // The price may have changed. The payment job also needs the new time, because authorization, capture and completion depend
    // on it.
    put_final_charge(app, transaction, moved, payment, FinalCharge::Granted(moved.price), now)
}

/// A report of how a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionReport {
    /// The session took place.
    Completed {
        /// What the client is charged, if that is less than the price.
        charge: Option<Money>,
    },
    /// One party did not attend.
    NoShow {
        /// The party that did not attend; `None` for the other party than the one that reports.
        missed_by: Option<Party>,
    },
}

impl SessionReport {
    /// Returns the outcome that this report of `party` states, and the requested charge.
    fn outcome(self, party: Party) -> (Outcome, Option<Money>) {
        match (self, party) {
            (Self::Completed { charge }, _) => (Outcome::Completed, charge),
            (Self::NoShow { missed_by: Some(missed_by) }, _) => (Outcome::NoShow { missed_by }, None),
            (Self::NoShow { missed_by: None }, Party::Client) => {
                (Outcome::NoShow { missed_by: Party::Expert }, None)
            }
            (Self::NoShow { missed_by: None }, Party::Expert | Party::Platform) => {
                (Outcome::NoShow { missed_by: Party::Client }, None)
            }
        }
    }
}

/// What reporting a no-show would refund, and whether it would take effect at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoShowQuote {
    /// The party that did not attend according to the report.
    pub missed_by: Party,
    /// What the client would get back, and why.
    pub quote: Quote,
    /// What the expert would owe the platform for the processing of the refund, once the report has taken effect; `None` unless the
    /// expert's side asks.
    pub expert_owes: Option<Money>,
    /// Whether the no-show would be an incident of the party that did not attend, once the report has taken effect.
    pub counts_as_no_show: bool,
    /// When the report would take effect.
    pub takes_effect: TakesEffect,
}

/// When the report of a no-show takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakesEffect {
    /// At once.
    AtOnce,
    /// If that party, or both parties in the case of a decision, do not object for
    /// [`OBJECTION_HOURS`](domain::scheduling::appointment::OBJECTION_HOURS) after the notification.
    AfterObjections,
    /// If an administrator decides so, because the report contradicts the other side's.
    ByDecision,
}

impl From<Option<NoShowReport>> for TakesEffect {
    fn from(report: Option<NoShowReport>) -> Self {
        match report {
            None | Some(NoShowReport::Decided) => Self::AtOnce,
            Some(NoShowReport::Reported | NoShowReport::Open { .. } | NoShowReport::Announced { .. }) => {
                Self::AfterObjections
            }
            Some(NoShowReport::Disputed | NoShowReport::Appealed) => Self::ByDecision,
        }
    }
}

/// What the report of this person that a party did not attend would refund, if it was sent now. Without `missed_by`, it is about the
/// other party.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`], [`SchedulingError::Change`] and [`AppError::Forbidden`] if the person cannot report this now.
pub async fn quote_no_show(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    missed_by: Option<Party>,
) -> Result<NoShowQuote, AppError> {
    let (record, acting) = actor.appointment_record(app, id, Scope::Read).await?;
    let party = acting.party();
    let (outcome, _) = SessionReport::NoShow { missed_by }.outcome(party);
    let Outcome::NoShow { missed_by } = outcome else {
        return Err(AppError::Forbidden("a completed session is no no-show"));
    };
    check_report(acting, outcome, None, record.appointment.price)?;
    let now = app.now();
    let ended = record.appointment.ended(outcome, None, party, now)?;
    let AppointmentRecord { appointment, payment, movements, .. } = &record;
    let final_charge = payment.as_ref().and_then(|payment| payment.final_charge);
    let quote = limited(appointment.no_show_quote(missed_by, final_charge), &record);
    let charge = quote.final_charge;
    let costs = refund_costs::of_expert(app, appointment, payment.as_ref(), movements, charge, now).await?;
    let takes_effect = ended.no_show_report.into();
    let in_effect = Appointment { status: outcome.status(), no_show_report: None, ..ended };
    Ok(NoShowQuote {
        missed_by,
        quote,
        expert_owes: (party == Party::Expert).then(|| costs.owed().unwrap_or(charge.zero())),
        counts_as_no_show: Incident::no_show(&in_effect).is_some(),
        takes_effect,
    })
}

/// Checks that somebody may report this outcome, with this charge, of a session with this price.
///
/// # Errors
/// [`AppError::Forbidden`] for a client who reports that the session took place, and for a member who gives money back without the
/// right to it.
fn check_report(
    acting: ActingAs,
    outcome: Outcome,
    charge: Option<Money>,
    price: Money,
) -> Result<(), AppError> {
    if acting.party() == Party::Client && outcome == Outcome::Completed {
        return Err(AppError::Forbidden("a client can only report that a session was missed"));
    }
    // A charge, or an expert's report that they did not attend, is a refund.
    let own_absence =
        acting.party() == Party::Expert && outcome == (Outcome::NoShow { missed_by: Party::Expert });
    if charge.is_some() || (own_absence && !price.is_zero()) {
        require_right_of(acting, Right::Money)?;
    }
    Ok(())
}

/// Records how a session ended: completed, or a no-show of one side. Recording the same outcome again changes nothing.
/// `if_match` is the version that the person has read.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`], [`AppError::VersionMismatch`] if the appointment has another version,
/// [`AppError::Forbidden`] for a client who reports that the session took place, and for a member who sends a charge
/// without the right to it, [`SchedulingError::Change`] if it is too early or too late or another outcome is recorded,
/// [`AppError::Invalid`] if the charge is more than the price, is not a multiple of the currency's smallest charge step, or is
/// given although an administrator decides it, [`PaymentsError::State`] if it is more than the final charge, or the outcome is
/// already recorded with another charge.
pub async fn end(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    if_match: IfMatch,
    report: SessionReport,
) -> Result<(AppointmentRecord, Party), AppError> {
    let now = app.now();
    app.transact("end_appointment", || async {
        let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
        let party = acting.party();
        let (outcome, charge) = report.outcome(party);
        let AppointmentRecord { appointment, payment, .. } = &record;
        let price = appointment.price;
        check_report(acting, outcome, charge, price)?;
        if let Some(charge) =
            charge.filter(|charge| charge.currency() != price.currency() || charge.amount() > price.amount())
        {
            let must = format!("must be at most the price, {price}; it is {charge}");
            return Err(AppError::invalid("/charge", must));
        }
        if let Some(charge) = charge {
            check_charge_increment("/charge", charge)?;
        }
        if appointment.has_reported(outcome, party) {
            let amount_due = match appointment.no_show_report {
                Some(NoShowReport::Announced { charge: Some(charge), .. }) => Some(charge),
                _ => payment.as_ref().map(|payment| payment.amount_due(&appointment.status)),
            };
            if charge.is_some_and(|charge| amount_due.is_some_and(|amount_due| amount_due != charge)) {
                return Err(PaymentsError::State(
                    "the session is already completed with another charge; refund a part instead".to_owned(),
                )
                .into());
            }
            return Ok(Decision::Unchanged((record, party)));
        }
        check_version(if_match, appointment.version)?;
        let ended: Appointment = appointment.ended(outcome, charge, party, now)?;
        let final_charge = match (ended.no_show_report, outcome) {
            (Some(report), _) if report.is_unresolved() && charge.is_some() && party != Party::Platform => {
                let must = "must be omitted: an administrator decides what the client is charged";
                return Err(AppError::invalid("/charge", must));
            }
            // The charge stays as it is until the report is resolved.
            (Some(report), _) if report.is_unresolved() => price,
            (_, Outcome::Completed) => charge.unwrap_or(price),
            (_, Outcome::NoShow { missed_by }) => appointment.no_show_quote(missed_by, None).final_charge,
        };
        let decided = payment.as_ref().and_then(|payment| payment.final_charge);
        if let Some((charge, decided)) =
            charge.zip(decided).filter(|(charge, decided)| charge.amount() > decided.amount())
        {
            return Err(PaymentsError::State(format!(
                "the final charge is {decided}; it cannot be raised to {charge}"
            ))
            .into());
        }
        let mut transaction = Transaction::new();
        transaction.put_appointment(&ended)?;
        let (missed_before, missed) = (Incident::no_show(appointment), Incident::no_show(&ended));
        if missed_before != missed {
            if let Some(incident) = missed_before {
                transaction.delete_incident(appointment, &incident);
            }
            if let Some(incident) = missed {
                app.record_incident(&mut transaction, appointment, &incident, now)?;
            }
        }
        // What an administrator takes off the charge of a session that took place counts for nobody.
        if party != Party::Platform || matches!(ended.status, Status::NoShow { .. }) {
            let AppointmentRecord { movements, .. } = &record;
            refund_costs::of_expert(app, appointment, payment.as_ref(), movements, final_charge, now)
                .await?
                .put(&mut transaction)?;
        }
        let before = record.payment.clone();
        let is_unresolved = ended.no_show_report.is_some_and(NoShowReport::is_unresolved);
        let final_charge = match (outcome, party) {
            _ if is_unresolved => FinalCharge::Granted(final_charge),
            (Outcome::Completed, Party::Expert) => FinalCharge::Granted(final_charge),
            _ => FinalCharge::Entitled(final_charge),
        };
        let payment = put_final_charge(app, &mut transaction, &ended, record.payment, final_charge, now)?;
        let charge = AmountChange::of_charge(before.as_ref(), payment.as_ref()).filter(|_| !is_unresolved);
        app.record_event(&mut transaction, acting, EventData::ended(&ended, charge), now)?;
        let record = AppointmentRecord { appointment: ended, payment, ..record };
        Ok(Decision::Commit(transaction, (record, party)))
    })
    .await
}

/// Records that the expert or the client objects to the report that they did not attend, or to the decision of an administrator. An
/// administrator then decides. A repeated objection changes nothing. `if_match` is the version that the person has read.
///
/// # Errors
/// [`AppError::NotFound`] as for [`read`], [`AppError::VersionMismatch`] if the appointment has another version,
/// [`SchedulingError::Change`] if there is nothing that this party can object to, or the period for objections is over.
pub async fn object(
    app: &App,
    actor: &Actor,
    id: AppointmentId,
    if_match: IfMatch,
) -> Result<(AppointmentRecord, Party), AppError> {
    let now = app.now();
    app.transact("object_to_no_show", || async {
        let (record, acting) = actor.appointment_record(app, id, Scope::Write).await?;
        let party = acting.party();
        let appointment = &record.appointment;
        if appointment.has_objected(party) {
            return Ok(Decision::Unchanged((record, party)));
        }
        check_version(if_match, appointment.version)?;
        let disputed = appointment.objected(party, now)?;
        let mut transaction = Transaction::new();
        transaction.put_appointment(&disputed)?;
        app.enqueue(&mut transaction, PaymentsJob::Payment { appointment: id }, now)?;
        app.record_event(&mut transaction, acting, EventData::ended(&disputed, None), now)?;
        let record = AppointmentRecord { appointment: disputed, ..record };
        Ok(Decision::Commit(transaction, (record, party)))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::signed_in::SignedInPerson;

    #[test]
    fn administrator_gains_nothing_by_a_suspension_whatever_the_scope_of_the_token() {
        let actor =
            |roles: &[Role], scopes: &[Scope]| Actor::Person(SignedInPerson::new(1, roles.to_vec(), scopes));
        assert!(gains_by_suspension(&actor(&[Role::Client], Scope::FULL), Party::Client));
        for scopes in [Scope::FULL, &[Scope::Write]] {
            assert!(!gains_by_suspension(&actor(&[Role::Client, Role::Admin], scopes), Party::Client));
        }
        assert!(!gains_by_suspension(&actor(&[Role::Expert], Scope::FULL), Party::Expert));
    }
}
