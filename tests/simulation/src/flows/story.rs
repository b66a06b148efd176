//! What people do in a flow, one after the other. Who hears nothing asks again.

use app::identity::people::{Person, Role};
use domain::experts::availability::AvailabilityRules;
use domain::experts::session_type::{Collection, SessionTypeTerms};
use domain::kernel::time::{DAY, HOUR};
use domain::scheduling::appointment::Status;
use domain::{AppointmentId, Currency, ExpertId, Money, SessionTypeId, Timestamp};

use crate::core::Core;
use crate::gateway::{self, Pays};
use crate::invariants::{Known, Stood};
use crate::people::{Ask, Asked, Heard, ask};
use crate::setting::{plain_terms, settle};
use crate::simulation::{BEGIN, Simulation};
use crate::weather::Weather;

/// So often somebody asks again.
const MOST_TRIES: usize = 6;
/// How long they wait before they do, in seconds: longer than the first request can still be at work.
const PATIENCE: i64 = 20;

/// A world with an expert and two clients, in which a flow is told.
pub struct Story {
    /// The world.
    pub simulation: Simulation,
    expert: Option<Person>,
    clients: Vec<Person>,
    appointments: Vec<AppointmentId>,
    /// In which currency clients pay, when not in that of the price.
    pub pay_in: Option<Currency>,
}

impl Story {
    /// The empty world.
    pub fn begin(traced: bool) -> Self {
        let simulation = Simulation::new(1, Weather::calm(), traced);
        let clients = [2, 3].map(|bits| Person::new(bits, vec![Role::Client])).to_vec();
        simulation.shared.lock().people.clients.clone_from(&clients);
        Self { simulation, expert: None, clients, appointments: Vec::new(), pay_in: None }
    }

    /// The expert offers something like the plain hour for EUR 80.
    pub fn offer(&mut self, change: impl FnOnce(&mut SessionTypeTerms)) {
        let mut terms = plain_terms(Currency::EUR);
        change(&mut terms);
        self.expert = Some(settle(&mut self.simulation, "Europe/Berlin", vec![terms], true));
        self.pass(7);
    }

    /// The expert offers the plain hour, and has no account yet.
    pub fn offer_without_account(&mut self) {
        let terms = plain_terms(Currency::EUR);
        self.expert = Some(settle(&mut self.simulation, "Europe/Berlin", vec![terms], false));
        self.pass(7);
    }

    /// The same, set aside and taken once the session took place.
    pub fn offer_set_aside(&mut self, change: impl FnOnce(&mut SessionTypeTerms)) {
        self.offer(|terms| {
            terms.collection = Collection::AuthoriseThenCapture;
            change(terms);
        });
    }

    /// Time passes.
    pub fn pass(&mut self, seconds: i64) {
        self.simulation.pass(seconds);
    }

    /// Time passes until so many seconds after the beginning.
    pub fn pass_until(&mut self, seconds: i64) {
        self.simulation.run_until(at(seconds).seconds() * 1_000);
    }

    /// Somebody asks for something until they hear an answer.
    pub fn ask(&mut self, person: Person, wanted: Ask) -> Option<Heard> {
        let asked = Asked { person, ask: wanted, before: 0 };
        for _ in 0..MOST_TRIES {
            let outcome = ask(&mut self.simulation.shared.lock(), asked.clone());
            self.simulation.start();
            while self.simulation.is_sound()
                && outcome.lock().is_ok_and(|outcome| outcome.is_none())
                && self.simulation.step()
            {}
            let heard = outcome.lock().ok().and_then(|mut outcome| outcome.take().flatten());
            let open = self.simulation.shared.lock().people.unanswered.pop().is_some();
            match heard {
                Some(Ok(heard)) => return Some(heard),
                Some(Err(_)) if !open => return None,
                _ => self.pass(PATIENCE),
            }
        }
        None
    }

    /// A client begins to ask, and nobody waits for the answer.
    pub fn client_begins(&mut self, client: usize, wanted: Ask) -> Asked {
        let asked = Asked { person: self.clients[client].clone(), ask: wanted, before: 0 };
        ask(&mut self.simulation.shared.lock(), asked.clone());
        self.simulation.start();
        asked
    }

    /// A client begins to book. They can ask for the same again.
    pub fn begin_to_book(&mut self, client: usize, seconds: i64) -> Option<Asked> {
        let wanted = self.booking(seconds)?;
        Some(self.client_begins(client, wanted))
    }

    /// Time passes until somebody is asked to pay for an appointment, or much of it is over.
    pub fn pass_until_asked(&mut self, id: AppointmentId) {
        self.pass_while(30 * DAY, |core| !core.gateway.was_asked(id));
    }

    /// Time passes until an appointment is confirmed, or half an hour is over.
    pub fn pass_until_confirmed(&mut self, id: AppointmentId) {
        let confirmed = |state: &Stood| state.status == Status::Confirmed;
        self.pass_while(HOUR / 2, |core| {
            !core.stood.get(&id).and_then(|states| states.last()).is_some_and(confirmed)
        });
    }

    fn pass_while(&mut self, most: i64, waits: impl Fn(&Core) -> bool) {
        let until = self.simulation.shared.lock().now + most * 1_000;
        let waits = |core: &Core| core.now < until && waits(core);
        while self.simulation.is_sound() && waits(&self.simulation.shared.lock()) && self.simulation.step() {}
    }

    /// A client books what begins so many seconds after the beginning.
    pub fn book(&mut self, client: usize, seconds: i64) -> AppointmentId {
        self.try_book(client, seconds).unwrap_or(AppointmentId::from_bits(0))
    }

    fn booking(&self, seconds: i64) -> Option<Ask> {
        let core = &mut *self.simulation.shared.lock();
        let expert = core.people.experts.first()?;
        let (expert, session_type) = (expert.person.expert_id(), expert.types.first()?.0);
        let (start, key) = (at(seconds), core.people.key());
        Some(Ask::Book { expert, session_type, start, seats: 1, pay_in: self.pay_in, key })
    }

    fn try_book(&mut self, client: usize, seconds: i64) -> Option<AppointmentId> {
        let wanted = self.booking(seconds)?;
        let heard = self.ask(self.clients[client].clone(), wanted)?;
        self.appointments.extend(heard.appointment);
        heard.appointment
    }

    /// What the expert offers, and when.
    pub fn offered(&self) -> Option<(ExpertId, SessionTypeId, SessionTypeTerms, AvailabilityRules)> {
        let core = self.simulation.shared.lock();
        let expert = core.people.experts.first()?;
        let (id, terms) = expert.types.first()?;
        Some((expert.person.expert_id(), *id, terms.clone(), expert.rules.clone()))
    }

    /// A client pays for an appointment, the way they were told to.
    pub fn pay(&mut self, id: AppointmentId, how: Pays) {
        let core = &mut *self.simulation.shared.lock();
        let secret =
            core.people.secrets.iter().rev().find(|(of, _)| *of == id).map(|(_, secret)| secret.clone());
        if let Some(secret) = secret {
            gateway::pays(core, &secret, how);
        }
    }

    /// Somebody asks how to pay, and does.
    pub fn pay_anew(&mut self, id: AppointmentId, how: Pays) {
        self.as_client(0, Ask::WayToPay(id));
        self.pay(id, how);
    }

    /// A booked and paid appointment, so many seconds after the beginning.
    pub fn paid(&mut self, seconds: i64) -> AppointmentId {
        let id = self.book(0, seconds);
        self.pass(60);
        self.pay(id, Pays::Now);
        // Until it is surely confirmed, also when whoever should have seen to it crashed.
        self.pass(1_800);
        id
    }

    /// One of the clients asks.
    pub fn as_client(&mut self, client: usize, wanted: Ask) {
        let person = self.clients[client].clone();
        self.ask(person, wanted);
    }

    /// The expert asks.
    pub fn as_expert(&mut self, wanted: Ask) {
        if let Some(person) = self.expert.clone() {
            self.ask(person, wanted);
        }
    }

    /// The expert asks, and asks again when it is not possible yet.
    pub fn expert_insists(&mut self, wanted: &Ask) {
        let Some(person) = self.expert.clone() else { return };
        for _ in 0..MOST_TRIES {
            if self.ask(person.clone(), wanted.clone()).is_some() {
                return;
            }
            self.pass(PATIENCE);
        }
    }

    /// An administrator asks.
    pub fn as_admin(&mut self, wanted: Ask) {
        let person = self.simulation.shared.lock().people.admin.clone();
        self.ask(person, wanted);
    }

    /// Something holds of every appointment by now, when nothing went wrong.
    pub fn must(&mut self, what: &str, holds: impl Fn(&Known) -> bool) {
        let befell = self.simulation.shared.lock().befell;
        if !befell && !self.simulation.invariants.known.values().all(holds) {
            self.simulation.shared.lock().wrong(format!("it is not so that {what}"));
        }
    }

    /// Changes what banks do from now on.
    pub fn weather(&mut self, change: impl FnOnce(&mut Weather)) {
        change(&mut self.simulation.shared.lock().weather);
    }

    /// Something happens at the gateway to the charge of an appointment.
    pub fn at_gateway(&mut self, happens: impl FnOnce(&mut Core, &str)) {
        let core = &mut *self.simulation.shared.lock();
        if let Some(name) = core.gateway.charged().first().cloned() {
            happens(core, &name);
        }
    }
}

/// So many seconds after the beginning.
pub fn at(seconds: i64) -> Timestamp {
    BEGIN.parse::<Timestamp>().unwrap_or(Timestamp::MIN).plus(seconds)
}

/// An amount of euro cents.
pub fn euros(cents: u64) -> Money {
    Money::new(cents, Currency::EUR).unwrap_or_else(|_| panic!("a small amount"))
}

/// The session begins so far ahead, in seconds, in most flows.
pub const TOMORROW: i64 = 34 * HOUR;
