//! One call of a port: the point where tasks interleave and where faults are injected.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use crate::core::{Core, Event, FaultKind, Shared, TaskId};

/// Holds the reply until the caller is polled.
type ReplySlot<T> = Arc<Mutex<Option<T>>>;

/// Creates the error that a port returns when no response arrives.
pub type OnLost<T> = fn(&'static str) -> T;

/// How long a task freezes when a fault is injected, in milliseconds: less than the limit of 10 seconds of a function that
/// serves requests.
const FREEZE_TIME: i64 = 9_000;
/// How long a call is delayed when a fault is injected, in milliseconds: long enough for the caller to retry first.
const DELAY: i64 = 3_000;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallOutcome {
    Normal,
    LostRequest,
    LostResponse,
    /// The caller gets a timeout, and the call takes effect after this many milliseconds.
    Delayed(i64),
    CrashBefore,
    CrashAfter,
    /// The task freezes for this many milliseconds before it gets the reply.
    Freeze(i64),
}

/// Waits for the reply.
struct ReplyFuture<T>(ReplySlot<T>);

impl<T> Future for ReplyFuture<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        }
    }
}

/// A call in progress whose reply is still to be sent.
pub struct PendingCall<T> {
    task: Option<TaskId>,
    slot: ReplySlot<T>,
    call_outcome: CallOutcome,
    on_lost: OnLost<T>,
}

impl<T: Send + 'static> PendingCall<T> {
    /// The task that made the call.
    pub fn task(&self) -> Option<TaskId> {
        self.task
    }

    /// Sends the reply, unless a fault prevents it.
    pub fn finish(self, core: &mut Core, answer: T) {
        let latency = core.latency();
        match (self.task, self.call_outcome) {
            (None, _) => {}
            (Some(task), CallOutcome::CrashAfter) => {
                core.schedule(core.now, Event::Kill(task, "it crashes after the call"))
            }
            (Some(task), CallOutcome::LostResponse) => {
                deliver_reply(core, latency, task, self.slot, (self.on_lost)("no answer"))
            }
            (Some(task), CallOutcome::Freeze(milliseconds)) => {
                core.log(|| format!("{} freezes for {milliseconds} ms", core_name(task)));
                let until = core.now + milliseconds;
                if let Some(task) = core.tasks.get_mut(&task) {
                    task.frozen_until = until;
                }
                deliver_reply(core, latency, task, self.slot, answer);
            }
            (Some(task), _) => deliver_reply(core, latency, task, self.slot, answer),
        }
    }
}

fn core_name(task: TaskId) -> String {
    format!("[{task}]")
}

fn deliver_reply<T: Send + 'static>(
    core: &mut Core,
    latency: i64,
    task: TaskId,
    slot: ReplySlot<T>,
    answer: T,
) {
    let fill = Box::new(move || *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer));
    core.schedule(core.now + latency, Event::Resume(task, Some(fill)));
}

/// Whether a call changes state. Reads have fewer ways to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It changes nothing.
    Read,
    /// It changes state.
    Write,
}

/// Calls a port. `act` takes effect after a simulated latency; its result is returned later, unless a fault prevents it.
pub async fn call<T: Send + 'static>(
    shared: &Shared,
    kind: Kind,
    label: impl FnOnce() -> String,
    on_lost: OnLost<T>,
    act: impl FnOnce(&mut Core) -> T + Send + 'static,
) -> T {
    call_staged(shared, kind, label, on_lost, move |core, finish| {
        let answer = act(core);
        finish.finish(core, answer);
    })
    .await
}

/// Like [`call`], for a call that takes time: `act` must finish the [`PendingCall`].
pub async fn call_staged<T: Send + 'static>(
    shared: &Shared,
    kind: Kind,
    label: impl FnOnce() -> String,
    on_lost: OnLost<T>,
    act: impl FnOnce(&mut Core, PendingCall<T>) + Send + 'static,
) -> T {
    let slot: ReplySlot<T> = Arc::new(Mutex::new(None));
    {
        let core = &mut *shared.lock();
        core.calls += 1;
        let task = core.current;
        let call_outcome = call_outcome(core, kind);
        if core.trace.is_some() {
            let line = format!("{} #{} {}", core.name(task), core.calls, label());
            let call_outcome = if call_outcome == CallOutcome::Normal {
                String::new()
            } else {
                format!(" -- {call_outcome:?}")
            };
            core.log(|| line + &call_outcome);
        }
        if call_outcome != CallOutcome::Normal {
            core.mark_faulted(task);
        }
        let latency = core.latency();
        let finish = |task| PendingCall { task, slot: slot.clone(), call_outcome, on_lost };
        match (call_outcome, task) {
            (CallOutcome::CrashBefore, Some(task)) => {
                core.schedule(core.now + latency, Event::Kill(task, "it crashes before the call"));
            }
            (CallOutcome::LostRequest, Some(task)) => {
                deliver_reply(core, latency + 1, task, slot.clone(), on_lost("the request was lost"));
            }
            (CallOutcome::Delayed(later), Some(task)) => {
                deliver_reply(core, latency, task, slot.clone(), on_lost("no answer in time"));
                let finish = finish(None);
                core.schedule_in(latency + later, move |core| act(core, finish));
            }
            _ => {
                let finish = finish(task);
                core.schedule_in(latency, move |core| act(core, finish));
            }
        }
    }
    ReplyFuture(slot).await
}

fn call_outcome(core: &mut Core, kind: Kind) -> CallOutcome {
    if let Some(injected_fault) = core.injected_fault {
        if injected_fault.call != core.calls {
            return CallOutcome::Normal;
        }
        core.fault_injected = true;
        return match injected_fault.kind {
            FaultKind::CrashBefore => CallOutcome::CrashBefore,
            FaultKind::CrashAfter => CallOutcome::CrashAfter,
            FaultKind::LostRequest => CallOutcome::LostRequest,
            FaultKind::LostResponse => CallOutcome::LostResponse,
            FaultKind::Freeze => CallOutcome::Freeze(FREEZE_TIME),
            FaultKind::DelayedRequest => CallOutcome::Delayed(DELAY),
        };
    }
    let faults = core.faults.clone();
    let rng = &mut core.rng;
    if rng.happens(faults.crash) {
        return if rng.happens(5_000) { CallOutcome::CrashBefore } else { CallOutcome::CrashAfter };
    }
    if rng.happens(faults.freeze) {
        return CallOutcome::Freeze(rng.between(1, 40_000));
    }
    if rng.happens(faults.lost_request) {
        return CallOutcome::LostRequest;
    }
    if kind == Kind::Write {
        if rng.happens(faults.lost_response) {
            return CallOutcome::LostResponse;
        }
        if rng.happens(faults.delayed_request) {
            return CallOutcome::Delayed(rng.between(1, 20_000));
        }
    }
    CallOutcome::Normal
}
