//! Bookings: holds, limits, group sessions, and many clients at once.

use domain::kernel::time::{DAY, HOUR};
use domain::scheduling::booking_limits::BookingLimits;

use super::Flow;
use super::scenario::{IN_34_HOURS, at};
use super::steps::{IN_THREE_WEEKS, price_at, unchanged_terms};
use crate::actors::{Command, Submission};
use crate::gateway::ClientPayment;

/// The flows.
pub(super) const FLOWS: &[Flow] = &[
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
];
