//! What the workers of all failure domains do with a batch of messages. Each message is the name of a job.

use std::panic::AssertUnwindSafe;

use app::App;
use app::identity::Actor;
use app::operations::outbox;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use futures_util::future::join_all;
use lambda_runtime::Error;
use serde_json::Value;
use store::{FailureDomain, JobName};

/// Handles an event of the queue of a failure domain.
///
/// # Errors
/// If the event is not from a queue.
pub(crate) async fn receive(app: &App, failure_domain: FailureDomain, event: Value) -> Result<Value, Error> {
    let response = handle(app, failure_domain, serde_json::from_value(event)?).await;
    Ok(serde_json::to_value(response)?)
}

/// Runs a batch of jobs, and returns which messages the queue must keep.
///
/// A message fails if the outbox entry of its job cannot be read from the table or written to it: when it is leased, set aside,
/// rescheduled or deleted. A job that fails is rescheduled in its entry, and its message does not fail. A message that does not
/// name a job fails until the queue moves it to the dead-letter queue.
pub async fn handle(app: &App, failure_domain: FailureDomain, event: SqsEvent) -> SqsBatchResponse {
    let results = join_all(event.records.iter().map(|message| run(app, failure_domain, message))).await;
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
async fn run(app: &App, failure_domain: FailureDomain, message: &SqsMessage) -> Option<String> {
    let id = message.message_id.clone().unwrap_or_default();
    let Ok(job) = message.body.as_deref().unwrap_or_default().parse::<JobName>() else {
        tracing::error!(message_id = id, "the message does not name a job");
        return Some(id);
    };
    // A panic fails its own message only, not the rest of the batch.
    match AssertUnwindSafe(outbox::process(app, &Actor::Platform, failure_domain, &job)).catch_unwind().await
    {
        Ok(Ok(())) => None,
        Ok(Err(error)) => {
            tracing::error!(%job, %error, "the outbox entry of the job could not be read or written");
            Some(id)
        }
        Err(_) => {
            tracing::error!(%job, "the worker panicked");
            Some(id)
        }
    }
}
