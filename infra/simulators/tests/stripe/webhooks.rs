//! Signed, repeated, late, out of order, or never.

use simulators::stripe::{Faults, RETRY_AFTER, signature_header};

use crate::harness::{Receiver, START, WEBHOOK_SECRET, World};

const FORM: &str = "amount=5000&currency=eur&confirm=true&payment_method=pm_card_visa";

#[tokio::test]
async fn events_arrive_in_order_with_a_good_signature() {
    let world = World::new().await;
    world.post("/v1/payment_intents", FORM).await.ok();
    let receiver = Receiver::of(&world).await;
    assert_eq!(world.stripe.deliver_due_webhooks().await, 0, "nobody listened when it happened");
    let intent = world.post("/v1/payment_intents", FORM).await.ok();
    world.clock.advance(5);
    assert_eq!(world.stripe.deliver_due_webhooks().await, 3);
    let received = receiver.take();
    for webhook in &received {
        assert_eq!(
            webhook.header("stripe-signature"),
            signature_header(WEBHOOK_SECRET, START + 5, &webhook.body)
        );
    }
    let succeeded = received[2].event();
    assert_eq!(succeeded["type"], "payment_intent.succeeded");
    assert_eq!(succeeded["data"]["object"]["id"], intent.id());
    assert_eq!(succeeded["livemode"], false);
    assert_eq!(succeeded["api_version"], "2026-10-28.endive");
    assert_eq!(succeeded["pending_webhooks"], 1);
    assert!(succeeded.get("account").is_none());
    let read = world.get(&format!("/v1/events/{}", succeeded["id"].as_str().unwrap())).await.ok();
    assert_eq!(read.number("/pending_webhooks"), 0);
    assert_eq!(world.stripe.next_webhook_due(), None);
    assert_eq!(world.stripe.delivery_attempts().len(), 3);
    assert_eq!(world.stripe.delivery_attempts()[0].url, receiver.url());
    let listed = world.get("/v1/events?type=payment_intent.succeeded").await.ok();
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_delivery_that_fails_is_tried_for_three_days() {
    let world = World::new().await;
    let receiver = Receiver::of(&world).await;
    receiver.answer_with(503);
    world.post("/v1/payment_intents", "amount=5000&currency=eur").await.ok();
    assert_eq!(world.stripe.deliver_due_webhooks().await, 1);
    for delay in RETRY_AFTER {
        world.clock.advance(delay - 1);
        assert_eq!(world.stripe.deliver_due_webhooks().await, 0);
        world.clock.advance(1);
        assert_eq!(world.stripe.deliver_due_webhooks().await, 1);
    }
    assert_eq!(world.stripe.next_webhook_due(), None, "given up");
    let received = receiver.take();
    assert_eq!(received.len(), 11);
    assert!(received.iter().all(|webhook| webhook.body == received[0].body), "events are never written anew");
    assert!(world.clock.now() - START <= 3 * 86_400);
    assert_eq!(world.stripe.delivery_attempts().last().unwrap().retry_at, None);

    world.post("/v1/payment_intents", "amount=5000&currency=eur").await.ok();
    receiver.answer_with(302);
    world.stripe.deliver_due_webhooks().await;
    receiver.answer_with(204);
    world.clock.advance(60);
    assert_eq!(world.stripe.deliver_due_webhooks().await, 1);
    assert_eq!(world.stripe.next_webhook_due(), None, "arrived");
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_tried_again() {
    let world = World::new().await;
    let gone = Receiver::of(&world).await;
    let url = gone.url();
    drop(gone);
    tokio::task::yield_now().await;
    world.post("/v1/payment_intents", "amount=5000&currency=eur").await.ok();
    world.stripe.deliver_due_webhooks().await;
    let attempt = world.stripe.delivery_attempts().pop().unwrap();
    assert_eq!((attempt.status, attempt.retry_at, attempt.url), (None, Some(START + 60), url));
    let back = Receiver::of(&world).await;
    world.clock.advance(60);
    world.stripe.deliver_due_webhooks().await;
    assert_eq!(back.kinds(), ["payment_intent.created"]);
}

#[tokio::test]
async fn webhooks_can_be_doubled_delayed_shuffled_and_dropped() {
    let world = World::new().await;
    let receiver = Receiver::of(&world).await;
    let with = |faults| world.stripe.set_faults(faults);

    with(Faults { duplicate_deliveries: true, ..Faults::default() });
    world.post("/v1/payment_intents", "amount=5000&currency=eur").await.ok();
    assert_eq!(world.stripe.deliver_due_webhooks().await, 2);
    let twice = receiver.take();
    assert_eq!(twice[0].event()["id"], twice[1].event()["id"]);

    with(Faults { delay_deliveries_seconds: 30, ..Faults::default() });
    world.post("/v1/payment_intents", "amount=5000&currency=eur").await.ok();
    assert_eq!(world.stripe.deliver_due_webhooks().await, 0);
    assert_eq!(world.stripe.next_webhook_due(), Some(START + 30));
    world.clock.advance(30);
    assert_eq!(world.stripe.deliver_due_webhooks().await, 1);

    receiver.take();
    with(Faults { out_of_order: true, ..Faults::default() });
    world.post("/v1/payment_intents", FORM).await.ok();
    world.stripe.deliver_due_webhooks().await;
    assert_eq!(receiver.kinds(), ["payment_intent.succeeded", "charge.succeeded", "payment_intent.created"]);

    with(Faults { drop_webhooks: true, ..Faults::default() });
    let intent = world.post("/v1/payment_intents", FORM).await.ok();
    assert_eq!(world.stripe.deliver_due_webhooks().await, 0);
    assert_eq!(intent.text("/status"), "succeeded");
    assert_eq!(world.kinds().last().map(String::as_str), Some("payment_intent.succeeded"));
}

#[tokio::test]
async fn two_deliverers_do_not_deliver_twice() {
    let world = World::new().await;
    let receiver = Receiver::of(&world).await;
    for _ in 0..5 {
        world.post("/v1/payment_intents", FORM).await.ok();
    }
    let (one, two) = tokio::join!(world.stripe.deliver_due_webhooks(), world.stripe.deliver_due_webhooks());
    assert_eq!(one + two, 15);
    let mut ids: Vec<String> = receiver.take().iter().map(|w| w.event()["id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 15);
}
