//! How state changes: read, decide, commit, and repeat after a version conflict.

use store::{CommitError, ReadError, TableError, Transaction};

use crate::contention::{Contention, Turn};
use crate::{App, AppError};

/// The decision of one attempt at a change.
pub(crate) enum Decision<T> {
    /// Commit this transaction, then return this value.
    Commit(Transaction, T),
    /// Change nothing and return this value.
    Unchanged(T),
}

impl App {
    /// Changes state. `attempt` reads rows, decides, and returns a transaction. The transaction is committed on condition that
    /// the rows have not changed. After a version conflict, or if the table is busy, `attempt` is called again, usually after a
    /// pause; see [`Contention`].
    ///
    /// `attempt` may run several times. It decides each time what the actor may do, because they can be suspended or removed in
    /// between. It must not change anything at a provider, and any transaction that it commits itself
    /// must be valid alone. `name` identifies the change in the log.
    ///
    /// # Errors
    /// [`AppError::Busy`] if no attempt succeeds in time. Errors other than version conflicts and a busy table are returned at
    /// once.
    pub(crate) async fn transact<T, F>(
        &self,
        name: &'static str,
        attempt: impl Fn() -> F,
    ) -> Result<T, AppError>
    where
        F: Future<Output = Result<Decision<T>, AppError>>,
    {
        let mut contention = Contention::new(self, name);
        let result = self.attempt_until_done(&mut contention, attempt).await;
        tracing::debug!(name, attempts = contention.attempts(), "decided");
        contention.end().await;
        result
    }

    async fn attempt_until_done<T, F>(
        &self,
        contention: &mut Contention<'_>,
        attempt: impl Fn() -> F,
    ) -> Result<T, AppError>
    where
        F: Future<Output = Result<Decision<T>, AppError>>,
    {
        loop {
            match attempt().await {
                Ok(Decision::Unchanged(result)) => return Ok(result),
                Ok(Decision::Commit(transaction, result)) => {
                    if contention.wait_for_turn(&transaction).await? == Turn::AfterWaiting {
                        continue;
                    }
                    match self.commit(transaction).await {
                        Ok(()) => return Ok(result),
                        Err(failure) => contention.prepare_retry(failure).await?,
                    }
                }
                Err(failure) => contention.prepare_retry(failure).await?,
            }
        }
    }

    /// Commits a transaction. After a version conflict, or if the table was busy, waits up to 10 ms and returns `false`; the
    /// caller reads everything again.
    ///
    /// # Errors
    /// Any other error of the commit.
    pub(crate) async fn try_commit(&self, transaction: Transaction) -> Result<bool, AppError> {
        match self.commit(transaction).await {
            Ok(()) => Ok(true),
            Err(failure) if failure.is_retryable() => {
                self.back_off(1).await;
                Ok(false)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// The version of a document on which a change depends, as in `If-Match` (RFC 9110, section 13.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMatch {
    /// Every version of a document that exists.
    Any,
    /// This version; 0 if the document does not exist yet.
    Version(u64),
}

impl From<u64> for IfMatch {
    fn from(version: u64) -> Self {
        Self::Version(version)
    }
}

/// Checks that a document has the version on which a change depends. `current` is `None` if the document does not exist: reading it
/// responds 404, and [`IfMatch::Any`] does not match. A document that can be read before anything is stored exists, with version 0,
/// and [`IfMatch::Any`] matches it (RFC 9110, section 13.1.1).
///
/// # Errors
/// [`AppError::VersionMismatch`] if it has another version.
pub(crate) fn check_version(if_match: IfMatch, current: impl Into<Option<u64>>) -> Result<(), AppError> {
    let current = current.into();
    let matches = match if_match {
        IfMatch::Any => current.is_some(),
        IfMatch::Version(version) => version == current.unwrap_or(0),
    };
    if matches { Ok(()) } else { Err(AppError::VersionMismatch { current }) }
}

impl AppError {
    /// A version conflict that was noticed before the commit. [`App::transact`] makes another attempt.
    pub(crate) fn version_conflict() -> Self {
        Self::Commit(CommitError::VersionConflict(Vec::new()))
    }

    /// Whether another attempt can succeed.
    pub(crate) fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Commit(
                CommitError::VersionConflict(_)
                    | CommitError::InUse(_)
                    | CommitError::Table(TableError::Busy(_))
            ) | Self::Read(ReadError::Table(TableError::Busy(_)))
        )
    }
}
