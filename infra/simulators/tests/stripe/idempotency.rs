//! The same key twice.

use reqwest::Method;
use simulators::stripe::Faults;

use crate::harness::World;

const PATH: &str = "/v1/payment_intents";

#[tokio::test]
async fn a_key_replays_its_first_answer_for_a_day() {
    let world = World::new().await;
    let key = [("idempotency-key", "apt_1:pay")];
    let first = world.call(Method::POST, PATH, "amount=5000&currency=eur", &key).await.ok();
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let again = world.call(Method::POST, PATH, "currency=eur&amount=5000", &key).await.ok();
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.body, first.body);
    assert_eq!(again.headers["original-request"], first.headers["request-id"]);
    let other = world.call(Method::POST, PATH, "amount=5001&currency=eur", &key).await;
    assert_eq!((other.status, other.text("/error/type")), (400, "idempotency_error"));
    let elsewhere = world.call(Method::POST, "/v1/refunds", "payment_intent=pi_1", &key).await;
    assert_eq!((elsewhere.status, elsewhere.text("/error/type")), (400, "idempotency_error"));
    let created = world.stripe.events();
    assert_eq!(created.len(), 1);
    assert_eq!(created[0]["request"]["idempotency_key"], "apt_1:pay");
    assert_eq!(created[0]["request"]["id"], first.headers["request-id"].to_str().unwrap());

    world.clock.advance(24 * 3600);
    let tomorrow = world.call(Method::POST, PATH, "amount=5001&currency=eur", &key).await.ok();
    assert_ne!(tomorrow.id(), first.id());
}

#[tokio::test]
async fn refusals_are_kept_only_when_work_had_begun() {
    let world = World::new().await;
    let key = [("idempotency-key", "k")];
    world.call(Method::POST, PATH, "amount=1&currency=eur", &key).await.error(400, "amount_too_small");
    let intent = world.call(Method::POST, PATH, "amount=100&currency=eur", &key).await.ok();
    assert!(!intent.headers.contains_key("idempotent-replayed"));

    let confirm = format!("{PATH}/{}/confirm", intent.id());
    let key = [("idempotency-key", "confirm")];
    let form = "payment_method=pm_card_chargeDeclined";
    world.call(Method::POST, &confirm, form, &key).await.error(402, "card_declined");
    let again = world.call(Method::POST, &confirm, form, &key).await.error(402, "card_declined");
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let long = "k".repeat(256);
    assert_eq!(
        world.call(Method::POST, PATH, "amount=100&currency=eur", &[("idempotency-key", &long)]).await.status,
        400
    );
}

#[tokio::test]
async fn a_key_in_use_is_409() {
    let world = World::new().await;
    world.stripe.set_faults(Faults { stall_calls: 1, ..Faults::default() });
    let key = [("idempotency-key", "k")];
    let form = "amount=5000&currency=eur";
    let slow = tokio::spawn(world.request(Method::POST, PATH, form, &key).send());
    // The first call holds the key as soon as it has used up the switch.
    while world.stripe.faults().stall_calls > 0 {
        tokio::task::yield_now().await;
    }
    let second = world.call(Method::POST, PATH, form, &key).await.error(409, "idempotency_key_in_use");
    assert_eq!(second.text("/error/type"), "idempotency_error");
    world.stripe.set_faults(Faults::default());
    let first = crate::harness::read(slow.await.unwrap().unwrap()).await.ok();
    let third = world.call(Method::POST, PATH, form, &key).await.ok();
    assert_eq!(third.id(), first.id());
    assert_eq!(world.stripe.events().len(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_frees_its_key() {
    let world = World::new().await;
    world.stripe.set_faults(Faults { stall_calls: 1, ..Faults::default() });
    let key = [("idempotency-key", "k")];
    let form = "amount=5000&currency=eur";
    let slow = tokio::spawn(world.request(Method::POST, PATH, form, &key).send());
    while world.stripe.faults().stall_calls > 0 {
        tokio::task::yield_now().await;
    }
    slow.abort();
    while world.call(Method::POST, PATH, form, &key).await.status == 409 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.stripe.events().len(), 1);
}
