//! A model of SQS with a queue and a worker for each failure domain, and of the event bus.
//!
//! Messages can arrive late, twice and in any order. A message is invisible while the worker processes it, for six times the
//! worker's timeout, returns if the worker fails or crashes, and moves to the dead-letter queue after five attempts.

use std::collections::{BTreeMap, BTreeSet};

use app::App;
use app::events::DomainEvent;
use app::identity::Actor;
use app::messaging::jobs::CausedBy;
use app::operations::outbox;
use app::payments::ports::Gateways;
use app::ports::{EventBus, JobQueue, PortError};
use async_trait::async_trait;
use store::{FailureDomain, JobName};

use crate::call::{Kind, call};
use crate::core::{Core, Ended, Shared, Start};

/// The number of attempts before a message moves to the dead-letter queue.
const MAX_RECEIVES: u32 = 5;

/// The state of the queue.
#[derive(Debug, Default)]
pub struct Queue {
    /// The number of messages that are not processed yet.
    pub messages: u64,
    /// The number of messages in the dead-letter queue.
    pub dead: u64,
    /// The number of messages that were sent.
    pub sent: u64,
    /// The time before which no message arrives that is sent from now on, in milliseconds.
    pub held_until: i64,
}

/// A published event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Published {
    /// How often it was published.
    pub times: u32,
    /// Whether the publisher failed, so that publishing the event again is not a violation.
    pub may_repeat: bool,
}

/// The state of the event bus.
#[derive(Debug, Default)]
pub struct Bus {
    /// The published events, by id.
    pub published: BTreeMap<String, Published>,
    /// The ids of the events that must be published.
    pub expected: BTreeSet<String>,
    /// The events about which people must be notified and who caused them, by the name of the job.
    pub to_notify: BTreeMap<String, (DomainEvent, CausedBy)>,
}

/// The queue port.
pub struct SimQueue(pub Shared);

fn on_lost(why: &'static str) -> Result<(), PortError> {
    Err(PortError(why.to_owned()))
}

#[async_trait]
impl JobQueue for SimQueue {
    async fn send(&self, failure_domain: FailureDomain, jobs: &[JobName]) -> Result<(), PortError> {
        let wanted = jobs.to_vec();
        let label = || {
            let names: Vec<String> = jobs.iter().map(ToString::to_string).collect();
            format!("send {}", names.join(", "))
        };
        call(&self.0, Kind::Write, label, on_lost, move |core| {
            for job in wanted {
                core.queue.sent += 1;
                let copies = if core.rng.happens(core.faults.duplicate_delivery) { 2 } else { 1 };
                for _ in 0..copies {
                    core.queue.messages += 1;
                    let most = core.faults.max_delivery_delay;
                    let delay = if most <= 1 { 1 } else { core.rng.between(1, most) };
                    let delay = delay.max(core.queue.held_until - core.now);
                    let job = job.clone();
                    core.schedule_in(delay, move |core| deliver(core, failure_domain, job, 1));
                }
            }
            Ok(())
        })
        .await
    }
}

/// Delivers a message to the worker.
fn deliver(core: &mut Core, failure_domain: FailureDomain, job: JobName, receive: u32) {
    if receive > MAX_RECEIVES {
        core.queue.messages -= 1;
        core.queue.dead += 1;
        core.log(|| format!("{job} moves to the dead-letter queue"));
        return;
    }
    let failed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let outcome = failed.clone();
    let again = job.clone();
    core.starts.push(Start {
        name: format!("deliver {job}"),
        limit: 1_000 * outbox::worker_timeout_seconds(failure_domain),
        body: Box::new(move |app| {
            Box::pin(async move {
                // Only the worker of the payments has the gateways.
                let app = match failure_domain {
                    FailureDomain::Payments => app,
                    FailureDomain::General => App { gateways: Gateways::none(), ..app },
                };
                let done = outbox::process(&app, &Actor::Platform, failure_domain, &job).await;
                outcome.store(done.is_err(), std::sync::atomic::Ordering::Relaxed);
            })
        }),
        on_end: Box::new(move |core, ended| {
            let failed = ended == Ended::Dead || failed.load(std::sync::atomic::Ordering::Relaxed);
            if failed {
                let visible_in = 1_000 * outbox::lease_seconds(failure_domain);
                core.schedule_in(visible_in, move |core| deliver(core, failure_domain, again, receive + 1));
            } else {
                core.queue.messages -= 1;
            }
        }),
    });
}

/// The event bus port.
pub struct SimBus(pub Shared);

#[async_trait]
impl EventBus for SimBus {
    async fn publish(&self, event: &DomainEvent) -> Result<(), PortError> {
        let id = event.id();
        let task = self.0.lock().current;
        call(
            &self.0,
            Kind::Write,
            || format!("publish {}", event.id()),
            on_lost,
            move |core| {
                let publisher = task.and_then(|task| core.tasks.get_mut(&task)).filter(|task| !task.faulted);
                let may_repeat = publisher.is_none();
                if let Some(publisher) = publisher {
                    publisher.published.push(id.clone());
                }
                let before = core.bus.published.get(&id).copied().unwrap_or_default();
                let published =
                    Published { times: before.times + 1, may_repeat: before.may_repeat || may_repeat };
                core.bus.published.insert(id.clone(), published);
                // A request whose caller got a timeout may be processed after its repetition.
                if before.times > 0 && !before.may_repeat && !may_repeat {
                    core.violation(format!("{id} was published again, although the first time succeeded"));
                }
                Ok(())
            },
        )
        .await
    }
}
