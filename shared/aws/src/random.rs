//! The clock and the random numbers of the operating system.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use app::ports::{Clock, Random};
use async_trait::async_trait;
use domain::Timestamp;

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from(chrono::Utc::now())
    }

    fn milliseconds(&self) -> u16 {
        u16::try_from(chrono::Utc::now().timestamp_subsec_millis()).unwrap_or(0)
    }

    fn elapsed(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }

    async fn pause(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

/// The operating system's random number generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn bits(&self) -> u128 {
        let mut bytes = [0; 16];
        // If the system has no generator, the time still makes ids unique enough.
        if aws_lc_rs::rand::fill(&mut bytes).is_err() {
            let nanoseconds = chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default();
            bytes[..8].copy_from_slice(&nanoseconds.to_be_bytes());
        }
        u128::from_be_bytes(bytes)
    }
}
