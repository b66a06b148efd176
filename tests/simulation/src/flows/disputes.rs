//! Disputes.

use domain::kernel::time::{DAY, HOUR};
use domain::payments::ledger::Totals;
use domain::payments::payment::OrderKind;
use domain::scheduling::appointment::Outcome;
use domain::scheduling::party::Party;
use domain::scheduling::reliability::ReliabilityRules;

use super::Flow;
use super::scenario::{IN_34_HOURS, at, euros};
use super::steps::{disputed, offer_held, offer_released, unchanged_terms};
use crate::actors::{Command, Resolution};
use crate::gateway;
use crate::gateway::ClientPayment;

/// The flows.
pub(super) const FLOWS: &[Flow] = &[
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
];
