//! The European Central Bank's file of euro foreign exchange reference rates, as it stands at the time of the clock.
//!
//! A file comes at 16:00 CET on each working day of TARGET; until the next one comes, it stays. Its rates follow from its
//! date alone, so that every run shows the same; `switches` changes them, and makes the bank misbehave. Source:
//! <https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/>.

mod calendar;
mod file;
mod router;
mod switches;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::NaiveDate;

pub use calendar::publishes_on;
pub use switches::Switches;

use crate::Clock;

/// Where the file of the day is below the bank's address, as at the bank.
pub const DAILY_RATES: &str = "stats/eurofxref/eurofxref-daily.xml";

/// The simulated bank. See the [module](self).
pub struct EcbSimulator {
    clock: Clock,
    switches: Mutex<Switches>,
    /// Raised whenever the switches change, for the calls that wait for it.
    switched: tokio::sync::watch::Sender<()>,
}

impl EcbSimulator {
    /// A bank that lives in the time of this clock.
    pub fn new(clock: Clock) -> Arc<Self> {
        let switched = tokio::sync::watch::Sender::new(());
        Arc::new(Self { clock, switches: Mutex::default(), switched })
    }

    /// The file, and the `/_simulator` helpers, to be served at the root of an address.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        router::router(Arc::clone(self))
    }

    /// The day of the latest file.
    pub fn published(&self) -> NaiveDate {
        calendar::latest((self.clock)(), self.switches().publications_missed)
    }

    /// What is switched on.
    pub fn switches(&self) -> Switches {
        self.lock().clone()
    }

    /// Replaces what is switched on. Calls that [`Switches::stall`] held go on.
    pub fn set_switches(&self, switches: Switches) {
        *self.lock() = switches;
        self.switched.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, Switches> {
        self.switches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
