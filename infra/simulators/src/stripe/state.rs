//! The state of the simulator. Amounts are in minor units, times in Unix seconds.
//!
//! Members with a name of Stripe's are what Stripe shows of an object; `render` hides the others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::idempotency::Response;
use crate::idempotency::StoredResponses;
use crate::journal::{Keyed, journaled};
use crate::state_file::Layout;
use crate::table::{Table, rows, statuses};
use crate::webhooks::Deliveries;

pub(super) type Metadata = BTreeMap<String, String>;

/// Parts of a postal address by Stripe's names.
pub(super) type Address = BTreeMap<String, String>;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct State {
    layout: Layout<5>,
    pub(super) accounts: Table<Account>,
    pub(super) account_links: Table<AccountLink>,
    pub(super) customers: Table<Customer>,
    pub(super) payment_methods: Table<PaymentMethod>,
    pub(super) setup_intents: Table<SetupIntent>,
    pub(super) intents: Table<Intent>,
    pub(super) charges: Table<Charge>,
    pub(super) refunds: Table<Refund>,
    pub(super) disputes: Table<Dispute>,
    pub(super) transfers: Table<Transfer>,
    pub(super) reversals: Table<Reversal>,
    pub(super) fees: Table<Fee>,
    pub(super) fee_refunds: Table<FeeRefund>,
    pub(super) payouts: Table<Payout>,
    pub(super) transactions: Table<Transaction>,
    /// By the id of the account, or the platform's name.
    pub(super) tax_settings: Keyed<TaxSettings>,
    pub(super) tax_calculations: Table<TaxCalculation>,
    pub(super) tax_transactions: Table<TaxTransaction>,
    pub(super) events: Table<Event>,
    #[serde(flatten)]
    pub(super) deliveries: Deliveries,
    pub(super) stored_responses: StoredResponses<Response>,
}

journaled! {
    State {
        accounts, account_links, customers, payment_methods, setup_intents, intents, charges, refunds, disputes,
        transfers, reversals, fees, fee_refunds, payouts, transactions, tax_settings, tax_calculations,
        tax_transactions, events, deliveries, stored_responses,
    } except layout
}

impl crate::simulator::State for State {
    fn deliveries(&mut self) -> &mut Deliveries {
        &mut self.deliveries
    }

    fn clear_idempotency_keys(&mut self) {
        self.stored_responses.clear();
    }
}

impl State {
    /// The disputes about a charge, oldest first.
    pub(super) fn disputes_of(&self, charge: &str) -> impl Iterator<Item = &Dispute> {
        self.disputes.iter().filter(move |dispute| dispute.charge == charge)
    }

    /// The common part of an intent.
    pub(super) fn intent(&self, kind: IntentKind, id: &str) -> Option<&IntentCore> {
        match kind {
            IntentKind::Payment => self.intents.get(id).map(|intent| &intent.core),
            IntentKind::Setup => self.setup_intents.get(id).map(|intent| &intent.core),
        }
    }

    /// Changes the common part of an intent, which must exist.
    pub(super) fn change_intent(&mut self, id: &str, change: impl FnOnce(&mut IntentCore)) {
        match IntentKind::of(id) {
            IntentKind::Payment => self.intents.change(id, |intent| change(&mut intent.core)),
            IntentKind::Setup => self.setup_intents.change(id, |intent| change(&mut intent.core)),
        }
    }
}

rows!(Account, AccountLink, Charge, Customer, Dispute, Event, Fee, FeeRefund, Intent, PaymentMethod, Payout);
rows!(Refund, Reversal, SetupIntent, TaxCalculation, TaxTransaction, Transaction, Transfer);

statuses! {
    "snake_case";
    IntentStatus { RequiresPaymentMethod, RequiresConfirmation, RequiresAction, RequiresCapture, Succeeded, Canceled }
    ChargeStatus { Succeeded, Failed }
    RefundStatus { Pending, Succeeded, Failed }
    DisputeStatus { NeedsResponse, Won, Lost }
    PayoutStatus { Pending, Paid, Failed }
}

/// A status as Stripe writes it.
pub(super) fn name(status: impl Serialize) -> String {
    json!(status).as_str().unwrap_or_default().to_owned()
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Account {
    pub(super) id: String,
    pub(super) country: String,
    pub(super) default_currency: String,
    pub(super) email: Option<String>,
    /// The names of the requested capabilities.
    pub(super) capabilities: Vec<String>,
    pub(super) metadata: Metadata,
    pub(super) created: i64,
    pub(super) details_submitted: bool,
    pub(super) charges_enabled: bool,
    pub(super) payouts_enabled: bool,
    pub(super) currently_due: Vec<String>,
    pub(super) disabled_reason: Option<String>,
    /// The owner has revoked the platform's access.
    pub(super) deauthorized: bool,
}

/// A link to the onboarding page. Its id is the secret in the address.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountLink {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) refresh_url: String,
    pub(super) return_url: String,
    pub(super) expires_at: i64,
    /// The secret of the only visit that the link allows, once it was followed.
    pub(super) visit: Option<String>,
    pub(super) finished: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Customer {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PaymentMethod {
    pub(super) id: String,
    pub(super) created: i64,
    /// The number of a test card, or the last digits of any other card, which is declined.
    pub(super) card_number: String,
    pub(super) billing_address: Address,
    /// The customer it is attached to.
    pub(super) customer: Option<String>,
    /// It was set up for off-session payments.
    pub(super) set_up: bool,
    /// It cannot be used again: it paid without being attached to a customer, or was detached.
    pub(super) spent: bool,
}

impl IntentStatus {
    /// Whether the intent can be confirmed.
    pub(super) fn open(self) -> bool {
        matches!(self, Self::RequiresPaymentMethod | Self::RequiresConfirmation | Self::RequiresAction)
    }
}

/// The two kinds of intents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IntentKind {
    Payment,
    Setup,
}

impl IntentKind {
    /// The kind of the intent with this id.
    pub(super) fn of(id: &str) -> Self {
        if id.starts_with("seti_") { Self::Setup } else { Self::Payment }
    }

    /// The type of the object, and its name in messages.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Payment => ("payment_intent", "PaymentIntent"),
            Self::Setup => ("setup_intent", "SetupIntent"),
        }
    }
}

/// What payment and setup intents have in common.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IntentCore {
    pub(super) client_secret: String,
    pub(super) status: IntentStatus,
    pub(super) customer: Option<String>,
    pub(super) automatic: AutomaticPaymentMethods,
    pub(super) description: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) payment_method: Option<String>,
    /// The `last_payment_error` or `last_setup_error`.
    pub(super) last_error: Option<Value>,
    pub(super) return_url: Option<String>,
    /// The address of the 3-D Secure challenge, once there was one.
    pub(super) challenge_url: Option<String>,
    pub(super) created: i64,
    pub(super) cancellation_reason: Option<String>,
}

/// A customer's consent to off-session payments. It is never in `requires_capture`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetupIntent {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) core: IntentCore,
    /// `off_session` or `on_session`.
    pub(super) usage: String,
    pub(super) allowed_payment_method_types: Option<Vec<String>>,
}

/// The `automatic_payment_methods` of an intent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AutomaticPaymentMethods {
    pub(super) enabled: bool,
    /// `always` or `never`.
    pub(super) allow_redirects: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Intent {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) core: IntentCore,
    #[serde(default)]
    pub(super) allowed_payment_method_types: Option<Vec<String>>,
    pub(super) amount: i64,
    pub(super) currency: String,
    /// `automatic`, `automatic_async` or `manual`.
    pub(super) capture_method: String,
    pub(super) application_fee_amount: Option<i64>,
    pub(super) destination: Option<String>,
    pub(super) transfer_group: Option<String>,
    pub(super) latest_charge: Option<String>,
    pub(super) canceled_at: Option<i64>,
    pub(super) amount_received: i64,
    pub(super) amount_capturable: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Charge {
    pub(super) id: String,
    pub(super) payment_intent: String,
    pub(super) customer: Option<String>,
    pub(super) amount: i64,
    pub(super) currency: String,
    /// The intent's metadata when the charge was created.
    pub(super) metadata: Metadata,
    pub(super) status: ChargeStatus,
    pub(super) captured: bool,
    pub(super) amount_captured: i64,
    pub(super) amount_refunded: i64,
    /// The sum of all refunds that reversed a part of the transfer.
    pub(super) refunded_reversing: i64,
    /// The sum of all refunds that refunded a part of the application fee.
    pub(super) refunded_with_fee: i64,
    pub(super) payment_method: String,
    pub(super) application_fee: Option<String>,
    pub(super) transfer: Option<String>,
    pub(super) balance_transaction: Option<String>,
    pub(super) failure: Option<Failure>,
    /// The cardholder passed a 3-D Secure challenge.
    pub(super) authenticated: bool,
    pub(super) off_session: bool,
    pub(super) created: i64,
    /// When an authorization expires.
    pub(super) capture_before: Option<i64>,
    /// When the test card's owner disputes it.
    pub(super) disputed_at: Option<i64>,
}

/// Why a bank declined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub(super) code: String,
    pub(super) decline_code: Option<String>,
    pub(super) message: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refund {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) charge: String,
    pub(super) payment_intent: String,
    pub(super) reason: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) status: RefundStatus,
    /// When the refund changes its status, and to which.
    pub(super) settles: Option<(i64, RefundStatus)>,
    pub(super) balance_transaction: String,
    /// The line that brought the money back when the refund failed.
    pub(super) failure_transaction: Option<String>,
    pub(super) transfer_reversal: Option<String>,
    pub(super) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dispute {
    pub(super) id: String,
    pub(super) charge: String,
    pub(super) payment_intent: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) reason: String,
    pub(super) status: DisputeStatus,
    /// When the time for evidence ends.
    pub(super) due_by: i64,
    /// The lines that withdrew the money, and brought it back.
    pub(super) transactions: Vec<String>,
    pub(super) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transfer {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) amount_reversed: i64,
    /// The sum of all reversals, without those of refunds, that refunded a part of the application fee.
    pub(super) reversed_with_fee: i64,
    pub(super) currency: String,
    pub(super) destination: String,
    /// The payment that the transfer is in the destination's books, and the payment's line.
    pub(super) destination_payment: String,
    pub(super) destination_transaction: String,
    /// The charge that paid for it.
    pub(super) source_transaction: Option<String>,
    /// The application fee that was deducted from it.
    pub(super) fee: Option<String>,
    pub(super) transfer_group: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) balance_transaction: String,
    pub(super) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reversal {
    pub(super) id: String,
    pub(super) transfer: String,
    /// The refund that it is a part of.
    pub(super) source_refund: Option<String>,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) metadata: Metadata,
    pub(super) balance_transaction: String,
    /// The refund that the reversal is in the destination's books, and the refund's line.
    pub(super) destination_payment_refund: String,
    pub(super) payment_refund_transaction: String,
    pub(super) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fee {
    pub(super) id: String,
    /// The account that paid it.
    pub(super) account: String,
    pub(super) amount: i64,
    pub(super) amount_refunded: i64,
    pub(super) currency: String,
    /// The account's payment that it was deducted from.
    pub(super) charge: String,
    /// The cardholder's charge on the platform.
    pub(super) originating_transaction: String,
    pub(super) balance_transaction: String,
    pub(super) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeeRefund {
    pub(super) id: String,
    pub(super) fee: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) metadata: Metadata,
    pub(super) balance_transaction: String,
    pub(super) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Payout {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    /// It paid out the whole balance, as Stripe's daily payouts do.
    pub(super) automatic: bool,
    pub(super) status: PayoutStatus,
    pub(super) balance_transaction: String,
    /// The line that brought the money back when the payout failed.
    pub(super) failure_balance_transaction: Option<String>,
    pub(super) created: i64,
}

/// What a line of the books is about.
/// Source: <https://docs.stripe.com/reports/balance-transaction-types>,
/// <https://docs.stripe.com/reports/reporting-categories>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Charge,
    Refund,
    RefundFailure,
    Dispute,
    DisputeReversal,
    Transfer,
    TransferReversal,
    ApplicationFee,
    ApplicationFeeRefund,
    /// An account received a transfer.
    Payment,
    /// A transfer to an account was reversed.
    PaymentRefund,
    /// An account got a part of the application fee back.
    FeeReturned,
    Payout,
    PayoutFailure,
}

impl Line {
    /// Stripe's `type` and `reporting_category`, and the owner of the other side of the line, unless another
    /// line is the other side.
    pub(super) fn facts(self) -> (&'static str, &'static str, Option<&'static str>) {
        let (clients, bank) = (Some("clients"), Some("bank"));
        match self {
            Self::Charge => ("charge", "charge", clients),
            Self::Refund => ("refund", "refund", clients),
            Self::RefundFailure => ("refund_failure", "refund_failure", clients),
            Self::Dispute => ("adjustment", "dispute", clients),
            Self::DisputeReversal => ("adjustment", "dispute_reversal", clients),
            Self::Transfer => ("transfer", "transfer", None),
            Self::TransferReversal => ("transfer_refund", "transfer_reversal", None),
            Self::ApplicationFee => ("application_fee", "platform_earning", None),
            Self::ApplicationFeeRefund => ("application_fee_refund", "platform_earning_refund", None),
            Self::Payment => ("payment", "charge", None),
            Self::PaymentRefund => ("payment_refund", "refund", None),
            Self::FeeReturned => ("adjustment", "other_adjustment", None),
            Self::Payout => ("payout", "payout", bank),
            Self::PayoutFailure => ("payout_failure", "payout_reversal", bank),
        }
    }
}

/// A line of the books.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transaction {
    pub(super) id: String,
    /// The connected account; `None` for the platform.
    pub(super) account: Option<String>,
    pub(super) line: Line,
    pub(super) amount: i64,
    pub(super) stripe_fee: i64,
    pub(super) application_fee: i64,
    pub(super) currency: String,
    pub(super) source: String,
    pub(super) created: i64,
}

impl Transaction {
    /// What the line adds to the balance.
    pub(super) fn net(&self) -> i64 {
        self.amount - self.stripe_fee - self.application_fee
    }
}

/// Where an account collects taxes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TaxSettings {
    /// The account has all that calculations need.
    pub(super) active: bool,
    /// Where it is registered: `DE`, or `US-CA` for a state.
    pub(super) registrations: Vec<String>,
}

/// One tax in an amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    pub(super) amount: i64,
    pub(super) taxable_amount: i64,
    /// Stripe's reason for the amount, such as `standard_rated`.
    pub(super) taxability_reason: String,
    pub(super) country: String,
    pub(super) state: Option<String>,
    /// `country`, `state` or `city`.
    pub(super) level: String,
    pub(super) jurisdiction: String,
    /// Its name, type and percentage; `None` when it is not imposed.
    pub(super) rate: Option<(String, String, String)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaxCalculation {
    pub(super) id: String,
    /// The connected account; `None` for the platform.
    pub(super) account: Option<String>,
    pub(super) currency: String,
    pub(super) amount: i64,
    /// The reference of its only line.
    pub(super) line: String,
    pub(super) inclusive: bool,
    pub(super) address: Address,
    pub(super) address_source: Option<String>,
    pub(super) taxes: Vec<Tax>,
    pub(super) tax_date: i64,
    pub(super) expires_at: i64,
}

impl TaxCalculation {
    pub(super) fn tax(&self) -> i64 {
        self.taxes.iter().map(|tax| tax.amount).sum()
    }
}

/// An entry in an account's tax reports. A reversal is negative.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaxTransaction {
    pub(super) id: String,
    /// The connected account; `None` for the platform.
    pub(super) account: Option<String>,
    /// Unique in the account.
    pub(super) reference: String,
    /// The calculation that it, or the entry it reverses, was created from.
    pub(super) calculation: String,
    pub(super) amount: i64,
    pub(super) tax: i64,
    /// The entry that it reverses in part or whole.
    pub(super) reverses: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) posted_at: i64,
    pub(super) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) created: i64,
    /// The connected account that it happened on; `None` for the platform.
    pub(super) account: Option<String>,
    /// The object as it was when the event happened.
    pub(super) object: Value,
    /// The former values of the members that changed.
    pub(super) previous: Option<Value>,
    pub(super) request: Option<String>,
    pub(super) idempotency_key: Option<String>,
}
