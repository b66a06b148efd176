//! What a client gets back if a session does not take place.
//!
//! The same function computes the quote that is shown before a cancellation and the refund that the cancellation
//! causes.

use super::party::Party;
use crate::experts::policy::{CancellationPolicy, Percent, Tier};
use crate::kernel::time::{HOUR, MINUTE};
use crate::{Money, Timestamp};

/// Why the client gets this refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The session costs nothing.
    Free,
    /// The appointment is a hold that the client has not paid, so nothing is charged.
    Unpaid,
    /// The expert cancelled or did not attend.
    ByExpert,
    /// The platform cancelled.
    ByPlatform,
    /// The expert proposed other times, and the client did not accept one.
    ProposalNotAccepted,
    /// The expert is suspended.
    ExpertSuspended,
    /// The client cancelled within the grace period after booking.
    Grace {
        /// The end of the grace period.
        until: Timestamp,
    },
    /// The client cancelled within a tier of the cancellation policy.
    Tier {
        /// The tier applies until this many hours before the start.
        until_hours_before: u16,
        /// The share of the price that the tier gives back.
        refund_percent: Percent,
    },
    /// The client cancelled after the last tier.
    TooLate,
    /// The client did not attend.
    NoShow {
        /// The share of the price that the policy gives back for a no-show.
        refund_percent: Percent,
    },
}

impl Basis {
    /// Returns who caused the refund; `None` if nobody did, or an administrator.
    pub fn cause(self) -> Option<Cause> {
        match self {
            Self::ByExpert | Self::ProposalNotAccepted | Self::ExpertSuspended => Some(Cause::Expert),
            Self::Grace { .. } | Self::Tier { .. } | Self::TooLate => Some(Cause::Client),
            // The expert's policy gives this back.
            Self::NoShow { .. } => Some(Cause::Expert),
            Self::Free | Self::Unpaid | Self::ByPlatform => None,
        }
    }
}

/// Who caused a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The client, by cancelling.
    Client,
    /// The expert, by cancelling, by not attending, or by refunding.
    Expert,
}

/// The refund and the charge that result from a cancellation or a no-show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// The amount that the client gets back or does not have to pay.
    pub refund: Money,
    /// The amount that the client pays in the end. Together with `refund`, what was returned before, and what the expert has granted and
    /// still waits, it equals the price.
    pub final_charge: Money,
    /// The part of `final_charge` with which the client pays for the processing of the refund. It is zero if the expert or the platform
    /// bears this cost.
    pub processing_cost: Money,
    /// The rule that determines the refund.
    pub basis: Basis,
}

impl Quote {
    fn new(price: Money, refund: Money, basis: Basis) -> Self {
        Self { refund, final_charge: price.saturating_sub(refund), processing_cost: price.zero(), basis }
    }

    /// Returns the quote after an earlier decision that the client pays only `final_charge`.
    ///
    /// The rest of the price has been refunded or will be. The new final charge is at most the earlier one, and the
    /// refund is the difference.
    #[must_use]
    pub fn after(self, final_charge: Option<Money>) -> Self {
        match final_charge {
            Some(decided) if decided.currency() == self.final_charge.currency() => {
                let final_charge = self.final_charge.at_most(decided);
                Self { refund: decided.saturating_sub(final_charge), final_charge, ..self }
            }
            _ => self,
        }
    }

    /// Returns the quote that gives nothing back of a price.
    pub fn nothing(price: Money, basis: Basis) -> Self {
        Self::new(price, price.zero(), basis)
    }

    /// Returns the quote with its refund limited to what the platform holds.
    ///
    /// `held` is what the client has paid and not got back, in minor units. It is less than the price if money was
    /// returned in another way, such as a dispute.
    #[must_use]
    pub fn limited_to_net_paid(self, held: u64) -> Self {
        let refundable = held.saturating_sub(self.final_charge.amount()).min(self.refund.amount());
        Self { refund: self.refund.with_amount(refundable).unwrap_or(self.refund), ..self }
    }

    /// Returns the quote if the client pays for the processing of the refund: the refund is smaller by this cost, and never below zero.
    #[must_use]
    pub fn less_processing_cost(self, cost: Money) -> Self {
        let processing_cost = cost.at_most(self.refund);
        Self {
            refund: self.refund.saturating_sub(processing_cost),
            final_charge: self.charge_with(processing_cost),
            processing_cost,
            basis: self.basis,
        }
    }

    /// Returns what the client would get back if they did not pay for the processing of the refund.
    pub fn refund_without_processing_cost(self) -> Money {
        let amount = self.refund.amount().saturating_add(self.processing_cost.amount());
        self.refund.with_amount(amount).unwrap_or(self.refund)
    }

    /// Returns what the client pays in the end if they also pay this cost.
    pub fn charge_with(self, processing_cost: Money) -> Money {
        let charge = self.final_charge.amount().saturating_add(processing_cost.amount());
        self.final_charge.with_amount(charge).unwrap_or(self.final_charge)
    }

    /// Returns a quote that refunds the full price.
    pub fn everything(price: Money, basis: Basis) -> Self {
        Self::new(price, price, basis)
    }
}

/// Computes what a cancellation at `now` by the given party refunds of `price`.
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
    let refund = reached_share(policy, booked_at, start, now).of(price);
    Quote::new(price, refund, client_basis(policy, booked_at, start, now))
}

/// Returns the share of the price that the client gets back by cancelling at `now`.
pub fn reached_share(
    policy: &CancellationPolicy,
    booked_at: Timestamp,
    start: Timestamp,
    now: Timestamp,
) -> Percent {
    match client_basis(policy, booked_at, start, now) {
        Basis::Tier { refund_percent, .. } => refund_percent,
        Basis::Grace { .. } => Percent::ALL,
        _ => Percent::NOTHING,
    }
}

/// Returns the end of the grace period, in which the client can cancel freely, if `now` is in it.
pub fn grace_period(
    policy: &CancellationPolicy,
    booked_at: Timestamp,
    start: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    let until = booked_at.plus(i64::from(policy.grace_minutes) * MINUTE);
    (policy.grace_minutes > 0 && now <= until && now < start).then_some(until)
}

/// The rule that determines the refund of a session with a price, if the client cancels.
fn client_basis(
    policy: &CancellationPolicy,
    booked_at: Timestamp,
    start: Timestamp,
    now: Timestamp,
) -> Basis {
    if let Some(until) = grace_period(policy, booked_at, start, now) {
        return Basis::Grace { until };
    }
    let holds = |tier: &&Tier| now <= start.plus(-i64::from(tier.until_hours_before) * HOUR);
    match policy.tiers.iter().find(holds) {
        Some(&Tier { until_hours_before, refund_percent }) => {
            Basis::Tier { until_hours_before, refund_percent }
        }
        None => Basis::TooLate,
    }
}

/// Computes what is refunded of `price` if the given party did not attend the session.
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
