//! The flows.

use crate::actors::Resolution;
use domain::AppointmentId;
use domain::Currency;
use domain::experts::duration::SessionDuration;
use domain::experts::policy::{CancellationPolicy, Percent, ReschedulePrice, Tier};
use domain::experts::session_type::SessionTypeTerms;
use domain::kernel::time::{DAY, HOUR};
use domain::payments::ledger::Totals;
use domain::payments::payment::OrderKind;
use domain::payments::payout::PayoutTiming;
use domain::payments::refund_costs::RefundBudgets;
use domain::scheduling::appointment::{Outcome, Status};
use domain::scheduling::booking_limits::BookingLimits;
use domain::scheduling::party::Party;
use domain::scheduling::reliability::ReliabilityRules;

use super::Flow;
use super::scenario::{IN_34_HOURS, Scenario, at, euros};
use crate::actors::{Command, Submission};
use crate::exchange_rates::other_currencies;
use crate::gateway::{self, ClientPayment};
use crate::population::{add_expert, plain_terms};

/// So far ahead that no authorization lasts until then.
const IN_THREE_WEEKS: i64 = 20 * DAY + 10 * HOUR;
const EXPERT_NO_SHOW: Outcome = Outcome::NoShow { missed_by: Party::Expert };
const CLIENT_NO_SHOW: Outcome = Outcome::NoShow { missed_by: Party::Client };

fn half_until_a_day_before(terms: &mut SessionTypeTerms) {
    let refund_percent = Percent::new(50).unwrap_or(Percent::NOTHING);
    terms.cancellation = CancellationPolicy {
        tiers: vec![Tier { until_hours_before: 24, refund_percent }],
        grace_minutes: 0,
        no_show_refund_percent: refund_percent,
    };
}

/// Sets the price of an hour, in cents.
fn price_at(terms: &mut SessionTypeTerms, cents: u64) {
    terms.durations = vec![SessionDuration { minutes: 60, price: Some(euros(cents)) }];
}

fn unchanged_terms(_: &mut SessionTypeTerms) {}

fn cancelled_and_refused(scenario: &mut Scenario, decision: Resolution) {
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

fn disputed(scenario: &mut Scenario, percent: u64) {
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

fn disputed_report(scenario: &mut Scenario, outcome: Outcome) {
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
fn offer_held(scenario: &mut Scenario) {
    scenario.simulation.app.settings.payout_timing = PayoutTiming::AfterSession;
    scenario.offer(half_until_a_day_before);
}

/// The same at a gateway that releases held shares as a whole.
fn offer_released(scenario: &mut Scenario) {
    scenario.simulation.shared.lock().gateway.releases_whole = true;
    offer_held(scenario);
}

/// All flows.
pub const FLOWS: &[Flow] = &[
    Flow {
        name: "a free session is booked and completed",
        run: |scenario| {
            scenario.offer(|terms| price_at(terms, 0));
            scenario.book(0, IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "a paid session is completed",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "a hold expires unpaid",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            scenario.book(0, IN_34_HOURS);
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a card is declined, and the next one succeeds",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let id = scenario.book(0, IN_34_HOURS);
            scenario.pay(id, ClientPayment::Declined);
            scenario.advance(60);
            scenario.pay(id, ClientPayment::Now);
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "five cards are declined, and the hold ends",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let id = scenario.book(0, IN_34_HOURS);
            for _ in 0..5 {
                scenario.pay(id, ClientPayment::Declined);
                scenario.advance(60);
            }
            scenario.expect_all("too many declined attempts end the hold", |known| {
                known.appointment.status == Status::Expired
            });
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a webhook of a payment is lost",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let id = scenario.book(0, IN_34_HOURS);
            scenario.set_faults(|faults| faults.lost_webhook = 10_000);
            scenario.pay(id, ClientPayment::Now);
            scenario.advance(HOUR);
            scenario.set_faults(|faults| faults.lost_webhook = 0);
        },
    },
    Flow {
        name: "the gateway processes a payment for days",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let id = scenario.book(0, 6 * DAY);
            scenario.pay(id, ClientPayment::Delayed);
            scenario.advance(4 * DAY);
        },
    },
    Flow {
        name: "an authorization is captured after the session",
        run: |scenario| {
            scenario.offer_authorize_then_capture(unchanged_terms);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 2 * HOUR);
            scenario.as_expert(Command::EndSession(id, Outcome::Completed, None));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "less than the authorized amount is captured",
        run: |scenario| {
            scenario.offer_authorize_then_capture(unchanged_terms);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 2 * HOUR);
            scenario.as_expert(Command::EndSession(id, Outcome::Completed, Some(euros(5_000))));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a saved card is charged shortly before the session",
        run: |scenario| {
            scenario.offer_authorize_then_capture(unchanged_terms);
            scenario.book_and_pay(IN_THREE_WEEKS);
            scenario.advance_to(IN_THREE_WEEKS + 3 * DAY);
        },
    },
    Flow {
        name: "a saved card is declined, and the client pays again",
        run: |scenario| {
            scenario.offer_authorize_then_capture(unchanged_terms);
            let id = scenario.book_and_pay(IN_THREE_WEEKS);
            scenario.set_faults(|faults| faults.declined_card = 10_000);
            scenario.advance_to(IN_THREE_WEEKS - 4 * DAY + 2 * HOUR);
            scenario.set_faults(|faults| faults.declined_card = 0);
            scenario.pay_again(id, ClientPayment::Now);
            scenario.advance_to(IN_THREE_WEEKS + 3 * DAY);
        },
    },
    Flow {
        name: "a saved card is declined, and the client does nothing",
        run: |scenario| {
            scenario.offer_authorize_then_capture(unchanged_terms);
            scenario.book_and_pay(IN_THREE_WEEKS);
            scenario.set_faults(|faults| faults.declined_card = 10_000);
            scenario.advance_to(IN_THREE_WEEKS + 3 * DAY);
            scenario.set_faults(|faults| faults.declined_card = 0);
        },
    },
    Flow {
        name: "a saved card is declined, and so are four others",
        run: |scenario| {
            scenario.offer_authorize_then_capture(unchanged_terms);
            let id = scenario.book_and_pay(IN_THREE_WEEKS);
            scenario.set_faults(|faults| faults.declined_card = 10_000);
            scenario.advance_to(IN_THREE_WEEKS - 4 * DAY + 2 * HOUR);
            scenario.set_faults(|faults| faults.declined_card = 0);
            for _ in 0..4 {
                scenario.pay_again(id, ClientPayment::Declined);
                scenario.advance(60);
            }
            scenario.expect_all("too many declined attempts cancel the session", |known| {
                matches!(known.appointment.status, Status::Cancelled { .. })
            });
            scenario.advance_to(IN_THREE_WEEKS + 3 * DAY);
        },
    },
    Flow {
        name: "a saved card is refused while the account of the expert is disabled",
        run: |scenario| {
            scenario.offer_authorize_then_capture(unchanged_terms);
            scenario.book_and_pay(IN_THREE_WEEKS);
            scenario.enable_accounts(false);
            scenario.advance_to(IN_THREE_WEEKS - 4 * DAY + 2 * HOUR);
            scenario.enable_accounts(true);
            scenario.advance_to(IN_THREE_WEEKS + 3 * DAY);
        },
    },
    Flow {
        name: "a client cancels a paid session for half of the price",
        run: |scenario| {
            scenario.offer(half_until_a_day_before);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "an expert cancels a paid session",
        run: |scenario| {
            scenario.offer(half_until_a_day_before);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_expert(Command::Cancel(id));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a client cancels a hold",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let id = scenario.book(0, IN_34_HOURS);
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "half of an authorization is captured for a cancelled session",
        run: |scenario| {
            scenario.offer_authorize_then_capture(half_until_a_day_before);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a saved card is charged half for a cancelled session",
        run: |scenario| {
            scenario.offer_authorize_then_capture(half_until_a_day_before);
            let id = scenario.book_and_pay(IN_THREE_WEEKS);
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a session is rescheduled across midnight",
        run: |scenario| {
            scenario.offer(|terms| (terms.buffer_before_minutes, terms.buffer_after_minutes) = (30, 60));
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_client(0, Command::Reschedule(id, at(2 * DAY + 23 * HOUR)));
            scenario.advance(HOUR);
            scenario.as_expert(Command::Propose(id, vec![at(3 * DAY), at(3 * DAY + 2 * HOUR)]));
            scenario.as_client(0, Command::AcceptProposal(id, 0));
            scenario.advance(5 * DAY);
        },
    },
    Flow {
        name: "a client moves a session while the expert proposes, repeatedly",
        run: |scenario| {
            scenario.offer(|terms| (terms.buffer_before_minutes, terms.buffer_after_minutes) = (30, 60));
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.set_faults(|faults| faults.max_latency = 1_000);
            for hours in 1..8 {
                scenario.client_starts(0, Command::Reschedule(id, at(IN_34_HOURS + 2 * hours * HOUR)));
                scenario.as_expert(Command::Propose(id, vec![at(IN_34_HOURS + (2 * hours + 1) * HOUR)]));
            }
            scenario.advance(60);
            scenario.set_faults(|faults| faults.max_latency = 1);
            scenario.as_client(0, Command::Reschedule(id, at(IN_34_HOURS + 20 * HOUR)));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a client moves a session after the last tier and cancels it",
        run: |scenario| {
            scenario.offer(half_until_a_day_before);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS - 12 * HOUR);
            scenario.as_client(0, Command::Reschedule(id, at(IN_34_HOURS + 7 * DAY)));
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a proposal of a client expires with the grace period",
        run: |scenario| {
            scenario.offer(|terms| {
                half_until_a_day_before(terms);
                let all_back = Tier { until_hours_before: 48, refund_percent: Percent::ALL };
                terms.cancellation.tiers.insert(0, all_back);
                terms.cancellation.grace_minutes = 60;
            });
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_client(0, Command::Propose(id, vec![at(IN_34_HOURS + 7 * DAY)]));
            scenario.advance(2 * HOUR);
            scenario.as_expert(Command::AcceptProposal(id, 0));
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "an expert proposes and withdraws, and the client cancels",
        run: |scenario| {
            scenario.offer(half_until_a_day_before);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_expert(Command::Propose(id, vec![at(2 * DAY), at(3 * DAY)]));
            scenario.advance_to(IN_34_HOURS - 2 * HOUR);
            scenario.as_expert(Command::WithdrawProposal(id));
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "an expert proposes again after a proposal was declined, and the client cancels",
        run: |scenario| {
            scenario.offer(half_until_a_day_before);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_expert(Command::Propose(id, vec![at(2 * DAY)]));
            scenario.as_client(0, Command::DeclineProposal(id));
            scenario.as_expert(Command::Propose(id, vec![at(3 * DAY)]));
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a client declines a proposal of the expert and cancels",
        run: |scenario| {
            scenario.offer(half_until_a_day_before);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_expert(Command::Propose(id, vec![at(2 * DAY), at(2 * DAY + HOUR)]));
            scenario.as_client(0, Command::DeclineProposal(id));
            scenario.advance_to(IN_34_HOURS - HOUR);
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a proposal expires, and another client books one of its times",
        run: |scenario| {
            scenario.offer(|terms| price_at(terms, 0));
            let id = scenario.book(0, 4 * DAY + 10 * HOUR);
            scenario.as_expert(Command::Propose(id, vec![at(3 * DAY + 10 * HOUR)]));
            // Refused, as long as the proposal is open.
            scenario.book(1, 3 * DAY + 10 * HOUR);
            scenario.advance_to(2 * DAY);
            // The proposal expires before its job runs.
            for _ in 0..40 {
                if scenario.book(1, 3 * DAY + 10 * HOUR) != AppointmentId::from_bits(0) {
                    break;
                }
                scenario.advance(2);
            }
            scenario.advance_to(7 * DAY);
        },
    },
    Flow {
        name: "an expert tries to move an appointment at once",
        run: |scenario| {
            scenario.offer(|terms| price_at(terms, 0));
            let id = scenario.book(0, IN_34_HOURS);
            scenario.as_expert(Command::Reschedule(id, at(IN_34_HOURS + 2 * HOUR)));
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "a client accepts a proposal while the expert withdraws it, repeatedly",
        run: |scenario| {
            scenario.offer(|terms| (terms.buffer_before_minutes, terms.buffer_after_minutes) = (30, 60));
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_expert(Command::Propose(id, vec![at(2 * DAY)]));
            scenario.as_expert(Command::WithdrawProposal(id));
            scenario.set_faults(|faults| faults.max_latency = 1_000);
            for days in 2..4 {
                scenario.as_expert(Command::Propose(id, vec![at(days * DAY), at(days * DAY + 3 * HOUR)]));
                scenario.client_starts(0, Command::AcceptProposal(id, 1));
                scenario.as_expert(Command::WithdrawProposal(id));
                scenario.advance(60);
            }
            scenario.set_faults(|faults| faults.max_latency = 1);
            scenario.as_expert(Command::Propose(id, vec![at(8 * DAY)]));
            scenario.as_client(0, Command::AcceptProposal(id, 0));
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "an expert refunds a part",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_expert(Command::Refund(id, euros(3_000), "one".to_owned()));
            scenario.advance(HOUR);
            scenario.as_expert(Command::Refund(id, euros(500), "two".to_owned()));
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "a refund fails and is retried",
        run: |scenario| cancelled_and_refused(scenario, Resolution::TryAgain),
    },
    Flow {
        name: "a refund fails and is resolved manually",
        run: |scenario| cancelled_and_refused(scenario, Resolution::ResolvedManually),
    },
    Flow {
        name: "a held share is paid out after the session",
        run: |scenario| {
            offer_held(scenario);
            scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "the kept part of a cancellation is held and paid out",
        run: |scenario| {
            offer_held(scenario);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "a dispute holds a share and is won",
        run: |scenario| {
            offer_held(scenario);
            scenario.book_and_pay(IN_34_HOURS);
            scenario.at_gateway(|core, name| {
                gateway::open_dispute(core, name, 40);
            });
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
            scenario.at_gateway(|core, name| gateway::close_dispute(core, name, 0, 100));
            scenario.advance(DAY);
        },
    },
    Flow {
        name: "a dispute takes a share back that was paid out, and is won",
        run: |scenario| {
            offer_held(scenario);
            scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
            scenario.at_gateway(|core, name| {
                gateway::open_dispute(core, name, 40);
            });
            scenario.advance(2 * DAY);
            scenario.at_gateway(|core, name| gateway::close_dispute(core, name, 0, 100));
            scenario.advance(DAY);
        },
    },
    Flow {
        name: "a gateway releases a held share after the session",
        run: |scenario| {
            offer_released(scenario);
            scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "a gateway releases the kept part of a cancellation",
        run: |scenario| {
            offer_released(scenario);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "a gateway releases a held share after a dispute is won",
        run: |scenario| {
            offer_released(scenario);
            scenario.book_and_pay(IN_34_HOURS);
            scenario.at_gateway(|core, name| {
                gateway::open_dispute(core, name, 40);
            });
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
            scenario.at_gateway(|core, name| gateway::close_dispute(core, name, 0, 100));
            scenario.advance(DAY);
        },
    },
    Flow {
        name: "a gateway releases by itself a share that waits for a decision",
        run: |scenario| {
            offer_released(scenario);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + HOUR / 2);
            scenario.as_client(0, Command::EndSession(id, EXPERT_NO_SHOW, None));
            scenario.advance(HOUR);
            scenario.as_expert(Command::EndSession(id, Outcome::Completed, None));
            scenario.advance_to(30 * DAY);
            scenario.as_admin(Command::EndSession(id, Outcome::Completed, None));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a held share waits for the decision about a no-show report",
        run: |scenario| {
            offer_held(scenario);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + HOUR / 2);
            scenario.as_client(0, Command::EndSession(id, EXPERT_NO_SHOW, None));
            scenario.advance(HOUR);
            scenario.as_expert(Command::EndSession(id, Outcome::Completed, None));
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
            scenario.as_admin(Command::EndSession(id, Outcome::Completed, None));
            scenario.advance(HOUR);
        },
    },
    Flow { name: "a dispute is won", run: |scenario| disputed(scenario, 100) },
    Flow { name: "a dispute is lost", run: |scenario| disputed(scenario, 0) },
    Flow { name: "a dispute is partly won", run: |scenario| disputed(scenario, 40) },
    Flow {
        name: "a dispute is lost before the session, and the client books again until they are suspended",
        run: |scenario| {
            scenario.simulation.app.settings.reliability = ReliabilityRules::default();
            scenario.offer(unchanged_terms);
            for (place, hours) in [0, 2].into_iter().enumerate() {
                scenario.book_and_pay(IN_34_HOURS + hours * HOUR);
                scenario.at_intent(place, |core, name| {
                    gateway::open_dispute(core, name, 100);
                });
                scenario.advance(HOUR);
                scenario.at_intent(place, |core, name| gateway::close_dispute(core, name, 0, 0));
                scenario.advance(HOUR);
            }
            // The client is suspended. The slot is free for another one.
            scenario.book(0, IN_34_HOURS + 4 * HOUR);
            let other = scenario.book(1, IN_34_HOURS);
            scenario.advance(60);
            scenario.pay(other, ClientPayment::Now);
            scenario.lift_suspension(0);
            scenario.advance(HOUR);
            scenario.book_and_pay(IN_34_HOURS + 6 * HOUR);
            scenario.advance_to(IN_34_HOURS + 4 * DAY);
        },
    },
    Flow {
        name: "a dispute about a part is lost before the session",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            scenario.book_and_pay(IN_34_HOURS);
            scenario.at_gateway(|core, name| {
                gateway::open_dispute(core, name, 40);
            });
            scenario.advance(HOUR);
            scenario.at_gateway(|core, name| gateway::close_dispute(core, name, 0, 0));
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "a dispute is lost after the session has begun",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            scenario.book_and_pay(IN_34_HOURS);
            scenario.at_gateway(|core, name| {
                gateway::open_dispute(core, name, 100);
            });
            scenario.advance_to(IN_34_HOURS + HOUR / 2);
            scenario.at_gateway(|core, name| gateway::close_dispute(core, name, 0, 0));
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "a client does not show up",
        run: |scenario| {
            scenario.offer(half_until_a_day_before);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + HOUR / 2);
            scenario.as_expert(Command::EndSession(id, Outcome::NoShow { missed_by: Party::Client }, None));
            scenario.advance(2 * DAY);
        },
    },
    Flow {
        name: "a client who does not show up wins a dispute, and its webhook is lost",
        run: |scenario| {
            offer_held(scenario);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + HOUR / 2);
            scenario.as_expert(Command::EndSession(id, Outcome::NoShow { missed_by: Party::Client }, None));
            scenario.at_gateway(|core, name| {
                gateway::open_dispute(core, name, 100);
            });
            scenario.advance(HOUR);
            scenario.set_faults(|faults| faults.lost_webhook = 10_000);
            scenario.at_gateway(|core, name| gateway::close_dispute(core, name, 0, 0));
            scenario.set_faults(|faults| faults.lost_webhook = 0);
            scenario.advance(2 * DAY);
        },
    },
    Flow {
        name: "a client objects to the report that they did not show up",
        run: |scenario| {
            scenario.offer(half_until_a_day_before);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + HOUR / 2);
            scenario.as_expert(Command::EndSession(id, Outcome::NoShow { missed_by: Party::Client }, None));
            scenario.advance(HOUR);
            scenario.as_client(0, Command::Object(id));
            scenario.advance(HOUR);
            scenario.as_admin(Command::EndSession(id, EXPERT_NO_SHOW, None));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a no-show report of a client is not disputed",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + HOUR / 2);
            scenario.as_client(0, Command::EndSession(id, EXPERT_NO_SHOW, None));
            scenario.advance(2 * DAY);
        },
    },
    Flow {
        name: "a disputed report is decided for the client",
        run: |scenario| disputed_report(scenario, EXPERT_NO_SHOW),
    },
    Flow {
        name: "a disputed report is decided for the expert",
        run: |scenario| disputed_report(scenario, Outcome::Completed),
    },
    Flow {
        name: "ten clients book one day at once, two of them the same time",
        run: |scenario| {
            scenario.offer(|terms| {
                price_at(terms, 0);
                terms.durations.iter_mut().for_each(|duration| duration.minutes = 15);
                terms.step_minutes = 15;
            });
            let starts = (0..10).map(|client: i64| IN_34_HOURS + client.min(8) * HOUR / 4);
            let requests = scenario.crowd_books(starts);
            scenario.advance(60);
            for request in requests {
                scenario.submit(request.person, request.command);
            }
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "ten clients book one day at once, four of them seats of one session",
        run: |scenario| {
            scenario.offer(|terms| {
                price_at(terms, 0);
                terms.durations.iter_mut().for_each(|duration| duration.minutes = 15);
                (terms.step_minutes, terms.capacity) = (15, 5);
            });
            let starts = [1, 0, 2, 0, 3, 4, 0, 5, 6, 0].map(|quarter: i64| IN_34_HOURS + quarter * HOUR / 4);
            let requests = scenario.crowd_books(starts.into_iter());
            scenario.advance(60);
            // There is a seat, or a time, for each of them. Nobody is refused, and with a fault at most one is interrupted.
            scenario.expect_at_least(9);
            for request in requests {
                scenario.submit(request.person, request.command);
            }
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "two clients share a group session, and one cancels",
        run: |scenario| {
            scenario.offer(|terms| terms.capacity = 3);
            let first = scenario.book_and_pay(IN_34_HOURS);
            let second = scenario.book(1, IN_34_HOURS);
            scenario.pay(second, ClientPayment::Now);
            scenario.advance(HOUR);
            scenario.as_client(0, Command::Cancel(first));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "an expired hold is reclaimed",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            scenario.book(0, IN_34_HOURS);
            scenario.advance(601);
            let second = scenario.book(1, IN_34_HOURS);
            scenario.advance(30);
            scenario.pay(second, ClientPayment::Now);
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "an account is created, disabled and read again",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            scenario.as_expert(Command::StartOnboarding);
            scenario.enable_accounts(false);
            scenario.advance(60);
            scenario.enable_accounts(true);
            scenario.advance(60);
            scenario.as_expert(Command::ReadPaymentAccount);
        },
    },
    Flow {
        name: "an expert is paid out",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            scenario.book_and_pay(IN_34_HOURS);
            let accounts: Vec<String> =
                scenario.simulation.shared.lock().gateway.accounts.keys().cloned().collect();
            for account in accounts {
                gateway::payout(&mut scenario.simulation.shared.lock(), &account);
                scenario.advance(60);
                gateway::payout(&mut scenario.simulation.shared.lock(), &account);
            }
            scenario.advance(2 * DAY);
        },
    },
    Flow {
        name: "a refused capture is escalated and retried",
        run: |scenario| {
            scenario.offer_authorize_then_capture(unchanged_terms);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.simulation.shared.lock().gateway.refuse(id, OrderKind::Capture);
            scenario.advance_to(IN_34_HOURS + 2 * HOUR);
            scenario.as_expert(Command::EndSession(id, Outcome::Completed, None));
            scenario.advance(HOUR);
            scenario.simulation.shared.lock().gateway.clear_refusals();
            scenario.as_admin(Command::ResolveEscalation(id, Resolution::TryAgain));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a session is cancelled for half of the price while its saved card is charged",
        run: |scenario| {
            scenario.offer_authorize_then_capture(half_until_a_day_before);
            let id = scenario.book_and_pay(IN_THREE_WEEKS);
            scenario.advance_until_charged(id);
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "a group session ends and starts again while a client joins",
        run: |scenario| {
            scenario.offer(|terms| {
                terms.capacity = 3;
                price_at(terms, 0);
            });
            let first = scenario.book(0, IN_34_HOURS);
            let rival = scenario.start_booking(1, IN_34_HOURS);
            scenario.as_client(0, Command::Cancel(first));
            scenario.book(0, IN_34_HOURS);
            scenario.advance(30);
            if let Some(Submission { person, command, .. }) = rival {
                scenario.submit(person, command);
            }
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "reconciliation finds a refund whose webhook was lost",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            scenario.book_and_pay(IN_34_HOURS);
            scenario.set_faults(|faults| faults.lost_webhook = 10_000);
            scenario.at_gateway(|core, name| {
                gateway::refund_in_dashboard(core, name, 20);
            });
            scenario.advance(3 * HOUR);
            scenario.as_admin(Command::Reconcile);
            scenario.advance(HOUR);
            scenario.as_admin(Command::Reconcile);
            scenario.expect_all("the ledger has the refund from the books", |known| {
                Totals::of(&known.movements).refunded > 0
            });
            scenario.set_faults(|faults| faults.lost_webhook = 0);
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "an expert changes and retires a session type",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            scenario.book_and_pay(IN_34_HOURS);
            let Some((expert, session_type, mut terms, rules)) = scenario.offered() else { return };
            price_at(&mut terms, 9_000);
            scenario.as_expert(Command::ReplaceSessionType(session_type, Box::new(terms)));
            scenario.as_expert(Command::ReplaceAvailability(Box::new(rules)));
            scenario.as_admin(Command::SetExpertTerms(expert, domain::Rate::from_basis_points(1_500).ok()));
            scenario.book_and_pay(IN_34_HOURS + 2 * HOUR);
            scenario.as_expert(Command::RetireSessionType(session_type));
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "an expert changes the hourly rate, and is booked at the current one",
        run: |scenario| {
            scenario.offer_at_rate(Some(euros(8_000)), |terms| {
                terms.durations = vec![SessionDuration { minutes: 45, price: None }];
            });
            for (number, cents) in [9_990, 7_777, 5_000, 8_050].into_iter().enumerate() {
                scenario.as_expert(Command::SetHourlyRate(Some(euros(cents))));
                scenario.advance_briefly();
                scenario.book_and_pay(IN_34_HOURS + i64::try_from(number).unwrap_or(0) * HOUR);
            }
            scenario.as_expert(Command::SetHourlyRate(None));
            scenario.book(1, IN_34_HOURS + 5 * HOUR);
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "an expert lowers the hourly rate, and a client reschedules at the current price",
        run: |scenario| {
            scenario.offer_at_rate(Some(euros(8_000)), |terms| {
                terms.durations = vec![SessionDuration { minutes: 60, price: None }];
                terms.rescheduling.price = ReschedulePrice::Current;
            });
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_expert(Command::SetHourlyRate(Some(euros(5_000))));
            scenario.advance(HOUR);
            scenario.as_client(0, Command::Reschedule(id, at(IN_34_HOURS + 2 * HOUR)));
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "a part is refunded before the receipt is issued, with a slow table",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            scenario.set_faults(|faults| faults.max_latency = 1_000);
            let id = scenario.book(0, IN_34_HOURS);
            scenario.pay(id, ClientPayment::Now);
            for (amount, key) in [(3_000, "one"), (2_000, "two"), (1_000, "three")] {
                scenario.advance_until_confirmed(id);
                scenario.expert_retries(&Command::Refund(id, euros(amount), key.to_owned()));
            }
            scenario.advance(HOUR);
            scenario.set_faults(|faults| faults.max_latency = 1);
        },
    },
    Flow {
        name: "a session is cancelled for half of the price while its payment is read, with a slow table",
        run: |scenario| {
            scenario.offer(half_until_a_day_before);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.set_faults(|faults| faults.max_latency = 1_000);
            for _ in 0..4 {
                scenario.at_gateway(gateway::resend_webhook);
            }
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance(HOUR);
            scenario.set_faults(|faults| faults.max_latency = 1);
        },
    },
    Flow {
        name: "parts are refunded while the payment is read, with a slow table",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.set_faults(|faults| faults.max_latency = 1_000);
            for number in 1..=8 {
                scenario.as_expert(Command::Refund(id, euros(500), number.to_string()));
                scenario.at_gateway(gateway::resend_webhook);
                scenario.at_gateway(gateway::resend_webhook);
                scenario.advance(60);
            }
            scenario.set_faults(|faults| faults.max_latency = 1);
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "parts are refunded while receipts are issued, with a slow table",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.set_faults(|faults| {
                (faults.max_latency, faults.duplicate_delivery, faults.max_delivery_delay) =
                    (1_000, 10_000, 8_000);
            });
            for number in 1..=4 {
                scenario.as_expert(Command::Refund(id, euros(100), number.to_string()));
                scenario.advance(5);
            }
            scenario.set_faults(|faults| {
                (faults.max_latency, faults.duplicate_delivery, faults.max_delivery_delay) = (1, 0, 1);
            });
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "two sessions of an expert are paid at once, with a slow table",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let ids = [scenario.book(0, IN_34_HOURS), scenario.book(1, IN_34_HOURS + 2 * HOUR)];
            scenario.set_faults(|faults| faults.max_latency = 1_000);
            for id in ids {
                scenario.pay(id, ClientPayment::Now);
            }
            scenario.advance(HOUR);
            scenario.set_faults(|faults| faults.max_latency = 1);
        },
    },
    Flow {
        name: "exchange rates are fetched, and a session is paid in another currency",
        run: |scenario| {
            scenario.offer(|terms| terms.presentment_currencies = other_currencies());
            scenario.as_admin(Command::FetchExchangeRates);
            scenario.pay_in = other_currencies().first().copied();
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance(DAY);
            scenario.as_admin(Command::FetchExchangeRates);
            scenario.as_expert(Command::Cancel(id));
            scenario.advance(HOUR);
        },
    },
    Flow {
        name: "an expert completes onboarding and is booked",
        run: |scenario| {
            scenario.offer_without_account();
            scenario.as_expert(Command::StartOnboarding);
            scenario.advance(60);
            let accounts: Vec<String> =
                scenario.simulation.shared.lock().gateway.accounts.keys().cloned().collect();
            for account in accounts {
                gateway::restrict(&mut scenario.simulation.shared.lock(), &account, true);
            }
            scenario.advance(1_800);
            scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "a part is refunded before an authorization is captured",
        run: |scenario| {
            scenario.offer_authorize_then_capture(unchanged_terms);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.expert_retries(&Command::Refund(id, euros(3_000), "one".to_owned()));
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "a part is refunded before a saved card is charged",
        run: |scenario| {
            scenario.offer_authorize_then_capture(unchanged_terms);
            let id = scenario.book_and_pay(IN_THREE_WEEKS);
            scenario.expert_retries(&Command::Refund(id, euros(3_000), "one".to_owned()));
            scenario.advance_to(IN_THREE_WEEKS + 3 * DAY);
        },
    },
    Flow {
        name: "a paid seat moves to another group session",
        run: |scenario| {
            scenario.offer(|terms| terms.capacity = 3);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.book(1, IN_34_HOURS + 2 * HOUR);
            scenario.as_client(0, Command::Reschedule(id, at(IN_34_HOURS + 2 * HOUR)));
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "an expert reduces the capacity of a group session",
        run: |scenario| {
            scenario.offer(|terms| {
                terms.capacity = 3;
                price_at(terms, 0);
            });
            scenario.book(0, IN_34_HOURS);
            let Some((_, session_type, mut terms, _)) = scenario.offered() else { return };
            terms.capacity = 1;
            scenario.as_expert(Command::ReplaceSessionType(session_type, Box::new(terms)));
            scenario.advance(60);
            scenario.book(1, IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "a client reschedules and keeps the only place of an expert",
        run: |scenario| {
            scenario.offer_with_capacity(1);
            scenario.book(0, IN_34_HOURS);
            scenario.advance(HOUR);
            let id = scenario.book(0, IN_34_HOURS + 2 * HOUR);
            scenario.as_client(0, Command::Reschedule(id, at(IN_34_HOURS + 2 * DAY)));
            scenario.book(0, IN_34_HOURS + 2 * HOUR);
            scenario.advance_to(IN_34_HOURS + 4 * HOUR);
            // Refused, as long as the other client has an appointment.
            scenario.book(1, IN_34_HOURS + DAY);
            scenario.as_client(0, Command::Cancel(id));
            scenario.advance(HOUR);
            scenario.book(1, IN_34_HOURS + DAY);
            scenario.advance_to(IN_34_HOURS + 4 * DAY);
        },
    },
    Flow {
        name: "a client cancels holds instead of paying",
        run: |scenario| {
            scenario.simulation.limit_bookings(BookingLimits {
                open_holds: 3,
                open_holds_per_expert: 3,
                ..BookingLimits::default()
            });
            scenario.offer(unchanged_terms);
            for hours in [0, 2] {
                let id = scenario.book(0, IN_34_HOURS + hours * HOUR);
                scenario.as_client(0, Command::Cancel(id));
                scenario.advance(60);
            }
            // Refused until ten minutes after the second cancellation.
            scenario.book(0, IN_34_HOURS + 4 * HOUR);
            scenario.advance(HOUR);
            scenario.book_and_pay(IN_34_HOURS + 6 * HOUR);
            scenario.advance_to(IN_34_HOURS + 4 * DAY);
        },
    },
    Flow {
        name: "a client cancels beyond the budget of the expert",
        run: |scenario| {
            scenario.simulation.limit_refunds(RefundBudgets { per_client: 35, per_expert: 1 });
            scenario.offer(unchanged_terms);
            for hours in [0, 2, 4] {
                let id = scenario.book_and_pay(IN_34_HOURS + hours * HOUR);
                scenario.as_client(0, Command::CancelAsQuoted(id));
                scenario.advance(HOUR);
            }
        },
    },
    Flow {
        name: "an expert cancels beyond their budget, and is paused",
        run: |scenario| {
            scenario.simulation.limit_refunds(RefundBudgets { per_client: 35, per_expert: 1 });
            scenario.offer(unchanged_terms);
            for hours in [0, 2, 4, 6] {
                let id = scenario.book_and_pay(IN_34_HOURS + hours * HOUR);
                scenario.as_expert(Command::Cancel(id));
                scenario.advance(HOUR);
            }
        },
    },
    Flow {
        name: "an expert repays a cost, and then refunds the share of which it was withheld",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let cancelled = scenario.book_and_pay(IN_34_HOURS);
            scenario.as_expert(Command::Cancel(cancelled));
            let id = scenario.book_and_pay(IN_34_HOURS + 2 * HOUR);
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
            scenario.as_expert(Command::Refund(id, euros(8_000), "all".to_owned()));
            scenario.advance(DAY);
        },
    },
    Flow {
        name: "an expert takes the money off their account, and refunds the session",
        run: |scenario| {
            offer_held(scenario);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
            scenario.empty_accounts();
            scenario.as_expert(Command::Refund(id, euros(8_000), "all".to_owned()));
            scenario.advance(DAY);
            scenario
                .expect_all("the client gets nothing before the expert has returned their share", |known| {
                    Totals::of(&known.movements).refunded == 0
                });
        },
    },
    Flow {
        name: "an expert takes the money off their account, refunds the session, and earns the share again",
        run: |scenario| {
            offer_held(scenario);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
            scenario.empty_accounts();
            scenario.as_expert(Command::Refund(id, euros(4_000), "half".to_owned()));
            scenario.advance(DAY);
            scenario.book_and_pay(IN_34_HOURS + 5 * DAY);
            scenario.advance_to(IN_34_HOURS + 8 * DAY);
            scenario.expect_all("the client gets the refund once the expert has the share again", |known| {
                known.appointment.start != at(IN_34_HOURS) || Totals::of(&known.movements).refunded == 4_000
            });
        },
    },
    Flow {
        name: "an expert who is paid at once takes the money off their account, cancels, and repays the share",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.empty_accounts();
            scenario.as_expert(Command::Cancel(id));
            scenario.advance(DAY);
            scenario.expect_all("the client gets everything, and the expert owes their share", |known| {
                let owed = known.payment.as_ref().and_then(|payment| payment.share_owed);
                Totals::of(&known.movements).refunded == 8_000 && owed == Some(euros(7_200))
            });
            scenario.book_and_pay(IN_34_HOURS + 2 * DAY);
            scenario.advance_to(IN_34_HOURS + 5 * DAY);
        },
    },
    Flow {
        name: "an expert without money lowers the charge of a disputed session, and the bank returns the money",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.empty_accounts();
            scenario.at_gateway(|core, name| {
                gateway::open_dispute(core, name, 100);
            });
            scenario.advance_to(IN_34_HOURS + 2 * HOUR);
            scenario.as_expert(Command::EndSession(id, Outcome::Completed, Some(euros(5_000))));
            scenario.advance(HOUR);
            scenario.at_gateway(|core, name| gateway::close_dispute(core, name, 0, 100));
            scenario.advance(HOUR);
            scenario.expect_all("the client waits until the expert has returned the share", |known| {
                let owed = known.payment.as_ref().and_then(|payment| payment.share_owed);
                Totals::of(&known.movements).refunded == 0 && owed.is_none()
            });
            scenario.book_and_pay(IN_34_HOURS + 5 * DAY);
            scenario.advance_to(IN_34_HOURS + 8 * DAY);
            scenario.expect_all("the client gets the refund once the expert has the share again", |known| {
                known.appointment.start != at(IN_34_HOURS) || Totals::of(&known.movements).refunded == 3_000
            });
        },
    },
    Flow {
        name: "a transfer is settled outside the gateway, and a dispute is lost",
        run: |scenario| {
            offer_held(scenario);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.simulation.shared.lock().gateway.refuse(id, OrderKind::Transfer);
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
            scenario.as_admin(Command::ResolveEscalation(id, Resolution::ResolvedManually));
            scenario.advance(HOUR);
            scenario.at_gateway(|core, name| {
                gateway::open_dispute(core, name, 100);
            });
            scenario.advance(2 * DAY);
            scenario.at_gateway(|core, name| gateway::close_dispute(core, name, 0, 0));
            scenario.advance(DAY);
            scenario.expect_all("the expert owes what they were paid", |known| {
                known.payment.as_ref().and_then(|payment| payment.share_owed) == Some(euros(7_200))
            });
        },
    },
    Flow {
        name: "a client books one expert as often as the limits allow",
        run: |scenario| {
            scenario
                .simulation
                .limit_bookings(BookingLimits { priced_bookings_per_expert: 2, ..BookingLimits::default() });
            scenario.offer(unchanged_terms);
            for hours in [0, 2, 4] {
                scenario.book_and_pay(IN_34_HOURS + hours * HOUR);
            }
        },
    },
    Flow {
        name: "a client who pays later books another session",
        run: |scenario| {
            scenario.simulation.limit_bookings(BookingLimits {
                unpaid_appointments_per_expert: 1,
                ..BookingLimits::default()
            });
            scenario.offer_authorize_then_capture(unchanged_terms);
            let id = scenario.book_and_pay(IN_THREE_WEEKS);
            // Refused, as long as the first session is not paid.
            scenario.book(0, IN_THREE_WEEKS + DAY);
            scenario.as_client(0, Command::Reschedule(id, at(IN_THREE_WEEKS + 2 * DAY)));
            scenario.advance(HOUR);
            scenario.book(0, IN_THREE_WEEKS + DAY);
            scenario.advance_to(IN_THREE_WEEKS + 5 * DAY);
        },
    },
    Flow {
        name: "a client moves a session to the time of another one",
        run: |scenario| {
            let free = || {
                let mut terms = plain_terms(Currency::EUR);
                price_at(&mut terms, 0);
                vec![terms]
            };
            let other = add_expert(&mut scenario.simulation, "Europe/Berlin", free(), false, |_| ());
            scenario.offer(|terms| price_at(terms, 0));
            // The second client allows no overlap.
            scenario.book_with(&other, 1, IN_34_HOURS);
            scenario.advance(HOUR);
            let id = scenario.book(1, IN_34_HOURS + 2 * HOUR);
            scenario.as_client(1, Command::Reschedule(id, at(IN_34_HOURS)));
            scenario.as_client(1, Command::Reschedule(id, at(IN_34_HOURS + HOUR)));
            scenario.advance_to(IN_34_HOURS + 4 * DAY);
        },
    },
    Flow {
        name: "a client accepts the time of another session of theirs",
        run: |scenario| {
            let free = || {
                let mut terms = plain_terms(Currency::EUR);
                price_at(&mut terms, 0);
                vec![terms]
            };
            let other = add_expert(&mut scenario.simulation, "Europe/Berlin", free(), false, |_| ());
            scenario.offer(|terms| price_at(terms, 0));
            scenario.book_with(&other, 1, IN_34_HOURS);
            scenario.advance(HOUR);
            let id = scenario.book(1, IN_34_HOURS + 2 * HOUR);
            scenario.as_expert(Command::Propose(id, vec![at(IN_34_HOURS), at(IN_34_HOURS + HOUR)]));
            scenario.as_client(1, Command::AcceptProposal(id, 0));
            scenario.as_client(1, Command::AcceptProposal(id, 1));
            scenario.advance_to(IN_34_HOURS + 4 * DAY);
        },
    },
    Flow {
        name: "a client reports that they missed a session",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 60);
            scenario.as_client(0, Command::EndSession(id, CLIENT_NO_SHOW, None));
            scenario.advance(2 * DAY);
        },
    },
    Flow {
        name: "a client reports that they missed a session, and would get a part back",
        run: |scenario| {
            scenario.offer(half_until_a_day_before);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 60);
            // Refused, until the expert says so.
            scenario.as_client(0, Command::EndSession(id, CLIENT_NO_SHOW, None));
            scenario.advance(HOUR / 2);
            scenario.as_expert(Command::EndSession(id, CLIENT_NO_SHOW, None));
            scenario.advance(60);
            scenario.as_client(0, Command::EndSession(id, CLIENT_NO_SHOW, None));
            scenario.advance(2 * DAY);
        },
    },
    Flow {
        name: "the parties are notified of a report late, and of the decision about it later",
        run: |scenario| {
            scenario.offer(unchanged_terms);
            let id = scenario.book_and_pay(IN_34_HOURS);
            scenario.advance_to(IN_34_HOURS + 2 * HOUR);
            scenario.hold_messages_until(IN_34_HOURS + 2 * HOUR + 1_200);
            scenario.as_expert(Command::EndSession(id, CLIENT_NO_SHOW, None));
            scenario.advance(60);
            // The client contradicts before the job has notified them of the report.
            scenario.as_client(0, Command::EndSession(id, EXPERT_NO_SHOW, None));
            scenario.advance_to(IN_34_HOURS + 2 * HOUR + 600);
            scenario.hold_messages_until(IN_34_HOURS + 2 * HOUR + 2_400);
            scenario.as_admin(Command::EndSession(id, CLIENT_NO_SHOW, None));
            scenario.advance_to(IN_34_HOURS + 3 * DAY);
        },
    },
    Flow {
        name: "an expert misses three sessions and is warned",
        run: |scenario| {
            scenario.simulation.app.settings.reliability.warning = 2;
            scenario.offer(unchanged_terms);
            // Each of the two clients counts once.
            let booked = [(0, 0), (1, 2), (0, 4)].map(|(client, hours)| {
                let id = scenario.book(client, IN_34_HOURS + hours * HOUR);
                scenario.advance(60);
                scenario.pay(id, ClientPayment::Now);
                scenario.advance_until_confirmed(id);
                id
            });
            scenario.advance_to(IN_34_HOURS + 5 * HOUR);
            for id in booked {
                scenario.as_expert(Command::EndSession(id, EXPERT_NO_SHOW, None));
            }
            scenario.advance(2 * DAY);
        },
    },
    Flow {
        name: "the platform suspends a client, and an administrator lifts the suspension",
        run: |scenario| {
            let rules = ReliabilityRules { warning: 2, suspension: Some(3), ..ReliabilityRules::default() };
            scenario.simulation.app.settings.reliability = rules;
            // Each expert counts once.
            let booked = [0, 2, 4].map(|hours| {
                scenario.offer(|terms| price_at(terms, 0));
                scenario.book(0, IN_34_HOURS + hours * HOUR)
            });
            scenario.advance_to(IN_34_HOURS - 10 * HOUR);
            for id in booked {
                scenario.as_client(0, Command::Cancel(id));
                scenario.advance(60);
            }
            scenario.advance(HOUR);
            // Refused.
            scenario.book(0, IN_34_HOURS + DAY);
            scenario.lift_suspension(0);
            scenario.advance(HOUR);
            let id = scenario.book(0, IN_34_HOURS + DAY + 2 * HOUR);
            // A move is no incident that has consequences.
            scenario.as_client(0, Command::Reschedule(id, at(IN_34_HOURS + DAY + 4 * HOUR)));
            scenario.advance(HOUR);
            scenario.book(0, IN_34_HOURS + DAY + 6 * HOUR);
            scenario.advance_to(IN_34_HOURS + 4 * DAY);
        },
    },
];
