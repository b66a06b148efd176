//! The final charge of an appointment, computed from its policy independently of the product's code.

use domain::scheduling::appointment::{Appointment, NoShowReport, Status};
use domain::scheduling::party::Party;

use super::ObservedAppointment;
use crate::core::Core;

/// `percent` of an amount, rounded half up to the currency's charge step.
fn percent_of(amount: u64, percent: u8, step: u64) -> u64 {
    part_of(amount, u64::from(percent) * 100, step)
}

/// `points` / 10,000 of an amount, rounded half up to the currency's charge step.
pub fn part_of(amount: u64, points: u64, step: u64) -> u64 {
    ((amount * points + 5_000 * step) / (10_000 * step) * step).min(amount)
}

/// The charge after a cancellation.
fn final_charge(core: &Core, before: &Appointment, by: Party, at: i64) -> u64 {
    let price = before.price.amount();
    if by != Party::Client || !matches!(before.status, Status::Confirmed) {
        return 0;
    }
    if super::proposals::is_free_to_cancel(core, before, at) {
        return 0;
    }
    price - percent_of(price, refund_percent(before, at), before.price.currency().charge_step())
}

/// The share of the price that the cancellation policy gives back to a client who cancels, in percent.
pub(super) fn refund_percent(before: &Appointment, at: i64) -> u8 {
    let policy = &before.cancellation;
    let (start, booked) = (before.start.seconds(), before.created_at.seconds());
    let grace = i64::from(policy.grace_minutes) * 60;
    if grace > 0 && at <= booked + grace && at < start {
        return 100;
    }
    let mut refund = 0;
    for tier in policy.tiers.iter().rev() {
        if at <= start - i64::from(tier.until_hours_before) * 3_600 {
            refund = tier.refund_percent.value();
        }
    }
    refund
}

/// What the client gets back if they did not attend.
pub(super) fn no_show_refund(appointment: &Appointment) -> u64 {
    let policy = &appointment.cancellation;
    let step = appointment.price.currency().charge_step();
    percent_of(appointment.price.amount(), policy.no_show_refund_percent.value(), step)
}

/// Checks the charge after a status change.
pub(super) fn check(
    core: &Core,
    before: Option<&ObservedAppointment>,
    after: &ObservedAppointment,
    violations: &mut Vec<String>,
) {
    let (Some(before), Some(payment)) = (before, &after.payment) else { return };
    let decided = payment.amount_due(&after.appointment.status).amount();
    let agreed =
        before.payment.as_ref().map_or(0, |payment| payment.final_charge.unwrap_or(payment.amount).amount());
    let id = after.appointment.id;
    let price = before.appointment.price.amount();
    match &after.appointment.status {
        Status::Cancelled { cancelled_by, cancelled_at, .. } => {
            let right =
                final_charge(core, &before.appointment, *cancelled_by, cancelled_at.seconds()).min(agreed);
            // Whether the client pays for the processing is another invariant.
            let decided = decided - payment.processing_cost.map_or(0, |cost| cost.amount());
            if decided != right {
                violations.push(format!("{id} is cancelled, and its client pays {decided}, not {right}"));
            }
        }
        Status::NoShow { missed_by }
            if matches!(after.appointment.no_show_report, None | Some(NoShowReport::Decided)) =>
        {
            let back = match missed_by {
                Party::Client => no_show_refund(&before.appointment),
                Party::Expert | Party::Platform => price,
            };
            let right = (price - back).min(agreed);
            if decided != right {
                violations.push(format!("{id} is a no-show, and its client pays {decided}, not {right}"));
            }
        }
        // An undecided report does not change the charge.
        Status::NoShow { .. } if decided != agreed.min(price) => {
            violations
                .push(format!("{id} is not decided yet, and its client already pays {decided} of {agreed}"));
        }
        Status::Expired if decided != 0 => {
            violations.push(format!("{id} expired, and its client pays {decided}"));
        }
        Status::Completed => {
            let asked = core.actors.requested_charges.get(&id).into_iter().flatten().copied();
            if !asked.chain([price]).any(|charge| decided == charge.min(agreed)) {
                violations.push(format!("{id} is completed, and its client pays {decided} of {agreed}"));
            }
        }
        _ => {}
    }
}
