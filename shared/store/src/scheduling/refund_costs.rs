//! What the refunds of clients and experts have cost the platform in the month.

use domain::scheduling::refund_costs::RefundCosts;
use domain::{ClientId, ExpertId};

use super::keys;
use crate::experts::rows::SecondsRow;
use crate::keys::Key;
use crate::row::{Row, read_row, stored};
use crate::table::{Condition, Consistency};
use crate::{CommitError, ReadError, Store, Transaction};

impl Row<RefundCosts> for RefundCostsRow {
    const SCHEMA: u16 = 1;
}

stored! {
    struct RefundCostsRow for RefundCosts {
        version: u64,
        month: SecondsRow,
        by_clients: u64,
        by_expert: u64,
    }
}

/// Whose refunds a row of costs counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundsOf {
    /// Those of a client.
    Client(ClientId),
    /// Those of an expert.
    Expert(ExpertId),
}

impl RefundsOf {
    fn key(self) -> Key {
        match self {
            Self::Client(client) => keys::refund_costs_of_client(client),
            Self::Expert(expert) => keys::refund_costs_of_expert(expert),
        }
    }
}

impl Transaction {
    /// Writes what refunds cost, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_refund_costs(&mut self, of: RefundsOf, costs: &RefundCosts) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(costs.version - 1);
        self.put_row::<RefundCostsRow, _>(of.key(), condition, costs, [])
    }
}

impl Store {
    /// What refunds have cost in the month of the last one. A count that is written needs a strongly consistent read.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or the row cannot be parsed.
    pub async fn refund_costs(
        &self,
        of: RefundsOf,
        consistency: Consistency,
    ) -> Result<RefundCosts, ReadError> {
        let item = self.table.get(&of.key(), consistency).await?;
        Ok(item.map(read_row::<RefundCostsRow, _>).transpose()?.unwrap_or_else(RefundCosts::none))
    }
}
