//! Receipts, credit notes and corrections, the billing details that they show, and their taxes.

pub mod billing;
pub mod error;
pub mod jobs;
pub mod receipt;
mod taxes;
