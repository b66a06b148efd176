//! What refunds cost the platform stays within its budgets, and clients pay for the processing of a refund only beyond them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike;
use domain::kernel::time::MINUTE;
use domain::payments::debt::Debt;
use domain::payments::ledger::{MovementKind, Totals};
use domain::payments::payment::{Payment, PaymentState};
use domain::payments::refund_costs::largest_processing_fee;
use domain::scheduling::appointment::{Appointment, Status};
use domain::scheduling::party::Party;
use domain::{AppointmentId, ExpertId, Money, Timestamp};

use super::policy::part_of;
use super::{Invariants, ObservedAppointment, proposals};
use crate::core::Core;

/// How long a request can run, in seconds. What changed since then, a booking may not have seen.
const RUNNING: i64 = 15;

/// What refunds have cost so far, in thousandths of the smallest price of a currency.
#[derive(Debug, Default)]
pub(super) struct Costs {
    /// The cancellations of a client, or of the clients of an expert, in a month.
    by_clients: BTreeMap<(String, Month), u64>,
    /// Who was charged although the hold had ended, which uses up a budget too.
    late: BTreeSet<String>,
    /// When an expert caused a cost.
    by_expert: BTreeMap<ExpertId, Vec<(Timestamp, u64)>>,
    /// What the refunds that an expert caused have cost, in minor units of a currency.
    caused: BTreeMap<(ExpertId, &'static str), u64>,
    /// The experts some of whose refunds an administrator may have caused.
    uncertain: BTreeSet<ExpertId>,
    /// The payments of whose share something was ever withheld or owed.
    withheld: BTreeSet<AppointmentId>,
}

type Month = (i32, u32);

fn month(at: Timestamp) -> Month {
    (at.utc_date().year(), at.utc_date().month())
}

/// The costs of a refund in minor units: what the client should pay of it, and what the platform bears.
fn costs(before: &ObservedAppointment, agreed: &Payment, after: &Payment, new: u64) -> (u64, u64) {
    let fees = before.movements.iter().filter(|one| one.kind == MovementKind::ProcessingFee);
    let fee: u64 = fees.map(|one| one.amount.amount()).sum();
    let (points, step) = (u64::from(after.fee_rate.basis_points()), after.amount.currency().charge_step());
    let totals = Totals::of(&before.movements);
    let mut old = agreed.amount_due(&before.appointment.status).amount();
    // The gateway charges its fee for what is captured later.
    let fee = |charge: u64| match totals.captured {
        // A saved card is not charged with less than a gateway accepts.
        0 => Money::new(charge, after.amount.currency())
            .ok()
            .filter(|one| match agreed.state {
                PaymentState::Unpaid | PaymentState::Cancelled => false,
                PaymentState::CardSaved | PaymentState::ActionRequired { .. } => one.check_charge().is_ok(),
                _ => true,
            })
            .map_or(0, |one| largest_processing_fee(one).amount()),
        _ => fee,
    };
    let uncovered = |charge: u64| fee(charge).saturating_sub(part_of(charge, points, step));
    if totals.captured > 0 {
        // What the bank may return counts as paid.
        let undecided = if agreed.open_dispute { totals.disputed } else { 0 };
        old = old.min(totals.net_paid() + undecided);
    }
    let own = after.processing_cost.map_or(0, |cost| cost.amount());
    let cost = uncovered(new - own).saturating_sub(uncovered(old)).div_ceil(step) * step;
    (cost, cost.saturating_sub(own))
}

/// Checks a change of what a client pays.
pub(super) fn check(
    all: &mut Costs,
    core: &Core,
    before: Option<&ObservedAppointment>,
    now: &ObservedAppointment,
    violations: &mut Vec<String>,
) {
    let Some((before, (agreed, after))) =
        before.and_then(|before| Some((before, before.payment.as_ref().zip(now.payment.as_ref())?)))
    else {
        return;
    };
    let Appointment { id, expert, client, ref status, .. } = now.appointment;
    if after.withheld.is_some() || after.share_owed.is_some() {
        all.withheld.insert(id);
    }
    let owners = [client.to_string(), expert.to_string()];
    let captured = |known: &ObservedAppointment| Totals::of(&known.movements).captured > 0;
    if !captured(before) {
        if captured(now) && matches!(status, Status::Expired | Status::Cancelled { .. }) {
            all.late.extend(owners.clone());
        }
        let by_expert = matches!(status, Status::Cancelled { cancelled_by: Party::Expert, .. });
        if captured(now) && by_expert && after.amount_due(status).is_zero() {
            let fees = now.movements.iter().filter(|one| one.kind == MovementKind::ProcessingFee);
            let fee: u64 = fees.map(|one| one.amount.amount()).sum();
            let step = after.amount.currency().charge_step();
            *all.caused.entry((expert, after.amount.currency().code())).or_default() +=
                fee.div_ceil(step) * step;
        }
        if captured(now) {
            return;
        }
    }
    let (old, new) =
        (agreed.amount_due(&before.appointment.status).amount(), after.amount_due(status).amount());
    if new >= old {
        return;
    }
    let (cost, borne) = costs(before, agreed, after, new);
    let own = after.processing_cost.map_or(0, |cost| cost.amount());
    let smallest = after.amount.currency().smallest_price().unwrap_or(u64::MAX);
    let parts = |cost: u64| (cost * 1_000).div_ceil(smallest);
    let (by, at) = match status {
        Status::Cancelled { cancelled_by, cancelled_at, .. } if before.appointment.status.is_active() => {
            (*cancelled_by, *cancelled_at)
        }
        _ if core.refunded_by_admin.contains(&id) => {
            all.uncertain.insert(expert);
            return;
        }
        _ => (Party::Expert, core.instant()),
    };
    let is_free = proposals::is_free_to_cancel(core, &before.appointment, at.seconds());
    if by != Party::Client || is_free {
        if own > 0 {
            violations.push(format!("{id} is refunded because of {by:?}, and its client pays {own} of it"));
        }
        if by != Party::Platform {
            all.by_expert.entry(expert).or_default().push((at, parts(borne)));
            *all.caused.entry((expert, after.amount.currency().code())).or_default() += borne;
        }
        return;
    }
    let budgets = [core.refund_budgets.per_client, core.refund_budgets.per_expert];
    let used = |owner: &String| all.by_clients.get(&(owner.clone(), month(at))).copied().unwrap_or(0);
    let fits = owners
        .iter()
        .zip(budgets)
        .all(|(owner, budget)| used(owner) + parts(cost) <= u64::from(budget) * 1_000);
    if own == 0 && !fits {
        violations.push(format!("the refund of {id} costs the platform {cost}, which is beyond its budget"));
    }
    if own > 0 && fits && !owners.iter().any(|owner| all.late.contains(owner)) {
        violations.push(format!("the client of {id} pays {own} for its refund, which is within the budget"));
    }
    if own > cost {
        violations.push(format!("the client of {id} pays {own} for its refund, which costs {cost}"));
    }
    for owner in owners {
        *all.by_clients.entry((owner, month(at))).or_default() += parts(borne);
    }
}

impl Invariants {
    /// Returns whether something was ever withheld or owed of the expert's share of a payment. The fee on it is then recorded with the next
    /// amount that moves.
    pub fn was_withheld(&self, id: AppointmentId) -> bool {
        self.costs.withheld.contains(&id)
    }

    /// Checks that the costs of the refunds that an expert caused, and the shares that could not be taken back from them, are either
    /// withheld from their shares or still owed.
    pub fn check_debt(&self, expert: ExpertId, debt: &Debt, violations: &mut Vec<String>) {
        if self.costs.uncertain.contains(&expert) {
            return;
        }
        let payments = self.known.values().filter(|known| known.appointment.expert == expert);
        let payments: Vec<&Payment> = payments.filter_map(|known| known.payment.as_ref()).collect();
        let withheld: Vec<Money> = payments.iter().filter_map(|payment| payment.withheld).collect();
        let shares: Vec<Money> = payments.iter().filter_map(|payment| payment.share_owed).collect();
        let caused = self.costs.caused.keys().filter(|(of, _)| *of == expert).map(|(_, code)| *code);
        let codes = debt.owed.iter().chain(&withheld).chain(&shares).map(|one| one.currency().code());
        for code in codes.chain(caused).collect::<BTreeSet<&str>>() {
            let caused = self.costs.caused.get(&(expert, code)).copied().unwrap_or(0);
            let sum = |all: &[Money]| {
                let all = all.iter().filter(|one| one.currency().code() == code);
                all.map(|one| one.amount()).sum::<u64>()
            };
            let (owed, withheld, shares) = (sum(&debt.owed), sum(&withheld), sum(&shares));
            if owed + withheld != caused + shares {
                violations.push(format!(
                    "{expert} owes {owed} and {withheld} is withheld, of {caused} caused by refunds and {shares} of shares"
                ));
            }
        }
    }

    /// Checks that a new appointment with a price is not of an expert whose refunds have cost too much in this month.
    pub(super) fn check_refund_pause(&self, core: &Core, id: AppointmentId, violations: &mut Vec<String>) {
        let Some(made) = self.known.get(&id).map(|known| &known.appointment) else { return };
        let seen = made.created_at.plus(-RUNNING - core.faults.max_clock_skew / 500);
        let counts = |at: &Timestamp| {
            // A count close to the end of a month may be in the next one.
            *at < seen && month(*at) == month(seen) && month(at.plus(MINUTE)) == month(at.plus(-MINUTE))
        };
        let all = self.costs.by_expert.get(&made.expert).into_iter().flatten();
        let used: u64 = all.filter(|(at, _)| counts(at)).map(|(_, cost)| cost).sum();
        let budget = u64::from(core.refund_budgets.per_expert) * 1_000;
        if !made.price.is_zero() && month(made.created_at) == month(seen) && used >= budget {
            violations
                .push(format!("{id} is booked although refunds of its expert have cost {used} of {budget}"));
        }
    }
}
