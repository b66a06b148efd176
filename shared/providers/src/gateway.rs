//! What every payment gateway is built from.

use std::sync::Arc;

use app::ports::{Clock, Secrets};
use reqwest::Url;

/// The configuration of a payment gateway.
pub struct GatewayConfig {
    /// The connections over which requests are sent.
    pub http: reqwest::Client,
    /// The store of the gateway's keys.
    pub secrets: Arc<dyn Secrets>,
    /// The clock with which keys and access tokens expire.
    pub clock: Arc<dyn Clock>,
    /// The name of the secret with the gateway's keys. It is read when it is first needed, and again after five minutes, so
    /// that rotated keys take effect.
    pub secret_id: String,
    /// The URL of the gateway's API.
    pub api_base: String,
}

impl GatewayConfig {
    pub(crate) fn api_base(&self) -> Result<Url, InvalidAddress> {
        self.api_base.parse().map_err(|_| InvalidAddress(self.api_base.clone()))
    }
}

/// The configured address of a provider's API is not a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not the URL of a provider's API")]
pub struct InvalidAddress(pub(crate) String);
