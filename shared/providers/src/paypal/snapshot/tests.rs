use app::payments::ports::PayWith;
use domain::payments::ledger::{Account, Balances, Totals};
use domain::payments::payment::Plan;
use domain::payments::payout::PayoutTiming;
use domain::{Currency, Timestamp};
use serde_json::{Value, json};

use super::super::convert::tests::payment;
use super::*;

mod next_action;

fn recorded() -> Value {
    serde_json::from_slice(include_bytes!("../recorded/order_captured.json")).expect("JSON")
}

fn eur(value: &str) -> Value {
    json!({ "currency_code": "EUR", "value": value })
}

fn capture(status: &str, value: &str, fee: &str) -> Value {
    let mut capture = recorded()["purchase_units"][0]["payments"]["captures"][0].clone();
    capture["status"] = json!(status);
    capture["amount"] = eur(value);
    capture["seller_receivable_breakdown"]["platform_fees"][0]["amount"] = eur(fee);
    capture
}

fn authorization(status: &str) -> Value {
    json!({
        "id": "0AW2184448108334S",
        "status": status,
        "amount": eur("80.00"),
        "create_time": "2027-01-04T07:59:00Z",
        "update_time": "2027-01-04T08:00:00Z",
        "expiration_time": "2027-02-02T07:59:00Z",
    })
}

fn refund(id: &str, status: &str, value: &str, fee: &str, invoice: Option<&str>) -> Value {
    json!({
        "id": id,
        "status": status,
        "amount": eur(value),
        "invoice_id": invoice,
        "seller_payable_breakdown": { "platform_fees": [{ "amount": eur(fee) }] },
        "create_time": "2027-01-06T08:00:00Z",
        "update_time": "2027-01-09T08:00:00Z",
    })
}

fn dispute(status: &str, outcome: Option<(&str, &str)>, amount: &str) -> Dispute {
    let outcome = outcome.map(|(code, back)| json!({ "outcome_code": code, "amount_refunded": eur(back) }));
    let dispute = json!({
        "dispute_id": "PP-D-1",
        "status": status,
        "dispute_life_cycle_stage": "CHARGEBACK",
        "create_time": "2027-01-05T08:00:00.000Z",
        "update_time": "2027-01-07T08:00:00.000Z",
        "dispute_amount": eur(amount),
        "dispute_outcome": outcome,
    });
    serde_json::from_value(dispute).expect("PayPal's shape")
}

/// An order in this status with these payments.
fn order(status: &str, payments: Value) -> Order {
    let mut order = recorded();
    order["status"] = json!(status);
    order["purchase_units"][0]["payments"] = payments;
    serde_json::from_value(order).expect("PayPal's shape")
}

/// After everything that happens in these tests.
fn later() -> Timestamp {
    "2027-01-20T08:00:00Z".parse().expect("a time")
}

fn fetch_payment(plan: Plan, order: Order, disputes: Vec<Dispute>) -> PaymentSnapshot {
    snapshot(&payment(plan), &PaymentObjects { order, disputes }, later()).expect("amounts")
}

fn shown(snapshot: &PaymentSnapshot) -> Vec<(MovementKind, u64, &str)> {
    snapshot.movements.iter().map(|one| (one.kind, one.amount.amount(), one.object.as_str())).collect()
}

/// All balances, in euro cents: client with authorized amounts, platform, expert, PayPal.
fn balances(snapshot: &PaymentSnapshot) -> [i128; 4] {
    let balances = Balances::of(&snapshot.movements);
    let of = |account| balances.get(account, Currency::EUR);
    let client = of(Account::Client) + of(Account::Authorized);
    assert_eq!(Account::ALL.into_iter().map(of).sum::<i128>(), 0);
    [client, of(Account::Platform), of(Account::Expert), of(Account::Gateway)]
}

#[test]
fn statuses_of_order_and_payments_give_the_status_of_the_intent() {
    let none = || json!({});
    let at: Timestamp = "2027-02-02T07:59:00Z".parse().expect("a time");
    let captured = |status| json!({ "captures": [capture(status, "80.00", "8.00")] });
    let authorized = |status| json!({ "authorizations": [authorization(status)] });
    let both = |authorized, captured| json!({ "authorizations": [authorization(authorized)], "captures": [capture(captured, "80.00", "8.00")] });
    for (status, payments, expected) in [
        ("CREATED", none(), IntentStatus::Open),
        ("PAYER_ACTION_REQUIRED", none(), IntentStatus::Open),
        ("SAVED", none(), IntentStatus::Open),
        ("APPROVED", none(), IntentStatus::Approved),
        ("VOIDED", none(), IntentStatus::Cancelled),
        ("COMPLETED", none(), IntentStatus::Processing),
        ("SOMETHING_NEW", none(), IntentStatus::Processing),
        ("COMPLETED", captured("COMPLETED"), IntentStatus::Succeeded),
        ("COMPLETED", captured("PARTIALLY_REFUNDED"), IntentStatus::Succeeded),
        ("COMPLETED", captured("REFUNDED"), IntentStatus::Succeeded),
        ("COMPLETED", captured("PENDING"), IntentStatus::Processing),
        ("COMPLETED", captured("SOMETHING_NEW"), IntentStatus::Processing),
        ("COMPLETED", captured("DECLINED"), IntentStatus::Cancelled),
        ("COMPLETED", captured("FAILED"), IntentStatus::Cancelled),
        ("COMPLETED", authorized("CREATED"), IntentStatus::Authorized { capture_before: at }),
        ("COMPLETED", authorized("PENDING"), IntentStatus::Processing),
        ("COMPLETED", authorized("SOMETHING_NEW"), IntentStatus::Processing),
        ("COMPLETED", authorized("DENIED"), IntentStatus::Cancelled),
        ("COMPLETED", authorized("VOIDED"), IntentStatus::Cancelled),
        ("COMPLETED", both("CAPTURED", "COMPLETED"), IntentStatus::Succeeded),
        ("COMPLETED", both("CAPTURED", "PENDING"), IntentStatus::Processing),
        ("COMPLETED", both("CAPTURED", "DECLINED"), IntentStatus::Cancelled),
        ("COMPLETED", both("CREATED", "DECLINED"), IntentStatus::Authorized { capture_before: at }),
    ] {
        let snapshot = fetch_payment(Plan::Charge, order(status, payments.clone()), Vec::new());
        assert_eq!(snapshot.status, expected, "{status} {payments:#}");
    }
}

#[test]
fn open_order_has_a_payment_page() {
    let mut open = recorded();
    open["status"] = json!("PAYER_ACTION_REQUIRED");
    open["links"] = json!([{ "href": "https://www.paypal.com/checkoutnow?token=5", "rel": "payer-action" }]);
    let page = |order: &Value| pay_with(&serde_json::from_value(order.clone()).expect("PayPal's shape"));
    assert_eq!(page(&open), PayWith::Page("https://www.paypal.com/checkoutnow?token=5".to_owned()));
    open["status"] = json!("APPROVED");
    assert_eq!(page(&open), PayWith::None);
    assert_eq!(page(&recorded()), PayWith::None);
}

#[test]
fn capture_pays_the_expert_who_pays_both_fees() {
    let order: Order = serde_json::from_value(recorded()).expect("PayPal's shape");
    let snapshot = fetch_payment(Plan::Charge, order, Vec::new());
    let id = "3C679366HH908993F";
    let expected = [
        (MovementKind::Captured, 8_000, id),
        (MovementKind::Transfer, 8_000, id),
        (MovementKind::Fee, 800, id),
        (MovementKind::ProcessingFee, 274, id),
    ];
    assert_eq!(shown(&snapshot), expected);
    assert_eq!(balances(&snapshot), [-8_000, 800, 6_926, 274]);
    let key = snapshot.movements[0].idempotency_key.clone();
    assert_eq!(key.as_deref(), Some("apt_00000000000000000000000001:complete:1"));
}

#[test]
fn authorization_is_captured_or_released() {
    let movements = |authorized: &str, captures: Value| {
        let payments = json!({ "authorizations": [authorization(authorized)], "captures": captures });
        fetch_payment(Plan::Authorize, order("COMPLETED", payments), Vec::new())
    };
    let id = "0AW2184448108334S";
    let held = movements("CREATED", json!([]));
    assert_eq!(shown(&held), [(MovementKind::Authorized, 8_000, id)]);
    let part = movements("CAPTURED", json!([capture("COMPLETED", "30.00", "3.00")]));
    assert_eq!(balances(&part), [-3_000, 300, 2_426, 274]);
    assert_eq!(Totals::of(&part.movements).authorized, 0);
    assert!(shown(&part).contains(&(MovementKind::Released, 5_000, id)), "{:#?}", part.movements);
    let captured = part.movements.iter().find(|one| one.kind == MovementKind::Captured).expect("it is there");
    let key = "apt_00000000000000000000000001:capture:1.1";
    assert_eq!((captured.from, captured.idempotency_key.as_deref()), (Account::Authorized, Some(key)));
    // A pending eCheck moves no money. When it bounces, the whole amount is released.
    let pending = movements("CAPTURED", json!([capture("PENDING", "80.00", "8.00")]));
    assert_eq!(shown(&pending), shown(&held));
    for released in
        [movements("VOIDED", json!([])), movements("CAPTURED", json!([capture("DECLINED", "80.00", "8.00")]))]
    {
        assert_eq!(balances(&released), [0, 0, 0, 0]);
        assert_eq!(Totals::of(&released.movements).authorized, 0);
    }
    assert_eq!(
        movements("CAPTURED", json!([capture("DECLINED", "80.00", "8.00")])).decline,
        Some(Decline::Refused)
    );
    // A renewal authorizes no additional amount.
    let mut renewal = authorization("CREATED");
    renewal["id"] = json!("RENEWAL");
    renewal["create_time"] = json!("2027-01-09T08:00:00Z");
    let payments = json!({ "authorizations": [renewal, authorization("CREATED")] });
    let renewed = order("COMPLETED", payments);
    assert_eq!(renewed.newest_authorization().map(|one| one.id.as_str()), Some("RENEWAL"));
    assert_eq!(shown(&fetch_payment(Plan::Authorize, renewed, Vec::new())), shown(&held));
}

fn refunded(status: &str, refunds: Vec<Value>, disputes: Vec<Dispute>) -> PaymentSnapshot {
    let payments = json!({ "captures": [capture(status, "80.00", "8.00")], "refunds": refunds });
    fetch_payment(Plan::Charge, order("COMPLETED", payments), disputes)
}

#[test]
fn refund_is_paid_by_the_expert_and_the_platforms_fee() {
    let ours = "apt_00000000000000000000000001:refund:1";
    let half =
        refunded("PARTIALLY_REFUNDED", vec![refund("R1", "COMPLETED", "40.00", "4.00", Some(ours))], vec![]);
    assert_eq!(balances(&half), [-4_000, 400, 3_326, 274]);
    let moved = half.movements.iter().find(|one| one.kind == MovementKind::Refund).expect("it is there");
    assert_eq!(moved.idempotency_key.as_deref(), Some(ours));
    // A refund by the expert alone leaves the platform its fee.
    let by_expert = refunded("REFUNDED", vec![refund("R1", "COMPLETED", "80.00", "0.00", None)], vec![]);
    assert_eq!(balances(&by_expert), [0, 800, -1_074, 274]);
    let pending = refunded("COMPLETED", vec![refund("R1", "PENDING", "40.00", "4.00", Some(ours))], vec![]);
    assert_eq!(balances(&pending), balances(&half));
    for failed in ["FAILED", "CANCELLED"] {
        let failed = refunded("COMPLETED", vec![refund("R1", failed, "40.00", "4.00", Some(ours))], vec![]);
        assert_eq!(balances(&failed), [-8_000, 800, 6_926, 274]);
        let totals = Totals::of(&failed.movements);
        assert_eq!((totals.failed_refunds, totals.net_paid(), totals.expert_balance()), (1, 8_000, 7_200));
    }
}

#[test]
fn disputed_amount_is_taken_from_the_expert_until_it_is_won() {
    let paid = [-8_000, 800, 6_926, 274];
    for (dispute, open, expected) in [
        (dispute("UNDER_REVIEW", None, "80.00"), true, [0, 800, -1_074, 274]),
        (dispute("UNDER_REVIEW", None, "30.00"), true, [-5_000, 800, 3_926, 274]),
        (dispute("RESOLVED", Some(("SOMETHING_NEW", "0.00")), "80.00"), true, [0, 800, -1_074, 274]),
        (dispute("RESOLVED", None, "80.00"), true, [0, 800, -1_074, 274]),
        (dispute("RESOLVED", Some(("RESOLVED_SELLER_FAVOUR", "0.00")), "80.00"), false, paid),
        (dispute("RESOLVED", Some(("CANCELED_BY_BUYER", "0.00")), "80.00"), false, paid),
        (dispute("RESOLVED", Some(("RESOLVED_WITH_PAYOUT", "80.00")), "80.00"), false, paid),
        (
            dispute("RESOLVED", Some(("RESOLVED_BUYER_FAVOUR", "80.00")), "80.00"),
            false,
            [0, 800, -1_074, 274],
        ),
        (
            dispute("RESOLVED", Some(("RESOLVED_BUYER_FAVOUR", "20.00")), "80.00"),
            false,
            [-6_000, 800, 4_926, 274],
        ),
    ] {
        let snapshot = refunded("COMPLETED", vec![], vec![dispute.clone()]);
        assert_eq!((snapshot.open_dispute, balances(&snapshot)), (open, expected), "{dispute:#?}");
        // PayPal may also record a lost dispute as a refund. It counts once.
        if dispute_state(&dispute) == DisputeState::Lost {
            let back = dispute.dispute_outcome.as_ref().and_then(|outcome| outcome.amount_refunded.clone());
            let back = back.expect("an amount").value;
            let recorded_twice =
                refunded("REFUNDED", vec![refund("R9", "COMPLETED", &back, "0.00", None)], vec![dispute]);
            assert_eq!(balances(&recorded_twice), expected);
        }
    }
    let mut inquiry = dispute("WAITING_FOR_SELLER_RESPONSE", None, "80.00");
    inquiry.dispute_life_cycle_stage = Some("INQUIRY".to_owned());
    let snapshot = refunded("COMPLETED", vec![], vec![inquiry]);
    assert_eq!((snapshot.open_dispute, balances(&snapshot)), (false, paid));
}

/// The recorded payment, whose capture was created at 08:00 on 4 January 2027, if PayPal holds it.
fn held(
    released_at: Option<&str>,
    refunds: Vec<Value>,
    disputes: Vec<Dispute>,
    now: &str,
) -> PaymentSnapshot {
    let at = |text: &str| text.parse::<Timestamp>().expect("a time");
    let held = Payment {
        payout_timing: PayoutTiming::AfterSession,
        released_at: released_at.map(at),
        ..payment(Plan::Charge)
    };
    let payments = json!({ "captures": [capture("COMPLETED", "80.00", "8.00")], "refunds": refunds });
    let objects = PaymentObjects { order: order("COMPLETED", payments), disputes };
    snapshot(&held, &objects, at(now)).expect("amounts")
}

#[test]
fn held_money_is_the_platforms_until_it_is_released() {
    let by_itself = "2027-02-01T08:00:00Z";
    let before = held(None, vec![], vec![], "2027-02-01T07:59:59Z");
    assert_eq!(balances(&before), [-8_000, 8_000, -274, 274]);
    assert_eq!(before.releases_at, Some(by_itself.parse().expect("a time")));
    for (released_at, now, at) in [
        (None, by_itself, by_itself),
        (Some("2027-01-08T08:00:00Z"), "2027-01-08T08:00:00Z", "2027-01-08T08:00:00Z"),
        // PayPal was faster than the platform.
        (Some("2027-02-03T08:00:00Z"), "2027-02-03T08:00:00Z", by_itself),
    ] {
        let after = held(released_at, vec![], vec![], now);
        assert_eq!((balances(&after), after.releases_at), ([-8_000, 800, 6_926, 274], None));
        let transfer =
            after.movements.iter().find(|one| one.kind == MovementKind::Transfer).expect("it is there");
        assert_eq!(transfer.at.to_string(), at);
    }
}

#[test]
fn refunds_and_disputes_of_held_money_lower_what_is_released() {
    let ours = Some("apt_00000000000000000000000001:refund:1");
    let quarter = || vec![refund("R1", "COMPLETED", "20.00", "2.00", ours)];
    let (day, later) = ("2027-01-10T08:00:00Z", "2027-01-20T08:00:00Z");
    assert_eq!(balances(&held(None, quarter(), vec![], day)), [-6_000, 6_000, -274, 274]);
    let released = held(Some(day), quarter(), vec![], later);
    assert_eq!(balances(&released), [-6_000, 600, 5_126, 274]);
    // The expert's part of the refund is recorded when the money is released, after what it is a part of.
    let of_refund = released.movements.iter().filter(|one| one.object == "R1");
    let times: Vec<_> = of_refund.map(|one| (one.kind, one.at.to_string())).collect();
    assert_eq!(times[0], (MovementKind::Refund, "2027-01-06T08:00:00Z".to_owned()));
    assert_eq!(
        times[1..],
        [MovementKind::Reversal, MovementKind::FeeRefund].map(|kind| (kind, day.to_owned()))
    );
    // A refund after the release comes from the expert at once.
    assert_eq!(
        balances(&held(Some("2027-01-05T08:00:00Z"), quarter(), vec![], later)),
        [-6_000, 600, 5_126, 274]
    );

    let open = || vec![dispute("UNDER_REVIEW", None, "80.00")];
    assert_eq!(balances(&held(None, vec![], open(), day)), [0, 0, -274, 274]);
    let lost = || vec![dispute("RESOLVED", Some(("RESOLVED_BUYER_FAVOUR", "20.00")), "80.00")];
    assert_eq!(balances(&held(None, vec![], lost(), day)), [-6_000, 6_000, -274, 274]);
    assert_eq!(balances(&held(Some(day), vec![], lost(), later)), [-6_000, 800, 4_926, 274]);
    // PayPal releases the money even while a dispute is open.
    assert_eq!(balances(&held(None, vec![], open(), "2027-02-02T08:00:00Z")), [0, 800, -1_074, 274]);
}

#[test]
fn amount_that_cannot_be_represented_is_an_error() {
    let payments = json!({ "captures": [capture("COMPLETED", "80.005", "8.00")] });
    let objects = PaymentObjects { order: order("COMPLETED", payments), disputes: Vec::new() };
    assert!(matches!(snapshot(&payment(Plan::Charge), &objects, later()), Err(GatewayError::Unavailable(_))));
}
