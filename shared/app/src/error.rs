//! Why a use case failed. Errors that belong to one area are in that area's `error.rs`.
//!
//! These types know nothing of HTTP; `shared/http` renders each of them as a problem document.

use domain::Violations;
use store::{CommitError, ReadError, TableError};

use crate::operations::error::OperationsError;
use crate::payments::error::PaymentsError;
use crate::ports::PortError;
use crate::receipts::error::ReceiptsError;
use crate::scheduling::error::SchedulingError;

/// Why a use case failed. The use case has changed nothing, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Nobody is signed in, and this requires a person.
    #[error("sign in to do this")]
    SignInRequired,
    /// The person is not allowed to do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// It does not exist, or the person is not allowed to know that it does.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// It has not been created yet. The text says how to create it.
    #[error("{0}")]
    NotCreated(&'static str),
    /// Values of the request are invalid. The pointers lead to them in the document or in the parameters that the caller sent.
    #[error(transparent)]
    Invalid(#[from] Violations),
    /// The document was changed after the person read it, or does not exist yet.
    #[error("{}", version_mismatch(*current))]
    VersionMismatch {
        /// The current version of the document; `None` if it does not exist yet.
        current: Option<u64>,
    },
    /// It exists already.
    #[error("{0} already exists")]
    Exists(&'static str),
    /// The largest allowed number of them exists already.
    #[error("{0}")]
    TooMany(&'static str),
    /// A newer release has stored a value that this one does not know and must not guess. The text says what to do.
    #[error("{0}")]
    NewerRelease(&'static str),
    /// The idempotency key was used for another request.
    #[error("this Idempotency-Key was used for another request; use a new one")]
    KeyReused,
    /// The first request with this idempotency key has not finished.
    #[error(
        "the first request with this Idempotency-Key is still running; repeat the request in a few seconds"
    )]
    StillRunning,
    /// An error of the area `scheduling`.
    #[error(transparent)]
    Scheduling(#[from] SchedulingError),
    /// An error of the area `payments`.
    #[error(transparent)]
    Payments(#[from] PaymentsError),
    /// An error of the area `receipts`.
    #[error(transparent)]
    Receipts(#[from] ReceiptsError),
    /// An error of the area `operations`.
    #[error(transparent)]
    Operations(#[from] OperationsError),
    /// A service that the platform uses failed. The first value names the service.
    #[error("{0} is not available: {1}")]
    Port(&'static str, #[source] PortError),
    /// Every attempt failed with a version conflict or a busy table.
    #[error("too many requests change the same data at once; try again")]
    Busy,
    /// The table could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The table did not execute a transaction. After [`TableError::Unavailable`], it may have been executed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// What is wrong with the version that a request names.
fn version_mismatch(current: Option<u64>) -> String {
    match current {
        Some(current) => {
            format!("the request is about another version than the current one, which is {current}")
        }
        None => "it does not exist yet; to create it, send If-Match: \"0\"".to_owned(),
    }
}

impl AppError {
    /// One value of the request is invalid. `must` says what it must be.
    pub(crate) fn invalid(pointer: &str, must: impl Into<String>) -> Self {
        Self::Invalid(Violations::one(pointer, must))
    }
}

impl From<TableError> for AppError {
    fn from(error: TableError) -> Self {
        Self::Read(ReadError::Table(error))
    }
}
