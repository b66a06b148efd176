//! The terms under which an appointment can be cancelled or rescheduled.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InvalidTerms;
use crate::Money;

/// The maximum number of tiers of a cancellation policy.
pub const MAX_TIERS: usize = 8;
/// The earliest possible tier: one year before the start.
pub const MAX_HOURS: u16 = 8_784;
/// The longest grace period after booking: three days.
pub const MAX_GRACE_MINUTES: u16 = 4_320;

/// A share of a price in whole percent, from 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

impl JsonSchema for Percent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 0, "maximum": 100 })
    }
}

/// The value exceeds 100 percent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be from 0 to 100 percent")]
pub struct AboveHundred;

impl Percent {
    /// 0 percent.
    pub const NOTHING: Self = Self(0);
    /// 100 percent.
    pub const ALL: Self = Self(100);

    /// Creates a share of `percent` percent.
    ///
    /// # Errors
    /// [`AboveHundred`] if `percent` exceeds 100.
    pub fn new(percent: u8) -> Result<Self, AboveHundred> {
        if percent > 100 { Err(AboveHundred) } else { Ok(Self(percent)) }
    }

    /// Returns the share in percent.
    pub fn value(self) -> u8 {
        self.0
    }

    /// Returns this share of an amount, rounded half up.
    #[must_use]
    pub fn of(self, whole: Money) -> Money {
        whole.prorate(self.0.into(), 100)
    }
}

impl TryFrom<u8> for Percent {
    type Error = AboveHundred;

    fn try_from(percent: u8) -> Result<Self, AboveHundred> {
        Self::new(percent)
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

/// One tier of a cancellation policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The tier applies until this many hours before the start, inclusive.
    #[schemars(range(max = 8_784))]
    pub until_hours_before: u16,
    /// The share of the price that the client gets back if they cancel in this tier.
    pub refund_percent: Percent,
}

/// What a client gets back if they cancel or do not attend. After the last tier, the client gets nothing back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancellationPolicy {
    /// The tiers from the earliest to the latest. Each gives back less than the one before.
    #[schemars(length(max = 8))]
    pub tiers: Vec<Tier>,
    /// For this many minutes after booking, but only until the start, the client can cancel and gets everything back.
    #[serde(default)]
    #[schemars(range(max = 4_320))]
    pub grace_minutes: u16,
    /// The share of the price that the client gets back if they do not attend.
    #[serde(default = "nothing")]
    pub no_show_refund_percent: Percent,
}

fn nothing() -> Percent {
    Percent::NOTHING
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
    /// [`InvalidTerms`] for the first field that is invalid.
    pub fn check(&self) -> Result<(), InvalidTerms> {
        let wrong = |field, must: String| Err(InvalidTerms { field, must });
        if self.tiers.len() > MAX_TIERS {
            return wrong("cancellation.tiers", format!("must have at most {MAX_TIERS} entries"));
        }
        if self.tiers.iter().any(|tier| tier.until_hours_before > MAX_HOURS) {
            let must = format!("must have until_hours_before from 0 to {MAX_HOURS}");
            return wrong("cancellation.tiers", must);
        }
        let falls = |pair: &[Tier]| {
            pair[0].until_hours_before > pair[1].until_hours_before
                && pair[0].refund_percent > pair[1].refund_percent
        };
        if !self.tiers.windows(2).all(falls) {
            let must = "must go from the earliest to the latest, each with a smaller refund_percent than the one before";
            return wrong("cancellation.tiers", must.to_owned());
        }
        if self.grace_minutes > MAX_GRACE_MINUTES {
            return wrong("cancellation.grace_minutes", format!("must be from 0 to {MAX_GRACE_MINUTES}"));
        }
        Ok(())
    }
}

/// How the client may reschedule an appointment. The expert may always reschedule it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReschedulePolicy {
    /// The maximum number of times; unlimited if absent.
    #[serde(default)]
    #[schemars(range(max = 1_000))]
    pub at_most: Option<u16>,
    /// The client may reschedule until this many minutes before the start.
    #[serde(default)]
    #[schemars(range(max = 527_040))]
    pub until_minutes_before: u32,
    /// How the price is determined if the session type's price has changed since the booking.
    #[serde(default)]
    pub price: ReschedulePrice,
}

/// How the price of a rescheduled appointment is determined if the session type's price has changed since the
/// booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReschedulePrice {
    /// The price stays as agreed at booking.
    #[default]
    AsBooked,
    /// The current price applies. If it is lower, the difference is refunded. If it is higher, rescheduling is
    /// refused and the client needs a new booking.
    Current,
}

#[cfg(test)]
mod tests;
