//! The row of the latest exchange rates. Every estimate reads it.

use domain::Timestamp;
use domain::payments::exchange::ReferenceRates;

use super::keys;
use super::rows::ExchangeRatesRow;
use crate::row::read_row;
use crate::table::{Condition, Consistency};
use crate::{CommitError, ReadError, Store, Transaction};

/// Exchange rates with their version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionedRates {
    /// Increases by one with each newer set of rates.
    pub version: u64,
    /// When the rates were fetched.
    pub fetched_at: Timestamp,
    /// The rates and their date.
    pub rates: ReferenceRates,
}

impl Transaction {
    /// Writes rates, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_exchange_rates(&mut self, rates: &VersionedRates) -> Result<(), CommitError> {
        self.put_row::<ExchangeRatesRow, _>(
            keys::exchange_rates(),
            Condition::unchanged_since(rates.version - 1),
            rates,
            [],
        )
    }
}

impl Store {
    /// The latest rates; `None` before the first were fetched. Eventual consistency is sufficient for estimates.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn exchange_rates(
        &self,
        consistency: Consistency,
    ) -> Result<Option<VersionedRates>, ReadError> {
        self.table
            .get(&keys::exchange_rates(), consistency)
            .await?
            .map(read_row::<ExchangeRatesRow, _>)
            .transpose()
    }
}
