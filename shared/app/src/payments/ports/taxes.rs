//! Taxes that a payment gateway calculates, and the experts' tax reports there.

use async_trait::async_trait;
use domain::receipts::tax::Taxes;
use domain::{Money, Timestamp};

use super::PaymentError;

/// A gateway's tax service. It knows where an expert is registered for tax and where a client is, and keeps what the expert
/// has to declare.
///
/// `account` is always the expert's account at the gateway. Entries in the reports have a `reference`, which the gateway lets
/// nobody use twice in one account; so an order that is given again is done once, also when its answer was lost.
/// [`PaymentError::Refused`] is for good: the account or its settings do not allow it.
#[async_trait]
pub trait TaxService: Send + Sync {
    /// What the expert has yet to set up at the gateway before it can calculate, in the gateway's own field names; nothing when
    /// all is there.
    async fn missing(&self, account: &str) -> Result<Vec<String>, PaymentError>;

    /// Calculates the taxes that an amount includes of what a client paid by the payment that the gateway calls `charge`.
    /// Nothing is reported by that.
    async fn calculate(
        &self,
        account: &str,
        charge: &str,
        amount: Money,
    ) -> Result<CalculatedTax, PaymentError>;

    /// Puts what was calculated into the expert's reports, and answers what the entry is called; none when it is there already
    /// and the gateway does not say what it is called.
    async fn report(
        &self,
        account: &str,
        calculation: &str,
        reference: &str,
    ) -> Result<Option<String>, PaymentError>;

    /// Takes a part of an entry out of the expert's reports.
    async fn take_back(
        &self,
        account: &str,
        entry: &str,
        amount: Money,
        reference: &str,
    ) -> Result<TakenBack, PaymentError>;
}

/// What came of a calculation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalculatedTax {
    /// The gateway cannot tell from what it knows of the client where they are.
    PlaceUnknown,
    /// The taxes, and what the calculation is called.
    Done(TaxCalculation),
}

/// A calculation that can be put into the expert's reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxCalculation {
    /// What the gateway calls it.
    pub id: String,
    /// Until when it can be reported.
    pub valid_until: Timestamp,
    /// What it came to.
    pub taxes: Taxes,
}

/// A part of an entry that was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// What the gateway calls what it wrote.
    pub entry: Option<String>,
    /// How much tax was in the part, as far as the gateway says.
    pub tax: Option<Money>,
}
