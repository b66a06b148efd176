//! The one way to change state: read, decide, commit, and again when another request was faster.

use std::time::Duration;

use store::{CommitError, TableError, Transaction};

use crate::{App, AppError};

/// How often a change is attempted at most.
const MOST_ATTEMPTS: u32 = 12;
/// Upper bound of the first pause between two attempts, in milliseconds. It doubles with each attempt.
const FIRST_PAUSE: u64 = 10;
/// Upper bound of every pause, in milliseconds.
const LONGEST_PAUSE: u64 = 160;

/// What one attempt at a change decided.
pub(crate) enum Attempt<T> {
    /// To commit this transaction; once it is committed, the change results in this value.
    Commit(Transaction, T),
    /// To change nothing.
    Unchanged(T),
}

impl App {
    /// Changes state: `attempt` reads what it needs, decides, and returns a transaction, which is committed on condition that
    /// nothing it read has changed. If something has, it is called again after a pause with full jitter, up to twelve times.
    ///
    /// `attempt` may run several times, so it makes no outside calls and has no effects of its own. `name` appears in the log.
    ///
    /// # Errors
    /// What `attempt` fails with, unless that is a version conflict; [`AppError::Busy`] when every attempt was too slow.
    pub(crate) async fn transact<T, F>(
        &self,
        name: &'static str,
        attempt: impl Fn() -> F,
    ) -> Result<T, AppError>
    where
        F: Future<Output = Result<Attempt<T>, AppError>>,
    {
        let mut attempts = 0;
        loop {
            let failure = match attempt().await {
                Ok(Attempt::Unchanged(result)) => return Ok(result),
                Ok(Attempt::Commit(transaction, result)) => match self.commit(transaction).await {
                    Ok(()) => return Ok(result),
                    Err(failure) => failure,
                },
                Err(failure) => failure,
            };
            if !failure.is_retryable() {
                return Err(failure);
            }
            attempts += 1;
            if attempts >= MOST_ATTEMPTS {
                tracing::warn!(%failure, name, attempts, "every attempt was too slow");
                return Err(AppError::Busy);
            }
            self.pause_after(attempts).await;
        }
    }

    /// Commits a single step of a job that reads everything again after each step. Returns whether nobody else was faster.
    ///
    /// # Errors
    /// When the table fails in any other way.
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
    /// A change decided on rows that have changed meanwhile; [`App::transact`] attempts it again.
    pub(crate) fn version_conflict() -> Self {
        Self::Commit(CommitError::VersionConflict(Vec::new()))
    }

    /// Whether another attempt at the change can succeed.
    fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Commit(CommitError::VersionConflict(_) | CommitError::Table(TableError::Busy(_)))
        )
    }
}
