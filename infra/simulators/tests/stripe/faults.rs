//! Calls that go wrong on purpose.

use reqwest::Method;
use simulators::stripe::Faults;

use crate::harness::World;

const PATH: &str = "/v1/payment_intents";
const FORM: &str = "amount=5000&currency=eur";
const KEY: [(&str, &str); 1] = [("idempotency-key", "k")];

#[tokio::test]
async fn failing_before_acting_leaves_nothing_and_a_retry_works() {
    let world = World::new().await;
    world.stripe.set_faults(Faults { fail_before_acting: 2, ..Faults::default() });
    for _ in 0..2 {
        let failed = world.call(Method::POST, PATH, FORM, &KEY).await;
        assert_eq!((failed.status, failed.text("/error/type")), (500, "api_error"));
    }
    assert!(world.stripe.events().is_empty());
    world.call(Method::POST, PATH, FORM, &KEY).await.ok();
}

#[tokio::test]
async fn too_many_requests_are_told_so_and_do_nothing() {
    let world = World::new().await;
    world.stripe.set_faults(Faults { rate_limit: 2, ..Faults::default() });
    for method in [Method::POST, Method::GET] {
        let limited = world.call(method, PATH, FORM, &KEY).await.error(429, "rate_limit");
        assert_eq!(limited.text("/error/type"), "invalid_request_error");
    }
    assert!(world.stripe.events().is_empty());
    let done = world.call(Method::POST, PATH, FORM, &KEY).await.ok();
    assert!(!done.headers.contains_key("idempotent-replayed"));
}

#[tokio::test]
async fn keys_can_be_forgotten() {
    let world = World::new().await;
    let first = world.call(Method::POST, PATH, FORM, &KEY).await.ok();
    world
        .simulator("faults", serde_json::json!({ "clear_idempotency_keys": true, "drop_webhooks": true }))
        .await
        .ok();
    let expected = Faults { drop_webhooks: true, ..Faults::default() };
    assert_eq!(world.stripe.faults(), expected, "it is off again");
    let second = world.call(Method::POST, PATH, FORM, &KEY).await.ok();
    assert_ne!(first.id(), second.id(), "the same request makes a second intent");
    let third = world.call(Method::POST, PATH, FORM, &KEY).await.ok();
    assert_eq!(third.id(), second.id());
}

#[tokio::test]
async fn failing_after_acting_is_what_the_key_replays() {
    let world = World::new().await;
    world.stripe.set_faults(Faults { fail_after_acting: 1, ..Faults::default() });
    assert_eq!(world.call(Method::POST, PATH, FORM, &KEY).await.status, 500);
    assert_eq!(world.kinds(), ["payment_intent.created"]);
    let again = world.call(Method::POST, PATH, FORM, &KEY).await;
    assert_eq!((again.status, &again.headers["idempotent-replayed"]), (500, &"true".parse().unwrap()));
}

#[tokio::test]
async fn failing_for_good_is_what_the_key_replays_and_nothing_was_done() {
    let world = World::new().await;
    world.stripe.set_faults(Faults { fail_for_good: 1, ..Faults::default() });
    world.call(Method::GET, PATH, "", &[]).await.ok();
    for _ in 0..2 {
        assert_eq!(world.call(Method::POST, PATH, FORM, &KEY).await.status, 500);
    }
    assert!(world.kinds().is_empty());
    world.call(Method::POST, PATH, FORM, &[("Idempotency-Key", "another")]).await.ok();
    assert_eq!(world.kinds(), ["payment_intent.created"]);
}

#[tokio::test]
async fn a_lost_answer_is_found_again_by_its_key() {
    let world = World::new().await;
    world.stripe.set_faults(Faults { lose_responses: 1, ..Faults::default() });
    let lost = world.request(Method::POST, PATH, FORM, &KEY).send().await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(world.kinds(), ["payment_intent.created"]);
    let found = world.call(Method::POST, PATH, FORM, &KEY).await.ok();
    assert_eq!(found.headers["idempotent-replayed"], "true");
    assert_eq!(world.kinds().len(), 1);
}

#[tokio::test]
async fn the_faults_are_set_over_http() {
    let world = World::new().await;
    let url = world.url("/_simulator/faults");
    let set =
        world.http.post(&url).body("{\"drop_webhooks\":true,\"lose_responses\":3}").send().await.unwrap();
    assert_eq!(set.status(), 200);
    let expected = Faults { drop_webhooks: true, lose_responses: 3, ..Faults::default() };
    assert_eq!(world.stripe.faults(), expected);
    let shown: Faults = world.http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown, expected);
    for bad in ["{\"bogus\":1}", "[]", "{", "{\"lose_responses\":-1}"] {
        assert_eq!(world.http.post(&url).body(bad).send().await.unwrap().status(), 400, "{bad}");
    }
    world.http.post(&url).body("{\"lose_responses\":0}").send().await.unwrap();
    assert_eq!(world.stripe.faults(), Faults { drop_webhooks: true, ..Faults::default() });
}

#[tokio::test]
async fn people_and_tests_can_pay_over_http() {
    let world = World::new().await;
    let intent = world.post(PATH, FORM).await.ok();
    let url = world.url(&format!("/_simulator/pay/{}", intent.id()));
    let declined = world.http.post(&url).body("{\"card_number\":\"4000000000000002\"}").send().await.unwrap();
    assert_eq!(declined.status(), 402);
    let asked = world.http.post(&url).body("{\"card_number\":\"4000 0025 0000 3155\"}").send().await.unwrap();
    assert_eq!(crate::harness::read(asked).await.text("/status"), "requires_action");
    let url = world.url(&format!("/_simulator/authenticate/{}", intent.id()));
    let approved = world.http.post(&url).body("{\"approve\":true}").send().await.unwrap();
    assert_eq!(crate::harness::read(approved).await.text("/status"), "succeeded");
    let balances = world.http.get(world.url("/_simulator/balances")).send().await.unwrap();
    assert_eq!(crate::harness::read(balances).await.text("/0/owner"), "clients");
}
