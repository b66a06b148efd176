//! Deliveries of webhooks: which are waiting, when they are retried, and what came of each attempt.

use serde::{Deserialize, Serialize};

use crate::journal::{Log, Whole, journaled};
use crate::locks::{Lock, Locks};

/// How many attempts are remembered.
const ATTEMPTS_KEPT: usize = 1000;

/// An event that waits for its webhook to be delivered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) number: u64,
    pub(crate) event: String,
    due_at: i64,
    /// How many attempts failed.
    failures: usize,
}

/// One attempt to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The event's id.
    pub event: String,
    /// The event's type, such as `payment_intent.succeeded` or `PAYMENT.CAPTURE.COMPLETED`.
    pub kind: String,
    /// When it was made, in Unix seconds of the simulator's clock.
    pub at: i64,
    /// The address it was posted to.
    pub url: String,
    /// The HTTP status of the response; `None` when there was no response.
    pub status: Option<u16>,
    /// When the delivery is retried, in Unix seconds; `None` when it succeeded or is given up.
    pub retry_at: Option<i64>,
}

/// The deliveries of a simulator, a part of its state.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Deliveries {
    deliveries: Whole<Vec<Delivery>>,
    /// Oldest first.
    pub(crate) attempts: Log<Attempt>,
    /// The number of the next delivery.
    next_delivery: Whole<u64>,
}

journaled!(Deliveries { deliveries, attempts, next_delivery });

impl Deliveries {
    /// Schedules the delivery of an event, or two deliveries.
    pub(crate) fn add(&mut self, event: &str, due_at: i64, twice: bool) {
        for _ in 0..=u8::from(twice) {
            let (number, event) = (*self.next_delivery, event.to_owned());
            self.deliveries.push(Delivery { number, event, due_at, failures: 0 });
            *self.next_delivery += 1;
        }
    }

    /// When the next delivery is due, in Unix seconds; `None` when there is none.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.deliveries.iter().map(|delivery| delivery.due_at).min()
    }

    /// When the event is delivered next, in Unix seconds; `None` when no delivery is left.
    pub(crate) fn due(&self, event: &str) -> Option<i64> {
        let of_event = self.deliveries.iter().filter(|delivery| delivery.event == event);
        of_event.map(|delivery| delivery.due_at).min()
    }

    /// Locks the next delivery that is due.
    pub(crate) fn lock_next<'a>(
        &self,
        locks: &'a Locks<u64>,
        now: i64,
        newest_first: bool,
    ) -> Option<(Delivery, Lock<'a, u64>)> {
        let order = |delivery: &&Delivery| (delivery.due_at, delivery.number);
        let due = self.deliveries.iter().filter(|delivery| delivery.due_at <= now);
        let due = due.filter(|delivery| !locks.is_locked(&delivery.number));
        let next = if newest_first { due.max_by_key(order) } else { due.min_by_key(order) }?;
        Some((next.clone(), locks.try_lock(next.number)?))
    }

    /// Removes a delivery.
    pub(crate) fn remove(&mut self, number: u64) {
        self.deliveries.retain(|delivery| delivery.number != number);
    }

    /// Records an attempt, and schedules the next one when it failed. `retry_after` has the seconds from each
    /// failed attempt to the next.
    pub(crate) fn record(&mut self, sent: &Delivery, mut attempt: Attempt, retry_after: &[i64]) {
        let succeeded = attempt.status.is_some_and(|status| (200..300).contains(&status));
        let delay = retry_after.get(sent.failures).filter(|_| !succeeded);
        attempt.retry_at = delay.map(|delay| attempt.at + delay);
        match attempt.retry_at {
            Some(due_at) => {
                for delivery in self.deliveries.iter_mut().filter(|delivery| delivery.number == sent.number) {
                    delivery.failures += 1;
                    delivery.due_at = due_at;
                }
            }
            None => self.remove(sent.number),
        }
        self.attempts.push(attempt);
        self.attempts.keep_last(ATTEMPTS_KEPT);
    }
}

#[cfg(test)]
mod tests {
    use crate::{paypal, stripe};

    #[test]
    fn retries_end_within_three_days() {
        for delays in [&stripe::RETRY_AFTER[..], &paypal::RETRY_AFTER] {
            assert!(delays.iter().sum::<i64>() <= 3 * 86_400);
            assert!(delays.is_sorted());
        }
    }
}
