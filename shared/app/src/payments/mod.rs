//! Payments, experts' accounts at gateways, the ledger with its reports and reconciliation, and exchange rates.

pub mod accounts;
mod change;
pub mod checkout;
pub mod declines;
pub mod error;
pub mod escalations;
pub mod exchange_rates;
pub(crate) mod final_charge;
pub(crate) mod holds;
pub mod jobs;
mod orders;
pub mod payout_timing;
pub(crate) mod payouts;
pub mod ports;
pub(crate) mod process;
pub mod reconciliation;
pub mod refund_costs;
pub mod refunds;
pub mod reports;
pub mod terms;
pub mod webhooks;

pub use process::{ESCALATED, SHARE_OWED};
