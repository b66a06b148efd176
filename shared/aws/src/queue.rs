//! The job queues, with SQS.

use std::sync::Arc;

use app::ports::{JobQueue, PortError};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use store::table::causes;
use store::{FailureDomain, JobName};

use crate::Lazy;

/// Maximum number of messages in a request.
const BATCH: usize = 10;

/// The URLs of the queues, by failure domain.
#[derive(Debug, Clone)]
pub struct QueueUrls {
    /// The queue of the jobs that call a payment gateway.
    pub payments: String,
    /// The queue of the jobs that call nothing but the event bus.
    pub general: String,
}

/// An SQS queue for each failure domain.
pub struct Sqs {
    client: Lazy<Client>,
    urls: QueueUrls,
}

impl Sqs {
    /// Sends to the queues with these URLs. The client is created when it is first used.
    pub fn new(config: Arc<SdkConfig>, urls: QueueUrls) -> Self {
        Self { client: Lazy::new(config), urls }
    }
}

#[async_trait]
impl JobQueue for Sqs {
    async fn send(&self, failure_domain: FailureDomain, jobs: &[JobName]) -> Result<(), PortError> {
        let client = self.client.get(|config| Client::new(config));
        let url = match failure_domain {
            FailureDomain::Payments => &self.urls.payments,
            FailureDomain::General => &self.urls.general,
        };
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
                .queue_url(url)
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
