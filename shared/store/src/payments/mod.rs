//! Rows of the area `payments`.

pub mod accounts;
pub mod declines;
pub mod exchange_rates;
pub mod keys;
pub mod ledger;
pub mod payment;
pub mod reconciliation;
pub mod refund_costs;
pub(crate) mod rows;
pub mod webhook_events;
