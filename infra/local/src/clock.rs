//! The stack's clock: one source of time for the functions, the simulators and the token check.

use std::time::Duration;

use app::ports::Clock;
use async_trait::async_trait;
use domain::Timestamp;

/// A clock that the use cases read, over any source of Unix seconds.
#[derive(Clone)]
pub struct StackClock(simulators::Clock);

impl StackClock {
    /// A clock over this source.
    pub fn new(seconds: simulators::Clock) -> Self {
        Self(seconds)
    }

    /// The source, for the simulators.
    pub fn source(&self) -> simulators::Clock {
        self.0.clone()
    }

    /// Unix seconds.
    pub fn seconds(&self) -> i64 {
        (self.0)()
    }
}

#[async_trait]
impl Clock for StackClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.seconds())
    }

    async fn pause(&self, length: Duration) {
        // Pauses keep rivals apart, so they are real even where the time of day is not.
        tokio::time::sleep(length).await;
    }
}
