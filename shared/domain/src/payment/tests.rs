//! Every situation of a payment and its step, and that the steps come to an end whatever the client does meanwhile.

use crate::appointment::{Party, Status};
use crate::day_ledger::tests::{appointment, at};
use crate::text::LongText;

use super::*;

const NOW: &str = "2027-03-01T12:00:00Z";

fn now() -> Timestamp {
    at(NOW)
}

fn with_status(status: Status, ended: bool) -> Appointment {
    let start = now().plus(if ended { -3_600 } else { 3_600 });
    Appointment { status, start, end: start.plus(3_600), ..appointment(1) }
}

fn pending(seconds: i64) -> Status {
    Status::Pending { hold_expires_at: now().plus(seconds) }
}

fn cancelled() -> Status {
    let reason = LongText::default();
    Status::Cancelled { cancelled_by: Party::Client, cancelled_at: now(), reason }
}

fn refunded() -> PaymentState {
    PaymentState::Refunded { refund: "re_1".to_owned(), refunded_at: now() }
}

const INTENTS: [Option<IntentStatus>; 5] = [
    None,
    Some(IntentStatus::Open),
    Some(IntentStatus::Processing),
    Some(IntentStatus::Succeeded),
    Some(IntentStatus::Cancelled),
];

#[test]
fn every_situation_has_its_step() {
    use Settlement::{CancelIntent, Confirm, Expire, Refund, Settled, WaitUntil};
    let hold = WaitUntil(now().plus(1));
    let later = WaitUntil(now().plus(PROCESSING_PAUSE));
    // By intent: none, open, processing, succeeded, cancelled.
    let table = [
        (pending(1), false, [hold, hold, hold, Confirm, hold]),
        (pending(1), true, [hold, hold, hold, hold, hold]),
        (pending(0), false, [Expire, CancelIntent, later, Confirm, Expire]),
        (pending(0), true, [Expire, CancelIntent, later, Expire, Expire]),
        (pending(-9_999), false, [Expire, CancelIntent, later, Confirm, Expire]),
        (pending(-9_999), true, [Expire, CancelIntent, later, Expire, Expire]),
        (Status::Confirmed, false, [Settled; 5]),
        (Status::Confirmed, true, [Settled; 5]),
        (Status::Completed, true, [Settled; 5]),
        (Status::NoShow, true, [Settled; 5]),
        (cancelled(), false, [Settled, CancelIntent, later, Refund, Settled]),
        (cancelled(), true, [Settled, CancelIntent, later, Refund, Settled]),
        (Status::Expired, false, [Settled, CancelIntent, later, Refund, Settled]),
        (Status::Expired, true, [Settled, CancelIntent, later, Refund, Settled]),
    ];
    for (status, ended, steps) in table {
        let appointment = with_status(status, ended);
        for (intent, step) in INTENTS.into_iter().zip(steps) {
            let case = format!("{:?}, ended {ended}, {intent:?}", appointment.status);
            // What we noted of the payment changes nothing, Stripe's word does; but what was paid back is over.
            for state in [PaymentState::Open, PaymentState::Paid { paid_at: now() }, PaymentState::Cancelled]
            {
                assert_eq!(settle(&appointment, &state, intent, now()), step, "{case}, {state:?}");
            }
            assert_eq!(settle(&appointment, &refunded(), intent, now()), Settled, "{case}, refunded");
        }
    }
}

#[derive(Clone)]
struct Situation {
    appointment: Appointment,
    state: PaymentState,
    intent: Option<IntentStatus>,
    refunds: usize,
    steps: usize,
    /// How often the client may still try to pay.
    tries: usize,
}

impl Situation {
    /// What the client and the banks can make of it at any moment, nothing included.
    fn meanwhile(&self) -> Vec<Self> {
        use IntentStatus::{Cancelled, Open, Processing, Succeeded};
        let next: &[IntentStatus] = match self.intent {
            Some(Open) if self.tries > 0 => &[Processing, Succeeded, Cancelled],
            Some(Processing) => &[Succeeded, Open],
            _ => &[],
        };
        let tried = |intent: &IntentStatus| Self {
            intent: Some(*intent),
            tries: self.tries - usize::from(self.intent == Some(Open)),
            ..self.clone()
        };
        next.iter().map(tried).chain([self.clone()]).collect()
    }
}

/// Takes steps until there are no more, whatever happens to the intent in between. The client tries to pay three times.
fn play(situation: Situation, ends: &mut Vec<Situation>) {
    for mut next in situation.meanwhile() {
        let step = settle(&next.appointment, &next.state, next.intent, now());
        next.steps += 1;
        assert!(next.steps <= 12, "{step:?} and no end");
        match step {
            Settlement::Settled => {
                ends.push(next);
                continue;
            }
            Settlement::WaitUntil(instant) => {
                assert!(instant > now());
                continue;
            }
            Settlement::Confirm => {
                next.appointment = next.appointment.confirmed().unwrap();
                next.state = PaymentState::Paid { paid_at: now() };
            }
            Settlement::Expire => next.appointment = next.appointment.expired(now()).unwrap(),
            // Stripe cancels what is open; of the rest it says that it cannot.
            Settlement::CancelIntent => {
                assert!(next.intent.is_some());
                for mut seen in next.meanwhile() {
                    if seen.intent == Some(IntentStatus::Open) {
                        seen.intent = Some(IntentStatus::Cancelled);
                    }
                    play(seen, ends);
                }
                continue;
            }
            Settlement::Refund => {
                assert_eq!(next.intent, Some(IntentStatus::Succeeded));
                next.refunds += 1;
                next.state = refunded();
            }
        }
        play(next, ends);
    }
}

#[test]
fn steps_come_to_an_end_and_the_money_is_right() {
    let mut ends = Vec::new();
    for status in [pending(600), pending(0), cancelled(), Status::Expired] {
        for ended in [false, true] {
            for intent in INTENTS {
                let appointment = with_status(status.clone(), ended);
                let state = PaymentState::Open;
                play(Situation { appointment, state, intent, refunds: 0, steps: 0, tries: 3 }, &mut ends);
            }
        }
    }
    assert!(ends.len() > 40, "{}", ends.len());
    for Situation { appointment, state, intent, refunds, .. } in ends {
        let paid = intent == Some(IntentStatus::Succeeded);
        match appointment.status {
            Status::Confirmed => {
                assert!(paid && refunds == 0 && state == PaymentState::Paid { paid_at: now() })
            }
            Status::Cancelled { .. } | Status::Expired if paid => {
                assert!(refunds == 1 && state == refunded())
            }
            Status::Cancelled { .. } | Status::Expired => {
                assert!(refunds == 0 && matches!(intent, None | Some(IntentStatus::Cancelled)));
            }
            status => panic!("{status:?} is no end"),
        }
    }
}
