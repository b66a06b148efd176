//! Runs jobs: each message of the jobs queue is the name of an outbox entry.

use std::panic::AssertUnwindSafe;

use app::App;
use app::identity::Actor;
use app::operations::outbox;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use futures_util::future::join_all;
use store::Job;

use crate::runtime::Worker;

/// Invoked by the jobs queue.
pub const WORKER: Worker = Worker {
    function: "run_jobs",
    handler: |app, event| {
        Box::pin(async move {
            let response = handle(app, serde_json::from_value(event)?).await;
            Ok(serde_json::to_value(response)?)
        })
    },
};

/// Runs a batch of jobs, and returns which messages the queue must keep.
///
/// A message fails only if its job could not be leased: a job that fails is rescheduled in its outbox entry. A message that
/// does not name a job fails until the queue moves it to the dead-letter queue.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    let results = join_all(event.records.iter().map(|message| run(app, message))).await;
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = results
        .into_iter()
        .flatten()
        .map(|id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failure
        })
        .collect();
    response
}

/// Returns the id of the message if it failed.
async fn run(app: &App, message: &SqsMessage) -> Option<String> {
    let id = message.message_id.clone().unwrap_or_default();
    let Ok(job) = message.body.as_deref().unwrap_or_default().parse::<Job>() else {
        tracing::error!(message_id = id, "the message does not name a job");
        return Some(id);
    };
    // A panic fails its own message only, not the rest of the batch.
    match AssertUnwindSafe(outbox::process(app, &Actor::Platform, job)).catch_unwind().await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => {
            tracing::error!(%job, %error, "the job could not be leased");
            Some(id)
        }
        Err(_) => {
            tracing::error!(%job, "the job panicked");
            Some(id)
        }
    }
}
