//! The job queue, with SQS.

use std::sync::Arc;

use app::ports::{JobQueue, PortError};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use store::Job;
use store::table::causes;

use crate::Lazy;

/// Maximum number of messages in a request.
const BATCH: usize = 10;

/// An SQS queue.
pub struct Sqs {
    client: Lazy<Client>,
    url: String,
}

impl Sqs {
    /// Sends to the queue with this URL. The client is created when it is first used.
    pub fn new(config: Arc<SdkConfig>, url: impl Into<String>) -> Self {
        Self { client: Lazy::new(config), url: url.into() }
    }
}

#[async_trait]
impl JobQueue for Sqs {
    async fn send(&self, jobs: &[Job]) -> Result<(), PortError> {
        let client = self.client.get(|config| Client::new(config));
        for batch in jobs.chunks(BATCH) {
            let entries: Result<Vec<_>, _> = batch
                .iter()
                .enumerate()
                .map(|(place, job)| {
                    SendMessageBatchRequestEntry::builder()
                        .id(place.to_string())
                        .message_body(job.to_string())
                        .build()
                })
                .collect();
            let response = client
                .send_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries.map_err(|error| PortError(error.to_string()))?))
                .send()
                .await
                .map_err(|error| PortError(causes(&error)))?;
            if let Some(failed) = response.failed.first() {
                return Err(PortError(format!(
                    "the queue refused {} messages: {}",
                    response.failed.len(),
                    failed.code
                )));
            }
        }
        Ok(())
    }
}
