//! Every change of an appointment in every status and at every relevant time.

use crate::scheduling::occupancy::tests::{appointment, at, entry, session_type};
use crate::scheduling::occupancy::{Entry, Held, OccupancyChange};

use super::*;
use crate::experts::policy::{CancellationPolicy, Percent};
use crate::kernel::time::DAY;
use crate::scheduling::reliability::ReliabilityRules;

fn now() -> Timestamp {
    at("2027-03-01T12:00:00Z")
}

/// Appointments of one hour that begin `seconds` after now, in each status.
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

/// The result of a change for each status: the name of the new status or of the refusal.
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
            Err(ChangeRefusal::AlreadyStarted { start, .. }) => {
                assert_eq!(start, before.start);
                "begun"
            }
            Err(ChangeRefusal::AlreadyEnded { end, .. }) => {
                assert_eq!(end, before.end);
                "over"
            }
            Err(ChangeRefusal::TooEarly { .. }) => "too early",
            Err(refusal) => panic!("{refusal}"),
        })
        .collect()
}

#[test]
fn expired_hold_can_be_confirmed() {
    let confirmed = outcomes(60, Appointment::confirm);
    assert_eq!(confirmed, ["confirmed", "confirmed", "status", "status", "status", "status", "status"]);
}

#[test]
fn only_an_expired_hold_expires() {
    let expired = outcomes(60, |appointment| appointment.expire(now()));
    assert_eq!(expired, ["status", "expired", "status", "status", "status", "status", "status"]);
}

#[test]
fn only_a_hold_can_be_released() {
    let hold_released = outcomes(60, Appointment::hold_released);
    assert_eq!(hold_released, ["expired", "expired", "status", "status", "status", "status", "status"]);
}

#[test]
fn cancelled_hold_costs_nothing_and_cancelled_booking_follows_its_policy() {
    // The default policy refunds everything until the start and nothing after it.
    let late: Vec<(u64, Basis)> = all(0)
        .iter()
        .map(|appointment| appointment.cancellation_quote(Party::Client, now().plus(1)))
        .map(|quote| (quote.final_charge.amount(), quote.basis))
        .collect();
    assert_eq!(late[..3], [(0, Basis::Unpaid), (0, Basis::Unpaid), (5_000, Basis::TooLate)]);
}

#[test]
fn client_can_cancel_until_the_start_and_expert_until_the_end() {
    let cancel = |by, seconds| {
        outcomes(seconds, |appointment| {
            let after = appointment.cancel(by, LongText::default(), now())?;
            let reason = LongText::default();
            assert_eq!(after.status, Status::Cancelled { cancelled_by: by, cancelled_at: now(), reason });
            Ok(after)
        })
    };
    let done = ["cancelled", "cancelled", "cancelled", "status", "status", "status", "status"];
    let begun = ["begun", "begun", "begun", "status", "status", "status", "status"];
    let over = ["over", "over", "over", "status", "status", "status", "status"];
    for (by, seconds, expected) in [
        (Party::Client, 1, done),
        (Party::Client, 0, begun),
        (Party::Expert, 1, done),
        (Party::Expert, -3_599, done),
        (Party::Expert, -3_600, over),
    ] {
        assert_eq!(cancel(by, seconds), expected, "{by:?} {seconds}");
    }
}

#[test]
fn confirmed_appointment_can_be_rescheduled_until_the_start() {
    let later = now().plus(86_400);
    let session =
        Entry { buffer_before_minutes: 5, buffer_after_minutes: 7, ..entry(&session_type(9), later) };
    let held = Held { entry: session, group: true, change: OccupancyChange::default() };
    let reschedule = |seconds| {
        outcomes(seconds, |appointment| {
            let moved = appointment.rescheduled(held.booked_time(), appointment.price, now())?;
            assert_eq!((moved.start, moved.end), (later, session.end));
            assert_eq!((moved.buffer_before_minutes, moved.buffer_after_minutes), (5, 7));
            assert_eq!((moved.group, moved.reschedules), (true, 1));
            assert_eq!(moved.occupied_span(), session.occupied_span());
            Ok(moved)
        })
    };
    assert_eq!(reschedule(1), ["status", "status", "confirmed", "status", "status", "status", "status"]);
    assert_eq!(reschedule(0), ["status", "status", "begun", "status", "status", "status", "status"]);
}

#[test]
fn outcome_can_be_reported_only_once_the_reporter_can_know_it() {
    let [client, expert] = [Party::Client, Party::Expert].map(|missed_by| Outcome::NoShow { missed_by });
    // The session lasts an hour. A client may be late, and an absent party knows its own absence at once.
    for (outcome, from, word) in
        [(Outcome::Completed, 3_600, "completed"), (client, 600, "no_show"), (expert, 0, "no_show")]
    {
        for by in [Party::Expert, Party::Platform] {
            let from = if by == Party::Platform { from.max(600) } else { from };
            let ended =
                |since: i64| outcomes(-since, |appointment| appointment.ended(outcome, None, by, now()));
            assert_eq!(ended(from)[..3], ["status", "status", word], "{outcome:?} by {by:?}");
            assert_eq!(ended(99_999)[2], word);
            assert_eq!(ended(from - 1)[2], "too early", "{outcome:?} by {by:?}");
        }
    }
}

/// A session of an hour after these reports, each made this many seconds after the start. The other party is notified of a
/// report at once.
fn after_reports(price: u64, reports: &[(Outcome, Party, i64)]) -> Result<Appointment, ChangeRefusal> {
    let confirmed = all(0)[2].clone();
    let confirmed = Appointment { price: confirmed.price.with_amount(price).unwrap(), ..confirmed };
    reports.iter().try_fold(confirmed, |appointment, (outcome, by, since)| {
        let at = now().plus(*since);
        let ended = appointment.ended(*outcome, None, *by, at)?;
        Ok(ended.objection_period_begun(at.plus(DAY)).unwrap_or(ended))
    })
}

#[test]
fn no_show_report_can_be_disputed_by_the_accused_party() {
    const END: i64 = 3_600;
    let absent = |missed_by| Outcome::NoShow { missed_by };
    let client = |since| (absent(Party::Expert), Party::Client, since);
    let result_of = |reports: &[_]| {
        after_reports(5_000, reports)
            .map(|appointment| (appointment.status.as_str(), appointment.no_show_report))
    };
    let open = Some(NoShowReport::Open { until: now().plus(END + DAY) });
    let undisputed = |status| Ok((status, None));
    let disputed = |status| Ok((status, Some(NoShowReport::Disputed)));

    assert_eq!(result_of(&[client(END)]), Ok(("no_show", open)));
    for says in [Outcome::Completed, absent(Party::Client)] {
        let expert = |since| (says, Party::Expert, since);
        // The order of the reports does not matter.
        assert_eq!(result_of(&[client(END), expert(END + DAY - 1)]), disputed("no_show"));
        assert!(
            result_of(&[client(END), expert(END + DAY)]).is_err(),
            "the report counts as accepted by then"
        );
        assert_eq!(result_of(&[expert(END), client(END + DAY - 1)]), disputed(says.status().as_str()));
        assert!(result_of(&[expert(END), client(END + DAY + 1)]).is_err(), "too late");
        // The expert can still agree, and the platform can decide once the parties disagree.
        let accepts = (absent(Party::Expert), Party::Expert, END + 2 * DAY);
        assert_eq!(result_of(&[expert(END), client(END), accepts]), undisputed("no_show"));
        let decides = |outcome| (outcome, Party::Platform, END + 99 * DAY);
        for outcome in [Outcome::Completed, absent(Party::Client), absent(Party::Expert)] {
            let until = now().plus(END + 100 * DAY);
            let announced = NoShowReport::Announced { until: Some(until), charge: None };
            let decided = Ok((outcome.status().as_str(), Some(announced)));
            assert_eq!(result_of(&[expert(END), client(END), decides(outcome)]), decided);
            // Without a disagreement, an administrator who reports an absence is one who reports.
            let heard = says != Outcome::Completed || outcome == Outcome::Completed;
            let reported = Ok(("no_show", Some(NoShowReport::Open { until })));
            let expected = if heard { decided } else { reported };
            assert_eq!(result_of(&[expert(END), decides(outcome)]), expected);
            // Then only the platform can change the outcome.
            assert!(result_of(&[expert(END), client(END), decides(outcome), client(END)]).is_err());
            assert!(result_of(&[client(END), expert(END), decides(outcome), expert(END)]).is_err());
            // … and not as long as the parties can object to its decision.
            let disputed = [expert(END), client(END), decides(outcome)];
            let again = |after| {
                result_of(&[&disputed[..], &[(Outcome::Completed, Party::Platform, END + after)]].concat())
            };
            assert!(again(100 * DAY - 1).is_err());
            let announced =
                NoShowReport::Announced { until: Some(now().plus(END + 101 * DAY)), charge: None };
            assert_eq!(again(100 * DAY), Ok(("completed", Some(announced))));
        }
    }
    assert_eq!(result_of(&[client(END), (absent(Party::Expert), Party::Expert, END)]), undisputed("no_show"));
    // Without a payment there is nothing to decide.
    assert_eq!(after_reports(0, &[client(END)]).unwrap().no_show_report, None);
    assert!(after_reports(0, &[(Outcome::Completed, Party::Expert, END), client(END)]).is_err());
}

#[test]
fn absence_of_another_party_takes_effect_only_after_notice_and_a_period_for_objections() {
    const END: i64 = 3_600;
    for (by, accused) in [
        (Party::Expert, Party::Client),
        (Party::Client, Party::Expert),
        (Party::Platform, Party::Client),
        (Party::Platform, Party::Expert),
    ] {
        let other = if accused == Party::Client { Party::Expert } else { Party::Client };
        let outcome = Outcome::NoShow { missed_by: accused };
        let confirmed = all(0)[2].clone();
        let reported = confirmed.ended(outcome, None, by, now().plus(END)).unwrap();
        assert_eq!(reported.no_show_report, Some(NoShowReport::Reported), "{by:?}");
        // As long as the party is not notified, it can object at any time, and nobody decides.
        let late = now().plus(END + 99 * DAY);
        assert!(reported.objected(accused, late).is_ok());
        assert!(reported.ended(outcome, None, Party::Platform, late).is_err());
        let until = now().plus(END + 3 * DAY);
        let begun = reported.objection_period_begun(until).unwrap();
        assert_eq!(begun.no_show_report, Some(NoShowReport::Open { until }));
        assert_eq!(begun.objection_period_begun(late), None, "it begins once");
        let disputed = begun.objected(accused, until.plus(-1)).unwrap();
        assert!(disputed.has_objected(accused) && !disputed.has_objected(other));
        assert!(disputed.objected(accused, until.plus(-1)).is_err());
        // Nobody else objects, and not after the period. Until then, the platform does not decide either.
        assert!(begun.objected(accused, until).is_err());
        assert!(begun.objected(other, until.plus(-1)).is_err());
        assert!(begun.objected(Party::Platform, until.plus(-1)).is_err());
        let decide = |at| begun.ended(Outcome::Completed, None, Party::Platform, at);
        let from = until;
        let requested = "completed";
        assert_eq!(decide(until.plus(-1)), Err(ChangeRefusal::TooEarly { from, requested }));
        let announced = NoShowReport::Announced { until: None, charge: None };
        assert_eq!(decide(until).unwrap().no_show_report, Some(announced));
        assert_eq!(begun.accept_report(begun.price).0.no_show_report, None);
    }
    // Who reports their own absence needs no notice.
    let own = Outcome::NoShow { missed_by: Party::Expert };
    assert_eq!(all(0)[2].ended(own, None, Party::Expert, now().plus(END)).unwrap().no_show_report, None);
}

#[test]
fn decision_takes_effect_only_after_notice_and_a_period_for_objections() {
    let absent = |missed_by| Outcome::NoShow { missed_by };
    let reports = [(Outcome::Completed, Party::Expert, 3_600), (absent(Party::Expert), Party::Client, 3_600)];
    let disputed = after_reports(5_000, &reports).unwrap();
    let price = disputed.price;
    let half = price.with_amount(2_500).unwrap();
    let later = now().plus(99 * DAY);
    for (outcome, sent, charge, pays) in [
        (Outcome::Completed, None, None, price),
        // The whole price is no decision about the charge.
        (Outcome::Completed, Some(price), None, price),
        (Outcome::Completed, Some(half), Some(half), half),
        (absent(Party::Expert), None, None, price.zero()),
    ] {
        let announced = disputed.ended(outcome, sent, Party::Platform, later).unwrap();
        assert_eq!(announced.no_show_report, Some(NoShowReport::Announced { until: None, charge }));
        assert_eq!(announced.parties_to_notify(), [Party::Client, Party::Expert]);
        let until = later.plus(5 * DAY);
        let begun = announced.objection_period_begun(until).unwrap();
        assert_eq!(begun.no_show_report, Some(NoShowReport::Announced { until: Some(until), charge }));
        assert_eq!((begun.objection_period_begun(until), begun.parties_to_notify()), (None, &[][..]));
        // Nobody is charged more than was decided before.
        let (decided, final_charge) = begun.accept_report(price);
        assert_eq!((decided.no_show_report, final_charge), (Some(NoShowReport::Decided), pays));
        assert!(begun.accept_report(price.zero()).1.is_zero());
        assert!(decided.objected(Party::Client, until.plus(-1)).is_err());

        assert!(announced.objected(Party::Client, until.plus(DAY)).is_ok(), "not notified yet");
        assert!(begun.objected(Party::Client, until).is_err());
        assert!(begun.objected(Party::Platform, until.plus(-1)).is_err());
        for party in [Party::Client, Party::Expert] {
            let appealed = begun.objected(party, until.plus(-1)).unwrap();
            assert!(appealed.has_objected(party) && !announced.has_objected(party));
            assert_eq!(appealed.status, begun.status);
            assert!(appealed.ended(Outcome::Completed, None, party, later).is_err());
            assert!(!appealed.has_reported(outcome, Party::Platform), "a decision is needed");
            let last = appealed.ended(outcome, charge, Party::Platform, until).unwrap();
            assert_eq!(last.no_show_report, Some(NoShowReport::Decided));
        }
    }
    // A smaller charge that an administrator reports costs the expert as much, and one that the expert reports costs nobody else.
    let [by_platform, by_expert] = [Party::Platform, Party::Expert].map(|by| {
        let confirmed = all(0)[2].clone();
        let charge = confirmed.price.with_amount(1).ok();
        confirmed.ended(Outcome::Completed, charge, by, later).unwrap().no_show_report
    });
    assert!(matches!(by_platform, Some(NoShowReport::Announced { until: None, charge: Some(_) })));
    assert_eq!(by_expert, None);
}

#[test]
fn accuser_cannot_turn_an_open_report_into_a_completed_session() {
    let absent = Outcome::NoShow { missed_by: Party::Client };
    let reports = [(absent, Party::Expert, 3_600), (Outcome::Completed, Party::Expert, 3_700)];
    assert!(after_reports(5_000, &reports).is_err());
}

#[test]
fn repeated_report_is_recognized() {
    let absent = Outcome::NoShow { missed_by: Party::Expert };
    let repeated =
        |reports: &[_], outcome, by| after_reports(5_000, reports).unwrap().has_reported(outcome, by);
    let (report, dispute) = ((absent, Party::Client, 3_600), (Outcome::Completed, Party::Expert, 3_600));
    assert!(repeated(&[dispute], Outcome::Completed, Party::Expert));
    assert!(repeated(&[report], absent, Party::Client));
    assert!(!repeated(&[report], absent, Party::Expert), "accepting is a new report");
    let of_client = Outcome::NoShow { missed_by: Party::Client };
    assert!(repeated(&[(of_client, Party::Expert, 3_600)], of_client, Party::Expert));
    for disputed in [[report, dispute], [dispute, report]] {
        assert!(repeated(&disputed, absent, Party::Client));
        assert!(repeated(&disputed, Outcome::Completed, Party::Expert));
        assert!(!repeated(&disputed, absent, Party::Expert));
        assert!(!repeated(&disputed, Outcome::Completed, Party::Platform));
    }
}

#[test]
fn repeated_decision_of_the_platform_is_recognized() {
    let absent = Outcome::NoShow { missed_by: Party::Expert };
    let decided = [(Outcome::Completed, Party::Expert, 3_600), (absent, Party::Platform, 3_600)];
    let repeated = |outcome, by| after_reports(5_000, &decided).unwrap().has_reported(outcome, by);
    assert!(repeated(absent, Party::Platform));
    assert!(!repeated(Outcome::Completed, Party::Platform));
    assert!(!repeated(absent, Party::Expert) && !repeated(Outcome::Completed, Party::Expert));
}

#[test]
fn undisputed_report_is_accepted() {
    let absent = Outcome::NoShow { missed_by: Party::Expert };
    let reported = after_reports(5_000, &[(absent, Party::Client, 3_600)]).unwrap();
    let (accepted, final_charge) = reported.accept_report(reported.price);
    assert!(final_charge.is_zero());
    assert_eq!((accepted.no_show_report, accepted.version), (None, reported.version + 1));
    assert_eq!(
        Appointment { no_show_report: reported.no_show_report, version: reported.version, ..accepted },
        reported
    );
}

#[test]
fn refusal_names_the_requested_change() {
    let refusal = |outcome| all(60)[2].ended(outcome, None, Party::Platform, now()).unwrap_err().to_string();
    assert_eq!(
        refusal(Outcome::Completed),
        "the appointment cannot be completed yet; try again at or after 2027-03-01T13:01:00Z"
    );
    let absent = Outcome::NoShow { missed_by: Party::Client };
    assert_eq!(
        refusal(absent),
        "the appointment cannot be marked as a no-show yet; try again at or after 2027-03-01T12:11:00Z"
    );
}

#[test]
fn client_can_report_a_no_show_within_a_day() {
    let report = |seconds_since_start: i64| {
        let appointment = &all(-seconds_since_start)[2];
        appointment.ended(Outcome::NoShow { missed_by: Party::Expert }, None, Party::Client, now())
    };
    let missed = Status::NoShow { missed_by: Party::Expert };
    for since in [600, 3_600 + 86_400] {
        assert_eq!(report(since).unwrap().status, missed);
    }
    for since in [-1, 0, 599, 3_601 + 86_400] {
        assert!(matches!(report(since), Err(ChangeRefusal::OutsidePeriod { .. })), "{since}");
    }
}

#[test]
fn client_can_report_their_own_absence_from_the_start_on() {
    let own = Outcome::NoShow { missed_by: Party::Client };
    let missed = Status::NoShow { missed_by: Party::Client };
    let with_refund = |appointment: &Appointment, percent: u8| {
        let no_show_refund_percent = Percent::new(percent).unwrap();
        let cancellation = CancellationPolicy { no_show_refund_percent, ..appointment.cancellation.clone() };
        Appointment { cancellation, ..appointment.clone() }
    };
    let report =
        |since: i64, percent| with_refund(&all(-since)[2], percent).ended(own, None, Party::Client, now());
    for since in [0, 3_600 + 86_400] {
        let ended = report(since, 0).unwrap();
        assert_eq!((ended.status, ended.no_show_report), (missed.clone(), None), "it takes effect at once");
        // Otherwise, a client could get a part back for a session that took place.
        assert_eq!(report(since, 1), Err(ChangeRefusal::OwnAbsenceRefunds));
    }
    for since in [-1, 3_601 + 86_400] {
        assert!(matches!(report(since, 0), Err(ChangeRefusal::OutsidePeriod { .. })), "{since}");
    }
    // The client agrees to what the expert reports, whatever it refunds, but not to anything else.
    let confirmed = with_refund(&all(-3_600)[2], 50);
    let reported = confirmed.ended(own, None, Party::Expert, now()).unwrap();
    let disputed = reported.objected(Party::Client, now()).unwrap();
    for before in [reported, disputed] {
        let agreed = before.ended(own, None, Party::Client, now()).unwrap();
        assert_eq!((&agreed.status, agreed.no_show_report), (&missed, None));
        assert!(agreed.has_reported(own, Party::Client), "another report changes nothing");
    }
    let completed = confirmed.ended(Outcome::Completed, None, Party::Expert, now()).unwrap();
    let absent = Outcome::NoShow { missed_by: Party::Expert };
    let contradicted = completed.ended(absent, None, Party::Client, now()).unwrap();
    let accused = confirmed.ended(absent, None, Party::Client, now()).unwrap();
    for before in [completed, contradicted, accused] {
        let refused = before.ended(own, None, Party::Client, now());
        assert!(matches!(refused, Err(ChangeRefusal::Status { .. })), "{refused:?}");
    }
}

#[test]
fn reschedule_policy_limits_the_client() {
    let rescheduling =
        ReschedulePolicy { at_most: Some(2), until_minutes_before: 60, price: ReschedulePrice::Current };
    let of = |reschedules, seconds| Appointment {
        reschedules,
        rescheduling: rescheduling.clone(),
        ..all(seconds)[2].clone()
    };
    assert_eq!(of(1, 3_600).check_reschedule(now()), Ok(()));
    let late = of(1, 3_599).check_reschedule(now());
    assert!(matches!(late, Err(ChangeRefusal::RescheduleTooLate { .. })));
    let often = of(2, 3_600).check_reschedule(now());
    assert_eq!(often, Err(ChangeRefusal::RescheduleLimitReached { moved: 2 }));
    let usual = |reschedules| {
        let rescheduling = ReschedulePolicy::default();
        Appointment { rescheduling, ..of(reschedules, 3_600) }.check_reschedule(now())
    };
    assert_eq!(usual(9), Ok(()));
    assert_eq!(usual(10), Err(ChangeRefusal::RescheduleLimitReached { moved: 10 }));
    let euros = |cents| Money::new(cents, crate::Currency::EUR).unwrap();
    let appointment = of(0, 3_600);
    assert_eq!(appointment.price_after_reschedule(euros(4_000)), euros(4_000));
    assert_eq!(appointment.price_after_reschedule(euros(5_000)), euros(5_000));
    assert_eq!(appointment.price_after_reschedule(euros(6_000)), euros(5_000), "it is never raised");
    let held = Held {
        entry: entry(&session_type(9), now().plus(DAY)),
        group: false,
        change: OccupancyChange::default(),
    };
    let moved = appointment.rescheduled(held.booked_time(), euros(4_000), now()).unwrap();
    assert_eq!((moved.price, appointment.price), (euros(4_000), euros(5_000)));
    let agreed = Appointment { rescheduling: ReschedulePolicy::default(), ..appointment };
    assert_eq!(agreed.price_after_reschedule(euros(4_000)), euros(5_000));
}

#[test]
fn client_who_moved_late_cancels_late() {
    let later = Held {
        entry: entry(&session_type(9), now().plus(9 * DAY)),
        group: false,
        change: OccupancyChange::default(),
    }
    .booked_time();
    let is_late = |appointment: &Appointment, by| {
        ReliabilityRules::default().of_cancellation(appointment, by, false, now()).is_some()
    };
    let moved = |seconds| {
        let appointment = all(seconds).swap_remove(2);
        appointment.rescheduled(later, appointment.price, now()).unwrap()
    };
    let (late, early) = (moved(DAY - 1), moved(DAY));
    assert!(is_late(&late, Party::Client) && !is_late(&early, Party::Client));
    assert!(!is_late(&late, Party::Expert), "the expert has not moved it");
    let again = late.rescheduled(later, late.price, now()).unwrap();
    assert!(is_late(&again, Party::Client), "another move changes nothing");
    let by_expert = late.moved(Party::Expert, later, late.price, Percent::ALL);
    assert!(!is_late(&by_expert, Party::Client), "the expert has moved it since");
}

#[test]
fn client_who_may_cancel_freely_is_never_late_with_or_without_a_price() {
    let rules = ReliabilityRules::default();
    let soon = all(3 * 3_600).swap_remove(2);
    for appointment in [Appointment { price: soon.price.zero(), ..soon.clone() }, soon] {
        let is_late =
            |one: &Appointment, by, suspended| rules.of_cancellation(one, by, suspended, now()).is_some();
        assert!(is_late(&appointment, Party::Client, false) && is_late(&appointment, Party::Expert, true));
        assert!(!is_late(&appointment, Party::Client, true), "the expert is suspended");
        let cancellation = CancellationPolicy { grace_minutes: 60, ..appointment.cancellation.clone() };
        let booked_now = Appointment { created_at: now(), cancellation, ..appointment.clone() };
        assert!(!is_late(&booked_now, Party::Client, false), "it was booked just now");
        let mut declined = appointment;
        declined.moves.declined_earlier = true;
        assert!(!is_late(&declined, Party::Client, false), "a proposal of the expert was declined");
    }
}

#[test]
fn only_holds_and_confirmed_appointments_are_active() {
    let active: Vec<bool> = all(0).iter().map(|appointment| appointment.status.is_active()).collect();
    assert_eq!(active, [true, true, true, false, false, false, false]);
}

#[test]
fn each_event_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = Event::ALL.iter().map(|event| event.name()).collect();
    assert_eq!(names.len(), Event::ALL.len());
}
