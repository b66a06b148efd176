//! What a snapshot of the gateway changes in a payment.

use std::collections::BTreeMap;

use super::{IntentStatus, Payment, PaymentSnapshot};
use crate::Money;
use crate::payments::ledger::{Movement, MovementKind, Totals};
use crate::scheduling::appointment::{Appointment, Status};

impl Payment {
    /// Returns the payment as a snapshot of its gateway shows it. `movements` are all movements, and `new` those of them that are not
    /// recorded yet.
    #[must_use]
    pub fn observed(
        &self,
        appointment: &Appointment,
        snapshot: &PaymentSnapshot,
        movements: &[Movement],
        new: &[Movement],
    ) -> Self {
        // Refusals and failures concern the payment as it was. After new movements, orders are sent again.
        let has_moved = new.iter().any(|movement| movement.kind.is_at_gateway());
        let known = if has_moved { self.without_refusals(new) } else { self.clone() };
        let amount_due = self.amount_due(&appointment.status);
        let known = known.without_made_grants(Totals::of(movements), amount_due, snapshot.open_dispute);
        let has_paid = matches!(snapshot.status, IntentStatus::Authorized { .. } | IntentStatus::Succeeded);
        Self {
            state: known.state_of(snapshot, movements, amount_due),
            // A gateway forgets why the saved card was declined as soon as the client tries another one. They still have not paid.
            decline: match has_paid {
                true => snapshot.decline,
                false => snapshot.decline.or(self.decline.filter(|_| self.action_deadline.is_some())),
            },
            booked_from: self
                .booked_from
                .clone()
                .filter(|_| matches!(appointment.status, Status::Pending { .. })),
            open_dispute: snapshot.open_dispute,
            lost_dispute: snapshot.lost_dispute,
            // The client has paid, so the deadline no longer matters.
            action_deadline: self.action_deadline.filter(|_| !has_paid),
            failing_since: self.failing_since.filter(|_| !has_moved),
            ..known
        }
    }

    /// Returns the payment after these movements, so that every refused order is sent again. The period in which a share is asked for
    /// again daily ends only with a share that comes back.
    pub(super) fn without_refusals(&self, moved: &[Movement]) -> Self {
        let has_returned = moved.iter().any(|movement| movement.kind == MovementKind::Reversal);
        let refused_reversal = self.refused_reversal.filter(|_| !has_returned);
        Self { refused: BTreeMap::new(), refused_reversal, ..self.clone() }
    }

    /// Returns the payment without what the expert has granted, once that is refunded, or if the client has paid nothing. Nothing waits
    /// any more then. If the bank rejects that refund later, the client is entitled to it, because the share has come back. While a
    /// dispute is open, the amount can come back. `totals` are those of all movements.
    pub(super) fn without_made_grants(&self, totals: Totals, amount_due: Money, open_dispute: bool) -> Self {
        let is_outstanding = totals.net_paid() > amount_due.amount();
        if is_outstanding || open_dispute {
            return self.clone();
        }
        Self { charge_before_grants: None, refused_reversal: None, ..self.clone() }
    }

    /// Returns which part of their share the expert owes no longer after these new movements, because the bank has returned a disputed
    /// amount. The share of what they granted is not owed either: that refund waits until it is taken back. `totals` are those of all
    /// movements.
    pub fn share_regained(&self, new: &[Movement], totals: Totals, amount_due: Money) -> Option<Money> {
        let is_won = new.iter().any(|one| one.kind == MovementKind::DisputeWon);
        let owed = self.share_owed.filter(|_| is_won && !self.resolved_with_expert)?;
        let without_grants = self.charge_before_grants.unwrap_or(amount_due);
        let due = i128::from(self.share_due(totals, without_grants));
        let regained = u64::try_from(due - self.share_received(totals)).ok()?.min(owed.amount());
        owed.with_amount(regained).ok().filter(|regained| !regained.is_zero())
    }

    /// Returns the payment after the expert has [regained](Self::share_regained) a part of their share, of which `in_debt` was still a
    /// part of their debt. The rest they had repaid from other payments, so they get it again. But what they granted waits only for the
    /// part of its share that they still have.
    #[must_use]
    pub fn with_share_regained(&self, in_debt: Money, totals: Totals, amount_due: Money) -> Self {
        let owing_less = self.owing_less(in_debt);
        // Another dispute decides first.
        let Some(before_grants) = self.charge_before_grants.filter(|_| !self.open_dispute) else {
            return owing_less;
        };
        let (due, due_before) = (self.share_due(totals, amount_due), self.share_due(totals, before_grants));
        let share = due_before.saturating_sub(due);
        if share == 0 {
            return owing_less;
        }
        let has = u64::try_from(owing_less.share_received(totals) - i128::from(due)).unwrap_or(0);
        let waiting = before_grants.saturating_sub(amount_due).prorate(has.min(share), share);
        let charge =
            before_grants.with_amount(amount_due.amount() + waiting.amount()).unwrap_or(before_grants);
        let charge_before_grants = Some(charge).filter(|_| !waiting.is_zero());
        let refused_reversal = self.refused_reversal.filter(|_| charge_before_grants.is_some());
        Self { charge_before_grants, refused_reversal, ..owing_less }
    }
}
