//! The state of a simulation: the clock, the event heap, the running tasks and the state behind each port.
//!
//! There are no threads, timers or wall clock. The next event is the first of the heap. The seed decides the order of
//! events in the same millisecond.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::experts::session_type::SessionTypeTerms;
use domain::payments::refund_costs::RefundBudgets;
use domain::scheduling::booking_limits::BookingLimits;
use domain::{ExpertId, Money, SessionTypeId, Timestamp};

use crate::actors::Actors;
use crate::fault_profile::FaultProfile;
use crate::gateway::GatewayState;
use crate::mirror::Mirror;
use crate::queue::{Bus, Queue};
use crate::random::Rng;
use crate::table::TableState;

/// Identifies a running Lambda function.
pub type TaskId = u64;
/// A change of the simulated state at a point in time.
pub type Callback = Box<dyn FnOnce(&mut Core) + Send>;
/// Runs when a task ends.
pub type OnEnd = Box<dyn FnOnce(&mut Core, Ended) + Send>;
/// Creates the future of a task.
pub type Body = Box<dyn FnOnce(app::App) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Something that happens at a point in time.
pub enum Event {
    /// Changes the state.
    Callback(Callback),
    /// Resumes a task after storing the reply it waits for.
    Resume(TaskId, Option<Box<dyn FnOnce() + Send>>),
    /// Ends a task at once, for the given reason.
    Kill(TaskId, &'static str),
}

struct Scheduled {
    at: i64,
    tie: u64,
    number: u64,
    event: Event,
}

impl Scheduled {
    fn place(&self) -> (i64, u64, u64) {
        (self.at, self.tie, self.number)
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Scheduled {}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place().cmp(&other.place())
    }
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It ran to its end.
    Done,
    /// It crashed or exceeded its time limit.
    Dead,
}

/// A running Lambda function.
pub struct Task {
    /// Shown in the trace.
    pub name: String,
    /// The task does not resume before this time.
    pub frozen_until: i64,
    /// The difference between the task's clock and the true time, in milliseconds.
    pub skew: i64,
    /// Whether any of its calls failed.
    pub faulted: bool,
    /// The ids of the events it published.
    pub published: Vec<String>,
    on_end: OnEnd,
}

/// A task to start.
pub struct Start {
    /// Shown in the trace.
    pub name: String,
    /// The time limit, in milliseconds.
    pub limit: i64,
    /// Creates the future to run.
    pub body: Body,
    /// Runs when the task ends.
    pub on_end: OnEnd,
}

/// A fault to inject into one call, so that every await point can be tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InjectedFault {
    /// The number of the call, starting at 1.
    pub call: u64,
    /// The fault.
    pub kind: FaultKind,
}

/// The ways in which a call can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The task crashes before the call takes effect.
    CrashBefore,
    /// The task crashes after the call took effect.
    CrashAfter,
    /// The call has no effect, and the caller gets a timeout.
    LostRequest,
    /// The call takes effect, and the caller gets a timeout.
    LostResponse,
    /// The call takes effect, and the task freezes until shortly before its time limit.
    Freeze,
    /// The caller gets a timeout and may retry; the call takes effect afterwards.
    DelayedRequest,
}

impl FaultKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::LostRequest,
        Self::LostResponse,
        Self::Freeze,
        Self::DelayedRequest,
    ];
}

/// The state of a simulation.
pub struct Core {
    /// Milliseconds since the Unix epoch.
    pub now: i64,
    /// Draws faults and the order of simultaneous events.
    pub rng: Rng,
    /// The random numbers that the product gets.
    pub product_rng: Rng,
    /// How often each fault occurs.
    pub faults: FaultProfile,
    /// The table.
    pub table: TableState,
    /// The gateway.
    pub gateway: GatewayState,
    /// The queue.
    pub queue: Queue,
    /// The events that were published.
    pub bus: Bus,
    /// The actors and what they know.
    pub actors: Actors,
    /// The number of port calls so far.
    pub calls: u64,
    /// The number of steps of actors, banks and schedules so far.
    pub steps: u64,
    /// A fault to inject into one call. If set, no other faults occur.
    pub injected_fault: Option<InjectedFault>,
    /// Whether the fault was injected.
    pub fault_injected: bool,
    /// How much a client can hold and book.
    pub booking_limits: BookingLimits,
    /// What refunds may cost the platform in a month.
    pub refund_budgets: RefundBudgets,
    /// The appointments that an administrator may have refunded.
    pub refunded_by_admin: BTreeSet<domain::AppointmentId>,
    /// The terms of each session type, with the time from which they applied, in milliseconds.
    pub terms: BTreeMap<SessionTypeId, Vec<(i64, SessionTypeTerms)>>,
    /// The hourly rate of each expert, with the time from which it applied, in milliseconds.
    pub hourly_rates: BTreeMap<ExpertId, Vec<(i64, Option<Money>)>>,
    /// The past states of each appointment, to judge refusals.
    pub history: BTreeMap<domain::AppointmentId, Vec<crate::invariants::AppointmentState>>,
    /// The cancellation policy of each appointment at booking.
    pub agreed: BTreeMap<domain::AppointmentId, domain::experts::policy::CancellationPolicy>,
    /// The appointments with a proposal of the expert that was not accepted, and that were not moved since.
    pub unaccepted: BTreeSet<domain::AppointmentId>,
    /// The violations found so far.
    pub violations: Vec<String>,
    /// The trace, if it was requested.
    pub trace: Option<Vec<String>>,
    /// The running tasks.
    pub tasks: BTreeMap<TaskId, Task>,
    /// The tasks to start.
    pub starts: Vec<Start>,
    /// The task being polled.
    pub current: Option<TaskId>,
    /// The selected mutant, or an empty name.
    pub mutant: &'static str,
    /// A real store to compare with, if it was requested.
    pub mirror: Option<Box<Mirror>>,
    heap: BinaryHeap<Reverse<Scheduled>>,
    events: u64,
    next_task: TaskId,
}

/// The state, shared by the ports. The lock is never contended because there is one thread.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Core>>);

impl Shared {
    /// Creates a shared state.
    pub fn new(core: Core) -> Self {
        Self(Arc::new(Mutex::new(core)))
    }

    /// Locks the state.
    pub fn lock(&self) -> MutexGuard<'_, Core> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// Creates an empty state at a point in time.
    pub fn new(seed: u64, begin: Timestamp, faults: FaultProfile, traced: bool) -> Self {
        let mut rng = Rng::new(seed);
        Self {
            now: begin.seconds() * 1_000,
            product_rng: rng.fork(),
            actors: Actors::new(rng.fork()),
            rng,
            faults,
            table: TableState::default(),
            gateway: GatewayState::default(),
            queue: Queue::default(),
            bus: Bus::default(),
            calls: 0,
            steps: 0,
            injected_fault: None,
            fault_injected: false,
            booking_limits: BookingLimits::unlimited(),
            refund_budgets: RefundBudgets::unlimited(),
            refunded_by_admin: BTreeSet::new(),
            terms: BTreeMap::new(),
            hourly_rates: BTreeMap::new(),
            history: BTreeMap::new(),
            agreed: BTreeMap::new(),
            unaccepted: BTreeSet::new(),
            violations: Vec::new(),
            trace: traced.then(Vec::new),
            tasks: BTreeMap::new(),
            starts: Vec::new(),
            current: None,
            mutant: "",
            mirror: None,
            heap: BinaryHeap::new(),
            events: 0,
            next_task: 0,
        }
    }

    /// The true time, to the second.
    pub fn instant(&self) -> Timestamp {
        Timestamp::from_seconds(self.now.div_euclid(1_000))
    }

    /// The time that the current task sees.
    pub fn task_time(&self) -> Timestamp {
        let skew = self.current.and_then(|task| self.tasks.get(&task)).map_or(0, |task| task.skew);
        Timestamp::from_seconds((self.now + skew).div_euclid(1_000))
    }

    /// Adds a line to the trace, if there is one.
    pub fn log(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let instant = Timestamp::from_seconds(self.now.div_euclid(1_000)).utc().format("%m-%d %H:%M:%S");
            trace.push(format!("{instant}.{:03} {}", self.now.rem_euclid(1_000), line()));
        }
    }

    /// Records a violation.
    pub fn violation(&mut self, message: String) {
        self.log(|| format!("VIOLATION: {message}"));
        self.violations.push(message);
    }

    /// The name of a task in the trace.
    pub fn name(&self, task: Option<TaskId>) -> String {
        task.and_then(|id| self.tasks.get(&id).map(|task| format!("[{id} {}]", task.name)))
            .unwrap_or_default()
    }

    /// Schedules an event.
    pub fn schedule(&mut self, at: i64, event: Event) {
        self.events += 1;
        let (tie, number) = (self.rng.next_u64(), self.events);
        self.heap.push(Reverse(Scheduled { at: at.max(self.now), tie, number, event }));
    }

    /// Schedules a change of the state after a delay in milliseconds.
    pub fn schedule_in(&mut self, milliseconds: i64, callback: impl FnOnce(&mut Self) + Send + 'static) {
        self.schedule(self.now + milliseconds, Event::Callback(Box::new(callback)));
    }

    /// The time of the next event.
    pub fn next_at(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse(event)| event.at)
    }

    /// Removes the next event and advances the clock to it.
    pub fn pop(&mut self) -> Option<Event> {
        let Reverse(event) = self.heap.pop()?;
        self.now = self.now.max(event.at);
        Some(event.event)
    }

    /// Draws the latency of a request or a response, in milliseconds.
    pub fn latency(&mut self) -> i64 {
        let slow = self.faults.max_latency;
        if slow <= 1 {
            return 1;
        }
        // Most are fast, some are slow.
        let most = if self.rng.happens(500) { slow } else { (slow / 20).max(2) };
        self.rng.between(1, most)
    }

    /// Registers a task and returns its id and body. The caller polls the body.
    pub fn start_task(&mut self, start: Start) -> (TaskId, Body) {
        self.next_task += 1;
        let id = self.next_task;
        let skew = self.faults.max_clock_skew;
        let skew = if skew == 0 { 0 } else { self.rng.between(-skew, skew) };
        self.log(|| format!("[{id} {}] starts", start.name));
        let Start { name, limit, body, on_end } = start;
        let (faulted, published) = (false, Vec::new());
        self.tasks.insert(id, Task { name, frozen_until: 0, skew, faulted, published, on_end });
        self.schedule(self.now + limit, Event::Kill(id, "it exceeds its time limit"));
        (id, body)
    }

    /// Marks a task as faulty: the events it published may be published again.
    pub fn mark_faulted(&mut self, id: Option<TaskId>) {
        if let Some(task) = id.and_then(|id| self.tasks.get_mut(&id)) {
            task.faulted = true;
            for event in &task.published {
                self.bus.published.entry(event.clone()).or_default().may_repeat = true;
            }
        }
    }

    /// Ends a task.
    pub fn end_task(&mut self, id: TaskId, ended: Ended) {
        if let Some(task) = self.tasks.remove(&id) {
            (task.on_end)(self, ended);
        }
    }
}
