//! An expert's account at a payment gateway, and the platform's fee for an expert.

use super::gateway::GatewayKind;
use super::payout::PayoutTiming;
use crate::{Rate, Timestamp};

/// An expert's account at a payment gateway, as last reported by the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentAccount {
    /// The gateway.
    pub gateway: GatewayKind,
    /// The account id at the gateway, such as `acct_…`.
    pub account: String,
    /// The version, incremented with each change.
    pub version: u64,
    /// Whether clients can pay. Without it, sessions with a price cannot be booked.
    pub charges_enabled: bool,
    /// Whether the gateway pays out to the expert's bank.
    pub payouts_enabled: bool,
    /// The information that the gateway still requires, as the gateway's field names.
    pub requirements_due: Vec<String>,
    /// Why the gateway disabled the account, as the gateway's reason code.
    pub disabled_reason: Option<String>,
    /// When the platform first read this state from the gateway. A later read that finds the same state does not change it.
    pub read_at: Timestamp,
}

/// Returns the gateways through which clients can pay an expert with these accounts: those that have enabled charges. The first one
/// is the default of a booking.
pub fn usable_gateways(accounts: &[PaymentAccount]) -> Vec<GatewayKind> {
    let is_usable = |gateway: &GatewayKind| {
        accounts.iter().any(|account| account.gateway == *gateway && account.charges_enabled)
    };
    GatewayKind::ALL.into_iter().filter(is_usable).collect()
}

/// The terms of the platform for an expert, as far as they differ from the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpertTerms {
    /// The version, incremented with each change. It is the ETag.
    pub version: u64,
    /// The fee rate of new bookings; `None` for the default. Existing bookings keep their rate.
    pub rate: Option<Rate>,
    /// When the expert gets their share of new payments; `None` for the platform's setting.
    pub payout_timing: Option<PayoutTiming>,
    /// Whether the expert may ask for prices up to the largest one of a currency. Otherwise, the limit for new experts applies.
    pub established: bool,
    /// What the refunds of the expert may cost the platform in a month, as a multiple of the smallest price; `None` for the default.
    pub refund_budget: Option<u16>,
}
