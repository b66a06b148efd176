//! The executor: takes what happens next, lets the function go on whose turn it is, and checks the invariants.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use app::payments::ports::Gateways;
use app::ports::{Clock, Random};
use app::{App, Settings};
use async_trait::async_trait;
use domain::Timestamp;
use domain::payments::gateway::GatewayKind;
use futures_util::FutureExt;
use store::Store;

use crate::core::{Core, Ended, Shared, Start, TaskId, What};
use crate::gateway::SimGateway;
use crate::invariants::Invariants;
use crate::queue::{SimBus, SimQueue};
use crate::rates::SimRates;
use crate::table::{Direct, SimTable};
use crate::weather::Weather;

/// When every simulation begins: a Monday a little before the clocks of Europe and America change.
pub const BEGIN: &str = "2027-03-01T00:00:00Z";
/// How long a scheduled function may run, in milliseconds.
const LIMIT: i64 = 30_000;
/// How often the sweep comes, in milliseconds.
const MINUTE: i64 = 60_000;

/// The clock as functions see it.
struct SimClock(Shared);

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.0.lock().seen_time()
    }

    async fn pause(&self, length: Duration) {
        let milliseconds = i64::try_from(length.as_millis()).unwrap_or(0);
        let done = {
            let core = &mut *self.0.lock();
            let at = core.now + milliseconds;
            if let Some(task) = core.current {
                core.at(at, What::Wake(task, None));
            }
            at
        };
        std::future::poll_fn(|_| if self.0.lock().now >= done { Poll::Ready(()) } else { Poll::Pending })
            .await;
    }
}

/// Chance as functions see it.
struct SimRandom(Shared);

impl Random for SimRandom {
    fn bits(&self) -> u128 {
        self.0.lock().random.bits()
    }
}

/// One world and what runs in it.
pub struct Simulation {
    /// The world.
    pub shared: Shared,
    /// The use cases, over simulated ports.
    pub app: App,
    /// The table as it stands, for the simulation itself.
    pub direct: Store,
    /// What must hold.
    pub invariants: Invariants,
    bodies: BTreeMap<TaskId, Pin<Box<dyn Future<Output = ()> + Send>>>,
    sweep_at: Option<i64>,
}

impl Simulation {
    /// An empty world.
    pub fn new(seed: u64, weather: Weather, traced: bool) -> Self {
        let begin: Timestamp = BEGIN.parse().unwrap_or(Timestamp::MIN);
        let shared = Shared::new(Core::new(seed, begin, weather, traced));
        let app = App {
            store: Store::new(Arc::new(SimTable(shared.clone()))),
            clock: Arc::new(SimClock(shared.clone())),
            random: Arc::new(SimRandom(shared.clone())),
            gateways: Gateways::none().with(SimGateway(shared.clone()).ports()),
            exchange_rates: Arc::new(SimRates(shared.clone())),
            queue: Arc::new(SimQueue(shared.clone())),
            events: Arc::new(SimBus(shared.clone())),
            settings: Settings::default(),
        };
        let direct = Store::new(Arc::new(Direct(shared.clone())));
        Self {
            shared,
            app,
            direct,
            invariants: Invariants::default(),
            bodies: BTreeMap::new(),
            sweep_at: None,
        }
    }

    /// Lets one thing happen; whether there was anything.
    pub fn step(&mut self) -> bool {
        let what = {
            let core = &mut *self.shared.lock();
            core.pop()
        };
        match what {
            None => return false,
            Some(What::Deed(deed)) => deed(&mut self.shared.lock()),
            Some(What::Wake(task, fill)) => self.wake(task, fill),
            Some(What::Kill(task, why)) => self.kill(task, why),
        }
        self.start();
        self.check();
        true
    }

    /// Begins whatever functions shall start.
    pub fn start(&mut self) {
        loop {
            let starts = std::mem::take(&mut self.shared.lock().starts);
            if starts.is_empty() {
                return;
            }
            for start in starts {
                let (id, body) = self.shared.lock().begin(start);
                let body = body(self.app.clone());
                self.bodies.insert(id, body);
                self.poll(id);
            }
        }
    }

    fn wake(&mut self, task: TaskId, fill: Option<Box<dyn FnOnce() + Send>>) {
        {
            let core = &mut *self.shared.lock();
            let Some(known) = core.tasks.get(&task) else { return };
            let until = known.frozen_until;
            if until > core.now {
                core.at(until, What::Wake(task, fill));
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
                core.say(|| format!("{name} ends"));
                core.end(id, Ended::Done);
            }
        }
    }

    fn kill(&mut self, id: TaskId, why: &str) {
        if self.bodies.remove(&id).is_none() {
            return;
        }
        let core = &mut *self.shared.lock();
        let name = core.name(Some(id));
        core.trouble(Some(id));
        core.say(|| format!("{name} is dead: {why}"));
        core.end(id, Ended::Dead);
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

    /// The sweep comes every minute; those that would find nothing are left out.
    fn plan_sweep(&mut self) {
        let core = &mut *self.shared.lock();
        if self.sweep_at.is_some_and(|at| at <= core.now) {
            self.sweep_at = None;
            if core.table.first_due(core.now.div_euclid(1_000)).is_some_and(|due| due * 1_000 <= core.now) {
                core.steps += 1;
                core.starts.push(Start {
                    name: "sweep".to_owned(),
                    limit: LIMIT,
                    body: Box::new(|app| {
                        Box::pin(async move { drop(app::operations::outbox::sweep(&app).await) })
                    }),
                    on_end: Box::new(|_, _| {}),
                });
            }
        }
        let Some(due) = core.table.first_due(core.now.div_euclid(1_000)) else { return };
        let next = (core.now.max(due * 1_000) / MINUTE + 1) * MINUTE;
        if self.sweep_at.is_none_or(|at| next < at) {
            self.sweep_at = Some(next);
            core.later(next - core.now, |_| {});
        }
    }

    /// Lets everything happen until an instant, in milliseconds.
    pub fn run_until(&mut self, until: i64) {
        while self.is_sound() && self.shared.lock().next_at().is_some_and(|at| at <= until) {
            self.step();
        }
        let core = &mut *self.shared.lock();
        core.now = core.now.max(until);
    }

    /// Lets so many seconds pass.
    pub fn pass(&mut self, seconds: i64) {
        let until = self.shared.lock().now + seconds * 1_000;
        self.run_until(until);
    }

    /// Whether nothing was found to be wrong yet.
    pub fn is_sound(&self) -> bool {
        self.shared.lock().wrong.is_empty()
    }

    /// Until when the books were compared with the ledger.
    pub fn compared(&self) -> Option<Timestamp> {
        let compared = self.direct.compared(GatewayKind::Stripe).now_or_never()?;
        compared.ok().flatten().map(|compared| compared.until)
    }

    /// Port calls and steps so far.
    pub fn operations(&self) -> u64 {
        let core = self.shared.lock();
        core.calls + core.steps
    }
}
