//! The ports to payment gateways and to the source of exchange rates.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::payments::exchange::ReferenceRates;
use domain::payments::gateway::{Capabilities, GatewayKind};
use domain::payments::ledger::Movement;
use domain::payments::payment::{IntentStatus, Payment, PaymentSnapshot, References};
pub use domain::payments::reconciliation::BookLine;
use domain::{AppointmentId, ExpertId, Money, TimeSpan, Timestamp};

use crate::ports::PortError;

mod taxes;

pub use taxes::{CalculatedTax, TakenBack, TaxCalculation, TaxService};

/// A payment gateway: takes money from clients, gives it to experts, and keeps the platform's fee back.
///
/// Whoever calls looks first ([`PaymentGateway::fetch_payment`]) and orders then, so an order whose answer was lost is seen and not
/// given twice. Besides that each order carries an idempotency key, made of the appointment, the step, and how often it was
/// taken.
#[async_trait]
pub trait PaymentGateway: Send + Sync {
    /// For how long it sets money aside.
    fn capabilities(&self) -> Capabilities;

    /// Opens an account for an expert, once: asked again for the same expert it answers the same account.
    async fn create_account(&self, expert: ExpertId) -> Result<AccountState, PaymentError>;

    /// What is known of an account now.
    async fn read_account(&self, account: &str) -> Result<AccountState, PaymentError>;

    /// A page on which the expert tells the gateway who they are. It works once, for some minutes.
    async fn onboarding_page(
        &self,
        account: &str,
        return_url: &str,
        refresh_url: &str,
    ) -> Result<OnboardingPage, PaymentError>;

    /// Makes it possible for the client to pay, to set the money aside, or to save a card, as the plan says, once: asked
    /// again for the same number of the payment's intent it answers the same.
    async fn open(&self, payment: &Payment, buyer: &Buyer<'_>) -> Result<Opened, PaymentError>;

    /// Everything the gateway knows of a payment now. An intent of a saved card that was made for the next number of the payment
    /// and is not noted in it counts as its intent.
    async fn fetch_payment(&self, payment: &Payment) -> Result<FetchedPayment, PaymentError>;

    /// Takes, or sets aside, what the client agreed to, where the gateway waits for that.
    async fn collect_approved(&self, payment: &Payment) -> Result<(), PaymentError>;

    /// Asks a saved card for an amount: to set it aside, or to take it at once. Answers the new intent; what became of it is
    /// seen by looking. A card that fails is no error.
    async fn use_saved_card(
        &self,
        payment: &Payment,
        amount: Money,
        at_once: bool,
    ) -> Result<String, PaymentError>;

    /// Makes a payment impossible, gives back what is set aside, and forgets a saved card, unless the money was taken. Look
    /// again to know which.
    async fn cancel(&self, payment: &Payment) -> Result<(), PaymentError>;

    /// Takes `amount` of what is set aside, `fee` of it for the platform, and lets go of the rest.
    async fn capture(&self, payment: &Payment, amount: Money, fee: Money) -> Result<(), PaymentError>;

    /// Gives a part of what was taken back to the client.
    async fn refund(&self, payment: &Payment, order: RefundOrder) -> Result<(), PaymentError>;

    /// Takes a part back from the expert, with or without the platform's fee of it.
    async fn reverse(
        &self,
        payment: &Payment,
        amount: Money,
        with_fee: bool,
        ordinal: u32,
    ) -> Result<(), PaymentError>;

    /// Gives the expert an amount again that a dispute had taken.
    async fn transfer(&self, payment: &Payment, amount: Money, ordinal: u32) -> Result<(), PaymentError>;

    /// The latest payouts of an account to its owner's bank, and those that came back, oldest first.
    async fn payouts(&self, account: &str) -> Result<Vec<Movement>, PaymentError>;

    /// Its tax service, if it has one.
    fn tax_service(&self) -> Option<&dyn TaxService> {
        None
    }

    /// Whether it shows its own books, so that the ledger can be held against them.
    fn keeps_books(&self) -> bool {
        true
    }

    /// The lines of the platform's own books that were written within a span, oldest first, all of them.
    async fn book_lines(&self, written: TimeSpan) -> Result<Vec<BookLine>, PaymentError>;

    /// The appointment that a line of the books belongs to, as far as the gateway can tell when it is asked about that line
    /// alone; none when it is nothing of ours.
    async fn appointment_of(&self, line: &BookLine) -> Result<Option<AppointmentId>, PaymentError> {
        Ok(line.appointment)
    }

    /// Checks that a message is the gateway's, then reads what it is about. `headers` answers a header's value by its
    /// lower-case name.
    async fn read_webhook(
        &self,
        headers: &(dyn for<'a> Fn(&'a str) -> Option<String> + Sync),
        body: &[u8],
        now: Timestamp,
    ) -> Result<WebhookEvent, WebhookError>;
}

/// The gateways of a function. One that makes no payments has none, and so no access to their keys.
#[derive(Clone, Default)]
pub struct Gateways(BTreeMap<GatewayKind, Arc<dyn PaymentGateway>>);

impl Gateways {
    /// No payments at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, gateway: GatewayKind, port: Arc<dyn PaymentGateway>) -> Self {
        self.0.insert(gateway, port);
        self
    }

    /// One of them.
    ///
    /// # Errors
    /// [`PaymentError::Unavailable`] when it is not set up here.
    pub fn get(&self, gateway: GatewayKind) -> Result<&dyn PaymentGateway, PaymentError> {
        let port = self.0.get(&gateway).map(|port| &**port);
        port.ok_or_else(|| PaymentError::Unavailable(format!("{gateway} is not set up here")))
    }

    /// Those that are set up.
    pub fn iter(&self) -> impl Iterator<Item = (GatewayKind, &dyn PaymentGateway)> {
        self.0.iter().map(|(gateway, port)| (*gateway, &**port))
    }
}

/// Who pays, for what.
#[derive(Debug, Clone, Copy)]
pub struct Buyer<'a> {
    /// What they read on their statement and receipt.
    pub description: &'a str,
    /// Their name.
    pub name: &'a str,
    /// Their address.
    pub email: &'a str,
    /// Where a gateway that pays on pages of its own sends them back to.
    pub return_url: &'a str,
}

/// What was made for the client to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What it is called at the gateway.
    pub references: References,
    /// How the client pays.
    pub pay_with: PayWith,
}

/// How a client pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayWith {
    /// In their browser, with this secret, which is good for nothing else.
    ClientSecret(String),
    /// On this page of the gateway.
    Page(String),
    /// There is nothing left to do.
    Nothing,
}

/// What was found at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedPayment {
    /// What counts for the next step.
    pub snapshot: PaymentSnapshot,
    /// How the client pays, while they can.
    pub pay_with: PayWith,
    /// The intent that was looked at, when a saved card was asked with it and nobody could write that down.
    pub unrecorded_intent: Option<String>,
}

impl FetchedPayment {
    /// What was never asked for.
    pub fn missing() -> Self {
        let status = IntentStatus::Missing;
        let snapshot = PaymentSnapshot {
            status,
            movements: Vec::new(),
            open_dispute: false,
            lost_dispute: false,
            decline: None,
        };
        Self { snapshot, pay_with: PayWith::Nothing, unrecorded_intent: None }
    }
}

/// A refund to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundOrder {
    /// So much.
    pub amount: Money,
    /// Whether the expert's part is taken back from the expert.
    pub from_expert: bool,
    /// Which refund of the payment it is, from 1; part of its idempotency key.
    pub ordinal: u32,
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
pub struct WebhookEvent {
    /// The same for each copy of the message.
    pub id: String,
    /// What to look at.
    pub subject: WebhookSubject,
}

/// What a provider's message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookSubject {
    /// The payment of an appointment.
    Payment {
        /// As we named it when the payment was made possible.
        appointment: AppointmentId,
    },
    /// An expert's account.
    Account {
        /// Its id at the gateway, or the expert as we named them when it was opened.
        account: String,
    },
    /// The payouts of an expert's account.
    Payouts {
        /// Its id at the gateway.
        account: String,
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
    /// It did not do it, and would not now; later it may, when it is asked under another key.
    #[error("the payment provider said no for now ({code}): {message}")]
    NotNow {
        /// The provider's own code.
        code: String,
        /// The provider's own words.
        message: String,
    },
    /// It failed, which says nothing of whether it acted: a look must show that. It gives the same answer to the same key.
    #[error("the payment provider failed: {0}")]
    Failed(String),
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
