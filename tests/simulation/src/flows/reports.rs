//! Reports of how a session ended, and their consequences.

use domain::kernel::time::{DAY, HOUR};
use domain::scheduling::appointment::Outcome;
use domain::scheduling::party::Party;
use domain::scheduling::reliability::ReliabilityRules;

use super::Flow;
use super::scenario::{IN_34_HOURS, at};
use super::steps::{
    CLIENT_NO_SHOW, EXPERT_NO_SHOW, disputed_report, half_until_a_day_before, offer_held, price_at,
    unchanged_terms,
};
use crate::actors::Command;
use crate::gateway::ClientPayment;

/// The flows.
pub(super) const FLOWS: &[Flow] = &[
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
