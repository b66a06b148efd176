//! Every change of an appointment in every status and at every time that matters.

use crate::scheduling::occupancy::tests::{appointment, at, entry, kind};
use crate::scheduling::occupancy::{Change, Entry, Held};

use super::*;
use crate::kernel::time::DAY;

fn now() -> Timestamp {
    at("2027-03-01T12:00:00Z")
}

/// An hour from `seconds` after now, in each status.
fn all(seconds: i64) -> Vec<Appointment> {
    let start = now().plus(seconds);
    let cancelled =
        Status::Cancelled { cancelled_by: Party::Expert, cancelled_at: now(), reason: LongText::default() };
    let statuses = [
        Status::Pending { hold_expires_at: now().plus(1) },
        Status::Pending { hold_expires_at: now() },
        Status::Confirmed,
        Status::Completed,
        Status::NoShow { missed_by: Party::Client },
        cancelled,
        Status::Expired,
    ];
    let of = |status| Appointment { status, start, end: start.plus(3_600), ..appointment(1) };
    statuses.into_iter().map(of).collect()
}

/// What a change makes of each status: the word of the new one, or of the refusal.
fn outcomes(
    seconds: i64,
    change: impl Fn(&Appointment) -> Result<Appointment, ChangeRefusal>,
) -> Vec<&'static str> {
    all(seconds)
        .iter()
        .map(|before| match change(before) {
            Ok(after) => {
                assert_eq!(after.version, before.version + 1);
                assert_eq!((after.id, after.price), (before.id, before.price));
                after.status.as_str()
            }
            Err(ChangeRefusal::Status { status, .. }) => {
                assert_eq!(status, before.status.as_str());
                "status"
            }
            Err(ChangeRefusal::Begun { start, .. }) => {
                assert_eq!(start, before.start);
                "begun"
            }
            Err(ChangeRefusal::TooEarly { .. }) => "too early",
            Err(refusal) => panic!("{refusal}"),
        })
        .collect()
}

#[test]
fn a_hold_is_confirmed_even_when_its_time_is_over() {
    let confirmed = outcomes(60, Appointment::confirmed);
    assert_eq!(confirmed, ["confirmed", "confirmed", "status", "status", "status", "status", "status"]);
}

#[test]
fn only_a_hold_whose_time_is_over_expires() {
    let expired = outcomes(60, |appointment| appointment.expired(now()));
    assert_eq!(expired, ["status", "expired", "status", "status", "status", "status", "status"]);
}

#[test]
fn only_a_hold_is_given_up() {
    let hold_released = outcomes(60, Appointment::hold_released);
    assert_eq!(hold_released, ["expired", "expired", "status", "status", "status", "status", "status"]);
}

#[test]
fn who_calls_off_a_hold_owes_nothing_and_a_booking_has_its_policy() {
    // The default policy gives everything back until the start and nothing after it.
    let late: Vec<(u64, Basis)> = all(0)
        .iter()
        .map(|appointment| appointment.cancellation_quote(Party::Client, now().plus(1)))
        .map(|quote| (quote.final_charge.amount(), quote.basis))
        .collect();
    assert_eq!(late[..3], [(0, Basis::Unpaid), (0, Basis::Unpaid), (5_000, Basis::TooLate)]);
}

#[test]
fn a_client_cancels_until_the_start_and_an_expert_until_the_end() {
    let cancel = |by, seconds| {
        outcomes(seconds, |appointment| {
            let after = appointment.cancelled(by, LongText::default(), now())?;
            let reason = LongText::default();
            assert_eq!(after.status, Status::Cancelled { cancelled_by: by, cancelled_at: now(), reason });
            Ok(after)
        })
    };
    let done = ["cancelled", "cancelled", "cancelled", "status", "status", "status", "status"];
    let late = ["begun", "begun", "begun", "status", "status", "status", "status"];
    for (by, seconds, expected) in [
        (Party::Client, 1, done),
        (Party::Client, 0, late),
        (Party::Expert, 1, done),
        (Party::Expert, -3_599, done),
        (Party::Expert, -3_600, late),
    ] {
        assert_eq!(cancel(by, seconds), expected, "{by:?} {seconds}");
    }
}

#[test]
fn what_is_confirmed_moves_until_it_begins_and_keeps_the_times_that_were_held() {
    let later = now().plus(86_400);
    let session = Entry { buffer_before_minutes: 5, buffer_after_minutes: 7, ..entry(&kind(9), later) };
    let held = Held { session, group: true, change: Change::default() };
    let reschedule = |seconds| {
        outcomes(seconds, |appointment| {
            let moved =
                appointment.rescheduled(Party::Client, held.booked_time(), appointment.price, now())?;
            assert_eq!((moved.start, moved.end), (later, session.end));
            assert_eq!((moved.buffer_before_minutes, moved.buffer_after_minutes), (5, 7));
            assert_eq!((moved.group, moved.reschedules), (true, 1));
            assert_eq!(moved.occupied(), session.occupied());
            Ok(moved)
        })
    };
    assert_eq!(reschedule(1), ["status", "status", "confirmed", "status", "status", "status", "status"]);
    assert_eq!(reschedule(0), ["status", "status", "begun", "status", "status", "status", "status"]);
}

#[test]
fn an_expert_says_how_a_session_ended_when_they_can_know() {
    let [client, expert] = [Party::Client, Party::Expert].map(|missed_by| Outcome::NoShow { missed_by });
    // It lasts an hour; a client may be late, and who did not come themselves knows it at once.
    for (outcome, from, word) in
        [(Outcome::Completed, 3_600, "completed"), (client, 600, "no_show"), (expert, 0, "no_show")]
    {
        for by in [Party::Expert, Party::Platform] {
            let from = if by == Party::Platform { from.max(600) } else { from };
            let ended = |since: i64| outcomes(-since, |appointment| appointment.ended(outcome, by, now()));
            assert_eq!(ended(from)[..3], ["status", "status", word], "{outcome:?} by {by:?}");
            assert_eq!(ended(99_999)[2], word);
            assert_eq!(ended(from - 1)[2], "too early", "{outcome:?} by {by:?}");
        }
    }
}

/// What is said of a session of an hour, each so many seconds after its start.
fn said(price: u64, sayings: &[(Outcome, Party, i64)]) -> Result<Appointment, ChangeRefusal> {
    let confirmed = all(0)[2].clone();
    let confirmed = Appointment { price: confirmed.price.with_amount(price).unwrap(), ..confirmed };
    sayings.iter().try_fold(confirmed, |appointment, (outcome, by, since)| {
        appointment.ended(*outcome, *by, now().plus(*since))
    })
}

#[test]
fn who_is_said_not_to_have_come_can_contradict() {
    const END: i64 = 3_600;
    let absent = |missed_by| Outcome::NoShow { missed_by };
    let client = |since| (absent(Party::Expert), Party::Client, since);
    let contested = |sayings: &[_]| {
        said(5_000, sayings).map(|appointment| (appointment.status.as_str(), appointment.no_show_report))
    };
    let open = Some(NoShowReport::Open { until: now().plus(END + DAY) });
    let stands = |word| Ok((word, None));
    let disputed = |word| Ok((word, Some(NoShowReport::Disputed)));

    assert_eq!(contested(&[client(END)]), Ok(("no_show", open)));
    for says in [Outcome::Completed, absent(Party::Client)] {
        let expert = |since| (says, Party::Expert, since);
        // Whoever spoke first.
        assert_eq!(contested(&[client(END), expert(END + DAY - 1)]), disputed("no_show"));
        assert!(contested(&[client(END), expert(END + DAY)]).is_err(), "it counts as said by then");
        assert_eq!(contested(&[expert(END), client(END + DAY)]), disputed(says.status().as_str()));
        assert!(contested(&[expert(END), client(END + DAY + 1)]).is_err(), "too late");
        // The expert may still agree, and the platform decides whatever was said.
        let agrees = (absent(Party::Expert), Party::Expert, END + 2 * DAY);
        assert_eq!(contested(&[expert(END), client(END), agrees]), stands("no_show"));
        let decides = |outcome| (outcome, Party::Platform, END + 99 * DAY);
        for outcome in [Outcome::Completed, absent(Party::Client), absent(Party::Expert)] {
            let decided = Ok((outcome.status().as_str(), Some(NoShowReport::Decided)));
            assert_eq!(contested(&[expert(END), client(END), decides(outcome)]), decided);
            assert_eq!(contested(&[expert(END), decides(outcome)]), decided);
            // Then neither of the two can say otherwise, but the platform itself.
            let early = (outcome, Party::Platform, END);
            assert!(contested(&[expert(END), early, client(END)]).is_err());
            assert!(contested(&[client(END), early, expert(END)]).is_err());
            assert!(contested(&[expert(END), early, decides(Outcome::Completed)]).is_ok());
        }
    }
    assert_eq!(contested(&[client(END), (absent(Party::Expert), Party::Expert, END)]), stands("no_show"));
    // Where nothing was paid there is nothing to decide.
    assert_eq!(said(0, &[client(END)]).unwrap().no_show_report, None);
    assert!(said(0, &[(Outcome::Completed, Party::Expert, END), client(END)]).is_err());
}

#[test]
fn what_was_said_before_is_nothing_new() {
    let absent = Outcome::NoShow { missed_by: Party::Expert };
    let told = |sayings: &[_], outcome, by| said(5_000, sayings).unwrap().is_told(outcome, by);
    let (reports, objects) = ((absent, Party::Client, 3_600), (Outcome::Completed, Party::Expert, 3_600));
    assert!(told(&[objects], Outcome::Completed, Party::Expert));
    assert!(told(&[reports], absent, Party::Client));
    assert!(!told(&[reports], absent, Party::Expert), "agreeing is something new");
    assert!(!told(&[reports], absent, Party::Platform), "and so is deciding");
    for contested in [[reports, objects], [objects, reports]] {
        assert!(told(&contested, absent, Party::Client));
        assert!(told(&contested, Outcome::Completed, Party::Expert));
        assert!(!told(&contested, absent, Party::Expert));
        assert!(!told(&contested, Outcome::Completed, Party::Platform));
    }
}

#[test]
fn what_the_platform_decided_it_need_not_say_again() {
    let absent = Outcome::NoShow { missed_by: Party::Expert };
    let decided = [(Outcome::Completed, Party::Expert, 3_600), (absent, Party::Platform, 3_600)];
    let told = |outcome, by| said(5_000, &decided).unwrap().is_told(outcome, by);
    assert!(told(absent, Party::Platform));
    assert!(!told(Outcome::Completed, Party::Platform), "it may think better of it");
    assert!(!told(absent, Party::Expert) && !told(Outcome::Completed, Party::Expert));
}

#[test]
fn a_report_that_nobody_contradicts_stands() {
    let absent = Outcome::NoShow { missed_by: Party::Expert };
    let reported = said(5_000, &[(absent, Party::Client, 3_600)]).unwrap();
    let accepted = reported.report_accepted();
    assert_eq!((accepted.no_show_report, accepted.version), (None, reported.version + 1));
    assert_eq!(
        Appointment { no_show_report: reported.no_show_report, version: reported.version, ..accepted },
        reported
    );
}

#[test]
fn a_refusal_says_what_was_wanted() {
    let refusal = |outcome| all(60)[2].ended(outcome, Party::Platform, now()).unwrap_err().to_string();
    assert_eq!(refusal(Outcome::Completed), "it can be completed from 2027-03-01T13:01:00Z on");
    let absent = Outcome::NoShow { missed_by: Party::Client };
    assert_eq!(refusal(absent), "it can be marked as a no-show from 2027-03-01T12:11:00Z on");
}

#[test]
fn a_client_reports_an_absent_expert_within_a_day() {
    let report = |seconds_since_start: i64| {
        let appointment = &all(-seconds_since_start)[2];
        appointment.ended(Outcome::NoShow { missed_by: Party::Expert }, Party::Client, now())
    };
    let missed = Status::NoShow { missed_by: Party::Expert };
    for since in [600, 3_600 + 86_400] {
        assert_eq!(report(since).unwrap().status, missed);
    }
    for since in [-1, 0, 599, 3_601 + 86_400] {
        assert!(matches!(report(since), Err(ChangeRefusal::NotNow { .. })), "{since}");
    }
}

#[test]
fn a_client_moves_as_often_and_until_when_was_agreed() {
    let rescheduling =
        ReschedulePolicy { at_most: Some(2), until_minutes_before: 60, price: ReschedulePrice::Current };
    let of = |reschedules, seconds| Appointment {
        reschedules,
        rescheduling: rescheduling.clone(),
        ..all(seconds)[2].clone()
    };
    assert_eq!(of(1, 3_600).check_reschedule(Party::Client, now()), Ok(()));
    let late = of(1, 3_599).check_reschedule(Party::Client, now());
    assert!(matches!(late, Err(ChangeRefusal::MovedTooLate { .. })));
    let often = of(2, 3_600).check_reschedule(Party::Client, now());
    assert_eq!(often, Err(ChangeRefusal::MovedEnough { moved: 2 }));
    assert_eq!(of(9, 1).check_reschedule(Party::Expert, now()), Ok(()));
    let euros = |cents| Money::new(cents, crate::Currency::EUR).unwrap();
    let appointment = of(0, 3_600);
    assert_eq!(appointment.price_when_moved(euros(4_000)), Ok(euros(4_000)));
    assert_eq!(appointment.price_when_moved(euros(5_000)), Ok(euros(5_000)));
    assert!(matches!(appointment.price_when_moved(euros(6_000)), Err(ChangeRefusal::Dearer { .. })));
    let held = Held { session: entry(&kind(9), now().plus(DAY)), group: false, change: Change::default() };
    let moved = appointment.rescheduled(Party::Client, held.booked_time(), euros(4_000), now()).unwrap();
    assert_eq!((moved.price, appointment.price), (euros(4_000), euros(5_000)));
    let agreed = Appointment { rescheduling: ReschedulePolicy::default(), ..appointment };
    assert_eq!(agreed.price_when_moved(euros(6_000)), Ok(euros(5_000)));
}

#[test]
fn only_holds_and_bookings_take_time() {
    let active: Vec<bool> = all(0).iter().map(|appointment| appointment.status.is_active()).collect();
    assert_eq!(active, [true, true, true, false, false, false, false]);
}

#[test]
fn events_read_as_written() {
    for event in Event::ALL {
        assert_eq!(Event::from_name(event.name()), Some(event));
    }
    assert_eq!(Event::from_name("appointment.held"), None);
}

#[test]
fn an_appointment_reads_as_written() {
    for appointment in all(60) {
        let text = serde_json::to_string(&appointment).unwrap();
        assert_eq!(serde_json::from_str::<Appointment>(&text).unwrap(), appointment, "{text}");
    }
}
