//! Limits on declined attempts to pay, so that nobody tries stolen cards against sessions.
//!
//! The client's browser pays at the gateway, so the platform learns of an attempt afterwards. Each declined attempt counts for its
//! payment, for its client, and for the network address of the booking. The last two counts are of a UTC day.

use crate::Timestamp;
use crate::kernel::time::DAY;
use crate::payments::payment::Payment;

/// How many attempts to pay can be declined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclineLimits {
    /// The number of declined attempts of one payment after which it cannot be paid any more.
    pub per_payment: u16,
    /// The number of declined attempts of a client in a UTC day after which they cannot book for a price.
    pub per_client: u16,
    /// The number of declined attempts of a network address in a UTC day after which nobody can book for a price from there.
    pub per_address: u16,
    /// The number of declined attempts of a client or a network address in a UTC day after which a booking for a price needs the
    /// solution of a challenge, if the platform has challenges.
    pub challenge_after: u16,
}

impl Default for DeclineLimits {
    fn default() -> Self {
        Self { per_payment: 5, per_client: 10, per_address: 50, challenge_after: 3 }
    }
}

/// The declined attempts of a client, and of the network address of a booking, in a UTC day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeclinedAttempts {
    /// Those of the client.
    pub of_client: u64,
    /// Those of the network address; 0 if the address is not known.
    pub of_address: u64,
}

/// Too many attempts to pay were declined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{limit} attempts to pay {} were declined today, which is the limit; book at or after {again_at}",
    if *.of_client { "by you" } else { "from your network" }
)]
pub struct TooManyDeclines {
    /// The maximum number.
    pub limit: u16,
    /// Whether the client's own attempts count, and not those of the network address.
    pub of_client: bool,
    /// The next midnight in UTC.
    pub again_at: Timestamp,
}

impl DeclinedAttempts {
    /// Checks whether a payment may be opened.
    ///
    /// # Errors
    /// [`TooManyDeclines`] if a limit is reached.
    pub fn check(self, limits: &DeclineLimits, now: Timestamp) -> Result<(), TooManyDeclines> {
        let again_at = now.plus(DAY - now.seconds().rem_euclid(DAY));
        for (attempts, limit, of_client) in
            [(self.of_client, limits.per_client, true), (self.of_address, limits.per_address, false)]
        {
            if attempts >= u64::from(limit) {
                return Err(TooManyDeclines { limit, of_client, again_at });
            }
        }
        Ok(())
    }

    /// Whether a payment may be opened only after a challenge.
    pub fn need_challenge(self, limits: &DeclineLimits) -> bool {
        self.of_client.max(self.of_address) >= u64::from(limits.challenge_after)
    }
}

impl Payment {
    /// Returns the payment after one more declined attempt, in its next version.
    #[must_use]
    pub fn declined_once_more(&self, limits: &DeclineLimits) -> Self {
        let declines = self.declines.saturating_add(1);
        Self {
            version: self.version + 1,
            declines,
            failing_since: None,
            too_many_declines: self.too_many_declines || declines >= limits.per_payment,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: DeclineLimits =
        DeclineLimits { per_payment: 2, per_client: 4, per_address: 8, challenge_after: 3 };

    #[test]
    fn limits_are_checked_until_the_next_midnight() {
        let noon: Timestamp = "2027-01-04T12:00:00Z".parse().expect("a time");
        let midnight: Timestamp = "2027-01-05T00:00:00Z".parse().expect("a time");
        let check = |of_client, of_address| DeclinedAttempts { of_client, of_address }.check(&LIMITS, noon);
        assert_eq!(check(3, 7), Ok(()));
        let refused = |limit, of_client| Err(TooManyDeclines { limit, of_client, again_at: midnight });
        assert_eq!(check(4, 8), refused(4, true));
        assert_eq!(check(0, 8), refused(8, false));
        let sentence = check(0, 8).expect_err("refused").to_string();
        assert!(sentence.contains("from your network"), "{sentence}");
        // At midnight, the next day begins.
        let at_midnight = DeclinedAttempts { of_client: 4, of_address: 0 }.check(&LIMITS, midnight);
        assert_eq!(at_midnight.expect_err("refused").again_at, midnight.plus(DAY));
    }

    #[test]
    fn challenge_begins_before_the_limit() {
        let needed =
            |of_client, of_address| DeclinedAttempts { of_client, of_address }.need_challenge(&LIMITS);
        assert!(!needed(2, 2));
        assert!(needed(3, 0));
        assert!(needed(0, 3));
    }
}
