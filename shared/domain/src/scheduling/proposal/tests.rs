//! Who gains and who loses by a proposal, at every moment.

use proptest::prelude::*;

use super::*;
use crate::experts::policy::Tier;
use crate::kernel::time::DAY;
use crate::scheduling::appointment::Outcome;
use crate::scheduling::cancellation::Basis;
use crate::scheduling::occupancy::tests::{appointment, at};

fn now() -> Timestamp {
    at("2027-03-01T12:00:00Z")
}

fn percent(percent: u8) -> Percent {
    Percent::new(percent).expect("a percentage")
}

fn tier(until_hours_before: u16, refund: u8) -> Tier {
    Tier { until_hours_before, refund_percent: percent(refund) }
}

/// An hour that starts after some hours, with a full refund until 48 hours and a half one until 24 hours before.
fn in_hours(hours: i64) -> Appointment {
    let start = now().plus(hours * HOUR);
    Appointment {
        start,
        end: start.plus(HOUR),
        created_at: now().plus(-DAY),
        cancellation: CancellationPolicy {
            tiers: vec![tier(48, 100), tier(24, 50)],
            ..CancellationPolicy::default()
        },
        ..appointment(1)
    }
}

fn time(hours: i64) -> BookedTime {
    let start = now().plus(hours * HOUR);
    BookedTime {
        start,
        end: start.plus(HOUR),
        buffer_before_minutes: 5,
        buffer_after_minutes: 10,
        group: false,
    }
}

fn propose(appointment: &Appointment, by: Party, hours: &[i64], now: Timestamp) -> Appointment {
    let times: Vec<BookedTime> = hours.iter().map(|hours| time(*hours)).collect();
    let starts: Vec<Timestamp> = times.iter().map(|time| time.start).collect();
    let until = appointment.proposal_expires_at(by, &starts, 0, now);
    appointment
        .proposed(by, times, appointment.price, LongText::default(), until, now)
        .expect("it can be proposed")
}

/// What the client gets back of 50.00 by cancelling, and why.
fn refund(appointment: &Appointment, now: Timestamp) -> (u64, Basis) {
    let quote = appointment.cancellation_quote(Party::Client, now);
    (quote.refund.amount(), quote.basis)
}

#[test]
fn expert_who_proposes_gives_the_client_a_full_refund_unless_they_accept() {
    let appointment = in_hours(10);
    let proposed = propose(&appointment, Party::Expert, &[100, 200], now());
    assert_eq!(refund(&proposed, now()), (0, Basis::TooLate), "an open proposal changes nothing");
    let free = (5_000, Basis::ProposalNotAccepted);
    let declined = proposed.declined(Party::Client, now()).expect("it is open");
    assert_eq!(refund(&declined, now()), free);
    let withdrawn = proposed.withdrawn(Party::Expert, now()).expect("it is open");
    assert_eq!(refund(&withdrawn, now()), free);
    // It expires by time alone, at the start of the session.
    assert_eq!(proposed.moves.proposal.as_ref().expect("it is open").expires_at, appointment.start);
    let soon = propose(&in_hours(60), Party::Expert, &[100], now());
    let end = now().plus(48 * HOUR);
    assert_eq!(refund(&soon, end.plus(-1)), (0, Basis::TooLate));
    assert_eq!(refund(&soon, end), free);
    let expired = soon.proposal_expired(end).expect("its time is over");
    assert_eq!((refund(&expired, end), expired.version), (free, soon.version + 1));
    assert_eq!((soon.proposal_expired(end.plus(-1)), expired.proposal_expired(end)), (None, None));
    let over = soon.ended(Outcome::Completed, None, Party::Expert, soon.end).expect("it is over");
    assert_eq!(over.proposal_expired(soon.end), None, "its version stays the one of its last report");
    // Another proposal takes nothing back.
    let again = propose(&expired, Party::Expert, &[100], end);
    assert_eq!(refund(&again, end), free);
    let again = propose(&expired, Party::Client, &[100], end);
    assert_eq!(refund(&again, end), free);
    // A move ends it.
    let moved = again.accepted(Party::Expert, time(100).start, end).expect("it is open");
    let quote = refund(&moved, time(100).start);
    assert_eq!(quote, (0, Basis::TooLate));
}

#[test]
fn accepted_proposal_of_the_expert_restores_the_agreed_policy() {
    let appointment = in_hours(30);
    let agreed = appointment.cancellation.clone();
    let late = appointment.rescheduled(time(500), appointment.price, now()).expect("the terms allow it");
    assert_eq!(late.cancellation.tiers, [tier(24, 50)]);
    assert_eq!((late.moves_by_client(), late.reschedules), (1, 1));
    let proposed = propose(&late, Party::Expert, &[600, 700], now());
    let accepted = proposed.accepted(Party::Client, time(700).start, now()).expect("it is open");
    assert_eq!((accepted.start, accepted.buffer_before_minutes), (time(700).start, 5));
    assert_eq!(accepted.cancellation, agreed);
    assert_eq!((accepted.moves_by_client(), accepted.reschedules), (1, 2));
    assert_eq!(accepted.moves.agreed_cancellation, None);
    assert!(accepted.proposed_times().is_empty());
}

#[test]
fn accepted_proposal_of_the_client_keeps_the_tier_that_they_have_reached() {
    // With half of the price.
    let proposed = propose(&in_hours(30), Party::Client, &[500], now());
    let accepted = proposed.accepted(Party::Expert, time(500).start, now().plus(HOUR)).expect("it is open");
    assert_eq!(accepted.cancellation.tiers, [tier(24, 50)]);
    assert_eq!((accepted.moves_by_client(), accepted.reschedules), (1, 1));
    // The other tiers are remembered, for a proposal of the expert.
    assert_eq!(accepted.moves.agreed_cancellation, Some(in_hours(1).cancellation));
    // If it ends in another way, nothing changes.
    for ended in [proposed.declined(Party::Expert, now()), proposed.withdrawn(Party::Client, now())] {
        assert_eq!(refund(&ended.expect("it is open"), now().plus(10 * HOUR)), (0, Basis::TooLate));
    }
}

#[test]
fn refund_after_an_accepted_proposal_of_the_client_does_not_depend_on_when_the_expert_accepts() {
    let in_grace = |hours| {
        let mut booked = Appointment { created_at: now(), ..in_hours(hours) };
        booked.cancellation.grace_minutes = 30;
        booked
    };
    let cases = [(100, 50), (100, 30), (60, 500), (30, 200), (30, 49), (20, 300)];
    let booked = cases.iter().map(|&(hours, start)| (in_hours(hours), hours, start));
    let all = booked
        .chain([(20, 300), (30, 200), (100, 300)].map(|(hours, start)| (in_grace(hours), hours, start)));
    for (booked, hours, start) in all {
        let proposed = propose(&booked, Party::Client, &[start], now());
        let until = proposed.moves.proposal.as_ref().expect("a proposal").expires_at;
        assert!(now() < until);
        let share = |at| {
            let accepted = proposed.accepted(Party::Expert, time(start).start, at).expect("it is open");
            accepted.refund_share(at)
        };
        assert_eq!(share(now()), share(until.plus(-1)), "from {hours} to {start} hours ahead");
    }
    // A proposal of the expert waits for the client, who reads what they would get back before they accept.
    let until = |by, notice| in_hours(60).proposal_expires_at(by, &[time(50).start], notice, now());
    assert_eq!(until(Party::Client, 0), now().plus(2 * HOUR));
    assert_eq!(until(Party::Expert, 0), now().plus(48 * HOUR));
    assert_eq!(
        until(Party::Expert, 5 * 60),
        now().plus(45 * HOUR),
        "it is accepted with the notice of a booking"
    );
}

#[test]
fn only_the_other_side_decides_and_only_once() {
    let proposed = propose(&in_hours(100), Party::Client, &[200], now());
    let start = time(200).start;
    assert_eq!(proposed.accepted(Party::Client, start, now()), Err(ChangeRefusal::OwnProposal));
    assert_eq!(proposed.declined(Party::Client, now()), Err(ChangeRefusal::OwnProposal));
    assert_eq!(proposed.withdrawn(Party::Expert, now()), Err(ChangeRefusal::ProposalOfOtherSide));
    let other = time(300).start;
    assert_eq!(
        proposed.accepted(Party::Expert, other, now()),
        Err(ChangeRefusal::NotProposed { start: other })
    );
    let end = now().plus(48 * HOUR);
    assert_eq!(proposed.accepted(Party::Expert, start, end), Err(ChangeRefusal::NoOpenProposal));
    assert!(proposed.accepted(Party::Expert, start, end.plus(-1)).is_ok());
    assert_eq!(
        proposed.check_proposal(Party::Expert, end.plus(-1)),
        Err(ChangeRefusal::ProposalOpen { until: end })
    );
    assert_eq!(proposed.check_proposal(Party::Expert, end), Ok(()));
    let declined = proposed.declined(Party::Expert, now()).expect("it is open");
    assert_eq!(declined.accepted(Party::Expert, start, now()), Err(ChangeRefusal::NoOpenProposal));
    let begun = Appointment { start: now(), ..proposed };
    assert!(matches!(begun.accepted(Party::Expert, start, now()), Err(ChangeRefusal::AlreadyStarted { .. })));
}

#[test]
fn each_side_can_propose_five_times() {
    let mut appointment = in_hours(100);
    for _ in 0..MAX_PROPOSALS {
        appointment = propose(&appointment, Party::Expert, &[200], now());
        appointment = appointment.declined(Party::Client, now()).expect("it is open");
    }
    assert_eq!(appointment.check_proposal(Party::Expert, now()), Err(ChangeRefusal::ProposalLimitReached));
    assert_eq!(appointment.check_proposal(Party::Client, now()), Ok(()));
}

#[test]
fn moves_before_they_were_counted_by_side_are_those_of_the_client() {
    let appointment = Appointment { reschedules: 3, ..in_hours(100) };
    assert_eq!(appointment.moves_by_client(), 3);
    let proposed = propose(&appointment, Party::Expert, &[200], now());
    let moved = proposed.accepted(Party::Client, time(200).start, now()).expect("it is open");
    assert_eq!((moved.moves_by_client(), moved.reschedules), (3, 4));
}

#[test]
fn cancellation_removes_an_open_proposal() {
    let proposed = propose(&in_hours(100), Party::Expert, &[200], now());
    assert_eq!(proposed.held_spans().len(), 2);
    let cancelled = proposed.cancel(Party::Client, LongText::default(), now()).expect("it is confirmed");
    assert_eq!((cancelled.moves.proposal, cancelled.moves.proposed_by_expert), (None, 1));
    let declined = proposed.declined(Party::Client, now()).expect("it is open");
    let cancelled = declined.cancel(Party::Client, LongText::default(), now()).expect("it is confirmed");
    assert_eq!(cancelled.moves, declined.moves);
}

/// A step of one side.
#[derive(Debug, Clone, Copy)]
enum Step {
    Propose(Party, i64),
    Accept(Party),
    Decline(Party),
    Withdraw(Party),
    Move(i64),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let party = || prop_oneof![Just(Party::Expert), Just(Party::Client)];
    prop_oneof![
        3 => (party(), 1..400_i64).prop_map(|(by, hours)| Step::Propose(by, hours)),
        2 => party().prop_map(Step::Accept),
        1 => party().prop_map(Step::Decline),
        1 => party().prop_map(Step::Withdraw),
        1 => (1..400_i64).prop_map(Step::Move),
        3 => (0..60_i64).prop_map(Step::Wait),
    ]
}

proptest! {
    /// What the client can get back at once, by cancelling, or by declining a proposal of the expert first.
    #[test]
    fn no_step_of_the_expert_lowers_the_refund_and_no_step_of_the_client_raises_it(
        hours in 1..200_i64,
        steps in prop::collection::vec(step(), 1..20),
    ) {
        let mut appointment = in_hours(hours);
        let mut at = now();
        for step in steps {
            let best = |appointment: &Appointment| {
                let declined = appointment.declined(Party::Client, at);
                let declined = declined.ok().filter(|_| {
                    appointment.moves.proposal.as_ref().is_some_and(|proposal| proposal.by == Party::Expert)
                });
                refund(&declined.unwrap_or_else(|| appointment.clone()), at).0
            };
            let hour = |hours: i64| {
                let start = at.plus(hours * HOUR);
                BookedTime { start, end: start.plus(HOUR), ..time(0) }
            };
            let open = appointment.moves.proposal.clone();
            let accepts_client = |by: Party| {
                by == Party::Expert && open.as_ref().is_some_and(|open| open.by == Party::Client)
            };
            let (after, by) = match step {
                Step::Propose(by, hours) => {
                    let times = vec![hour(hours)];
                    let until = appointment.proposal_expires_at(by, &[times[0].start], 0, at);
                    (appointment.proposed(by, times, appointment.price, LongText::default(), until, at), by)
                }
                Step::Accept(by) => {
                    let start = open.iter().flat_map(|open| open.starts()).next().unwrap_or(at);
                    // The client agreed to this when they proposed.
                    let by_client = if accepts_client(by) { Party::Client } else { by };
                    (appointment.accepted(by, start, at), by_client)
                }
                Step::Decline(by) => (appointment.declined(by, at), by),
                Step::Withdraw(by) => (appointment.withdrawn(by, at), by),
                Step::Move(hours) => (appointment.rescheduled(hour(hours), appointment.price, at), Party::Client),
                Step::Wait(hours) => {
                    at = at.plus(hours * HOUR);
                    continue;
                }
            };
            let Ok(after) = after else { continue };
            match by {
                Party::Client => prop_assert!(best(&after) <= best(&appointment), "{step:?}"),
                _ => prop_assert!(best(&after) >= best(&appointment), "{step:?}"),
            }
            prop_assert_eq!(after.version, appointment.version + 1);
            appointment = after;
        }
    }
}
