//! How far the gateways' books were compared with the ledger, and what differs.

use domain::Timestamp;
use domain::payments::gateway::GatewayKind;
use domain::payments::reconciliation::Difference;
use serde::{Deserialize, Serialize};

use super::keys;
use crate::keys::{Key, SK};
use crate::table::{Consistency, Expect, Item, Query};
use crate::transaction::document;
use crate::{CommitError, ReadError, Store, Transaction};

/// How far a gateway's books were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// AppointmentsOf books.
    pub gateway: GatewayKind,
    /// Grows by one with each change.
    pub version: u64,
    /// Everything before this instant.
    pub until: Timestamp,
}

/// A stretch of the differences.
#[derive(Debug, Clone)]
pub struct DifferencePage {
    /// Those that stand, then those that are over, the latest first.
    pub differences: Vec<Difference>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

/// Where a difference stands; it moves when it begins to count and when it is over.
fn place(difference: &Difference) -> Key {
    let Difference { gateway, object, currency, resolved_at, counts, .. } = difference;
    match resolved_at {
        Some(at) => keys::resolved_difference(*at, *gateway, object, currency),
        None => keys::unresolved_difference(
            if *counts { keys::OPEN } else { keys::UNCONFIRMED },
            *gateway,
            object,
            currency,
        ),
    }
}

impl Transaction {
    /// Notes how far a gateway's books were compared, over the version before it.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_compared(&mut self, compared: &Compared) -> Result<(), CommitError> {
        let expect = Expect::read(compared.version - 1);
        self.put_document(keys::reconciliation_progress(compared.gateway), expect, compared, [])
    }

    /// Writes a difference, in the place of what was known of it before.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_difference(
        &mut self,
        difference: &Difference,
        before: Option<&Difference>,
    ) -> Result<(), CommitError> {
        let key = place(difference);
        let expect = match before {
            Some(before) if place(before) == key => Expect::Version(before.version),
            Some(before) => {
                self.drop_difference(before);
                Expect::Absent
            }
            None => Expect::Absent,
        };
        self.put_document(key, expect, difference, [])
    }

    /// Forgets a difference that never counted.
    pub fn drop_difference(&mut self, difference: &Difference) {
        self.delete(place(difference), Expect::Version(difference.version));
    }
}

impl Store {
    /// How far a gateway's books were compared; none before the first time.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn compared(&self, gateway: GatewayKind) -> Result<Option<Compared>, ReadError> {
        self.table
            .get(&keys::reconciliation_progress(gateway), Consistency::Strong)
            .await?
            .map(document)
            .transpose()
    }

    /// Every difference that stands, also those that do not count yet, of all gateways.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn standing_differences(&self) -> Result<Vec<Difference>, ReadError> {
        let query = differences(keys::UNCONFIRMED.to_owned(), format!("{}~", keys::OPEN), None);
        self.table.query(&query).await?.into_iter().map(document).collect()
    }

    /// The differences that count: those that stand, then those that are over, the latest first.
    ///
    /// `after` continues behind the page that gave it as `next`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn differences(&self, after: Option<&str>, limit: u16) -> Result<DifferencePage, ReadError> {
        let first = keys::OPEN.to_owned();
        // Behind `after`: nothing sorts between it and itself with a space. A forged one does not lead to what does not count.
        let from = after.map_or_else(|| first.clone(), |after| format!("{after} ").max(first.clone()));
        let query = differences(from, format!("{}~", keys::RESOLVED), Some(limit + 1));
        let mut items = if query.from > query.to { Vec::new() } else { self.table.query(&query).await? };
        let more = items.len() > usize::from(limit);
        items.truncate(limit.into());
        let sort_key = |item: &Item| item.get(SK).and_then(|value| value.as_s().ok()).cloned();
        let next = items.last().filter(|_| more).and_then(sort_key);
        let differences = items.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(DifferencePage { differences, next })
    }
}

fn differences(from: String, to: String, limit: Option<u16>) -> Query {
    Query {
        index: None,
        pk: keys::DIFFERENCES.to_owned(),
        from,
        to,
        backwards: false,
        limit,
        consistency: Consistency::Strong,
    }
}
