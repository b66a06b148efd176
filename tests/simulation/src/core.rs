//! The simulated world and its time: one heap of what happens when, and the functions at work.
//!
//! There are no threads, no timers and no wall clock. What happens next is the first of the heap; of what happens in the
//! same millisecond the seed decides.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::experts::session_type::SessionTypeTerms;
use domain::{SessionTypeId, Timestamp};

use crate::chance::Chance;
use crate::gateway::Books;
use crate::mirror::Mirror;
use crate::people::People;
use crate::queue::{Bus, Queue};
use crate::table::Rows;
use crate::weather::Weather;

/// A function at work.
pub type TaskId = u64;
/// Something that is done to the world at an instant.
pub type Deed = Box<dyn FnOnce(&mut Core) + Send>;
/// What follows from the end of a function.
pub type Follows = Box<dyn FnOnce(&mut Core, Ended) + Send>;
/// A function's body, once it has a world.
pub type Body = Box<dyn FnOnce(app::App) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// What happens at an instant.
pub enum What {
    /// Something to the world.
    Deed(Deed),
    /// A function goes on, after an answer was laid out for it.
    Wake(TaskId, Option<Box<dyn FnOnce() + Send>>),
    /// A function ends at once.
    Kill(TaskId, &'static str),
}

struct Event {
    at: i64,
    tie: u64,
    number: u64,
    what: What,
}

impl Event {
    fn place(&self) -> (i64, u64, u64) {
        (self.at, self.tie, self.number)
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place().cmp(&other.place())
    }
}

/// How a function ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It came to its end.
    Done,
    /// It crashed, or ran out of time.
    Dead,
}

/// What is known of a function at work.
pub struct Task {
    /// For the trace.
    pub name: String,
    /// It does not go on before then.
    pub frozen_until: i64,
    /// How far its clock is from the true time, in milliseconds.
    pub skew: i64,
    /// Whether anything ever went wrong with one of its calls.
    pub troubled: bool,
    /// Events that it published.
    pub published: Vec<String>,
    on_end: Follows,
}

/// A function that shall start.
pub struct Start {
    /// For the trace.
    pub name: String,
    /// How long it may run, in milliseconds.
    pub limit: i64,
    /// What it does.
    pub body: Body,
    /// What follows from its end.
    pub on_end: Follows,
}

/// What befalls one call, decided beforehand: crash at every await.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mishap {
    /// The number of the call, from 1.
    pub call: u64,
    /// What befalls it.
    pub how: How,
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The function ends before anything is done.
    CrashBefore,
    /// The function ends once it is done.
    CrashAfter,
    /// Nothing is done, and its sender learns that nothing came back.
    LostRequest,
    /// It is done, and its sender learns that nothing came back.
    LostAnswer,
    /// It is done, and the function sleeps for so long that it hardly still has time to hear the answer.
    Freeze,
    /// Its sender learns that nothing came back, asks again, and then it is done after all.
    LateAct,
}

impl How {
    /// Every way.
    pub const ALL: [Self; 6] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::LostRequest,
        Self::LostAnswer,
        Self::Freeze,
        Self::LateAct,
    ];
}

/// The world.
pub struct Core {
    /// Milliseconds since 1970.
    pub now: i64,
    /// Draws what goes wrong and who comes first.
    pub chance: Chance,
    /// Draws what the product takes for random.
    pub random: Chance,
    /// What goes wrong, and how often.
    pub weather: Weather,
    /// The table.
    pub table: Rows,
    /// The gateway.
    pub gateway: Books,
    /// The queue.
    pub queue: Queue,
    /// What the world was told.
    pub bus: Bus,
    /// What people know and wait for.
    pub people: People,
    /// Port calls so far.
    pub calls: u64,
    /// Steps of people, banks and schedules so far.
    pub steps: u64,
    /// What shall befall one call.
    pub mishap: Option<Mishap>,
    /// Whether it did.
    pub befell: bool,
    /// Terms of session types as they stood from an instant on, in milliseconds.
    pub terms: BTreeMap<SessionTypeId, Vec<(i64, SessionTypeTerms)>>,
    /// How appointments stood, for those who are refused a slot.
    pub stood: BTreeMap<domain::AppointmentId, Vec<crate::invariants::Stood>>,
    /// What was found to be wrong.
    pub wrong: Vec<String>,
    /// What happened, when somebody wants to read it.
    pub trace: Option<Vec<String>>,
    /// Functions at work.
    pub tasks: BTreeMap<TaskId, Task>,
    /// Functions that shall start.
    pub starts: Vec<Start>,
    /// The function whose turn it is.
    pub current: Option<TaskId>,
    /// The mutant that runs, or an empty name.
    pub mutant: &'static str,
    /// A real store that is asked the same, when somebody wants it.
    pub mirror: Option<Box<Mirror>>,
    heap: BinaryHeap<Reverse<Event>>,
    events: u64,
    next_task: TaskId,
}

/// The world, shared by its ports. Nothing ever waits for the lock: there is one thread.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Core>>);

impl Shared {
    /// Shares a world.
    pub fn new(core: Core) -> Self {
        Self(Arc::new(Mutex::new(core)))
    }

    /// The world.
    pub fn lock(&self) -> MutexGuard<'_, Core> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    /// An empty world at an instant.
    pub fn new(seed: u64, begin: Timestamp, weather: Weather, traced: bool) -> Self {
        let mut chance = Chance::new(seed);
        Self {
            now: begin.seconds() * 1_000,
            random: chance.fork(),
            people: People::new(chance.fork()),
            chance,
            weather,
            table: Rows::default(),
            gateway: Books::default(),
            queue: Queue::default(),
            bus: Bus::default(),
            calls: 0,
            steps: 0,
            mishap: None,
            befell: false,
            terms: BTreeMap::new(),
            stood: BTreeMap::new(),
            wrong: Vec::new(),
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

    /// The time as the function at work sees it.
    pub fn seen_time(&self) -> Timestamp {
        let skew = self.current.and_then(|task| self.tasks.get(&task)).map_or(0, |task| task.skew);
        Timestamp::from_seconds((self.now + skew).div_euclid(1_000))
    }

    /// Writes a line of the trace, when there is one.
    pub fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let instant = Timestamp::from_seconds(self.now.div_euclid(1_000)).utc().format("%m-%d %H:%M:%S");
            trace.push(format!("{instant}.{:03} {}", self.now.rem_euclid(1_000), line()));
        }
    }

    /// Notes that something is wrong.
    pub fn wrong(&mut self, what: String) {
        self.say(|| format!("WRONG: {what}"));
        self.wrong.push(what);
    }

    /// The name of a function, for the trace.
    pub fn name(&self, task: Option<TaskId>) -> String {
        task.and_then(|id| self.tasks.get(&id).map(|task| format!("[{id} {}]", task.name)))
            .unwrap_or_default()
    }

    /// Lets something happen at an instant.
    pub fn at(&mut self, at: i64, what: What) {
        self.events += 1;
        let (tie, number) = (self.chance.draw(), self.events);
        self.heap.push(Reverse(Event { at: at.max(self.now), tie, number, what }));
    }

    /// Does something in so many milliseconds.
    pub fn later(&mut self, milliseconds: i64, deed: impl FnOnce(&mut Self) + Send + 'static) {
        self.at(self.now + milliseconds, What::Deed(Box::new(deed)));
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse(event)| event.at)
    }

    /// Takes the next thing that happens, and moves time to it.
    pub fn pop(&mut self) -> Option<What> {
        let Reverse(event) = self.heap.pop()?;
        self.now = self.now.max(event.at);
        Some(event.what)
    }

    /// A way to somewhere or back, in milliseconds.
    pub fn way(&mut self) -> i64 {
        let slow = self.weather.slow;
        if slow <= 1 {
            return 1;
        }
        // Most are fast, some are slow.
        let most = if self.chance.hits(500) { slow } else { (slow / 20).max(2) };
        self.chance.between(1, most)
    }

    /// Gives a function its number. Its body is the caller's to poll.
    pub fn begin(&mut self, start: Start) -> (TaskId, Body) {
        self.next_task += 1;
        let id = self.next_task;
        let skew = self.weather.skew;
        let skew = if skew == 0 { 0 } else { self.chance.between(-skew, skew) };
        self.say(|| format!("[{id} {}] starts", start.name));
        let Start { name, limit, body, on_end } = start;
        let (troubled, published) = (false, Vec::new());
        self.tasks.insert(id, Task { name, frozen_until: 0, skew, troubled, published, on_end });
        self.at(self.now + limit, What::Kill(id, "its time is over"));
        (id, body)
    }

    /// Something goes wrong with a function, so that what it published may have to be published again.
    pub fn trouble(&mut self, id: Option<TaskId>) {
        if let Some(task) = id.and_then(|id| self.tasks.get_mut(&id)) {
            task.troubled = true;
            for event in &task.published {
                self.bus.published.entry(event.clone()).or_default().doubtful = true;
            }
        }
    }

    /// Ends a function.
    pub fn end(&mut self, id: TaskId, how: Ended) {
        if let Some(task) = self.tasks.remove(&id) {
            (task.on_end)(self, how);
        }
    }
}
