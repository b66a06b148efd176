//! Signed, repeated, late, out of order, or never; and the question whether a signature is right.

use serde_json::{Value, json};
use simulators::paypal::{Faults, RETRY_AFTER};

use crate::harness::{Received, Receiver, START, WEBHOOK, World, order, read};

/// Asks whether PayPal sent these bytes with those headers.
pub async fn verify(world: &World, received: &Received, body: &str) -> String {
    ask(world, &request(received, WEBHOOK, body)).await.is(200).text("/verification_status").to_owned()
}

/// The request, with the body in it byte for byte.
fn request(received: &Received, webhook: &str, body: &str) -> String {
    let members = json!({
        "auth_algo": received.header("paypal-auth-algo"),
        "cert_url": received.header("paypal-cert-url"),
        "transmission_id": received.header("paypal-transmission-id"),
        "transmission_sig": received.header("paypal-transmission-sig"),
        "transmission_time": received.header("paypal-transmission-time"),
        "webhook_id": webhook,
    });
    let members = members.to_string();
    format!("{},\"webhook_event\":{body}}}", members.strip_suffix('}').unwrap())
}

async fn ask(world: &World, request: &str) -> crate::harness::Answer {
    let sent = world.http.post(world.url("/v1/notifications/verify-webhook-signature"));
    let sent = sent.bearer_auth(&world.token).header("content-type", "application/json");
    read(sent.body(request.to_owned()).send().await.unwrap()).await
}

async fn one(world: &World) -> Received {
    let receiver = Receiver::of(world).await;
    world.captured("good").await;
    world.paypal.deliver_due_webhooks().await;
    receiver.take().pop().unwrap()
}

#[tokio::test]
async fn events_arrive_in_order_and_are_verified_over_their_raw_bytes() {
    let world = World::new().await;
    let receiver = Receiver::of(&world).await;
    let (capture, _) = world.captured("good").await;
    world.clock.advance(5);
    assert_eq!(world.paypal.deliver_due_webhooks().await, 3);
    let all = receiver.take();
    let kinds: Vec<_> = all.iter().map(|one| one.event()["event_type"].clone()).collect();
    assert_eq!(
        kinds,
        ["MERCHANT.ONBOARDING.COMPLETED", "CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED"]
    );
    for received in &all {
        assert_eq!(received.header("paypal-auth-algo"), "SHA256withRSA");
        assert_eq!(received.header("paypal-transmission-time"), "2023-11-14T22:13:25Z");
        assert_eq!(verify(&world, received, &received.body).await, "SUCCESS");
    }
    let event = all[2].event();
    assert_eq!(
        (&event["resource"]["id"], &event["resource"]["custom_id"]),
        (&json!(capture), &json!("booking-1"))
    );
    assert_eq!((&event["resource_type"], &event["resource_version"]), (&json!("capture"), &json!("2.0")));
    let id = event["id"].as_str().unwrap();
    assert_eq!(world.get(&format!("/v1/notifications/webhooks-events/{id}")).await.is(200).body, event);
    assert_eq!(world.paypal.delivery_attempts()[0].url, receiver.url());
    assert_eq!(world.paypal.next_webhook_due(), None);
}

#[tokio::test]
async fn whatever_is_changed_is_not_verified() {
    let world = World::new().await;
    let received = one(&world).await;
    let rewritten = received.event().to_string();
    assert_ne!(rewritten, received.body, "the members of an event do not come sorted");
    let spaced = received.body.replacen(':', ": ", 1);
    let forged = received.body.replace("100.00", "1.00");
    for body in [rewritten, spaced, forged] {
        assert_eq!(verify(&world, &received, &body).await, "FAILURE", "{body}");
    }
    for name in ["paypal-auth-algo", "paypal-cert-url", "paypal-transmission-id", "paypal-transmission-time"]
    {
        let mut changed = received.clone();
        changed.headers.insert(name, format!("{}x", received.header(name)).parse().unwrap());
        assert_eq!(verify(&world, &changed, &received.body).await, "FAILURE", "{name}");
    }
    let mut changed = received.clone();
    changed.headers.insert("paypal-transmission-sig", "AAAA".parse().unwrap());
    assert_eq!(verify(&world, &changed, &received.body).await, "FAILURE");
    let other = World::new().await;
    assert_eq!(
        verify(&other, &received, &received.body).await,
        "FAILURE",
        "its certificate is at another address"
    );
    let elsewhere = ask(&world, &request(&received, "ANOTHERWEBHOOK", &received.body)).await.is(200);
    assert_eq!(elsewhere.text("/verification_status"), "FAILURE");
    let spaced = request(&received, WEBHOOK, &format!(" {} ", received.body));
    let spaced = ask(&world, &spaced).await.is(200);
    assert_eq!(spaced.text("/verification_status"), "SUCCESS", "spaces around the event are not of it");
}

#[tokio::test]
async fn a_question_that_is_not_whole_is_refused() {
    let world = World::new().await;
    let received = one(&world).await;
    let whole: Value = serde_json::from_str(&request(&received, WEBHOOK, "{}")).unwrap();
    for name in whole.as_object().unwrap().keys() {
        let mut part = whole.clone();
        part.as_object_mut().unwrap().remove(name);
        ask(&world, &part.to_string()).await.error(400, "MISSING_REQUIRED_PARAMETER");
    }
    ask(&world, &request(&received, WEBHOOK, "[]")).await.error(400, "INVALID_PARAMETER_SYNTAX");
    ask(&world, &request(&received, WEBHOOK, "{")).await.error(400, "MALFORMED_REQUEST_JSON");
    let url = world.url("/v1/notifications/verify-webhook-signature");
    let stranger = world.http.post(url).header("content-type", "application/json").body(whole.to_string());
    assert_eq!(stranger.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_test_can_sign_what_it_likes_and_the_certificate_is_there() {
    let world = World::new().await;
    let body = "{\"id\":\"WH-1\",\"event_type\":\"PAYMENT.CAPTURE.COMPLETED\"}";
    let mut headers = axum::http::HeaderMap::new();
    for (name, value) in world.paypal.webhook_headers(body).unwrap() {
        headers.insert(name, value.parse().unwrap());
    }
    let made = Received { headers, body: body.to_owned() };
    assert_eq!(verify(&world, &made, body).await, "SUCCESS");
    let pem = world.http.get(made.header("paypal-cert-url")).send().await.unwrap().text().await.unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n"), "{pem}");
    let other = world.url("/v1/notifications/certs/CERT-1");
    assert_eq!(world.http.get(other).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_delivery_that_fails_is_tried_25_times_in_three_days() {
    let world = World::new().await;
    let receiver = Receiver::of(&world).await;
    receiver.answer_with(503);
    world.seller("expert-1").await;
    assert_eq!(world.paypal.deliver_due_webhooks().await, 1);
    for delay in RETRY_AFTER {
        world.clock.advance(delay - 1);
        assert_eq!(world.paypal.deliver_due_webhooks().await, 0);
        world.clock.advance(1);
        assert_eq!(world.paypal.deliver_due_webhooks().await, 1);
    }
    assert_eq!(world.paypal.next_webhook_due(), None, "given up");
    let received = receiver.take();
    assert_eq!(received.len(), 26);
    assert!(received.iter().all(|webhook| webhook.body == received[0].body), "events are never written anew");
    assert!(world.clock.now() - START <= 3 * 86_400);
}

#[tokio::test]
async fn webhooks_can_be_doubled_delayed_shuffled_and_dropped() {
    let world = World::new().await;
    let receiver = Receiver::of(&world).await;
    let seller = world.seller("expert-1").await;
    world.paypal.deliver_due_webhooks().await;
    receiver.take();
    let with = |faults| world.paypal.set_faults(faults);
    let approve = || async {
        let made = world.post("/v2/checkout/orders", order("CAPTURE", &seller)).await.is(201);
        world.paypal.approve(made.id(), "good").unwrap();
        made.id().to_owned()
    };

    with(Faults { duplicate_deliveries: true, ..Faults::default() });
    approve().await;
    assert_eq!(world.paypal.deliver_due_webhooks().await, 2);
    let twice = receiver.take();
    assert_eq!(twice[0].event()["id"], twice[1].event()["id"]);

    with(Faults { delay_deliveries_seconds: 30, ..Faults::default() });
    approve().await;
    assert_eq!(world.paypal.deliver_due_webhooks().await, 0);
    assert_eq!(world.paypal.next_webhook_due(), Some(START + 30));
    world.clock.advance(30);
    assert_eq!(world.paypal.deliver_due_webhooks().await, 1);
    receiver.take();

    with(Faults { out_of_order: true, ..Faults::default() });
    let id = approve().await;
    world.post(&format!("/v2/checkout/orders/{id}/capture"), json!({})).await.is(201);
    world.paypal.deliver_due_webhooks().await;
    assert_eq!(receiver.kinds(), ["PAYMENT.CAPTURE.COMPLETED", "CHECKOUT.ORDER.APPROVED"]);

    with(Faults { drop_webhooks: true, ..Faults::default() });
    approve().await;
    assert_eq!(world.paypal.deliver_due_webhooks().await, 0);
    assert_eq!(world.kinds().last().unwrap(), "CHECKOUT.ORDER.APPROVED");
}

#[tokio::test]
async fn two_deliverers_do_not_deliver_twice() {
    let world = World::new().await;
    let receiver = Receiver::of(&world).await;
    for number in 0..9 {
        world.seller(&format!("expert-{number}")).await;
    }
    let (one, two) = tokio::join!(world.paypal.deliver_due_webhooks(), world.paypal.deliver_due_webhooks());
    assert_eq!(one + two, 9);
    let mut ids: Vec<String> = receiver.take().iter().map(|w| w.event()["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 9);
}
