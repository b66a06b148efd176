//! The same request twice.

use serde_json::json;
use simulators::paypal::{Faults, ORDERS_KEEP_REQUEST_IDS, PAYMENTS_KEEP_REQUEST_IDS};

use crate::harness::{CLIENT_ID, World, assertion, eur, order_with_source, read};

const PATH: &str = "/v2/checkout/orders";
const KEY: [(&str, &str); 1] = [("paypal-request-id", "apt_1:order")];

#[tokio::test]
async fn a_repeated_order_is_the_same_order_as_it_is_now() {
    let world = World::new().await;
    let seller = world.seller("expert-1").await;
    let body = order_with_source("CAPTURE", &seller);
    let first = world.call(PATH, body.clone(), &KEY).await.is(200);
    assert_eq!(world.call(PATH, body.clone(), &KEY).await.is(200).body, first.body);
    world.paypal.approve(first.id(), "good").unwrap();
    let again = world.call(PATH, body.clone(), &KEY).await.is(200);
    assert_eq!((again.id(), again.text("/status")), (first.id(), "APPROVED"));
    let mut other = body.clone();
    other["purchase_units"][0]["amount"] = eur("99.00");
    world.call(PATH, other, &KEY).await.error(422, "DUPLICATE_REQUEST_ID");

    let capture = format!("{PATH}/{}/capture", first.id());
    let done = world.call(&capture, json!({}), &KEY).await.is(201);
    assert_eq!(done.text("/status"), "COMPLETED", "an id is good for each kind of call");
    assert_eq!(world.call(&capture, json!({}), &KEY).await.is(200).body, done.body);
    world.call(&capture, json!({}), &[]).await.error(422, "ORDER_ALREADY_CAPTURED");

    world.clock.advance(ORDERS_KEEP_REQUEST_IDS);
    let later = world.call(PATH, body, &KEY).await.is(200);
    assert_ne!(later.id(), first.id(), "the id is forgotten");
    assert_eq!(world.balance("payers"), -10_000);
}

#[tokio::test]
async fn payments_remember_ids_for_45_days() {
    let mut world = World::new().await;
    let (capture, seller) = world.captured("good").await;
    let path = format!("/v2/payments/captures/{capture}/refund");
    let assertion = assertion(CLIENT_ID, &seller);
    let headers = [("paypal-request-id", "refund-1"), ("paypal-auth-assertion", assertion.as_str())];
    let first = world.call(&path, json!({ "amount": eur("10.00") }), &headers).await.is(201);
    world.clock.advance(PAYMENTS_KEEP_REQUEST_IDS - 1);
    world.sign_in().await;
    let again = world.call(&path, json!({ "amount": eur("10.00") }), &headers).await.is(200);
    assert_eq!(again.body, first.body);
    assert_eq!(world.balance("payers"), -9_000);
    world.clock.advance(1);
    world.call(&path, json!({ "amount": eur("10.00") }), &headers).await.is(201);
    assert_eq!(world.balance("payers"), -8_000);
}

#[tokio::test]
async fn a_repeated_void_is_quiet_again() {
    let world = World::new().await;
    let (id, seller) = world.authorized("good").await;
    let path = format!("/v2/payments/authorizations/{id}/void");
    let assertion = assertion(CLIENT_ID, &seller);
    let headers = [("paypal-request-id", "void-1"), ("paypal-auth-assertion", assertion.as_str())];
    for _ in 0..2 {
        world.call(&path, json!({}), &headers).await.is(204);
    }
    assert_eq!(world.kinds().iter().filter(|kind| *kind == "PAYMENT.AUTHORIZATION.VOIDED").count(), 1);
}

#[tokio::test]
async fn a_refusal_is_judged_anew() {
    let world = World::new().await;
    let (order, _) = world.approved("CAPTURE", "declined").await;
    let capture = format!("{PATH}/{order}/capture");
    world.call(&capture, json!({}), &KEY).await.error(422, "INSTRUMENT_DECLINED");
    world.paypal.approve(&order, "good").unwrap();
    world.call(&capture, json!({}), &KEY).await.is(201);
    let long = "k".repeat(109);
    let long = [("paypal-request-id", long.as_str())];
    world.call(PATH, json!({}), &long).await.error(400, "INVALID_STRING_LENGTH");
}

#[tokio::test]
async fn an_id_in_use_is_409_until_its_caller_is_done_or_gone() {
    let world = World::new().await;
    let seller = world.seller("expert-1").await;
    let body = order_with_source("CAPTURE", &seller);
    for goes_away in [false, true] {
        world.paypal.set_faults(Faults { stall_calls: 1, ..Faults::default() });
        let key = [("paypal-request-id", if goes_away { "gone" } else { "slow" })];
        let slow = tokio::spawn(world.request(PATH, body.clone(), &key).send());
        // The first call holds the id as soon as it has used up the switch.
        while world.paypal.faults().stall_calls > 0 {
            tokio::task::yield_now().await;
        }
        if goes_away {
            slow.abort();
            while world.call(PATH, body.clone(), &key).await.status == 409 {
                tokio::task::yield_now().await;
            }
            continue;
        }
        world.call(PATH, body.clone(), &key).await.error(409, "PREVIOUS_REQUEST_IN_PROGRESS");
        world.paypal.set_faults(Faults::default());
        let first = read(slow.await.unwrap().unwrap()).await.is(200);
        assert_eq!(world.call(PATH, body.clone(), &key).await.is(200).id(), first.id());
    }
}
