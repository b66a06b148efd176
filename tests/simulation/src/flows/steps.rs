//! Steps that several flows begin with, and terms of session types.

use domain::experts::duration::SessionDuration;
use domain::experts::policy::{CancellationPolicy, Percent, Tier};
use domain::experts::session_type::SessionTypeTerms;
use domain::kernel::time::{DAY, HOUR};
use domain::payments::payout::PayoutTiming;
use domain::scheduling::appointment::Outcome;
use domain::scheduling::party::Party;

use super::scenario::{IN_34_HOURS, Scenario, euros};
use crate::actors::{Command, Resolution};
use crate::gateway;

/// So far ahead that no authorization lasts until then.
pub(super) const IN_THREE_WEEKS: i64 = 20 * DAY + 10 * HOUR;
pub(super) const EXPERT_NO_SHOW: Outcome = Outcome::NoShow { missed_by: Party::Expert };
pub(super) const CLIENT_NO_SHOW: Outcome = Outcome::NoShow { missed_by: Party::Client };

pub(super) fn half_until_a_day_before(terms: &mut SessionTypeTerms) {
    let refund_percent = Percent::new(50).unwrap_or(Percent::NOTHING);
    terms.cancellation = CancellationPolicy {
        tiers: vec![Tier { until_hours_before: 24, refund_percent }],
        grace_minutes: 0,
        no_show_refund_percent: refund_percent,
    };
}

/// Sets the price of an hour, in cents.
pub(super) fn price_at(terms: &mut SessionTypeTerms, cents: u64) {
    terms.durations = vec![SessionDuration { minutes: 60, price: Some(euros(cents)) }];
}

pub(super) fn unchanged_terms(_: &mut SessionTypeTerms) {}

pub(super) fn cancelled_and_refused(scenario: &mut Scenario, decision: Resolution) {
    scenario.offer(unchanged_terms);
    let id = scenario.book_and_pay(IN_34_HOURS);
    scenario.set_faults(|faults| faults.failed_refund = 10_000);
    scenario.as_client(0, Command::Cancel(id));
    scenario.advance(HOUR);
    scenario.set_faults(|faults| faults.failed_refund = 0);
    scenario.advance(4 * DAY);
    scenario.as_admin(Command::ResolveEscalation(id, decision));
    scenario.advance(HOUR);
}

pub(super) fn disputed(scenario: &mut Scenario, percent: u64) {
    scenario.offer(unchanged_terms);
    scenario.book_and_pay(IN_34_HOURS);
    scenario.advance_to(IN_34_HOURS + 3 * DAY);
    scenario.at_gateway(|core, name| {
        gateway::open_dispute(core, name, 100);
    });
    scenario.advance(2 * DAY);
    scenario.at_gateway(|core, name| gateway::close_dispute(core, name, 0, percent));
    scenario.advance(DAY);
}

pub(super) fn disputed_report(scenario: &mut Scenario, outcome: Outcome) {
    scenario.offer(unchanged_terms);
    let id = scenario.book_and_pay(IN_34_HOURS);
    scenario.advance_to(IN_34_HOURS + HOUR / 2);
    scenario.as_client(0, Command::EndSession(id, EXPERT_NO_SHOW, None));
    scenario.advance(HOUR);
    scenario.as_expert(Command::EndSession(id, Outcome::Completed, None));
    scenario.advance(HOUR);
    scenario.as_admin(Command::EndSession(id, outcome, None));
    scenario.advance(HOUR);
}

/// An expert whose share is held until after the session.
pub(super) fn offer_held(scenario: &mut Scenario) {
    scenario.simulation.app.settings.payout_timing = PayoutTiming::AfterSession;
    scenario.offer(half_until_a_day_before);
}

/// The same at a gateway that releases held shares as a whole.
pub(super) fn offer_released(scenario: &mut Scenario) {
    scenario.simulation.shared.lock().gateway.releases_whole = true;
    offer_held(scenario);
}
