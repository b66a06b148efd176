//! Authorizations.

use serde_json::json;
use simulators::paypal::{AUTHORIZATION_LASTS, HONOR_PERIOD};

use crate::harness::{CLIENT_ID, DAY, World, assertion, eur};

fn with_fee(value: &str, fee: &str) -> serde_json::Value {
    json!({ "amount": eur(value), "payment_instruction": { "platform_fees": [{ "amount": eur(fee) }] } })
}

#[tokio::test]
async fn an_authorization_is_captured_in_parts() {
    let world = World::new().await;
    let (id, seller) = world.authorized("good").await;
    let path = format!("/v2/payments/authorizations/{id}");
    let read = world.get(&path).await.is(200);
    assert_eq!((read.text("/status"), read.text("/custom_id")), ("CREATED", "booking-1"));
    assert_eq!(read.text("/expiration_time"), "2023-12-13T22:13:20Z");
    assert_eq!(world.balance("payers"), 0);
    let capture = format!("{path}/capture");
    let part = world.post_for(&seller, &capture, with_fee("30.00", "3.00")).await.is(201);
    assert_eq!(part.text("/supplementary_data/related_ids/authorization_id"), id);
    assert_eq!(part.text("/seller_receivable_breakdown/platform_fees/0/amount/value"), "3.00");
    assert_eq!(part.text("/seller_receivable_breakdown/net_amount/value"), "25.75");
    assert_eq!(world.get(&path).await.text("/status"), "PARTIALLY_CAPTURED");
    world.post_for(&seller, &format!("{path}/void"), json!({})).await.error(422, "PREVIOUSLY_CAPTURED");
    let more = world.post_for(&seller, &capture, with_fee("70.01", "0")).await;
    more.error(422, "MAX_CAPTURE_AMOUNT_EXCEEDED");
    let last = json!({ "amount": eur("20.00"), "final_capture": true });
    let last = world.post_for(&seller, &capture, last).await.is(201);
    assert!(last.body["seller_receivable_breakdown"].get("platform_fees").is_none(), "none was named");
    assert_eq!(last.body["final_capture"], true);
    assert_eq!(world.get(&path).await.text("/status"), "CAPTURED");
    let again = world.post_for(&seller, &capture, json!({})).await;
    again.error(422, "AUTHORIZATION_ALREADY_CAPTURED");
    assert_eq!((world.balance("payers"), world.balance("platform"), world.sum()), (-5_000, 300, 0));
}

#[tokio::test]
async fn without_an_amount_all_is_captured() {
    let world = World::new().await;
    let (id, seller) = world.authorized("good").await;
    let path = format!("/v2/payments/authorizations/{id}");
    let capture = format!("{path}/capture");
    world.post(&capture, json!({})).await.error(403, "PERMISSION_DENIED");
    let dollars = json!({ "amount": { "currency_code": "USD", "value": "1" } });
    world.post_for(&seller, &capture, dollars).await.error(422, "AUTH_CAPTURE_CURRENCY_MISMATCH");
    let all = world.post_for(&seller, &capture, json!({})).await.is(201);
    assert_eq!(all.text("/amount/value"), "100.00");
    assert_eq!(world.get(&path).await.text("/status"), "CAPTURED");
    let order = all.text("/supplementary_data/related_ids/order_id");
    let order = world.get(&format!("/v2/checkout/orders/{order}")).await.is(200);
    assert_eq!(order.text("/purchase_units/0/payments/captures/0/id"), all.id());
    assert_eq!(order.text("/purchase_units/0/payments/authorizations/0/id"), id);
}

#[tokio::test]
async fn a_void_lets_the_payer_keep_the_money() {
    let world = World::new().await;
    let (id, seller) = world.authorized("good").await;
    let path = format!("/v2/payments/authorizations/{id}");
    let assertion = assertion(CLIENT_ID, &seller);
    let headers = [("paypal-auth-assertion", assertion.as_str())];
    let quiet = world.call(&format!("{path}/void"), json!({}), &headers).await.is(204);
    assert!(quiet.body.is_null());
    assert_eq!(world.get(&path).await.text("/status"), "VOIDED");
    world.post_for(&seller, &format!("{path}/void"), json!({})).await.error(422, "PREVIOUSLY_VOIDED");
    let capture = format!("{path}/capture");
    world.post_for(&seller, &capture, json!({})).await.error(422, "AUTHORIZATION_VOIDED");
    assert_eq!(world.kinds().last().unwrap(), "PAYMENT.AUTHORIZATION.VOIDED");
    let (id, seller) = world.authorized("good").await;
    let path = format!("/v2/payments/authorizations/{id}/void");
    assert_eq!(world.post_for(&seller, &path, json!({})).await.is(200).text("/status"), "VOIDED");
    assert_eq!(world.paypal.balances(), []);
}

#[tokio::test]
async fn an_authorization_ends_after_29_days() {
    let mut world = World::new().await;
    let (id, seller) = world.authorized("good").await;
    let path = format!("/v2/payments/authorizations/{id}");
    world.clock.advance(AUTHORIZATION_LASTS - 1);
    world.sign_in().await;
    assert_eq!(world.get(&path).await.text("/status"), "CREATED");
    world.clock.advance(1);
    assert_eq!(world.get(&path).await.text("/status"), "VOIDED");
    assert_eq!(world.kinds().last().unwrap(), "PAYMENT.AUTHORIZATION.VOIDED");
    let capture = format!("{path}/capture");
    world.post_for(&seller, &capture, json!({})).await.error(422, "AUTHORIZATION_EXPIRED");
    assert_eq!(world.sum(), 0);
}

#[tokio::test]
async fn paypal_vouches_for_three_days_and_again_when_asked() {
    let mut world = World::new().await;
    let (id, seller) = world.authorized("good").await;
    let path = format!("/v2/payments/authorizations/{id}");
    let again = format!("{path}/reauthorize");
    world.post_for(&seller, &again, json!({})).await.error(422, "REAUTHORIZATION_TOO_SOON");
    world.clock.advance(HONOR_PERIOD);
    world.sign_in().await;
    let more = json!({ "amount": eur("100.01") });
    world.post_for(&seller, &again, more).await.error(422, "AUTHORIZATION_AMOUNT_EXCEEDED");
    let renewed = world.post_for(&seller, &again, json!({ "amount": eur("80.00") })).await.is(201);
    assert_ne!(renewed.id(), id);
    assert_eq!(renewed.text("/expiration_time"), world.get(&path).await.text("/expiration_time"));
    world.post_for(&seller, &again, json!({})).await.error(422, "REAUTHORIZATION_TOO_SOON");
    let path = format!("/v2/payments/authorizations/{}", renewed.id());
    let twice = format!("{path}/reauthorize");
    world.post_for(&seller, &twice, json!({})).await.error(422, "REAUTHORIZATION_NOT_SUPPORTED");
    world.post_for(&seller, &format!("{path}/void"), json!({})).await.error(422, "CANNOT_BE_VOIDED");
    let capture = format!("{path}/capture");
    let taken = world.post_for(&seller, &capture, json!({})).await.is(201);
    assert_eq!(taken.text("/amount/value"), "80.00");
    let rest = format!("/v2/payments/authorizations/{id}/capture");
    let rest = world.post_for(&seller, &rest, json!({})).await.is(201);
    assert_eq!(rest.text("/amount/value"), "20.00", "both are one authorization of 100.00");
    assert_eq!(world.balance("payers"), -10_000);
}

#[tokio::test]
async fn who_spends_the_money_cannot_pay_after_the_honour_period() {
    for (wait, pays) in [(HONOR_PERIOD - 1, true), (HONOR_PERIOD, false)] {
        let mut world = World::new().await;
        let (id, seller) = world.authorized("spender").await;
        let path = format!("/v2/payments/authorizations/{id}");
        world.clock.advance(wait);
        world.sign_in().await;
        let answer = world.post_for(&seller, &format!("{path}/capture"), json!({})).await;
        if pays {
            answer.is(201);
            continue;
        }
        answer.error(422, "PAYER_CANNOT_PAY");
        let again = world.post_for(&seller, &format!("{path}/reauthorize"), json!({})).await;
        again.error(422, "PAYER_CANNOT_PAY");
        assert_eq!(world.balance("payers"), 0);
    }
}

#[tokio::test]
async fn voiding_and_ending_take_the_renewal_along() {
    let mut world = World::new().await;
    let (id, seller) = world.authorized("good").await;
    world.clock.advance(4 * DAY);
    world.sign_in().await;
    let path = format!("/v2/payments/authorizations/{id}");
    let renewed = world.post_for(&seller, &format!("{path}/reauthorize"), json!({})).await.is(201);
    world.post_for(&seller, &format!("{path}/void"), json!({})).await.is(200);
    let capture = format!("/v2/payments/authorizations/{}/capture", renewed.id());
    world.post_for(&seller, &capture, json!({})).await.error(422, "AUTHORIZATION_VOIDED");
    assert_eq!(world.paypal.object(renewed.id()).unwrap()["status"], "VOIDED");
}
