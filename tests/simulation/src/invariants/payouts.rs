//! Money that the platform holds reaches the expert in time, and not too early.

use super::*;
use domain::payments::ledger::Totals;
use domain::payments::payout::PayoutTiming;

/// How long a transfer that was ordered before the platform knew of a dispute can take, in seconds.
const UNDER_WAY: i64 = 15 * 60;

impl Invariants {
    /// The share of a session goes to the expert only after nobody can report a no-show any more, and not while a report is
    /// unresolved or a dispute is open, unless the gateway releases it by itself.
    pub(super) fn check_payouts(
        &mut self,
        core: &Core,
        known: &ObservedAppointment,
        violations: &mut Vec<String>,
    ) {
        let ObservedAppointment { appointment, payment: Some(payment), movements } = known else { return };
        if payment.payout_timing == PayoutTiming::AtPayment {
            return;
        }
        let id = appointment.id;
        let recorded = self.known.get(&id).map_or(0, |before| before.movements.len());
        let frozen_since = self.frozen_since.get(&id).copied();
        // Clocks differ.
        let release = appointment.end.plus(DAY - 2 - 2 * core.faults.max_clock_skew / 1_000);
        for one in movements.iter().skip(recorded).filter(|one| one.kind == MovementKind::Transfer) {
            if one.at < release || appointment.status.is_active() {
                violations
                    .push(format!("the expert of {id} got {} at {}, before the release", one.amount, one.at));
            }
            let by_itself = core.gateway.released_by_itself(id);
            if let Some(since) = frozen_since.filter(|since| !by_itself && one.at > since.plus(UNDER_WAY)) {
                violations.push(format!(
                    "the expert of {id} got {}, although it is disputed since {since}",
                    one.amount
                ));
            }
        }
        let reported = appointment.no_show_report.is_some_and(NoShowReport::is_unresolved)
            && !payment.amount_due(&appointment.status).is_zero();
        if payment.open_dispute || reported {
            self.frozen_since.entry(id).or_insert(core.instant());
        } else {
            self.frozen_since.remove(&id);
        }
    }

    /// What an expert grants beyond what the client is entitled to is refunded only once they have returned their share of it.
    pub(super) fn check_grants(
        &self,
        core: &Core,
        known: &ObservedAppointment,
        violations: &mut Vec<String>,
    ) {
        let ObservedAppointment { appointment, payment: Some(payment), movements } = known else { return };
        let (id, totals) = (appointment.id, Totals::of(movements));
        let recorded = self.known.get(&id).map_or(0, |before| before.movements.len());
        let new = movements.iter().skip(recorded);
        // Somebody else may refund, too.
        let refunds = new.filter(|one| one.kind == MovementKind::Refund && one.idempotency_key.is_some());
        let left_alone = !core.gateway.disputed_or_failed.contains_key(&id)
            && !core.gateway.taken_outside.contains_key(&id)
            && !core.gateway.releases_whole
            && !payment.resolved_with_expert;
        let Some(entitled) = payment.charge_before_grants.filter(|_| left_alone && refunds.count() > 0)
        else {
            return;
        };
        let due = payment.amount_due(&appointment.status).amount();
        let (paid, step) = (totals.net_paid(), payment.amount.currency().charge_step());
        let points = u64::from(payment.fee_rate.basis_points());
        // A refund that is recorded now may have been made before the latest grant.
        let share = paid - policy::part_of(paid, points, step);
        let owed = payment.share_owed.map_or(0, |owed| owed.amount());
        let has = totals.expert_balance().saturating_sub(owed);
        if paid < entitled.amount().max(due) && has > share + 2 * step {
            violations.push(format!(
                "{id} is refunded although its expert has {has} and not {share}, their share of the rest"
            ));
        }
    }
}
