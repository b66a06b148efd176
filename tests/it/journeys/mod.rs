//! What people do, from outside.

mod booking;
mod cancelling;
mod exchange_rates;
mod groups;
mod money;
mod payments;
mod paypal;
mod publishing;
mod receipts;
mod reconciliation;
mod reports;
