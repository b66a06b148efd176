//! Every status of an appointment with every status of its intent, at the instants at which something changes.

use super::*;
use crate::kernel::text::LongText;
use crate::kernel::time::MINUTE;
use crate::scheduling::appointment::NoShowReport;
use crate::scheduling::party::Party;

const ABILITIES: Capabilities = Capabilities {
    authorisation_holds: 7 * DAY,
    later_authorisation_holds: Some(4 * DAY + 18 * HOUR),
    waits_for_collection: false,
    reaches_experts: true,
    refunds_after_dispute: false,
};

/// 10 o'clock to 11.
fn start() -> Timestamp {
    appointment(1).start
}

fn end() -> Timestamp {
    appointment(1).end
}

/// So long that the session counts as having taken place before the money must be taken.
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

fn asked_until(deadline: Timestamp) -> Payment {
    Payment { action_deadline: Some(deadline), ..payment() }
}

/// Every intent, in the order of the table.
fn intents(capture_before: Timestamp) -> [IntentStatus; 8] {
    use IntentStatus::{Approved, Authorised, Cancelled, CardSaved, Missing, Open, Processing, Succeeded};
    [Missing, Open, Approved, Processing, CardSaved, Authorised { capture_before }, Succeeded, Cancelled]
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
    // What is not paid yet has moved nothing; what is paid went to the expert, less the fee.
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
    };
    next_action(appointment, payment, &snapshot, &movements, capabilities, now)
}

fn booked_at() -> Timestamp {
    appointment(1).created_at
}

#[test]
fn every_situation_has_its_step() {
    let wait_until = |until| PaymentAction::Wait(Wait::Until(until));
    let settled = PaymentAction::Wait(Wait::Settled);
    let confirm = PaymentAction::Transition(Transition::Confirm);
    let expire = PaymentAction::Transition(Transition::Expire);
    let complete = PaymentAction::Transition(Transition::Complete);
    let cancel_unpaid = PaymentAction::Transition(Transition::CancelUnpaid);
    let write_off = PaymentAction::Transition(Transition::WriteOff);
    let collect = PaymentAction::Order(Order::CollectApproved);
    let cancel_intent = PaymentAction::Order(Order::CancelIntent);
    let authorise_saved = |amount| PaymentAction::Order(Order::AuthoriseSavedCard(amount));
    let charge_saved = |amount| PaymentAction::Order(Order::ChargeSavedCard(amount));
    let capture = |amount| PaymentAction::Order(Order::Capture(amount));
    let all = euros(5_000);
    let refund = |cents| PaymentAction::Order(Order::Refund { amount: euros(cents), from_expert: true });
    let (save_at, over) = (end().plus(-4 * DAY), end().plus(DAY));
    let confirmed = || with(Status::Confirmed);

    // What, appointment, payment, now, and the step by intent: none, open, approved, under way, card saved, set aside, paid,
    // cancelled.
    let mut table: Vec<(&str, Appointment, Payment, Timestamp, [PaymentAction; 8])> = Vec::new();

    // A hold is confirmed when the money is sure, also late; otherwise it waits for its end.
    let now = start().plus(-6 * DAY);
    let later = wait_until(now.plus(PROCESSING_PAUSE));
    let hold = wait_until(now.plus(1));
    let steps = [hold, hold, collect, hold, confirm, confirm, confirm, hold];
    table.push(("the last second of a hold", pending(now.plus(1)), payment(), now, steps));
    let steps = [expire, cancel_intent, collect, later, confirm, confirm, confirm, expire];
    table.push(("a hold is over", pending(now), payment(), now, steps));
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
    table.push(("a hold is over, and the session too", pending(now), payment(), now, steps));

    // Days ahead everything waits for its time, and a card that failed has a day. In the end it counts as having taken place.
    let rests = wait_until(over);
    let now = save_at.plus(-1);
    let later = wait_until(now.plus(PROCESSING_PAUSE));
    let ask = |deadline, anew| match anew {
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
    table.push(("days ahead", confirmed(), payment(), now, steps));
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
    table.push(("a second to pay anew", confirmed(), asked_until(soon), now, steps));
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
    table.push(("no time left to pay anew", confirmed(), asked_until(now), now, steps));
    let steps = [rests, cancel_intent, cancel_intent, later, rests, wait_until(over), refund(5_000), rests];
    table.push(("it costs nothing any more", confirmed(), final_charge(0), now, steps));
    table.push((
        "it costs nothing any more, and the card failed",
        confirmed(),
        Payment { action_deadline: Some(now), ..final_charge(0) },
        now,
        steps,
    ));

    // A saved card is asked in time, never after the session began.
    let now = save_at;
    let later = wait_until(now.plus(PROCESSING_PAUSE));
    let day = now.plus(DAY);
    let saved = authorise_saved(all);
    let steps =
        [ask(day, true), ask(day, false), collect, later, saved, wait_until(over), rests, ask(day, true)];
    table.push(("time to ask the saved card", confirmed(), payment(), now, steps));
    let steps = [
        ask(day, true),
        ask(day, false),
        collect,
        later,
        authorise_saved(euros(50)),
        wait_until(over),
        refund(4_950),
        ask(day, true),
    ];
    table.push(("the least that a card is charged", confirmed(), final_charge(50), now, steps));
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
    table.push(("less than a card is charged", confirmed(), final_charge(49), now, steps));
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
    table.push(("an hour before", confirmed(), payment(), now, steps));

    // After the session nobody is asked any more.
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
    table.push(("the last second of the session", confirmed(), asked_until(begin), now, steps));
    let now = end();
    let later = wait_until(now.plus(PROCESSING_PAUSE));
    let steps = [write_off, write_off, write_off, later, write_off, wait_until(over), rests, write_off];
    table.push(("the session is over, and the card failed", confirmed(), asked_until(begin), now, steps));
    let steps = [write_off, write_off, write_off, later, saved, wait_until(over), rests, write_off];
    table.push(("the session is over", confirmed(), payment(), now, steps));
    let hold_released = Payment { action_deadline: Some(begin), ..unpaid() };
    let steps = [rests, rests, rests, later, rests, wait_until(over), rests, rests];
    table.push(("the session is over, and it is written off", confirmed(), hold_released, now, steps));

    // Unless somebody says otherwise it took place, a day after its end.
    let now = over.plus(-1);
    let steps = [write_off, write_off, write_off, rests, saved, rests, rests, write_off];
    table.push(("a second less than a day after", confirmed(), payment(), now, steps));
    let steps = [write_off, write_off, write_off, complete, saved, complete, complete, write_off];
    table.push(("a day after", confirmed(), payment(), over, steps));

    // What is over takes what is owed of it, and gives back or lets go of the rest.
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
        table.push(("all of it is final_charge", appointment.clone(), final_charge(5_000), now, steps));
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
        table.push(("a part is final_charge", appointment.clone(), final_charge(1_234), now, steps));
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
        table.push(("nothing is final_charge", appointment.clone(), final_charge(0), now, steps));
        let steps =
            [settled, cancel_intent, cancel_intent, later, cancel_intent, capture(all), settled, settled];
        table.push((
            "all of it is final_charge, and was written off",
            appointment.clone(),
            Payment { final_charge: Some(all), ..unpaid() },
            now,
            steps,
        ));
    }
    let later = wait_until(over.plus(PROCESSING_PAUSE));
    let steps =
        [settled, cancel_intent, cancel_intent, later, cancel_intent, cancel_intent, refund(5_000), settled];
    table.push(("nobody decided what an expired hold costs", with(Status::Expired), payment(), over, steps));
    table.push(("nobody decided what a cancelled session costs", cancelled(), payment(), over, steps));
    table.push(("an expired hold keeps nothing", with(Status::Expired), final_charge(5_000), over, steps));

    for (what, appointment, payment, now, steps) in table {
        for (intent, expected) in intents(holds()).into_iter().zip(steps) {
            // How the money was meant to come by does not matter any more, what came of it does.
            for plan in [Plan::Charge, Plan::Authorise, Plan::SaveCard] {
                let payment = Payment { plan, ..payment.clone() };
                let found = step(&appointment, &payment, intent, now);
                assert_eq!(found, expected, "{what}: {} at {now}, {intent:?}", appointment.status.as_str());
            }
        }
    }
}

#[test]
fn what_is_set_aside_is_taken_before_it_runs_out() {
    let confirmed = with(Status::Confirmed);
    let now = start().plus(-HOUR);
    let at_margin = |seconds, payment: &Payment| {
        let capture_before = now.plus(CAPTURE_MARGIN + seconds);
        step(&confirmed, payment, IntentStatus::Authorised { capture_before }, now)
    };
    assert_eq!(at_margin(1, &payment()), PaymentAction::Wait(Wait::Until(now.plus(1))));
    assert_eq!(at_margin(0, &payment()), PaymentAction::Order(Order::Capture(euros(5_000))));
    assert_eq!(at_margin(0, &final_charge(700)), PaymentAction::Order(Order::Capture(euros(700))));
    assert_eq!(at_margin(0, &final_charge(0)), PaymentAction::Order(Order::CancelIntent));
}

#[test]
fn nothing_is_refunded_while_a_bank_decides() {
    // Also when the bank only asks and has taken nothing yet: what it takes later would go back twice.
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
        };
        next_action(&cancelled(), &final_charge(2_000), &snapshot, movements, ABILITIES, now)
    };
    let refund = PaymentAction::Order(Order::Refund { amount: euros(3_000), from_expert: true });
    assert_eq!(step(&movements, false), refund);
    // What goes back to the client in the end the expert does not keep until then.
    assert_eq!(
        step(&movements, true),
        PaymentAction::Order(Order::Reverse { amount: euros(3_000), with_fee: true })
    );
    movements.push(moved(MovementKind::Reversal, 3_000));
    assert_eq!(step(&movements, true), PaymentAction::Wait(Wait::Until(now.plus(DISPUTE_PAUSE))));
}

#[test]
fn a_transfer_that_is_not_seen_yet_is_not_given_again() {
    let captured = Movement::new(MovementKind::Captured, euros(5_000), "ch_1", booked_at(), None);
    let (status, movements) = (IntentStatus::Succeeded, vec![captured]);
    let snapshot = PaymentSnapshot {
        status,
        movements: movements.clone(),
        open_dispute: false,
        lost_dispute: false,
        decline: None,
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
fn a_plan_spans_the_session_with_time_to_take_the_money() {
    use Collection::{AuthoriseThenCapture, ChargeAtBooking};
    let now = booked_at();
    let longest = now.plus(7 * DAY - CAPTURE_MARGIN);
    let none = Capabilities { later_authorisation_holds: None, ..ABILITIES };
    for (collection, capabilities, end, plan) in [
        (ChargeAtBooking, ABILITIES, now.plus(HOUR), Plan::Charge),
        (ChargeAtBooking, none, longest.plus(90 * DAY), Plan::Charge),
        (AuthoriseThenCapture, ABILITIES, now.plus(MINUTE), Plan::Authorise),
        (AuthoriseThenCapture, ABILITIES, longest, Plan::Authorise),
        (AuthoriseThenCapture, ABILITIES, longest.plus(1), Plan::SaveCard),
        (AuthoriseThenCapture, none, longest, Plan::Authorise),
        (AuthoriseThenCapture, none, longest.plus(1), Plan::Charge),
    ] {
        assert_eq!(
            Plan::choose(collection, capabilities, end, now),
            plan,
            "{collection:?} for an end at {end}"
        );
    }
    // A saved card is never asked before it was saved, and what it sets aside then outlasts the session with time to act.
    let asked = Payment::authorise_at(ABILITIES, longest.plus(1));
    assert!(asked > now.plus(HOUR));
    assert_eq!(asked.plus(4 * DAY + 18 * HOUR), longest.plus(1 + CAPTURE_MARGIN + EARLY));
}

#[test]
fn a_state_says_what_moved_last() {
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
        };
        payment.state_of(&snapshot, &movements, payment.target(&Status::Completed))
    };
    let (refunded, partly) =
        (PaymentState::Refunded { refunded_at: last }, PaymentState::PartlyRefunded { refunded_at: last });
    let again = Payment { refund_tries: 2, ..final_charge(0) };
    for (payment, moved, expected) in [
        (payment(), vec![], PaymentState::Paid { paid_at: first }),
        (final_charge(1_000), vec![(Refund, 4_000, "re_1")], partly.clone()),
        (final_charge(0), vec![(Refund, 4_000, "re_1"), (Refund, 1_000, "re_2")], refunded.clone()),
        (
            final_charge(0),
            vec![(Refund, 5_000, "re_1"), (RefundFailed, 5_000, "re_1")],
            PaymentState::RefundFailed,
        ),
        // What went back before the one that failed does not hide it, nor what goes back after it by itself.
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
        // Nothing is left to give back, so nobody must look.
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
fn what_is_paid_but_not_seen_moving_yet_is_waited_for() {
    // The intent says that it is paid, and the books do not show the money.
    let snapshot = PaymentSnapshot {
        status: IntentStatus::Succeeded,
        movements: Vec::new(),
        open_dispute: false,
        lost_dispute: false,
        decline: None,
    };
    let now = start().plus(-HOUR);
    let step = next_action(&with(Status::Confirmed), &payment(), &snapshot, &[], ABILITIES, now);
    assert_eq!(step, PaymentAction::Wait(Wait::Until(end().plus(DAY))));
}

#[test]
fn while_the_two_contradict_each_other_money_stays_where_it_is() {
    let contested = Appointment {
        no_show_report: Some(NoShowReport::Disputed),
        ..with(Status::NoShow { missed_by: Party::Expert })
    };
    let now = end().plus(HOUR);
    let until = |status| match step(&contested, &final_charge(5_000), status, now) {
        PaymentAction::Wait(Wait::ForDecision { escalation: Escalation::NoShowDisputed, until }) => until,
        other => panic!("{other:?}"),
    };
    // A bank debit is looked at again, what is set aside is taken before it runs out, and nothing else is waited for.
    assert_eq!(until(IntentStatus::Processing), Some(now.plus(15 * MINUTE)));
    let capture_before = now.plus(CAPTURE_MARGIN + 1);
    assert_eq!(until(IntentStatus::Authorised { capture_before }), Some(now.plus(1)));
    assert_eq!(until(IntentStatus::Succeeded), None);
    let capture_before = now.plus(CAPTURE_MARGIN);
    let last = step(&contested, &final_charge(5_000), IntentStatus::Authorised { capture_before }, now);
    assert_eq!(last, PaymentAction::Order(Order::Capture(euros(5_000))));
    // What was to go back whatever is decided goes back at once.
    let refund = PaymentAction::Order(Order::Refund { amount: euros(3_000), from_expert: true });
    assert_eq!(step(&contested, &final_charge(2_000), IntentStatus::Succeeded, now), refund);
}

#[test]
fn a_payment_counts_its_intents_and_knows_until_when_it_is_asked_for() {
    let first = payment().with_intent("pi_1".to_owned());
    let second = first.with_intent("pi_2".to_owned());
    assert_eq!((payment().intents, first.intents, second.intents), (1, 2, 3));
    assert_eq!(second.references.intent.as_deref(), Some("pi_2"));
    let asked = second.asked_until(end());
    assert_eq!(asked.action_deadline, Some(end()));
    assert_eq!(asked.state, PaymentState::ActionRequired { deadline: end() });
    assert_eq!(Payment { action_deadline: None, state: second.state.clone(), ..asked }, second);
}

#[test]
fn a_gateway_has_one_word_everywhere() {
    for (gateway, word) in [(GatewayKind::Stripe, "stripe"), (GatewayKind::Paypal, "paypal")] {
        assert_eq!((gateway.as_str(), gateway.to_string()), (word, word.to_owned()));
        assert_eq!(serde_json::to_value(gateway).unwrap(), word);
        assert_eq!(GatewayKind::from_word(word), Some(gateway));
    }
    assert_eq!(GatewayKind::from_word("cash"), None);
}

#[test]
fn a_client_reads_what_to_do_about_each_refusal() {
    use Decline::{
        AuthenticationRequired, ExpiredCard, InsufficientFunds, NotSupported, Refused, TryLater, WrongDetails,
    };
    for (decline, advice) in [
        (AuthenticationRequired, "follow its steps"),
        (InsufficientFunds, "not enough money on this card. Use another"),
        (ExpiredCard, "expired. Use another"),
        (WrongDetails, "Check them and pay again"),
        (NotSupported, "Use another card"),
        (TryLater, "in a few minutes"),
        (Refused, "ask the bank why"),
    ] {
        assert!(decline.words().contains(advice), "{decline:?}");
    }
}

#[test]
fn a_report_is_accepted_once_nobody_can_contradict_it_any_more() {
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
fn what_costs_nothing_needs_no_decision() {
    let contested = Appointment {
        no_show_report: Some(NoShowReport::Disputed),
        ..with(Status::NoShow { missed_by: Party::Expert })
    };
    let at = |payment| step(&contested, &payment, IntentStatus::CardSaved, end().plus(DAY));
    let escalation = Escalation::NoShowDisputed;
    assert_eq!(at(final_charge(5_000)), PaymentAction::Wait(Wait::ForDecision { escalation, until: None }));
    assert_eq!(at(final_charge(0)), PaymentAction::Order(Order::CancelIntent));
}

#[test]
fn who_is_asked_to_pay_anew_can_until_the_deadline_also_after_the_session() {
    let now = end().plus(HOUR);
    for ended in [with(Status::Completed), with(Status::NoShow { missed_by: Party::Client })] {
        let at = |deadline, status| step(&ended, &asked_until(deadline), status, now);
        let soon = now.plus(1);
        assert_eq!(at(soon, IntentStatus::Open), PaymentAction::Wait(Wait::Until(soon)));
        assert_eq!(at(soon, IntentStatus::Approved), PaymentAction::Order(Order::CollectApproved));
        for status in [IntentStatus::Open, IntentStatus::Approved] {
            assert_eq!(at(now, status), PaymentAction::Order(Order::CancelIntent), "{status:?}");
            let free = Payment { final_charge: Some(euros(0)), ..asked_until(soon) };
            assert_eq!(
                step(&ended, &free, status, now),
                PaymentAction::Order(Order::CancelIntent),
                "{status:?}"
            );
        }
    }
}

#[test]
fn what_a_gateway_keeps_until_it_is_taken_need_not_be_cancelled() {
    let patient = Capabilities { waits_for_collection: true, ..ABILITIES };
    for status in [IntentStatus::Open, IntentStatus::Approved] {
        let hold = |capabilities| step_at(capabilities, &pending(end()), &payment(), status, end());
        assert_eq!(
            (hold(ABILITIES), hold(patient)),
            (PaymentAction::Order(Order::CancelIntent), PaymentAction::Transition(Transition::Expire))
        );
        let ended = |final_charge| step_at(patient, &cancelled(), &final_charge, status, end());
        assert_eq!(ended(final_charge(0)), PaymentAction::Wait(Wait::Settled));
        assert_eq!(ended(final_charge(5_000)), PaymentAction::Transition(Transition::WriteOff));
    }
}

#[test]
fn a_person_decides_about_orders_that_a_gateway_refuses() {
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
