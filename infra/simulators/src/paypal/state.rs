//! The state of the simulator. Amounts are in minor units, times in Unix seconds.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::payers::{Behavior, TestPayer};
use super::work::Repeated;
use crate::idempotency::StoredResponses;
use crate::journal::{Keyed, Log, Whole, journaled};
use crate::state_file::Layout;
use crate::table::{Table, rows, statuses};
use crate::webhooks::Deliveries;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct State {
    layout: Layout<3>,
    /// The key the webhooks are signed with, and that of its authority: each PKCS #8 in base64.
    pub(super) signing_key: Whole<Option<String>>,
    /// Access tokens with the time at which they expire.
    pub(super) tokens: Keyed<i64>,
    pub(super) referrals: Table<Referral>,
    pub(super) sellers: Table<Seller>,
    pub(super) orders: Table<Order>,
    pub(super) authorizations: Table<Authorization>,
    pub(super) captures: Table<Capture>,
    pub(super) refunds: Table<Refund>,
    #[serde(default)]
    pub(super) payouts: Table<Payout>,
    pub(super) disputes: Table<Dispute>,
    pub(super) entries: Log<Entry>,
    pub(super) events: Table<Event>,
    #[serde(flatten)]
    pub(super) deliveries: Deliveries,
    /// By operation and `PayPal-Request-Id`.
    pub(super) stored_responses: StoredResponses<Repeated>,
}

journaled! {
    State {
        signing_key, tokens, referrals, sellers, orders, authorizations, captures, refunds, payouts, disputes, entries,
        events, deliveries, stored_responses,
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
    /// Whether a dispute about a capture is open.
    pub(super) fn has_open_dispute(&self, capture: &str) -> bool {
        self.disputes.iter().any(|dispute| dispute.capture == capture && dispute.outcome.is_none())
    }

    /// The refunds of a capture that succeeded or still may.
    pub(super) fn refunds_of(&self, capture: &str) -> impl Iterator<Item = &Refund> {
        self.refunds
            .iter()
            .filter(move |refund| refund.capture == capture && refund.status != RefundStatus::Failed)
    }
}

impl Order {
    /// How the payer behaves; `None` before the order is approved.
    pub(super) fn payer_behavior(&self) -> Option<Behavior> {
        self.test_payer().map(|payer| payer.behavior)
    }

    /// The payer; `None` before the order is approved.
    pub(super) fn test_payer(&self) -> Option<&'static TestPayer> {
        TestPayer::named(self.payer.as_deref()?)
    }
}

rows!(Referral, Seller, Order, Authorization, Capture, Refund, Payout, Dispute, Event);

statuses! {
    "SCREAMING_SNAKE_CASE";
    Intent { Capture, Authorize }
    OrderStatus { Created, PayerActionRequired, Approved, Completed }
    AuthorizationStatus { Created, PartiallyCaptured, Captured, Voided }
    CaptureStatus { Pending, Completed, Declined, PartiallyRefunded, Refunded }
    RefundStatus { Pending, Completed, Failed }
}

/// An invitation to become a seller of the platform. Its id is the secret in the address of its page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Referral {
    pub(super) id: String,
    pub(super) tracking_id: String,
    pub(super) return_url: Option<String>,
    /// The rights that the platform asks for, such as `PAYMENT` and `PARTNER_FEE`.
    pub(super) features: Vec<String>,
    pub(super) products: Vec<String>,
    pub(super) created: i64,
}

/// A seller's PayPal account. The id is the merchant id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Seller {
    pub(super) id: String,
    pub(super) tracking_id: String,
    pub(super) email: String,
    pub(super) products: Vec<String>,
    /// The rights that the seller granted; none after a revocation.
    pub(super) features: Vec<String>,
    pub(super) payments_receivable: bool,
    pub(super) primary_email_confirmed: bool,
    pub(super) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    pub(super) id: String,
    pub(super) intent: Intent,
    pub(super) status: OrderStatus,
    pub(super) description: Option<String>,
    pub(super) custom_id: Option<String>,
    pub(super) invoice_id: Option<String>,
    pub(super) amount: i64,
    pub(super) currency: String,
    /// The merchant id of the account that is paid.
    pub(super) payee: String,
    pub(super) platform_fee: Option<i64>,
    /// Whether PayPal holds what is captured.
    #[serde(default)]
    pub(super) is_delayed: bool,
    /// Whether the payer must pay with what takes effect at once.
    #[serde(default)]
    pub(super) immediate: bool,
    /// Whether the order came with a `payment_source`.
    pub(super) with_source: bool,
    pub(super) return_url: Option<String>,
    pub(super) cancel_url: Option<String>,
    /// The name of the test payer who approved it.
    pub(super) payer: Option<String>,
    pub(super) created: i64,
    pub(super) updated: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Authorization {
    pub(super) id: String,
    pub(super) order: String,
    /// The authorization this one renews.
    pub(super) renews: Option<String>,
    pub(super) status: AuthorizationStatus,
    pub(super) amount: i64,
    pub(super) captured: i64,
    pub(super) honored_until: i64,
    pub(super) expires_at: i64,
    pub(super) created: i64,
    pub(super) updated: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Capture {
    pub(super) id: String,
    pub(super) order: String,
    pub(super) authorization: Option<String>,
    pub(super) status: CaptureStatus,
    pub(super) amount: i64,
    pub(super) platform_fee: i64,
    pub(super) paypal_fee: i64,
    pub(super) final_capture: bool,
    #[serde(default)]
    pub(super) is_delayed: bool,
    /// What PayPal holds for the seller and the platform; `None` once it has paid them.
    #[serde(default)]
    pub(super) held: Option<Held>,
    /// When the eCheck clears, or bounces.
    pub(super) settles_at: Option<i64>,
    pub(super) created: i64,
    pub(super) updated: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refund {
    pub(super) id: String,
    pub(super) order: String,
    pub(super) capture: String,
    pub(super) status: RefundStatus,
    pub(super) amount: i64,
    /// The part of its fee that the platform contributes.
    pub(super) platform_fee: i64,
    /// The refunds of the capture up to and including this one.
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

/// Money that PayPal holds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Held {
    pub(super) amount: i64,
    /// The part of it that is the platform's fee.
    pub(super) platform_fee: i64,
}

/// The payment of what PayPal held of a capture.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Payout {
    pub(super) id: String,
    pub(super) capture: String,
    pub(super) currency: String,
    /// What the seller got.
    pub(super) amount: i64,
    pub(super) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dispute {
    pub(super) id: String,
    pub(super) order: String,
    pub(super) capture: String,
    pub(super) amount: i64,
    pub(super) reason: super::DisputeReason,
    /// `None` while it is open.
    pub(super) outcome: Option<super::DisputeOutcome>,
    pub(super) created: i64,
    pub(super) updated: i64,
}

/// A movement of money. The shares add up to zero.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    pub(super) at: i64,
    /// The reason: `capture`, `refund`, `payout`, `dispute`, `dispute_won` or `dispute_lost`.
    pub(super) kind: String,
    /// The id of the object that the reason names.
    pub(super) source: String,
    pub(super) currency: String,
    /// Owner and amount.
    pub(super) shares: Vec<(String, i64)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) created: i64,
    /// The object as it was when the event happened.
    pub(super) resource: Value,
}
