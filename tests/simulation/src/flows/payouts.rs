//! Payouts: the experts' shares, and what experts owe.

use domain::kernel::time::{DAY, HOUR};
use domain::payments::ledger::Totals;
use domain::scheduling::appointment::Outcome;

use super::Flow;
use super::scenario::{IN_34_HOURS, at, euros};
use super::steps::{EXPERT_NO_SHOW, offer_held, offer_released, unchanged_terms};
use crate::actors::Command;
use crate::gateway;

/// The flows.
pub(super) const FLOWS: &[Flow] = &[
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
];
