//! The time the simulators live in.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Returns the present moment in whole seconds since 1970-01-01T00:00:00Z.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The machine's own clock.
pub fn system_clock() -> Clock {
    Arc::new(|| chrono::Utc::now().timestamp())
}

/// A clock that stands still until it is told to move: days of webhook retries pass in no time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `unix_seconds`.
    pub fn at(unix_seconds: i64) -> Self {
        Self(Arc::new(AtomicI64::new(unix_seconds)))
    }

    /// The moment it shows, in Unix seconds.
    pub fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Moves it forward by `seconds`.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The clock to hand to a simulator. It follows this one.
    pub fn clock(&self) -> Clock {
        let shared = self.clone();
        Arc::new(move || shared.now())
    }
}
