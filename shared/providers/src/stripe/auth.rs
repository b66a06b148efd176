//! Stripe's keys, from a secret.

use std::sync::Arc;

use app::ports::{Clock, PortError, Secrets};
use domain::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;

/// How long keys are used before the secret is read again, in seconds.
const KEYS_FRESH: i64 = 300;

/// The content of the secret.
#[derive(Clone, Deserialize)]
pub(super) struct Keys {
    pub(super) secret_key: String,
    /// Signs events of the platform's own account.
    pub(super) webhook_secret: String,
    /// Signs events of connected accounts. Stripe sends them to a separate endpoint, which has its own secret.
    pub(super) connect_webhook_secret: Option<String>,
}

/// Reads the keys, and caches them for five minutes.
pub(super) struct KeyCache {
    secrets: Arc<dyn Secrets>,
    secret_id: String,
    clock: Arc<dyn Clock>,
    cached: Mutex<Option<(Timestamp, Keys)>>,
}

impl KeyCache {
    pub(super) fn new(secrets: Arc<dyn Secrets>, secret_id: String, clock: Arc<dyn Clock>) -> Self {
        Self { secrets, secret_id, clock, cached: Mutex::new(None) }
    }

    pub(super) async fn get(&self) -> Result<Keys, PortError> {
        let mut cached = self.cached.lock().await;
        let now = self.clock.now();
        if let Some((read_at, keys)) = cached.as_ref()
            && now < read_at.plus(KEYS_FRESH)
        {
            return Ok(keys.clone());
        }
        let secret = self.secrets.read(&self.secret_id).await?;
        // serde's error is dropped, because it may quote the secret.
        let keys: Keys = serde_json::from_str(secret.reveal()).map_err(|_| {
            PortError("the Stripe secret is not JSON with secret_key and webhook_secret".to_owned())
        })?;
        *cached = Some((now, keys.clone()));
        Ok(keys)
    }
}
