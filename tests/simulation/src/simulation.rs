//! The executor: takes the next event, polls the task it concerns and checks the invariants.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use app::identity::ports::NoUserInfo;
use app::payments::ports::{Gateways, NoChallenges};
use app::ports::{Clock, Random};
use app::{App, Settings};
use async_trait::async_trait;
use domain::Timestamp;
use domain::payments::gateway::GatewayKind;
use domain::payments::payout::PayoutTiming;
use domain::payments::refund_costs::RefundBudgets;
use domain::scheduling::booking_limits::BookingLimits;
use domain::scheduling::reliability::ReliabilityRules;
use futures_util::FutureExt;
use store::Store;

use crate::core::{Core, Ended, Event, Shared, Start, TaskId};
use crate::exchange_rates::SimRates;
use crate::fault_profile::FaultProfile;
use crate::gateway::SimGateway;
use crate::invariants::Invariants;
use crate::queue::{SimBus, SimQueue};
use crate::table::{DirectTable, SimTable};

/// The start of every simulation: a Monday shortly before the clocks change in Europe and America.
pub const BEGIN: &str = "2027-03-01T00:00:00Z";
/// The time limit of scheduled functions, in milliseconds.
const TIME_LIMIT: i64 = 30_000;
/// The interval of the sweep, in milliseconds.
const MINUTE: i64 = 60_000;

/// The clock port.
struct SimClock(Shared);

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.0.lock().task_time()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.lock().now.unsigned_abs())
    }

    async fn pause(&self, length: Duration) {
        let milliseconds = i64::try_from(length.as_millis()).unwrap_or(0);
        let done = {
            let core = &mut *self.0.lock();
            let at = core.now + milliseconds;
            if let Some(task) = core.current {
                core.schedule(at, Event::Resume(task, None));
            }
            at
        };
        std::future::poll_fn(|_| if self.0.lock().now >= done { Poll::Ready(()) } else { Poll::Pending })
            .await;
    }
}

/// The port for random numbers.
struct SimRandom(Shared);

impl Random for SimRandom {
    fn bits(&self) -> u128 {
        self.0.lock().product_rng.next_u128()
    }
}

/// A simulation.
pub struct Simulation {
    /// The simulated state.
    pub shared: Shared,
    /// The use cases over simulated ports.
    pub app: App,
    /// The table without latency or faults, for the simulation itself.
    pub direct: Store,
    /// The invariants.
    pub invariants: Invariants,
    bodies: BTreeMap<TaskId, Pin<Box<dyn Future<Output = ()> + Send>>>,
    sweep_at: Option<i64>,
}

impl Simulation {
    /// Creates a simulation with an empty state. In every second one, the platform holds money until after the session.
    pub fn new(seed: u64, faults: FaultProfile, traced: bool) -> Self {
        let begin: Timestamp = BEGIN.parse().unwrap_or(Timestamp::MIN);
        let shared = Shared::new(Core::new(seed, begin, faults, traced));
        let app = App {
            store: Store::new(Arc::new(SimTable(shared.clone()))),
            clock: Arc::new(SimClock(shared.clone())),
            random: Arc::new(SimRandom(shared.clone())),
            gateways: Gateways::none().with(SimGateway(shared.clone()).ports()),
            issuer: Arc::new(NoUserInfo),
            challenges: Arc::new(NoChallenges),
            exchange_rates: Arc::new(SimRates(shared.clone())),
            queue: Arc::new(SimQueue(shared.clone())),
            events: Arc::new(SimBus(shared.clone())),
            settings: Settings {
                booking_limits: BookingLimits::unlimited(),
                payout_timing: match seed % 2 {
                    1 => PayoutTiming::AtPayment,
                    _ => PayoutTiming::AfterSession,
                },
                new_expert_sessions: 0,
                new_expert_price: u16::MAX,
                refund_budgets: RefundBudgets::unlimited(),
                // Seeds have many disputes and few clients.
                reliability: ReliabilityRules {
                    suspension_for_disputes: Some(5),
                    ..ReliabilityRules::default()
                },
                ..Settings::default()
            },
        };
        let direct = Store::new(Arc::new(DirectTable(shared.clone())));
        Self {
            shared,
            app,
            direct,
            invariants: Invariants::default(),
            bodies: BTreeMap::new(),
            sweep_at: None,
        }
    }

    /// Changes how much a client can hold and book.
    pub fn limit_bookings(&mut self, limits: BookingLimits) {
        self.shared.lock().booking_limits.clone_from(&limits);
        self.app.settings.booking_limits = limits;
    }

    /// Changes what refunds may cost the platform in a month.
    pub fn limit_refunds(&mut self, budgets: RefundBudgets) {
        self.shared.lock().refund_budgets = budgets;
        self.app.settings.refund_budgets = budgets;
    }

    /// Processes the next event. Returns `false` if there is none.
    pub fn step(&mut self) -> bool {
        let what = {
            let core = &mut *self.shared.lock();
            core.pop()
        };
        match what {
            None => return false,
            Some(Event::Callback(callback)) => callback(&mut self.shared.lock()),
            Some(Event::Resume(task, fill)) => self.resume(task, fill),
            Some(Event::Kill(task, why)) => self.kill(task, why),
        }
        self.start();
        self.check();
        true
    }

    /// Starts the tasks that are to start.
    pub fn start(&mut self) {
        loop {
            let starts = std::mem::take(&mut self.shared.lock().starts);
            if starts.is_empty() {
                return;
            }
            for start in starts {
                let (id, body) = self.shared.lock().start_task(start);
                let body = body(self.app.clone());
                self.bodies.insert(id, body);
                self.poll(id);
            }
        }
    }

    fn resume(&mut self, task: TaskId, fill: Option<Box<dyn FnOnce() + Send>>) {
        {
            let core = &mut *self.shared.lock();
            let Some(known) = core.tasks.get(&task) else { return };
            let until = known.frozen_until;
            if until > core.now {
                core.schedule(until, Event::Resume(task, fill));
                return;
            }
        }
        if let Some(fill) = fill {
            fill();
        }
        self.poll(task);
    }

    fn poll(&mut self, id: TaskId) {
        let Some(mut body) = self.bodies.remove(&id) else { return };
        self.shared.lock().current = Some(id);
        let polled = body.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let core = &mut *self.shared.lock();
        core.current = None;
        match polled {
            Poll::Pending => drop(self.bodies.insert(id, body)),
            Poll::Ready(()) => {
                let name = core.name(Some(id));
                core.log(|| format!("{name} ends"));
                core.end_task(id, Ended::Done);
            }
        }
    }

    fn kill(&mut self, id: TaskId, why: &str) {
        if self.bodies.remove(&id).is_none() {
            return;
        }
        let core = &mut *self.shared.lock();
        let name = core.name(Some(id));
        core.mark_faulted(Some(id));
        core.log(|| format!("{name} is killed: {why}"));
        core.end_task(id, Ended::Dead);
    }

    fn check(&mut self) {
        if self.shared.lock().table.changed.is_empty() {
            self.plan_sweep();
            return self.start();
        }
        self.invariants.check(&self.shared, &self.direct);
        self.plan_sweep();
        self.start();
    }

    /// Schedules the next sweep. The sweep runs every minute; runs that would find nothing are skipped.
    fn plan_sweep(&mut self) {
        let core = &mut *self.shared.lock();
        if self.sweep_at.is_some_and(|at| at <= core.now) {
            self.sweep_at = None;
            if core.table.first_due(core.now.div_euclid(1_000)).is_some_and(|due| due * 1_000 <= core.now) {
                core.steps += 1;
                core.starts.push(Start {
                    name: "sweep".to_owned(),
                    limit: TIME_LIMIT,
                    body: Box::new(|app| {
                        Box::pin(async move {
                            drop(app::operations::outbox::sweep(&app, &app::identity::Actor::Platform).await)
                        })
                    }),
                    on_end: Box::new(|_, _| {}),
                });
            }
        }
        let Some(due) = core.table.first_due(core.now.div_euclid(1_000)) else { return };
        let next = (core.now.max(due * 1_000) / MINUTE + 1) * MINUTE;
        if self.sweep_at.is_none_or(|at| next < at) {
            self.sweep_at = Some(next);
            core.schedule_in(next - core.now, |_| {});
        }
    }

    /// Processes all events until a time, in milliseconds.
    pub fn run_until(&mut self, until: i64) {
        while self.is_valid() && self.shared.lock().next_at().is_some_and(|at| at <= until) {
            self.step();
        }
        let core = &mut *self.shared.lock();
        core.now = core.now.max(until);
    }

    /// Advances the clock by a number of seconds and processes the events on the way.
    pub fn advance(&mut self, seconds: i64) {
        let until = self.shared.lock().now + seconds * 1_000;
        self.run_until(until);
    }

    /// Whether no violation was found yet.
    pub fn is_valid(&self) -> bool {
        self.shared.lock().violations.is_empty()
    }

    /// The time until which the ledger was compared with the gateway's books.
    pub fn compared(&self) -> Option<Timestamp> {
        let compared = self.direct.reconciliation_progress(GatewayKind::Stripe).now_or_never()?;
        compared.ok().flatten().map(|compared| compared.until)
    }

    /// The number of port calls and steps so far.
    pub fn operations(&self) -> u64 {
        let core = self.shared.lock();
        core.calls + core.steps
    }
}
