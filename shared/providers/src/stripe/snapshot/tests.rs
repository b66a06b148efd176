//! Snapshots of recorded responses (API version 2026-09-30, in which a partial capture and a cancellation create no refund: <https://docs.stripe.com/changelog/basil/2025-03-31/remove-refund-from-partial-capture-and-payment-cancellation-flow>).

use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::Balances;
use domain::payments::payment::{Decline, Plan, References};
use domain::{AppointmentId, Rate};
use serde_json::{Value, json};

use super::*;
use crate::stripe::wire::List;

const REFUNDED_IN_PART: &[u8] = include_bytes!("../recorded/refunded_in_part.json");
const AUTHORIZED: &[u8] = include_bytes!("../recorded/authorized.json");
const CAPTURED_IN_PART: &[u8] = include_bytes!("../recorded/captured_in_part.json");
const CANCELLED: &[u8] = include_bytes!("../recorded/cancelled.json");
const DECLINED: &[u8] = include_bytes!("../recorded/declined.json");
const DISPUTES: &[u8] = include_bytes!("../recorded/disputes.json");
const SETUP: &[u8] = include_bytes!("../recorded/setup_intent.json");

fn payment() -> Payment {
    let amount = Money::new(10_000, Currency::EUR).expect("small");
    let destination = (GatewayKind::Stripe, "acct_3Q1".to_owned());
    let agreed = Payment::agreed(
        AppointmentId::from_bits(1),
        amount,
        Rate::DEFAULT_COMMISSION,
        destination,
        PayoutTiming::AtPayment,
        Plan::Charge,
    );
    Payment {
        references: References { intent: Some("pi_3Q1".to_owned()), ..References::default() },
        ..agreed
    }
}

fn objects(recorded: &[u8]) -> PaymentObjects {
    PaymentObjects::from_intent(serde_json::from_slice(recorded).expect("Stripe's shape"))
        .expect("with its charge")
}

/// The same, with some members of the charge changed.
fn objects_with(recorded: &[u8], changes: Value) -> PaymentObjects {
    let mut intent: Value = serde_json::from_slice(recorded).expect("JSON");
    for (name, value) in changes.as_object().expect("members") {
        intent["latest_charge"][name] = value.clone();
    }
    PaymentObjects::from_intent(serde_json::from_value(intent).expect("Stripe's shape"))
        .expect("with its charge")
}

fn dispute(id: &str) -> Dispute {
    let disputes: List<Dispute> = serde_json::from_slice(DISPUTES).expect("Stripe's shape");
    disputes.data.into_iter().find(|dispute| dispute.id == id).expect("recorded")
}

type Shown<'a> = (MovementKind, u64, &'a str);

fn shown(snapshot: &PaymentSnapshot) -> Vec<Shown<'_>> {
    snapshot.movements.iter().map(|one| (one.kind, one.amount.amount(), one.object.as_str())).collect()
}

/// The idempotency keys, without the appointment.
fn keys(snapshot: &PaymentSnapshot) -> Vec<Option<&str>> {
    let step = |key: &'_ String| key.find(':').map(|colon| colon + 1);
    let keys = snapshot.movements.iter().map(|movement| movement.idempotency_key.as_ref());
    keys.map(|key| key.and_then(|key| key.get(step(key)?..))).collect()
}

#[test]
fn charge_with_refunds_shows_all_movements() {
    use MovementKind::{Captured, Fee, FeeRefund, ProcessingFee, Refund, RefundFailed, Reversal, Transfer};
    let snapshot = snapshot(&payment(), &objects(REFUNDED_IN_PART)).expect("amounts");
    assert_eq!(snapshot.status, IntentStatus::Succeeded);
    assert_eq!(
        shown(&snapshot),
        [
            (Captured, 10_000, "ch_3Q1"),
            (ProcessingFee, 175, "ch_3Q1"),
            (Transfer, 10_000, "tr_3Q1"),
            (Fee, 1_000, "fee_3Q1"),
            (Reversal, 1_000, "trr_1"),
            (FeeRefund, 100, "fr_1"),
            (Refund, 1_000, "re_1"),
            (Reversal, 1_500, "trr_2"),
            (FeeRefund, 150, "fr_2"),
            (Refund, 1_500, "re_2"),
            (Refund, 700, "re_3"),
            (RefundFailed, 1_500, "re_2"),
        ]
    );
    let (charge, first, second) = (Some("intent:1"), Some("refund:1"), Some("refund:2"));
    assert_eq!(
        keys(&snapshot),
        [charge, None, charge, charge, first, None, first, second, None, second, None, None]
    );
    let balances = Balances::of(&snapshot.movements);
    let of = |account| balances.get(account, Currency::EUR);
    assert_eq!(of(Account::Client), -8_300);
    assert_eq!(of(Account::Expert), 10_000 - 1_000 - 2_500 + 250);
    assert_eq!(of(Account::Gateway), 175);
    assert_eq!(of(Account::Platform), 8_300 - 6_750 - 175);
}

#[test]
fn no_movement_appears_twice() {
    for recorded in [REFUNDED_IN_PART, AUTHORIZED, CAPTURED_IN_PART, CANCELLED] {
        let snapshot = snapshot(&payment(), &objects(recorded)).expect("amounts");
        for (place, movement) in snapshot.movements.iter().enumerate() {
            assert!(
                !snapshot.movements[..place].iter().any(|other| other.is_same_event(movement)),
                "{movement:?}"
            );
        }
    }
}

#[test]
fn authorization_is_captured_in_part_or_released() {
    use MovementKind::{Authorized, Captured, Fee, ProcessingFee, Released, Transfer};
    let held = snapshot(&payment(), &objects(AUTHORIZED)).expect("amounts");
    let capture_before = Timestamp::from_seconds(1_700_604_900);
    assert_eq!(held.status, IntentStatus::Authorized { capture_before });
    assert_eq!(shown(&held), [(Authorized, 10_000, "ch_3Q1")]);

    let captured = snapshot(&payment(), &objects(CAPTURED_IN_PART)).expect("amounts");
    assert_eq!(captured.status, IntentStatus::Succeeded);
    assert_eq!(
        shown(&captured),
        [
            (Authorized, 10_000, "ch_3Q1"),
            (Captured, 6_000, "ch_3Q1"),
            (Released, 4_000, "ch_3Q1"),
            (ProcessingFee, 115, "ch_3Q1"),
            (Transfer, 6_000, "tr_3Q1"),
            (Fee, 600, "fee_3Q1"),
        ]
    );
    let capture = Some("capture:2");
    assert_eq!(keys(&captured), [Some("saved_card:2"), capture, capture, None, capture, capture]);
    assert_eq!(Balances::of(&captured.movements).get(Account::Authorized, Currency::EUR), 0);

    let cancelled = snapshot(&payment(), &objects(CANCELLED)).expect("amounts");
    assert_eq!(cancelled.status, IntentStatus::Cancelled);
    assert_eq!(shown(&cancelled), [(Authorized, 10_000, "ch_3Q1"), (Released, 10_000, "ch_3Q1")]);
    assert_eq!(Balances::of(&cancelled.movements).iter().filter(|(.., amount)| *amount != 0).count(), 0);
}

#[test]
fn unreported_capture_deadline_is_the_shortest_one() {
    let unreported =
        objects_with(AUTHORIZED, json!({ "payment_method_details": { "card": { "brand": "visa" } } }));
    let created = Timestamp::from_seconds(1_700_000_100);
    let until = |payment: &Payment| snapshot(payment, &unreported).expect("amounts").status;
    let capture_before = created.plus(AUTHORIZATION_HOLDS);
    assert_eq!(until(&payment()), IntentStatus::Authorized { capture_before });
    let mut saved = payment();
    saved.references.setup = Some("seti_3Q1".to_owned());
    let capture_before = created.plus(LATER_AUTHORIZATION_HOLDS);
    assert_eq!(until(&saved), IntentStatus::Authorized { capture_before });
    // Stripe's fee is left out until it is known.
    let unknown = objects_with(REFUNDED_IN_PART, json!({ "balance_transaction": null }));
    let snapshot = snapshot(&payment(), &unknown).expect("amounts");
    assert!(snapshot.movements.iter().all(|movement| movement.kind != MovementKind::ProcessingFee));
    assert!(snapshot.movements.iter().any(|movement| movement.kind == MovementKind::Captured));
}

#[test]
fn declined_charge_moves_no_money() {
    let snapshot = snapshot(&payment(), &objects(DECLINED)).expect("amounts");
    assert_eq!((snapshot.status, snapshot.decline), (IntentStatus::Open, Some(Decline::InsufficientFunds)));
    assert_eq!(snapshot.movements, []);
}

#[test]
fn pending_bank_debit_moves_no_money() {
    let pending = objects_with(REFUNDED_IN_PART, json!({ "status": "pending" }));
    let mut intent = pending.intent.clone();
    for value in ["processing", "something_new"] {
        intent.status = value.to_owned();
        let snapshot = snapshot(&payment(), &PaymentObjects { intent: intent.clone(), ..pending.clone() })
            .expect("amounts");
        assert_eq!((snapshot.status, snapshot.movements), (IntentStatus::Processing, Vec::new()), "{value}");
    }
    assert!(matches!(snapshot(&payment(), &pending), Err(GatewayError::Unavailable(_))));
}

#[test]
fn disputes_show_withdrawals_and_returns() {
    use MovementKind::{Dispute, DisputeFee, DisputeWon, ProcessingFee};
    let after = |ids: &[&str]| {
        let disputes = ids.iter().map(|id| dispute(id)).collect();
        let snapshot =
            snapshot(&payment(), &PaymentObjects { disputes, ..objects(REFUNDED_IN_PART) }).expect("amounts");
        let shown = snapshot.movements.iter().filter(|movement| movement.object.starts_with("dp_"));
        let shown: Vec<_> =
            shown.map(|movement| (movement.kind, movement.amount.amount(), movement.from)).collect();
        (shown, snapshot.open_dispute)
    };
    let withdrawn =
        |amount| [(Dispute, amount, Account::Platform), (DisputeFee, 2_000, Account::Platform)].to_vec();
    assert_eq!(after(&["dp_open"]), (withdrawn(10_000), true));
    assert_eq!(after(&["dp_lost"]), (withdrawn(4_000), false));
    assert_eq!(after(&["dp_inquiry"]), (Vec::new(), false));
    let returned = [(DisputeWon, 10_000, Account::Client), (ProcessingFee, 2_000, Account::Gateway)];
    assert_eq!(after(&["dp_won"]), ([withdrawn(10_000), returned.to_vec()].concat(), false));
    assert!(
        PaymentObjects { disputes: vec![dispute("dp_won")], ..objects(CAPTURED_IN_PART) }
            .may_have_later_transfers(&payment())
    );
    assert!(
        !PaymentObjects { disputes: vec![dispute("dp_lost")], ..objects(CAPTURED_IN_PART) }
            .may_have_later_transfers(&payment())
    );
    assert!(objects(REFUNDED_IN_PART).may_have_later_transfers(&payment()), "one of its refunds failed");
    for (value, open) in
        [("needs_response", true), ("appeal_under_review", true), ("prevented", false), ("new", true)]
    {
        assert_eq!(is_open(value), open, "{value}");
    }
}

#[test]
fn charge_settled_in_another_currency_is_an_error() {
    for changes in [json!({ "currency": "usd" }), json!({ "amount": -1, "amount_captured": -1 })] {
        let wrong = snapshot(&payment(), &objects_with(REFUNDED_IN_PART, changes.clone()));
        assert!(matches!(wrong, Err(GatewayError::Unavailable(_))), "{changes}: {wrong:?}");
    }
    let mut intent: Value = serde_json::from_slice(REFUNDED_IN_PART).expect("JSON");
    intent["latest_charge"]["balance_transaction"]["currency"] = json!("usd");
    let objects = PaymentObjects::from_intent(serde_json::from_value(intent).expect("Stripe's shape"))
        .expect("with its charge");
    let snapshot = snapshot(&payment(), &objects).expect("Stripe's fee may be in another currency");
    let fee = snapshot.movements.iter().find(|movement| movement.kind == MovementKind::ProcessingFee);
    assert_eq!(fee.map(|fee| fee.amount.currency().code()), Some("USD"));
}

#[test]
fn saved_card_counts_until_it_is_detached() {
    let status = |change: &dyn Fn(&mut Value)| {
        let mut setup: Value = serde_json::from_slice(SETUP).expect("JSON");
        change(&mut setup);
        let setup: SetupIntent = serde_json::from_value(setup).expect("Stripe's shape");
        let snapshot = snapshot_of_setup(&setup);
        (snapshot.status, pay_with(&setup.status, setup.client_secret.as_ref()), snapshot.decline)
    };
    let secret = || PayWith::ClientSecret("seti_3Q1_secret_x".to_owned());
    assert_eq!(status(&|_| ()), (IntentStatus::CardSaved, PayWith::None, None));
    let detached = status(&|setup| setup["payment_method"]["customer"] = Value::Null);
    assert_eq!(detached, (IntentStatus::Cancelled, PayWith::None, None));
    for value in ["requires_payment_method", "requires_confirmation", "requires_action"] {
        let open = status(&|setup| setup["status"] = json!(value));
        assert_eq!(open, (IntentStatus::Open, secret(), None), "{value}");
    }
    for value in ["processing", "something_new"] {
        let waiting = status(&|setup| setup["status"] = json!(value));
        assert_eq!(waiting, (IntentStatus::Processing, PayWith::None, None), "{value}");
    }
    let refused = status(&|setup| {
        setup["status"] = json!("requires_payment_method");
        setup["last_setup_error"] =
            json!({ "code": "setup_intent_authentication_failure", "type": "card_error" });
    });
    assert_eq!(refused, (IntentStatus::Open, secret(), Some(Decline::AuthenticationRequired)));
}

#[test]
fn response_without_an_expanded_member_is_an_error() {
    let read = |intent: Value| {
        PaymentObjects::from_intent(serde_json::from_value(intent).expect("an id is a shape too"))
    };
    let recorded = || serde_json::from_slice::<Value>(REFUNDED_IN_PART).expect("JSON");
    let mut intent = recorded();
    intent["latest_charge"] = json!("ch_3Q1");
    assert!(matches!(read(intent), Err(Failure::Unavailable(_))));
    for (member, unexpanded) in
        [("transfer", json!("tr_3Q1")), ("application_fee", json!("fee_3Q1")), ("refunds", Value::Null)]
    {
        let mut intent = recorded();
        intent["latest_charge"][member] = unexpanded;
        assert!(matches!(read(intent), Err(Failure::Unavailable(_))), "{member}");
    }
    let mut intent: Value = serde_json::from_slice(AUTHORIZED).expect("JSON");
    intent["latest_charge"]["amount"] = json!("10000");
    let error = serde_json::from_value::<PaymentIntent>(intent).expect_err("no number").to_string();
    assert!(error.contains("10000"), "{error}");
}
