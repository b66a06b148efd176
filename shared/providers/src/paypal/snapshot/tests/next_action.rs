//! Payment actions at a gateway that does not let the platform reach the expert's money: no order exceeds the gateway's
//! capabilities, and the client ends up with the right amount.

use domain::experts::policy::{CancellationPolicy, ReschedulePolicy};
use domain::kernel::text::LongText;
use domain::kernel::time::DAY;
use domain::payments::gateway::Capabilities;
use domain::payments::payment::{Order as GatewayOrder, OrderKind, PaymentAction, Share, Transition, Wait};
use domain::scheduling::appointment::{Appointment, Attendee, Status};
use domain::scheduling::party::Party;
use domain::scheduling::proposal::Moves;
use domain::{AppointmentId, ClientId, ExpertId, Money, SessionTypeId, Zone};
use proptest::prelude::*;

use super::*;

fn capabilities() -> Capabilities {
    Capabilities {
        authorization_validity: 28 * DAY,
        saved_card_authorization_validity: None,
        requires_completion: true,
        supports_transfers: false,
        refunds_after_dispute: true,
        hold_period: None,
        refund_period: Some(175 * DAY),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn appointment(status: Status) -> Appointment {
    Appointment {
        id: AppointmentId::from_bits(1),
        version: 1,
        expert: ExpertId::from_bits(1),
        client: ClientId::from_bits(1),
        attendee: Attendee {
            name: "Alan".to_owned().try_into().expect("a name"),
            email: "alan@example.org".to_owned().try_into().expect("an address"),
            time_zone: Zone::UTC,
            note: LongText::default(),
        },
        session_type: SessionTypeId::from_bits(1),
        session_name: "An hour".to_owned().try_into().expect("a name"),
        start: at("2027-01-20T10:00:00Z"),
        end: at("2027-01-20T11:00:00Z"),
        buffer_before_minutes: 0,
        buffer_after_minutes: 0,
        seats: 1,
        group: false,
        price: Money::new(8_000, Currency::EUR).expect("in range"),
        created_at: at("2027-01-04T07:58:00Z"),
        reschedules: 0,
        cancellation: CancellationPolicy::default(),
        rescheduling: ReschedulePolicy::default(),
        no_show_report: None,
        moves: Moves::default(),
        status,
    }
}

fn step(payment: &Payment, status: &Status, snapshot: &PaymentSnapshot, now: &str) -> PaymentAction {
    domain::payments::payment::next_action(
        &appointment(status.clone()),
        payment,
        snapshot,
        &snapshot.movements,
        capabilities(),
        at(now),
    )
}

fn cancelled() -> Status {
    Status::Cancelled {
        cancelled_by: Party::Client,
        cancelled_at: at("2027-01-05T08:00:00Z"),
        reason: LongText::default(),
    }
}

#[test]
fn uncollected_order_is_not_cancelled() {
    let of = |status: &str| fetch_payment(Plan::Charge, order(status, json!({})), Vec::new());
    let payment = payment(Plan::Charge);
    let (before, after) = ("2027-01-04T08:00:00Z", "2027-01-04T08:08:00Z");
    let pending = Status::Pending { hold_expires_at: at(after) };
    assert_eq!(
        step(&payment, &pending, &of("PAYER_ACTION_REQUIRED"), before),
        PaymentAction::Wait(Wait::Until(at(after)))
    );
    assert_eq!(
        step(&payment, &pending, &of("PAYER_ACTION_REQUIRED"), after),
        PaymentAction::Transition(Transition::Expire)
    );
    assert_eq!(
        step(&payment, &pending, &of("APPROVED"), before),
        PaymentAction::Order(GatewayOrder::CompleteApproved)
    );
    // No other client has taken the slot yet.
    assert_eq!(
        step(&payment, &pending, &of("APPROVED"), after),
        PaymentAction::Order(GatewayOrder::CompleteApproved)
    );
    for status in ["PAYER_ACTION_REQUIRED", "APPROVED", "VOIDED"] {
        assert_eq!(
            step(&payment, &Status::Expired, &of(status), after),
            PaymentAction::Wait(Wait::Done),
            "{status}"
        );
        assert_eq!(
            step(&payment, &cancelled(), &of(status), after),
            PaymentAction::Wait(Wait::Done),
            "{status}"
        );
    }
    // A client who was asked to pay again, and approved during the session, is charged.
    let asked = Payment { action_deadline: Some(at("2027-01-21T00:00:00Z")), ..payment };
    assert_eq!(
        step(&asked, &Status::Completed, &of("APPROVED"), "2027-01-20T12:00:00Z"),
        PaymentAction::Order(GatewayOrder::CompleteApproved)
    );
    assert_eq!(
        step(&asked, &Status::Completed, &of("APPROVED"), "2027-01-22T12:00:00Z"),
        PaymentAction::Transition(Transition::WriteOff)
    );
}

#[test]
fn held_share_is_released_a_day_after_the_session() {
    let held_payment = |final_charge: u64| {
        let whole = payment(Plan::Charge);
        let final_charge = whole.amount.with_amount(final_charge).ok();
        Payment { payout_timing: PayoutTiming::AfterSession, final_charge, ..whole }
    };
    let (before, after, late) = ("2027-01-21T10:59:59Z", "2027-01-21T11:00:00Z", "2027-02-02T08:00:00Z");
    let release_at = at(after);
    let release = |net: u64, fee: u64| {
        let money = |amount| Money::new(amount, Currency::EUR).expect("small");
        PaymentAction::Order(GatewayOrder::PayOut(Share { amount: money(net + fee), fee: money(fee) }))
    };
    let whole = held_payment(8_000);
    let seen = |now| held(None, vec![], vec![], now);
    assert_eq!(
        step(&whole, &Status::Completed, &seen(before), before),
        PaymentAction::Wait(Wait::Until(release_at))
    );
    assert_eq!(step(&whole, &Status::Completed, &seen(after), after), release(7_200, 800));
    // Once it is released, nothing is left to do.
    for (released_at, now) in [(Some(after), after), (None, late)] {
        let released = held(released_at, vec![], vec![], now);
        assert_eq!(step(&whole, &Status::Completed, &released, now), PaymentAction::Wait(Wait::Done));
    }
    // An open dispute holds it, until PayPal releases it by itself.
    let disputed = held(None, vec![], vec![dispute("UNDER_REVIEW", None, "30.00")], after);
    let next = step(&whole, &Status::Completed, &disputed, after);
    assert!(matches!(next, PaymentAction::Wait(Wait::Until(_))), "{next:?}");
    // What must be refunded is not released: a release has no amount.
    let half = held_payment(4_000);
    let refused = Payment {
        refused: [(OrderKind::Refund, "no_funds".to_owned())].into_iter().collect(),
        ..half.clone()
    };
    let waits = step(&refused, &cancelled(), &seen(after), after);
    let PaymentAction::Wait(Wait::ForDecision { until, .. }) = waits else { panic!("{waits:?}") };
    assert_eq!(until, Some(at("2027-02-01T08:00:00Z")), "PayPal releases it then");
    let refunds =
        vec![refund("R1", "COMPLETED", "40.00", "4.00", Some("apt_00000000000000000000000001:refund:1"))];
    assert_eq!(
        step(&half, &cancelled(), &held(None, refunds.clone(), vec![], after), after),
        release(3_600, 400)
    );
    let nothing = held(None, vec![refund("R1", "COMPLETED", "80.00", "8.00", None)], vec![], after);
    assert_eq!(step(&held_payment(0), &cancelled(), &nothing, after), PaymentAction::Wait(Wait::Done));
}

proptest! {
    #[test]
    fn orders_stay_within_the_capabilities(
        final_charge in 0_u64..=8_000,
        disputed in 0_u64..=8_000,
        outcome in 0..4_usize,
        failures in 0..3_usize,
    ) {
        let text = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
        let disputes = match (disputed, outcome) {
            (0, _) | (_, 0) => Vec::new(),
            (_, 1) => vec![dispute("UNDER_REVIEW", None, &text(disputed))],
            (_, 2) => vec![dispute("RESOLVED", Some(("RESOLVED_SELLER_FAVOUR", "0.00")), &text(disputed))],
            (_, _) => vec![dispute("RESOLVED", Some(("RESOLVED_BUYER_FAVOUR", &text(disputed))), &text(disputed))],
        };
        let mut payment = payment(Plan::Charge);
        payment.final_charge = Some(payment.amount.with_amount(final_charge).expect("small"));
        payment.max_failed_refunds = 3;
        let mut refunds: Vec<Value> = Vec::new();
        for number in 0..10 {
            let snapshot = refunded("COMPLETED", refunds.clone(), disputes.clone());
            match step(&payment, &cancelled(), &snapshot, "2027-01-10T08:00:00Z") {
                PaymentAction::Order(GatewayOrder::Refund { amount, .. }) => {
                    prop_assert!(!snapshot.open_dispute);
                    let capture: Capture = serde_json::from_value(capture("COMPLETED", "80.00", "8.00")).expect("PayPal's shape");
                    let known: Vec<Refund> = refunds.iter().map(|one| serde_json::from_value(one.clone()).expect("PayPal's shape")).collect();
                    let in_force: Vec<&Refund> = known.iter().filter(|one| !failed(one)).collect();
                    let fee = super::super::super::convert::refunded_fee(&capture, &in_force, amount, 0).expect("amounts");
                    let status = if number < failures { "FAILED" } else { "COMPLETED" };
                    let key = format!("apt_00000000000000000000000001:refund:{}", number + 1);
                    refunds.push(refund(&format!("R{number}"), status, &text(amount.amount()), &text(fee.amount()), Some(&key)));
                }
                PaymentAction::Wait(Wait::Done) => {
                    prop_assert!(!snapshot.open_dispute);
                    let totals = Totals::of(&snapshot.movements);
                    prop_assert!(totals.net_paid() <= final_charge);
                    let lost = if outcome == 3 { disputed } else { 0 };
                    prop_assert_eq!(totals.net_paid(), final_charge.min(8_000 - lost));
                    return Ok(());
                }
                PaymentAction::Wait(Wait::Until(_)) => {
                    prop_assert!(snapshot.open_dispute);
                    return Ok(());
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
        prop_assert!(false, "the actions do not end: {refunds:#?}");
    }
}
