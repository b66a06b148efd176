//! The terms on which an appointment can be cancelled or moved.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InvalidTerms;
use crate::Money;

/// Most tiers of a policy.
pub const MOST_TIERS: usize = 8;
/// The earliest tier that can be chosen: a year before the start.
pub const MOST_HOURS: u16 = 8_784;
/// The longest grace after booking: three days.
pub const MOST_GRACE_MINUTES: u16 = 4_320;

/// A part of a price in whole per cent.
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

/// More than a hundred per cent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be from 0 to 100 per cent")]
pub struct AboveHundred;

impl Percent {
    /// Nothing.
    pub const NOTHING: Self = Self(0);
    /// All of it.
    pub const ALL: Self = Self(100);

    /// `percent` of a hundred.
    ///
    /// # Errors
    /// [`AboveHundred`].
    pub fn new(percent: u8) -> Result<Self, AboveHundred> {
        if percent > 100 { Err(AboveHundred) } else { Ok(Self(percent)) }
    }

    /// Of a hundred.
    pub fn value(self) -> u8 {
        self.0
    }

    /// This part of an amount, rounded half up.
    #[must_use]
    pub fn of(self, whole: Money) -> Money {
        whole.proportion(self.0.into(), 100)
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

/// One step of a cancellation policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// It holds until so many hours before the start, inclusive.
    #[schemars(range(max = 8_784))]
    pub until_hours_before: u16,
    /// What the client gets back then.
    pub refund_percent: Percent,
}

/// What a client gets back who calls off, or does not come. After the last tier it is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancellationPolicy {
    /// From the earliest to the latest; each gives back less than the one before.
    #[schemars(length(max = 8))]
    pub tiers: Vec<Tier>,
    /// So many minutes after booking a client may think better of it and gets everything back, until the start.
    #[serde(default)]
    #[schemars(range(max = 4_320))]
    pub grace_minutes: u16,
    /// What a client gets back who does not come.
    #[serde(default = "nothing")]
    pub no_show_refund_percent: Percent,
}

fn nothing() -> Percent {
    Percent::NOTHING
}

impl Default for CancellationPolicy {
    /// Everything back until the start, nothing to who does not come.
    fn default() -> Self {
        Self {
            tiers: vec![Tier { until_hours_before: 0, refund_percent: Percent::ALL }],
            grace_minutes: 0,
            no_show_refund_percent: Percent::NOTHING,
        }
    }
}

impl CancellationPolicy {
    /// Checks what the field types do not hold by themselves.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<(), InvalidTerms> {
        let wrong = |field, must: String| Err(InvalidTerms { field, must });
        if self.tiers.len() > MOST_TIERS {
            return wrong("cancellation.tiers", format!("must be at most {MOST_TIERS}"));
        }
        if self.tiers.iter().any(|tier| tier.until_hours_before > MOST_HOURS) {
            let must = format!("must have until_hours_before from 0 to {MOST_HOURS}");
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
        if self.grace_minutes > MOST_GRACE_MINUTES {
            return wrong("cancellation.grace_minutes", format!("must be from 0 to {MOST_GRACE_MINUTES}"));
        }
        Ok(())
    }
}

/// How an appointment may be moved by its client. Its expert may always move it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReschedulePolicy {
    /// How often; without it as often as they like.
    #[serde(default)]
    #[schemars(range(max = 1_000))]
    pub at_most: Option<u16>,
    /// Until so many minutes before the start.
    #[serde(default)]
    #[schemars(range(max = 527_040))]
    pub until_minutes_before: u32,
    /// What becomes of the price when the session type has another one by then.
    #[serde(default)]
    pub price: ReschedulePrice,
}

/// What a moved appointment costs when the session type's price has changed since it was booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReschedulePrice {
    /// What was agreed.
    #[default]
    AsBooked,
    /// The price of the day: a lower one gives the difference back, a higher one needs a new booking.
    Current,
}

#[cfg(test)]
mod tests;
