//! Payments with Stripe Connect, of which the platform keeps its fee: destination charges, or separate charges and transfers if
//! the platform holds the money until after the session.
//!
//! Requests are built with async-stripe, so the API version is the one for which that crate is generated. Every object that we
//! create has the appointment and the idempotency key in its metadata. Stripe deletes idempotency keys after a day, and a job
//! may be retried for longer; then the object is found by its metadata.

mod accounts;
mod auth;
mod books;
mod charges;
mod client;
mod convert;
mod errors;
mod fetch;
mod snapshot;
mod tax;
mod webhook;
mod wire;

use std::sync::Arc;

use app::payments::ports::Gateway;
use app::ports::Secret;
use domain::payments::gateway::GatewayKind;
use serde::de::DeserializeOwned;
use stripe_client_core::{RequestBuilder, StripeRequest};

use crate::{GatewayConfig, InvalidAddress};
use auth::KeyCache;
use client::{Client, RequestOptions};
use errors::Failure;

/// Builds Stripe's ports. The URL of the API is `https://api.stripe.com/`. The secret is
/// `{"secret_key": "sk_…", "webhook_secret": "whsec_…", "connect_webhook_secret": "whsec_…"}`.
///
/// # Errors
/// If the address of the API is not a URL.
pub fn gateway(config: GatewayConfig) -> Result<Gateway, InvalidAddress> {
    let base = config.api_base()?;
    let GatewayConfig { http, secrets, clock, secret_id, .. } = config;
    let stripe =
        Arc::new(Stripe { client: Client::new(http, base), keys: KeyCache::new(secrets, secret_id, clock) });
    Ok(Gateway {
        kind: GatewayKind::Stripe,
        charges: stripe.clone(),
        accounts: stripe.clone(),
        webhooks: stripe.clone(),
        payouts: Some(stripe.clone()),
        books: Some(stripe.clone()),
        tax_service: Some(stripe),
    })
}

/// Implements all ports.
struct Stripe {
    client: Client,
    keys: KeyCache,
}

impl Stripe {
    /// Sends a request that may be repeated without harm.
    async fn send<T: DeserializeOwned>(&self, request: &impl StripeRequest) -> Result<T, Failure> {
        self.execute(request.build(), RequestOptions::default()).await
    }

    /// Sends a request with an idempotency key, so that it has one effect.
    async fn send_once<T: DeserializeOwned>(
        &self,
        request: &impl StripeRequest,
        key: &str,
    ) -> Result<T, Failure> {
        self.execute(request.build(), RequestOptions { idempotency_key: Some(key), account: None }).await
    }

    async fn execute<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        options: RequestOptions<'_>,
    ) -> Result<T, Failure> {
        let keys = self.keys.get().await.map_err(|error| Failure::Unavailable(error.0))?;
        self.client.send(&Secret::new(keys.secret_key), request, options).await
    }
}
