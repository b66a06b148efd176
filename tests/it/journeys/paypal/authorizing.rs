//! Authorization at booking through PayPal, and capture after the session.

use domain::payments::ledger::{Account, MovementKind};
use serde_json::{Value, json};

use super::{BACK, FRIDAY, LATER, PAID, PayPalTest, SOON, authorized_hour, tiered};
use crate::harness::id;

#[tokio::test]
async fn authorized_payment_is_captured_after_the_session() {
    for (start, end, renewed) in [
        (SOON, "2027-01-05T11:00:00Z", false),
        // PayPal guarantees an authorization for three days, so it is reauthorized after that.
        (FRIDAY, "2027-01-08T11:00:00Z", true),
        (LATER, "2027-01-25T11:00:00Z", true),
    ] {
        let paypal = PayPalTest::new(&authorized_hour()).await;
        let appointment = paypal.book_and_pay(start).await;
        let payment = paypal.payment(&appointment).await;
        assert_eq!((&payment["state"], &payment["plan"]), (&json!("authorized"), &json!("authorize")));
        assert_eq!(payment["capture_before"], "2027-02-02T08:00:00Z");
        assert_eq!(paypal.kinds().await, [MovementKind::Authorized]);
        assert_eq!(paypal.cents().await, [0; 4]);
        paypal.advance_to(end).await;
        paypal.post_action("ada", &appointment, "complete").await;
        assert_eq!(paypal.state(&appointment).await, "paid");
        assert_eq!(paypal.cents().await, PAID);
        let order = paypal.order_of(&appointment).await;
        let authorizations =
            order["purchase_units"][0]["payments"]["authorizations"].as_array().map(Vec::len);
        assert_eq!(authorizations, Some(if renewed { 2 } else { 1 }), "{start}");
        let captured = paypal.movements().await.into_iter().find(|one| one.kind == MovementKind::Captured);
        assert_eq!(captured.map(|one| one.from), Some(Account::Authorized));
        paypal.days(40).await;
        assert_eq!(paypal.cents().await, PAID);
    }
}

#[tokio::test]
async fn session_beyond_the_authorization_period_is_charged_at_booking() {
    let paypal = PayPalTest::new(&authorized_hour()).await;
    // The time until the capture counts too.
    for (start, plan) in [("2027-01-29T10:00:00Z", "authorize"), ("2027-02-02T10:00:00Z", "charge")] {
        let booked = paypal.book(start, start).await.expect(201);
        assert_eq!(booked["payment"]["plan"], plan, "{start}");
    }
}

#[tokio::test]
async fn partial_capture_releases_the_rest() {
    let paypal = PayPalTest::new(&authorized_hour()).await;
    let appointment = paypal.book_and_pay(SOON).await;
    paypal.advance_to("2027-01-05T11:00:00Z").await;
    let charge = json!({ "charge": { "amount": 3_005, "currency": "EUR" } });
    paypal.test.post_action("ada", &appointment, "complete", &charge).await.expect(200);
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.payment(&appointment).await["paid"]["amount"], 3_005);
    // 10 % of 30.05 is 3.005, which is rounded up. PayPal's fee is 2.99 % and 35 cents.
    assert_eq!(paypal.cents().await, [-3_005, 301, 3_005 - 301 - 125, 125]);
    assert_eq!(paypal.kinds().await.iter().filter(|kind| **kind == MovementKind::Released).count(), 1);
    paypal.days(40).await;
    assert_eq!(paypal.cents().await, [-3_005, 301, 3_005 - 301 - 125, 125]);
}

#[tokio::test]
async fn cancellation_refunds_by_the_policy() {
    // A cancellation at 10:00 on Thursday refunds half, and one on Tuesday everything.
    for (when, cents, state) in [
        ("2027-01-07T08:00:00Z", [-4_000, 400, 3_600 - 155, 155], "paid"),
        ("2027-01-05T08:00:00Z", [0; 4], "cancelled"),
    ] {
        let paypal = PayPalTest::new(&tiered(authorized_hour())).await;
        let appointment = paypal.book_and_pay(FRIDAY).await;
        paypal.advance_to(when).await;
        paypal.post_action("alan", &appointment, "cancel").await;
        assert_eq!(paypal.state(&appointment).await, state, "{when}");
        assert_eq!(paypal.cents().await, cents, "{when}");
        paypal.days(40).await;
        assert_eq!(paypal.cents().await, cents, "{when}");
        let order = paypal.order_of(&appointment).await;
        let authorization = &order["purchase_units"][0]["payments"]["authorizations"][0]["status"];
        assert_eq!(authorization, if state == "paid" { "CAPTURED" } else { "VOIDED" });
    }
}

#[tokio::test]
async fn failed_capture_can_be_retried_until_the_authorization_expires() {
    let paypal = PayPalTest::new(&authorized_hour()).await;
    let appointment = paypal.book_and_approve("spender", FRIDAY).await;
    assert_eq!(paypal.status(&appointment).await, "confirmed");
    paypal.advance_to("2027-01-08T11:00:00Z").await;
    paypal.post_action("ada", &appointment, "complete").await;
    assert_eq!(
        (paypal.status(&appointment).await, paypal.state(&appointment).await),
        (json!("completed"), json!("authorized"))
    );
    assert_eq!(paypal.cents().await, [0; 4]);
    assert_eq!(paypal.published("payment.escalated"), 1);
    let escalated =
        paypal.test.get(&format!("/v1/appointments/{appointment}")).signed_in_as("ada").send().await;
    let amount = json!({ "amount": 8_000, "currency": "EUR" });
    let needs = json!({ "reason": "refused", "order": "capture", "amount": amount });
    assert_eq!(escalated.expect(200)["payment"]["escalation"], needs);
    for escalations in 2..4 {
        paypal.test.resolve(&appointment, "try_again").await.expect(200);
        paypal.test.stack.run_until_idle().await;
        assert_eq!(paypal.published("payment.escalated"), escalations, "the capture was retried and failed");
    }
    paypal.advance_to("2027-02-03T08:00:00Z").await;
    assert_eq!(paypal.state(&appointment).await, "unpaid");
    assert_eq!(paypal.published("payment.unpaid"), 1);
    assert_eq!(paypal.cents().await, [0; 4]);
    let kinds = paypal.kinds().await;
    assert_eq!(kinds, [MovementKind::Authorized, MovementKind::Released]);
}

/// Voids the authorization of an appointment at PayPal, and returns its order.
async fn void_at_paypal(paypal: &PayPalTest, appointment: &str) -> Value {
    let order = paypal.order_of(appointment).await;
    let authorization =
        order["purchase_units"][0]["payments"]["authorizations"][0]["id"].as_str().expect("an id").to_owned();
    let account = paypal.connection().await["account"].as_str().expect("an account").to_owned();
    super::faults::void(paypal, &authorization, &account).await;
    paypal.test.stack.run_until_idle().await;
    order
}

#[tokio::test]
async fn expired_authorization_is_paid_again_before_the_session() {
    let paypal = PayPalTest::new(&authorized_hour()).await;
    let appointment = paypal.book_and_pay(LATER).await;
    let order = void_at_paypal(&paypal, &appointment).await;
    let payment =
        paypal.test.get(&format!("/v1/appointments/{appointment}/payment")).signed_in_as("alan").send().await;
    let payment = payment.expect(200);
    assert_eq!(payment["state"], "action_required", "{payment:#}");
    assert_ne!(payment["intent"], order["id"]);
    assert!(payment["pay_page"].is_string(), "{payment:#}");
    assert_eq!(paypal.published("payment.action_required"), 1);
    paypal
        .simulator()
        .approve(payment["intent"].as_str().expect("an order"), "good")
        .expect("it can be approved");
    paypal.test.stack.run_until_idle().await;
    assert_eq!(
        (paypal.status(&appointment).await, paypal.state(&appointment).await),
        (json!("confirmed"), json!("authorized"))
    );
    paypal.advance_to("2027-01-26T12:00:00Z").await;
    assert_eq!(
        (paypal.status(&appointment).await, paypal.state(&appointment).await),
        (json!("completed"), json!("paid"))
    );
    assert_eq!(paypal.cents().await, PAID);
    // A refund returns everything afterwards.
    let back = json!({ "amount": { "amount": 8_000, "currency": "EUR" } });
    let path = format!("/v1/appointments/{appointment}/refunds");
    paypal.test.post(&path).signed_in_as("ada").idempotency_key("r").json(&back).send().await.expect(201);
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.cents().await, BACK);
    assert_eq!(id(&paypal.test.appointment(&appointment).await), appointment);
}

#[tokio::test]
async fn failed_second_approval_can_be_repeated_until_the_deadline() {
    let paypal = PayPalTest::new(&authorized_hour()).await;
    let appointment = paypal.book_and_pay(LATER).await;
    let order = void_at_paypal(&paypal, &appointment).await;
    let path = format!("/v1/appointments/{appointment}/payment");
    let mut tried = vec![order["id"].clone()];
    for _ in 0..2 {
        let payment = paypal.test.get(&path).signed_in_as("alan").send().await.expect(200);
        assert_eq!(payment["state"], "action_required", "{payment:#}");
        assert!(payment["pay_page"].is_string(), "{payment:#}");
        assert!(!tried.contains(&payment["intent"]), "there is a new order to approve");
        tried.push(payment["intent"].clone());
        paypal
            .simulator()
            .approve(payment["intent"].as_str().expect("an order"), "restricted")
            .expect("approved");
        paypal.test.stack.run_until_idle().await;
    }
    assert_eq!(paypal.published("payment.action_required"), 1, "the deadline stays");
    paypal.days(2).await;
    let now = paypal.test.appointment(&appointment).await;
    assert_eq!((&now["status"], &now["cancelled_by"]), (&json!("cancelled"), &json!("platform")));
    assert_eq!(paypal.cents().await, [0; 4]);
    assert!(paypal.test.stack.queues.dead_letters().is_empty());
}
