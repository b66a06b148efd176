//! Moves and proposals.

use domain::experts::duration::SessionDuration;
use domain::experts::policy::{Percent, ReschedulePrice, Tier};
use domain::kernel::time::{DAY, HOUR};
use domain::{AppointmentId, Currency};

use super::Flow;
use super::scenario::{IN_34_HOURS, at, euros};
use super::steps::{half_until_a_day_before, price_at};
use crate::actors::Command;
use crate::population::{add_expert, plain_terms};

/// The flows.
pub(super) const FLOWS: &[Flow] = &[
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
];
