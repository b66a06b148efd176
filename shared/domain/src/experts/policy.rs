//! The terms under which an appointment can be cancelled or rescheduled.

use crate::Violations;
pub use crate::kernel::percent::{AboveHundred, Percent};

/// The maximum number of tiers of a cancellation policy.
pub const MAX_TIERS: usize = 8;
/// The earliest possible tier: one year before the start.
pub const MAX_HOURS: u16 = 8_784;
/// The longest grace period after booking: three days.
pub const MAX_GRACE_MINUTES: u16 = 4_320;
/// The maximum number of times that a rescheduling policy can allow.
pub const MAX_RESCHEDULES: u16 = 1_000;
/// The maximum number of moves at once by the client if the rescheduling policy has none of its own.
pub const DEFAULT_RESCHEDULES: u16 = 10;
/// The earliest possible end of rescheduling: one year before the start.
pub const MAX_RESCHEDULE_NOTICE_MINUTES: u32 = 366 * 1_440;

/// One tier of a cancellation policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// The tier applies until this many hours before the start, inclusive.
    pub until_hours_before: u16,
    /// The share of the price that the client gets back if they cancel in this tier.
    pub refund_percent: Percent,
}

/// What a client gets back if they cancel or do not attend. After the last tier, the client gets nothing back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancellationPolicy {
    /// The tiers from the earliest to the latest. Each gives back less than the one before.
    pub tiers: Vec<Tier>,
    /// For this many minutes after booking, but only until the start, the client can cancel and gets everything back.
    pub grace_minutes: u16,
    /// The share of the price that the client gets back if they do not attend. It is at most that of the last tier, so that nobody
    /// gains by missing a session instead of cancelling it.
    pub no_show_refund_percent: Percent,
}

impl Default for CancellationPolicy {
    /// Returns a policy with a full refund until the start and no refund for a no-show.
    fn default() -> Self {
        Self {
            tiers: vec![Tier { until_hours_before: 0, refund_percent: Percent::ALL }],
            grace_minutes: 0,
            no_show_refund_percent: Percent::NOTHING,
        }
    }
}

impl CancellationPolicy {
    /// Checks the constraints that the field types do not enforce.
    ///
    /// # Errors
    /// All violations of the policy.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::default();
        violations.check_count("/tiers", self.tiers.len(), MAX_TIERS);
        for (at, tier) in self.tiers.iter().enumerate() {
            let hours = tier.until_hours_before;
            violations.check_range(
                format!("/tiers/{at}/until_hours_before"),
                hours.into(),
                0,
                MAX_HOURS.into(),
            );
            let Some(earlier) = at.checked_sub(1).and_then(|before| self.tiers.get(before)) else { continue };
            if hours >= earlier.until_hours_before {
                violations.add(
                    format!("/tiers/{at}/until_hours_before"),
                    format!("must be less than {}, that of the tier before", earlier.until_hours_before),
                );
            }
            if tier.refund_percent >= earlier.refund_percent {
                violations.add(
                    format!("/tiers/{at}/refund_percent"),
                    format!("must be less than {}, that of the tier before", earlier.refund_percent.value()),
                );
            }
        }
        let last = self.least_refund();
        if self.no_show_refund_percent > last {
            violations.add(
                "/no_show_refund_percent",
                format!(
                    "must be at most {}, what the last tier gives back for a cancellation; it is 0 without tiers",
                    last.value()
                ),
            );
        }
        violations.check_range("/grace_minutes", self.grace_minutes.into(), 0, MAX_GRACE_MINUTES.into());
        violations.into_result()
    }

    /// Returns the share of the price that the last tier gives back; nothing without tiers.
    fn least_refund(&self) -> Percent {
        self.tiers.last().map_or(Percent::NOTHING, |tier| tier.refund_percent)
    }

    /// Returns this policy with tiers that give back at most a share of the price. Tiers that give back the same then become one.
    #[must_use]
    pub fn limited_to(self, share: Percent) -> Self {
        let mut tiers: Vec<Tier> = Vec::with_capacity(self.tiers.len());
        for tier in self.tiers {
            let tier = Tier { refund_percent: tier.refund_percent.min(share), ..tier };
            // The later of two equal tiers includes the earlier one.
            tiers.pop_if(|earlier| earlier.refund_percent == tier.refund_percent);
            tiers.push(tier);
        }
        Self { tiers, ..self }
    }
}

/// How the client may move an appointment at once. Otherwise, they propose other times, as the expert always does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReschedulePolicy {
    /// The maximum number of moves by the client; [`DEFAULT_RESCHEDULES`] if absent.
    pub at_most: Option<u16>,
    /// The client may reschedule until this many minutes before the start.
    pub until_minutes_before: u32,
    /// How the price is determined if the session type's price has changed since the booking.
    pub price: ReschedulePrice,
}

impl ReschedulePolicy {
    /// Returns how often the client may move an appointment at once.
    pub fn most_moves(&self) -> u16 {
        self.at_most.unwrap_or(DEFAULT_RESCHEDULES)
    }

    /// Checks the constraints that the field types do not enforce.
    ///
    /// # Errors
    /// All violations of the policy.
    pub fn check(&self) -> Result<(), Violations> {
        let mut violations = Violations::default();
        violations.check_range("/at_most", self.at_most.unwrap_or(0).into(), 0, MAX_RESCHEDULES.into());
        violations.check_range(
            "/until_minutes_before",
            self.until_minutes_before,
            0,
            MAX_RESCHEDULE_NOTICE_MINUTES,
        );
        violations.into_result()
    }
}

/// How the price of a rescheduled appointment is determined if the session type's price has changed since the
/// booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReschedulePrice {
    /// The price stays as agreed at booking.
    #[default]
    AsBooked,
    /// The current price applies. If it is lower, the difference is refunded. If it is higher, the price stays as
    /// agreed.
    Current,
}

#[cfg(test)]
mod tests;
