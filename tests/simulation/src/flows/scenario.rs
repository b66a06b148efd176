//! The building blocks of flows. Actors retry requests without a response.

use app::identity::signed_in::{Role, Scope, SignedInPerson};
use domain::experts::availability::AvailabilityRules;
use domain::experts::expert::ExpertProfile;
use domain::experts::session_type::{Collection, SessionTypeTerms};
use domain::kernel::time::{DAY, HOUR};
use domain::scheduling::appointment::Status;
use domain::{AppointmentId, Currency, ExpertId, Money, SessionTypeId, Timestamp};

use crate::actors::{Command, Reply, Submission, submit};
use crate::core::Core;
use crate::fault_profile::FaultProfile;
use crate::gateway::{self, ClientPayment};
use crate::invariants::{AppointmentState, ObservedAppointment};
use crate::population::{add_expert, plain_terms};
use crate::simulation::{BEGIN, Simulation};

/// How often an actor retries.
const MAX_ATTEMPTS: usize = 6;
/// The delay before a retry, in seconds: longer than the first request can run.
const RETRY_DELAY: i64 = 35;

/// A simulation with an expert and two clients, in which a flow runs.
pub struct Scenario {
    /// The simulation.
    pub simulation: Simulation,
    expert: Option<SignedInPerson>,
    clients: Vec<SignedInPerson>,
    appointments: Vec<AppointmentId>,
    /// The currency that clients pay in, if it differs from the currency of the price.
    pub pay_in: Option<Currency>,
}

impl Scenario {
    /// Creates a simulation without an expert.
    pub fn begin(traced: bool) -> Self {
        let simulation = Simulation::new(1, FaultProfile::none(), traced);
        let clients = [2, 3].map(|bits| SignedInPerson::new(bits, vec![Role::Client], Scope::FULL)).to_vec();
        simulation.shared.lock().actors.clients.clone_from(&clients);
        Self { simulation, expert: None, clients, appointments: Vec::new(), pay_in: None }
    }

    /// Creates an expert with a variant of the one-hour session for EUR 80.
    pub fn offer(&mut self, change: impl FnOnce(&mut SessionTypeTerms)) {
        self.offer_at_rate(None, change);
    }

    /// Like [`offer`](Self::offer), with an hourly rate.
    pub fn offer_at_rate(&mut self, hourly_rate: Option<Money>, change: impl FnOnce(&mut SessionTypeTerms)) {
        let mut terms = plain_terms(Currency::EUR);
        change(&mut terms);
        let rate = |profile: &mut ExpertProfile| profile.hourly_rate = hourly_rate;
        self.expert = Some(add_expert(&mut self.simulation, "Europe/Berlin", vec![terms], true, rate));
        self.advance(7);
    }

    /// Creates an expert with a free one-hour session and a mentorship capacity.
    pub fn offer_with_capacity(&mut self, capacity: u16) {
        let mut terms = plain_terms(Currency::EUR);
        for duration in &mut terms.durations {
            duration.price = Some(euros(0));
        }
        let limit = |profile: &mut ExpertProfile| profile.mentorship_capacity = Some(capacity);
        self.expert = Some(add_expert(&mut self.simulation, "Europe/Berlin", vec![terms], true, limit));
        self.advance(7);
    }

    /// Creates an expert with the one-hour session and without a payment account.
    pub fn offer_without_account(&mut self) {
        let terms = plain_terms(Currency::EUR);
        self.expert = Some(add_expert(&mut self.simulation, "Europe/Berlin", vec![terms], false, |_| ()));
        self.advance(7);
    }

    /// Like [`offer`](Self::offer), with an authorization that is captured after the session.
    pub fn offer_authorize_then_capture(&mut self, change: impl FnOnce(&mut SessionTypeTerms)) {
        self.offer(|terms| {
            terms.collection = Collection::AuthorizeThenCapture;
            change(terms);
        });
    }

    /// Advances the clock.
    pub fn advance(&mut self, seconds: i64) {
        self.simulation.advance(seconds);
    }

    /// Advances the clock by less than an eventually consistent read may lag, and more than a strongly consistent one.
    pub fn advance_briefly(&mut self) {
        let until = self.simulation.shared.lock().now + 200;
        self.simulation.run_until(until);
    }

    /// Advances the clock to a number of seconds after the start.
    pub fn advance_to(&mut self, seconds: i64) {
        self.simulation.run_until(at(seconds).seconds() * 1_000);
    }

    /// Sends a request, and retries it until there is a definite response.
    pub fn submit(&mut self, person: SignedInPerson, wanted: Command) -> Option<Reply> {
        let asked = Submission { person, command: wanted, attempts: 0 };
        for _ in 0..MAX_ATTEMPTS {
            let outcome = submit(&mut self.simulation.shared.lock(), asked.clone());
            self.simulation.start();
            while self.simulation.is_valid()
                && outcome.lock().is_ok_and(|outcome| outcome.is_none())
                && self.simulation.step()
            {}
            let heard = outcome.lock().ok().and_then(|mut outcome| outcome.take().flatten());
            let open = self.simulation.shared.lock().actors.to_retry.pop().is_some();
            match heard {
                Some(Ok(heard)) => return Some(heard),
                Some(Err(_)) if !open => return None,
                _ => self.advance(RETRY_DELAY),
            }
        }
        None
    }

    /// Sends a request of a client without waiting for the response.
    pub fn client_starts(&mut self, client: usize, wanted: Command) -> Submission {
        let asked = Submission { person: self.clients[client].clone(), command: wanted, attempts: 0 };
        submit(&mut self.simulation.shared.lock(), asked.clone());
        self.simulation.start();
        asked
    }

    /// Starts to book for a client without waiting. Returns the request, to send it again.
    pub fn start_booking(&mut self, client: usize, seconds: i64) -> Option<Submission> {
        let wanted = self.booking(seconds)?;
        Some(self.client_starts(client, wanted))
    }

    /// Further clients start to book at the same time, each one of these starts. Returns the requests, to send them again.
    pub fn crowd_books(&mut self, starts: impl Iterator<Item = i64>) -> Vec<Submission> {
        let first = self.clients.len();
        let starts: Vec<i64> = starts.collect();
        let crowd =
            (100..).zip(&starts).map(|(bits, _)| SignedInPerson::new(bits, vec![Role::Client], Scope::FULL));
        self.clients.extend(crowd);
        self.simulation.shared.lock().actors.clients.clone_from(&self.clients);
        (first..).zip(starts).filter_map(|(client, start)| self.start_booking(client, start)).collect()
    }

    /// Advances the clock until an appointment is charged, or for 30 days.
    pub fn advance_until_charged(&mut self, id: AppointmentId) {
        self.advance_while(30 * DAY, |core| !core.gateway.was_asked(id));
    }

    /// Advances the clock until an appointment is confirmed, or for half an hour.
    pub fn advance_until_confirmed(&mut self, id: AppointmentId) {
        let confirmed = |state: &AppointmentState| state.status == Status::Confirmed;
        self.advance_while(HOUR / 2, |core| {
            !core.history.get(&id).and_then(|states| states.last()).is_some_and(confirmed)
        });
    }

    fn advance_while(&mut self, most: i64, waits: impl Fn(&Core) -> bool) {
        let until = self.simulation.shared.lock().now + most * 1_000;
        let waits = |core: &Core| core.now < until && waits(core);
        while self.simulation.is_valid() && waits(&self.simulation.shared.lock()) && self.simulation.step() {}
    }

    /// Books a session that starts a number of seconds after the start of the simulation.
    pub fn book(&mut self, client: usize, seconds: i64) -> AppointmentId {
        self.try_book(client, seconds).unwrap_or(AppointmentId::from_bits(0))
    }

    /// Books the only session type of another expert than the first one.
    pub fn book_with(
        &mut self,
        expert: &SignedInPerson,
        client: usize,
        seconds: i64,
    ) -> Option<AppointmentId> {
        let wanted = self.booking_with(expert.expert_id(), seconds)?;
        let heard = self.submit(self.clients[client].clone(), wanted)?;
        self.appointments.extend(heard.appointment);
        heard.appointment
    }

    fn booking(&self, seconds: i64) -> Option<Command> {
        let expert = self.expert.as_ref().map(SignedInPerson::expert_id)?;
        self.booking_with(expert, seconds)
    }

    fn booking_with(&self, expert: ExpertId, seconds: i64) -> Option<Command> {
        let core = &mut *self.simulation.shared.lock();
        let expert = core.actors.expert(expert)?;
        let (expert, session_type) = (expert.person.expert_id(), expert.types.first()?.0);
        let (start, key) = (at(seconds), core.actors.key());
        Some(Command::Book {
            expert,
            session_type,
            duration: None,
            start,
            seats: 1,
            pay_in: self.pay_in,
            key,
        })
    }

    fn try_book(&mut self, client: usize, seconds: i64) -> Option<AppointmentId> {
        let wanted = self.booking(seconds)?;
        let heard = self.submit(self.clients[client].clone(), wanted)?;
        self.appointments.extend(heard.appointment);
        heard.appointment
    }

    /// The session type and availability of the expert.
    pub fn offered(&self) -> Option<(ExpertId, SessionTypeId, SessionTypeTerms, AvailabilityRules)> {
        let core = self.simulation.shared.lock();
        let expert = core.actors.experts.first()?;
        let (id, terms) = expert.types.first()?;
        Some((expert.person.expert_id(), *id, terms.clone(), expert.rules.clone()))
    }

    /// Pays for an appointment with its latest client secret.
    pub fn pay(&mut self, id: AppointmentId, how: ClientPayment) {
        let core = &mut *self.simulation.shared.lock();
        let secret =
            core.actors.secrets.iter().rev().find(|(of, _)| *of == id).map(|(_, secret)| secret.clone());
        if let Some(secret) = secret {
            gateway::pay(core, &secret, how);
        }
    }

    /// Reads how to pay, and pays.
    pub fn pay_again(&mut self, id: AppointmentId, how: ClientPayment) {
        self.as_client(0, Command::ReadPayment(id));
        self.pay(id, how);
    }

    /// Books and pays for a session that starts a number of seconds after the start of the simulation.
    pub fn book_and_pay(&mut self, seconds: i64) -> AppointmentId {
        let id = self.book(0, seconds);
        self.advance(60);
        self.pay(id, ClientPayment::Now);
        // Until it is confirmed even if the first function to process the payment crashed.
        self.advance(1_800);
        id
    }

    /// Sends a request of a client.
    pub fn as_client(&mut self, client: usize, wanted: Command) {
        let person = self.clients[client].clone();
        self.submit(person, wanted);
    }

    /// Sends a request of the expert.
    pub fn as_expert(&mut self, wanted: Command) {
        if let Some(person) = self.expert.clone() {
            self.submit(person, wanted);
        }
    }

    /// Sends a request of the expert, and retries it if it is not possible yet.
    pub fn expert_retries(&mut self, wanted: &Command) {
        let Some(person) = self.expert.clone() else { return };
        for _ in 0..MAX_ATTEMPTS {
            if self.submit(person.clone(), wanted.clone()).is_some() {
                return;
            }
            self.advance(RETRY_DELAY);
        }
    }

    /// The administrator lifts the suspension of a client.
    pub fn lift_suspension(&mut self, client: usize) {
        let person = self.clients[client].id();
        self.as_admin(Command::LiftSuspension(person));
    }

    /// Sends a request of the administrator.
    pub fn as_admin(&mut self, wanted: Command) {
        let person = self.simulation.shared.lock().actors.admin.clone();
        self.submit(person, wanted);
    }

    /// Checks a condition of all appointments, unless a fault was injected.
    pub fn expect_all(&mut self, what: &str, holds: impl Fn(&ObservedAppointment) -> bool) {
        let fault_injected = self.simulation.shared.lock().fault_injected;
        if !fault_injected && !self.simulation.invariants.known.values().all(holds) {
            self.simulation.shared.lock().violation(format!("expected: {what}"));
        }
    }

    /// Checks that there are at least so many appointments.
    pub fn expect_at_least(&mut self, appointments: usize) {
        let made = self.simulation.invariants.known.len();
        if made < appointments {
            self.simulation
                .shared
                .lock()
                .violation(format!("expected: {appointments} appointments, not {made}"));
        }
    }

    /// Enables or disables payments through the accounts of all experts, as the gateway can.
    pub fn enable_accounts(&mut self, enabled: bool) {
        let accounts: Vec<String> = self.simulation.shared.lock().gateway.accounts.keys().cloned().collect();
        for account in accounts {
            gateway::restrict(&mut self.simulation.shared.lock(), &account, enabled);
        }
    }

    /// Lets all experts take their money off their accounts.
    pub fn empty_accounts(&mut self) {
        let accounts: Vec<String> = self.simulation.shared.lock().gateway.accounts.keys().cloned().collect();
        for account in accounts {
            gateway::empty_account(&mut self.simulation.shared.lock(), &account);
        }
    }

    /// Lets each message that is sent to a queue from now on arrive a number of seconds after the start at the earliest.
    pub fn hold_messages_until(&mut self, seconds: i64) {
        self.simulation.shared.lock().queue.held_until = at(seconds).seconds() * 1_000;
    }

    /// Changes the fault profile.
    pub fn set_faults(&mut self, change: impl FnOnce(&mut FaultProfile)) {
        change(&mut self.simulation.shared.lock().faults);
    }

    /// Does something at the gateway to the first charged intent.
    pub fn at_gateway(&mut self, happens: impl FnOnce(&mut Core, &str)) {
        self.at_intent(0, happens);
    }

    /// Does something at the gateway to the charged intent in this place.
    pub fn at_intent(&mut self, place: usize, happens: impl FnOnce(&mut Core, &str)) {
        let core = &mut *self.simulation.shared.lock();
        if let Some(name) = core.gateway.charged().get(place).cloned() {
            happens(core, &name);
        }
    }
}

/// The time a number of seconds after the start of the simulation.
pub fn at(seconds: i64) -> Timestamp {
    BEGIN.parse::<Timestamp>().unwrap_or(Timestamp::MIN).plus(seconds)
}

/// An amount in euro cents.
pub fn euros(cents: u64) -> Money {
    Money::new(cents, Currency::EUR).unwrap_or_else(|_| panic!("a small amount"))
}

/// The start of the session in most flows, in seconds after the start of the simulation.
pub const IN_34_HOURS: i64 = 34 * HOUR;
