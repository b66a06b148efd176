//! Works off what is owed: messages of the effects queue, each the name of a due row.

use std::panic::AssertUnwindSafe;

use app::App;
use app::operations::outbox;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use futures_util::future::join_all;
use store::Effect;

/// Name of the function.
pub const FUNCTION: &str = "deliver_effects";

/// Works off a batch, and answers which messages the queue shall keep.
///
/// A message fails only when its effect could not even be leased: a failed effect is written down in its row, with the time
/// of the next try. What is no message of ours fails until the queue sets it aside in the dead-letter queue, where somebody
/// can look at it.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    let results = join_all(event.records.iter().map(|message| deliver(app, message))).await;
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

/// The id of the message when it failed.
async fn deliver(app: &App, message: &SqsMessage) -> Option<String> {
    let id = message.message_id.clone().unwrap_or_default();
    let Ok(effect) = message.body.as_deref().unwrap_or_default().parse::<Effect>() else {
        tracing::error!(message = id, "not the name of an effect");
        return Some(id);
    };
    // One panic must not take the rest of the batch with it.
    match AssertUnwindSafe(outbox::work_off(app, effect)).catch_unwind().await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => {
            tracing::error!(%effect, %error, "the effect could not be worked on");
            Some(id)
        }
        Err(_) => {
            tracing::error!(%effect, "the effect made the worker panic");
            Some(id)
        }
    }
}
