//! Receipts and credit notes: who issues them, under which number, and which taxes they show.

pub mod billing;
pub mod receipt;
pub mod tax;
