//! Every status of an appointment with every status of its intent, at the instants at which something changes.

use super::*;
use crate::kernel::text::LongText;
use crate::kernel::time::MINUTE;
use crate::scheduling::appointment::NoShowReport;
use crate::scheduling::party::Party;

const ABILITIES: Capabilities = Capabilities {
    authorization_validity: 7 * DAY,
    saved_card_authorization_validity: Some(4 * DAY + 18 * HOUR),
    requires_completion: false,
    supports_transfers: true,
    refunds_after_dispute: false,
    hold_period: Some(90 * DAY),
    refund_period: None,
};

/// The session lasts from 10 to 11 o'clock.
fn start() -> Timestamp {
    appointment(1).start
}

fn end() -> Timestamp {
    appointment(1).end
}

/// A capture deadline so late that the session completes before it.
fn holds() -> Timestamp {
    end().plus(3 * DAY)
}

fn euros(cents: u64) -> Money {
    payment().amount.with_amount(cents).unwrap()
}

fn with(status: Status) -> Appointment {
    Appointment { status, ..appointment(1) }
}

fn pending(hold_expires_at: Timestamp) -> Appointment {
    with(Status::Pending { hold_expires_at })
}

fn cancelled() -> Appointment {
    let (cancelled_by, reason) = (Party::Client, LongText::default());
    with(Status::Cancelled { cancelled_by, cancelled_at: start().plus(-HOUR), reason })
}

fn final_charge(cents: u64) -> Payment {
    Payment { final_charge: Some(euros(cents)), ..payment() }
}

fn unpaid() -> Payment {
    Payment { state: PaymentState::Unpaid, ..payment() }
}

fn awaiting_client_until(deadline: Timestamp) -> Payment {
    Payment { action_deadline: Some(deadline), ..payment() }
}

/// Every intent status, in the order of the table.
fn intents(capture_before: Timestamp) -> [IntentStatus; 8] {
    use IntentStatus::{Approved, Authorized, Cancelled, CardSaved, Missing, Open, Processing, Succeeded};
    [Missing, Open, Approved, Processing, CardSaved, Authorized { capture_before }, Succeeded, Cancelled]
}

fn step(appointment: &Appointment, payment: &Payment, status: IntentStatus, now: Timestamp) -> PaymentAction {
    step_at(ABILITIES, appointment, payment, status, now)
}

fn step_at(
    capabilities: Capabilities,
    appointment: &Appointment,
    payment: &Payment,
    status: IntentStatus,
    now: Timestamp,
) -> PaymentAction {
    // An unpaid intent has no movements. A paid one has a transfer to the expert and the fee.
    let moved = |kind, amount| Movement::new(kind, amount, "ch_1", booked_at(), None);
    let amount = payment.amount;
    let paid = [
        moved(MovementKind::Captured, amount),
        moved(MovementKind::Transfer, amount),
        moved(MovementKind::Fee, payment.fee()),
    ];
    let movements = if status == IntentStatus::Succeeded { paid.to_vec() } else { Vec::new() };
    let snapshot = PaymentSnapshot {
        status,
        movements: movements.clone(),
        open_dispute: false,
        lost_dispute: false,
        decline: None,
        paid_with: None,
        releases_at: None,
    };
    next_action(appointment, payment, &snapshot, &movements, capabilities, now)
}

fn booked_at() -> Timestamp {
    appointment(1).created_at
}

#[test]
fn every_situation_has_its_next_action() {
    let wait_until = |until| PaymentAction::Wait(Wait::Until(until));
    let settled = PaymentAction::Wait(Wait::Done);
    let confirm = PaymentAction::Transition(Transition::Confirm);
    let expire = PaymentAction::Transition(Transition::Expire);
    let complete = PaymentAction::Transition(Transition::Complete);
    let cancel_unpaid = PaymentAction::Transition(Transition::CancelUnpaid);
    let write_off = PaymentAction::Transition(Transition::WriteOff);
    let collect = PaymentAction::Order(Order::CompleteApproved);
    let cancel_intent = PaymentAction::Order(Order::CancelIntent);
    let authorize_saved = |amount| PaymentAction::Order(Order::AuthorizeSavedCard(amount));
    let charge_saved = |amount| PaymentAction::Order(Order::ChargeSavedCard(amount));
    let capture = |amount| PaymentAction::Order(Order::Capture(amount));
    let all = euros(5_000);
    let refund = |cents| PaymentAction::Order(Order::Refund { amount: euros(cents), from_expert: true });
    let (save_at, over) = (end().plus(-4 * DAY), end().plus(DAY));
    let confirmed = || with(Status::Confirmed);

    // Description, appointment, payment, now, and the action by intent: missing, open, approved, processing, card
    // saved, authorized, succeeded, cancelled.
    let mut table: Vec<(&str, Appointment, Payment, Timestamp, [PaymentAction; 8])> = Vec::new();

    // A hold is confirmed when the money is secured, even after the hold expired. Otherwise it waits for its expiry.
    let now = start().plus(-6 * DAY);
    let later = wait_until(now.plus(PROCESSING_PAUSE));
    let hold = wait_until(now.plus(1));
    let steps = [hold, hold, collect, hold, confirm, confirm, confirm, hold];
    table.push(("the last second of a hold", pending(now.plus(1)), payment(), now, steps));
    let steps = [expire, cancel_intent, collect, later, confirm, confirm, confirm, expire];
    table.push(("an expired hold", pending(now), payment(), now, steps));
    // The client can have paid in the last second, but not when somebody can be reported as absent.
    let now = start().plus(10 * MINUTE - 1);
    let later = wait_until(now.plus(PROCESSING_PAUSE));
    let steps = [expire, cancel_intent, collect, later, confirm, confirm, confirm, expire];
    table.push(("a hold of a session that has just begun", pending(start()), payment(), now, steps));
    let now = now.plus(1);
    let later = wait_until(now.plus(PROCESSING_PAUSE));
    let steps = [expire, cancel_intent, cancel_intent, later, expire, expire, expire, expire];
    table.push((
        "a hold of a session that takes place without the client",
        pending(start()),
        payment(),
        now,
        steps,
    ));
    let now = end();
    let later = wait_until(now.plus(PROCESSING_PAUSE));
    table.push((
        "a hold beyond the session",
        pending(now.plus(1)),
        payment(),
        now,
        [wait_until(now.plus(1)); 8],
    ));
    let steps = [expire, cancel_intent, cancel_intent, later, expire, expire, expire, expire];
    table.push(("an expired hold after the session", pending(now), payment(), now, steps));

    // Days before the session, everything waits. A client whose card failed has a day. The session finally counts as
    // completed.
    let rests = wait_until(over);
    let now = save_at.plus(-1);
    let later = wait_until(now.plus(PROCESSING_PAUSE));
    let ask = |deadline, needs_new_intent| match needs_new_intent {
        true => PaymentAction::Order(Order::RequestPayment { deadline }),
        false => PaymentAction::Transition(Transition::AwaitClient { deadline }),
    };
    let day = now.plus(DAY);
    let steps = [
        ask(day, true),
        ask(day, false),
        collect,
        later,
        wait_until(save_at),
        wait_until(over),
        rests,
        ask(day, true),
    ];
    table.push(("days before the session", confirmed(), payment(), now, steps));
    let soon = now.plus(1);
    let steps = [
        ask(soon, true),
        wait_until(soon),
        collect,
        later,
        wait_until(save_at),
        wait_until(over),
        rests,
        ask(soon, true),
    ];
    table.push(("the last second to pay again", confirmed(), awaiting_client_until(soon), now, steps));
    let steps = [
        cancel_unpaid,
        cancel_unpaid,
        cancel_unpaid,
        later,
        cancel_unpaid,
        wait_until(over),
        rests,
        cancel_unpaid,
    ];
    table.push(("the deadline to pay again", confirmed(), awaiting_client_until(now), now, steps));
    let steps = [rests, cancel_intent, cancel_intent, later, rests, wait_until(over), refund(5_000), rests];
    table.push(("nothing is charged in the end", confirmed(), final_charge(0), now, steps));
    table.push((
        "it costs nothing any more, and the card failed",
        confirmed(),
        Payment { action_deadline: Some(now), ..final_charge(0) },
        now,
        steps,
    ));

    // A saved card is charged in time, but never after the session began.
    let now = save_at;
    let later = wait_until(now.plus(PROCESSING_PAUSE));
    let day = now.plus(DAY);
    let saved = authorize_saved(all);
    let steps =
        [ask(day, true), ask(day, false), collect, later, saved, wait_until(over), rests, ask(day, true)];
    table.push(("time to authorize the saved card", confirmed(), payment(), now, steps));
    let steps = [
        ask(day, true),
        ask(day, false),
        collect,
        later,
        authorize_saved(euros(50)),
        wait_until(over),
        refund(4_950),
        ask(day, true),
    ];
    table.push(("the minimum charge of a card", confirmed(), final_charge(50), now, steps));
    let steps = [
        ask(day, true),
        ask(day, false),
        collect,
        later,
        rests,
        wait_until(over),
        refund(4_951),
        ask(day, true),
    ];
    table.push(("less than the minimum charge", confirmed(), final_charge(49), now, steps));
    let now = start().plus(-HOUR);
    let later = wait_until(now.plus(PROCESSING_PAUSE));
    let begin = start();
    let steps = [
        ask(begin, true),
        ask(begin, false),
        collect,
        later,
        saved,
        wait_until(over),
        rests,
        ask(begin, true),
    ];
    table.push(("an hour before the session", confirmed(), payment(), now, steps));

    // After the session, the client is not asked to pay any more.
    let now = end().plus(-1);
    let later = wait_until(now.plus(PROCESSING_PAUSE));
    let steps = [
        cancel_unpaid,
        cancel_unpaid,
        cancel_unpaid,
        later,
        cancel_unpaid,
        wait_until(over),
        rests,
        cancel_unpaid,
    ];
    table.push(("the last second of the session", confirmed(), awaiting_client_until(begin), now, steps));
    let now = end();
    let later = wait_until(now.plus(PROCESSING_PAUSE));
    let steps = [write_off, write_off, write_off, later, write_off, wait_until(over), rests, write_off];
    table.push((
        "after the session, and the card failed",
        confirmed(),
        awaiting_client_until(begin),
        now,
        steps,
    ));
    let steps = [write_off, write_off, write_off, later, saved, wait_until(over), rests, write_off];
    table.push(("after the session", confirmed(), payment(), now, steps));
    let hold_released = Payment { action_deadline: Some(begin), ..unpaid() };
    let steps = [rests, rests, rests, later, rests, wait_until(over), rests, rests];
    table.push(("after the session, and the payment is written off", confirmed(), hold_released, now, steps));

    // Without a report, the session counts as completed some time after its end.
    let now = over.plus(-1);
    let steps = [write_off, write_off, write_off, rests, saved, rests, rests, write_off];
    table.push(("a second before completion", confirmed(), payment(), now, steps));
    let steps = [write_off, write_off, write_off, complete, saved, complete, complete, write_off];
    table.push(("at completion", confirmed(), payment(), over, steps));

    // After the end, the final charge is captured, and the rest is refunded or released.
    let no_shows = [Party::Client, Party::Expert].map(|missed_by| with(Status::NoShow { missed_by }));
    let ended = [with(Status::Completed), cancelled()].into_iter().chain(no_shows);
    for (now, appointment) in ended.flat_map(|ended| [start(), over].map(|now| (now, ended.clone()))) {
        let later = wait_until(now.plus(PROCESSING_PAUSE));
        let steps = [
            write_off,
            cancel_intent,
            cancel_intent,
            later,
            charge_saved(all),
            capture(all),
            settled,
            write_off,
        ];
        table.push((
            "the final charge is the full price",
            appointment.clone(),
            final_charge(5_000),
            now,
            steps,
        ));
        let part = euros(1_234);
        let steps = [
            write_off,
            cancel_intent,
            cancel_intent,
            later,
            charge_saved(part),
            capture(part),
            refund(3_766),
            write_off,
        ];
        table.push((
            "the final charge is a part of the price",
            appointment.clone(),
            final_charge(1_234),
            now,
            steps,
        ));
        let steps = [
            write_off,
            cancel_intent,
            cancel_intent,
            later,
            cancel_intent,
            capture(euros(49)),
            refund(4_951),
            write_off,
        ];
        table.push((
            "less than a card is charged is final_charge",
            appointment.clone(),
            final_charge(49),
            now,
            steps,
        ));
        let steps = [
            settled,
            cancel_intent,
            cancel_intent,
            later,
            cancel_intent,
            cancel_intent,
            refund(5_000),
            settled,
        ];
        table.push(("the final charge is zero", appointment.clone(), final_charge(0), now, steps));
        let steps =
            [settled, cancel_intent, cancel_intent, later, cancel_intent, capture(all), settled, settled];
        table.push((
            "all of it is kept, and was written off",
            appointment.clone(),
            Payment { final_charge: Some(all), ..unpaid() },
            now,
            steps,
        ));
    }
    let later = wait_until(over.plus(PROCESSING_PAUSE));
    let steps =
        [settled, cancel_intent, cancel_intent, later, cancel_intent, cancel_intent, refund(5_000), settled];
    table.push(("an expired hold without a final charge", with(Status::Expired), payment(), over, steps));
    table.push(("a cancelled session without a final charge", cancelled(), payment(), over, steps));
    table.push((
        "an expired hold with a final charge",
        with(Status::Expired),
        final_charge(5_000),
        over,
        steps,
    ));

    for (what, appointment, payment, now, steps) in table {
        for (intent, expected) in intents(holds()).into_iter().zip(steps) {
            // After the end, the plan no longer matters. Only the status of the intent does.
            for plan in [Plan::Charge, Plan::Authorize, Plan::SaveCard] {
                let payment = Payment { plan, ..payment.clone() };
                let found = step(&appointment, &payment, intent, now);
                assert_eq!(found, expected, "{what}: {} at {now}, {intent:?}", appointment.status.as_str());
            }
        }
    }
}

#[test]
fn authorization_is_captured_before_it_expires() {
    let confirmed = with(Status::Confirmed);
    let now = start().plus(-HOUR);
    let at_margin = |seconds, payment: &Payment| {
        let capture_before = now.plus(CAPTURE_MARGIN + seconds);
        step(&confirmed, payment, IntentStatus::Authorized { capture_before }, now)
    };
    assert_eq!(at_margin(1, &payment()), PaymentAction::Wait(Wait::Until(now.plus(1))));
    assert_eq!(at_margin(0, &payment()), PaymentAction::Order(Order::Capture(euros(5_000))));
    assert_eq!(at_margin(0, &final_charge(700)), PaymentAction::Order(Order::Capture(euros(700))));
    assert_eq!(at_margin(0, &final_charge(0)), PaymentAction::Order(Order::CancelIntent));
}

#[test]
fn nothing_is_refunded_during_an_open_dispute() {
    // This also applies if the bank only inquires and has not withdrawn anything. Otherwise, a later withdrawal would
    // return the amount twice.
    let moved = |kind, cents| Movement::new(kind, euros(cents), "ch_1", booked_at(), None);
    let mut movements = vec![moved(MovementKind::Captured, 5_000), moved(MovementKind::Transfer, 5_000)];
    let now = start().plus(-HOUR);
    let step = |movements: &[Movement], open_dispute| {
        let status = IntentStatus::Succeeded;
        let snapshot = PaymentSnapshot {
            status,
            movements: movements.to_vec(),
            open_dispute,
            lost_dispute: false,
            decline: None,
            paid_with: None,
            releases_at: None,
        };
        next_action(&cancelled(), &final_charge(2_000), &snapshot, movements, ABILITIES, now)
    };
    let refund = PaymentAction::Order(Order::Refund { amount: euros(3_000), from_expert: true });
    assert_eq!(step(&movements, false), refund);
    // The expert does not keep what will be refunded to the client.
    assert_eq!(
        step(&movements, true),
        PaymentAction::Order(Order::Reverse { amount: euros(3_000), with_fee: true })
    );
    movements.push(moved(MovementKind::Reversal, 3_000));
    assert_eq!(step(&movements, true), PaymentAction::Wait(Wait::Until(now.plus(DISPUTE_PAUSE))));
}

#[test]
fn transfer_that_is_not_reported_yet_is_not_repeated() {
    let captured = Movement::new(MovementKind::Captured, euros(5_000), "ch_1", booked_at(), None);
    let (status, movements) = (IntentStatus::Succeeded, vec![captured]);
    let snapshot = PaymentSnapshot {
        status,
        movements: movements.clone(),
        open_dispute: false,
        lost_dispute: false,
        decline: None,
        paid_with: None,
        releases_at: None,
    };
    let now = start().plus(-HOUR);
    let step =
        |payment| next_action(&with(Status::Confirmed), &payment, &snapshot, &movements, ABILITIES, now);
    assert_eq!(step(payment()), PaymentAction::Wait(Wait::Until(end().plus(DAY))));
    assert_eq!(
        step(final_charge(1_000)),
        PaymentAction::Order(Order::Refund { amount: euros(4_000), from_expert: false })
    );
}

#[test]
fn plan_leaves_time_to_capture_after_the_session() {
    use Collection::{AuthorizeThenCapture, ChargeAtBooking};
    let now = booked_at();
    let longest = now.plus(7 * DAY - CAPTURE_MARGIN);
    let none = Capabilities { saved_card_authorization_validity: None, ..ABILITIES };
    for (collection, capabilities, end, plan) in [
        (ChargeAtBooking, ABILITIES, now.plus(HOUR), Plan::Charge),
        (ChargeAtBooking, none, longest.plus(90 * DAY), Plan::Charge),
        (AuthorizeThenCapture, ABILITIES, now.plus(MINUTE), Plan::Authorize),
        (AuthorizeThenCapture, ABILITIES, longest, Plan::Authorize),
        (AuthorizeThenCapture, ABILITIES, longest.plus(1), Plan::SaveCard),
        (AuthorizeThenCapture, none, longest, Plan::Authorize),
        (AuthorizeThenCapture, none, longest.plus(1), Plan::Charge),
    ] {
        let chosen = Plan::choose(collection, capabilities, PayoutTiming::AtPayment, end, now);
        assert_eq!(chosen, Ok(plan), "{collection:?} for an end at {end}");
    }
    // A saved card is never authorized before it was saved, and its authorization outlasts the session with time to
    // act.
    let asked = Payment::authorize_at(ABILITIES, longest.plus(1));
    assert!(asked > now.plus(HOUR));
    assert_eq!(asked.plus(4 * DAY + 18 * HOUR), longest.plus(1 + CAPTURE_MARGIN + AUTHORIZATION_RESERVE));
}

#[test]
fn card_is_saved_if_the_payment_could_not_be_held_or_refunded_until_the_session() {
    use Collection::{AuthorizeThenCapture, ChargeAtBooking};
    use PayoutTiming::{AfterSession, AtPayment};
    let now = booked_at();
    // The session completes a day after its end.
    let (held, refunded) = (now.plus(89 * DAY), now.plus(174 * DAY));
    let refunds = Capabilities { refund_period: Some(175 * DAY), ..ABILITIES };
    let no_cards = Capabilities { saved_card_authorization_validity: None, ..refunds };
    let too_far = |ends_by| Err(TooFarAhead { ends_by });
    for (collection, capabilities, timing, end, plan) in [
        (ChargeAtBooking, ABILITIES, AfterSession, held, Ok(Plan::Charge)),
        (ChargeAtBooking, ABILITIES, AfterSession, held.plus(1), Ok(Plan::SaveCard)),
        (ChargeAtBooking, ABILITIES, AtPayment, held.plus(1), Ok(Plan::Charge)),
        (ChargeAtBooking, refunds, AtPayment, refunded, Ok(Plan::Charge)),
        (ChargeAtBooking, refunds, AtPayment, refunded.plus(1), Ok(Plan::SaveCard)),
        (ChargeAtBooking, no_cards, AtPayment, refunded, Ok(Plan::Charge)),
        (ChargeAtBooking, no_cards, AtPayment, refunded.plus(1), too_far(refunded)),
        (ChargeAtBooking, no_cards, AfterSession, held.plus(1), too_far(held)),
        (AuthorizeThenCapture, no_cards, AtPayment, refunded, Ok(Plan::Charge)),
        (AuthorizeThenCapture, no_cards, AtPayment, refunded.plus(1), too_far(refunded)),
        (AuthorizeThenCapture, refunds, AtPayment, refunded.plus(1), Ok(Plan::SaveCard)),
    ] {
        let chosen = Plan::choose(collection, capabilities, timing, end, now);
        assert_eq!(chosen, plan, "{collection:?}, {timing:?} for an end at {end}");
    }
}

#[test]
fn charged_session_is_not_moved_beyond_the_limit() {
    let (paid_at, now) = (booked_at(), booked_at().plus(5 * DAY));
    let ends_by = |paid_at: Timestamp| paid_at.plus(89 * DAY);
    let captured = [Movement::new(MovementKind::Captured, euros(5_000), "ch_1", paid_at, None)];
    let limited = Payment { pay_ahead_limit: Some(90 * DAY), ..payment() };
    let saved = Payment { state: PaymentState::CardSaved, ..limited.clone() };
    let held = PaymentState::Authorized { capture_before: holds() };
    let authorized = Payment { state: held, ..limited.clone() };
    for (payment, movements, last) in [
        (&limited, &captured[..], Some(ends_by(paid_at))),
        (&authorized, &[], Some(ends_by(now))),
        (&saved, &[], None),
        (&payment(), &captured, None),
    ] {
        let check = |end| payment.check_move(movements, end, now);
        let latest = last.unwrap_or(now.plus(700 * DAY));
        assert_eq!(check(latest), Ok(()), "{:?}", payment.state);
        let later = check(latest.plus(1));
        assert_eq!(later, last.map_or(Ok(()), |ends_by| Err(TooFarAhead { ends_by })), "{:?}", payment.state);
    }
}

#[test]
fn state_follows_from_the_movements() {
    use MovementKind::{Captured, Dispute, DisputeWon, Refund, RefundFailed, ResolvedManually};
    let (first, last) = (booked_at(), booked_at().plus(1));
    let state = |payment: &Payment, moved: &[(MovementKind, u64, &str)]| {
        let paid = Movement::new(Captured, euros(5_000), "ch_1", first, None);
        let rest = moved
            .iter()
            .map(|(kind, cents, object)| Movement::new(*kind, euros(*cents), *object, last, None));
        let movements: Vec<Movement> = [paid].into_iter().chain(rest).collect();
        let status = IntentStatus::Succeeded;
        let snapshot = PaymentSnapshot {
            status,
            movements: movements.clone(),
            open_dispute: false,
            lost_dispute: false,
            decline: None,
            paid_with: None,
            releases_at: None,
        };
        payment.state_of(&snapshot, &movements, payment.amount_due(&Status::Completed))
    };
    let (refunded, partly) =
        (PaymentState::Refunded { refunded_at: last }, PaymentState::PartiallyRefunded { refunded_at: last });
    let again = Payment { max_failed_refunds: 2, ..final_charge(0) };
    for (payment, moved, expected) in [
        (payment(), vec![], PaymentState::Paid { paid_at: first }),
        (final_charge(1_000), vec![(Refund, 4_000, "re_1")], partly.clone()),
        (final_charge(0), vec![(Refund, 4_000, "re_1"), (Refund, 1_000, "re_2")], refunded.clone()),
        (
            final_charge(0),
            vec![(Refund, 5_000, "re_1"), (RefundFailed, 5_000, "re_1")],
            PaymentState::RefundFailed,
        ),
        // Neither an earlier nor a later successful refund hides a failed one.
        (
            final_charge(0),
            vec![(Refund, 1_000, "re_1"), (Refund, 4_000, "re_2"), (RefundFailed, 4_000, "re_2")],
            PaymentState::RefundFailed,
        ),
        (
            final_charge(0),
            vec![(Refund, 1_000, "re_1"), (RefundFailed, 1_000, "re_1"), (Refund, 4_000, "re_2")],
            PaymentState::RefundFailed,
        ),
        // Nothing is left to refund, so no decision is needed.
        (
            final_charge(1_000),
            vec![(Refund, 4_000, "re_1"), (RefundFailed, 4_000, "re_1"), (ResolvedManually, 4_000, "hand")],
            partly.clone(),
        ),
        (
            final_charge(0),
            vec![(Refund, 5_000, "re_1"), (RefundFailed, 5_000, "re_1"), (ResolvedManually, 5_000, "hand")],
            refunded.clone(),
        ),
        (
            again,
            vec![(Refund, 5_000, "re_1"), (RefundFailed, 5_000, "re_1")],
            PaymentState::Paid { paid_at: first },
        ),
        (payment(), vec![(Dispute, 1, "dp_1")], PaymentState::Disputed),
        (final_charge(0), vec![(Refund, 5_000, "re_1"), (Dispute, 5_000, "dp_1")], PaymentState::Disputed),
        (
            payment(),
            vec![(Dispute, 5_000, "dp_1"), (DisputeWon, 5_000, "dp_1")],
            PaymentState::Paid { paid_at: first },
        ),
    ] {
        assert_eq!(state(&payment, &moved), expected, "final_charge {:?}, {moved:?}", payment.final_charge);
    }
}

#[test]
fn payment_waits_for_the_movement_of_a_succeeded_intent() {
    // The intent has succeeded, but the gateway does not report the movement yet.
    let snapshot = PaymentSnapshot {
        status: IntentStatus::Succeeded,
        movements: Vec::new(),
        open_dispute: false,
        lost_dispute: false,
        decline: None,
        paid_with: None,
        releases_at: None,
    };
    let now = start().plus(-HOUR);
    let step = next_action(&with(Status::Confirmed), &payment(), &snapshot, &[], ABILITIES, now);
    assert_eq!(step, PaymentAction::Wait(Wait::Until(end().plus(DAY))));
}

#[test]
fn nothing_is_refunded_while_a_no_show_is_disputed() {
    let disputed = Appointment {
        no_show_report: Some(NoShowReport::Disputed),
        ..with(Status::NoShow { missed_by: Party::Expert })
    };
    let now = end().plus(HOUR);
    let until = |status| match step(&disputed, &final_charge(5_000), status, now) {
        PaymentAction::Wait(Wait::ForDecision { escalation: Escalation::NoShowDisputed, until }) => until,
        other => panic!("{other:?}"),
    };
    // A bank debit is checked again, and an authorization is captured before it expires. Nothing else is waited for.
    assert_eq!(until(IntentStatus::Processing), Some(now.plus(15 * MINUTE)));
    let capture_before = now.plus(CAPTURE_MARGIN + 1);
    assert_eq!(until(IntentStatus::Authorized { capture_before }), Some(now.plus(1)));
    assert_eq!(until(IntentStatus::Succeeded), None);
    let capture_before = now.plus(CAPTURE_MARGIN);
    let last = step(&disputed, &final_charge(5_000), IntentStatus::Authorized { capture_before }, now);
    assert_eq!(last, PaymentAction::Order(Order::Capture(euros(5_000))));
    // A refund that is due regardless of the decision is made at once.
    let refund = PaymentAction::Order(Order::Refund { amount: euros(3_000), from_expert: true });
    assert_eq!(step(&disputed, &final_charge(2_000), IntentStatus::Succeeded, now), refund);
}

#[test]
fn payment_counts_its_intents_and_stores_the_deadline() {
    let first = payment().with_intent("pi_1".to_owned());
    let second = first.with_intent("pi_2".to_owned());
    assert_eq!((payment().intent_number, first.intent_number, second.intent_number), (1, 2, 3));
    assert_eq!(second.references.intent.as_deref(), Some("pi_2"));
    let asked = second.awaiting_client_until(end());
    assert_eq!(asked.action_deadline, Some(end()));
    assert_eq!(asked.state, PaymentState::ActionRequired { deadline: end() });
    assert_eq!(Payment { action_deadline: None, state: second.state.clone(), ..asked }, second);
}

#[test]
fn gateway_names_round_trip() {
    for (gateway, word) in [(GatewayKind::Stripe, "stripe"), (GatewayKind::Paypal, "paypal")] {
        assert_eq!((gateway.as_str(), gateway.to_string()), (word, word.to_owned()));
        assert_eq!(serde_json::to_value(gateway).unwrap(), word);
        assert_eq!(word.parse(), Ok(gateway));
    }
    assert!("cash".parse::<GatewayKind>().is_err());
}

#[test]
fn each_decline_message_says_what_to_do() {
    use Decline::{
        AuthenticationRequired, ExpiredCard, InsufficientFunds, NotSupported, Refused, TryLater, WrongDetails,
    };
    for (decline, advice) in [
        (AuthenticationRequired, "follow your bank's instructions"),
        (InsufficientFunds, "insufficient funds. Use another"),
        (ExpiredCard, "expired. Use another"),
        (WrongDetails, "Check them and pay again"),
        (NotSupported, "Use another card"),
        (TryLater, "in a few minutes"),
        (Refused, "contact the bank"),
    ] {
        assert!(decline.message().contains(advice), "{decline:?}");
    }
}

#[test]
fn report_is_accepted_after_the_period_for_a_dispute() {
    let until = end().plus(DAY);
    let reported = Appointment {
        no_show_report: Some(NoShowReport::Open { until }),
        ..with(Status::NoShow { missed_by: Party::Expert })
    };
    for status in [IntentStatus::Succeeded, IntentStatus::Open, IntentStatus::CardSaved] {
        let at = |now| step(&reported, &final_charge(5_000), status, now);
        assert_eq!(at(until.plus(-1)), PaymentAction::Wait(Wait::Until(until)), "{status:?}");
        assert_eq!(at(until), PaymentAction::Transition(Transition::AcceptReport), "{status:?}");
    }
}

#[test]
fn decision_is_carried_out_after_the_period_for_objections() {
    let until = end().plus(9 * DAY);
    let decided = |until| Appointment {
        no_show_report: Some(NoShowReport::Announced { until, charge: Some(euros(2_000)) }),
        ..with(Status::Completed)
    };
    for status in [IntentStatus::Succeeded, IntentStatus::Open, IntentStatus::CardSaved] {
        let at = |until, now| step(&decided(until), &final_charge(5_000), status, now);
        assert_eq!(at(None, until.plus(99 * DAY)), PaymentAction::Wait(Wait::Done), "{status:?}");
        assert_eq!(at(Some(until), until.plus(-1)), PaymentAction::Wait(Wait::Until(until)), "{status:?}");
        let accepted = PaymentAction::Transition(Transition::AcceptReport);
        assert_eq!(at(Some(until), until), accepted, "{status:?}");
    }
}

#[test]
fn report_takes_no_effect_before_the_other_party_is_notified() {
    for missed_by in [Party::Client, Party::Expert] {
        let reported = Appointment {
            no_show_report: Some(NoShowReport::Reported),
            ..with(Status::NoShow { missed_by })
        };
        let at = |status, now| step(&reported, &final_charge(5_000), status, now);
        for status in [IntentStatus::Succeeded, IntentStatus::Open, IntentStatus::CardSaved] {
            assert_eq!(at(status, end().plus(99 * DAY)), PaymentAction::Wait(Wait::Done), "{status:?}");
        }
        // An authorization is still captured before it expires.
        let now = end().plus(DAY);
        let authorized =
            |seconds| IntentStatus::Authorized { capture_before: now.plus(CAPTURE_MARGIN + seconds) };
        assert_eq!(at(authorized(60), now), PaymentAction::Wait(Wait::Until(now.plus(60))));
        assert_eq!(at(authorized(0), now), PaymentAction::Order(Order::Capture(euros(5_000))));
    }
}

#[test]
fn report_needs_a_decision_although_the_client_pays_nothing() {
    let disputed = Appointment {
        no_show_report: Some(NoShowReport::Disputed),
        ..with(Status::NoShow { missed_by: Party::Expert })
    };
    let escalation = Escalation::NoShowDisputed;
    let until = end().plus(DAY);
    let open = Appointment { no_show_report: Some(NoShowReport::Open { until }), ..disputed.clone() };
    for (charge, status) in [(5_000, IntentStatus::CardSaved), (0, IntentStatus::Cancelled)] {
        let at = |appointment: &Appointment| step(appointment, &final_charge(charge), status, until);
        assert_eq!(at(&disputed), PaymentAction::Wait(Wait::ForDecision { escalation, until: None }));
        assert_eq!(at(&open), PaymentAction::Transition(Transition::AcceptReport));
    }
    // What will not be collected does not stay authorized until then.
    let authorized = IntentStatus::Authorized { capture_before: until.plus(5 * DAY) };
    for status in [IntentStatus::CardSaved, authorized] {
        let at = |appointment: &Appointment| step(appointment, &final_charge(0), status, until);
        assert_eq!([at(&disputed), at(&open)], [PaymentAction::Order(Order::CancelIntent); 2]);
    }
}

#[test]
fn client_can_pay_again_until_the_deadline_even_after_the_session() {
    let now = end().plus(HOUR);
    for ended in [with(Status::Completed), with(Status::NoShow { missed_by: Party::Client })] {
        let at = |deadline, status| step(&ended, &awaiting_client_until(deadline), status, now);
        let soon = now.plus(1);
        assert_eq!(at(soon, IntentStatus::Open), PaymentAction::Wait(Wait::Until(soon)));
        assert_eq!(at(soon, IntentStatus::Approved), PaymentAction::Order(Order::CompleteApproved));
        for status in [IntentStatus::Open, IntentStatus::Approved] {
            assert_eq!(at(now, status), PaymentAction::Order(Order::CancelIntent), "{status:?}");
            let free = Payment { final_charge: Some(euros(0)), ..awaiting_client_until(soon) };
            assert_eq!(
                step(&ended, &free, status, now),
                PaymentAction::Order(Order::CancelIntent),
                "{status:?}"
            );
        }
    }
}

#[test]
fn uncollected_order_need_not_be_cancelled() {
    let patient = Capabilities { requires_completion: true, ..ABILITIES };
    for status in [IntentStatus::Open, IntentStatus::Approved] {
        let hold = |capabilities| step_at(capabilities, &pending(end()), &payment(), status, end());
        assert_eq!(
            (hold(ABILITIES), hold(patient)),
            (PaymentAction::Order(Order::CancelIntent), PaymentAction::Transition(Transition::Expire))
        );
        let ended = |final_charge| step_at(patient, &cancelled(), &final_charge, status, end());
        assert_eq!(ended(final_charge(0)), PaymentAction::Wait(Wait::Done));
        assert_eq!(ended(final_charge(5_000)), PaymentAction::Transition(Transition::WriteOff));
    }
}

#[test]
fn refused_orders_need_a_decision_by_an_administrator() {
    let amount = euros(700);
    for (order, kind) in [
        (Order::Capture(amount), Some(OrderKind::Capture)),
        (Order::Refund { amount, from_expert: true }, Some(OrderKind::Refund)),
        (Order::Reverse { amount, with_fee: false }, Some(OrderKind::Reversal)),
        (Order::TransferAgain(amount), Some(OrderKind::Transfer)),
        (Order::ChargeSavedCard(amount), None),
    ] {
        assert_eq!(order.refusable(), kind.map(|kind| (kind, amount)), "{order:?}");
    }
}

#[test]
fn what_the_client_pays_is_never_raised() {
    let mut payment = payment();
    let charged = [6_000, 4_000, 4_500, 0, 100].map(|charge| {
        payment.lower_charge(euros(charge), euros(charge));
        payment.final_charge.unwrap().amount()
    });
    assert_eq!(charged, [5_000, 4_000, 4_000, 0, 0]);
    let dollars = Money::new(0, crate::Currency::try_from("USD".to_owned()).unwrap()).unwrap();
    let mut payment = self::payment();
    payment.lower_charge(dollars, dollars);
    assert_eq!(payment.charge(), euros(5_000), "an amount in another currency decides nothing");
}

#[test]
fn lost_dispute_cancels_a_session_that_has_not_begun() {
    let moved = |kind| Movement::new(kind, payment().amount, "ch_1", booked_at(), None);
    let movements = [moved(MovementKind::Captured), moved(MovementKind::Dispute)];
    let step = |status, lost_dispute: bool, now| {
        let snapshot = PaymentSnapshot {
            status: IntentStatus::Succeeded,
            movements: movements.to_vec(),
            open_dispute: !lost_dispute,
            lost_dispute,
            decline: None,
            paid_with: None,
            releases_at: None,
        };
        next_action(&with(status), &payment(), &snapshot, &movements, ABILITIES, now)
    };
    let cancel = PaymentAction::Transition(Transition::CancelDisputed);
    let before = start().plus(-1);
    assert_eq!(step(Status::Confirmed, true, before), cancel);
    assert_ne!(step(Status::Confirmed, false, before), cancel, "it is only open");
    assert_ne!(step(Status::Confirmed, true, start()), cancel, "the session has begun");
    assert_ne!(step(cancelled().status, true, before), cancel);
}

#[test]
fn policy_applies_to_the_price_without_what_the_expert_granted() {
    let mut payment = payment();
    assert_eq!(payment.price_without_grants(euros(5_000)), euros(5_000));
    // A move to a lower price, and then a cancellation for half of the price.
    payment.grant_charge(euros(2_000));
    assert_eq!(payment.price_without_grants(euros(2_000)), euros(5_000));
    payment.lower_charge(euros(1_000), euros(2_500));
    assert_eq!((payment.charge(), payment.charge_without_grants()), (euros(1_000), euros(2_500)));
    // Nothing that was granted is left.
    payment.lower_charge(euros(0), euros(0));
    assert_eq!((payment.charge(), payment.charge_before_grants), (euros(0), None));
}

#[test]
fn refund_that_is_made_is_no_grant_any_more() {
    let mut granted = payment();
    granted.grant_charge(euros(2_000));
    let moved = |kind, cents| Movement::new(kind, euros(cents), "one", booked_at(), None);
    let paid = moved(MovementKind::Captured, 5_000);
    let of = |movements: &[Movement], disputed| {
        granted.without_made_grants(Totals::of(movements), euros(2_000), disputed).charge_before_grants
    };
    assert_eq!(of(std::slice::from_ref(&paid), false), Some(euros(5_000)), "it is outstanding");
    let made = [paid, moved(MovementKind::Refund, 3_000)];
    assert_eq!(of(&made, false), None);
    assert_eq!(of(&made, true), Some(euros(5_000)), "a dispute is open");
    let [paid, refund] = made;
    let rejected = moved(MovementKind::RefundFailed, 3_000);
    let again = [paid, refund.clone(), rejected, refund];
    assert_eq!(of(&again, false), None, "the bank has rejected the first attempt");
    assert_eq!(of(&[], false), None, "nothing is paid yet");
}

#[test]
fn only_a_share_that_comes_back_ends_the_days_in_which_it_is_asked_for() {
    let at = booked_at();
    let code = || "balance_insufficient".to_owned();
    let owed = payment().with_refusal(OrderKind::Reversal, code(), false, at);
    assert_eq!(owed.refused_reversal, None, "no refund waits for it");
    let mut granted = payment();
    granted.grant_charge(euros(2_000));
    let refused = granted.with_refusal(OrderKind::Reversal, code(), true, at);
    let moved = |kind| [Movement::new(kind, euros(100), "one", at, None)];
    let disputed = refused.without_refusals(&moved(MovementKind::Dispute));
    assert!(disputed.refused.is_empty());
    let again = disputed.with_refusal(OrderKind::Reversal, code(), true, at.plus(DAY));
    assert_eq!(again.refused_reversal, Some(RefusedReversal { since: at, last_at: at.plus(DAY) }));
    assert_eq!(refused.without_refusals(&moved(MovementKind::Reversal)).refused_reversal, None);
}

#[test]
fn further_grant_begins_the_days_again_in_which_the_share_is_asked_for() {
    let mut granted = payment();
    granted.grant_charge(euros(4_000));
    let mut refused =
        granted.with_refusal(OrderKind::Reversal, "balance_insufficient".to_owned(), true, booked_at());
    refused.grant_charge(euros(4_000));
    assert!(refused.refused_reversal.is_some(), "nothing more is granted");
    refused.grant_charge(euros(2_000));
    assert_eq!((refused.refused_reversal, refused.refused.is_empty()), (None, true));
}

/// What a payment with these new movements is, if the session is completed.
fn observed(payment: &Payment, movements: &[Movement], new: usize) -> Payment {
    let snapshot = PaymentSnapshot {
        status: IntentStatus::Succeeded,
        movements: movements.to_vec(),
        open_dispute: false,
        lost_dispute: false,
        decline: None,
        paid_with: None,
        releases_at: None,
    };
    payment.observed(&with(Status::Completed), &snapshot, movements, &movements[movements.len() - new..])
}

#[test]
fn movement_ends_a_failure() {
    let failing = Payment { failing_since: Some(booked_at()), ..payment() };
    let paid = [Movement::new(MovementKind::Captured, euros(5_000), "ch_1", booked_at(), None)];
    assert_eq!(observed(&failing, &paid, 0).failing_since, Some(booked_at()));
    assert_eq!(observed(&failing, &paid, 1).failing_since, None);
}

#[test]
fn expert_owes_a_disputed_share_only_until_the_dispute_is_won() {
    let moved = |kind, cents| Movement::new(kind, euros(cents), "ch_1", booked_at(), None);
    let movements = [
        moved(MovementKind::Captured, 5_000),
        moved(MovementKind::Transfer, 5_000),
        moved(MovementKind::Fee, 500),
        moved(MovementKind::Dispute, 5_000),
        moved(MovementKind::DisputeWon, 5_000),
    ];
    let totals = Totals::of(&movements);
    let owing = payment().owing(euros(4_500));
    let due = euros(5_000);
    assert_eq!(owing.share_regained(&movements[3..4], totals, due), None, "the dispute is not won");
    assert_eq!(owing.share_regained(&movements[4..], totals, due), Some(euros(4_500)));
    // Also the share of what they granted, which waits instead.
    let mut granted = owing.clone();
    granted.grant_charge(euros(3_000));
    assert_eq!(granted.share_regained(&movements[4..], totals, due), Some(euros(4_500)));
    for (in_debt, owed, before_grants) in [
        (4_500, None, Some(5_000)),
        // They had repaid a third of the share of what they granted, or all of it.
        (3_900, Some(600), Some(4_333)),
        (2_700, Some(1_800), None),
        (0, Some(4_500), None),
    ] {
        let regained = granted.with_share_regained(euros(in_debt), totals, euros(3_000));
        let expected = (owed.map(euros), before_grants.map(euros));
        assert_eq!((regained.share_owed, regained.charge_before_grants), expected, "{in_debt}");
    }
    let settled = Payment { resolved_with_expert: true, ..owing };
    assert_eq!(settled.share_regained(&movements[4..], totals, due), None);
}
