//! One call of a port: the point at which others get in between, and at which things go wrong.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use crate::core::{Core, How, Shared, TaskId, What};

/// Where an answer is laid out.
type Slot<T> = Arc<Mutex<Option<T>>>;

/// What a port makes of silence.
pub type Silent<T> = fn(&'static str) -> T;

/// A function that answers requests may run for ten seconds; so long it can sleep, in milliseconds, and still go on.
const LONG_SLEEP: i64 = 9_000;
/// So late something can still be done that nobody heard of, in milliseconds: others have asked for the same again by then.
const LATE: i64 = 3_000;

/// How a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    LostRequest,
    LostAnswer,
    /// Nothing came back in time, and it is done so many milliseconds later.
    Zombie(i64),
    CrashBefore,
    CrashAfter,
    /// The function sleeps so many milliseconds before it hears the answer.
    Freeze(i64),
}

/// Waits until an answer is laid out.
struct Answer<T>(Slot<T>);

impl<T> Future for Answer<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        }
    }
}

/// What remains of a call once it is done: its answer on the way back.
pub struct Finish<T> {
    task: Option<TaskId>,
    slot: Slot<T>,
    fate: Fate,
    silent: Silent<T>,
}

impl<T: Send + 'static> Finish<T> {
    /// AppointmentsOf call it is.
    pub fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// Sends the answer back, unless the fate of the call is another.
    pub fn finish(self, core: &mut Core, answer: T) {
        let way = core.way();
        match (self.task, self.fate) {
            (None, _) => {}
            (Some(task), Fate::CrashAfter) => core.at(core.now, What::Kill(task, "it crashes after acting")),
            (Some(task), Fate::LostAnswer) => lay_out(core, way, task, self.slot, (self.silent)("no answer")),
            (Some(task), Fate::Freeze(milliseconds)) => {
                core.say(|| format!("{} freezes for {milliseconds} ms", core_name(task)));
                let until = core.now + milliseconds;
                if let Some(task) = core.tasks.get_mut(&task) {
                    task.frozen_until = until;
                }
                lay_out(core, way, task, self.slot, answer);
            }
            (Some(task), _) => lay_out(core, way, task, self.slot, answer),
        }
    }
}

fn core_name(task: TaskId) -> String {
    format!("[{task}]")
}

fn lay_out<T: Send + 'static>(core: &mut Core, way: i64, task: TaskId, slot: Slot<T>, answer: T) {
    let fill = Box::new(move || *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer));
    core.at(core.now + way, What::Wake(task, Some(fill)));
}

/// Whether a call changes something. What only reads has fewer ways to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It changes nothing.
    Read,
    /// It changes something.
    Write,
}

/// Calls a port: `act` happens at some instant, and what it answers comes back later, or does not.
pub async fn call<T: Send + 'static>(
    shared: &Shared,
    kind: Kind,
    label: impl FnOnce() -> String,
    silent: Silent<T>,
    act: impl FnOnce(&mut Core) -> T + Send + 'static,
) -> T {
    staged(shared, kind, label, silent, move |core, finish| {
        let answer = act(core);
        finish.finish(core, answer);
    })
    .await
}

/// The same of something that takes time: `act` sees to it that the call is finished.
pub async fn staged<T: Send + 'static>(
    shared: &Shared,
    kind: Kind,
    label: impl FnOnce() -> String,
    silent: Silent<T>,
    act: impl FnOnce(&mut Core, Finish<T>) + Send + 'static,
) -> T {
    let slot: Slot<T> = Arc::new(Mutex::new(None));
    {
        let core = &mut *shared.lock();
        core.calls += 1;
        let task = core.current;
        let fate = fate(core, kind);
        if core.trace.is_some() {
            let line = format!("{} #{} {}", core.name(task), core.calls, label());
            let fate = if fate == Fate::Fine { String::new() } else { format!(" -- {fate:?}") };
            core.say(|| line + &fate);
        }
        if fate != Fate::Fine {
            core.trouble(task);
        }
        let way = core.way();
        let finish = |task| Finish { task, slot: slot.clone(), fate, silent };
        match (fate, task) {
            (Fate::CrashBefore, Some(task)) => {
                core.at(core.now + way, What::Kill(task, "it crashes before acting"));
            }
            (Fate::LostRequest, Some(task)) => {
                lay_out(core, way + 1, task, slot.clone(), silent("the request was lost"));
            }
            (Fate::Zombie(later), Some(task)) => {
                lay_out(core, way, task, slot.clone(), silent("no answer in time"));
                let finish = finish(None);
                core.later(way + later, move |core| act(core, finish));
            }
            _ => {
                let finish = finish(task);
                core.later(way, move |core| act(core, finish));
            }
        }
    }
    Answer(slot).await
}

fn fate(core: &mut Core, kind: Kind) -> Fate {
    if let Some(mishap) = core.mishap {
        if mishap.call != core.calls {
            return Fate::Fine;
        }
        core.befell = true;
        return match mishap.how {
            How::CrashBefore => Fate::CrashBefore,
            How::CrashAfter => Fate::CrashAfter,
            How::LostRequest => Fate::LostRequest,
            How::LostAnswer => Fate::LostAnswer,
            How::Freeze => Fate::Freeze(LONG_SLEEP),
            How::LateAct => Fate::Zombie(LATE),
        };
    }
    let weather = core.weather.clone();
    let chance = &mut core.chance;
    if chance.hits(weather.crash) {
        return if chance.hits(5_000) { Fate::CrashBefore } else { Fate::CrashAfter };
    }
    if chance.hits(weather.freeze) {
        return Fate::Freeze(chance.between(1, 40_000));
    }
    if chance.hits(weather.lost_request) {
        return Fate::LostRequest;
    }
    if kind == Kind::Write {
        if chance.hits(weather.lost_answer) {
            return Fate::LostAnswer;
        }
        if chance.hits(weather.zombie) {
            return Fate::Zombie(chance.between(1, 20_000));
        }
    }
    Fate::Fine
}
