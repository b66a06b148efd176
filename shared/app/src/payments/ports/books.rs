//! The gateways' own records of the platform's balance.

use async_trait::async_trait;

use domain::{AppointmentId, TimeSpan};

use super::GatewayError;

pub use domain::payments::reconciliation::BookLine;

/// Reads a gateway's books, with which the ledger is reconciled.
#[async_trait]
pub trait Books: Send + Sync {
    /// All lines that were written within a span, oldest first.
    async fn book_lines(&self, written: TimeSpan) -> Result<Vec<BookLine>, GatewayError>;

    /// Finds the appointment of a line by a separate request, for lines that do not name it. `None` if the line does not
    /// belong to an appointment of this platform.
    async fn find_appointment(&self, line: &BookLine) -> Result<Option<AppointmentId>, GatewayError> {
        Ok(line.appointment)
    }
}
