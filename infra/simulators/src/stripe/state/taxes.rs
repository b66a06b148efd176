//! What accounts calculate and report of taxes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Metadata;

/// Parts of a postal address by Stripe's names.
pub(in crate::stripe) type Address = BTreeMap<String, String>;

/// Where an account collects taxes, once it is set up for that.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::stripe) struct TaxSettings {
    /// It has all that calculations need.
    pub(in crate::stripe) active: bool,
    /// Where it is registered: `DE`, or `US-CA` for a state.
    pub(in crate::stripe) registrations: Vec<String>,
}

/// One tax in an amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::stripe) struct Tax {
    pub(in crate::stripe) amount: i64,
    pub(in crate::stripe) taxable_amount: i64,
    /// Stripe's word for why it is so much, such as `standard_rated`.
    pub(in crate::stripe) reason: String,
    pub(in crate::stripe) country: String,
    pub(in crate::stripe) state: Option<String>,
    /// `country`, `state` or `city`.
    pub(in crate::stripe) level: String,
    /// Who levies it.
    pub(in crate::stripe) jurisdiction: String,
    /// Its name, type and percentage; none when it is not imposed.
    pub(in crate::stripe) rate: Option<(String, String, String)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct TaxCalculation {
    pub(in crate::stripe) id: String,
    /// The connected account it was made on.
    pub(in crate::stripe) account: Option<String>,
    pub(in crate::stripe) currency: String,
    pub(in crate::stripe) amount: i64,
    /// What its line is called.
    pub(in crate::stripe) line: String,
    pub(in crate::stripe) inclusive: bool,
    pub(in crate::stripe) address: Address,
    pub(in crate::stripe) address_source: Option<String>,
    pub(in crate::stripe) taxes: Vec<Tax>,
    pub(in crate::stripe) tax_date: i64,
    pub(in crate::stripe) expires_at: i64,
}

impl TaxCalculation {
    pub(in crate::stripe) fn tax(&self) -> i64 {
        self.taxes.iter().map(|tax| tax.amount).sum()
    }
}

/// An entry in an account's tax reports. What it takes back is below zero.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::stripe) struct TaxTransaction {
    pub(in crate::stripe) id: String,
    pub(in crate::stripe) account: Option<String>,
    /// No other of the account has it.
    pub(in crate::stripe) reference: String,
    /// The calculation it was made of, also when another entry stands between.
    pub(in crate::stripe) calculation: String,
    pub(in crate::stripe) amount: i64,
    pub(in crate::stripe) tax: i64,
    /// The entry that it takes back, in part or whole.
    pub(in crate::stripe) reverses: Option<String>,
    pub(in crate::stripe) metadata: Metadata,
    pub(in crate::stripe) posted_at: i64,
    pub(in crate::stripe) created: i64,
}
