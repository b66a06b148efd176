//! The port to a gateway's tax service.

use async_trait::async_trait;
use domain::receipts::tax::Taxes;
use domain::{Money, Timestamp};

use super::PaymentError;

/// The tax service of a gateway. It knows where an expert is registered for tax and where a client is, and it keeps the expert's
/// tax reports.
///
/// `account` is always the expert's account at the gateway. Each entry of the reports has a `reference` that must be unique in the
/// account, so a request whose response was lost can be repeated without a second entry. [`PaymentError::Refused`] is permanent:
/// the account or its settings do not allow the request.
#[async_trait]
pub trait TaxService: Send + Sync {
    /// What the expert has to set up at the gateway before it can calculate taxes, as the gateway's field names. Empty if the setup
    /// is complete.
    async fn missing(&self, account: &str) -> Result<Vec<String>, PaymentError>;

    /// Calculates the taxes that an amount of a client's payment includes. `charge` is the gateway's id of the payment. Nothing is
    /// added to the reports.
    async fn calculate(
        &self,
        account: &str,
        charge: &str,
        amount: Money,
    ) -> Result<CalculatedTax, PaymentError>;

    /// Adds a calculation to the expert's reports and returns the id of the entry; `None` if it was added before and the gateway does
    /// not return its id.
    async fn report(
        &self,
        account: &str,
        calculation: &str,
        reference: &str,
    ) -> Result<Option<String>, PaymentError>;

    /// Reverses a part of an entry in the expert's reports.
    async fn take_back(
        &self,
        account: &str,
        entry: &str,
        amount: Money,
        reference: &str,
    ) -> Result<TakenBack, PaymentError>;
}

/// The result of a calculation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalculatedTax {
    /// The gateway does not know where the client is.
    PlaceUnknown,
    /// The calculation.
    Done(TaxCalculation),
}

/// A calculation that can be added to the expert's reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxCalculation {
    /// The gateway's id of the calculation.
    pub id: String,
    /// Until when it can be added to the reports.
    pub valid_until: Timestamp,
    /// The calculated taxes.
    pub taxes: Taxes,
}

/// The reversal of a part of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// The gateway's id of the reversal, if it returns one.
    pub entry: Option<String>,
    /// The tax that the reversed part includes, if the gateway returns it.
    pub tax: Option<Money>,
}
