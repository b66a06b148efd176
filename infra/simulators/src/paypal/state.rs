//! Everything the simulator remembers. Amounts are in minor units, times in Unix seconds.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::idempotency::Stored;
use crate::{OpenError, files};

/// The layout of the file. A file of another layout is refused rather than guessed at.
const LAYOUT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    layout: u32,
    /// The key the webhooks are signed with: PKCS #8 in base64.
    pub(super) signing_key: Option<String>,
    /// Access tokens with the moment they end.
    pub(super) tokens: BTreeMap<String, i64>,
    pub(super) referrals: Rows<Referral>,
    pub(super) sellers: Rows<Seller>,
    pub(super) orders: Rows<Order>,
    pub(super) authorizations: Rows<Authorization>,
    pub(super) captures: Rows<Capture>,
    pub(super) refunds: Rows<Refund>,
    pub(super) disputes: Rows<Dispute>,
    pub(super) entries: Vec<Entry>,
    pub(super) events: Rows<Event>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) attempts: Vec<Attempt>,
    /// The number of the next delivery.
    pub(super) next_delivery: u64,
    /// By operation and `PayPal-Request-Id`.
    pub(super) stored_answers: BTreeMap<String, Stored>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            layout: LAYOUT,
            signing_key: None,
            tokens: BTreeMap::new(),
            referrals: Rows::default(),
            sellers: Rows::default(),
            orders: Rows::default(),
            authorizations: Rows::default(),
            captures: Rows::default(),
            refunds: Rows::default(),
            disputes: Rows::default(),
            entries: Vec::new(),
            events: Rows::default(),
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
            let found = state.layout;
            return Err(damaged(format!("it has layout {found}, and this program reads layout {LAYOUT}")));
        }
        Ok(state)
    }

    pub(super) fn to_bytes(&self, path: &Path) -> Result<Vec<u8>, OpenError> {
        serde_json::to_vec(self)
            .map_err(|error| OpenError::Unwritable { path: path.to_owned(), source: error.into() })
    }

    /// The refunds of a capture that succeeded or still may.
    pub(super) fn refunds_of(&self, capture: &str) -> impl Iterator<Item = &Refund> {
        self.refunds
            .iter()
            .filter(move |refund| refund.capture == capture && refund.status != RefundStatus::Failed)
    }
}

/// Something with an id of its own.
pub(super) trait Row {
    fn id(&self) -> &str;
}

macro_rules! rows {
    ($($row:ty),+) => { $(impl Row for $row { fn id(&self) -> &str { &self.id } })+ };
}
rows!(Referral, Seller, Order, Authorization, Capture, Refund, Dispute, Event);

/// Rows in the order they were made. They are added and changed, never taken away. The whole is written to
/// disk after each change, so looking through it costs nothing beside that.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Rows<T>(Vec<T>);

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Row> Rows<T> {
    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.0.iter().rfind(|row| row.id() == id)
    }

    pub(super) fn add(&mut self, row: T) {
        self.0.push(row);
    }

    /// Changes the row of this id. It must be there.
    pub(super) fn change(&mut self, id: &str, change: impl FnOnce(&mut T)) {
        match self.0.iter_mut().rfind(|row| row.id() == id) {
            Some(row) => change(row),
            None => tracing::error!(id, "a row that was there is gone"),
        }
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.0.iter_mut()
    }
}

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
    /// The event's type, such as `PAYMENT.CAPTURE.COMPLETED`.
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
