//! Who pays, and by what.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Address, IntentStatus, Metadata};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct Customer {
    pub(in crate::stripe) id: String,
    /// The connected account it was made on.
    pub(in crate::stripe) account: Option<String>,
    pub(in crate::stripe) name: Option<String>,
    pub(in crate::stripe) email: Option<String>,
    pub(in crate::stripe) metadata: Metadata,
    pub(in crate::stripe) created: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct PaymentMethod {
    pub(in crate::stripe) id: String,
    pub(in crate::stripe) created: i64,
    /// The connected account it was made on.
    pub(in crate::stripe) account: Option<String>,
    pub(in crate::stripe) means: Means,
    /// Where its owner gets bills, as far as they said.
    #[serde(default)]
    pub(in crate::stripe) address: Address,
    /// Whose it is, once it was attached.
    pub(in crate::stripe) customer: Option<String>,
    /// It was set up for payments without its owner.
    pub(in crate::stripe) set_up: bool,
    /// It paid once without belonging to a customer, or was detached from one: it is of no more use.
    pub(in crate::stripe) spent: bool,
}

/// How somebody pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::stripe) enum Means {
    /// The number of a test card, or the last digits of any other, which is declined.
    Card(String),
    /// The IBAN of a test bank account.
    SepaDebit(String),
}

impl Means {
    /// Stripe's `type` of each.
    pub(in crate::stripe) const KINDS: &[&str] = &["card", "sepa_debit"];

    /// Stripe's `type`.
    pub(in crate::stripe) fn kind(&self) -> &'static str {
        match self {
            Self::Card(_) => "card",
            Self::SepaDebit(_) => "sepa_debit",
        }
    }
}

/// Which kinds of payment methods an intent takes. There is at most one of the two lists.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct Kinds {
    /// No others.
    pub(in crate::stripe) allowed: Option<Vec<String>>,
    /// All others.
    pub(in crate::stripe) excluded: Option<Vec<String>>,
}

impl Kinds {
    pub(in crate::stripe) fn take(&self, kind: &str) -> bool {
        let among = |list: &[String]| list.iter().any(|named| named == kind);
        self.allowed.as_deref().is_none_or(among) && !self.excluded.as_deref().is_some_and(among)
    }

    /// Those of `possible` that are taken.
    pub(in crate::stripe) fn of<'a>(&self, possible: &[&'a str]) -> Vec<&'a str> {
        possible.iter().copied().filter(|kind| self.take(kind)).collect()
    }
}

/// Somebody's consent to be charged later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct SetupIntent {
    pub(in crate::stripe) id: String,
    pub(in crate::stripe) client_secret: String,
    /// The connected account it was made on.
    pub(in crate::stripe) account: Option<String>,
    pub(in crate::stripe) customer: Option<String>,
    /// It is never being processed, and there is nothing to capture.
    pub(in crate::stripe) status: IntentStatus,
    /// `off_session` or `on_session`.
    pub(in crate::stripe) usage: String,
    pub(in crate::stripe) automatic_payment_methods: bool,
    pub(in crate::stripe) allow_redirects: String,
    pub(in crate::stripe) kinds: Kinds,
    pub(in crate::stripe) description: Option<String>,
    pub(in crate::stripe) metadata: Metadata,
    pub(in crate::stripe) payment_method: Option<String>,
    pub(in crate::stripe) last_setup_error: Option<Value>,
    pub(in crate::stripe) return_url: Option<String>,
    /// Where its owner passes the 3-D Secure challenge, once there was one.
    pub(in crate::stripe) challenge_url: Option<String>,
    pub(in crate::stripe) created: i64,
    pub(in crate::stripe) cancellation_reason: Option<String>,
}
