//! What the use cases need of the world, each named for the thing. Who implements one must be able to run it twice.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use domain::exchange::ReferenceRates;
use domain::payment::IntentStatus;
use domain::{AppointmentId, ExpertId, Money, Timestamp};
use serde::Serialize;
use store::Effect;

/// Time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// This instant.
    fn now(&self) -> Timestamp;

    /// Waits, so that rivals for the same rows do not meet again.
    async fn pause(&self, length: Duration);
}

/// Chance that nobody can foresee.
pub trait Random: Send + Sync {
    /// 128 fresh bits.
    fn bits(&self) -> u128;
}

/// The fast path to the effect worker. It may lose, repeat and reorder.
#[async_trait]
pub trait EffectQueue: Send + Sync {
    /// Asks for these effects to be worked off now.
    ///
    /// # Errors
    /// When not all of them were taken.
    async fn send(&self, effects: &[Effect]) -> Result<(), PortError>;
}

/// Where integrators hear what happened. Every event may come more than once, with the same id.
#[async_trait]
pub trait EventBus: Send + Sync {
    /// Publishes one event.
    ///
    /// # Errors
    /// When it was not taken.
    async fn publish(&self, event: &DomainEvent) -> Result<(), PortError>;
}

/// What only the operator may know.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The value of a secret.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn read(&self, name: &str) -> Result<Secret, PortError>;
}

/// Something that appears in no log: it has no `Debug` of its value and no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a value from being shown.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one who must send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret")
    }
}

/// The world did not do as asked; another try may work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PortError(pub String);

/// An event that the world is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DomainEvent {
    /// The same for each copy of the event.
    pub id: String,
    /// Such as `appointment.confirmed`.
    pub kind: String,
    /// The subject as it stood when the event was published.
    pub detail: serde_json::Value,
}

/// Card payments to experts, with the platform's fee kept back.
#[async_trait]
pub trait CardPayments: Send + Sync {
    /// Opens an account for an expert, once: asked again for the same expert it answers the same account.
    async fn create_account(&self, expert: ExpertId) -> Result<AccountState, PaymentError>;

    /// What is known of an account now.
    async fn read_account(&self, account: &str) -> Result<AccountState, PaymentError>;

    /// A page on which the expert tells the provider who they are. It works once, for some minutes.
    async fn onboarding_page(
        &self,
        account: &str,
        return_url: &str,
        refresh_url: &str,
    ) -> Result<OnboardingPage, PaymentError>;

    /// Makes a payment possible, once: asked again for the same appointment it answers the same intent.
    async fn create_intent(&self, wanted: &NewIntent<'_>) -> Result<Intent, PaymentError>;

    /// An intent as it stands.
    async fn read_intent(&self, intent: &str) -> Result<Intent, PaymentError>;

    /// Makes a payment impossible, unless it has happened. Read the intent again to know which.
    async fn cancel_intent(&self, appointment: AppointmentId, intent: &str) -> Result<(), PaymentError>;

    /// Gives all of a payment back, the expert's part with it and the fee that was kept of it, once. Answers the refund's
    /// id.
    async fn refund(
        &self,
        appointment: AppointmentId,
        intent: &str,
        fee: Money,
    ) -> Result<String, PaymentError>;

    /// Checks that a message is the provider's, then reads what it is about.
    async fn read_webhook(
        &self,
        signature: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Notice, WebhookError>;
}

/// No payments at all, for functions that make none and so have no access to the provider's keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPayments;

impl NoPayments {
    fn refuse<T>() -> Result<T, PaymentError> {
        Err(PaymentError::Unavailable("this function makes no payments".to_owned()))
    }
}

#[async_trait]
impl CardPayments for NoPayments {
    async fn create_account(&self, _: ExpertId) -> Result<AccountState, PaymentError> {
        Self::refuse()
    }

    async fn read_account(&self, _: &str) -> Result<AccountState, PaymentError> {
        Self::refuse()
    }

    async fn onboarding_page(&self, _: &str, _: &str, _: &str) -> Result<OnboardingPage, PaymentError> {
        Self::refuse()
    }

    async fn create_intent(&self, _: &NewIntent<'_>) -> Result<Intent, PaymentError> {
        Self::refuse()
    }

    async fn read_intent(&self, _: &str) -> Result<Intent, PaymentError> {
        Self::refuse()
    }

    async fn cancel_intent(&self, _: AppointmentId, _: &str) -> Result<(), PaymentError> {
        Self::refuse()
    }

    async fn refund(&self, _: AppointmentId, _: &str, _: Money) -> Result<String, PaymentError> {
        Self::refuse()
    }

    async fn read_webhook(&self, _: &str, _: &[u8], _: Timestamp) -> Result<Notice, WebhookError> {
        Err(WebhookError::Signature)
    }
}

/// What is to be paid.
#[derive(Debug, Clone, Copy)]
pub struct NewIntent<'a> {
    /// For what; also what keeps the intent from being made twice.
    pub appointment: AppointmentId,
    /// By the client.
    pub amount: Money,
    /// To the platform, of it.
    pub fee: Money,
    /// The account of the expert, who gets the rest.
    pub destination: &'a str,
    /// What the client reads on the receipt.
    pub description: &'a str,
}

/// A payment at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Its id there.
    pub id: String,
    /// With it the client's browser can pay, and nothing else.
    pub client_secret: Option<String>,
    /// Whether it is paid.
    pub status: IntentStatus,
}

/// An expert's account at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState {
    /// Its id there.
    pub id: String,
    /// Whether clients can pay.
    pub charges_enabled: bool,
    /// Whether it pays out.
    pub payouts_enabled: bool,
    /// What it still wants to know.
    pub requirements_due: Vec<String>,
    /// Why it is stopped.
    pub disabled_reason: Option<String>,
}

/// A page for one person, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnboardingPage {
    /// Where it is.
    pub url: String,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A message from the provider: look at this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The same for each copy of the message.
    pub id: String,
    /// What to look at.
    pub about: About,
}

/// What a provider's message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The payment of an appointment.
    Payment {
        /// As we named it when the payment was made possible.
        appointment: AppointmentId,
    },
    /// An expert's account.
    Account {
        /// As we named them when the account was opened.
        expert: ExpertId,
    },
    /// Nothing of ours.
    Nothing,
}

/// Why the provider did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// It refused, and would again.
    #[error("the payment provider refused ({code}): {message}")]
    Refused {
        /// The provider's own code.
        code: String,
        /// The provider's own words.
        message: String,
    },
    /// It did not answer, or not in a way that can be understood; what was asked may have happened all the same.
    #[error("the payment provider is not available: {0}")]
    Unavailable(String),
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// It is not signed, or not by the provider.
    #[error("the signature is missing or does not match the body")]
    Signature,
    /// Signed too long ago, or in the future: somebody may be repeating an old message.
    #[error("the message was signed more than five minutes from now")]
    Stale,
    /// Signed, but not a message that can be understood.
    #[error("the body is not an event: {0}")]
    Body(String),
    /// The secret to check it with cannot be read.
    #[error(transparent)]
    Unavailable(#[from] PortError),
}

// Exchange rates

/// Reference rates of currencies against the euro, for estimates of what prices come to in others.
#[async_trait]
pub trait ExchangeRates: Send + Sync {
    /// The latest that were published, each of them readable; whether they are plausible is for the caller to say.
    ///
    /// # Errors
    /// When they cannot be got, or are no table of rates.
    async fn latest(&self) -> Result<ReferenceRates, PortError>;
}

/// No source of exchange rates, for functions that only read those that are kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoExchangeRates;

#[async_trait]
impl ExchangeRates for NoExchangeRates {
    async fn latest(&self) -> Result<ReferenceRates, PortError> {
        Err(PortError("this function fetches no exchange rates".to_owned()))
    }
}
