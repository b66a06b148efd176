//! The use cases of Expert Connect, over ports.
//!
//! A use case reads, lets `domain` decide, and commits one transaction. What the outside world must come to show is owed by
//! due rows in that transaction and done afterwards by [`jobs`]; no outside call is made inside a state change.

pub mod error;
pub mod idempotency;
pub mod ports;
mod transact;

pub mod experts;
pub mod identity;
pub mod operations;
pub mod payments;
pub mod receipts;
pub mod scheduling;

use std::sync::Arc;

use domain::scheduling::appointment::{Appointment, Event};
use domain::{AppointmentId, Currency, Rate, SessionTypeId, Timestamp};
use payments::ports::{ExchangeRates, Gateways};
use ports::{Clock, EventBus, JobQueue, Random};
use store::{Job, Store, Transaction};

pub use error::AppError;
pub(crate) use transact::Attempt;

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
    pub queue: Arc<dyn JobQueue>,
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
    fn new_id_bits(&self) -> u128 {
        let milliseconds = u128::from(self.now().seconds().unsigned_abs()) * 1_000;
        milliseconds << 80 | self.random.bits() >> 48
    }

    fn new_appointment_id(&self) -> AppointmentId {
        AppointmentId::from_bits(self.new_id_bits())
    }

    fn new_session_type_id(&self) -> SessionTypeId {
        SessionTypeId::from_bits(self.new_id_bits())
    }

    /// A stamp for a due row; kept below 2⁵³ so that every JSON reader can show it.
    fn stamp(&self) -> u64 {
        u64::try_from(self.random.bits() >> 75).unwrap_or(1)
    }

    /// Owes an effect in a transaction.
    fn enqueue(&self, transaction: &mut Transaction, job: Job, due_at: Timestamp) -> Result<(), AppError> {
        Ok(transaction.enqueue(&store::OutboxEntry::new(job, due_at, self.stamp()))?)
    }

    /// Enqueues the domain event that says what happened to an appointment.
    pub(crate) fn announce(
        &self,
        transaction: &mut Transaction,
        appointment: &Appointment,
        event: Event,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let job = Job::Announcement { appointment: appointment.id, version: appointment.version, event };
        self.enqueue(transaction, job, now)
    }

    /// Commits, then sends what is due at once to its worker.
    ///
    /// A message that is lost costs a minute, not the effect: the sweep finds the row.
    async fn commit(&self, transaction: Transaction) -> Result<(), AppError> {
        let due = transaction.due_jobs(self.now());
        self.store.commit(transaction).await?;
        if !due.is_empty()
            && let Err(error) = self.queue.send(&due).await
        {
            tracing::warn!(%error, jobs = due.len(), "jobs wait for the sweep, because the queue did not take them");
        }
        Ok(())
    }
}
