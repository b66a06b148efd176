//! Payments: cards that are charged, authorized, saved or declined.

use domain::kernel::time::{DAY, HOUR};
use domain::payments::payment::OrderKind;
use domain::scheduling::appointment::{Outcome, Status};

use super::Flow;
use super::scenario::{IN_34_HOURS, euros};
use super::steps::{IN_THREE_WEEKS, price_at, unchanged_terms};
use crate::actors::{Command, Resolution};
use crate::gateway::ClientPayment;

/// The flows.
pub(super) const FLOWS: &[Flow] = &[
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
];
