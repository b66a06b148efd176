//! What people ask of the platform, and what they remember.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use app::experts::profiles;
use app::experts::session_types;
use app::idempotency::{Creation, IdempotentRequest, complete};
use app::identity::people::{Person, Role};
use app::payments::accounts;
use app::payments::checkout;
use app::payments::error::PaymentsError;
use app::payments::escalations::{self, Resolution};
use app::payments::exchange_rates;
use app::payments::exchange_rates::RefreshError;
use app::payments::fees;
use app::payments::ports::PayWith;
use app::payments::refunds;
use app::scheduling::appointments;
use app::scheduling::booking;
use app::scheduling::booking::{Booked, Booking};
use app::scheduling::error::SchedulingError;
use app::scheduling::slots;
use app::{App, AppError};
use domain::experts::availability::AvailabilityRules;
use domain::experts::session_type::SessionTypeTerms;
use domain::kernel::text::LongText;
use domain::payments::gateway::GatewayKind;
use domain::payments::payment::Escalation;
use domain::scheduling::appointment::{Attendee, Outcome};
use domain::{AppointmentId, Currency, ExpertId, Money, Rate, SessionTypeId, TimeSpan, Timestamp};

use crate::chance::Chance;
use crate::core::{Core, Ended, Start};

/// How long a function that answers a request may run, in milliseconds.
const LIMIT: i64 = 10_000;
/// So often somebody asks again who heard nothing.
const MOST_TRIES: u32 = 6;

/// Something that a person asks for.
#[derive(Debug, Clone)]
pub enum Ask {
    /// A session.
    Book {
        /// Of whom.
        expert: ExpertId,
        /// What.
        session_type: SessionTypeId,
        /// When.
        start: Timestamp,
        /// How many seats.
        seats: u16,
        /// In which currency, when not in that of the price.
        pay_in: Option<Currency>,
        /// Under which Idempotency-Key.
        key: String,
    },
    /// To call an appointment off.
    Cancel(AppointmentId),
    /// To call it off for what is quoted for it.
    CancelAsQuoted(AppointmentId),
    /// To move it.
    Reschedule(AppointmentId, Timestamp),
    /// To say how it ended, and how much is taken.
    End(AppointmentId, Outcome, Option<Money>),
    /// To give something back.
    Refund(AppointmentId, Money, String),
    /// To decide about a payment.
    Decide(AppointmentId, How),
    /// How to pay.
    WayToPay(AppointmentId),
    /// Which slots there are.
    Slots(ExpertId, SessionTypeId, TimeSpan),
    /// To offer a session type on other terms.
    Edit(SessionTypeId, Box<SessionTypeTerms>),
    /// To withdraw it.
    Retire(SessionTypeId),
    /// To change the hours.
    Hours(Box<AvailabilityRules>),
    /// To open an account at the gateway.
    Onboard,
    /// How the account stands.
    Connection,
    /// To change what the platform keeps.
    Fee(ExpertId, Option<Rate>),
    /// To hold the ledger against the books.
    Reconcile,
    /// To fetch the exchange rates.
    Rates,
}

/// What somebody learns.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// The appointment that it is about.
    pub appointment: Option<AppointmentId>,
    /// What it can be paid with.
    pub secret: Option<String>,
    /// How many differences there are between ledger and books.
    pub differences: usize,
    /// What a cancellation was said to keep.
    pub final_charge: Option<u64>,
    /// Starts that can be booked.
    pub starts: Vec<Timestamp>,
}

/// What somebody asks, how often they did, and who they are.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Who.
    pub person: Person,
    /// What.
    pub ask: Ask,
    /// How often before.
    pub before: u32,
}

/// An expert as the actors know them.
#[derive(Debug, Clone)]
pub struct SimExpert {
    /// Who.
    pub person: Person,
    /// What they offer, and on which terms.
    pub types: Vec<(SessionTypeId, SessionTypeTerms)>,
    /// When they can be booked.
    pub rules: AvailabilityRules,
}

/// Everybody, and what they remember.
#[derive(Debug)]
pub struct People {
    /// Draws what they do.
    pub chance: Chance,
    /// Who offers.
    pub experts: Vec<SimExpert>,
    /// Who books.
    pub clients: Vec<Person>,
    /// Who decides.
    pub admin: Person,
    /// In which currency prices are.
    pub currency: Currency,
    /// What can be paid, as far as clients were told.
    pub secrets: Vec<(AppointmentId, String)>,
    /// What nobody heard an answer to.
    pub unanswered: Vec<Asked>,
    /// What experts wanted to take for a session that took place, in minor units.
    pub charges: BTreeMap<AppointmentId, Vec<u64>>,
    /// Appointments that somebody else than their clients wanted to move.
    pub moved_by_others: BTreeSet<AppointmentId>,
    /// What they were told that it is.
    pub promised: Vec<(AppointmentId, u64)>,
    /// Appointments that were ever made.
    pub appointments: Vec<(AppointmentId, ExpertId, domain::ClientId)>,
    keys: u64,
}

impl People {
    /// Nobody yet.
    pub fn new(chance: Chance) -> Self {
        Self {
            chance,
            experts: Vec::new(),
            clients: Vec::new(),
            admin: Person::new(u128::MAX - 1, vec![Role::Admin]),
            currency: Currency::EUR,
            secrets: Vec::new(),
            unanswered: Vec::new(),
            charges: BTreeMap::new(),
            promised: Vec::new(),
            moved_by_others: BTreeSet::new(),
            appointments: Vec::new(),
            keys: 0,
        }
    }

    /// A fresh Idempotency-Key.
    pub fn key(&mut self) -> String {
        self.keys += 1;
        format!("key-{}", self.keys)
    }

    /// The client of an appointment.
    pub fn client(&self, id: domain::ClientId) -> Option<&Person> {
        self.clients.iter().find(|person| person.client_id() == id)
    }

    /// An expert offers something on other terms.
    fn offers(&mut self, expert: ExpertId, id: SessionTypeId, terms: SessionTypeTerms) {
        let expert = self.experts.iter_mut().find(|one| one.person.expert_id() == expert);
        let offer = expert.and_then(|expert| expert.types.iter_mut().find(|(one, _)| *one == id));
        if let Some((_, before)) = offer {
            *before = terms;
        }
    }

    /// The expert of an appointment.
    pub fn expert(&self, id: ExpertId) -> Option<&SimExpert> {
        self.experts.iter().find(|expert| expert.person.expert_id() == id)
    }
}

/// An attendee who has nothing to say.
pub fn attendee() -> Option<Attendee> {
    Some(Attendee {
        name: "Alan".to_owned().try_into().ok()?,
        email: "alan@example.org".to_owned().try_into().ok()?,
        time_zone: domain::Zone::UTC,
        note: LongText::default(),
    })
}

fn request(person: &Person, key: &str, body: String) -> IdempotentRequest {
    IdempotentRequest { person: person.client_id().to_string(), key: key.to_owned(), fingerprint: body }
}

/// Runs the use case of an ask, as its function does.
pub async fn perform(app: &App, asked: &Asked) -> Result<Heard, AppError> {
    let Asked { person, ask, .. } = asked;
    let subject = |id: AppointmentId| Heard { appointment: Some(id), ..Heard::default() };
    let owner = || person.owner_of(person.expert_id());
    match ask {
        Ask::Book { expert, session_type, start, seats, pay_in, key } => {
            let attendee = attendee().ok_or(AppError::NotFound("attendee"))?;
            let wanted = Booking {
                expert: *expert,
                session_type: *session_type,
                start: *start,
                seats: *seats,
                attendee,
                gateway: GatewayKind::Stripe,
                pay_in: *pay_in,
            };
            let body = format!("{expert} {session_type} {start} {seats} {pay_in:?}");
            match booking::book(app, person, &request(person, key, body), &wanted).await? {
                Creation::Replayed(answer) => Ok(read(&answer)),
                Creation::Created(Booked { appointment, payment }, idempotency) => {
                    let secret = match payment {
                        Some((_, PayWith::ClientSecret(secret))) => secret,
                        _ => String::new(),
                    };
                    let answer = format!("{} {secret}", appointment.id);
                    complete(app, idempotency, answer.clone()).await;
                    Ok(read(&answer))
                }
            }
        }
        Ask::Cancel(id) => {
            appointments::cancel(app, person, *id, LongText::default(), None).await.map(|_| subject(*id))
        }
        Ask::CancelAsQuoted(id) => {
            let quote = appointments::quote(app, person, *id).await?;
            appointments::cancel(app, person, *id, LongText::default(), Some(quote.refund)).await?;
            Ok(Heard { final_charge: Some(quote.final_charge.amount()), ..subject(*id) })
        }
        Ask::Reschedule(id, start) => {
            appointments::reschedule(app, person, *id, *start).await.map(|_| subject(*id))
        }
        Ask::End(id, outcome, charge) => {
            appointments::end(app, person, *id, *outcome, *charge).await.map(|_| subject(*id))
        }
        Ask::Refund(id, amount, key) => {
            let body = format!("{id} {amount}");
            match refunds::refund(app, person, &request(person, key, body), *id, *amount).await? {
                Creation::Replayed(_) => {}
                Creation::Created(_, idempotency) => complete(app, idempotency, id.to_string()).await,
            }
            Ok(subject(*id))
        }
        Ask::Decide(id, decision) => {
            let decision = match decision {
                How::TryAgain => Resolution::TryAgain,
                How::ResolvedManually => Resolution::ResolvedManually(shown(app, *id).await?),
            };
            escalations::resolve(app, person, *id, decision).await.map(|_| subject(*id))
        }
        Ask::WayToPay(id) => {
            let secret = match checkout::way_to_pay(app, person, *id).await? {
                (_, PayWith::ClientSecret(secret)) => Some(secret),
                _ => None,
            };
            Ok(Heard { secret, ..subject(*id) })
        }
        Ask::Slots(expert, session_type, range) => {
            let slots = slots::list(app, *expert, *session_type, *range).await?;
            let starts = slots.iter().map(|slot| slot.start).collect();
            Ok(Heard { starts, ..Heard::default() })
        }
        Ask::Edit(id, terms) => {
            let version = session_types::read(app, person.expert_id(), *id).await?.version;
            let terms = SessionTypeTerms::clone(terms);
            session_types::edit(app, owner()?, *id, version, terms).await.map(|_| Heard::default())
        }
        Ask::Retire(id) => session_types::retire(app, owner()?, *id).await.map(|_| Heard::default()),
        Ask::Hours(rules) => {
            let version = profiles::rules(app, owner()?).await?.version;
            let rules = AvailabilityRules::clone(rules);
            profiles::replace_rules(app, owner()?, version, rules).await.map(|_| Heard::default())
        }
        Ask::Onboard => {
            accounts::start_onboarding(app, owner()?, GatewayKind::Stripe).await.map(|_| Heard::default())
        }
        Ask::Connection => {
            accounts::read_account(app, owner()?, GatewayKind::Stripe).await.map(|_| Heard::default())
        }
        Ask::Fee(expert, rate) => {
            fees::set_expert_fee(app, person, *expert, *rate).await.map(|_| Heard::default())
        }
        Ask::Reconcile => {
            let found = app::payments::reconciliation::reconcile(app).await?;
            Ok(Heard { differences: found.differences, ..Heard::default() })
        }
        Ask::Rates => match exchange_rates::refresh(app).await {
            Ok(_) => Ok(Heard::default()),
            Err(RefreshError::App(error)) => Err(error),
            Err(RefreshError::Source(error)) => Err(AppError::Port("the source of exchange rates", error)),
            Err(RefreshError::Implausible(why)) => panic!("the rates of the model are refused: {why}"),
        },
    }
}

fn read(answer: &str) -> Heard {
    let (id, secret) = answer.split_once(' ').unwrap_or((answer, ""));
    let secret = Some(secret.to_owned()).filter(|secret| !secret.is_empty());
    Heard { appointment: id.parse().ok(), secret, ..Heard::default() }
}

/// What came of a request: nothing while it runs, and `Some(None)` when nobody heard.
pub type Told = Arc<Mutex<Option<Option<Result<Heard, AppError>>>>>;

/// Sends a request to the platform.
pub fn ask(core: &mut Core, asked: Asked) -> Told {
    core.steps += 1;
    if let Ask::End(id, _, Some(charge)) = &asked.ask {
        core.people.charges.entry(*id).or_default().push(charge.amount());
    }
    if let Ask::Reschedule(id, _) = &asked.ask
        && core.people.client(asked.person.client_id()).is_none()
    {
        core.people.moved_by_others.insert(*id);
    }
    let outcome: Told = Arc::default();
    let answer: Arc<Mutex<Option<Result<Heard, AppError>>>> = Arc::default();
    let (slot, told, wanted) = (answer.clone(), outcome.clone(), asked.clone());
    let begun = core.now;
    let limit = if matches!(asked.ask, Ask::Reconcile) { 300_000 } else { LIMIT };
    let name = if core.trace.is_some() { format!("{:?}", asked.ask) } else { String::new() };
    core.starts.push(Start {
        name,
        limit,
        body: Box::new(move |app| {
            Box::pin(async move {
                let done = perform(&app, &wanted).await;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
            })
        }),
        on_end: Box::new(move |core, ended| {
            let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
            let unheard = ended == Ended::Dead
                || core.mishap.is_none() && core.chance.hits(core.weather.answer_unheard);
            let answer = answer.filter(|_| !unheard);
            hear(core, asked, answer.as_ref(), begun);
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        }),
    });
    outcome
}

/// Somebody hears an answer, or gives up waiting for it.
fn hear(core: &mut Core, asked: Asked, answer: Option<&Result<Heard, AppError>>, begun: i64) {
    if core.trace.is_some() {
        let line = match answer {
            None => "nothing is heard".to_owned(),
            Some(Ok(heard)) => format!("answered {heard:?}"),
            Some(Err(error)) => format!("refused: {error}"),
        };
        core.say(|| format!("{:?}: {line}", asked.ask));
    }
    if let Some(Ok(Heard { appointment: Some(id), secret: Some(secret), .. })) = answer
        && !core.people.secrets.iter().any(|(_, known)| known == secret)
    {
        core.people.secrets.push((*id, secret.clone()));
    }
    match answer {
        Some(Ok(heard)) => match asked.ask {
            Ask::Book { start, key, .. } => {
                let first = |id| core.stood.get(id).and_then(|states| states.first());
                let stood = heard.appointment.as_ref().and_then(first).map(|state| state.session.start());
                if stood.is_some_and(|stood| stood != start) {
                    core.wrong(format!("{key} asked for {start}, and was answered of {stood:?}"));
                }
            }
            Ask::CancelAsQuoted(id) => {
                core.people.promised.extend(heard.final_charge.map(|final_charge| (id, final_charge)))
            }
            Ask::Edit(id, terms) => core.people.offers(asked.person.expert_id(), id, *terms),
            Ask::End(id, Outcome::Completed, Some(charge)) => {
                core.people.promised.push((id, charge.amount()))
            }
            _ => {}
        },
        Some(Err(AppError::Scheduling(SchedulingError::Slot(refusal)))) => {
            crate::invariants::refused(core, &asked, refusal, begun)
        }
        None
        | Some(Err(
            AppError::StillRunning
            | AppError::Busy
            | AppError::Payments(PaymentsError::Gateway(
                app::payments::ports::PaymentError::Unavailable(_)
                | app::payments::ports::PaymentError::Failed(_),
            ))
            | AppError::Port(..)
            | AppError::Read(_)
            | AppError::Commit(_),
        )) if asked.before < MOST_TRIES && !matches!(asked.ask, Ask::Reconcile) => {
            core.people.unanswered.push(Asked { before: asked.before + 1, ..asked });
        }
        None | Some(Err(_)) => {}
    }
}
/// How an administrator wants a payment to go on.
#[derive(Debug, Clone, Copy)]
pub enum How {
    /// The gateway is asked once more.
    TryAgain,
    /// All of what they are shown.
    ResolvedManually,
}

/// The amount that a payment needs a person for.
async fn shown(app: &App, id: AppointmentId) -> Result<Money, AppError> {
    let record = app.store.appointment_record(id).await?.ok_or(AppError::NotFound("appointment"))?;
    let price = record.appointment.price;
    Ok(match record.payment.and_then(|payment| payment.escalation) {
        Some(
            Escalation::RefundFailed { amount }
            | Escalation::DisputeLost { amount }
            | Escalation::Refused { amount, .. },
        ) => amount,
        Some(Escalation::NoShowDisputed) | None => price,
    })
}
