//! Cancellations and refunds.

use domain::kernel::time::{DAY, HOUR};
use domain::payments::ledger::Totals;
use domain::payments::refund_costs::RefundBudgets;

use super::Flow;
use super::scenario::{IN_34_HOURS, euros};
use super::steps::{IN_THREE_WEEKS, cancelled_and_refused, half_until_a_day_before, unchanged_terms};
use crate::actors::{Command, Resolution};
use crate::gateway;
use crate::gateway::ClientPayment;

/// The flows.
pub(super) const FLOWS: &[Flow] = &[
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
];
