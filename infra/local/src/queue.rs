//! The effects queue: what SQS does for the worker, as far as the worker can see it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use app::App;
use app::ports::{JobQueue, PortError};
use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use serde::Serialize;
use store::Job;
use tokio::sync::Notify;

use crate::StackClock;

/// Most messages of one batch, as in `template.yaml`.
const BATCH: usize = 10;
/// Most times that a message is handed out before it is set aside, as in `template.yaml`.
const MOST_RECEIVES: u32 = 5;
/// Seconds for which a message that failed is not handed out again, as in `template.yaml`.
const VISIBILITY: i64 = 180;

/// A queue in memory. What it loses at the end of the process the sweep finds again, as it does what SQS loses.
pub struct LocalQueue {
    clock: StackClock,
    state: Mutex<State>,
    arrived: Notify,
    next: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Message>,
    set_aside: Vec<Message>,
    delivered: u64,
}

#[derive(Debug, Clone)]
struct Message {
    id: String,
    body: String,
    receives: u32,
    visible_at: i64,
}

/// What is in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueState {
    /// Messages that wait.
    pub waiting: usize,
    /// Messages that were worked off since the start.
    pub delivered: u64,
    /// Bodies of the messages in the dead-letter queue.
    pub set_aside: Vec<String>,
}

impl LocalQueue {
    /// An empty queue.
    pub fn new(clock: StackClock) -> Self {
        Self { clock, state: Mutex::default(), arrived: Notify::new(), next: AtomicU64::new(1) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in the queue.
    pub fn inspect(&self) -> QueueState {
        let state = self.state();
        QueueState {
            waiting: state.waiting.len(),
            delivered: state.delivered,
            set_aside: state.set_aside.iter().map(|message| message.body.clone()).collect(),
        }
    }

    /// Puts any text into the queue, as whoever may write to it could.
    pub fn put(&self, body: impl Into<String>) {
        let id = format!("message-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let visible_at = self.clock.seconds();
        self.state().waiting.push_back(Message { id, body: body.into(), receives: 0, visible_at });
        self.arrived.notify_one();
    }

    /// Waits until a message arrives.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Hands out batches until no message is visible; how many messages were handed out.
    pub async fn drain(&self, app: &App) -> usize {
        let mut handed_out = 0;
        loop {
            let batch = self.take();
            if batch.is_empty() {
                return handed_out;
            }
            handed_out += batch.len();
            let mut event = SqsEvent::default();
            event.records = batch.iter().map(record).collect();
            // The worker runs in a task of its own, so that it may panic as it may on Lambda: then the whole batch failed.
            let app = app.clone();
            let response =
                tokio::spawn(async move { functions::operations::run_jobs::handle(&app, event).await }).await;
            self.settle(batch, response.ok());
        }
    }

    fn take(&self) -> Vec<Message> {
        let now = self.clock.seconds();
        let mut state = self.state();
        let (visible, hidden): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.waiting).into_iter().partition(|message| message.visible_at <= now);
        let mut visible = visible.into_iter();
        let batch = visible.by_ref().take(BATCH).collect();
        state.waiting = visible.chain(hidden).collect();
        batch
    }

    fn settle(&self, batch: Vec<Message>, response: Option<SqsBatchResponse>) {
        let now = self.clock.seconds();
        let mut state = self.state();
        for mut message in batch {
            let failed = response.as_ref().is_none_or(|response| {
                response.batch_item_failures.iter().any(|failure| failure.item_identifier == message.id)
            });
            if !failed {
                state.delivered += 1;
                continue;
            }
            message.receives += 1;
            message.visible_at = now + VISIBILITY;
            if message.receives >= MOST_RECEIVES {
                tracing::error!(body = %message.body, "set aside after {MOST_RECEIVES} tries");
                state.set_aside.push(message);
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
impl JobQueue for LocalQueue {
    async fn send(&self, jobs: &[Job]) -> Result<(), PortError> {
        for job in jobs {
            self.put(job.to_string());
        }
        Ok(())
    }
}
