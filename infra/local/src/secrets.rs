//! A stand-in for Secrets Manager, in memory.

use std::collections::HashMap;

use app::ports::{PortError, Secret, Secrets};
use async_trait::async_trait;

/// Secrets by name.
#[derive(Default)]
pub(crate) struct LocalSecrets(HashMap<String, Secret>);

impl LocalSecrets {
    pub(crate) fn with(mut self, name: &str, value: Secret) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }
}

#[async_trait]
impl Secrets for LocalSecrets {
    async fn read(&self, name: &str) -> Result<Secret, PortError> {
        self.0.get(name).cloned().ok_or_else(|| PortError(format!("there is no secret {name}")))
    }
}
