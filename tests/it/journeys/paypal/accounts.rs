//! Connecting an expert's account at PayPal.

use serde_json::json;
use simulators::paypal::Onboarding;

use super::{PAID, PayPalTest, SOON};
use crate::harness::{GOOD_CARD, TestApp, id, intent, paid_hour};

#[tokio::test]
async fn account_is_identified_by_the_expert_id_until_onboarding_completes() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let test = &paypal.test;
    let other = test
        .post("/v1/experts")
        .signed_in_as("grace")
        .idempotency_key("p")
        .json(&json!({ "name": "Grace", "headline": "x" }));
    let other = id(&other.send().await.expect(201));
    let path = |end: &str| format!("/v1/experts/{other}/payment-accounts/paypal{end}");
    let account = || async { test.get(&path("")).signed_in_as("grace").send().await };
    assert_eq!(account().await.problem(404), "not-found");
    for _ in 0..2 {
        let page = test.post(&path("/onboarding")).signed_in_as("grace").send().await.expect(201);
        assert!(page["url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1")), "{page:#}");
    }
    let invited = account().await.expect(200);
    assert_eq!((&invited["gateway"], &invited["account"]), (&json!("paypal"), &json!(other)));
    assert_eq!((&invited["charges_enabled"], &invited["payouts_enabled"]), (&json!(false), &json!(false)));
    assert!(invited["requirements_due"][0].as_str().is_some_and(|due| due.contains("agree")), "{invited:#}");
    for (outcome, word) in [
        (Onboarding::Incomplete, "agree"),
        (Onboarding::EmailUnconfirmed, "e-mail"),
        (Onboarding::NotReceivable, "receive payments"),
    ] {
        paypal.simulator().onboard(&other, outcome).expect("she was invited");
        test.stack.run_until_idle().await;
        let now = account().await.expect(200);
        assert_eq!(now["charges_enabled"], false, "{now:#}");
        assert!(now["requirements_due"].to_string().contains(word), "{now:#}");
    }
    paypal.simulator().onboard(&other, Onboarding::Complete).expect("she was invited");
    let ready = account().await.expect(200);
    assert_eq!((&ready["charges_enabled"], &ready["requirements_due"]), (&json!(true), &json!([])));
    assert_ne!(ready["account"], json!(other));
    // The account is not visible to other people.
    assert_eq!(test.get(&path("")).signed_in_as("ada").send().await.problem(403), "forbidden");
    assert_eq!(test.post(&path("/onboarding")).signed_in_as("alan").send().await.problem(403), "forbidden");
}

#[tokio::test]
async fn revoked_consent_stops_bookings_and_can_be_granted_again() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let merchant = paypal.connection().await["account"].as_str().expect("an account").to_owned();
    paypal.simulator().revoke(&merchant).expect("it was given");
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.book(SOON, "revoked").await.problem(409), "payments-not-ready");
    let now = paypal.connection().await;
    assert_eq!((&now["disabled_reason"], &now["account"]), (&json!("consent revoked"), &json!(merchant)));
    let again = paypal.onboard(Onboarding::Complete).await;
    assert_eq!((&again["charges_enabled"], &again["account"]), (&json!(true), &json!(merchant)));
    paypal.book_and_pay(SOON).await;
}

#[tokio::test]
async fn refund_that_needs_revoked_consent_waits_for_an_administrator() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let appointment = paypal.book_and_pay(SOON).await;
    let merchant = paypal.connection().await["account"].as_str().expect("an account").to_owned();
    paypal.simulator().revoke(&merchant).expect("it was given");
    paypal.test.stack.run_until_idle().await;
    // The expert cannot give it back themselves.
    let part = json!({ "amount": { "amount": 1_000, "currency": "EUR" } });
    let path = format!("/v1/appointments/{appointment}/refunds");
    let refund = paypal.test.post(&path).signed_in_as("ada").idempotency_key("part").json(&part).send().await;
    assert_eq!(refund.problem(409), "payment-state");
    paypal.post_action("ada", &appointment, "cancel").await;
    let listed = paypal.test.get("/v1/escalations").signed_in_as("margaret").send().await.expect(200);
    let escalation = &listed["escalations"][0]["escalation"];
    assert_eq!((&escalation["reason"], &escalation["order"]), (&json!("refused"), &json!("refund")));
    // Once the expert has agreed again, the administrator lets it be sent again.
    paypal.onboard(Onboarding::Complete).await;
    paypal.test.resolve(&appointment, "try_again").await.expect(200);
    paypal.test.stack.run_until_idle().await;
    assert_eq!(paypal.state(&appointment).await, "refunded");
}

#[tokio::test]
async fn expert_can_use_both_gateways() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let test = &paypal.test;
    // An expert without an account at the other gateway cannot be paid there.
    let with = async |gateway: &str, start: &str, key: &str| {
        let mut body = TestApp::booking(&paypal.offer, start);
        body["gateway"] = json!(gateway);
        test.post("/v1/appointments").signed_in_as("alan").idempotency_key(key).json(&body).send().await
    };
    assert_eq!(with("stripe", SOON, "stripe").await.problem(409), "payments-not-ready");
    test.onboard(&paypal.offer.expert).await;
    paypal.book_and_pay(SOON).await;
    let booked = test.book(&paypal.offer, "2027-01-05T12:00:00Z", "stripe-2").await.expect(201);
    assert_eq!(booked["payment"]["gateway"], "stripe");
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    assert_eq!(paypal.status(&id(&booked)).await, "confirmed");
    assert_eq!(paypal.cents().await, PAID);
}
