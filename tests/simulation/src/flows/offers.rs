//! What experts offer: their accounts, session types and prices.

use domain::experts::duration::SessionDuration;
use domain::kernel::time::{DAY, HOUR};

use super::Flow;
use super::scenario::{IN_34_HOURS, euros};
use super::steps::{IN_THREE_WEEKS, price_at, unchanged_terms};
use crate::actors::Command;
use crate::exchange_rates::other_currencies;
use crate::gateway;

/// The flows.
pub(super) const FLOWS: &[Flow] = &[
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
];
