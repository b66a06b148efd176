//! The flows that are told.

use crate::people::How;
use domain::experts::policy::{CancellationPolicy, Percent, Tier};
use domain::experts::session_type::SessionTypeTerms;
use domain::kernel::time::{DAY, HOUR};
use domain::payments::ledger::Totals;
use domain::payments::payment::OrderKind;
use domain::scheduling::appointment::Outcome;
use domain::scheduling::party::Party;

use super::Flow;
use super::story::{Story, TOMORROW, at, euros};
use crate::gateway::{self, Pays};
use crate::people::{Ask, Asked};
use crate::rates::others;

/// Far enough ahead that no authorisation spans it.
const FAR: i64 = 20 * DAY + 10 * HOUR;
const ABSENT: Outcome = Outcome::NoShow { missed_by: Party::Expert };

fn half_until_a_day_before(terms: &mut SessionTypeTerms) {
    let refund_percent = Percent::new(50).unwrap_or(Percent::NOTHING);
    terms.cancellation = CancellationPolicy {
        tiers: vec![Tier { until_hours_before: 24, refund_percent }],
        grace_minutes: 0,
        no_show_refund_percent: refund_percent,
    };
}

fn nothing_changes(_: &mut SessionTypeTerms) {}

fn cancelled_and_refused(story: &mut Story, decision: How) {
    story.offer(nothing_changes);
    let id = story.paid(TOMORROW);
    story.weather(|weather| weather.refund_fails = 10_000);
    story.as_client(0, Ask::Cancel(id));
    story.pass(HOUR);
    story.weather(|weather| weather.refund_fails = 0);
    story.pass(4 * DAY);
    story.as_admin(Ask::Decide(id, decision));
    story.pass(HOUR);
}

fn disputed(story: &mut Story, percent: u64) {
    story.offer(nothing_changes);
    story.paid(TOMORROW);
    story.pass_until(TOMORROW + 3 * DAY);
    story.at_gateway(|core, name| {
        gateway::opens_dispute(core, name, 100);
    });
    story.pass(2 * DAY);
    story.at_gateway(|core, name| gateway::dispute_ends(core, name, 0, percent));
    story.pass(DAY);
}

fn contested(story: &mut Story, outcome: Outcome) {
    story.offer(nothing_changes);
    let id = story.paid(TOMORROW);
    story.pass_until(TOMORROW + HOUR / 2);
    story.as_client(0, Ask::End(id, ABSENT, None));
    story.pass(HOUR);
    story.as_expert(Ask::End(id, Outcome::Completed, None));
    story.pass(HOUR);
    story.as_admin(Ask::End(id, outcome, None));
    story.pass(HOUR);
}

/// Every flow.
pub const FLOWS: &[Flow] = &[
    Flow {
        name: "a free session is booked and takes place",
        tell: |story| {
            story.offer(|terms| terms.price = euros(0));
            story.book(0, TOMORROW);
            story.pass_until(TOMORROW + 3 * DAY);
        },
    },
    Flow {
        name: "a session is paid and takes place",
        tell: |story| {
            story.offer(nothing_changes);
            story.paid(TOMORROW);
            story.pass_until(TOMORROW + 3 * DAY);
        },
    },
    Flow {
        name: "nobody pays",
        tell: |story| {
            story.offer(nothing_changes);
            story.book(0, TOMORROW);
            story.pass(HOUR);
        },
    },
    Flow {
        name: "a card is declined, and the next one is not",
        tell: |story| {
            story.offer(nothing_changes);
            let id = story.book(0, TOMORROW);
            story.pay(id, Pays::Declined);
            story.pass(60);
            story.pay(id, Pays::Now);
            story.pass(HOUR);
        },
    },
    Flow {
        name: "a payment is never told of",
        tell: |story| {
            story.offer(nothing_changes);
            let id = story.book(0, TOMORROW);
            story.weather(|weather| weather.webhook_lost = 10_000);
            story.pay(id, Pays::Now);
            story.pass(HOUR);
            story.weather(|weather| weather.webhook_lost = 0);
        },
    },
    Flow {
        name: "a bank debit takes days",
        tell: |story| {
            story.offer(nothing_changes);
            let id = story.book(0, 6 * DAY);
            story.pay(id, Pays::Slowly);
            story.pass(4 * DAY);
        },
    },
    Flow {
        name: "money is set aside, and taken after the session",
        tell: |story| {
            story.offer_set_aside(nothing_changes);
            let id = story.paid(TOMORROW);
            story.pass_until(TOMORROW + 2 * HOUR);
            story.as_expert(Ask::End(id, Outcome::Completed, None));
            story.pass(HOUR);
        },
    },
    Flow {
        name: "less is taken than was set aside",
        tell: |story| {
            story.offer_set_aside(nothing_changes);
            let id = story.paid(TOMORROW);
            story.pass_until(TOMORROW + 2 * HOUR);
            story.as_expert(Ask::End(id, Outcome::Completed, Some(euros(5_000))));
            story.pass(HOUR);
        },
    },
    Flow {
        name: "a saved card is asked near the time",
        tell: |story| {
            story.offer_set_aside(nothing_changes);
            story.paid(FAR);
            story.pass_until(FAR + 3 * DAY);
        },
    },
    Flow {
        name: "a saved card fails, and its owner pays anew",
        tell: |story| {
            story.offer_set_aside(nothing_changes);
            let id = story.paid(FAR);
            story.weather(|weather| weather.decline = 10_000);
            story.pass_until(FAR - 4 * DAY);
            story.weather(|weather| weather.decline = 0);
            story.pay_anew(id, Pays::Now);
            story.pass_until(FAR + 3 * DAY);
        },
    },
    Flow {
        name: "a saved card fails, and its owner does nothing",
        tell: |story| {
            story.offer_set_aside(nothing_changes);
            story.paid(FAR);
            story.weather(|weather| weather.decline = 10_000);
            story.pass_until(FAR + 3 * DAY);
            story.weather(|weather| weather.decline = 0);
        },
    },
    Flow {
        name: "its client calls a paid session off, and gets half of it back",
        tell: |story| {
            story.offer(half_until_a_day_before);
            let id = story.paid(TOMORROW);
            story.as_client(0, Ask::Cancel(id));
            story.pass(HOUR);
        },
    },
    Flow {
        name: "its expert calls a paid session off",
        tell: |story| {
            story.offer(half_until_a_day_before);
            let id = story.paid(TOMORROW);
            story.as_expert(Ask::Cancel(id));
            story.pass(HOUR);
        },
    },
    Flow {
        name: "its client calls a hold off",
        tell: |story| {
            story.offer(nothing_changes);
            let id = story.book(0, TOMORROW);
            story.as_client(0, Ask::Cancel(id));
            story.pass(HOUR);
        },
    },
    Flow {
        name: "half of what is set aside is taken for a session that is called off",
        tell: |story| {
            story.offer_set_aside(half_until_a_day_before);
            let id = story.paid(TOMORROW);
            story.as_client(0, Ask::Cancel(id));
            story.pass(HOUR);
        },
    },
    Flow {
        name: "a saved card is asked for half of a session that is called off",
        tell: |story| {
            story.offer_set_aside(half_until_a_day_before);
            let id = story.paid(FAR);
            story.as_client(0, Ask::Cancel(id));
            story.pass(HOUR);
        },
    },
    Flow {
        name: "a session is moved over midnight",
        tell: |story| {
            story.offer(|terms| (terms.buffer_before_minutes, terms.buffer_after_minutes) = (30, 60));
            let id = story.paid(TOMORROW);
            story.as_client(0, Ask::Reschedule(id, at(2 * DAY + 23 * HOUR)));
            story.pass(HOUR);
            story.as_expert(Ask::Reschedule(id, at(3 * DAY)));
            story.pass(5 * DAY);
        },
    },
    Flow {
        name: "both move a session at the same moment, again and again",
        tell: |story| {
            story.offer(|terms| (terms.buffer_before_minutes, terms.buffer_after_minutes) = (30, 60));
            let id = story.paid(TOMORROW);
            story.weather(|weather| weather.slow = 1_000);
            for hours in 1..8 {
                story.client_begins(0, Ask::Reschedule(id, at(TOMORROW + 2 * hours * HOUR)));
                story.as_expert(Ask::Reschedule(id, at(TOMORROW + (2 * hours + 1) * HOUR)));
            }
            story.pass(60);
            story.weather(|weather| weather.slow = 1);
            story.as_client(0, Ask::Reschedule(id, at(TOMORROW + 20 * HOUR)));
            story.pass(HOUR);
        },
    },
    Flow {
        name: "its expert gives a part back",
        tell: |story| {
            story.offer(nothing_changes);
            let id = story.paid(TOMORROW);
            story.as_expert(Ask::Refund(id, euros(3_000), "one".to_owned()));
            story.pass(HOUR);
            story.as_expert(Ask::Refund(id, euros(500), "two".to_owned()));
            story.pass_until(TOMORROW + 3 * DAY);
        },
    },
    Flow {
        name: "a refund fails, and is tried again",
        tell: |story| cancelled_and_refused(story, How::TryAgain),
    },
    Flow {
        name: "a refund fails, and is settled by hand",
        tell: |story| cancelled_and_refused(story, How::ResolvedManually),
    },
    Flow { name: "a dispute is won", tell: |story| disputed(story, 100) },
    Flow { name: "a dispute is lost", tell: |story| disputed(story, 0) },
    Flow { name: "a part of a dispute is won", tell: |story| disputed(story, 40) },
    Flow {
        name: "a client does not come",
        tell: |story| {
            story.offer(half_until_a_day_before);
            let id = story.paid(TOMORROW);
            story.pass_until(TOMORROW + HOUR / 2);
            story.as_expert(Ask::End(id, Outcome::NoShow { missed_by: Party::Client }, None));
            story.pass(2 * DAY);
        },
    },
    Flow {
        name: "a client reports that the expert did not come, and nobody objects",
        tell: |story| {
            story.offer(nothing_changes);
            let id = story.paid(TOMORROW);
            story.pass_until(TOMORROW + HOUR / 2);
            story.as_client(0, Ask::End(id, ABSENT, None));
            story.pass(2 * DAY);
        },
    },
    Flow {
        name: "a report is contested, and decided for the client",
        tell: |story| contested(story, ABSENT),
    },
    Flow {
        name: "a report is contested, and decided for the expert",
        tell: |story| contested(story, Outcome::Completed),
    },
    Flow {
        name: "two share a group session, and one of them leaves",
        tell: |story| {
            story.offer(|terms| terms.capacity = 3);
            let first = story.paid(TOMORROW);
            let second = story.book(1, TOMORROW);
            story.pay(second, Pays::Now);
            story.pass(HOUR);
            story.as_client(0, Ask::Cancel(first));
            story.pass(HOUR);
        },
    },
    Flow {
        name: "a hold whose time is over is taken over",
        tell: |story| {
            story.offer(nothing_changes);
            story.book(0, TOMORROW);
            story.pass(601);
            let second = story.book(1, TOMORROW);
            story.pass(30);
            story.pay(second, Pays::Now);
            story.pass(HOUR);
        },
    },
    Flow {
        name: "an account is opened, stopped and read again",
        tell: |story| {
            story.offer(nothing_changes);
            story.as_expert(Ask::Onboard);
            let accounts: Vec<String> =
                story.simulation.shared.lock().gateway.accounts.keys().cloned().collect();
            for account in accounts {
                gateway::restrict(&mut story.simulation.shared.lock(), &account, false);
                story.pass(60);
                gateway::restrict(&mut story.simulation.shared.lock(), &account, true);
            }
            story.pass(60);
            story.as_expert(Ask::Connection);
        },
    },
    Flow {
        name: "an expert is paid out",
        tell: |story| {
            story.offer(nothing_changes);
            story.paid(TOMORROW);
            let accounts: Vec<String> =
                story.simulation.shared.lock().gateway.accounts.keys().cloned().collect();
            for account in accounts {
                gateway::payout(&mut story.simulation.shared.lock(), &account);
                story.pass(60);
                gateway::payout(&mut story.simulation.shared.lock(), &account);
            }
            story.pass(2 * DAY);
        },
    },
    Flow {
        name: "the gateway refuses to take what is set aside, until somebody decides",
        tell: |story| {
            story.offer_set_aside(nothing_changes);
            let id = story.paid(TOMORROW);
            story.simulation.shared.lock().gateway.refuse(id, OrderKind::Capture);
            story.pass_until(TOMORROW + 2 * HOUR);
            story.as_expert(Ask::End(id, Outcome::Completed, None));
            story.pass(HOUR);
            story.simulation.shared.lock().gateway.refuse_nothing();
            story.as_admin(Ask::Decide(id, How::TryAgain));
            story.pass(HOUR);
        },
    },
    Flow {
        name: "a saved card is asked, and half of the session is called off meanwhile",
        tell: |story| {
            story.offer_set_aside(half_until_a_day_before);
            let id = story.paid(FAR);
            story.pass_until_asked(id);
            story.as_client(0, Ask::Cancel(id));
            story.pass(HOUR);
        },
    },
    Flow {
        name: "a group session ends and begins anew while somebody joins it",
        tell: |story| {
            story.offer(|terms| (terms.capacity, terms.price) = (3, euros(0)));
            let first = story.book(0, TOMORROW);
            let rival = story.begin_to_book(1, TOMORROW);
            story.as_client(0, Ask::Cancel(first));
            story.book(0, TOMORROW);
            story.pass(30);
            if let Some(Asked { person, ask, .. }) = rival {
                story.ask(person, ask);
            }
            story.pass_until(TOMORROW + 3 * DAY);
        },
    },
    Flow {
        name: "the books are compared, and show what no message told of",
        tell: |story| {
            story.offer(nothing_changes);
            story.paid(TOMORROW);
            story.weather(|weather| weather.webhook_lost = 10_000);
            story.at_gateway(|core, name| {
                gateway::somebody_refunds(core, name, 20);
            });
            story.pass(3 * HOUR);
            story.as_admin(Ask::Reconcile);
            story.pass(HOUR);
            story.as_admin(Ask::Reconcile);
            story.must("the books show what nobody told of", |known| {
                Totals::of(&known.movements).refunded > 0
            });
            story.weather(|weather| weather.webhook_lost = 0);
            story.pass(HOUR);
        },
    },
    Flow {
        name: "an expert changes what they offer, and withdraws it",
        tell: |story| {
            story.offer(nothing_changes);
            story.paid(TOMORROW);
            let Some((expert, session_type, mut terms, rules)) = story.offered() else { return };
            terms.price = euros(9_000);
            story.as_expert(Ask::Edit(session_type, Box::new(terms)));
            story.as_expert(Ask::Hours(Box::new(rules)));
            story.as_admin(Ask::Fee(expert, domain::Rate::from_basis_points(1_500).ok()));
            story.paid(TOMORROW + 2 * HOUR);
            story.as_expert(Ask::Retire(session_type));
            story.pass_until(TOMORROW + 3 * DAY);
        },
    },
    Flow {
        name: "the table is slow, and a part is given back before the receipt is issued",
        tell: |story| {
            story.offer(nothing_changes);
            story.weather(|weather| weather.slow = 1_000);
            let id = story.book(0, TOMORROW);
            story.pay(id, Pays::Now);
            for (amount, key) in [(3_000, "one"), (2_000, "two"), (1_000, "three")] {
                story.pass_until_confirmed(id);
                story.expert_insists(&Ask::Refund(id, euros(amount), key.to_owned()));
            }
            story.pass(HOUR);
            story.weather(|weather| weather.slow = 1);
        },
    },
    Flow {
        name: "the table is slow, and half of a session is called off while its payment is fetched at",
        tell: |story| {
            story.offer(half_until_a_day_before);
            let id = story.paid(TOMORROW);
            story.weather(|weather| weather.slow = 1_000);
            for _ in 0..4 {
                story.at_gateway(gateway::says_again);
            }
            story.as_client(0, Ask::Cancel(id));
            story.pass(HOUR);
            story.weather(|weather| weather.slow = 1);
        },
    },
    Flow {
        name: "exchange rates are fetched, and a session is paid in another currency",
        tell: |story| {
            story.offer(|terms| terms.presentment_currencies = others());
            story.as_admin(Ask::Rates);
            story.pay_in = others().first().copied();
            let id = story.paid(TOMORROW);
            story.pass(DAY);
            story.as_admin(Ask::Rates);
            story.as_expert(Ask::Cancel(id));
            story.pass(HOUR);
        },
    },
    Flow {
        name: "an expert opens an account, and is booked once it can be paid",
        tell: |story| {
            story.offer_without_account();
            story.as_expert(Ask::Onboard);
            story.pass(60);
            let accounts: Vec<String> =
                story.simulation.shared.lock().gateway.accounts.keys().cloned().collect();
            for account in accounts {
                gateway::restrict(&mut story.simulation.shared.lock(), &account, true);
            }
            story.pass(1_800);
            story.paid(TOMORROW);
            story.pass_until(TOMORROW + 3 * DAY);
        },
    },
    Flow {
        name: "a part of what is set aside is given back before it is taken",
        tell: |story| {
            story.offer_set_aside(nothing_changes);
            let id = story.paid(TOMORROW);
            story.expert_insists(&Ask::Refund(id, euros(3_000), "one".to_owned()));
            story.pass_until(TOMORROW + 3 * DAY);
        },
    },
    Flow {
        name: "a part of what a saved card owes is given back before it is asked",
        tell: |story| {
            story.offer_set_aside(nothing_changes);
            let id = story.paid(FAR);
            story.expert_insists(&Ask::Refund(id, euros(3_000), "one".to_owned()));
            story.pass_until(FAR + 3 * DAY);
        },
    },
    Flow {
        name: "a paid seat moves to another group session",
        tell: |story| {
            story.offer(|terms| terms.capacity = 3);
            let id = story.paid(TOMORROW);
            story.book(1, TOMORROW + 2 * HOUR);
            story.as_client(0, Ask::Reschedule(id, at(TOMORROW + 2 * HOUR)));
            story.pass_until(TOMORROW + 3 * DAY);
        },
    },
    Flow {
        name: "an expert takes seats off the offer",
        tell: |story| {
            story.offer(|terms| (terms.capacity, terms.price) = (3, euros(0)));
            story.book(0, TOMORROW);
            let Some((_, session_type, mut terms, _)) = story.offered() else { return };
            terms.capacity = 1;
            story.as_expert(Ask::Edit(session_type, Box::new(terms)));
            story.pass(60);
            story.book(1, TOMORROW);
            story.pass_until(TOMORROW + 3 * DAY);
        },
    },
];
