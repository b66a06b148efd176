//! The experts, clients and administrator of a simulation, and the requests they send.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use app::experts::profiles;
use app::experts::session_types;
use app::idempotency::{Creation, IdempotentRequest, complete};
use app::identity::Actor;
use app::identity::signed_in::{Role, Scope, SignedInPerson};
use app::identity::suspension;
use app::payments::accounts;
use app::payments::checkout;
use app::payments::error::PaymentsError;
use app::payments::escalations;
use app::payments::exchange_rates;
use app::payments::exchange_rates::RefreshError;
use app::payments::ports::GatewayError;
use app::payments::ports::PayWith;
use app::payments::refunds;
use app::payments::terms;
use app::scheduling::booking;
use app::scheduling::booking::{Booked, Booking};
use app::scheduling::error::SchedulingError;
use app::scheduling::session_reports::{self, SessionReport};
use app::scheduling::slots::SlotList;
use app::scheduling::{appointments, cancellation, moves, proposals, slots};
use app::{App, AppError};
use domain::experts::availability::AvailabilityRules;
use domain::experts::expert::{Expert, ExpertProfile};
use domain::experts::session_type::SessionTypeTerms;
use domain::kernel::text::LongText;
use domain::payments::account::ExpertTerms;
use domain::payments::gateway::GatewayKind;
use domain::payments::payment::Escalation;
use domain::scheduling::appointment::{Attendee, Outcome};
use domain::scheduling::details::SessionDetails;
use domain::scheduling::party::Party;
use domain::scheduling::slots::EmptyReason;
use domain::{AppointmentId, Currency, ExpertId, Money, PersonId, Rate, SessionTypeId, TimeSpan, Timestamp};

use crate::core::{Core, Ended, Start};
use crate::random::Rng;

/// The time limit of functions that serve requests, in milliseconds.
const TIME_LIMIT: i64 = 10_000;
/// The time limit of the function that books, in milliseconds.
const TIME_LIMIT_OF_BOOKING: i64 = 29_000;
/// How often an actor retries a request without a definite response.
const MAX_ATTEMPTS: u32 = 6;

/// A request to the platform.
#[derive(Debug, Clone)]
pub enum Command {
    /// Books a session.
    Book {
        /// The expert to book.
        expert: ExpertId,
        /// The session type to book.
        session_type: SessionTypeId,
        /// The duration in minutes; `None` if the session type has only one.
        duration: Option<u16>,
        /// The start of the session.
        start: Timestamp,
        /// The number of seats.
        seats: u16,
        /// The currency to pay in, if it differs from the currency of the price.
        pay_in: Option<Currency>,
        /// The idempotency key.
        key: String,
    },
    /// Cancels an appointment.
    Cancel(AppointmentId),
    /// Cancels an appointment for the quoted charge.
    CancelAsQuoted(AppointmentId),
    /// Reschedules an appointment.
    Reschedule(AppointmentId, Timestamp),
    /// Proposes other starts.
    Propose(AppointmentId, Vec<Timestamp>),
    /// Accepts the proposed start at a place, counted from 0 and modulo the number of starts.
    AcceptProposal(AppointmentId, usize),
    /// Declines a proposal.
    DeclineProposal(AppointmentId),
    /// Withdraws a proposal.
    WithdrawProposal(AppointmentId),
    /// Reports how a session ended, and optionally a lower charge.
    EndSession(AppointmentId, Outcome, Option<Money>),
    /// Objects to the report of a no-show.
    Object(AppointmentId),
    /// Refunds an amount under an idempotency key.
    Refund(AppointmentId, Money, String),
    /// Resolves an escalated payment.
    ResolveEscalation(AppointmentId, Resolution),
    /// Reads how to pay for an appointment.
    ReadPayment(AppointmentId),
    /// Lists the slots of a duration in a range.
    ListSlots(ExpertId, SessionTypeId, Option<u16>, TimeSpan),
    /// Updates the terms of a session type.
    ReplaceSessionType(SessionTypeId, Box<SessionTypeTerms>),
    /// Changes or removes the hourly rate.
    SetHourlyRate(Option<Money>),
    /// Retires a session type.
    RetireSessionType(SessionTypeId),
    /// Replaces the availability rules.
    ReplaceAvailability(Box<AvailabilityRules>),
    /// Opens an account at the gateway.
    StartOnboarding,
    /// Reads the expert's account at the gateway.
    ReadPaymentAccount,
    /// Sets the platform's commission for an expert.
    SetExpertTerms(ExpertId, Option<Rate>),
    /// Compares the ledger with the gateway's books.
    Reconcile,
    /// Fetches the exchange rates.
    FetchExchangeRates,
    /// Lifts the suspension of a person.
    LiftSuspension(PersonId),
}

/// The relevant part of a response.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// The appointment.
    pub appointment: Option<AppointmentId>,
    /// The client secret to pay with.
    pub secret: Option<String>,
    /// The number of differences between the ledger and the books.
    pub differences: usize,
    /// The quoted charge of a cancellation.
    pub final_charge: Option<u64>,
    /// The starts of the listed slots.
    pub starts: Vec<Timestamp>,
    /// Why no slots are listed.
    pub empty_reason: Option<EmptyReason>,
}

/// A request that an actor sends.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The actor.
    pub person: SignedInPerson,
    /// The request.
    pub command: Command,
    /// The number of earlier attempts.
    pub attempts: u32,
}

/// An expert and what they offer.
#[derive(Debug, Clone)]
pub struct SimExpert {
    /// The expert.
    pub person: SignedInPerson,
    /// Their session types.
    pub types: Vec<(SessionTypeId, SessionTypeTerms)>,
    /// Their availability rules.
    pub rules: AvailabilityRules,
    /// Their mentorship capacity, if it is limited.
    pub capacity: Option<u16>,
}

/// The actors and what they know.
#[derive(Debug)]
pub struct Actors {
    /// Draws what the actors do.
    pub rng: Rng,
    /// The experts.
    pub experts: Vec<SimExpert>,
    /// The clients.
    pub clients: Vec<SignedInPerson>,
    /// The administrator.
    pub admin: SignedInPerson,
    /// The currency of prices.
    pub currency: Currency,
    /// The client secrets of appointments that may still be payable.
    pub secrets: Vec<(AppointmentId, String)>,
    /// Requests without a definite response.
    pub to_retry: Vec<Submission>,
    /// The charges that experts requested for completed sessions, in minor units.
    pub requested_charges: BTreeMap<AppointmentId, Vec<u64>>,
    /// Appointments that clients asked to move at once.
    pub moved_by_clients: BTreeSet<AppointmentId>,
    /// Appointments whose clients reported their own absence.
    pub admitted: BTreeSet<AppointmentId>,
    /// Appointments for which an expert accepted what the client proposed. Their times may overlap other sessions of the client.
    pub moved_by_proposal: BTreeSet<AppointmentId>,
    /// The charges that actors were promised, in minor units.
    pub promised_charges: Vec<(AppointmentId, u64)>,
    /// All appointments.
    pub appointments: Vec<(AppointmentId, ExpertId, domain::ClientId)>,
    keys: u64,
}

impl Actors {
    /// Creates the actors of an empty simulation.
    pub fn new(rng: Rng) -> Self {
        Self {
            rng,
            experts: Vec::new(),
            clients: Vec::new(),
            admin: SignedInPerson::new(u128::MAX - 1, vec![Role::Admin], Scope::FULL),
            currency: Currency::EUR,
            secrets: Vec::new(),
            to_retry: Vec::new(),
            requested_charges: BTreeMap::new(),
            admitted: BTreeSet::new(),
            moved_by_proposal: BTreeSet::new(),
            promised_charges: Vec::new(),
            moved_by_clients: BTreeSet::new(),
            appointments: Vec::new(),
            keys: 0,
        }
    }

    /// Returns a new idempotency key.
    pub fn key(&mut self) -> String {
        self.keys += 1;
        format!("key-{}", self.keys)
    }

    /// Finds a client.
    pub fn client(&self, id: domain::ClientId) -> Option<&SignedInPerson> {
        self.clients.iter().find(|person| person.client_id() == id)
    }

    /// Updates the known terms of a session type.
    fn offers(&mut self, expert: ExpertId, id: SessionTypeId, terms: SessionTypeTerms) {
        let expert = self.experts.iter_mut().find(|one| one.person.expert_id() == expert);
        let offer = expert.and_then(|expert| expert.types.iter_mut().find(|(one, _)| *one == id));
        if let Some((_, before)) = offer {
            *before = terms;
        }
    }

    /// Finds an expert.
    pub fn expert(&self, id: ExpertId) -> Option<&SimExpert> {
        self.experts.iter().find(|expert| expert.person.expert_id() == id)
    }
}

/// Whether a client allows sessions at the same time. Every other one does.
pub fn allows_overlap(client: domain::ClientId) -> bool {
    client
        .to_string()
        .ends_with(['0', '2', '4', '6', '8', 'a', 'c', 'e', 'g', 'j', 'm', 'p', 'r', 't', 'w', 'y'])
}

/// The details of an attendee.
pub fn attendee() -> Option<Attendee> {
    Some(Attendee {
        name: "Alan".to_owned().try_into().ok()?,
        email: "alan@example.org".to_owned().try_into().ok()?,
        time_zone: domain::Zone::UTC,
        note: LongText::default(),
    })
}

/// What clients say about their sessions.
fn details() -> Option<SessionDetails> {
    let topic = Some("Engines".to_owned().try_into().ok()?);
    Some(SessionDetails { topic, ..SessionDetails::default() })
}

fn request(key: &str, body: String) -> IdempotentRequest {
    IdempotentRequest { key: key.to_owned(), fingerprint: body }
}

/// Runs the use case of a request, as its function does.
pub async fn execute(app: &App, asked: &Submission) -> Result<Reply, AppError> {
    let Submission { person, command, .. } = asked;
    let subject = |id: AppointmentId| Reply { appointment: Some(id), ..Reply::default() };
    let (actor, own) = (&Actor::Person(person.clone()), person.expert_id());
    match command {
        Command::Book { expert, session_type, duration, start, seats, pay_in, key } => {
            let attendee = attendee().ok_or(AppError::NotFound("attendee"))?;
            let wanted = Booking {
                expert: *expert,
                session_type: *session_type,
                duration_minutes: *duration,
                start: *start,
                seats: *seats,
                attendee,
                details: details().ok_or(AppError::NotFound("details"))?,
                gateway: None,
                pay_in: *pay_in,
                expected_price: None,
                allow_overlap: allows_overlap(person.client_id()),
                address: None,
                challenge_token: None,
            };
            let body = format!("{expert} {session_type} {duration:?} {start} {seats} {pay_in:?}");
            match booking::book(app, actor, &request(key, body), &wanted).await? {
                Creation::Replayed(answer) => Ok(read(&answer)),
                Creation::Created(Booked { appointment, payment, .. }, idempotency) => {
                    let secret = match payment {
                        Some((_, PayWith::ClientSecret(secret))) => secret,
                        _ => String::new(),
                    };
                    let answer = format!("{} {secret}", appointment.id);
                    complete(app, actor, idempotency, answer.clone()).await;
                    Ok(read(&answer))
                }
            }
        }
        Command::Cancel(id) => change(app, actor, *id, Change::Cancel(None)).await,
        Command::CancelAsQuoted(id) => {
            let quote = cancellation::quote(app, actor, *id).await?.quote;
            let cancelled = change(app, actor, *id, Change::Cancel(Some(quote.refund))).await?;
            Ok(Reply { final_charge: Some(quote.final_charge.amount()), ..cancelled })
        }
        Command::Reschedule(id, start) => change(app, actor, *id, Change::Reschedule(*start)).await,
        Command::Propose(id, starts) => change(app, actor, *id, Change::Propose(starts.clone())).await,
        Command::AcceptProposal(id, place) => change(app, actor, *id, Change::Accept(*place)).await,
        Command::DeclineProposal(id) => change(app, actor, *id, Change::Decline).await,
        Command::WithdrawProposal(id) => change(app, actor, *id, Change::Withdraw).await,
        Command::EndSession(id, outcome, charge) => {
            let report = match *outcome {
                Outcome::Completed => SessionReport::Completed { charge: *charge },
                Outcome::NoShow { missed_by } => SessionReport::NoShow { missed_by: Some(missed_by) },
            };
            change(app, actor, *id, Change::End(report)).await
        }
        Command::Object(id) => change(app, actor, *id, Change::Object).await,
        Command::Refund(id, amount, key) => {
            let body = format!("{id} {amount}");
            match refunds::refund(app, actor, &request(key, body), *id, *amount).await? {
                Creation::Replayed(_) => {}
                Creation::Created(_, idempotency) => complete(app, actor, idempotency, id.to_string()).await,
            }
            Ok(subject(*id))
        }
        Command::ResolveEscalation(id, decision) => {
            let decision = match decision {
                Resolution::TryAgain => escalations::Resolution::TryAgain,
                Resolution::ResolvedManually => {
                    escalations::Resolution::ResolvedManually(shown(app, *id).await?)
                }
            };
            escalations::resolve(app, actor, *id, decision).await.map(|_| subject(*id))
        }
        Command::ReadPayment(id) => {
            let secret = match checkout::pay_with(app, actor, *id).await? {
                (_, _, PayWith::ClientSecret(secret)) => Some(secret),
                _ => None,
            };
            Ok(Reply { secret, ..subject(*id) })
        }
        Command::ListSlots(expert, session_type, duration, range) => {
            let SlotList { slots, empty_reason, .. } =
                slots::list(app, actor, *expert, *session_type, *duration, *range).await?;
            let starts = slots.iter().map(|slot| slot.start).collect();
            Ok(Reply { starts, empty_reason, ..Reply::default() })
        }
        Command::ReplaceSessionType(id, terms) => {
            let version = session_types::read(app, actor, own, *id).await?.session_type.version;
            let terms = SessionTypeTerms::clone(terms);
            session_types::replace(app, actor, own, *id, version.into(), terms)
                .await
                .map(|_| Reply::default())
        }
        Command::SetHourlyRate(hourly_rate) => {
            let Expert { version, profile, .. } = profiles::read_own(app, actor, own).await?;
            let profile = ExpertProfile { hourly_rate: *hourly_rate, ..profile };
            profiles::replace(app, actor, own, version.into(), profile, None).await.map(|_| Reply::default())
        }
        Command::RetireSessionType(id) => {
            let version = session_types::read(app, actor, own, *id).await?.session_type.version;
            session_types::retire(app, actor, own, *id, version.into()).await.map(|_| Reply::default())
        }
        Command::ReplaceAvailability(rules) => {
            let version = profiles::rules(app, actor, own).await?.version;
            let rules = AvailabilityRules::clone(rules);
            profiles::replace_rules(app, actor, own, version.into(), rules).await.map(|_| Reply::default())
        }
        Command::LiftSuspension(person) => {
            let version = suspension::read(app, actor, *person).await?.version;
            let reason = "A mistake".to_owned().try_into().map_err(|_| AppError::NotFound("reason"))?;
            suspension::change(app, actor, *person, version.into(), false, reason)
                .await
                .map(|_| Reply::default())
        }
        Command::StartOnboarding => {
            accounts::start_onboarding(app, actor, own, GatewayKind::Stripe).await.map(|_| Reply::default())
        }
        Command::ReadPaymentAccount => {
            accounts::read_account(app, actor, own, GatewayKind::Stripe).await.map(|_| Reply::default())
        }
        Command::SetExpertTerms(expert, rate) => {
            let version = terms::read_expert_terms(app, actor, *expert).await?.version;
            let terms = ExpertTerms {
                version,
                rate: *rate,
                payout_timing: None,
                established: false,
                refund_budget: None,
            };
            terms::set_expert_terms(app, actor, *expert, version.into(), terms)
                .await
                .map(|_| Reply::default())
        }
        Command::Reconcile => {
            let found = app::payments::reconciliation::reconcile(app, &Actor::Platform).await?;
            Ok(Reply { differences: found.differences, ..Reply::default() })
        }
        Command::FetchExchangeRates => match exchange_rates::refresh(app, &Actor::Platform).await {
            Ok(_) => Ok(Reply::default()),
            Err(RefreshError::App(error)) => Err(error),
            Err(RefreshError::Source(error)) => Err(AppError::Port("the source of exchange rates", error)),
            Err(RefreshError::Implausible(why)) => panic!("the rates of the model are refused: {why}"),
        },
    }
}

fn read(answer: &str) -> Reply {
    let (id, secret) = answer.split_once(' ').unwrap_or((answer, ""));
    let secret = Some(secret.to_owned()).filter(|secret| !secret.is_empty());
    Reply { appointment: id.parse().ok(), secret, ..Reply::default() }
}

/// The response to a request: `None` while it runs, and `Some(None)` if no response arrives.
pub type PendingReply = Arc<Mutex<Option<Option<Result<Reply, AppError>>>>>;

/// Sends a request to the platform.
pub fn submit(core: &mut Core, asked: Submission) -> PendingReply {
    core.steps += 1;
    if let Command::EndSession(id, _, Some(charge)) = &asked.command {
        core.actors.requested_charges.entry(*id).or_default().push(charge.amount());
    }
    if let Command::EndSession(id, Outcome::NoShow { missed_by: Party::Client }, _) = &asked.command
        && core.actors.client(asked.person.client_id()).is_some()
    {
        core.actors.admitted.insert(*id);
    }
    if let Command::Reschedule(id, _) = &asked.command
        && core.actors.client(asked.person.client_id()).is_some()
    {
        core.actors.moved_by_clients.insert(*id);
    }
    if let Command::AcceptProposal(id, _) = &asked.command
        && core.actors.client(asked.person.client_id()).is_none()
    {
        core.actors.moved_by_proposal.insert(*id);
    }
    let outcome: PendingReply = Arc::default();
    let answer: Arc<Mutex<Option<Result<Reply, AppError>>>> = Arc::default();
    let (slot, pending, wanted) = (answer.clone(), outcome.clone(), asked.clone());
    let begun = core.now;
    let limit = match asked.command {
        Command::Reconcile => 300_000,
        Command::Book { .. } => TIME_LIMIT_OF_BOOKING,
        _ => TIME_LIMIT,
    };
    let name = if core.trace.is_some() { format!("{:?}", asked.command) } else { String::new() };
    core.starts.push(Start {
        name,
        limit,
        body: Box::new(move |app| {
            Box::pin(async move {
                let done = execute(&app, &wanted).await;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
            })
        }),
        on_end: Box::new(move |core, ended| {
            let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
            let response_lost = ended == Ended::Dead
                || core.injected_fault.is_none() && core.rng.happens(core.faults.abandoned_request);
            let answer = answer.filter(|_| !response_lost);
            receive_reply(core, asked, answer.as_ref(), begun);
            *pending.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        }),
    });
    outcome
}

/// Handles a response, or its absence.
fn receive_reply(core: &mut Core, asked: Submission, answer: Option<&Result<Reply, AppError>>, begun: i64) {
    if core.trace.is_some() {
        let line = match answer {
            None => "no response".to_owned(),
            Some(Ok(reply)) => format!("answered {reply:?}"),
            Some(Err(error)) => format!("refused: {error}"),
        };
        core.log(|| format!("{:?}: {line}", asked.command));
    }
    if let Some(Ok(Reply { appointment: Some(id), secret: Some(secret), .. })) = answer
        && !core.actors.secrets.iter().any(|(_, known)| known == secret)
    {
        core.actors.secrets.push((*id, secret.clone()));
    }
    let is_by_admin = asked.person.expert_id() == core.actors.admin.expert_id();
    match answer {
        Some(Ok(reply)) => match asked.command {
            Command::Book { start, duration, key, .. } => {
                let first = |id| core.history.get(id).and_then(|states| states.first());
                let got = reply.appointment.as_ref().and_then(first).map(|state| state.session);
                let is_requested = |got: TimeSpan| {
                    got.start() == start
                        && duration.is_none_or(|minutes| got.seconds() == i64::from(minutes) * 60)
                };
                if let Some(id) = reply.appointment.filter(|_| asked.attempts == 0) {
                    crate::invariants::check_current_price(core, id, begun);
                }
                if got.is_some_and(|got| !is_requested(got)) {
                    core.violation(format!(
                        "{key} requested {duration:?} minutes at {start} and got an appointment at {got:?}"
                    ));
                }
            }
            Command::CancelAsQuoted(id) => {
                core.actors.promised_charges.extend(reply.final_charge.map(|final_charge| (id, final_charge)))
            }
            Command::ReplaceSessionType(id, terms) => {
                core.actors.offers(asked.person.expert_id(), id, *terms)
            }
            // The parties can object to the charge that an administrator announces.
            Command::EndSession(id, Outcome::Completed, Some(charge)) if !is_by_admin => {
                core.actors.promised_charges.push((id, charge.amount()))
            }
            _ => {}
        },
        Some(Err(AppError::Scheduling(
            SchedulingError::Slot { refusal, .. } | SchedulingError::ProposedSlot { refusal, .. },
        ))) => crate::invariants::check_refusal(core, &asked, refusal, begun),
        Some(Err(AppError::Scheduling(SchedulingError::NoPrice(_)))) => {
            crate::invariants::check_no_price(core, &asked, begun);
        }
        None
        | Some(Err(
            AppError::StillRunning
            | AppError::Busy
            | AppError::Payments(PaymentsError::Gateway(
                GatewayError::Unavailable(_) | GatewayError::Failed(_),
            ))
            | AppError::Port(..)
            | AppError::Read(_)
            | AppError::Commit(_),
        )) if asked.attempts < MAX_ATTEMPTS && !matches!(asked.command, Command::Reconcile) => {
            core.actors.to_retry.push(Submission { attempts: asked.attempts + 1, ..asked });
        }
        None | Some(Err(_)) => {}
    }
}
/// How the administrator resolves an escalated payment.
#[derive(Debug, Clone, Copy)]
pub enum Resolution {
    /// The gateway is asked again.
    TryAgain,
    /// The whole amount was settled outside the platform.
    ResolvedManually,
}

/// The amount of the escalation.
async fn shown(app: &App, id: AppointmentId) -> Result<Money, AppError> {
    let record = app.store.appointment_record(id).await?.ok_or(AppError::NotFound("appointment"))?;
    let price = record.appointment.price;
    Ok(match record.payment.and_then(|payment| payment.escalation) {
        Some(
            Escalation::RefundFailed { amount }
            | Escalation::DisputeLost { amount }
            | Escalation::Refused { amount, .. },
        ) => amount,
        Some(Escalation::NoShowDisputed | Escalation::Unknown) | None => price,
    })
}

/// The maximum number of times that a person reads an appointment again because it has changed in the meantime.
const MAX_READS: usize = 12;

/// A change of an appointment.
enum Change {
    /// A cancellation, with the refund that was read.
    Cancel(Option<Money>),
    Reschedule(Timestamp),
    Propose(Vec<Timestamp>),
    /// The place of the start.
    Accept(usize),
    Decline,
    Withdraw,
    End(SessionReport),
    Object,
}

/// Changes an appointment like a person who reads it first, and again whenever its version has changed in the meantime.
async fn change(app: &App, actor: &Actor, id: AppointmentId, change: Change) -> Result<Reply, AppError> {
    let mut reads = 1;
    loop {
        let read = appointments::read(app, actor, id).await?.0.appointment;
        let version = read.version;
        let allow = actor.person().is_some_and(|person| allows_overlap(person.client_id()));
        let changed = match &change {
            Change::Cancel(refund) => {
                cancellation::cancel(app, actor, id, version.into(), LongText::default(), *refund).await
            }
            Change::Reschedule(start) => {
                moves::reschedule(app, actor, id, version.into(), *start, allow).await
            }
            Change::Propose(starts) => {
                proposals::propose(app, actor, id, version.into(), starts, &LongText::default(), allow).await
            }
            Change::Accept(place) => {
                let starts: Vec<Timestamp> =
                    read.moves.proposal.iter().flat_map(|proposal| proposal.starts()).collect();
                let start = starts.get(place % starts.len().max(1)).copied().unwrap_or(read.start);
                proposals::accept(app, actor, id, version.into(), start, allow).await
            }
            Change::Decline => proposals::decline(app, actor, id, version.into()).await,
            Change::Withdraw => proposals::withdraw(app, actor, id, version.into()).await,
            Change::End(report) => session_reports::end(app, actor, id, version.into(), *report).await,
            Change::Object => session_reports::object(app, actor, id, version.into()).await,
        };
        match changed {
            Err(AppError::VersionMismatch { .. }) if reads < MAX_READS => reads += 1,
            changed => return changed.map(|_| Reply { appointment: Some(id), ..Reply::default() }),
        }
    }
}
