//! Payment gateways, and what each can do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who moves the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GatewayKind {
    /// Stripe Connect.
    Stripe,
    /// PayPal for marketplaces.
    Paypal,
}

impl GatewayKind {
    /// Every gateway.
    pub const ALL: [Self; 2] = [Self::Stripe, Self::Paypal];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Paypal => "paypal",
        }
    }

    /// The gateway of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gateway| gateway.as_str() == word)
    }
}

impl std::fmt::Display for GatewayKind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What a gateway can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Seconds that an authorisation surely holds when the client gives it.
    pub authorisation_holds: i64,
    /// Seconds that it surely holds when it is made later with a saved card; none where cards are not saved.
    pub later_authorisation_holds: Option<i64>,
    /// Whether it waits for us to take what a client agreed to. Then an intent that nobody takes costs nobody anything, and need
    /// not be cancelled.
    pub waits_for_collection: bool,
    /// Whether the platform can take from an expert, and give to them, apart from refunds. Where it cannot, what the gateway's
    /// own refunds and disputes leave the expert is final.
    pub reaches_experts: bool,
    /// Whether what is left of a payment can be refunded after a dispute about a part of it was lost.
    pub refunds_after_dispute: bool,
}
