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

/// A payment gateway: collects money from clients, transfers it to experts, and keeps the platform's commission.
///
/// Before an order, the caller fetches the payment ([`PaymentGateway::fetch_payment`]), so an order whose response was lost is not
/// repeated. In addition, each order carries an idempotency key made of the appointment, the step, and its number.
#[async_trait]
pub trait PaymentGateway: Send + Sync {
    /// What the gateway can do.
    fn capabilities(&self) -> Capabilities;

    /// Creates an account for an expert. Repeated calls for the same expert return the same account.
    async fn create_account(&self, expert: ExpertId) -> Result<AccountState, PaymentError>;

    /// Reads an account.
    async fn read_account(&self, account: &str) -> Result<AccountState, PaymentError>;

    /// Creates a page on which the expert completes the account. It can be used once and expires after some minutes. Afterwards the
    /// gateway sends the expert to `return_url`, or to `refresh_url` if the page has expired.
    async fn onboarding_page(
        &self,
        account: &str,
        return_url: &str,
        refresh_url: &str,
    ) -> Result<OnboardingPage, PaymentError>;

    /// Opens an intent, with which the client can pay, authorize an amount, or save a card, as the payment's plan says. Repeated
    /// calls for the same intent number of the payment return the same intent.
    async fn open(&self, payment: &Payment, buyer: &Buyer<'_>) -> Result<Opened, PaymentError>;

    /// Fetches everything that the gateway knows about a payment. An intent of a saved card that was created with the payment's next
    /// intent number and is not recorded in it counts as its intent.
    async fn fetch_payment(&self, payment: &Payment) -> Result<FetchedPayment, PaymentError>;

    /// Captures or authorizes what the client has approved, at gateways that wait for this call.
    async fn collect_approved(&self, payment: &Payment) -> Result<(), PaymentError>;

    /// Authorizes an amount on a saved card, or charges it if `at_once` is set. Returns the new intent, whose result is in the next
    /// snapshot. A declined card is not an error.
    async fn use_saved_card(
        &self,
        payment: &Payment,
        amount: Money,
        at_once: bool,
    ) -> Result<String, PaymentError>;

    /// Cancels the intent: it can no longer be paid, an authorization is released, and a saved card is deleted. If the money was
    /// captured already, nothing happens. The next snapshot shows the result.
    async fn cancel(&self, payment: &Payment) -> Result<(), PaymentError>;

    /// Captures `amount` of an authorization and releases the rest. `fee` is the platform's part of `amount`.
    async fn capture(&self, payment: &Payment, amount: Money, fee: Money) -> Result<(), PaymentError>;

    /// Refunds a part of what was captured.
    async fn refund(&self, payment: &Payment, order: RefundOrder) -> Result<(), PaymentError>;

    /// Reverses a part of the transfer to the expert, with or without the platform's commission on it. `ordinal` is the number of
    /// the reversal, from 1; part of its idempotency key.
    async fn reverse(
        &self,
        payment: &Payment,
        amount: Money,
        with_fee: bool,
        ordinal: u32,
    ) -> Result<(), PaymentError>;

    /// Transfers an amount to the expert again that was withdrawn because of a dispute. `ordinal` is the number of the transfer,
    /// from 1; part of its idempotency key.
    async fn transfer(&self, payment: &Payment, amount: Money, ordinal: u32) -> Result<(), PaymentError>;

    /// The latest payouts of an account to its owner's bank, and those that failed, the oldest first.
    async fn payouts(&self, account: &str) -> Result<Vec<Movement>, PaymentError>;

    /// The tax service of the gateway, if it has one.
    fn tax_service(&self) -> Option<&dyn TaxService> {
        None
    }

    /// Whether the gateway provides its books, so that they can be compared with the ledger.
    fn keeps_books(&self) -> bool {
        true
    }

    /// All lines of the platform's books that were booked within a span, the oldest first.
    async fn book_lines(&self, booked: TimeSpan) -> Result<Vec<BookLine>, PaymentError>;

    /// The appointment that a line of the books belongs to. The gateway may be asked about this line. `None` if it belongs to no
    /// appointment.
    async fn appointment_of(&self, line: &BookLine) -> Result<Option<AppointmentId>, PaymentError> {
        Ok(line.appointment)
    }

    /// Verifies that a webhook event is from the gateway, then reads its id and subject. `headers` returns the value of a header by
    /// its lower-case name.
    async fn read_webhook(
        &self,
        headers: &(dyn for<'a> Fn(&'a str) -> Option<String> + Sync),
        body: &[u8],
        now: Timestamp,
    ) -> Result<WebhookEvent, WebhookError>;
}

/// The gateways that a function can use. A function that makes no payments has none, and no access to their keys.
#[derive(Clone, Default)]
pub struct Gateways(BTreeMap<GatewayKind, Arc<dyn PaymentGateway>>);

impl Gateways {
    /// No gateway.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a gateway.
    #[must_use]
    pub fn with(mut self, gateway: GatewayKind, port: Arc<dyn PaymentGateway>) -> Self {
        self.0.insert(gateway, port);
        self
    }

    /// The port to a gateway.
    ///
    /// # Errors
    /// [`PaymentError::Unavailable`] if the gateway is not configured.
    pub fn get(&self, gateway: GatewayKind) -> Result<&dyn PaymentGateway, PaymentError> {
        let port = self.0.get(&gateway).map(|port| &**port);
        port.ok_or_else(|| PaymentError::Unavailable(format!("{gateway} is not configured")))
    }

    /// All gateways that are configured.
    pub fn iter(&self) -> impl Iterator<Item = (GatewayKind, &dyn PaymentGateway)> {
        self.0.iter().map(|(gateway, port)| (*gateway, &**port))
    }
}

/// The client who pays, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Buyer<'a> {
    /// What the client reads on their statement and receipt.
    pub description: &'a str,
    /// The name of the client.
    pub name: &'a str,
    /// The email address of the client.
    pub email: &'a str,
    /// Where a gateway with a payment page of its own sends the client afterwards.
    pub return_url: &'a str,
}

/// An intent that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The ids of the intent and its related objects at the gateway.
    pub references: References,
    /// How the client pays.
    pub pay_with: PayWith,
}

/// How a client pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayWith {
    /// In the client's browser, with this secret. It is valid for this intent only.
    ClientSecret(String),
    /// On this page of the gateway; the value is its URL.
    Page(String),
    /// The client cannot or need not pay.
    Nothing,
}

/// A payment as the gateway reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedPayment {
    /// The state and the movements, which determine the next payment action.
    pub snapshot: PaymentSnapshot,
    /// How the client can pay now.
    pub pay_with: PayWith,
    /// An intent of a saved card that the gateway has and the payment does not record, because that write failed.
    pub unrecorded_intent: Option<String>,
}

impl FetchedPayment {
    /// A payment that was never opened at the gateway.
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

/// An order to refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundOrder {
    /// The amount.
    pub amount: Money,
    /// Whether the expert's part is reversed from the expert. Otherwise the platform bears it.
    pub from_expert: bool,
    /// The number of the refund, from 1; part of its idempotency key.
    pub ordinal: u32,
}

/// An expert's account as the gateway reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState {
    /// The gateway's id of the account.
    pub id: String,
    /// Whether the account can accept payments.
    pub charges_enabled: bool,
    /// Whether the gateway pays out to the expert.
    pub payouts_enabled: bool,
    /// What the gateway still requires from the expert, as its own field names.
    pub requirements_due: Vec<String>,
    /// Why the gateway has disabled the account.
    pub disabled_reason: Option<String>,
}

/// A page on which an expert completes an account. It can be used once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnboardingPage {
    /// The URL of the page.
    pub url: String,
    /// When the page expires.
    pub expires_at: Timestamp,
}

/// A webhook event of a gateway. It says only what to read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEvent {
    /// The id of the event. Copies have the same id.
    pub id: String,
    /// What the event is about.
    pub subject: WebhookSubject,
}

/// What a webhook event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookSubject {
    /// The payment of an appointment.
    Payment {
        /// The appointment id that the platform passed to the gateway when it opened the payment.
        appointment: AppointmentId,
    },
    /// An expert's account.
    Account {
        /// The gateway's id of the account, or the expert id that the platform passed when it created the account.
        account: String,
    },
    /// The payouts of an expert's account.
    Payouts {
        /// The gateway's id of the account.
        account: String,
    },
    /// Nothing that concerns the platform.
    Nothing,
}

/// Why a gateway did not execute a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// It refused permanently.
    #[error("the payment provider refused ({code}): {message}")]
    Refused {
        /// The gateway's error code.
        code: String,
        /// The gateway's error message.
        message: String,
    },
    /// It refused for now. A later request may succeed, with another idempotency key.
    #[error("the payment provider refused for now ({code}): {message}")]
    NotNow {
        /// The gateway's error code.
        code: String,
        /// The gateway's error message.
        message: String,
    },
    /// It failed, and may or may not have executed the request; a snapshot shows which. It repeats this response to the same
    /// idempotency key.
    #[error("the payment provider failed: {0}")]
    Failed(String),
    /// It did not respond, or the response cannot be read. It may have executed the request.
    #[error("the payment provider is not available: {0}")]
    Unavailable(String),
}

/// Why a webhook event was rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// It is not signed, or not by the gateway.
    #[error("the signature is missing or does not match the body")]
    Signature,
    /// It was signed too long ago or in the future, so it may be a replay.
    #[error("the event was signed more than five minutes ago or in the future")]
    Stale,
    /// It is signed, but its body cannot be read.
    #[error("the body is not an event: {0}")]
    Body(String),
    /// The secret for the verification cannot be read.
    #[error(transparent)]
    Unavailable(#[from] PortError),
}

// Exchange rates

/// A publisher of reference exchange rates against the euro.
#[async_trait]
pub trait ExchangeRates: Send + Sync {
    /// Fetches the latest published rates. The caller checks whether they are plausible.
    ///
    /// # Errors
    /// If the publisher does not respond, or its response is not a table of rates.
    async fn latest(&self) -> Result<ReferenceRates, PortError>;
}

/// No publisher of exchange rates, for functions that only read the stored rates.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoExchangeRates;

#[async_trait]
impl ExchangeRates for NoExchangeRates {
    async fn latest(&self) -> Result<ReferenceRates, PortError> {
        Err(PortError("this function fetches no exchange rates".to_owned()))
    }
}
