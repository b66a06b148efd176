//! An expert's account at a payment gateway, and what the platform keeps of the expert's prices.

use serde::{Deserialize, Serialize};

use super::gateway::GatewayKind;
use crate::{Rate, Timestamp};

/// An expert's account at a payment gateway, as the gateway last described it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentAccount {
    /// AppointmentsOf gateway.
    pub gateway: GatewayKind,
    /// Its id there, such as `acct_…`.
    pub account: String,
    /// Grows by one with each change.
    pub version: u64,
    /// Whether clients can pay; without it paid sessions cannot be booked.
    pub charges_enabled: bool,
    /// Whether the gateway pays out to the expert's bank.
    pub payouts_enabled: bool,
    /// What the gateway still wants to know, in its own field names.
    pub requirements_due: Vec<String>,
    /// Why the gateway stopped the account, in its own word.
    pub disabled_reason: Option<String>,
    /// When the gateway said so.
    pub read_at: Timestamp,
}

/// What the platform keeps of an expert's prices, where that is not the usual rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpertFee {
    /// Grows by one with each change; the ETag.
    pub version: u64,
    /// The rate of new bookings; none for the usual one. What is booked keeps its rate.
    pub rate: Option<Rate>,
}
