//! What the refunds of clients and experts have cost the platform in a month.

use std::fmt;
use std::str::FromStr;

use domain::kernel::time::Month;
use domain::payments::refund_costs::RefundCosts;
use domain::{ClientId, ExpertId};

use super::keys;
use crate::keys::{Key, SK};
use crate::row::{Row, cut_page, read_list, read_row, stored};
use crate::table::{Condition, Consistency, Query};
use crate::transaction::key_of;
use crate::{CommitError, ReadError, Store, Transaction};

impl Row<RefundCosts> for RefundCostsRow {
    const SCHEMA: u16 = 1;
}

stored! {
    struct RefundCostsRow for RefundCosts {
        version: u64,
        by_clients: u64,
        by_expert: u64,
    }
}

/// Whose refunds a row of costs counts. As a text, it is the sort key of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundsOf {
    /// Those of a client.
    Client(ClientId),
    /// Those of an expert.
    Expert(ExpertId),
}

impl RefundsOf {
    fn key(self, month: Month) -> Key {
        match self {
            Self::Client(client) => keys::refund_costs_of_client(month, client),
            Self::Expert(expert) => keys::refund_costs_of_expert(month, expert),
        }
    }
}

impl fmt::Display for RefundsOf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(client) => write!(out, "{}{client}", keys::OF_CLIENT),
            Self::Expert(expert) => write!(out, "{}{expert}", keys::OF_EXPERT),
        }
    }
}

/// The text is not the sort key of a row of costs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the sort key of a row of costs")]
pub struct InvalidRefundsOf;

impl FromStr for RefundsOf {
    type Err = InvalidRefundsOf;

    fn from_str(text: &str) -> Result<Self, InvalidRefundsOf> {
        let client = text.strip_prefix(keys::OF_CLIENT).map(|id| id.parse().map(Self::Client).ok());
        let expert = text.strip_prefix(keys::OF_EXPERT).map(|id| id.parse().map(Self::Expert).ok());
        client.or(expert).flatten().ok_or(InvalidRefundsOf)
    }
}

/// One page of what refunds cost in a month.
#[derive(Debug, Clone)]
pub struct RefundCostsPage {
    /// The costs, those of clients first, in the order of their ids.
    pub costs: Vec<(RefundsOf, RefundCosts)>,
    /// How many rows of this page cannot be read.
    pub unreadable: usize,
    /// The last one of this page, if there is another page.
    pub next: Option<RefundsOf>,
}

impl Transaction {
    /// Writes what refunds cost in a month, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_refund_costs(
        &mut self,
        month: Month,
        of: RefundsOf,
        costs: &RefundCosts,
    ) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(costs.version - 1);
        self.put_row::<RefundCostsRow, _>(of.key(month), condition, costs, [])
    }
}

impl Store {
    /// What refunds have cost in a month. A count that is written needs a strongly consistent read.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or the row cannot be parsed.
    pub async fn refund_costs(
        &self,
        month: Month,
        of: RefundsOf,
        consistency: Consistency,
    ) -> Result<RefundCosts, ReadError> {
        let item = self.table.get(&of.key(month), consistency).await?;
        Ok(item.map(read_row::<RefundCostsRow, _>).transpose()?.unwrap_or_else(RefundCosts::none))
    }

    /// What the refunds of everybody have cost in a month. `after` is the `next` of the previous page. The latest changes may be
    /// missing.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or the key of a row names nobody.
    pub async fn refund_costs_of_all(
        &self,
        month: Month,
        after: Option<RefundsOf>,
        limit: u16,
    ) -> Result<RefundCostsPage, ReadError> {
        let query = Query {
            index: None,
            pk: keys::refund_costs_of(month),
            from: after.map_or("0".to_owned(), |after| format!("{after} ")),
            to: "~".to_owned(),
            descending: false,
            limit: Some(limit + 1),
            consistency: Consistency::Eventual,
        };
        let mut items = self.table.query(&query).await?;
        let next = cut_page(&mut items, limit, SK).and_then(|last| last.parse().ok());
        let (mut costs, mut unreadable) = (Vec::new(), 0);
        for item in items {
            let key = key_of(&item);
            let of = key.rsplit(" / ").next().unwrap_or_default().parse();
            let of =
                of.map_err(|error: InvalidRefundsOf| ReadError::Corrupt { key, reason: error.to_string() })?;
            let (read, left_out) = read_list::<RefundCostsRow, _>(vec![item]);
            costs.extend(read.into_iter().map(|one| (of, one)));
            unreadable += left_out;
        }
        Ok(RefundCostsPage { costs, unreadable, next })
    }
}
