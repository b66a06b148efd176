//! Connected accounts and what moves between them, the platform and their banks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Metadata;

#[derive(Debug, Serialize, Deserialize)]
pub(in crate::stripe) struct Account {
    pub(in crate::stripe) id: String,
    /// `express`, `standard`, `custom` or `none`.
    pub(in crate::stripe) kind: String,
    /// The `controller` as asked for, when the account was made with one.
    pub(in crate::stripe) controller: Option<Value>,
    pub(in crate::stripe) country: String,
    pub(in crate::stripe) default_currency: String,
    pub(in crate::stripe) email: Option<String>,
    pub(in crate::stripe) business_type: Option<String>,
    pub(in crate::stripe) business_profile: BTreeMap<String, String>,
    /// The names of the capabilities asked for.
    pub(in crate::stripe) capabilities: Vec<String>,
    pub(in crate::stripe) metadata: Metadata,
    pub(in crate::stripe) created: i64,
    pub(in crate::stripe) details_submitted: bool,
    pub(in crate::stripe) charges_enabled: bool,
    pub(in crate::stripe) payouts_enabled: bool,
    pub(in crate::stripe) currently_due: Vec<String>,
    pub(in crate::stripe) disabled_reason: Option<String>,
    /// Its owner took the platform's access away.
    pub(in crate::stripe) deauthorized: bool,
}

/// A link to the onboarding page, and the page's visit. The id is the secret part of its address.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::stripe) struct AccountLink {
    pub(in crate::stripe) id: String,
    pub(in crate::stripe) account: String,
    pub(in crate::stripe) refresh_url: String,
    pub(in crate::stripe) return_url: String,
    pub(in crate::stripe) created: i64,
    pub(in crate::stripe) expires_at: i64,
    /// The secret of the one visit the link allows, once it was followed.
    pub(in crate::stripe) visit: Option<String>,
    pub(in crate::stripe) finished: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct Transfer {
    pub(in crate::stripe) id: String,
    pub(in crate::stripe) amount: i64,
    pub(in crate::stripe) reversed: i64,
    /// What was ever reversed by itself with a part of the application fee.
    pub(in crate::stripe) reversed_with_fee: i64,
    pub(in crate::stripe) currency: String,
    pub(in crate::stripe) destination: String,
    /// The payment it is on the destination's books.
    pub(in crate::stripe) destination_payment: String,
    /// The line of that payment.
    pub(in crate::stripe) destination_transaction: String,
    /// The charge whose money it is.
    pub(in crate::stripe) charge: Option<String>,
    /// The application fee taken from it.
    pub(in crate::stripe) fee: Option<String>,
    pub(in crate::stripe) group: Option<String>,
    pub(in crate::stripe) description: Option<String>,
    pub(in crate::stripe) metadata: Metadata,
    pub(in crate::stripe) transaction: String,
    pub(in crate::stripe) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct Reversal {
    pub(in crate::stripe) id: String,
    pub(in crate::stripe) transfer: String,
    /// The refund it came with.
    pub(in crate::stripe) refund: Option<String>,
    pub(in crate::stripe) amount: i64,
    pub(in crate::stripe) currency: String,
    pub(in crate::stripe) metadata: Metadata,
    pub(in crate::stripe) transaction: String,
    /// The refund it is on the destination's books.
    pub(in crate::stripe) payment_refund: String,
    /// The line of that refund.
    pub(in crate::stripe) payment_refund_transaction: String,
    pub(in crate::stripe) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct Fee {
    pub(in crate::stripe) id: String,
    /// Who paid it.
    pub(in crate::stripe) account: String,
    pub(in crate::stripe) amount: i64,
    pub(in crate::stripe) refunded: i64,
    pub(in crate::stripe) currency: String,
    /// The charge it was taken with. A fee of a destination charge names the account's own payment.
    pub(in crate::stripe) charge: String,
    /// The guest's charge on the platform, when `charge` is not it.
    pub(in crate::stripe) originating: Option<String>,
    pub(in crate::stripe) transaction: String,
    pub(in crate::stripe) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct FeeRefund {
    pub(in crate::stripe) id: String,
    pub(in crate::stripe) fee: String,
    pub(in crate::stripe) amount: i64,
    pub(in crate::stripe) currency: String,
    pub(in crate::stripe) metadata: Metadata,
    pub(in crate::stripe) transaction: String,
    pub(in crate::stripe) created: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::stripe) enum PayoutStatus {
    Pending,
    Paid,
    Failed,
}

impl PayoutStatus {
    pub(in crate::stripe) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Failed => "failed",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct Payout {
    pub(in crate::stripe) id: String,
    pub(in crate::stripe) account: String,
    pub(in crate::stripe) amount: i64,
    pub(in crate::stripe) currency: String,
    /// It took all there was, as the daily payouts do.
    pub(in crate::stripe) automatic: bool,
    pub(in crate::stripe) status: PayoutStatus,
    pub(in crate::stripe) transaction: String,
    /// The line that brought the money back when it failed.
    pub(in crate::stripe) failure_transaction: Option<String>,
    pub(in crate::stripe) created: i64,
}
