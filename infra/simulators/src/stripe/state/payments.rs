//! Payments, and what becomes of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kinds, Metadata};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::stripe) enum IntentStatus {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    Canceled,
}

impl IntentStatus {
    pub(in crate::stripe) fn name(self) -> &'static str {
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

    /// Whether it can still be confirmed.
    pub(in crate::stripe) fn open(self) -> bool {
        matches!(self, Self::RequiresPaymentMethod | Self::RequiresConfirmation | Self::RequiresAction)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct Intent {
    pub(in crate::stripe) id: String,
    pub(in crate::stripe) client_secret: String,
    /// The connected account it was made on with the `Stripe-Account` header: a direct charge.
    pub(in crate::stripe) account: Option<String>,
    pub(in crate::stripe) amount: i64,
    pub(in crate::stripe) currency: String,
    pub(in crate::stripe) status: IntentStatus,
    pub(in crate::stripe) customer: Option<String>,
    /// `off_session` or `on_session`: the payment method is kept for the customer.
    pub(in crate::stripe) setup_future_usage: Option<String>,
    /// `automatic`, `automatic_async` or `manual`.
    pub(in crate::stripe) capture_method: String,
    pub(in crate::stripe) application_fee_amount: Option<i64>,
    pub(in crate::stripe) destination: Option<String>,
    pub(in crate::stripe) transfer_amount: Option<i64>,
    pub(in crate::stripe) on_behalf_of: Option<String>,
    pub(in crate::stripe) transfer_group: Option<String>,
    pub(in crate::stripe) description: Option<String>,
    pub(in crate::stripe) receipt_email: Option<String>,
    pub(in crate::stripe) statement_descriptor: Option<String>,
    pub(in crate::stripe) statement_descriptor_suffix: Option<String>,
    pub(in crate::stripe) automatic_payment_methods: bool,
    pub(in crate::stripe) allow_redirects: String,
    pub(in crate::stripe) kinds: Kinds,
    pub(in crate::stripe) metadata: Metadata,
    pub(in crate::stripe) payment_method: Option<String>,
    pub(in crate::stripe) latest_charge: Option<String>,
    pub(in crate::stripe) last_payment_error: Option<Value>,
    pub(in crate::stripe) return_url: Option<String>,
    /// Where the guest passes the 3-D Secure challenge, once there was one.
    pub(in crate::stripe) challenge_url: Option<String>,
    pub(in crate::stripe) created: i64,
    pub(in crate::stripe) canceled_at: Option<i64>,
    pub(in crate::stripe) cancellation_reason: Option<String>,
    pub(in crate::stripe) amount_received: i64,
    pub(in crate::stripe) amount_capturable: i64,
    /// When a payment that is being processed comes to its end.
    pub(in crate::stripe) settles_at: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::stripe) enum ChargeStatus {
    Succeeded,
    Pending,
    Failed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct Charge {
    pub(in crate::stripe) id: String,
    pub(in crate::stripe) intent: String,
    pub(in crate::stripe) account: Option<String>,
    pub(in crate::stripe) customer: Option<String>,
    pub(in crate::stripe) amount: i64,
    pub(in crate::stripe) currency: String,
    /// The intent's, as it was when the charge was made.
    pub(in crate::stripe) metadata: Metadata,
    pub(in crate::stripe) status: ChargeStatus,
    pub(in crate::stripe) captured: bool,
    pub(in crate::stripe) amount_captured: i64,
    /// Given back to the guest.
    pub(in crate::stripe) refunded: i64,
    /// What was ever refunded with a part of the transfer.
    pub(in crate::stripe) refunded_reversing: i64,
    /// What was ever refunded with a part of the application fee.
    pub(in crate::stripe) refunded_with_fee: i64,
    pub(in crate::stripe) payment_method: String,
    pub(in crate::stripe) application_fee: Option<String>,
    pub(in crate::stripe) transfer: Option<String>,
    pub(in crate::stripe) transaction: Option<String>,
    pub(in crate::stripe) failure: Option<Failure>,
    pub(in crate::stripe) authenticated: bool,
    /// The guest was not there: the platform charged a card it had kept.
    pub(in crate::stripe) merchant_initiated: bool,
    pub(in crate::stripe) created: i64,
    /// Until when an authorisation holds.
    pub(in crate::stripe) capture_before: Option<i64>,
    /// When the guest will dispute it, as their card does.
    pub(in crate::stripe) disputed_at: Option<i64>,
}

/// Why a bank said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stripe) struct Failure {
    pub(in crate::stripe) code: String,
    pub(in crate::stripe) decline_code: Option<String>,
    pub(in crate::stripe) message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::stripe) enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

impl RefundStatus {
    pub(in crate::stripe) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct Refund {
    pub(in crate::stripe) id: String,
    pub(in crate::stripe) account: Option<String>,
    pub(in crate::stripe) amount: i64,
    pub(in crate::stripe) currency: String,
    pub(in crate::stripe) charge: String,
    pub(in crate::stripe) intent: String,
    pub(in crate::stripe) reason: Option<String>,
    pub(in crate::stripe) metadata: Metadata,
    pub(in crate::stripe) status: RefundStatus,
    /// When the bank says how it ended, and the status it then has.
    pub(in crate::stripe) settles: Option<(i64, RefundStatus)>,
    pub(in crate::stripe) transaction: String,
    /// The line that brought the money back when it failed.
    pub(in crate::stripe) failure_transaction: Option<String>,
    pub(in crate::stripe) reversal: Option<String>,
    pub(in crate::stripe) created: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::stripe) enum DisputeStatus {
    NeedsResponse,
    Won,
    Lost,
}

impl DisputeStatus {
    pub(in crate::stripe) fn name(self) -> &'static str {
        match self {
            Self::NeedsResponse => "needs_response",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct Dispute {
    pub(in crate::stripe) id: String,
    pub(in crate::stripe) account: Option<String>,
    pub(in crate::stripe) charge: String,
    pub(in crate::stripe) intent: String,
    pub(in crate::stripe) amount: i64,
    pub(in crate::stripe) currency: String,
    pub(in crate::stripe) reason: String,
    pub(in crate::stripe) status: DisputeStatus,
    /// Until when evidence could be given.
    pub(in crate::stripe) due_by: i64,
    /// The lines that took the money, and brought it back.
    pub(in crate::stripe) transactions: Vec<String>,
    pub(in crate::stripe) created: i64,
}
