//! Taxes that a payment gateway calculates, and the experts' tax reports at the gateway.

use async_trait::async_trait;
use domain::receipts::tax::Taxes;
use domain::{Money, Timestamp};

use super::GatewayError;

/// A gateway's tax service. It knows where an expert is registered for tax and where a client is, and keeps the expert's tax
/// reports.
///
/// `account` is the expert's account at the gateway. Each report entry has a `reference`, which is unique within the account.
/// A repeated order therefore has one effect, even if its first response was lost. [`GatewayError::Refused`] is permanent: the
/// account or its settings do not allow the order.
#[async_trait]
pub trait TaxService: Send + Sync {
    /// The settings that the expert must complete at the gateway before it can calculate taxes, by the gateway's field names.
    /// Empty if none is missing.
    async fn missing(&self, account: &str) -> Result<Vec<String>, GatewayError>;

    /// Calculates the taxes that are included in `amount` of a payment. `charge` is the gateway's id of the payment.
    /// Calculating reports nothing.
    async fn calculate(
        &self,
        account: &str,
        charge: &str,
        amount: Money,
    ) -> Result<CalculatedTax, GatewayError>;

    /// Adds a calculation to the expert's reports, and returns the id of the entry. `None` if the entry exists already and the
    /// gateway does not report its id.
    async fn report(
        &self,
        account: &str,
        calculation: &str,
        reference: &str,
    ) -> Result<Option<String>, GatewayError>;

    /// Reverses a part of an entry in the expert's reports.
    async fn reverse(
        &self,
        account: &str,
        entry: &str,
        amount: Money,
        reference: &str,
    ) -> Result<TaxReversal, GatewayError>;
}

/// The result of a calculation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalculatedTax {
    /// The gateway does not know enough about the client to determine their tax location.
    PlaceUnknown,
    /// The taxes, and the id of the calculation.
    Done(TaxCalculation),
}

/// A calculation that can be added to the expert's reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxCalculation {
    /// The gateway's id of the calculation.
    pub id: String,
    /// Until when the calculation can be reported.
    pub valid_until: Timestamp,
    /// The calculated taxes.
    pub taxes: Taxes,
}

/// A reversal of a part of a report entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxReversal {
    /// The gateway's id of the reversal, if it reports one.
    pub entry: Option<String>,
    /// The tax that was reversed, if the gateway reports it.
    pub tax: Option<Money>,
}
