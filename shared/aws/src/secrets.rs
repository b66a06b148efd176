//! Secrets, with Secrets Manager.

use std::sync::Arc;

use app::ports::{PortError, Secret, Secrets};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;

use crate::Lazy;

/// Reads secrets from Secrets Manager.
pub struct SecretsManager {
    client: Lazy<Client>,
}

impl SecretsManager {
    /// Reads from the account and region of this configuration. The client is created when it is first used.
    pub fn new(config: Arc<SdkConfig>) -> Self {
        Self { client: Lazy::new(config) }
    }
}

#[async_trait]
impl Secrets for SecretsManager {
    async fn read(&self, name: &str) -> Result<Secret, PortError> {
        let client = self.client.get(|config| Client::new(config));
        let response = client.get_secret_value().secret_id(name).send().await.map_err(|error| {
            // Only the error code is reported, because the rest of the error may quote the response.
            PortError(format!("the secret {name} cannot be read: {}", error.code().unwrap_or("no response")))
        })?;
        response
            .secret_string
            .map(Secret::new)
            .ok_or_else(|| PortError(format!("the secret {name} has no string value")))
    }
}
