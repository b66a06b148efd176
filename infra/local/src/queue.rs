//! Stand-ins for the SQS queues of jobs, one for each failure domain: batches, visibility timeout, partial batch failures and
//! dead letters.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use app::App;
use app::operations::outbox::lease_seconds;
use app::ports::{JobQueue, PortError};
use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use serde::Serialize;
use store::{FailureDomain, JobName};
use tokio::sync::Notify;

use crate::StackClock;

/// The maximum number of messages in a batch, as in `template.yaml`.
const BATCH_SIZE: usize = 10;
/// The number of times that a message is received before it becomes a dead letter, as in `template.yaml`.
const MAX_RECEIVE_COUNT: u32 = 5;

/// The queues of all failure domains.
pub struct LocalQueues(Vec<Arc<LocalQueue>>);

impl LocalQueues {
    /// Empty queues.
    pub fn new(clock: &StackClock) -> Self {
        Self(
            FailureDomain::ALL
                .into_iter()
                .map(|failure_domain| Arc::new(LocalQueue::new(clock.clone(), failure_domain)))
                .collect(),
        )
    }

    /// The queues.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<LocalQueue>> {
        self.0.iter()
    }

    /// The queue of a failure domain.
    ///
    /// # Errors
    /// If there is none.
    fn get(&self, failure_domain: FailureDomain) -> Result<&Arc<LocalQueue>, PortError> {
        let queue = self.iter().find(|queue| queue.failure_domain == failure_domain);
        queue.ok_or_else(|| PortError(format!("there is no queue {failure_domain}")))
    }

    /// The bodies of the messages in the dead-letter queues.
    pub fn dead_letters(&self) -> Vec<String> {
        self.iter().flat_map(|queue| queue.inspect().dead_letters).collect()
    }

    /// Runs the workers of all queues concurrently until no message is visible. Returns the number of received messages.
    pub async fn drain(&self, app: &App) -> usize {
        join_all(self.iter().map(|queue| queue.drain(app))).await.into_iter().sum()
    }
}

/// A queue in memory. The sweep recovers the messages that are lost when the process ends.
pub struct LocalQueue {
    /// The failure domain of the jobs in it.
    pub failure_domain: FailureDomain,
    clock: StackClock,
    state: Mutex<State>,
    arrived: Notify,
    next: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Message>,
    dead_letters: Vec<Message>,
    processed: u64,
}

#[derive(Debug, Clone)]
struct Message {
    id: String,
    body: String,
    receive_count: u32,
    visible_at: i64,
}

/// The state of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueState {
    /// The number of messages in the queue.
    pub waiting: usize,
    /// The number of messages that were processed since the start.
    pub processed: u64,
    /// The bodies of the messages in the dead-letter queue.
    pub dead_letters: Vec<String>,
}

impl LocalQueue {
    /// An empty queue.
    fn new(clock: StackClock, failure_domain: FailureDomain) -> Self {
        Self {
            failure_domain,
            clock,
            state: Mutex::default(),
            arrived: Notify::new(),
            next: AtomicU64::new(1),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state of the queue.
    pub fn inspect(&self) -> QueueState {
        let state = self.state();
        QueueState {
            waiting: state.waiting.len(),
            processed: state.processed,
            dead_letters: state.dead_letters.iter().map(|message| message.body.clone()).collect(),
        }
    }

    /// Sends a message with any text, as a program with access to the queue could.
    pub fn put(&self, body: impl Into<String>) {
        let id = format!("message-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let visible_at = self.clock.seconds();
        self.state().waiting.push_back(Message { id, body: body.into(), receive_count: 0, visible_at });
        self.arrived.notify_one();
    }

    /// Waits until a message arrives.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Runs the worker with batches until no message is visible. Returns the number of received messages.
    pub async fn drain(&self, app: &App) -> usize {
        let mut received = 0;
        loop {
            let batch = self.receive();
            if batch.is_empty() {
                return received;
            }
            received += batch.len();
            let mut event = SqsEvent::default();
            event.records = batch.iter().map(record).collect();
            // The worker runs in its own task, so that a panic fails the whole batch, as on Lambda.
            let (app, failure_domain) = (app.clone(), self.failure_domain);
            let response =
                tokio::spawn(async move { functions::messages::handle(&app, failure_domain, event).await });
            let response = response.await;
            self.finish(batch, response.ok());
        }
    }

    fn receive(&self) -> Vec<Message> {
        let now = self.clock.seconds();
        let mut state = self.state();
        let (visible, hidden): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.waiting).into_iter().partition(|message| message.visible_at <= now);
        let mut visible = visible.into_iter();
        let batch = visible.by_ref().take(BATCH_SIZE).collect();
        state.waiting = visible.chain(hidden).collect();
        batch
    }

    /// Deletes the processed messages, and makes the failed ones visible later or dead letters. Without a response, the whole
    /// batch failed.
    fn finish(&self, batch: Vec<Message>, response: Option<SqsBatchResponse>) {
        let now = self.clock.seconds();
        let mut state = self.state();
        for mut message in batch {
            let failed = response.as_ref().is_none_or(|response| {
                response.batch_item_failures.iter().any(|failure| failure.item_identifier == message.id)
            });
            if !failed {
                state.processed += 1;
                continue;
            }
            message.receive_count += 1;
            message.visible_at = now + lease_seconds(self.failure_domain);
            if message.receive_count >= MAX_RECEIVE_COUNT {
                tracing::error!(body = %message.body, "dead letter after {MAX_RECEIVE_COUNT} attempts");
                state.dead_letters.push(message);
            } else {
                state.waiting.push_back(message);
            }
        }
    }
}

fn record(message: &Message) -> SqsMessage {
    let mut record = SqsMessage::default();
    record.message_id = Some(message.id.clone());
    record.body = Some(message.body.clone());
    record
}

#[async_trait]
impl JobQueue for LocalQueues {
    async fn send(&self, failure_domain: FailureDomain, jobs: &[JobName]) -> Result<(), PortError> {
        let queue = self.get(failure_domain)?;
        for job in jobs {
            queue.put(job.to_string());
        }
        Ok(())
    }
}
