//! The clock of a stack: one source of time for the functions, the simulators and the check of tokens.

use std::time::Duration;

use app::ports::Clock;
use async_trait::async_trait;
use domain::Timestamp;

/// A clock for the use cases that reads Unix seconds from any source.
#[derive(Clone)]
pub struct StackClock(simulators::Clock);

impl StackClock {
    /// A clock that reads this source.
    pub fn new(seconds: simulators::Clock) -> Self {
        Self(seconds)
    }

    /// The source, for the simulators.
    pub fn source(&self) -> simulators::Clock {
        self.0.clone()
    }

    /// The current time in Unix seconds.
    pub fn seconds(&self) -> i64 {
        (self.0)()
    }
}

#[async_trait]
impl Clock for StackClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.seconds())
    }

    fn milliseconds(&self) -> u16 {
        aws::SystemClock.milliseconds()
    }

    fn elapsed(&self) -> Duration {
        // Like pauses, it is real time even if a test sets the clock.
        aws::SystemClock.elapsed()
    }

    async fn pause(&self, length: Duration) {
        // Pauses separate concurrent attempts, so they take real time even if a test sets the clock.
        tokio::time::sleep(length).await;
    }
}
