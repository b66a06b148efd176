//! The switch between the product and its mutants.
//!
//! [`copy`](super::copy) replaces this file in the copy of the sources that holds the product mutants.

/// Whether this build holds the product mutants.
pub const PRODUCT_MUTANTS: bool = false;

/// Selects the product mutant that this thread runs from now on, or none with an empty name.
pub fn select(_name: &'static str) {}
