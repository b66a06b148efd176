//! The payment of an appointment, the ledger of all movements, and the reports and reconciliation based on the
//! ledger.

pub mod account;
pub mod debt;
pub mod declines;
pub mod exchange;
pub mod gateway;
pub mod ledger;
pub mod payment;
pub mod payout;
pub mod reconciliation;
pub mod refund_costs;
pub mod report;
