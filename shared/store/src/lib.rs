//! Everything Expert Connect remembers, in one DynamoDB table.
//!
//! Every key is in [`keys`], under the table of who asks what. There is one way to change state: build a [`Transaction`] from
//! what was read, under the versions read, and [`Store::commit`] it. What the outside world must come to show is owed by
//! [`due`] rows of the same transaction.

mod dynamo;
pub mod idempotency;
pub mod keys;
pub mod table;
mod transaction;

pub mod experts;
pub mod operations;
pub mod payments;
pub mod receipts;
pub mod scheduling;

use std::sync::Arc;

pub use dynamo::{Cost, DynamoTable, Meter, create_table};
pub use experts::profiles::VersionedRules;
pub use operations::outbox::{Job, OutboxEntry};
pub use payments::exchange_rates::VersionedRates;
pub use payments::ledger::LedgerPage;
pub use payments::payment::EscalationPage;
pub use payments::reconciliation::{Compared, DifferencePage};
pub use receipts::receipt::{ReceiptPage, VersionedBilling, WrittenCalculation};
pub use scheduling::appointments::{AppointmentPage, AppointmentRecord, AppointmentsOf};
pub use scheduling::occupancy::Offer;
pub use table::{Item, Table, TableError};
pub use transaction::{CommitError, Transaction};

/// The table, asked in the domain's words.
#[derive(Clone)]
pub struct Store {
    table: Arc<dyn Table>,
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The table did not answer.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A row is not what this version of the code writes.
    #[error("the row {key} cannot be understood: {reason}")]
    Corrupt {
        /// Which row.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Store {
    /// A store over this table.
    pub fn new(table: Arc<dyn Table>) -> Self {
        Self { table }
    }

    /// Asks the table for a row that never exists, so that connection, credentials and TLS are ready for the first caller.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn warm_up(&self) -> Result<(), TableError> {
        self.table.get(&keys::nothing(), table::Consistency::Eventual).await.map(|_| ())
    }
}
