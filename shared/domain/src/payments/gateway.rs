//! Payment gateways and their capabilities.

use serde::{Deserialize, Serialize};

use super::payout::PayoutTiming;

/// A payment gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GatewayKind {
    /// Stripe Connect.
    Stripe,
    /// PayPal for marketplaces.
    Paypal,
}

impl GatewayKind {
    /// All gateways.
    pub const ALL: [Self; 2] = [Self::Stripe, Self::Paypal];

    /// Returns the gateway name used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Paypal => "paypal",
        }
    }

    /// Returns whether the gateway takes its processing fee from the platform's balance. If not, the expert pays it.
    ///
    /// It is no [capability](Capabilities), because a refund is decided by functions without access to the gateway.
    pub fn platform_pays_fee(self) -> bool {
        match self {
            Self::Stripe => true,
            Self::Paypal => false,
        }
    }
}

/// The text is not the name of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a payment gateway: stripe or paypal")]
pub struct InvalidGateway;

impl std::str::FromStr for GatewayKind {
    type Err = InvalidGateway;

    fn from_str(name: &str) -> Result<Self, InvalidGateway> {
        Self::ALL.into_iter().find(|gateway| gateway.as_str() == name).ok_or(InvalidGateway)
    }
}

impl std::fmt::Display for GatewayKind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

/// The capabilities of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// How long, in seconds, the platform relies on an authorization that the client gives at booking. It is less than
    /// the time until the authorization expires. At PayPal, a capture after the three-day honor period can still be
    /// declined.
    pub authorization_validity: i64,
    /// The same for an authorization that is made later with a saved card; `None` if the gateway does not save cards.
    pub saved_card_authorization_validity: Option<i64>,
    /// Whether a payment that the client has approved must be completed by a separate request. An intent that is
    /// never completed then costs nothing and need not be cancelled.
    pub requires_completion: bool,
    /// Whether the platform can reverse transfers and transfer money to experts apart from refunds. If not, the
    /// expert keeps what the gateway's own refunds and disputes leave, and what the gateway [holds](Self::hold_period) for
    /// them is released as a whole, so that nothing can be withheld from it.
    pub supports_transfers: bool,
    /// Whether the rest of a payment can be refunded after a dispute about a part of it was lost.
    pub refunds_after_dispute: bool,
    /// How long, in seconds, the platform can hold the expert's share of a payment, or have the gateway hold it. `None` if it
    /// is transferred at once.
    pub hold_period: Option<i64>,
    /// How long, in seconds, a payment can be refunded. `None` if there is no limit.
    pub refund_period: Option<i64>,
}

impl Capabilities {
    /// Returns how long before the completion of a session it can be paid, in seconds. `None` if there is no limit.
    pub fn pay_ahead_limit(self, payout_timing: PayoutTiming) -> Option<i64> {
        let hold_period = match payout_timing {
            PayoutTiming::AtPayment => None,
            PayoutTiming::AfterSession => self.hold_period,
        };
        hold_period.into_iter().chain(self.refund_period).min()
    }
}
