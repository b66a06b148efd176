//! The stored state of Expert Connect, in one DynamoDB table.
//!
//! Each area has a folder with its rows, and with their keys in `keys.rs` below a table of access patterns. What all areas
//! share is in [`keys`]. State changes in one way only: build a [`Transaction`] from the rows that were read, with their
//! versions, and [`Store::commit`] it. Each side effect is an [`OutboxEntry`] of the same transaction.

mod dynamo;
#[cfg(test)]
mod golden;
pub mod idempotency;
pub mod keys;
mod reads;
mod row;
pub mod table;
mod transaction;
mod turns;

pub mod experts;
pub mod identity;
pub mod messaging;
pub mod operations;
pub mod payments;
pub mod receipts;
pub mod scheduling;

use std::sync::Arc;

pub use dynamo::{Cost, DynamoTable, Meter, create_table};
pub use experts::members::{MembershipPage, Team};
pub use experts::profiles::{Activations, Admissions, VersionedRules};
pub use identity::suspensions::StoredSuspension;
pub use messaging::notifications::NotificationPage;
pub use operations::outbox::{FailureDomain, JobName, OutboxEntry, StoredEntry};
pub use payments::declines::DeclineCounter;
pub use payments::exchange_rates::VersionedRates;
pub use payments::ledger::LedgerPage;
pub use payments::payment::{EscalationPage, UnreadableEscalation};
pub use payments::reconciliation::{DifferencePage, ReconciliationProgress};
pub use payments::refund_costs::{RefundCostsPage, RefundsOf};
pub use receipts::receipt::{ReceiptPage, VersionedBilling, VersionedTaxCalculation};
pub use scheduling::appointments::{AppointmentOwner, AppointmentPage, AppointmentRecord};
pub use scheduling::history::HistoryPage;
pub use scheduling::keys::RowVersion;
pub use scheduling::notes::{NotesWritten, VersionedDetails};
pub use scheduling::occupancy::Offer;
pub use table::{Item, Table, TableError};
pub use transaction::{CommitError, Transaction};
pub use turns::Ticket;

/// Typed access to the table. Each area adds its reads.
#[derive(Clone)]
pub struct Store {
    table: Arc<dyn Table>,
    /// The table, if it remembers what is read.
    remembering: Option<Arc<reads::RememberingTable>>,
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The table did not respond.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A newer release has written the row, in a way that this one does not know.
    #[error("the row {key} was written by a newer release: {reason}")]
    NewerRelease {
        /// The key of the row.
        key: String,
        /// What this release does not know.
        reason: String,
    },
    /// The row is not what any release writes.
    #[error("the row {key} cannot be read: {reason}")]
    Corrupt {
        /// The key of the row.
        key: String,
        /// What is wrong with the row.
        reason: String,
    },
}

impl Store {
    /// A store that uses this table.
    pub fn new(table: Arc<dyn Table>) -> Self {
        Self { table, remembering: None }
    }

    /// Reads a row that never exists, so that the credentials, the connection and TLS are ready for the first request.
    ///
    /// # Errors
    /// If the table does not respond.
    pub async fn warm_up(&self) -> Result<(), TableError> {
        self.table.get(&keys::nothing(), table::Consistency::Eventual).await.map(|_| ())
    }
}
