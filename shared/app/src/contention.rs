//! When a change that met others is attempted again.
//!
//! All changes repeat with pauses that grow. A change that many people may want to make at the same time, such as the booking of a
//! popular day, also takes turns ([`App::taking_turns`]):
//!
//! - After a version conflict it decides again with the rows that the failed conditions returned. A request whose slot is gone is
//!   therefore refused at once.
//! - If it still wants to write, it takes a ticket for the row and waits until no ticket is ahead of it. Then it reads
//!   this row again, decides and writes, so its turn is short. What else it depends on is as old as its last attempt: the rows that
//!   it writes have conditions, and the offer of the expert is one that was valid during the request.
//!
//! Turns are only hints. If they are lost, attempts meet more often, and the versions of the rows decide as ever.

use std::time::Duration;

use store::keys::Key;
use store::{CommitError, Ticket};

use crate::{App, AppError};

/// For how long a change is attempted. With the attempt that has begun by then, it is below the timeout of 10 s of a function.
const PATIENCE: Duration = Duration::from_secs(8);
/// For how long a change that takes turns is attempted. Its function has a timeout of 29 s, because API Gateway waits for 30 s at
/// most; what remains is for the gateway that opens the payment. A function that waits costs its memory for that time, and one of
/// the functions that run at the same time in the account (1,000 by default).
const PATIENCE_IN_TURN: Duration = Duration::from_secs(25);
/// The maximum pause before the second attempt. It doubles with each further attempt.
const BASE_DELAY: Duration = Duration::from_millis(10);
/// The maximum pause between any two attempts.
const MAX_DELAY: Duration = Duration::from_millis(640);
/// How many changes with a ticket attempt to write a row at the same time. With more of them, most attempts fail, and each costs as
/// much as one that succeeds.
const IN_TURN: u64 = 1;
/// How many attempts follow each other without a pause. Each that fails means that another change has succeeded.
const WITHOUT_PAUSE: u32 = 4;
/// The limits of the time that a turn is expected to take at least. A change looks again at the number of tickets ahead after half of
/// the time that they would need at the pace since its last look, because everybody behind it waits for one that oversleeps its
/// turn. The pace since it began would be that of the moment in which all come at once, which is the slowest.
const TURN: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(15));
/// The next change assumes that the one ahead of it has stopped if no turn ends for so long. A turn is several requests to the table.
/// When the table is slow and turns are ended too early, their changes meet.
const STALLED: Duration = Duration::from_secs(3);

/// How one change has met others so far.
pub(crate) struct Contention<'a> {
    app: &'a App,
    name: &'static str,
    began: Duration,
    failures: u32,
    /// The row that another change wrote first.
    contended: Option<Key>,
    ticket: Option<Ticket>,
    /// The failures since the change began or had its turn.
    failures_in_a_row: u32,
}

impl<'a> Contention<'a> {
    /// A change that begins.
    pub(crate) fn new(app: &'a App, name: &'static str) -> Self {
        let began = app.clock.elapsed();
        Self { app, name, began, failures: 0, contended: None, ticket: None, failures_in_a_row: 0 }
    }

    /// The number of attempts so far, including the current one.
    pub(crate) fn attempts(&self) -> u32 {
        self.failures + 1
    }

    /// Waits for the change's turn, if it takes turns and has met another change. Returns `false` if it waited; the caller decides
    /// again before it commits.
    ///
    /// # Errors
    /// [`AppError::Busy`] if the turn does not come in time.
    pub(crate) async fn is_decision_current(&mut self) -> Result<bool, AppError> {
        let Some(row) = self.contended.as_ref().filter(|_| self.ticket.is_none()) else { return Ok(true) };
        let Ok(ticket) = self.app.store.take_ticket(row, self.app.now()).await else { return Ok(true) };
        let ticket = self.ticket.insert(ticket).clone();
        self.failures_in_a_row = 0;
        let waited = self.wait_for_turn(&ticket).await?;
        if waited && self.app.store.read_again(row).await.is_err() {
            self.app.store.forget_reads();
        }
        Ok(!waited)
    }

    /// Waits until no ticket is ahead. Returns whether it had to wait.
    async fn wait_for_turn(&self, ticket: &Ticket) -> Result<bool, AppError> {
        let Ok(mut ahead) = self.app.store.tickets_ahead(ticket).await else { return Ok(false) };
        let mut seen_at = self.app.clock.elapsed();
        let mut turn = TURN.1 / 2;
        let mut waited = false;
        while ahead >= IN_TURN {
            self.check_patience()?;
            let turns = u32::try_from(ahead - IN_TURN).unwrap_or(u32::MAX);
            // Nothing happens between the end of a turn and the next look of the first one in line, so it looks often.
            self.app.clock.pause(turn.saturating_mul(turns).max(TURN.0)).await;
            waited = true;
            let now = self.app.clock.elapsed();
            match self.app.store.tickets_ahead(ticket).await {
                Ok(next) if next < ahead => {
                    let ended = u32::try_from(ahead - next).unwrap_or(u32::MAX);
                    turn = (now.saturating_sub(seen_at) / ended / 2).clamp(TURN.0, TURN.1);
                    (ahead, seen_at) = (next, now);
                }
                Ok(_) if ahead == IN_TURN && now.saturating_sub(seen_at) >= STALLED => {
                    let _ = self.app.store.end_turn(ticket).await;
                    seen_at = now;
                }
                Ok(_) | Err(_) => {}
            }
        }
        Ok(waited)
    }

    /// Prepares the next attempt after one that failed, usually with a pause.
    ///
    /// # Errors
    /// The failure if another attempt cannot succeed, [`AppError::Busy`] if it would come too late.
    pub(crate) async fn after(&mut self, failure: AppError) -> Result<(), AppError> {
        if !failure.is_retryable() {
            return Err(failure);
        }
        self.failures += 1;
        if let Err(busy) = self.check_patience() {
            tracing::warn!(%failure, name = self.name, attempts = self.failures, "gave up after too many attempts");
            return Err(busy);
        }
        let store = &self.app.store;
        if !store.remembers() {
            self.app.back_off(self.failures).await;
            return Ok(());
        }
        self.failures_in_a_row += 1;
        let pauses = self.failures_in_a_row > WITHOUT_PAUSE;
        match failure {
            AppError::Commit(CommitError::VersionConflict(conflicts)) if !conflicts.is_empty() => {
                let first = || conflicts.first().map(|conflict| conflict.key.clone());
                self.contended = self.contended.take().or_else(first);
                if !pauses {
                    store.reuse_reads(conflicts);
                    return Ok(());
                }
            }
            AppError::Commit(CommitError::InUse(rows)) => {
                self.contended = self.contended.take().or_else(|| rows.into_iter().next());
                // The turn is waited for instead.
                if self.ticket.is_none() && !pauses {
                    store.forget_reads();
                    return Ok(());
                }
            }
            _ => {}
        }
        store.forget_reads();
        self.app.back_off(self.failures_in_a_row.saturating_sub(WITHOUT_PAUSE)).await;
        Ok(())
    }

    /// Lets the next change have its turn.
    pub(crate) async fn end(self) {
        if let Some(ticket) = &self.ticket
            && let Err(error) = self.app.store.end_turn(ticket).await
        {
            tracing::warn!(%error, "the turn was not ended; the next one assumes so soon");
        }
    }

    fn check_patience(&self) -> Result<(), AppError> {
        let patience = if self.app.store.remembers() { PATIENCE_IN_TURN } else { PATIENCE };
        match self.app.clock.elapsed().saturating_sub(self.began) < patience {
            true => Ok(()),
            false => Err(AppError::Busy),
        }
    }
}

impl App {
    /// The same dependencies for one change that takes turns with others. Its function needs the rights to count rows and to read
    /// them, and a timeout of 29 s.
    #[must_use]
    pub(crate) fn taking_turns(&self) -> Self {
        Self { store: self.store.remembering(), ..self.clone() }
    }

    /// Waits after a number of failed attempts: exponential backoff with full jitter.
    pub(crate) async fn back_off(&self, failures: u32) {
        let longest = (BASE_DELAY * (1 << failures.clamp(1, 16).saturating_sub(1))).min(MAX_DELAY);
        let nanoseconds = self.random.bits() % (longest.as_nanos() + 1);
        self.clock.pause(u64::try_from(nanoseconds).map_or(longest, Duration::from_nanos)).await;
    }
}
