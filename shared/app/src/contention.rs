//! When a change that met others is attempted again.
//!
//! All changes repeat with pauses that grow. A change that many people may want to make at the same time, such as the booking of a
//! popular day, also takes turns with those that write the same row ([`App::taking_turns`]):
//!
//! - Before it is attempted on a day with many sessions, it looks whether others wait for their turn there. If so, it is not attempted
//!   in vain.
//! - After a version conflict it decides again with the rows that the failed conditions returned. A request whose slot is gone is
//!   therefore refused at once.
//! - If it still wants to write, it takes a ticket for the row at which it met others, and waits until no ticket is ahead of it.
//!   Then it reads this row again, with those that belong to it, decides and writes, so its turn is short. What else it depends on is
//!   as old as its last attempt: the rows that it writes have conditions, and the rest was valid during the request, such as the offer
//!   of the expert. What the actor may do is read and decided in every attempt, so whoever is suspended or removed while they wait
//!   changes nothing.
//!
//! Turns are only hints. If they are lost, attempts meet more often, and the versions of the rows decide as ever.

use std::time::Duration;

use store::keys::Key;
use store::{CommitError, Ticket, Transaction};

use crate::{App, AppError};

/// For how long a change is attempted. With the attempt that has begun by then, it is below the timeout of 10 s of a function.
const RETRY_TIMEOUT: Duration = Duration::from_secs(8);
/// For how long a change that takes turns is attempted. Its function has a timeout of 29 s, because API Gateway waits for 30 s at
/// most; what remains is for the gateway that opens the payment. A function that waits costs its memory for that time, and one of
/// the functions that run at the same time in the account (1,000 by default).
const RETRY_TIMEOUT_WITH_TURNS: Duration = Duration::from_secs(25);
/// The maximum pause before the second attempt. It doubles with each further attempt.
const BASE_DELAY: Duration = Duration::from_millis(10);
/// The maximum pause between any two attempts.
const MAX_DELAY: Duration = Duration::from_millis(640);
/// How many attempts follow each other without a pause. Each that fails means that another change has succeeded.
const IMMEDIATE_RETRIES: u32 = 4;
/// The shortest and the longest time that a turn is expected to take. A change looks again at the number of tickets ahead after half
/// of the time that they would need at the pace since its last look, because everybody behind it waits for one that oversleeps its
/// turn. The pace since it began would be that of the moment in which all come at once, which is the slowest.
const TURN_BOUNDS: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(15));
/// The next change assumes that the one ahead of it has stopped if no turn ends for so long. A turn is several requests to the table.
/// When the table is slow and turns are ended too early, their changes meet.
const TURN_TIMEOUT: Duration = Duration::from_secs(3);

/// When a decision can be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It can be committed now.
    Now,
    /// It is the change's turn after a time of waiting, so the change must be decided again.
    AfterWaiting,
}

/// How one change has met others so far.
pub(crate) struct Contention<'a> {
    app: &'a App,
    name: &'static str,
    began: Duration,
    failures: u32,
    /// The failures since the change began or had its turn.
    failures_in_a_row: u32,
    /// The row for which the change takes turns, because others write it too.
    met_at: Option<Key>,
    ticket: Option<Ticket>,
}

impl<'a> Contention<'a> {
    /// A change that begins.
    pub(crate) fn new(app: &'a App, name: &'static str) -> Self {
        let began = app.clock.elapsed();
        Self { app, name, began, failures: 0, failures_in_a_row: 0, met_at: None, ticket: None }
    }

    /// The number of attempts so far, including the current one.
    pub(crate) fn attempts(&self) -> u32 {
        self.failures + 1
    }

    /// Takes a ticket and waits for the change's turn, if it takes turns and meets others. It waits once. Without a table that counts,
    /// nobody waits.
    ///
    /// # Errors
    /// [`AppError::Busy`] if the turn does not come in time.
    pub(crate) async fn wait_for_turn(&mut self, transaction: &Transaction) -> Result<Turn, AppError> {
        let store = &self.app.store;
        if self.ticket.is_some() || !store.is_remembering() {
            return Ok(Turn::Now);
        }
        if self.met_at.is_none()
            && let Some(day) = transaction.busy_day()
        {
            let waiting = store.tickets_waiting(day, self.app.now()).await;
            self.met_at = waiting.is_ok_and(|waiting| waiting > 0).then(|| day.clone());
        }
        let Some(row) = self.met_at.clone() else { return Ok(Turn::Now) };
        let Ok(ticket) = store.take_ticket(&row, self.app.now()).await else { return Ok(Turn::Now) };
        let ticket = self.ticket.insert(ticket).clone();
        self.failures_in_a_row = 0;
        let turn = self.wait_with(&ticket).await?;
        if turn == Turn::AfterWaiting {
            store.read_again(&row);
        }
        Ok(turn)
    }

    /// Waits until no ticket is ahead.
    async fn wait_with(&self, ticket: &Ticket) -> Result<Turn, AppError> {
        let Ok(mut ahead) = self.app.store.tickets_ahead(ticket).await else { return Ok(Turn::Now) };
        let mut seen_at = self.app.clock.elapsed();
        let mut turn = TURN_BOUNDS.1 / 2;
        let mut waited = Turn::Now;
        while ahead > 0 {
            self.check_time()?;
            let turns = u32::try_from(ahead - 1).unwrap_or(u32::MAX);
            // Nothing happens between the end of a turn and the next look of the first one in line, so it looks often.
            self.app.clock.pause(turn.saturating_mul(turns).max(TURN_BOUNDS.0)).await;
            waited = Turn::AfterWaiting;
            let now = self.app.clock.elapsed();
            match self.app.store.tickets_ahead(ticket).await {
                Ok(next) if next < ahead => {
                    let ended = u32::try_from(ahead - next).unwrap_or(u32::MAX);
                    turn = (now.saturating_sub(seen_at) / ended / 2).clamp(TURN_BOUNDS.0, TURN_BOUNDS.1);
                    (ahead, seen_at) = (next, now);
                }
                // Whoever is next waits for the one ahead, and those behind give everybody ahead of them as much time.
                Ok(_) if now.saturating_sub(seen_at) >= TURN_TIMEOUT.saturating_mul(turns + 1) => {
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
    pub(crate) async fn prepare_retry(&mut self, failure: AppError) -> Result<(), AppError> {
        if !failure.is_retryable() {
            return Err(failure);
        }
        self.failures += 1;
        if let Err(busy) = self.check_time() {
            tracing::warn!(%failure, name = self.name, attempts = self.failures, "gave up after too many attempts");
            return Err(busy);
        }
        let store = &self.app.store;
        if !store.is_remembering() {
            self.app.back_off(self.failures).await;
            return Ok(());
        }
        self.failures_in_a_row += 1;
        let pauses = self.failures_in_a_row > IMMEDIATE_RETRIES;
        match failure {
            AppError::Commit(CommitError::VersionConflict(conflicts)) if !conflicts.is_empty() => {
                self.meet_at(conflicts.iter().map(|conflict| &conflict.key));
                if !pauses {
                    store.reuse_reads(conflicts);
                    return Ok(());
                }
            }
            AppError::Commit(CommitError::InUse(rows)) => {
                self.meet_at(&rows);
                // The turn is waited for instead.
                if self.met_at.is_some() && self.ticket.is_none() && !pauses {
                    store.forget_reads();
                    return Ok(());
                }
            }
            _ => {}
        }
        store.forget_reads();
        self.app.back_off(self.failures_in_a_row.saturating_sub(IMMEDIATE_RETRIES)).await;
        Ok(())
    }

    /// Remembers the row at which the change first meets others. If there are several, all who meet there choose the same.
    fn meet_at<'k>(&mut self, rows: impl IntoIterator<Item = &'k Key>) {
        if self.met_at.is_none() {
            self.met_at = rows.into_iter().min().cloned();
        }
    }

    /// Lets the next change have its turn.
    pub(crate) async fn end(self) {
        if let Some(ticket) = &self.ticket
            && let Err(error) = self.app.store.end_turn(ticket).await
        {
            tracing::warn!(%error, "the turn was not ended; the next one assumes so soon");
        }
    }

    fn check_time(&self) -> Result<(), AppError> {
        let timeout = match self.app.store.is_remembering() {
            true => RETRY_TIMEOUT_WITH_TURNS,
            false => RETRY_TIMEOUT,
        };
        match self.app.clock.elapsed().saturating_sub(self.began) < timeout {
            true => Ok(()),
            false => Err(AppError::Busy),
        }
    }
}

impl App {
    /// The same dependencies for one change that takes turns with others that write the same row. Its function needs the rights to
    /// count rows and to query them, and a timeout of 29 s.
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
