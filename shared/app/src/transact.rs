//! How state changes: read, decide, commit, and repeat after a version conflict.

use std::time::Duration;

use store::{CommitError, TableError, Transaction};

use crate::{App, AppError};

/// The maximum number of attempts at a change.
const MAX_ATTEMPTS: u32 = 12;
/// The upper bound of the first pause between two attempts, in milliseconds. It doubles with each attempt.
const FIRST_PAUSE: u64 = 10;
/// The upper bound of all pauses, in milliseconds.
const LONGEST_PAUSE: u64 = 160;

/// The decision of one attempt at a change.
pub(crate) enum Decision<T> {
    /// Commit this transaction, then return this value.
    Commit(Transaction, T),
    /// Change nothing and return this value.
    Unchanged(T),
}

impl App {
    /// Changes state. `attempt` reads rows, decides, and returns a transaction. The transaction is committed on condition that
    /// the rows have not changed. After a version conflict, or if the table is busy, `attempt` is called again after a pause
    /// with full jitter, up to twelve times in all.
    ///
    /// `attempt` must not call anything that changes the outside world, because it may run several times. `name` identifies
    /// the change in the log.
    ///
    /// # Errors
    /// [`AppError::Busy`] after the last attempt. Errors other than version conflicts and a busy table are returned at once.
    pub(crate) async fn transact<T, F>(
        &self,
        name: &'static str,
        attempt: impl Fn() -> F,
    ) -> Result<T, AppError>
    where
        F: Future<Output = Result<Decision<T>, AppError>>,
    {
        let mut attempts = 0;
        loop {
            let failure = match attempt().await {
                Ok(Decision::Unchanged(result)) => return Ok(result),
                Ok(Decision::Commit(transaction, result)) => match self.commit(transaction).await {
                    Ok(()) => return Ok(result),
                    Err(failure) => failure,
                },
                Err(failure) => failure,
            };
            if !failure.is_retryable() {
                return Err(failure);
            }
            attempts += 1;
            if attempts >= MAX_ATTEMPTS {
                tracing::warn!(%failure, name, attempts, "gave up after too many attempts");
                return Err(AppError::Busy);
            }
            self.pause_after(attempts).await;
        }
    }

    /// Commits one step of a job that reads everything again after each step. Returns `false` after a version conflict or if the
    /// table was busy.
    ///
    /// # Errors
    /// Any other error of the commit.
    pub(crate) async fn commit_step(&self, transaction: Transaction) -> Result<bool, AppError> {
        match self.commit(transaction).await {
            Ok(()) => Ok(true),
            Err(failure) if failure.is_retryable() => {
                self.pause_after(1).await;
                Ok(false)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn pause_after(&self, attempts: u32) {
        let longest = (FIRST_PAUSE << (attempts - 1).min(8)).min(LONGEST_PAUSE);
        let pause = u64::try_from(self.random.bits() % u128::from(longest + 1)).unwrap_or(longest);
        self.clock.pause(Duration::from_millis(pause)).await;
    }
}

impl AppError {
    /// A version conflict that was noticed before the commit. [`App::transact`] makes another attempt.
    pub(crate) fn version_conflict() -> Self {
        Self::Commit(CommitError::VersionConflict(Vec::new()))
    }

    /// Whether another attempt can succeed.
    fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Commit(CommitError::VersionConflict(_) | CommitError::Table(TableError::Busy(_)))
        )
    }
}
