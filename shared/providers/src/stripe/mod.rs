//! Card payments by Stripe Connect: destination charges with the platform's fee kept back.
//!
//! Types and request builders are those of async-stripe, so the API version is the one that crate is generated for.

mod client;
mod convert;
mod errors;
mod webhook;

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::ports::{
    AccountState, CardPayments, Intent, NewIntent, Notice, OnboardingPage, PaymentError, PortError, Secret,
    Secrets, WebhookError,
};
use async_trait::async_trait;
use domain::{AppointmentId, ExpertId, Money, Timestamp};
use reqwest::Url;
use serde::Deserialize;
use stripe_client_core::{IdempotencyKey, RequestStrategy, StripeRequest};
use stripe_connect::account::RetrieveAccount;
use stripe_connect::account_link::{CreateAccountLink, CreateAccountLinkType};
use stripe_core::payment_intent::{CancelPaymentIntent, RetrievePaymentIntent};
use stripe_core::refund::{CreateRefund, ListRefund};
use stripe_shared::Refund;
use tokio::sync::Mutex;

use client::Client;

/// The address of the API is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not the URL of Stripe's API")]
pub struct InvalidAddress(String);

/// How long the keys are used before the secret is read again, so that a rotated key is taken up.
const KEYS_FRESH: Duration = Duration::from_secs(300);

/// Stripe.
pub struct Stripe {
    secrets: Arc<dyn Secrets>,
    secret_id: String,
    client: Client,
    keys: Mutex<Option<(Instant, Keys)>>,
}

/// What the secret holds: `{"secret_key": "sk_…", "webhook_secret": "whsec_…", "connect_webhook_secret": "whsec_…"}`.
///
/// Stripe sends events of connected accounts to an endpoint of their own, which has a secret of its own.
#[derive(Clone, Deserialize)]
struct Keys {
    secret_key: String,
    webhook_secret: String,
    connect_webhook_secret: Option<String>,
}

impl Stripe {
    /// Stripe at `api_base` (`https://api.stripe.com/`), with the keys in the secret `secret_id`, which is read when it is
    /// first needed.
    ///
    /// # Errors
    /// When the address is not one.
    pub fn new(
        http: reqwest::Client,
        secrets: Arc<dyn Secrets>,
        secret_id: impl Into<String>,
        api_base: &str,
    ) -> Result<Self, InvalidAddress> {
        let base: Url = api_base.parse().map_err(|_| InvalidAddress(api_base.to_owned()))?;
        Ok(Self {
            secrets,
            secret_id: secret_id.into(),
            client: Client::new(http, base),
            keys: Mutex::new(None),
        })
    }

    async fn keys(&self) -> Result<Keys, PortError> {
        let mut known = self.keys.lock().await;
        if let Some((read_at, keys)) = known.as_ref()
            && read_at.elapsed() < KEYS_FRESH
        {
            return Ok(keys.clone());
        }
        let secret = self.secrets.read(&self.secret_id).await?;
        // What is wrong with a secret must not show what is in it.
        let keys: Keys = serde_json::from_str(secret.reveal()).map_err(|_| {
            PortError("the Stripe secret is not JSON with secret_key and webhook_secret".to_owned())
        })?;
        *known = Some((Instant::now(), keys.clone()));
        Ok(keys)
    }

    async fn send<R>(&self, request: &R, idempotency_key: Option<String>) -> Result<R::Output, PaymentError>
    where
        R: StripeRequest,
        R::Output: miniserde::Deserialize,
    {
        let keys = self.keys().await.map_err(|error| PaymentError::Unavailable(error.0))?;
        let strategy = match idempotency_key.map(IdempotencyKey::new) {
            Some(Ok(key)) => RequestStrategy::Idempotent(key),
            _ => RequestStrategy::Once,
        };
        let request = request.customize().request_strategy(strategy);
        request.send(&self.client.with_key(Secret::new(keys.secret_key))).await.map_err(|error| error.0)
    }

    /// The refunds of an intent that are under way or done.
    async fn standing_refunds(&self, intent: &str) -> Result<Vec<Refund>, PaymentError> {
        let mut refunds = self.send(&ListRefund::new().payment_intent(intent).limit(100), None).await?.data;
        refunds.retain(|refund| !matches!(refund.status.as_deref(), Some("failed" | "canceled")));
        Ok(refunds)
    }
}

#[async_trait]
impl CardPayments for Stripe {
    async fn create_account(&self, expert: ExpertId) -> Result<AccountState, PaymentError> {
        let account = self.send(&convert::new_account(expert), Some(format!("{expert}:account"))).await?;
        Ok(convert::account(account))
    }

    async fn read_account(&self, account: &str) -> Result<AccountState, PaymentError> {
        Ok(convert::account(self.send(&RetrieveAccount::new(account), None).await?))
    }

    async fn onboarding_page(
        &self,
        account: &str,
        return_url: &str,
        refresh_url: &str,
    ) -> Result<OnboardingPage, PaymentError> {
        let link = CreateAccountLink::new(account, CreateAccountLinkType::AccountOnboarding)
            .return_url(return_url)
            .refresh_url(refresh_url);
        let link = self.send(&link, None).await?;
        Ok(OnboardingPage { url: link.url, expires_at: Timestamp::from_seconds(link.expires_at) })
    }

    async fn create_intent(&self, wanted: &NewIntent<'_>) -> Result<Intent, PaymentError> {
        let key = format!("{}:intent", wanted.appointment);
        Ok(convert::intent(self.send(&convert::new_intent(wanted)?, Some(key)).await?))
    }

    async fn read_intent(&self, intent: &str) -> Result<Intent, PaymentError> {
        Ok(convert::intent(self.send(&RetrievePaymentIntent::new(intent), None).await?))
    }

    async fn cancel_intent(&self, _: AppointmentId, intent: &str) -> Result<(), PaymentError> {
        // No idempotency key: cancelling twice is harmless, and a stored answer would hide what became of the intent.
        match self.send(&CancelPaymentIntent::new(intent), None).await {
            Ok(_) => Ok(()),
            // Paid, or cancelled before.
            Err(PaymentError::Refused { code, .. }) if code == "payment_intent_unexpected_state" => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn refund(
        &self,
        appointment: AppointmentId,
        intent: &str,
        fee: Money,
    ) -> Result<String, PaymentError> {
        // Stripe forgets idempotency keys after a day, and an effect may be owed for longer: look before paying back.
        // A part that somebody gave back by hand is not ours; what we ask for then is the rest.
        let standing = self.standing_refunds(intent).await?;
        let ours = |refund: &&Refund| {
            refund.metadata.as_ref().is_some_and(|metadata| metadata.contains_key(convert::APPOINTMENT))
        };
        if let Some(refund) = standing.iter().find(ours) {
            return Ok(refund.id.to_string());
        }
        // Without the two reversals the platform would pay the client while the expert keeps the money.
        let refund = CreateRefund::new()
            .payment_intent(intent)
            .reverse_transfer(true)
            .refund_application_fee(!fee.is_zero())
            .metadata([(convert::APPOINTMENT.to_owned(), appointment.to_string())]);
        match (self.send(&refund, Some(format!("{appointment}:refund"))).await, standing.first()) {
            (Ok(refund), _) => Ok(refund.id.to_string()),
            // All of it was given back by hand.
            (Err(PaymentError::Refused { code, .. }), Some(refund)) if code == "charge_already_refunded" => {
                Ok(refund.id.to_string())
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn read_webhook(
        &self,
        signature: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notice, WebhookError> {
        let keys = self.keys().await?;
        match (webhook::verify(&keys.webhook_secret, signature, body, now), &keys.connect_webhook_secret) {
            (Err(WebhookError::Signature), Some(secret)) => webhook::verify(secret, signature, body, now)?,
            (verified, _) => verified?,
        }
        webhook::read(body)
    }
}
