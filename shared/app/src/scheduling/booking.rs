//! Books a session: holds the slot and opens the payment. A session without a price is confirmed at once.

use std::net::IpAddr;

use domain::experts::availability::AvailabilityRules;
use domain::experts::duration::{NoPrice, SessionDuration};
use domain::experts::expert::Expert;
use domain::experts::session_type::{SessionType, SessionTypeStatus, SessionTypeTerms};
use domain::kernel::money::{Rate, Unchargeable};
use domain::kernel::time::{MINUTE, Month};
use domain::payments::account::{ExpertTerms, PaymentAccount, usable_gateways};
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::Movement;
use domain::payments::payment::{Payment, Plan, References, TooFarAhead};
use domain::payments::payout::PayoutTiming;
use domain::payments::refund_costs::RefundCosts;
use domain::scheduling::appointment::{Appointment, Attendee, Status};
use domain::scheduling::booking_limits::{Claim, ClientBooking, LimitReached, PaymentProgress};
use domain::scheduling::details::SessionDetails;
use domain::scheduling::occupancy::{
    Held, MAX_RECLAIMED, Occupancy, OccupancyChange, Refusal, Request as HoldRequest,
};
use domain::scheduling::party::ActingAs;
use domain::scheduling::proposal::Moves;
use domain::{AppointmentId, Currency, ExpertId, Money, SessionTypeId, Timestamp, Violations};
use store::idempotency::IdempotencyRecord;
use store::table::Consistency;
use store::{AppointmentRecord, CommitError, Offer, ReadError, RefundsOf, Transaction, VersionedDetails};

use crate::events::EventData;
use crate::experts::profiles::{check_public, read as read_expert};
use crate::idempotency::{Creation, IdempotentRequest, RequestStatus, release};
use crate::identity::Actor;
use crate::identity::signed_in::{Role, Scope, SignedInPerson};
use crate::payments::declines::{self, DeclineRefusal};
use crate::payments::error::{PaymentsError, check_known};
use crate::payments::exchange_rates::convert_for_charge;
use crate::payments::holds::{self, release_hold};
use crate::payments::jobs::PaymentsJob;
use crate::payments::payout_timing::payout_terms;
use crate::payments::ports::{GatewayError, Opened, PayWith};
use crate::payments::process::{buyer, fetch_payment};
use crate::payments::terms::{commission_rate, expert_terms};
use crate::scheduling::error::SchedulingError;
use crate::scheduling::slots::{missing_offer, select_duration, slot_refused};
use crate::scheduling::{capacity, client_bookings};
use crate::{App, AppError, Decision};

/// A request for a session.
#[derive(Debug, Clone)]
pub struct Booking {
    /// The expert to book.
    pub expert: ExpertId,
    /// The session type to book.
    pub session_type: SessionTypeId,
    /// The duration of the session; `None` if the session type has only one.
    pub duration_minutes: Option<u16>,
    /// The start of the session.
    pub start: Timestamp,
    /// The number of seats; 1 unless it is a group session.
    pub seats: u16,
    /// The person who attends.
    pub attendee: Attendee,
    /// The gateway through which the client pays; `None` for the first one that accepts payments for the expert.
    pub gateway: Option<GatewayKind>,
    /// What the client says about the session.
    pub details: SessionDetails,
    /// The currency in which the client pays, one of those that the session type lists; `None` for the currency of the price.
    pub pay_in: Option<Currency>,
    /// The price that the client expects for all seats; `None` for any price.
    pub expected_price: Option<Money>,
    /// Whether the session may overlap another session of the client.
    pub allow_overlap: bool,
    /// The network address that sends the request; `None` if it is not known, so that no limit of addresses applies.
    pub address: Option<IpAddr>,
    /// The token of a challenge that the client has solved, if the platform asked for one.
    pub challenge_token: Option<String>,
}

/// The result of a booking.
#[derive(Debug, Clone)]
pub struct Booked {
    /// The appointment: confirmed, or pending until it is paid.
    pub appointment: Appointment,
    /// The payment, and how the client pays; `None` if there is nothing to pay.
    pub payment: Option<(Payment, PayWith)>,
    /// What the client said about the session; `None` if this release cannot read it.
    pub details: Option<VersionedDetails>,
    /// The movements so far. There are some if the client has paid before this request was repeated.
    pub movements: Vec<Movement>,
}

/// Books a session for a client.
///
/// One transaction holds the slot; after it, the gateway opens the payment. If the gateway does not respond, the hold stays and
/// a repeated request continues there. If the gateway refuses permanently, the hold is released.
///
/// # Errors
/// - [`AppError::Forbidden`] if the person is not a client, or is suspended
/// - [`AppError::KeyReused`], [`AppError::StillRunning`]: see [`IdempotentRequest`]
/// - [`AppError::NotFound`] if the session type does not exist or the expert's profile is not public,
///   [`SchedulingError::NoHours`] if no hours are published
/// - [`AppError::Invalid`] if the duration, the number of seats, the currency or the list of guests is not possible
/// - [`SchedulingError::NotLive`] if the expert is suspended
/// - [`SchedulingError::NoPrice`] if the duration has no price now, or one that is too large for a new expert
/// - [`SchedulingError::Paused`] if the session has a price, and refunds of the expert have cost too much in this month
/// - [`SchedulingError::Limit`] if the client or their network address has reached a limit
/// - [`SchedulingError::Overlap`] if another session of the client overlaps this one, unless the request allows it
/// - [`SchedulingError::AtCapacity`] if the expert takes no further clients
/// - [`SchedulingError::Slot`] if the slot cannot be booked
/// - [`SchedulingError::PriceChanged`] if the price is not the expected one
/// - [`PaymentsError::Declined`] if the session has a price and the client, or their network address, had too many declined
///   attempts to pay, or must solve a challenge first
/// - [`SchedulingError::TooFarAhead`] if the gateway could not hold or refund the payment until the session, and saves no cards
/// - [`PaymentsError::NotReady`] if the session has a price and the expert cannot take payments
/// - [`PaymentsError::Gateway`] if the gateway did not open the payment
/// - [`SchedulingError::HoldEnded`] if the hold ended before the payment was opened
/// - [`AppError::Busy`], [`AppError::Read`], [`AppError::Commit`] if the table did not execute the request
pub async fn book(
    app: &App,
    actor: &Actor,
    request: &IdempotentRequest,
    booking: &Booking,
) -> Result<Creation<Booked>, AppError> {
    // Each attempt checks that they are not suspended.
    let person = actor.require_role(Role::Client, Scope::Write)?;
    let now = app.now();
    let digest = booking.address.map(|address| client_bookings::digest_of(address, now));
    let (address, token) = ((booking.address, digest.as_deref()), booking.challenge_token.as_deref());
    let (attempts, declines) = tokio::try_join!(
        client_bookings::count_attempt(app, digest.as_deref(), now),
        declines::check(app, person.client_id(), address, token),
    )?;
    let caller = Caller {
        actor,
        person,
        digest: digest.as_deref(),
        too_many_attempts: attempts.as_ref().err(),
        declined: declines.as_ref().err(),
    };
    let taking_turns = app.taking_turns();
    let attempt = Attempt { app: &taking_turns, caller, request, booking };
    let held = match taking_turns.transact("book_appointment", || attempt.run()).await? {
        Hold::Held(held) => *held,
        Hold::Replayed(response) => return Ok(Creation::Replayed(response)),
        // Others have their turn while the alternatives are looked for.
        Hold::NoSlot(no_slot) => {
            let NoSlot { rules, request, refusal } = *no_slot;
            let client = (!booking.allow_overlap).then_some(person.client_id());
            return Err(slot_refused(app, booking.expert, &rules, None, client, &request, refusal).await);
        }
    };
    let (AppointmentRecord { appointment, payment, movements, details }, idempotency) = held;
    let booked = match payment {
        None => Booked { appointment, payment: None, details, movements },
        Some(payment) => match open_payment(app, &appointment, payment).await {
            Ok(payment) => Booked { appointment, payment: Some(payment), details, movements },
            Err(failure) => {
                // A permanent refusal would be repeated, so the slot is freed for others.
                if let AppError::Payments(PaymentsError::Gateway(GatewayError::Refused { .. })) = failure
                    && let Err(error) = release_hold(app, &appointment).await
                {
                    tracing::warn!(%error, "the hold was not released; it stays until it expires");
                }
                release(app, idempotency).await;
                return Err(failure);
            }
        },
    };
    Ok(Creation::Created(booked, idempotency))
}

/// Who books, and what is known about them.
#[derive(Clone, Copy)]
struct Caller<'a> {
    actor: &'a Actor,
    person: &'a SignedInPerson,
    /// Stands for the network address of the request and the day; `None` if the address is not known.
    digest: Option<&'a str>,
    /// The limit of attempts that the network address has reached.
    too_many_attempts: Option<&'a LimitReached>,
    /// Why no payment can be opened, because of declined attempts to pay.
    declined: Option<&'a DeclineRefusal>,
}

/// The result of the first step of a booking.
enum Hold {
    /// The slot is held, or the appointment is confirmed if there is nothing to pay.
    Held(Box<(AppointmentRecord, IdempotencyRecord)>),
    /// The request was completed before; this was the response.
    Replayed(String),
    /// The slot cannot be held.
    NoSlot(Box<NoSlot>),
}

/// Why a slot cannot be held, and what is needed to look for alternatives.
struct NoSlot {
    rules: AvailabilityRules,
    request: HoldRequest,
    refusal: Refusal,
}

/// What the expert offers for this booking.
struct Agreement {
    duration: SessionDuration,
    /// The price of all seats, in the currency in which the client pays.
    price: Money,
    /// How the price is paid; `None` if it is zero.
    payment: Option<AgreedPayment>,
}

/// How the price of a booking is paid.
struct AgreedPayment {
    account: PaymentAccount,
    rate: Rate,
    payout_timing: PayoutTiming,
    pay_ahead_limit: Option<i64>,
    plan: Result<Plan, TooFarAhead>,
}

/// The transaction that holds the slot of a booking. It can be attempted several times.
struct Attempt<'a> {
    app: &'a App,
    caller: Caller<'a>,
    request: &'a IdempotentRequest,
    booking: &'a Booking,
}

impl Attempt<'_> {
    /// Reads what the booking depends on, and decides.
    async fn run(&self) -> Result<Decision<Hold>, AppError> {
        let Self { app, caller: Caller { actor, person, too_many_attempts, .. }, request, booking } = *self;
        let now = app.now();
        let client = person.client_id();
        let Booking { expert, session_type, start, seats, .. } = *booking;
        let (active, status, offer, terms, client_row, refund_costs) = tokio::join!(
            actor.require_active(app, Role::Client),
            request.status(app, person, now),
            app.store.offer(expert, session_type, Consistency::Strong),
            expert_terms(app, expert),
            app.store.client_bookings(client),
            app.store.refund_costs(Month::of(now), RefundsOf::Expert(expert), Consistency::Eventual),
        );
        active?;
        let stale_record = match status? {
            RequestStatus::Completed(response) => return Ok(Decision::Unchanged(Hold::Replayed(response))),
            RequestStatus::Interrupted(record) => return resume(app, record).await,
            RequestStatus::New(stale_record) => stale_record,
        };
        if let Some(limit) = too_many_attempts {
            return Err(SchedulingError::limit(limit.clone(), now).into());
        }
        let Some(Offer { expert: profile, rules, session_type: offered, accounts }) = offer? else {
            check_public(&read_expert(app, expert).await?)?;
            return Err(missing_offer(app, expert, session_type).await);
        };
        let agreed = self.agree(&profile, &offered, accounts, &terms?, refund_costs, now).await?;

        // A session that nobody has paid for must not begin.
        let hold_expires_at = now.plus(app.settings.hold_seconds).min(start);
        let (status, claim) = match &agreed.payment {
            None => (Status::Confirmed, Claim::Free),
            Some(payment) => {
                let saves_card = matches!(payment.plan, Ok(Plan::SaveCard));
                (Status::Pending { hold_expires_at }, Claim::Hold { expires_at: hold_expires_at, saves_card })
            }
        };
        let wanted = ClientBooking {
            expert,
            group: (offered.terms.capacity > 1).then_some(session_type),
            start,
            end: start.plus(i64::from(agreed.duration.minutes) * MINUTE),
            changed_at: now,
            claim,
        };
        let mut client_row = match client_bookings::check_limits(app, client_row?, &wanted, now).await {
            Ok(client_row) => client_row,
            Err(failure) => return self.refuse(Err(failure), now).await,
        };
        // If the expert is at capacity, a new client can book no slot, so they are not told why this one cannot be booked, nor of
        // alternatives.
        let admissions = capacity::check(app, &profile, client, now).await?;
        let id = app.new_appointment_id();
        let hold_request = HoldRequest {
            appointment: id,
            session: offered.bookable_of_length(agreed.duration.minutes, rules.rules.time_zone, now),
            start,
            seats,
            hold_expires_at: agreed.payment.is_some().then_some(hold_expires_at),
        };
        let needed = Occupancy::span_for_booking(&rules.rules, &hold_request.session, start, now);
        let occupancy = app.store.occupancy(expert, needed, Consistency::Strong).await?;
        let group = wanted.group.and_then(|group| occupancy.groups.get(&(group, start)));
        if let Some(group) = group {
            let added = (seats, claim);
            let checked =
                client_bookings::check_unpaid_seats(app, &mut client_row, group, added, None, now).await?;
            if let Err(must) = checked {
                return self.refuse(Err(AppError::invalid("/seats", must)), now).await;
            }
        }
        let held = match occupancy.hold(&rules.rules, &hold_request, now) {
            Ok(held) => held,
            Err(refusal) => {
                let no_slot = NoSlot { rules: rules.rules, request: hold_request, refusal };
                return self.refuse(Ok(Hold::NoSlot(Box::new(no_slot))), now).await;
            }
        };
        if !booking.allow_overlap
            && let Err(failure) =
                client_bookings::check_overlap(app, client, &client_row, &wanted, None, now).await
        {
            return self.refuse(Err(failure), now).await;
        }
        if let Some(expected) = booking.expected_price.filter(|expected| *expected != agreed.price) {
            return Err(SchedulingError::PriceChanged { price: agreed.price, expected }.into());
        }

        let appointment = self.appointment(id, &offered, agreed.price, &held, status, now);
        let payment = agreed.payment.map(|agreed| self.payment(&appointment, agreed)).transpose()?;
        let idempotency = request.record(person, id, now);
        let mut transaction = Transaction::new();
        capacity::admit(&mut transaction, admissions, &appointment, now)?;
        client_row.add(id, ClientBooking::of(&appointment, claim, now), now);
        transaction.put_client_bookings(client, &client_row)?;
        transaction.put_appointment(&appointment)?;
        let details = match booking.details.is_empty() {
            true => VersionedDetails::default(),
            false => VersionedDetails { version: 1, details: booking.details.clone() },
        };
        if details.version > 0 {
            transaction.put_details(id, &details)?;
        }
        transaction.put_idempotency_record(&idempotency, stale_record.as_ref())?;
        let payment_job = PaymentsJob::Payment { appointment: id };
        match &payment {
            Some(payment) => {
                transaction.put_payment(payment)?;
                app.enqueue(&mut transaction, payment_job, hold_expires_at)?;
            }
            None => {
                let confirmed = EventData::confirmed(&appointment);
                app.record_event(&mut transaction, ActingAs::Client, confirmed, now)?;
                app.enqueue(&mut transaction, payment_job, appointment.completes_at())?;
            }
        }
        reclaim_and_put_occupancy(app, &mut transaction, expert, &held.change, now).await?;
        let record =
            AppointmentRecord { appointment, payment, movements: Vec::new(), details: Some(details) };
        Ok(Decision::Commit(transaction, Hold::Held(Box::new((record, idempotency)))))
    }

    /// Determines what the session costs this client and how it is paid, or why it cannot be booked at any time.
    async fn agree(
        &self,
        profile: &Expert,
        offered: &SessionType,
        accounts: Vec<PaymentAccount>,
        terms: &ExpertTerms,
        refund_costs: Result<RefundCosts, ReadError>,
        now: Timestamp,
    ) -> Result<Agreement, AppError> {
        let Self { app, booking, .. } = self;
        check_public(profile)?;
        let hourly_rate = profile.profile.hourly_rate;
        let duration = check(booking, &offered.terms, hourly_rate, app.settings.booking_limits.seats)?;
        if !profile.is_bookable() {
            return Err(SchedulingError::NotLive.into());
        }
        if offered.status != SessionTypeStatus::Active {
            let (refusal, alternatives) = (Refusal::Retired, Vec::new());
            return Err(SchedulingError::Slot { refusal, alternatives }.into());
        }
        let price_of_seat = offered.terms.price(duration, hourly_rate).map_err(SchedulingError::NoPrice)?;
        let too_many_seats =
            |must: String| AppError::invalid("/seats", format!("times the price of a seat: {must}"));
        let price =
            price_of_seat.checked_mul(booking.seats).map_err(|error| too_many_seats(error.to_string()))?;
        price.check_price().map_err(|error| too_many_seats(error.to_string()))?;
        if !price.is_zero() {
            if !terms.established {
                let most = app.settings.new_expert_price;
                let no_price = |error: Unchargeable| NoPrice::NotChargeable(error.to_string());
                price_of_seat.check_at_most(most).map_err(no_price).map_err(SchedulingError::NoPrice)?;
                price.check_at_most(most).map_err(|error| too_many_seats(error.to_string()))?;
            }
            let budget = terms.refund_budget.unwrap_or(app.settings.refund_budgets.per_expert);
            if let Some(again_at) = refund_costs?.paused_until(budget, Month::of(now)) {
                return Err(SchedulingError::paused(again_at, now).into());
            }
        }
        let price = price_in(app, price, booking.pay_in).await?;
        if price.is_zero() {
            return Ok(Agreement { duration, price, payment: None });
        }
        let usable = usable_gateways(&accounts);
        let gateway =
            usable.into_iter().find(|usable| booking.gateway.is_none_or(|wanted| wanted == *usable));
        let account = accounts.into_iter().find(|account| Some(account.gateway) == gateway);
        let account = account.ok_or(PaymentsError::NotReady)?;
        if let Some(refusal) = self.caller.declined {
            return Err(PaymentsError::Declined(refusal.clone()).into());
        }
        let capabilities = app.gateways.get(account.gateway)?.charges.capabilities();
        let payout_timing = payout_terms(app, booking.expert, terms, capabilities).await?.timing;
        let end = booking.start.plus(i64::from(duration.minutes) * MINUTE);
        let payment = AgreedPayment {
            rate: commission_rate(app, terms),
            payout_timing,
            pay_ahead_limit: capabilities.pay_ahead_limit(payout_timing),
            plan: Plan::choose(offered.terms.collection, capabilities, payout_timing, end, now),
            account,
        };
        Ok(Agreement { duration, price, payment: Some(payment) })
    }

    /// The appointment of a slot that can be held.
    fn appointment(
        &self,
        id: AppointmentId,
        offered: &SessionType,
        price: Money,
        held: &Held,
        status: Status,
        now: Timestamp,
    ) -> Appointment {
        let Self { caller, booking, .. } = self;
        let session = &held.entry;
        Appointment {
            id,
            version: 1,
            expert: booking.expert,
            client: caller.person.client_id(),
            attendee: booking.attendee.clone(),
            session_type: offered.id,
            session_name: offered.terms.name.clone(),
            start: session.start,
            end: session.end,
            buffer_before_minutes: session.buffer_before_minutes,
            buffer_after_minutes: session.buffer_after_minutes,
            seats: booking.seats,
            group: held.group,
            price,
            created_at: now,
            reschedules: 0,
            cancellation: offered.terms.cancellation.clone(),
            rescheduling: offered.terms.rescheduling.clone(),
            no_show_report: None,
            moves: Moves::default(),
            status,
        }
    }

    /// The payment of an appointment whose slot can be held.
    fn payment(&self, appointment: &Appointment, agreed: AgreedPayment) -> Result<Payment, SchedulingError> {
        let AgreedPayment { account, rate, payout_timing, pay_ahead_limit, plan } = agreed;
        let destination = (account.gateway, account.account);
        let payment =
            Payment::agreed(appointment.id, appointment.price, rate, destination, payout_timing, plan?);
        let booked_from = self.caller.digest.map(str::to_owned);
        Ok(Payment { pay_ahead_limit, booked_from, ..payment })
    }

    /// The outcome of a request that a rule refuses. The same request may have run concurrently, and its booking may be the reason for
    /// the refusal; then it is continued or repeated.
    async fn refuse(
        &self,
        refusal: Result<Hold, AppError>,
        now: Timestamp,
    ) -> Result<Decision<Hold>, AppError> {
        match self.request.status(self.app, self.caller.person, now).await? {
            RequestStatus::Completed(response) => Ok(Decision::Unchanged(Hold::Replayed(response))),
            RequestStatus::Interrupted(record) => resume(self.app, record).await,
            RequestStatus::New(_) => refusal.map(Decision::Unchanged),
        }
    }
}

/// Checks what the session type and its prices alone decide about a request, and returns the selected duration.
///
/// # Errors
/// All violations of the request.
fn check(
    booking: &Booking,
    terms: &SessionTypeTerms,
    hourly_rate: Option<Money>,
    max_seats: u16,
) -> Result<SessionDuration, Violations> {
    let duration = select_duration(terms, booking.duration_minutes);
    let mut violations = duration.as_ref().err().cloned().unwrap_or_default();
    violations.check_range("/seats", booking.seats.into(), 1, terms.capacity.min(max_seats).into());
    violations.add_member("/details", booking.details.check());
    // Without a currency of the prices, there is no price.
    if let (Some(currency), Some(of_prices)) = (booking.pay_in, terms.currency(hourly_rate))
        && currency != of_prices
        && !terms.presentment_currencies.contains(&currency)
    {
        let code = of_prices.code();
        violations
            .add("/pay_in", format!("must be {code}, or one of the session type's presentment_currencies"));
    }
    violations.into_result()?;
    duration
}

/// Adds a change of the occupancy to a transaction, and expires the appointments whose holds it reclaims.
///
/// # Errors
/// A version conflict if the change reclaims more than [`MAX_RECLAIMED`] holds. That many are then already expired, in
/// transactions of their own, and the next attempt has fewer to reclaim. [`AppError::NewerRelease`] if a newer release has changed
/// the appointment of such a hold: its time may not be free. [`SchedulingError::Slot`] if the client of such a hold has paid.
pub(crate) async fn reclaim_and_put_occupancy(
    app: &App,
    transaction: &mut Transaction,
    expert: ExpertId,
    change: &OccupancyChange,
    now: Timestamp,
) -> Result<(), AppError> {
    if change.reclaimed.len() > MAX_RECLAIMED {
        for id in change.reclaimed.iter().take(MAX_RECLAIMED) {
            holds::expire(app, *id).await?;
        }
        return Err(AppError::version_conflict());
    }
    let reclaimed: Vec<AppointmentId> = change.reclaimed.iter().copied().collect();
    for (old, payment) in app.store.holds(&reclaimed).await? {
        let id = old.id;
        // The client has paid in time, and the payment job confirms the appointment next.
        if payment == PaymentProgress::Paid {
            let (refusal, alternatives) = (Refusal::Taken, Vec::new());
            return Err(SchedulingError::Slot { refusal, alternatives }.into());
        }
        if old.status == Status::Unknown {
            return Err(AppError::NewerRelease(
                "a newer release has changed an appointment at this time; try again later, or select another time",
            ));
        }
        // A hold that cannot expire has changed, and so have its occupancy rows. This transaction would fail.
        let expired = old.expire(now).map_err(|_| AppError::version_conflict())?;
        transaction.put_appointment(&expired)?;
        app.enqueue(transaction, PaymentsJob::Payment { appointment: id }, now)?;
        app.record_event(transaction, ActingAs::Platform, EventData::expired(&expired), now)?;
    }
    transaction.put_occupancy(expert, change);
    Ok(())
}

/// Continues a request that stopped after it had held the slot.
async fn resume(app: &App, idempotency: IdempotencyRecord) -> Result<Decision<Hold>, AppError> {
    let id: AppointmentId = idempotency.subject.parse().map_err(|_| AppError::NotFound("appointment"))?;
    let record = app.store.appointment_record(id).await?.ok_or(AppError::NotFound("appointment"))?;
    Ok(Decision::Unchanged(Hold::Held(Box::new((record, idempotency)))))
}

/// Opens the payment of a hold at the gateway and stores the gateway's ids. Repeating it returns the same intent.
///
/// # Errors
/// [`SchedulingError::HoldEnded`] if the hold has ended, [`PaymentsError::Gateway`] if the gateway did not open the payment,
/// [`SchedulingError::Change`] or [`AppError::NewerRelease`] if a newer release has changed the appointment or the payment.
async fn open_payment(
    app: &App,
    appointment: &Appointment,
    payment: Payment,
) -> Result<(Payment, PayWith), AppError> {
    appointment.check_known()?;
    check_known(&payment)?;
    match appointment.status {
        Status::Pending { hold_expires_at } if hold_expires_at > app.now() => {}
        // The first request stopped after the hold, and this one continues it too late.
        Status::Pending { .. } | Status::Expired | Status::Cancelled { .. } | Status::Unknown => {
            return Err(SchedulingError::HoldEnded.into());
        }
        Status::Confirmed | Status::Completed | Status::NoShow { .. } => {}
    }
    if payment.references != References::default() {
        let pay_with = fetch_payment(app, &payment).await?.pay_with;
        return Ok((payment, pay_with));
    }
    let Opened { references, pay_with } =
        app.gateways.get(payment.gateway)?.charges.open(&payment, &buyer(app, appointment)).await?;
    let payment = Payment { version: payment.version + 1, references, ..payment };
    let mut transaction = Transaction::new();
    transaction.put_payment(&payment)?;
    match app.commit(transaction).await {
        Ok(()) => Ok((payment, pay_with)),
        // The same request ran concurrently, or the hold ended meanwhile. In the second case the client does not get the data
        // that is needed to pay, so the intent cannot be paid.
        Err(AppError::Commit(CommitError::VersionConflict(_))) => {
            match app.store.payment(appointment.id).await? {
                Some(stored) if stored.references == payment.references => Ok((stored, pay_with)),
                _ => Err(SchedulingError::HoldEnded.into()),
            }
        }
        Err(failure) => Err(failure),
    }
}

/// A price in the currency in which the client pays.
///
/// # Errors
/// [`AppError::Invalid`] for `pay_in` if it cannot be converted or charged.
pub(super) async fn price_in(app: &App, price: Money, pay_in: Option<Currency>) -> Result<Money, AppError> {
    let Some(currency) = pay_in.filter(|currency| *currency != price.currency()) else { return Ok(price) };
    if price.is_zero() {
        return Ok(Money::saturating(0, currency));
    }
    let converted = convert_for_charge(app, &Actor::Platform, price, currency, app.now()).await?;
    converted.to_charge().map_err(|error| AppError::invalid("/pay_in", error.to_string()))
}
