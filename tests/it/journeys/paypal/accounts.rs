//! Becoming somebody whom PayPal pays.

use serde_json::json;
use simulators::paypal::Onboarding;

use super::{Market, PAID, SOON};
use crate::harness::{GOOD_CARD, id, intent, paid_hour};

#[tokio::test]
async fn an_expert_is_known_by_their_own_id_until_paypal_knows_them() {
    let market = Market::new(&paid_hour()).await;
    let world = &market.world;
    let other = world
        .post("/v1/experts")
        .person("grace")
        .once("p")
        .json(&json!({ "name": "Grace", "headline": "x" }));
    let other = id(&other.send().await.expect(201));
    let path = |end: &str| format!("/v1/experts/{other}/payment-accounts/paypal{end}");
    let account = || async { world.get(&path("")).person("grace").send().await };
    assert_eq!(account().await.problem(404), "not-found");
    for _ in 0..2 {
        let page = world.post(&path("/onboarding")).person("grace").send().await.expect(201);
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
        market.paypal().onboard(&other, outcome).expect("she was invited");
        world.stack.settle().await;
        let now = account().await.expect(200);
        assert_eq!(now["charges_enabled"], false, "{now:#}");
        assert!(now["requirements_due"].to_string().contains(word), "{now:#}");
    }
    market.paypal().onboard(&other, Onboarding::Complete).expect("she was invited");
    let ready = account().await.expect(200);
    assert_eq!((&ready["charges_enabled"], &ready["requirements_due"]), (&json!(true), &json!([])));
    assert_ne!(ready["account"], json!(other));
    // None of it is anybody else's business.
    assert_eq!(world.get(&path("")).person("ada").send().await.problem(403), "forbidden");
    assert_eq!(world.post(&path("/onboarding")).person("alan").send().await.problem(403), "forbidden");
}

#[tokio::test]
async fn consent_that_is_taken_back_stops_bookings_and_can_be_given_again() {
    let market = Market::new(&paid_hour()).await;
    let merchant = market.connection().await["account"].as_str().expect("an account").to_owned();
    market.paypal().revoke(&merchant).expect("it was given");
    market.world.stack.settle().await;
    assert_eq!(market.book(SOON, "revoked").await.problem(409), "payments-not-ready");
    let now = market.connection().await;
    assert_eq!((&now["disabled_reason"], &now["account"]), (&json!("consent revoked"), &json!(merchant)));
    let again = market.onboard(Onboarding::Complete).await;
    assert_eq!((&again["charges_enabled"], &again["account"]), (&json!(true), &json!(merchant)));
    market.paid(SOON).await;
}

#[tokio::test]
async fn both_gateways_pay_one_expert_side_by_side() {
    let market = Market::new(&paid_hour()).await;
    let world = &market.world;
    // Who has no account at the other gateway cannot be paid there.
    assert_eq!(world.book(&market.offer, SOON, "stripe").await.problem(409), "payments-not-ready");
    world.onboard(&market.offer.expert).await;
    market.paid(SOON).await;
    let booked = world.book(&market.offer, "2027-01-05T12:00:00Z", "stripe-2").await.expect(201);
    assert_eq!(booked["payment"]["gateway"], "stripe");
    world.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    world.stack.settle().await;
    assert_eq!(market.status(&id(&booked)).await, "confirmed");
    assert_eq!(market.cents().await, PAID);
}
