//! Fairness: what comes back when a session does not take place, and how an appointment may be moved.
//!
//! One function answers what a cancellation gives back. It makes the quote that is shown before somebody confirms, and it
//! decides the refund when they do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::appointment::Party;
use crate::session_type::InvalidTerms;
use crate::time::{HOUR, MINUTE};
use crate::{Money, Timestamp};

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

/// Why a client gets back what they get back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "because")]
pub enum Basis {
    /// It costs nothing.
    Free,
    /// It is not paid yet, so nothing is taken.
    Unpaid,
    /// The expert calls off.
    ByExpert,
    /// The platform calls off.
    ByPlatform,
    /// It was booked moments ago.
    Grace {
        /// Until when.
        until: Timestamp,
    },
    /// A tier of the policy.
    Tier {
        /// It holds until so many hours before the start.
        until_hours_before: u16,
        /// And gives back so much.
        refund_percent: Percent,
    },
    /// All tiers are over.
    TooLate,
    /// The client did not come.
    NoShow {
        /// The policy gives back so much.
        refund_percent: Percent,
    },
}

/// What a cancellation gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quote {
    /// What the client gets back, or does not have to pay.
    pub refund: Money,
    /// What the client pays all the same; with `refund` it adds up to the price.
    pub kept: Money,
    /// Why.
    #[serde(flatten)]
    pub basis: Basis,
}

impl Quote {
    fn new(price: Money, refund: Money, basis: Basis) -> Self {
        Self { refund, kept: price.less(refund), basis }
    }

    /// The same when it was decided before that the client pays only `kept`: a part of the price went back already, or will.
    #[must_use]
    pub fn after(self, kept: Option<Money>) -> Self {
        match kept {
            Some(decided) if decided.currency() == self.kept.currency() => {
                let kept = std::cmp::min_by_key(self.kept, decided, |kept| kept.amount());
                Self { refund: decided.less(kept), kept, basis: self.basis }
            }
            _ => self,
        }
    }

    /// The same when the client has paid no more than `held` by now: a part went back by another way, such as a dispute.
    #[must_use]
    pub fn of_what_is_held(self, held: u64) -> Self {
        let left = held.saturating_sub(self.kept.amount()).min(self.refund.amount());
        Self { refund: self.refund.with_amount(left).unwrap_or(self.refund), ..self }
    }

    /// All of `price` back.
    pub fn everything(price: Money, basis: Basis) -> Self {
        Self::new(price, price, basis)
    }
}

/// What somebody's cancellation gives back of `price` at `now`.
pub fn cancellation(
    policy: &CancellationPolicy,
    price: Money,
    booked_at: Timestamp,
    start: Timestamp,
    by: Party,
    now: Timestamp,
) -> Quote {
    if price.is_zero() {
        return Quote::everything(price, Basis::Free);
    }
    match by {
        Party::Expert => return Quote::everything(price, Basis::ByExpert),
        Party::Platform => return Quote::everything(price, Basis::ByPlatform),
        Party::Client => {}
    }
    let grace = booked_at.plus(i64::from(policy.grace_minutes) * MINUTE);
    if policy.grace_minutes > 0 && now <= grace && now < start && !crate::planted("no_grace") {
        return Quote::everything(price, Basis::Grace { until: grace });
    }
    let holds = |tier: &&Tier| now <= start.plus(-i64::from(tier.until_hours_before) * HOUR);
    let tiers = policy.tiers.iter();
    match if crate::planted("the_last_tier_counts") {
        tiers.rev().find(holds)
    } else {
        tiers.clone().find(holds)
    } {
        Some(&Tier { until_hours_before, refund_percent }) => {
            Quote::new(price, refund_percent.of(price), Basis::Tier { until_hours_before, refund_percent })
        }
        None => Quote::new(price, price.nothing(), Basis::TooLate),
    }
}

/// What a session gives back that one of the two did not come to.
pub fn no_show(policy: &CancellationPolicy, price: Money, missed_by: Party) -> Quote {
    if price.is_zero() {
        return Quote::everything(price, Basis::Free);
    }
    match missed_by {
        Party::Expert => Quote::everything(price, Basis::ByExpert),
        Party::Platform => Quote::everything(price, Basis::ByPlatform),
        Party::Client => {
            let refund_percent = policy.no_show_refund_percent;
            Quote::new(price, refund_percent.of(price), Basis::NoShow { refund_percent })
        }
    }
}

#[cfg(test)]
mod tests;
