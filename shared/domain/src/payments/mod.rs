//! The payment of an appointment, the ledger of everything that moved, and what is reported and reconciled from it.

pub mod account;
pub mod exchange;
pub mod gateway;
pub mod ledger;
pub mod payment;
pub mod reconciliation;
pub mod report;
