//! Payments of clients to experts.

use async_trait::async_trait;
use domain::Money;
use domain::payments::gateway::Capabilities;
use domain::payments::payment::{IntentStatus, Payment, PaymentSnapshot, References, Share};

use super::GatewayError;

/// Takes money from clients, passes it on to experts, and keeps the platform's fee.
///
/// Before an order, callers fetch the payment ([`Charges::fetch_payment`]), so an order whose response was lost is not
/// repeated. Each order also carries an idempotency key. The key consists of the appointment, the step, the ordinal of the
/// step, and the number of refusals so far.
///
/// # Errors
/// [`GatewayError::Refused`] and [`GatewayError::NotNow`] mean that the gateway did not act. After [`GatewayError::Failed`] and
/// [`GatewayError::Unavailable`] it may have acted; call [`Charges::fetch_payment`] before retrying.
#[async_trait]
pub trait Charges: Send + Sync {
    /// What the gateway can do.
    fn capabilities(&self) -> Capabilities;

    /// Creates the intent with which the client pays an amount, authorizes it, or saves a card, depending on the payment's plan.
    ///
    /// Idempotent for each value of [`Payment::intent_number`] while the gateway keeps the idempotency key.
    async fn open(&self, payment: &Payment, buyer: &Buyer<'_>) -> Result<Opened, GatewayError>;

    /// Reads the current state of a payment and all its movements.
    ///
    /// If a saved card was charged and the new intent could not be recorded in the payment, the snapshot is the one of that
    /// intent; see [`FetchedPayment::unrecorded_intent`].
    async fn fetch_payment(&self, payment: &Payment) -> Result<FetchedPayment, GatewayError>;

    /// Captures or authorizes what the client approved. Does nothing at gateways that do so themselves; see
    /// [`Capabilities::requires_completion`].
    async fn complete_approved(&self, payment: &Payment) -> Result<Completion, GatewayError>;

    /// Authorizes an amount with the saved card, or captures it at once if `at_once` is set. Returns the id of the new intent.
    ///
    /// A card that is declined is not an error. Fetch the payment to learn the outcome.
    async fn charge_saved_card(
        &self,
        payment: &Payment,
        amount: Money,
        at_once: bool,
    ) -> Result<String, GatewayError>;

    /// Cancels the intent, releases an authorized amount, and deletes a saved card.
    ///
    /// Has no effect on a payment that was captured, and succeeds anyway. Fetch the payment to learn the outcome.
    async fn cancel(&self, payment: &Payment) -> Result<(), GatewayError>;

    /// Captures `amount` of an authorized amount and releases the rest. The platform keeps `fee` of the captured amount.
    async fn capture(&self, payment: &Payment, amount: Money, fee: Money) -> Result<(), GatewayError>;

    /// Refunds a part of a captured payment to the client.
    async fn refund(&self, payment: &Payment, order: RefundOrder) -> Result<(), GatewayError>;

    /// Moves an amount from the expert back to the platform. With `with_fee` the platform's fee of that amount goes back to
    /// the expert. `ordinal` is the number of this reversal of the payment, from 1; a part of its idempotency key.
    /// Refused if the platform cannot reach the expert's money; see [`Capabilities::supports_transfers`].
    async fn reverse(
        &self,
        payment: &Payment,
        amount: Money,
        with_fee: bool,
        ordinal: u32,
    ) -> Result<(), GatewayError>;

    /// Transfers to the expert again an amount that was reversed, such as because of a dispute that was then won. `ordinal` is the number of this transfer of
    /// the payment, from 1; a part of its idempotency key.
    /// Refused if the platform cannot pay experts; see [`Capabilities::supports_transfers`].
    async fn transfer(&self, payment: &Payment, amount: Money, ordinal: u32) -> Result<(), GatewayError>;

    /// Transfers a share of a payment that the platform holds to the expert. The platform keeps its fee on it. The share and
    /// the fee are two movements of the same object. `ordinal` is the number of this transfer of the payment, from 1; a part of
    /// its idempotency key.
    ///
    /// A gateway without [transfers](Capabilities::supports_transfers) releases everything that it holds for the expert, and
    /// succeeds if it has done so before. Its snapshots show the release only once the caller has stored it as
    /// [`Payment::released_at`].
    async fn pay_out(&self, payment: &Payment, share: Share, ordinal: u32) -> Result<(), GatewayError>;

    /// Takes a share back that was paid out to the expert, and returns the platform's fee on it. If no transfer has so much left,
    /// takes back what is left of one; the caller sees the remaining share in the next snapshot. `ordinal` is the number of this
    /// reversal of the payment, from 1; a part of its idempotency key.
    /// Refused if the platform cannot reach the expert's money; see [`Capabilities::supports_transfers`].
    async fn take_back(&self, payment: &Payment, share: Share, ordinal: u32) -> Result<(), GatewayError>;
}

/// The client who pays, and what they pay for.
#[derive(Debug, Clone, Copy)]
pub struct Buyer<'a> {
    /// What the client buys, as shown on their statement and receipt.
    pub description: &'a str,
    /// The client's name.
    pub name: &'a str,
    /// The client's email address.
    pub email: &'a str,
    /// The page to which a gateway with payment pages of its own returns the client.
    pub return_url: &'a str,
}

/// A payment that was opened at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The ids of the gateway's objects.
    pub references: References,
    /// How the client pays.
    pub pay_with: PayWith,
}

/// How a client pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayWith {
    /// In the client's browser, with this secret. It gives access to nothing but this payment.
    ClientSecret(String),
    /// On this page of the gateway.
    Page(String),
    /// The client has nothing left to do.
    None,
}

/// A payment as the gateway reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedPayment {
    /// The state of the payment and all its movements.
    pub snapshot: PaymentSnapshot,
    /// How the client can pay, if they still can.
    pub pay_with: PayWith,
    /// The intent of the snapshot, if a saved card was charged with it and the intent could not be recorded in the payment.
    pub unrecorded_intent: Option<String>,
}

impl FetchedPayment {
    /// A payment that does not exist at the gateway.
    pub fn missing() -> Self {
        let status = IntentStatus::Missing;
        let snapshot = PaymentSnapshot {
            status,
            movements: Vec::new(),
            open_dispute: false,
            lost_dispute: false,
            decline: None,
            paid_with: None,
            releases_at: None,
        };
        Self { snapshot, pay_with: PayWith::None, unrecorded_intent: None }
    }
}

/// A refund to request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundOrder {
    /// The amount that the client gets.
    pub amount: Money,
    /// Whether the expert's share of the amount is taken back from the expert.
    pub from_expert: bool,
    /// The number of this refund of the payment, from 1; a part of its idempotency key.
    pub ordinal: u32,
}

/// What became of a payment that the client had approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// It is captured or authorized, or was before.
    Done,
    /// The client's means of payment was declined. They can choose another one.
    Declined,
}
