//! The parts of Stripe Tax's objects that we read (<https://docs.stripe.com/api/tax/calculations>).

use serde::Deserialize;

use super::super::wire::List;

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Settings {
    pub(super) status: String,
    pub(super) status_details: StatusDetails,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct StatusDetails {
    pub(super) pending: Option<Pending>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Pending {
    pub(super) missing_fields: Option<Vec<String>>,
}

/// The parts of a charge that locate its payer.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Charge {
    pub(super) billing_details: BillingDetails,
    pub(super) payment_method_details: Option<Method>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct BillingDetails {
    pub(super) address: Option<Address>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Address {
    pub(super) city: Option<String>,
    pub(super) country: Option<String>,
    pub(super) line1: Option<String>,
    pub(super) line2: Option<String>,
    pub(super) postal_code: Option<String>,
    pub(super) state: Option<String>,
}

/// The payment method. Cards and bank accounts have a country.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Method {
    pub(super) card: Option<Origin>,
    pub(super) sepa_debit: Option<Origin>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Origin {
    pub(super) country: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Calculation {
    /// None if Stripe did not store the calculation.
    pub(super) id: Option<String>,
    pub(super) currency: String,
    pub(super) expires_at: Option<i64>,
    pub(super) line_items: Option<List<Item>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Item {
    pub(super) tax_breakdown: Option<Vec<Tax>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Tax {
    pub(super) amount: i64,
    pub(super) jurisdiction: Jurisdiction,
    pub(super) tax_rate_details: Option<Rate>,
    pub(super) taxability_reason: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Jurisdiction {
    pub(super) display_name: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Rate {
    pub(super) display_name: String,
    pub(super) percentage_decimal: String,
}

/// An entry in the reports: a transaction, or a reversal of one.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Transaction {
    pub(super) id: String,
    pub(super) reference: String,
    pub(super) currency: String,
    pub(super) line_items: Option<List<TransactionItem>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct TransactionItem {
    /// Negative in a reversal.
    pub(super) amount_tax: i64,
}
