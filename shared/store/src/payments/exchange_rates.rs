//! The latest exchange rates: one row, which every estimate reads.

use domain::Timestamp;
use domain::payments::exchange::ReferenceRates;
use serde::{Deserialize, Serialize};

use super::keys;
use crate::table::{Consistency, Expect};
use crate::transaction::document;
use crate::{CommitError, ReadError, Store, Transaction};

/// Exchange rates with their version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionedRates {
    /// Grows by one with each newer day.
    pub version: u64,
    /// When they were fetched.
    pub fetched_at: Timestamp,
    /// The rates, and their day.
    #[serde(flatten)]
    pub rates: ReferenceRates,
}

impl Transaction {
    /// Writes rates over the version before them.
    ///
    /// # Errors
    /// When they cannot be stored.
    pub fn put_exchange_rates(&mut self, rates: &VersionedRates) -> Result<(), CommitError> {
        self.put_document(keys::exchange_rates(), Expect::read(rates.version - 1), rates, [])
    }
}

impl Store {
    /// The latest rates; none before the first were fetched. A reader who estimates need not see those of this moment.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn exchange_rates(
        &self,
        consistency: Consistency,
    ) -> Result<Option<VersionedRates>, ReadError> {
        self.table.get(&keys::exchange_rates(), consistency).await?.map(document).transpose()
    }
}
