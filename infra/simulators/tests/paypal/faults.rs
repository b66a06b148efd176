//! Calls that go wrong on purpose.

use serde_json::json;
use simulators::paypal::Faults;

use crate::harness::{World, order_with_source};

const PATH: &str = "/v2/checkout/orders";
const KEY: [(&str, &str); 1] = [("paypal-request-id", "k")];

#[tokio::test]
async fn refused_before_acting_leaves_nothing_and_a_retry_works() {
    let world = World::new().await;
    let (order, _) = world.approved("CAPTURE", "good").await;
    let path = format!("{PATH}/{order}/capture");
    world.paypal.set_faults(Faults { rate_limit: 1, fail_before_acting: 2, ..Faults::default() });
    let limited = world.call(&path, json!({}), &KEY).await.is(429);
    assert_eq!(limited.text("/name"), "RATE_LIMIT_REACHED");
    for _ in 0..2 {
        let failed = world.call(&path, json!({}), &KEY).await.is(500);
        assert_eq!(failed.text("/name"), "INTERNAL_SERVER_ERROR");
    }
    assert_eq!(world.balance("payers"), 0);
    world.call(&path, json!({}), &KEY).await.is(201);
}

#[tokio::test]
async fn what_was_done_without_an_answer_is_found_by_its_id() {
    for faults in [
        Faults { fail_after_acting: 1, ..Faults::default() },
        Faults { lose_responses: 1, ..Faults::default() },
    ] {
        let world = World::new().await;
        let seller = world.seller("expert-1").await;
        let body = order_with_source("CAPTURE", &seller);
        let made = world.call(PATH, body, &KEY).await.is(200);
        world.paypal.approve(made.id(), "good").unwrap();
        world.paypal.set_faults(faults.clone());
        let path = format!("{PATH}/{}/capture", made.id());
        match world.request(&path, json!({}), &KEY).send().await {
            Ok(failed) => assert_eq!((failed.status().as_u16(), faults.fail_after_acting), (500, 1)),
            Err(_) => assert_eq!(faults.lose_responses, 1),
        }
        assert_eq!(world.balance("payers"), -10_000);
        let found = world.call(&path, json!({}), &KEY).await.is(200);
        assert_eq!((found.id(), found.text("/status")), (made.id(), "COMPLETED"));
        assert_eq!(world.balance("payers"), -10_000);
    }
}

#[tokio::test]
async fn the_faults_are_set_over_http() {
    let world = World::new().await;
    let url = world.url("/_simulator/faults");
    let set = world.http.post(&url).body("{\"drop_webhooks\":true,\"rate_limit\":3}").send().await.unwrap();
    assert_eq!(set.status(), 200);
    let expected = Faults { drop_webhooks: true, rate_limit: 3, ..Faults::default() };
    assert_eq!(world.paypal.faults(), expected);
    let shown: Faults = world.http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown, expected);
    for bad in ["{\"bogus\":1}", "[]", "{", "{\"rate_limit\":-1}"] {
        assert_eq!(world.http.post(&url).body(bad).send().await.unwrap().status(), 400, "{bad}");
    }
}

#[tokio::test]
async fn calls_can_be_spared_before_failures_begin() {
    let world = World::new().await;
    world.paypal.set_faults(Faults { spare_calls: 2, fail_before_acting: 1, ..Faults::default() });
    for status in [404, 404, 500, 404] {
        world.get("/v2/checkout/orders/X").await.is(status);
    }
    assert_eq!(world.paypal.faults(), Faults::default());
}
