//! Rows of the reconciliation: its progress for each gateway, and the differences.

use domain::Timestamp;
use domain::payments::gateway::GatewayKind;
use domain::payments::reconciliation::Difference;

use super::keys;
use super::rows::{DifferenceRow, ReconciliationProgressRow};
use crate::keys::{Key, SK};
use crate::row::{cut_page, read_list, read_row};
use crate::table::{Condition, Consistency, Query};
use crate::{CommitError, ReadError, Store, Transaction};

/// How far a gateway's books have been compared with the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconciliationProgress {
    /// The gateway.
    pub gateway: GatewayKind,
    /// Increases by one with each change.
    pub version: u64,
    /// Everything before this instant has been compared.
    pub until: Timestamp,
}

/// One page of the differences.
#[derive(Debug, Clone)]
pub struct DifferencePage {
    /// The open differences, then the resolved ones, the latest first.
    pub differences: Vec<Difference>,
    /// How many rows of this page cannot be read.
    pub unreadable: usize,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

/// The key of a difference. It changes when the difference is confirmed and when it is resolved.
fn key_of(difference: &Difference) -> Key {
    let Difference { gateway, object, currency, resolved_at, confirmed, .. } = difference;
    match resolved_at {
        Some(at) => keys::resolved_difference(*at, *gateway, object, currency),
        None => keys::unresolved_difference(
            if *confirmed { keys::OPEN } else { keys::UNCONFIRMED },
            *gateway,
            object,
            currency,
        ),
    }
}

impl Transaction {
    /// Writes the progress, on condition that the stored version is the one before.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_reconciliation_progress(
        &mut self,
        progress: &ReconciliationProgress,
    ) -> Result<(), CommitError> {
        let condition = Condition::unchanged_since(progress.version - 1);
        self.put_row::<ReconciliationProgressRow, _>(
            keys::reconciliation_progress(progress.gateway),
            condition,
            progress,
            [],
        )
    }

    /// Writes a difference. `before` is the stored version that it replaces, if there is one.
    ///
    /// # Errors
    /// [`CommitError::Unstorable`] if the document cannot be represented as a row.
    pub fn put_difference(
        &mut self,
        difference: &Difference,
        before: Option<&Difference>,
    ) -> Result<(), CommitError> {
        let key = key_of(difference);
        let condition = match before {
            Some(before) if key_of(before) == key => Condition::Version(before.version),
            Some(before) => {
                self.delete_difference(before);
                Condition::Absent
            }
            None => Condition::Absent,
        };
        self.put_row::<DifferenceRow, _>(key, condition, difference, [])
    }

    /// Deletes a difference.
    pub fn delete_difference(&mut self, difference: &Difference) {
        self.delete(key_of(difference), Condition::Version(difference.version));
    }
}

impl Store {
    /// How far a gateway's books have been compared; `None` before the first run.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn reconciliation_progress(
        &self,
        gateway: GatewayKind,
    ) -> Result<Option<ReconciliationProgress>, ReadError> {
        self.table
            .get(&keys::reconciliation_progress(gateway), Consistency::Strong)
            .await?
            .map(read_row::<ReconciliationProgressRow, _>)
            .transpose()
    }

    /// All unresolved differences of all gateways, including those that are not confirmed yet.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read, or a row cannot be parsed.
    pub async fn unresolved_differences(&self) -> Result<Vec<Difference>, ReadError> {
        let query = differences(keys::UNCONFIRMED.to_owned(), format!("{}~", keys::OPEN), None);
        self.table.query(&query).await?.into_iter().map(read_row::<DifferenceRow, _>).collect()
    }

    /// The confirmed differences: the open ones, then the resolved ones, the latest first. `after` is the `next` of the previous
    /// page.
    ///
    /// # Errors
    /// [`ReadError`] if the table cannot be read.
    pub async fn differences(&self, after: Option<&str>, limit: u16) -> Result<DifferencePage, ReadError> {
        let first = keys::OPEN.to_owned();
        // Appending a space, the lowest printable character, excludes `after` itself and nothing else. A forged cursor does not
        // lead to unconfirmed differences.
        let from = after.map_or_else(|| first.clone(), |after| format!("{after} ").max(first.clone()));
        let query = differences(from, format!("{}~", keys::RESOLVED), Some(limit + 1));
        let mut items = if query.from > query.to { Vec::new() } else { self.table.query(&query).await? };
        let next = cut_page(&mut items, limit, SK);
        let (differences, unreadable) = read_list::<DifferenceRow, _>(items);
        Ok(DifferencePage { differences, unreadable, next })
    }
}

fn differences(from: String, to: String, limit: Option<u16>) -> Query {
    Query {
        index: None,
        pk: keys::DIFFERENCES.to_owned(),
        from,
        to,
        descending: false,
        limit,
        consistency: Consistency::Strong,
    }
}
