//! What the client pays in the end. It is decided by the policy, a report, an administrator or the expert, and only decreases.

use super::{Escalation, OrderKind, Payment};
use crate::payments::ledger::Totals;
use crate::scheduling::appointment::{Appointment, NoShowReport, Status};
use crate::{Money, Timestamp};

/// A new final charge, and why the client is refunded the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalCharge {
    /// The client is entitled to a refund, whether or not the expert can return their share of it.
    Entitled {
        /// What the client pays in the end.
        charge: Money,
        /// What they would pay if the expert had [granted](Self::Granted) nothing. The difference still waits for the expert's share.
        without_grants: Money,
    },
    /// The expert grants the refund. It is made once the expert has returned their share of it.
    Granted(Money),
}

impl FinalCharge {
    /// A charge that does not depend on what the expert has granted, such as one that an administrator decides.
    pub fn entitled(charge: Money) -> Self {
        Self::Entitled { charge, without_grants: charge }
    }
}

impl Payment {
    /// Returns what the client pays in the end as far as it is decided, whatever becomes of the appointment: the final charge,
    /// otherwise the agreed amount.
    pub fn charge(&self) -> Money {
        self.final_charge.unwrap_or(self.amount)
    }

    /// Decides that the client pays `charge` in the end, but never more than was decided before. Every decision about what the
    /// client pays ends here, or in [`Self::grant_charge`]: a cancellation, a no-show, a decision of an administrator, or a charge
    /// that cannot be collected.
    ///
    /// The client is entitled to what is refunded because of `without_grants`. What the expert [granted](Self::grant_charge) beyond that
    /// still waits for their share.
    pub fn lower_charge(&mut self, charge: Money, without_grants: Money) {
        let final_charge = self.charge().at_most(charge);
        self.charge_before_grants = self
            .charge_before_grants
            .map(|before| before.at_most(without_grants))
            .filter(|before| before.amount() > final_charge.amount());
        self.set_final_charge(final_charge);
    }

    /// Returns what the client would pay in the end if the expert had granted nothing.
    pub fn charge_without_grants(&self) -> Money {
        self.charge_before_grants.unwrap_or(self.charge())
    }

    /// Returns the price to which the policy applies without what the expert has granted. It is above `price`, that of the appointment, if
    /// they granted a move to a lower one.
    pub fn price_without_grants(&self, price: Money) -> Money {
        self.charge_before_grants.filter(|before| before.amount() > price.amount()).unwrap_or(price)
    }

    /// Lowers the charge by a refund that the expert grants: a refund, a smaller charge, or a move to a lower price. It is made once
    /// their share of it has come back. The gateway is asked for it even if it has refused to take back another one, and
    /// the days in which it is asked again begin anew.
    pub fn grant_charge(&mut self, charge: Money) {
        let before = self.charge();
        let charge = before.at_most(charge);
        if charge != before {
            self.charge_before_grants.get_or_insert(before);
            self.granted_refunds = self.granted_refunds.saturating_add(1);
            self.refused.remove(&OrderKind::Reversal);
            self.refused_reversal = None;
        }
        self.set_final_charge(charge);
    }

    /// The expert's share changes with the final charge, so nobody can decide any more about the amount of an escalation that depends
    /// on it. The payment job escalates the new amount.
    fn set_final_charge(&mut self, charge: Money) {
        let depends = |escalation: &Escalation| {
            matches!(escalation, Escalation::Refused { order: OrderKind::Reversal | OrderKind::Transfer, .. })
        };
        let is_changed = self.final_charge != Some(charge);
        self.escalation = self.escalation.filter(|escalation| !(is_changed && depends(escalation)));
        self.final_charge = Some(charge);
    }

    /// Returns the net amount that the client owes for an appointment with this status: the final charge if one is
    /// decided, otherwise the agreed amount; zero for an expired appointment, or a cancelled one without a final charge.
    pub fn amount_due(&self, status: &Status) -> Money {
        match status {
            Status::Expired => self.amount.zero(),
            // The final charge is decided together with the cancellation. Without such a decision it is zero.
            Status::Cancelled { .. } => self.final_charge.unwrap_or(self.amount.zero()),
            Status::Pending { .. }
            | Status::Confirmed
            | Status::Completed
            | Status::NoShow { .. }
            | Status::Unknown => self.charge(),
        }
    }

    /// Returns the next version of the payment of an appointment, with a new final charge. The action deadline is limited to the start,
    /// and a no-show escalation is cleared unless the report is disputed.
    #[must_use]
    pub fn with_final_charge(
        &self,
        appointment: &Appointment,
        final_charge: FinalCharge,
        now: Timestamp,
    ) -> Self {
        let is_undisputed = !appointment.no_show_report.is_some_and(NoShowReport::awaits_decision);
        let mut changed = Self {
            version: self.version + 1,
            // If the session moves to an earlier time, the client has to pay before it.
            action_deadline: self.action_deadline.map(|deadline| deadline.min(appointment.start.max(now))),
            escalation: self
                .escalation
                .filter(|escalation| !(is_undisputed && *escalation == Escalation::NoShowDisputed)),
            ..self.clone()
        };
        match final_charge {
            FinalCharge::Entitled { charge, without_grants } => changed.lower_charge(charge, without_grants),
            FinalCharge::Granted(charge) => changed.grant_charge(charge),
        }
        changed
    }

    /// Returns what the expert can still refund: what the client owes for an appointment with this status, as far as it was not
    /// returned in another way, such as a lost dispute. What pays for the processing of an earlier refund is spent.
    pub fn refundable(&self, totals: Totals, status: &Status) -> Money {
        let due = self.amount_due(status);
        let held = match totals.captured {
            0 => due,
            _ => due.with_amount(totals.net_paid().min(due.amount())).unwrap_or(due),
        };
        held.saturating_sub(self.processing_cost.unwrap_or(due.zero()))
    }

    /// Returns the final charge after the expert refunds an amount of what is [refundable](Self::refundable), or everything.
    pub fn charge_after_refund(&self, refundable: Money, amount: Money) -> Money {
        let kept = refundable.saturating_sub(amount);
        let spent = self.processing_cost.map_or(0, Money::amount);
        kept.with_amount(kept.amount().saturating_add(spent)).unwrap_or(kept)
    }
}
