//! Everything the simulator remembers. Amounts are in minor units, times in Unix seconds.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::idempotency::Stored;
use super::table::{Row, Table};
use crate::{OpenError, files};

/// The layout of the file. A file of another layout is refused rather than guessed at.
const LAYOUT: u32 = 1;

pub(super) type Metadata = BTreeMap<String, String>;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    layout: u32,
    pub(super) accounts: Table<Account>,
    pub(super) account_links: Table<AccountLink>,
    pub(super) payment_methods: Table<PaymentMethod>,
    pub(super) intents: Table<Intent>,
    pub(super) charges: Table<Charge>,
    pub(super) transfers: Table<Transfer>,
    pub(super) reversals: Table<Reversal>,
    pub(super) fees: Table<Fee>,
    pub(super) fee_refunds: Table<FeeRefund>,
    pub(super) refunds: Table<Refund>,
    pub(super) transactions: Table<Transaction>,
    pub(super) events: Table<Event>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) attempts: Vec<Attempt>,
    /// The number of the next delivery.
    pub(super) next_delivery: u64,
    /// By scoped idempotency key.
    pub(super) stored_answers: BTreeMap<String, Stored>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            layout: LAYOUT,
            accounts: Table::default(),
            account_links: Table::default(),
            payment_methods: Table::default(),
            intents: Table::default(),
            charges: Table::default(),
            transfers: Table::default(),
            reversals: Table::default(),
            fees: Table::default(),
            fee_refunds: Table::default(),
            refunds: Table::default(),
            transactions: Table::default(),
            events: Table::default(),
            deliveries: Vec::new(),
            attempts: Vec::new(),
            next_delivery: 0,
            stored_answers: BTreeMap::new(),
        }
    }
}

impl State {
    pub(super) fn load(path: &Path) -> Result<Self, OpenError> {
        let Some(bytes) = files::read(path)? else { return Ok(Self::default()) };
        let damaged = |reason: String| OpenError::Damaged { path: path.to_owned(), reason };
        let state: Self = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if state.layout != LAYOUT {
            return Err(damaged(format!(
                "it has layout {}, and this program reads layout {LAYOUT}",
                state.layout
            )));
        }
        Ok(state)
    }

    pub(super) fn to_bytes(&self, path: &Path) -> Result<Vec<u8>, OpenError> {
        serde_json::to_vec(self)
            .map_err(|error| OpenError::Unwritable { path: path.to_owned(), source: error.into() })
    }
}

macro_rules! rows {
    ($($row:ty),+) => { $(impl Row for $row { fn id(&self) -> &str { &self.id } })+ };
}
rows!(
    Account,
    AccountLink,
    PaymentMethod,
    Intent,
    Charge,
    Transfer,
    Reversal,
    Fee,
    FeeRefund,
    Refund,
    Transaction,
    Event
);

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) id: String,
    /// `express`, `standard`, `custom` or `none`.
    pub(super) kind: String,
    /// The `controller` as asked for, when the account was made with one.
    pub(super) controller: Option<Value>,
    pub(super) country: String,
    pub(super) default_currency: String,
    pub(super) email: Option<String>,
    pub(super) business_type: Option<String>,
    pub(super) business_profile: BTreeMap<String, String>,
    /// The names of the capabilities asked for.
    pub(super) capabilities: Vec<String>,
    pub(super) metadata: Metadata,
    pub(super) created: i64,
    pub(super) details_submitted: bool,
    pub(super) charges_enabled: bool,
    pub(super) payouts_enabled: bool,
    pub(super) currently_due: Vec<String>,
    pub(super) disabled_reason: Option<String>,
}

/// A link to the onboarding page, and the page's visit. The id is the secret part of its address.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AccountLink {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) refresh_url: String,
    pub(super) return_url: String,
    pub(super) created: i64,
    pub(super) expires_at: i64,
    /// The secret of the one visit the link allows, once it was followed.
    pub(super) visit: Option<String>,
    pub(super) finished: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PaymentMethod {
    pub(super) id: String,
    pub(super) created: i64,
    /// The connected account it was made on.
    pub(super) account: Option<String>,
    pub(super) means: Means,
}

/// How somebody pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Means {
    /// The number of a test card, or the last digits of any other, which is declined.
    Card(String),
    /// The IBAN of a test bank account.
    SepaDebit(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum IntentStatus {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    Canceled,
}

impl IntentStatus {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) client_secret: String,
    /// The connected account it was made on with the `Stripe-Account` header: a direct charge.
    pub(super) account: Option<String>,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) status: IntentStatus,
    /// `automatic`, `automatic_async` or `manual`.
    pub(super) capture_method: String,
    pub(super) application_fee_amount: Option<i64>,
    pub(super) destination: Option<String>,
    pub(super) transfer_amount: Option<i64>,
    pub(super) on_behalf_of: Option<String>,
    pub(super) transfer_group: Option<String>,
    pub(super) description: Option<String>,
    pub(super) receipt_email: Option<String>,
    pub(super) statement_descriptor: Option<String>,
    pub(super) statement_descriptor_suffix: Option<String>,
    pub(super) automatic_payment_methods: bool,
    pub(super) allow_redirects: String,
    pub(super) allowed_types: Option<Vec<String>>,
    pub(super) excluded_types: Option<Vec<String>>,
    pub(super) metadata: Metadata,
    pub(super) payment_method: Option<String>,
    pub(super) latest_charge: Option<String>,
    pub(super) last_payment_error: Option<Value>,
    pub(super) return_url: Option<String>,
    /// Where the guest passes the 3-D Secure challenge, once there was one.
    pub(super) challenge_url: Option<String>,
    pub(super) created: i64,
    pub(super) canceled_at: Option<i64>,
    pub(super) cancellation_reason: Option<String>,
    pub(super) amount_received: i64,
    pub(super) amount_capturable: i64,
    /// When a payment that is being processed comes to its end.
    pub(super) settles_at: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChargeStatus {
    Succeeded,
    Pending,
    Failed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Charge {
    pub(super) id: String,
    pub(super) intent: String,
    pub(super) account: Option<String>,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) status: ChargeStatus,
    pub(super) captured: bool,
    pub(super) amount_captured: i64,
    /// Given back to the guest.
    pub(super) refunded: i64,
    /// Authorised and never taken.
    pub(super) released: i64,
    /// The part of `refunded` that also reversed the transfer.
    pub(super) refunded_reversing: i64,
    /// The part of `refunded` that also gave back the application fee.
    pub(super) refunded_with_fee: i64,
    pub(super) payment_method: String,
    pub(super) application_fee: Option<String>,
    pub(super) transfer: Option<String>,
    pub(super) transaction: Option<String>,
    pub(super) failure: Option<Failure>,
    pub(super) authenticated: bool,
    pub(super) created: i64,
    /// Until when an authorisation holds.
    pub(super) capture_before: Option<i64>,
}

/// Why a bank said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) code: String,
    pub(super) decline_code: Option<String>,
    pub(super) message: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Transfer {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) reversed: i64,
    pub(super) currency: String,
    pub(super) destination: String,
    pub(super) destination_payment: String,
    pub(super) charge: String,
    pub(super) group: Option<String>,
    pub(super) transaction: String,
    pub(super) created: i64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reversal {
    pub(super) id: String,
    pub(super) transfer: String,
    pub(super) refund: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) transaction: String,
    pub(super) created: i64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Fee {
    pub(super) id: String,
    /// Who paid it.
    pub(super) account: String,
    pub(super) amount: i64,
    pub(super) refunded: i64,
    pub(super) currency: String,
    pub(super) charge: String,
    pub(super) transaction: String,
    pub(super) created: i64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FeeRefund {
    pub(super) id: String,
    pub(super) fee: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) transaction: String,
    pub(super) created: i64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) account: Option<String>,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) charge: String,
    pub(super) intent: String,
    pub(super) reason: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) transaction: Option<String>,
    pub(super) reversal: Option<String>,
    pub(super) created: i64,
}

/// A line in somebody's books.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Transaction {
    pub(super) id: String,
    /// The connected account; the platform when it is absent.
    pub(super) account: Option<String>,
    pub(super) amount: i64,
    pub(super) stripe_fee: i64,
    pub(super) application_fee: i64,
    pub(super) currency: String,
    /// Stripe's `type`, such as `charge`.
    pub(super) kind: String,
    pub(super) source: String,
    pub(super) created: i64,
}

impl Transaction {
    /// What the line changes the balance by.
    pub(super) fn net(&self) -> i64 {
        self.amount - self.stripe_fee - self.application_fee
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) created: i64,
    pub(super) account: Option<String>,
    /// The object as it was then: events are never written anew.
    pub(super) object: Value,
    pub(super) previous: Option<Value>,
    pub(super) request: Option<String>,
    pub(super) idempotency_key: Option<String>,
}

/// A webhook that still has to arrive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Delivery {
    pub(super) number: u64,
    pub(super) event: String,
    pub(super) due_at: i64,
    /// How many attempts failed.
    pub(super) failures: usize,
}

/// One attempt to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The event's id.
    pub event: String,
    /// The event's type, such as `payment_intent.succeeded`.
    pub kind: String,
    /// When, in Unix seconds of the simulator's clock.
    pub at: i64,
    /// Where to.
    pub url: String,
    /// The HTTP status that was answered; `None` when no answer came.
    pub status: Option<u16>,
    /// When it is tried again, in Unix seconds; `None` when it arrived or was given up.
    pub retry_at: Option<i64>,
}
