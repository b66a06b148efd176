//! Why a use case did not do what was asked. HTTP-free; `shared/http` makes a problem document of each.

use domain::Money;
use domain::scheduling::appointment::ChangeRefusal;
use domain::scheduling::occupancy::Refusal;
use store::{CommitError, ReadError, TableError};

use crate::payments::ports::{PaymentError, WebhookError};
use crate::ports::PortError;

/// Why a use case did not do what was asked; nothing has changed then, unless a variant says so.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The person may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is no such thing, or it is none of the person's business.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A value is not one that can be taken.
    #[error("{field}: {must}")]
    Invalid {
        /// Its name on the wire.
        field: String,
        /// What it must be.
        must: String,
    },
    /// The document was changed since the version that the person saw.
    #[error("it was changed since you read it; it now has version {current}")]
    VersionMismatch {
        /// As it stands.
        current: u64,
    },
    /// It exists already.
    #[error("the {0} exists already")]
    Exists(&'static str),
    /// There can be no more of them.
    #[error("{0}")]
    TooMany(&'static str),
    /// The slot cannot be held.
    #[error(transparent)]
    Slot(#[from] Refusal),
    /// The appointment cannot be changed as asked.
    #[error(transparent)]
    Change(#[from] ChangeRefusal),
    /// The expert has not published when they can be booked.
    #[error("the expert has not published any hours yet")]
    NoHours,
    /// The expert cannot take payments.
    #[error("the expert cannot take payments yet; sessions without a price can be booked")]
    PaymentsNotReady,
    /// Taxes cannot be calculated for the expert yet.
    #[error("{0}")]
    TaxNotReady(String),
    /// The hold ended before its payment could begin.
    #[error("the hold has ended; book again with a new Idempotency-Key")]
    HoldEnded,
    /// What a cancellation gives back is no longer what the person saw.
    #[error("calling off now gives {refund} back, not {expected}; look at the quote again")]
    QuoteChanged {
        /// As it is now.
        refund: Money,
        /// As the person saw it.
        expected: Money,
    },
    /// The payment does not allow what was asked.
    #[error("{0}")]
    PaymentState(String),
    /// The Idempotency-Key stands for another request.
    #[error("this Idempotency-Key was used for another request; use a new one")]
    KeyReused,
    /// The request with this Idempotency-Key is still at work.
    #[error("the first request with this Idempotency-Key is still at work; ask again in a few seconds")]
    StillRunning,
    /// The payment provider did not do as asked. A hold made by the request stands, unless the provider refused for good.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// A provider's message was not taken.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// A service that the platform stands on did not do as asked.
    #[error("{0} is not available: {1}")]
    Port(&'static str, #[source] PortError),
    /// Too many people want the same at once.
    #[error("too many people want the same at once; try again")]
    Busy,
    /// Something could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Something could not be written.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<TableError> for AppError {
    fn from(error: TableError) -> Self {
        Self::Read(ReadError::Table(error))
    }
}
