//! Receipts and credit notes: their issuer, number and taxes.

pub mod billing;
pub mod receipt;
pub mod tax;
