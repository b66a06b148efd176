//! Everything the simulator remembers. Amounts are in minor units, times in Unix seconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::idempotency::Stored;
use crate::files::Layout;
use crate::table::{Table, rows};
use crate::webhooks::Outbox;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    layout: Layout<1>,
    /// The key the webhooks are signed with: PKCS #8 in base64.
    pub(super) signing_key: Option<String>,
    /// Access tokens with the moment they end.
    pub(super) tokens: BTreeMap<String, i64>,
    pub(super) referrals: Table<Referral>,
    pub(super) sellers: Table<Seller>,
    pub(super) orders: Table<Order>,
    pub(super) authorizations: Table<Authorization>,
    pub(super) captures: Table<Capture>,
    pub(super) refunds: Table<Refund>,
    pub(super) disputes: Table<Dispute>,
    pub(super) entries: Vec<Entry>,
    pub(super) events: Table<Event>,
    #[serde(flatten)]
    pub(super) webhooks: Outbox,
    /// By operation and `PayPal-Request-Id`.
    pub(super) stored_answers: BTreeMap<String, Stored>,
}

impl State {
    /// The refunds of a capture that succeeded or still may.
    pub(super) fn refunds_of(&self, capture: &str) -> impl Iterator<Item = &Refund> {
        self.refunds
            .iter()
            .filter(move |refund| refund.capture == capture && refund.status != RefundStatus::Failed)
    }
}

rows!(Referral, Seller, Order, Authorization, Capture, Refund, Dispute, Event);

/// An invitation to become a seller of the platform. The id is the secret part of its page's address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Referral {
    pub(super) id: String,
    pub(super) tracking_id: String,
    pub(super) email: Option<String>,
    pub(super) return_url: Option<String>,
    /// What the platform asks leave for, such as `PAYMENT` and `PARTNER_FEE`.
    pub(super) features: Vec<String>,
    pub(super) products: Vec<String>,
    pub(super) created: i64,
}

/// A seller's PayPal account, as the platform sees it. The id is the merchant id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Seller {
    pub(super) id: String,
    pub(super) tracking_id: String,
    pub(super) email: String,
    pub(super) products: Vec<String>,
    /// What the platform may do for the seller; nothing once consent was revoked.
    pub(super) features: Vec<String>,
    pub(super) payments_receivable: bool,
    pub(super) primary_email_confirmed: bool,
    pub(super) created: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Intent {
    Capture,
    Authorize,
}

macro_rules! statuses {
    ($($name:ident { $($status:ident = $word:literal),+ })+) => { $(
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub(super) enum $name { $(#[serde(rename = $word)] $status),+ }

        impl $name {
            /// The status as PayPal writes it.
            pub(super) fn name(self) -> &'static str {
                match self { $(Self::$status => $word),+ }
            }
        }
    )+ };
}
statuses! {
    OrderStatus {
        Created = "CREATED",
        PayerActionRequired = "PAYER_ACTION_REQUIRED",
        Approved = "APPROVED",
        Completed = "COMPLETED"
    }
    AuthorizationStatus {
        Created = "CREATED",
        PartiallyCaptured = "PARTIALLY_CAPTURED",
        Captured = "CAPTURED",
        Voided = "VOIDED"
    }
    CaptureStatus {
        Pending = "PENDING",
        Completed = "COMPLETED",
        Declined = "DECLINED",
        PartiallyRefunded = "PARTIALLY_REFUNDED",
        Refunded = "REFUNDED"
    }
    RefundStatus {
        Pending = "PENDING",
        Completed = "COMPLETED",
        Failed = "FAILED"
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) intent: Intent,
    pub(super) status: OrderStatus,
    pub(super) reference_id: String,
    pub(super) description: Option<String>,
    pub(super) custom_id: Option<String>,
    pub(super) invoice_id: Option<String>,
    pub(super) soft_descriptor: Option<String>,
    pub(super) amount: i64,
    pub(super) currency: String,
    /// The merchant id of who is paid.
    pub(super) payee: String,
    pub(super) platform_fee: Option<i64>,
    /// Whether the order came with a `payment_source`.
    pub(super) with_source: bool,
    pub(super) brand_name: Option<String>,
    pub(super) return_url: Option<String>,
    pub(super) cancel_url: Option<String>,
    /// The name of the test payer, once they approved.
    pub(super) payer: Option<String>,
    pub(super) created: i64,
    pub(super) updated: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Authorization {
    pub(super) id: String,
    pub(super) order: String,
    /// The authorization this one renews.
    pub(super) renews: Option<String>,
    pub(super) status: AuthorizationStatus,
    pub(super) amount: i64,
    pub(super) captured: i64,
    pub(super) honoured_until: i64,
    pub(super) expires_at: i64,
    pub(super) created: i64,
    pub(super) updated: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Capture {
    pub(super) id: String,
    pub(super) order: String,
    pub(super) authorization: Option<String>,
    pub(super) status: CaptureStatus,
    pub(super) amount: i64,
    pub(super) platform_fee: i64,
    pub(super) paypal_fee: i64,
    pub(super) final_capture: bool,
    pub(super) invoice_id: Option<String>,
    /// When the eCheck clears, or bounces.
    pub(super) settles_at: Option<i64>,
    pub(super) created: i64,
    pub(super) updated: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) capture: String,
    pub(super) status: RefundStatus,
    pub(super) amount: i64,
    /// What the platform adds to it from the fee it took.
    pub(super) platform_fee: i64,
    /// The refunds of the capture up to and with this one.
    pub(super) total_refunded: i64,
    pub(super) custom_id: Option<String>,
    pub(super) invoice_id: Option<String>,
    pub(super) note_to_payer: Option<String>,
    /// When the seller's eCheck clears, or bounces.
    pub(super) settles_at: Option<i64>,
    pub(super) will_fail: bool,
    pub(super) created: i64,
    pub(super) updated: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Dispute {
    pub(super) id: String,
    pub(super) capture: String,
    pub(super) amount: i64,
    pub(super) reason: super::DisputeReason,
    /// How it ended, once it did.
    pub(super) outcome: Option<super::DisputeOutcome>,
    pub(super) created: i64,
    pub(super) updated: i64,
}

/// One movement of money. The shares add up to zero.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) at: i64,
    /// What moved it: `capture`, `refund`, `dispute`, `dispute_won` or `dispute_lost`.
    pub(super) kind: String,
    /// The id of the object that moved it.
    pub(super) source: String,
    pub(super) currency: String,
    /// Owner and amount.
    pub(super) shares: Vec<(String, i64)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) created: i64,
    pub(super) resource_type: String,
    pub(super) resource_version: String,
    pub(super) summary: String,
    /// The object as it was then: events are never written anew.
    pub(super) resource: Value,
}
