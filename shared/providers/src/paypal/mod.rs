//! Payments with PayPal for marketplaces: orders that are paid to the experts, of which the platform keeps its fee
//! (<https://developer.paypal.com/docs/multiparty/>).
//!
//! PayPal leaves it to us to capture what a client approved. An order that is not captured costs nothing and expires by itself.
//! A captured amount belongs to the expert: the platform can reach it only by refunds, and PayPal takes disputed amounts
//! from the expert. Orders name the appointment, and refunds also the idempotency key. PayPal deletes idempotency keys, and a
//! job may be retried for longer.
//!
//! The expert gets the amount at once, or PayPal holds it (*delayed disbursement*) until the platform has it released
//! (`hold.rs`). PayPal must have approved the platform for that, and the expert must have agreed to it.
//!
//! PayPal has no books here: its records are those of Transaction Search, a separate product, and show the platform's own
//! account hours late. Instead, the movements of each snapshot are compared with the ledger. Nor does PayPal report payouts: an
//! expert's balance is theirs, and they transfer it to their bank themselves.

mod accounts;
mod auth;
mod charges;
mod client;
mod convert;
mod errors;
mod fetch;
mod hold;
mod signature;
mod snapshot;
mod webhook;
mod wire;

use std::sync::Arc;

use app::payments::ports::Gateway;
use domain::payments::gateway::GatewayKind;
use serde::de::DeserializeOwned;

use crate::{GatewayConfig, InvalidAddress};
use auth::Access;
use client::{Client, Request};
use errors::Failure;
use signature::{Budget, Certificates, MAX_VERIFICATIONS};

/// Builds PayPal's ports. The URL of the API is `https://api-m.paypal.com/`. The secret is
/// `{"client_id": "…", "client_secret": "…", "partner_id": "…", "webhook_id": "…"}`. If it is empty, PayPal is not configured,
/// and every request returns an error that says so. `"webhook_roots"` in the secret are certificates in PEM that replace the
/// public certificate authorities for the certificates of webhook events. `delayed_disbursement` says whether PayPal has approved
/// the platform to delay the disbursement of payments to experts; without it, experts get their share at once.
///
/// # Errors
/// If the address of the API is not a URL.
pub fn gateway(config: GatewayConfig, delayed_disbursement: bool) -> Result<Gateway, InvalidAddress> {
    let base = config.api_base()?;
    let GatewayConfig { http, secrets, clock, secret_id, .. } = config;
    let paypal = Arc::new(PayPal {
        certificates: Certificates::new(http.clone(), base.clone()),
        verifications: Budget::new(MAX_VERIFICATIONS),
        delayed_disbursement,
        client: Client::new(http, base, Access::new(secrets, secret_id, clock)),
    });
    Ok(Gateway {
        kind: GatewayKind::Paypal,
        charges: paypal.clone(),
        accounts: paypal.clone(),
        webhooks: paypal,
        payouts: None,
        books: None,
        tax_service: None,
    })
}

/// Implements all ports.
struct PayPal {
    client: Client,
    /// The certificates of webhook events.
    certificates: Certificates,
    /// The requests to verify webhook events that are left.
    verifications: Budget,
    /// Whether the platform may have PayPal hold the experts' shares.
    delayed_disbursement: bool,
}

impl PayPal {
    async fn get<T: DeserializeOwned>(&self, path: String) -> Result<T, Failure> {
        self.client.send(&Request::get(path)).await
    }
}
