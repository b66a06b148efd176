//! What comes back when a session does not take place.
//!
//! One function decides what a cancellation gives back. It makes the quote that is shown before somebody confirms, and it
//! decides the refund when they do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::party::Party;
use crate::experts::policy::{CancellationPolicy, Percent, Tier};
use crate::kernel::time::{HOUR, MINUTE};
use crate::{Money, Timestamp};

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
    pub final_charge: Money,
    /// Why.
    #[serde(flatten)]
    pub basis: Basis,
}

impl Quote {
    fn new(price: Money, refund: Money, basis: Basis) -> Self {
        Self { refund, final_charge: price.less(refund), basis }
    }

    /// The same when it was decided before that the client pays only `final_charge`: a part of the price went back already, or will.
    #[must_use]
    pub fn after(self, final_charge: Option<Money>) -> Self {
        match final_charge {
            Some(decided) if decided.currency() == self.final_charge.currency() => {
                let final_charge =
                    std::cmp::min_by_key(self.final_charge, decided, |final_charge| final_charge.amount());
                Self { refund: decided.less(final_charge), final_charge, basis: self.basis }
            }
            _ => self,
        }
    }

    /// The same when the client has paid no more than `held` by now: a part went back by another way, such as a dispute.
    #[must_use]
    pub fn of_what_is_held(self, held: u64) -> Self {
        let left = held.saturating_sub(self.final_charge.amount()).min(self.refund.amount());
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
    if policy.grace_minutes > 0 && now <= grace && now < start {
        return Quote::everything(price, Basis::Grace { until: grace });
    }
    let holds = |tier: &&Tier| now <= start.plus(-i64::from(tier.until_hours_before) * HOUR);
    match policy.tiers.iter().find(holds) {
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
