//! The parts of Stripe's objects that we read (<https://docs.stripe.com/api>).
//!
//! Requests are built with async-stripe's types, so that a parameter cannot be misspelled. Its response types are not used. If
//! one of their several hundred members has an unexpected shape, the whole response is unreadable, even after money moved, and
//! the error does not name the member. The types here have only the members that we use.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Key-value pairs that we stored on an object when we created it.
pub(super) type Metadata = BTreeMap<String, String>;

/// A member that is an id, unless the request expanded it to the object.
#[derive(Debug, Clone)]
pub(super) enum Expandable<T> {
    Id(String),
    Object(Box<T>),
}

impl<T> Expandable<T> {
    pub(super) fn object(&self) -> Option<&T> {
        match self {
            Self::Id(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Expandable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdOrObject<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for IdOrObject<T> {
            type Value = Expandable<T>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an id or an object")
            }

            fn visit_str<E>(self, id: &str) -> Result<Self::Value, E> {
                Ok(Expandable::Id(id.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
                    .map(|object| Expandable::Object(Box::new(object)))
            }
        }
        deserializer.deserialize_any(IdOrObject(PhantomData))
    }
}

/// The beginning of a list, or all of it, newest first.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    pub(super) has_more: bool,
}

impl<T> List<T> {
    pub(super) fn complete(data: Vec<T>) -> Self {
        Self { data, has_more: false }
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self::complete(Vec::new())
    }
}

/// An object in a list. Its id is the cursor of the next page.
pub(super) trait Listed {
    fn id(&self) -> &str;
}

macro_rules! listed {
    ($($object:ty),+ $(,)?) => { $(impl Listed for $object { fn id(&self) -> &str { &self.id } })+ };
}
listed!(BalanceTransaction, Dispute, FeeRefund, PaymentIntent, Payout, Refund, Transfer, TransferReversal);

/// An object of which only the id is read.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ObjectId {
    pub(super) id: String,
}

/// A response whose content is not read.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Ignored {}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) charges_enabled: Option<bool>,
    pub(super) payouts_enabled: Option<bool>,
    pub(super) requirements: Option<Requirements>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Requirements {
    pub(super) currently_due: Option<Vec<String>>,
    pub(super) past_due: Option<Vec<String>>,
    pub(super) disabled_reason: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct AccountLink {
    pub(super) url: String,
    pub(super) expires_at: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct PaymentIntent {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) client_secret: Option<String>,
    pub(super) capture_method: String,
    pub(super) canceled_at: Option<i64>,
    pub(super) last_payment_error: Option<DeclineDetails>,
    pub(super) latest_charge: Option<Expandable<Charge>>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct SetupIntent {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) client_secret: Option<String>,
    pub(super) last_setup_error: Option<DeclineDetails>,
    pub(super) payment_method: Option<Expandable<PaymentMethod>>,
}

/// Why a bank declined (<https://docs.stripe.com/declines/codes>).
#[derive(Debug, Clone, Deserialize)]
pub(super) struct DeclineDetails {
    pub(super) code: Option<String>,
    pub(super) decline_code: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct PaymentMethod {
    pub(super) id: String,
    /// None once the card was detached.
    pub(super) customer: Option<Expandable<ObjectId>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Charge {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) amount: i64,
    pub(super) amount_captured: i64,
    pub(super) captured: bool,
    pub(super) currency: String,
    pub(super) created: i64,
    pub(super) disputed: bool,
    pub(super) balance_transaction: Option<Expandable<BalanceTransaction>>,
    pub(super) application_fee: Option<Expandable<ApplicationFee>>,
    pub(super) transfer: Option<Expandable<Transfer>>,
    pub(super) refunds: Option<List<Refund>>,
    pub(super) payment_method_details: Option<MethodDetails>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct MethodDetails {
    pub(super) card: Option<CardDetails>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct CardDetails {
    pub(super) capture_before: Option<i64>,
    /// The same for all uses of a card.
    pub(super) fingerprint: Option<String>,
}

/// A line of the platform's books.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct BalanceTransaction {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) amount: i64,
    pub(super) fee: i64,
    pub(super) currency: String,
    pub(super) created: i64,
    pub(super) source: Option<Expandable<Source>>,
}

/// The object of a line of the books, which may be of any kind.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Source {
    pub(super) id: String,
    #[serde(default)]
    pub(super) metadata: Metadata,
    pub(super) transfer_group: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ApplicationFee {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) amount_refunded: i64,
    pub(super) currency: String,
    pub(super) created: i64,
    pub(super) refunds: List<FeeRefund>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct FeeRefund {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) created: i64,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Transfer {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) amount_reversed: i64,
    pub(super) currency: String,
    pub(super) created: i64,
    pub(super) reversals: List<TransferReversal>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct TransferReversal {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) created: i64,
    /// The refund with which the transfer was reversed.
    pub(super) source_refund: Option<Expandable<ObjectId>>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) created: i64,
    pub(super) status: Option<String>,
    pub(super) failure_balance_transaction: Option<Expandable<BalanceTransaction>>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Dispute {
    pub(super) id: String,
    pub(super) status: String,
    /// At most two: the withdrawal of the money, and its return.
    pub(super) balance_transactions: Vec<BalanceTransaction>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Payout {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) created: i64,
    pub(super) arrival_date: i64,
    pub(super) failure_balance_transaction: Option<Expandable<BalanceTransaction>>,
}
