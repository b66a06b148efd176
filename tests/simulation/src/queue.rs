//! A model of SQS between those who owe an effect and the worker, and of the bus on which the world is told.
//!
//! A message may come late, twice and in any order. It is hidden for 180 seconds while somebody works on it, comes back when
//! that somebody failed or crashed, and is set aside after five tries.

use std::collections::{BTreeMap, BTreeSet};

use app::operations::outbox;
use app::ports::{DomainEvent, EventBus, JobQueue, PortError};
use async_trait::async_trait;
use store::Job;

use crate::call::{Kind, call};
use crate::core::{Core, Ended, Shared, Start};

/// How long a message is hidden while somebody works on it, in milliseconds.
const HIDDEN: i64 = 180_000;
/// After so many tries a message is set aside.
const MOST_RECEIVES: u32 = 5;
/// How long the worker may run, in milliseconds.
const WORKER_LIMIT: i64 = 30_000;

/// The queue of effects.
#[derive(Debug, Default)]
pub struct Queue {
    /// Messages that nobody has worked off yet.
    pub messages: u64,
    /// Messages that were set aside.
    pub dead: u64,
    /// Messages that were sent.
    pub sent: u64,
}

/// An event that was published.
#[derive(Debug, Clone, Copy, Default)]
pub struct Published {
    /// How often.
    pub times: u32,
    /// Whether something went wrong with who published it, so that it may have to be published again.
    pub doubtful: bool,
}

/// What the world was told.
#[derive(Debug, Default)]
pub struct Bus {
    /// What was published, by the ids of the events.
    pub published: BTreeMap<String, Published>,
    /// Ids of events that are owed.
    pub owed: BTreeSet<String>,
}

/// The queue as functions see it.
pub struct SimQueue(pub Shared);

fn silent(why: &'static str) -> Result<(), PortError> {
    Err(PortError(why.to_owned()))
}

#[async_trait]
impl JobQueue for SimQueue {
    async fn send(&self, jobs: &[Job]) -> Result<(), PortError> {
        let wanted = jobs.to_vec();
        let label = || {
            let names: Vec<String> = jobs.iter().map(ToString::to_string).collect();
            format!("send {}", names.join(", "))
        };
        call(&self.0, Kind::Write, label, silent, move |core| {
            for job in wanted {
                core.queue.sent += 1;
                let copies = if core.chance.hits(core.weather.duplicate) { 2 } else { 1 };
                for _ in 0..copies {
                    core.queue.messages += 1;
                    let most = core.weather.message_delay;
                    let delay = if most <= 1 { 1 } else { core.chance.between(1, most) };
                    core.later(delay, move |core| deliver(core, job, 1));
                }
            }
            Ok(())
        })
        .await
    }
}

/// Hands a message to the worker.
fn deliver(core: &mut Core, job: Job, receive: u32) {
    if receive > MOST_RECEIVES {
        core.queue.messages -= 1;
        core.queue.dead += 1;
        core.say(|| format!("{job} is set aside"));
        return;
    }
    let failed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let outcome = failed.clone();
    core.starts.push(Start {
        name: format!("deliver {job}"),
        limit: WORKER_LIMIT,
        body: Box::new(move |app| {
            Box::pin(async move {
                let done = outbox::process(&app, job).await;
                outcome.store(done.is_err(), std::sync::atomic::Ordering::Relaxed);
            })
        }),
        on_end: Box::new(move |core, ended| {
            let failed = ended == Ended::Dead || failed.load(std::sync::atomic::Ordering::Relaxed);
            if failed {
                core.later(HIDDEN, move |core| deliver(core, job, receive + 1));
            } else {
                core.queue.messages -= 1;
            }
        }),
    });
}

/// The bus as functions see it.
pub struct SimBus(pub Shared);

#[async_trait]
impl EventBus for SimBus {
    async fn publish(&self, event: &DomainEvent) -> Result<(), PortError> {
        let id = event.id.clone();
        let task = self.0.lock().current;
        call(
            &self.0,
            Kind::Write,
            || format!("publish {}", event.id),
            silent,
            move |core| {
                let publisher = task.and_then(|task| core.tasks.get_mut(&task)).filter(|task| !task.troubled);
                let doubtful = publisher.is_none();
                if let Some(publisher) = publisher {
                    publisher.published.push(id.clone());
                }
                let before = core.bus.published.get(&id).copied().unwrap_or_default();
                let published = Published { times: before.times + 1, doubtful: before.doubtful || doubtful };
                core.bus.published.insert(id.clone(), published);
                if before.times > 0 && !before.doubtful {
                    core.wrong(format!(
                        "{id} was published again, and nothing had gone wrong the first time"
                    ));
                }
                Ok(())
            },
        )
        .await
    }
}
