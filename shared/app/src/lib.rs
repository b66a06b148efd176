//! The use cases of Expert Connect, over ports.
//!
//! A use case reads, lets `domain` decide, and commits one transaction. What the outside world must come to show is owed by
//! due rows in that transaction and done afterwards by [`effects`]; no outside call is made inside a state change.

pub mod error;
pub mod idempotency;
pub mod ports;

pub mod experts;
pub mod identity;
pub mod operations;
pub mod payments;
pub mod receipts;
pub mod scheduling;

use std::sync::Arc;
use std::time::Duration;

use domain::scheduling::appointment::{Appointment, Event};
use domain::{AppointmentId, Currency, Rate, SessionTypeId, Timestamp};
use payments::ports::{ExchangeRates, Gateways};
use ports::{Clock, EffectQueue, EventBus, Random};
use store::{CommitError, Effect, Store, TableError, Transaction};

pub use error::AppError;

/// What the operator chooses.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the platform keeps of a price.
    pub fee: Rate,
    /// The currencies in which the platform can be paid; all of them when none is named.
    pub currencies: Vec<Currency>,
    /// Seconds that a slot is held while the client pays.
    pub hold_seconds: i64,
    /// Where people are sent back to from other sites, without a slash at the end.
    pub public_base_url: String,
}

impl Default for Settings {
    /// 10 %, ten minutes, this machine.
    fn default() -> Self {
        Self {
            fee: Rate::TEN_PERCENT,
            currencies: Vec::new(),
            hold_seconds: 600,
            public_base_url: "http://127.0.0.1:8080".to_owned(),
        }
    }
}

/// The use cases' world.
#[derive(Clone)]
pub struct App {
    /// Memory.
    pub store: Store,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Money.
    pub gateways: Gateways,
    /// Where exchange rates are published.
    pub exchange_rates: Arc<dyn ExchangeRates>,
    /// The fast path to the effect worker.
    pub queue: Arc<dyn EffectQueue>,
    /// Who wants to know what happened.
    pub events: Arc<dyn EventBus>,
    /// What the operator chose.
    pub settings: Settings,
}

impl App {
    /// The instant that a use case takes for now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// 128 bits whose text sorts by time: 48 bits of milliseconds, then chance.
    fn fresh_bits(&self) -> u128 {
        let milliseconds = u128::from(self.now().seconds().unsigned_abs()) * 1_000;
        milliseconds << 80 | self.random.bits() >> 48
    }

    fn fresh_appointment_id(&self) -> AppointmentId {
        AppointmentId::from_bits(self.fresh_bits())
    }

    fn fresh_session_type_id(&self) -> SessionTypeId {
        SessionTypeId::from_bits(self.fresh_bits())
    }

    /// A stamp for a due row; kept below 2⁵³ so that every JSON reader can show it.
    fn stamp(&self) -> u64 {
        u64::try_from(self.random.bits() >> 75).unwrap_or(1)
    }

    /// Owes an effect in a transaction.
    fn owe(&self, transaction: &mut Transaction, effect: Effect, due_at: Timestamp) -> Result<(), AppError> {
        Ok(transaction.owe(&store::Due::new(effect, due_at, self.stamp()))?)
    }

    /// Enqueues the domain event that says what happened to an appointment.
    pub(crate) fn announce(
        &self,
        transaction: &mut Transaction,
        appointment: &Appointment,
        event: Event,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let effect =
            Effect::Announcement { appointment: appointment.id, version: appointment.version, event };
        self.owe(transaction, effect, now)
    }

    /// Commits, then sends what is due at once to its worker.
    ///
    /// A message that is lost costs a minute, not the effect: the sweep finds the row.
    async fn commit(&self, transaction: Transaction) -> Result<(), AppError> {
        let due = transaction.due_by(self.now());
        let committed = self.store.commit(transaction).await;
        let lost = matches!(committed, Err(CommitError::Table(TableError::Unavailable(_))));
        if !(lost && domain::planted("silence_counts_as_done")) {
            committed?;
        }
        if !due.is_empty()
            && let Err(error) = self.queue.send(&due).await
        {
            tracing::warn!(%error, effects = due.len(), "effects wait for the sweep, because the queue did not take them");
        }
        Ok(())
    }

    /// Counts the tries of a use case that others get in the way of.
    fn tries(&self) -> Tries<'_> {
        Tries { app: self, made: 0 }
    }
}

/// Most tries of a use case.
const MOST_TRIES: u32 = 12;
/// The shortest longest pause between two tries, in milliseconds.
const FIRST_PAUSE: u64 = 10;
/// The longest pause.
const LONGEST_PAUSE: u64 = 160;

/// Tries of a use case: read, decide, commit, and again when somebody else was faster.
struct Tries<'a> {
    app: &'a App,
    made: u32,
}

impl Tries<'_> {
    /// Pauses when the failure is one that another try may mend, with full jitter so that rivals part ways.
    ///
    /// # Errors
    /// The failure itself when it is of another kind, and [`AppError::Busy`] when enough has been tried.
    async fn again(&mut self, failure: AppError) -> Result<(), AppError> {
        let (AppError::Commit(CommitError::Moved(_))
        | AppError::Commit(CommitError::Table(TableError::Busy(_)))) = &failure
        else {
            return Err(failure);
        };
        self.made += 1;
        if self.made >= MOST_TRIES {
            tracing::warn!(%failure, tries = self.made, "gave up");
            return Err(AppError::Busy);
        }
        let longest = (FIRST_PAUSE << (self.made - 1).min(8)).min(LONGEST_PAUSE);
        let pause = u64::try_from(self.app.random.bits() % u128::from(longest + 1)).unwrap_or(longest);
        self.app.clock.pause(Duration::from_millis(pause)).await;
        Ok(())
    }
}
