//! Payments by Stripe Connect: destination charges with the platform's fee kept back.
//!
//! Request builders are those of async-stripe, so the API version is the one that crate is generated for. Every object that is
//! made carries the appointment and the idempotency key in its metadata: Stripe forgets keys after a day, and an effect may be
//! owed for longer.

mod books;
mod client;
mod convert;
mod errors;
mod reading;
mod snapshot;
mod tax;
mod webhook;
mod whose;
mod wire;

use std::sync::Arc;
use std::time::{Duration, Instant};

use app::payments::ports::{
    AccountState, BookLine, Buyer, FetchedPayment, OnboardingPage, Opened, PaymentError, PaymentGateway,
    RefundOrder, TaxService, WebhookError, WebhookEvent,
};
use app::ports::{PortError, Secret, Secrets};
use async_trait::async_trait;
use domain::kernel::time::{DAY, HOUR};
use domain::payments::gateway::Capabilities;
use domain::payments::ledger::Movement;
use domain::payments::payment::{Payment, Plan, References};
use domain::{AppointmentId, ExpertId, Money, TimeSpan, Timestamp};
use reqwest::Url;
use serde::Deserialize;
use stripe_client_core::{RequestBuilder, StripeMethod, StripeRequest};
use stripe_connect::account::RetrieveAccount;
use stripe_connect::account_link::{CreateAccountLink, CreateAccountLinkType};
use stripe_core::payment_intent::{CancelPaymentIntent, RetrievePaymentIntent};
use stripe_core::setup_intent::CancelSetupIntent;
use tokio::sync::Mutex;

use client::{Client, With};
use convert::{KEY, asked_saved_card, key, saved_card_key};
use errors::{Failure, INTENT_OVER, NO_ACCESS, NOT_FOUND, SETUP_OVER, reference, refused, unless_over};
use webhook::Told;

/// How long an authorisation surely holds that a client gives, in seconds: a day less than the seven of most cards
/// (<https://docs.stripe.com/payments/place-a-hold-on-a-payment-method>).
const AUTHORISATION_HOLDS: i64 = 6 * DAY;
/// How long one holds that is made with a saved card, in seconds: Visa's limit, the shortest (same page).
const LATER_AUTHORISATION_HOLDS: i64 = 4 * DAY + 18 * HOUR;

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

    async fn send<T>(&self, request: RequestBuilder, with: With<'_>) -> Result<T, Failure>
    where
        T: serde::de::DeserializeOwned,
    {
        let keys = self.keys().await.map_err(|error| Failure::Silence(error.0))?;
        self.client.send(&Secret::new(keys.secret_key), request, with).await
    }

    /// Asks for something that can be asked for any number of times.
    async fn ask<T: serde::de::DeserializeOwned>(&self, request: &impl StripeRequest) -> Result<T, Failure> {
        self.send(request.build(), With::default()).await
    }

    /// Orders something that shall happen once.
    async fn order<T: serde::de::DeserializeOwned>(
        &self,
        request: &impl StripeRequest,
        key: &str,
    ) -> Result<T, Failure> {
        self.send(request.build(), With { idempotency_key: Some(key), account: None }).await
    }

    async fn look_at_intent(
        &self,
        payment: &Payment,
        intent: &str,
        unrecorded_intent: Option<String>,
    ) -> Result<FetchedPayment, PaymentError> {
        let found = self.found(payment, intent).await?;
        let pay_with = snapshot::pay_with(&found.intent.status, found.intent.client_secret.as_ref());
        Ok(FetchedPayment { snapshot: snapshot::snapshot(payment, &found)?, pay_with, unrecorded_intent })
    }

    /// The customer and the intent by which a client saves a card.
    async fn open_setup(&self, payment: &Payment, buyer: &Buyer<'_>) -> Result<Opened, PaymentError> {
        let customer_key = key(payment, "customer", payment.intents);
        let customer: wire::Named =
            self.order(&convert::new_customer(payment, buyer, &customer_key), &customer_key).await?;
        let setup_key = key(payment, "setup", payment.intents);
        let setup = convert::new_setup(payment, buyer, &customer.id, &setup_key);
        let setup: wire::SetupIntent = self.order(&setup, &setup_key).await?;
        let pay_with = snapshot::pay_with(&setup.status, setup.client_secret.as_ref());
        let references = References { setup: Some(setup.id), customer: Some(customer.id), intent: None };
        Ok(Opened { references, pay_with })
    }

    /// Takes the saved card off its customer, so that it can never be asked again.
    async fn forget_card(&self, setup: &str) -> Result<(), PaymentError> {
        let setup = self.setup_intent(setup).await?;
        let method = setup.payment_method.as_ref().and_then(wire::Expandable::object);
        let Some(method) = method.filter(|method| setup.status == "succeeded" && method.customer.is_some())
        else {
            return Ok(());
        };
        // A call without parameters, so there is nothing for a builder to check.
        let detach =
            RequestBuilder::new(StripeMethod::Post, format!("/payment_methods/{}/detach", method.id));
        let _: wire::Anything = self.send(detach, With::default()).await?;
        Ok(())
    }
}

#[async_trait]
impl PaymentGateway for Stripe {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            authorisation_holds: AUTHORISATION_HOLDS,
            later_authorisation_holds: Some(LATER_AUTHORISATION_HOLDS),
            waits_for_collection: false,
            reaches_experts: true,
            refunds_after_dispute: false,
        }
    }

    fn tax_service(&self) -> Option<&dyn TaxService> {
        Some(self)
    }

    async fn create_account(&self, expert: ExpertId) -> Result<AccountState, PaymentError> {
        let key = format!("{expert}:account");
        Ok(convert::account(self.order(&convert::new_account(expert, &key), &key).await?))
    }

    async fn read_account(&self, account: &str) -> Result<AccountState, PaymentError> {
        match self.ask(&RetrieveAccount::new(account)).await {
            Ok(read) => Ok(convert::account(read)),
            Err(failure) if failure.code() == Some(NO_ACCESS) => Ok(AccountState {
                id: account.to_owned(),
                charges_enabled: false,
                payouts_enabled: false,
                requirements_due: Vec::new(),
                disabled_reason: Some("deauthorized".to_owned()),
            }),
            Err(failure) => Err(failure.into()),
        }
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
        let link: wire::AccountLink = self.ask(&link).await?;
        Ok(OnboardingPage { url: link.url, expires_at: Timestamp::from_seconds(link.expires_at) })
    }

    async fn open(&self, payment: &Payment, buyer: &Buyer<'_>) -> Result<Opened, PaymentError> {
        if payment.plan == Plan::SaveCard {
            return self.open_setup(payment, buyer).await;
        }
        let key = key(payment, "intent", payment.intents);
        // The first is asked for within the minutes of a hold; a later one may be after Stripe forgot the key.
        let before = match payment.intents {
            0 | 1 => None,
            _ => self.intent_made_with(payment, |made_with| made_with == key).await?,
        };
        let intent = match before {
            Some(intent) => intent,
            None => self.order(&convert::new_intent(payment, buyer, &key)?, &key).await?,
        };
        let pay_with = snapshot::pay_with(&intent.status, intent.client_secret.as_ref());
        let references = References { intent: Some(intent.id), ..payment.references.clone() };
        Ok(Opened { references, pay_with })
    }

    async fn fetch_payment(&self, payment: &Payment) -> Result<FetchedPayment, PaymentError> {
        let References { intent, setup, .. } = &payment.references;
        if let Some(intent) = intent {
            return self.look_at_intent(payment, intent, None).await;
        }
        let Some(setup) = setup else {
            return Ok(FetchedPayment::missing());
        };
        let setup = self.setup_intent(setup).await?;
        let snapshot = snapshot::snapshot_of_setup(&setup);
        // Only a card that is saved can have been asked.
        if setup.status == "succeeded" {
            let next = payment.intents.saturating_add(1);
            let asked = |key: &str| asked_saved_card(payment, next, key);
            if let Some(intent) = self.intent_made_with(payment, asked).await? {
                return self.look_at_intent(payment, &intent.id, Some(intent.id.clone())).await;
            }
        }
        let pay_with = snapshot::pay_with(&setup.status, setup.client_secret.as_ref());
        Ok(FetchedPayment { snapshot, pay_with, unrecorded_intent: None })
    }

    /// Stripe takes by itself what a client agreed to.
    async fn collect_approved(&self, _: &Payment) -> Result<(), PaymentError> {
        Ok(())
    }

    async fn use_saved_card(
        &self,
        payment: &Payment,
        amount: Money,
        at_once: bool,
    ) -> Result<String, PaymentError> {
        let key = saved_card_key(payment, payment.intents);
        let setup = reference(payment.references.setup.as_ref(), "saved card")?;
        let method = self.setup_intent(&setup).await?.payment_method;
        let method = method.as_ref().and_then(wire::Expandable::object).map(|method| method.id.as_str());
        let method = method.ok_or_else(|| refused("no_saved_card", format!("{setup} has no card")))?;
        let intent = convert::new_off_session_intent(payment, amount, at_once, method, &key)?;
        match self.order::<wire::Named>(&intent, &key).await {
            Ok(intent) => Ok(intent.id),
            Err(failure) => match failure.refused_intent() {
                Some(intent) => Ok(intent.to_owned()),
                None => Err(failure.into()),
            },
        }
    }

    /// No idempotency keys: cancelling twice is harmless, and a stored answer would hide what became of the intent.
    async fn cancel(&self, payment: &Payment) -> Result<(), PaymentError> {
        if let Some(intent) = &payment.references.intent {
            unless_over(self.ask(&CancelPaymentIntent::new(intent.as_str())).await, INTENT_OVER)?;
        }
        if let Some(setup) = &payment.references.setup {
            unless_over(self.ask(&CancelSetupIntent::new(setup.as_str())).await, SETUP_OVER)?;
            self.forget_card(setup).await?;
        }
        Ok(())
    }

    async fn capture(&self, payment: &Payment, amount: Money, fee: Money) -> Result<(), PaymentError> {
        let intent = reference(payment.references.intent.as_ref(), "intent")?;
        let key = key(payment, "capture", payment.intents);
        let capture = convert::capture(payment, &intent, amount, fee, &key)?;
        unless_over(self.order(&capture, &key).await, INTENT_OVER)
    }

    async fn refund(&self, payment: &Payment, order: RefundOrder) -> Result<(), PaymentError> {
        let intent = reference(payment.references.intent.as_ref(), "intent")?;
        let key = key(payment, "refund", order.ordinal);
        let found = self.found(payment, &intent).await?;
        if found.refunds().iter().any(|refund| refund.metadata.get(KEY) == Some(&key)) {
            return Ok(());
        }
        let amount = convert::to_stripe(order.amount)?;
        // The charge's own transfer is the only one that a refund reverses. What a dispute had sent back was given again by
        // another, from which the caller takes its part with an order of its own.
        let own = found.own_transfer();
        let left = own.map_or(0, |transfer| transfer.amount - transfer.amount_reversed);
        let from_expert = order.from_expert && left >= amount;
        let fee_left = found.application_fee().map_or(0, |fee| fee.amount - fee.amount_refunded);
        let with_fee = from_expert && fee_left > 0;
        let refund = convert::new_refund(payment, &intent, order.amount, from_expert, with_fee, &key)?;
        let _: wire::Anything = self.order(&refund, &key).await?;
        Ok(())
    }

    async fn reverse(
        &self,
        payment: &Payment,
        amount: Money,
        with_fee: bool,
        ordinal: u32,
    ) -> Result<(), PaymentError> {
        let intent = reference(payment.references.intent.as_ref(), "intent")?;
        let key = key(payment, "reversal", ordinal);
        let mut found = self.found(payment, &intent).await?;
        let own = found.own_transfer().map(|transfer| transfer.id.clone());
        let transfers = self.with_later_transfers(payment, std::mem::take(&mut found.transfers)).await?;
        let reversals = || transfers.iter().flat_map(|transfer| &transfer.reversals.data);
        if reversals().any(|reversal| reversal.metadata.get(KEY) == Some(&key)) {
            return Ok(());
        }
        let wanted = convert::to_stripe(amount)?;
        let left = |transfer: &wire::Transfer| transfer.amount - transfer.amount_reversed;
        // The newest that has enough; when none has, what the fullest has, and the caller sees what is still to be had.
        let enough = transfers.iter().filter(|transfer| left(transfer) >= wanted);
        let chosen = enough.max_by_key(|transfer| transfer.created);
        let chosen = chosen.or_else(|| transfers.iter().max_by_key(|transfer| left(transfer)));
        let Some(transfer) = chosen.filter(|transfer| left(transfer) > 0) else {
            return Err(refused(
                "nothing_to_reverse",
                format!("nothing of {intent} is left with the expert"),
            ));
        };
        let fee_left = found.application_fee().map_or(0, |fee| fee.amount - fee.amount_refunded);
        let with_fee = with_fee && own.as_ref() == Some(&transfer.id) && fee_left > 0;
        let part = wanted.min(left(transfer));
        let reversal = convert::new_reversal(payment, &transfer.id, part, with_fee, &key);
        let _: wire::Anything = self.order(&reversal, &key).await?;
        Ok(())
    }

    async fn transfer(&self, payment: &Payment, amount: Money, ordinal: u32) -> Result<(), PaymentError> {
        let key = key(payment, "transfer", ordinal);
        let before = self.with_later_transfers(payment, Vec::new()).await?;
        if before.iter().any(|transfer| transfer.metadata.get(KEY) == Some(&key)) {
            return Ok(());
        }
        let _: wire::Anything = self.order(&convert::new_transfer(payment, amount, &key)?, &key).await?;
        Ok(())
    }

    async fn payouts(&self, account: &str) -> Result<Vec<Movement>, PaymentError> {
        let payouts = match self.latest_payouts(account).await {
            Ok(payouts) => payouts,
            // Its owner took the platform's access away: there is nothing to be known any more.
            Err(failure) if failure.code() == Some(NO_ACCESS) => Vec::new(),
            Err(failure) => return Err(failure.into()),
        };
        let moved = payouts.iter().rev().map(books::payout).collect::<Result<Vec<_>, _>>()?;
        let mut moved: Vec<Movement> = moved.into_iter().flatten().collect();
        moved.sort_by_key(|movement| movement.at);
        Ok(moved)
    }

    async fn book_lines(&self, written: TimeSpan) -> Result<Vec<BookLine>, PaymentError> {
        self.balance_transactions(written).await?.into_iter().rev().map(books::line).collect()
    }

    async fn appointment_of(&self, line: &BookLine) -> Result<Option<AppointmentId>, PaymentError> {
        self.whose(line).await
    }

    async fn read_webhook(
        &self,
        headers: &(dyn for<'a> Fn(&'a str) -> Option<String> + Sync),
        body: &[u8],
        now: Timestamp,
    ) -> Result<WebhookEvent, WebhookError> {
        let signature = headers("stripe-signature").ok_or(WebhookError::Signature)?;
        let keys = self.keys().await?;
        match (webhook::verify(&keys.webhook_secret, &signature, body, now), &keys.connect_webhook_secret) {
            (Err(WebhookError::Signature), Some(secret)) => webhook::verify(secret, &signature, body, now)?,
            (verified, _) => verified?,
        }
        let (id, told) = webhook::read(body)?;
        let subject = match told {
            Told::WebhookSubject(subject) => subject,
            Told::Intent(intent) => {
                match self.ask::<wire::PaymentIntent>(&RetrievePaymentIntent::new(intent)).await {
                    Ok(intent) => webhook::payment_named(intent.metadata.get(convert::APPOINTMENT)),
                    // What Stripe does not know any more is nothing of ours.
                    Err(failure) if failure.code() == Some(NOT_FOUND) => {
                        app::payments::ports::WebhookSubject::Nothing
                    }
                    Err(failure) => return Err(PortError(PaymentError::from(failure).to_string()).into()),
                }
            }
        };
        Ok(WebhookEvent { id, subject })
    }
}
