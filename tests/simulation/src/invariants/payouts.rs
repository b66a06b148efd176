//! Money that the platform holds reaches the expert in time, and not too early.

use super::*;
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
}
