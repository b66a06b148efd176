//! Receipts and credit notes, the billing details they show, and their taxes.

pub mod billing;
pub mod error;
pub mod receipt;
mod taxes;
