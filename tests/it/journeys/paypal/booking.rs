//! Booking and approval through PayPal, including late and missing approvals.

use domain::payments::ledger::MovementKind;
use serde_json::json;
use simulators::paypal::ECHECK_CLEARS_AFTER;

use super::{PAID, PayPalTest, SOON};
use crate::harness::{TestApp, id, intent, paid_hour};

const NOTHING: [i128; 4] = [0; 4];

#[tokio::test]
async fn approved_payment_is_captured_and_confirms_the_booking() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let booked = paypal.book(SOON, "k").await.expect(201);
    let payment = &booked["payment"];
    assert_eq!(
        (&booked["status"], &payment["gateway"], &payment["plan"]),
        (&json!("pending"), &json!("paypal"), &json!("charge"))
    );
    assert_eq!(payment.get("client_secret"), None);
    let page = payment["pay_page"].as_str().expect("a page");
    assert!(page.ends_with(&format!("/checkoutnow?token={}", intent(&booked))), "{page}");
    let payment = paypal
        .test
        .get(&format!("/v1/appointments/{}/payment", id(&booked)))
        .signed_in_as("alan")
        .send()
        .await;
    assert_eq!(payment.expect(200)["pay_page"], page);
    paypal.approve(&booked, "good");
    paypal.test.stack.run_until_idle().await;
    let now = paypal.test.appointment(&id(&booked)).await;
    assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("confirmed"), &json!("paid")));
    assert_eq!(paypal.cents().await, PAID);
    let kinds =
        [MovementKind::Captured, MovementKind::Transfer, MovementKind::Fee, MovementKind::ProcessingFee];
    assert_eq!(paypal.kinds().await, kinds);
    for movement in paypal.movements().await {
        assert_eq!(movement.object, paypal.capture_of(&id(&booked)).await);
    }
    // A repeated request returns the same appointment.
    assert_eq!(paypal.book(SOON, "k").await.expect(201)["id"], booked["id"]);
    assert_eq!(paypal.cents().await, PAID);
}

#[tokio::test]
async fn payment_ends_after_five_declined_cards() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let booked = paypal.book(SOON, "k").await.expect(201);
    for declined in 1..=5 {
        assert_eq!(paypal.status(&id(&booked)).await, "pending", "{declined}");
        paypal.approve(&booked, "declined");
        paypal.test.stack.run_until_idle().await;
    }
    assert_eq!(paypal.status(&id(&booked)).await, "expired");
    assert_eq!(paypal.cents().await, NOTHING);
}

#[tokio::test]
async fn client_with_a_declined_card_can_use_another() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let booked = paypal.book(SOON, "k").await.expect(201);
    for _ in 0..3 {
        paypal.approve(&booked, "declined");
        paypal.test.stack.run_until_idle().await;
        assert_eq!(paypal.status(&id(&booked)).await, "pending");
        let path = format!("/v1/appointments/{}/payment", id(&booked));
        let open = paypal.test.get(&path).signed_in_as("alan").send().await.expect(200);
        assert!(open["pay_page"].is_string(), "{open:#}");
    }
    paypal.approve(&booked, "good");
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.status(&id(&booked)).await, "confirmed");
    assert_eq!(paypal.cents().await, PAID);
}

#[tokio::test]
async fn permanent_refusal_by_paypal_frees_the_slot() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let booked = paypal.book(SOON, "k").await.expect(201);
    paypal.approve(&booked, "restricted");
    paypal.test.stack.run_until_idle().await;
    let now = paypal.test.appointment(&id(&booked)).await;
    assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("expired"), &json!("cancelled")));
    paypal.book_as("katherine", SOON, "k2").await.expect(201);
    assert_eq!(paypal.cents().await, NOTHING);
}

#[tokio::test]
async fn unapproved_payment_is_never_charged() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let booked = paypal.book(SOON, "k").await.expect(201);
    paypal.test.advance(600);
    paypal.test.sweep().await;
    let now = paypal.test.appointment(&id(&booked)).await;
    assert_eq!((&now["status"], &now["payment"]["state"]), (&json!("expired"), &json!("cancelled")));
    // The client still has PayPal's page open.
    paypal.approve(&booked, "good");
    paypal.days(1).await;
    let later = paypal.test.appointment(&id(&booked)).await;
    assert_eq!((&later["status"], &later["payment"]["state"]), (&json!("expired"), &json!("cancelled")));
    assert_eq!(later["payment"].get("pay_page"), None);
    assert_eq!(paypal.cents().await, NOTHING);
    assert!(paypal.test.stack.queues.dead_letters().is_empty());
}

#[tokio::test]
async fn late_approval_of_a_taken_slot_is_never_charged() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let slow = paypal.book(SOON, "slow").await.expect(201);
    paypal.test.advance(601);
    let quick = paypal.book_as("katherine", SOON, "quick").await.expect(201);
    paypal.approve(&slow, "good");
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.status(&id(&slow)).await, "expired");
    assert_eq!(paypal.cents().await, NOTHING);
    paypal.approve(&quick, "good");
    paypal.test.stack.run_until_idle().await;
    paypal.days(1).await;
    let path = format!("/v1/appointments/{}", id(&quick));
    assert_eq!(
        paypal.test.get(&path).signed_in_as("katherine").send().await.expect(200)["status"],
        "confirmed"
    );
    assert_eq!(paypal.cents().await, PAID);
}

#[tokio::test]
async fn late_approval_of_a_free_slot_confirms_the_booking() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let booked = paypal.book(SOON, "k").await.expect(201);
    paypal.test.advance(601);
    paypal.approve(&booked, "good");
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.status(&id(&booked)).await, "confirmed");
    assert_eq!(paypal.cents().await, PAID);
}

#[tokio::test]
async fn cancellation_before_payment_is_never_charged() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let booked = paypal.book(SOON, "k").await.expect(201);
    paypal.post_action("alan", &id(&booked), "cancel").await;
    paypal.approve(&booked, "good");
    paypal.days(1).await;
    assert_eq!(
        (paypal.status(&id(&booked)).await, paypal.state(&id(&booked)).await),
        (json!("cancelled"), json!("cancelled"))
    );
    assert_eq!(paypal.cents().await, NOTHING);
}

#[tokio::test]
async fn client_cannot_pay_by_echeck() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let booked = paypal.book(SOON, "k").await.expect(201);
    assert!(paypal.simulator().approve(intent(&booked), "echeck").is_err(), "it would be pending for days");
    paypal.approve(&booked, "good");
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.status(&id(&booked)).await, "confirmed");
}

#[tokio::test]
async fn payment_under_review_confirms_the_booking_only_when_it_passes() {
    const IN_A_WEEK: &str = "2027-01-12T10:00:00Z";
    for (payer, status, cents) in [("reviewed", "confirmed", PAID), ("rejected", "expired", NOTHING)] {
        let paypal = PayPalTest::new(&paid_hour()).await;
        let appointment = paypal.book_and_approve(payer, IN_A_WEEK).await;
        assert_eq!(
            (paypal.status(&appointment).await, paypal.state(&appointment).await),
            (json!("pending"), json!("processing"))
        );
        paypal.days(ECHECK_CLEARS_AFTER / super::DAY - 1).await;
        assert_eq!(paypal.status(&appointment).await, "pending");
        assert_eq!(paypal.cents().await, NOTHING);
        paypal.days(2).await;
        assert_eq!(paypal.status(&appointment).await, status, "{payer}");
        assert_eq!(paypal.cents().await, cents, "{payer}");
    }
}

#[tokio::test]
async fn payment_whose_review_passes_after_the_slot_is_taken_is_refunded_in_full() {
    const IN_A_WEEK: &str = "2027-01-12T10:00:00Z";
    let paypal = PayPalTest::new(&paid_hour()).await;
    let slow = paypal.book_and_approve("reviewed", IN_A_WEEK).await;
    paypal.test.advance(601);
    let quick = paypal.book_as("katherine", IN_A_WEEK, "quick").await.expect(201);
    paypal.approve(&quick, "good");
    paypal.test.stack.run_until_idle().await;
    paypal.days(4).await;
    assert_eq!(
        (paypal.status(&slow).await, paypal.state(&slow).await),
        (json!("expired"), json!("refunded"))
    );
    // PayPal keeps its fee for the refunded payment, and the expert bears it.
    assert_eq!(paypal.cents().await, [-8_000, 800, 7_200 - 2 * super::PRICE, 2 * super::PRICE]);
}

#[tokio::test]
async fn amounts_that_paypal_cannot_represent_are_refused_at_booking() {
    for (price, code) in [(3_130, "KWD"), (2_010_050, "HUF")] {
        let mut terms = paid_hour();
        terms["durations"][0]["price"] = json!({ "amount": price, "currency": code });
        let paypal = PayPalTest::new(&terms).await;
        let refused = paypal.book(SOON, "k").await;
        assert_eq!(refused.problem(409), "payment-refused", "{code}");
        assert!(!refused.body.to_string().to_lowercase().contains("paypal"), "{:#}", refused.body);
        // No other client wants the slot.
        assert!(paypal.test.starts(&paypal.offer, "2027-01-05").await.contains(&SOON.to_owned()), "{code}");
        assert_eq!(
            paypal.simulator().events().iter().filter(|event| event["resource_type"] == "capture").count(),
            0
        );
    }
}

#[tokio::test]
async fn the_gateway_of_the_expert_is_the_default() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let path = format!("/v1/experts/{}/session-types", paypal.offer.expert);
    assert_eq!(paypal.test.get(&path).send().await.expect(200)["gateways"], json!(["paypal"]));
    let body = TestApp::booking(&paypal.offer, SOON);
    let booked = paypal.test.post("/v1/appointments").signed_in_as("alan").idempotency_key("k").json(&body);
    assert_eq!(booked.send().await.expect(201)["payment"]["gateway"], "paypal");
    let mut body = body;
    body["gateway"] = json!("stripe");
    let other = paypal.test.post("/v1/appointments").signed_in_as("alan").idempotency_key("k2").json(&body);
    assert_eq!(other.send().await.problem(409), "payments-not-ready");
}

#[tokio::test]
async fn session_until_which_paypal_refunds_nothing_is_refused() {
    let mut terms = paid_hour();
    terms["booking_window"] = json!({ "kind": "rolling", "days": 365 });
    let paypal = PayPalTest::new(&terms).await;
    // 176 days after the booking.
    let refused = paypal.book("2027-06-29T10:00:00Z", "far").await;
    assert_eq!(refused.problem(409), "too-far-ahead");
    let appointment = paypal.book_and_pay("2027-06-25T10:00:00Z").await;
    let to = json!({ "start": "2027-06-29T10:00:00Z" });
    let moved = paypal.test.post_action("alan", &appointment, "reschedule", &to).await;
    assert_eq!(moved.problem(409), "too-far-ahead");
}
