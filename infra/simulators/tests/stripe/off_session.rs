//! Payments without the client, by a card they left.

use crate::harness::{START, World};

fn form(customer: &str, method: &str) -> String {
    format!(
        "amount=5000&currency=eur&customer={customer}&payment_method={method}&off_session=true&confirm=true\
         &metadata[appointment]=apt_1"
    )
}

#[tokio::test]
async fn a_saved_card_pays_without_its_owner() {
    let world = World::new().await;
    for number in ["4242424242424242", "4000002500003155", "4000003800000446"] {
        let (customer, method) = world.saved_card(number).await;
        for _ in 0..2 {
            let paid = world.post("/v1/payment_intents", &form(&customer, &method)).await.ok();
            assert_eq!(paid.text("/status"), "succeeded", "{number}");
            assert_eq!(paid.text("/customer"), customer);
            let charge = world.charge_of(paid.id()).await;
            assert_eq!(charge.text("/latest_charge/customer"), customer);
            assert_eq!(charge.text("/latest_charge/metadata/appointment"), "apt_1");
            assert_eq!(charge.text("/payment_method/id"), method);
        }
    }
    let listed = world.get(&format!("/v1/payment_intents?customer={}", world.customer().await)).await.ok();
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_card_that_wants_its_owner_brings_them_back_to_the_same_intent() {
    let world = World::new().await;
    let (customer, method) = world.saved_card("4000002760003184").await;
    let manual = format!("{}&capture_method=manual", form(&customer, &method));
    let refused = world.post("/v1/payment_intents", &manual).await.error(402, "authentication_required");
    assert_eq!(refused.text("/error/type"), "card_error");
    assert_eq!(refused.text("/error/decline_code"), "authentication_required");
    assert_eq!(refused.text("/error/payment_intent/status"), "requires_payment_method");
    assert_eq!(refused.text("/error/payment_method/id"), method);
    let (id, secret) =
        (refused.text("/error/payment_intent/id"), refused.text("/error/payment_intent/client_secret"));
    assert!(secret.starts_with(&format!("{id}_secret_")));
    let intent = world.get(&format!("/v1/payment_intents/{id}")).await.ok();
    assert_eq!(intent.text("/last_payment_error/code"), "authentication_required");
    assert_eq!(world.event("payment_intent.payment_failed")["data"]["object"]["id"], id);
    assert_eq!(world.balance("clients"), 0);

    // On session, with the saved card and the intent's secret.
    let confirm = [
        ("key", "pk_test_browser"),
        ("client_secret", secret),
        ("payment_method", &method),
        ("return_url", "https://shop.example/back"),
    ];
    let request = world.http.post(world.url(&format!("/v1/payment_intents/{id}/confirm"))).form(&confirm);
    let asked = crate::harness::read(request.send().await.unwrap()).await.ok();
    assert_eq!(asked.text("/status"), "requires_action");
    let held = world.stripe.authenticate(id, true).unwrap();
    assert_eq!(held["status"], "requires_capture");
    let charge = world.charge_of(id).await;
    let card = "/latest_charge/payment_method_details/card";
    assert_eq!(charge.number(&format!("{card}/capture_before")), START + 7 * 86_400, "the client was there");
    assert_eq!(charge.text(&format!("{card}/three_d_secure/result")), "authenticated");
}

#[tokio::test]
async fn some_cards_are_saved_and_then_declined() {
    let world = World::new().await;
    for (number, reason) in
        [("4000008260003178", "insufficient_funds"), ("4000000000000341", "generic_decline")]
    {
        let (customer, method) = world.saved_card(number).await;
        let form = form(&customer, &method);
        let declined = world.post("/v1/payment_intents", &form).await.error(402, "card_declined");
        assert_eq!(declined.text("/error/decline_code"), reason);
        let charge = world.get(&format!("/v1/charges/{}", declined.text("/error/charge"))).await.ok();
        assert_eq!(charge.text("/failure_code"), "card_declined");
        // Another card pays the same intent.
        let id = declined.text("/error/payment_intent/id");
        let paid = world.stripe.pay(id, "4242424242424242").unwrap();
        assert_eq!(paid["status"], "succeeded");
    }
}

#[tokio::test]
async fn a_hold_without_the_owner_is_shorter_and_runs_out() {
    let world = World::new().await;
    let short = 4 * 86_400 + 18 * 3600;
    for (number, holds) in [("4242424242424242", short), ("5555555555554444", 7 * 86_400)] {
        let (customer, method) = world.saved_card(number).await;
        let manual = format!("{}&capture_method=manual", form(&customer, &method));
        let held = world.post("/v1/payment_intents", &manual).await.ok();
        let charge = world.charge_of(held.id()).await;
        let before = charge.number("/latest_charge/payment_method_details/card/capture_before");
        assert_eq!(before, world.clock.now() + holds, "{number}");
        world.clock.advance(holds - 1);
        let path = format!("/v1/payment_intents/{}", held.id());
        assert_eq!(world.get(&path).await.ok().text("/status"), "requires_capture");
        world.clock.advance(1);
        let expired = world.charge_of(held.id()).await;
        assert_eq!(expired.text("/status"), "canceled");
        assert_eq!(expired.text("/cancellation_reason"), "expired");
        assert_eq!(expired.number("/amount_capturable"), 0);
        assert_eq!(expired.body["latest_charge"]["captured"], false);
        assert_eq!(expired.body["latest_charge"]["refunded"], false);
        assert_eq!(expired.number("/latest_charge/amount_refunded"), 0);
        assert_eq!(expired.body["latest_charge"]["refunds"]["data"], serde_json::json!([]));
        let kinds = world.kinds();
        assert_eq!(kinds[kinds.len() - 2..], ["charge.expired", "payment_intent.canceled"]);
        world.post(&format!("{path}/capture"), "").await.error(400, "payment_intent_unexpected_state");
        assert_eq!(world.balance("clients"), 0);
    }
}

#[tokio::test]
async fn a_card_is_its_customers_and_a_stray_one_pays_once() {
    let world = World::new().await;
    let (_, method) = world.saved_card("4242424242424242").await;
    let base = "amount=5000&currency=eur&confirm=true";
    let bare = world.post("/v1/payment_intents", &format!("{base}&payment_method={method}")).await;
    assert_eq!((bare.status, bare.text("/error/param")), (400, "customer"));
    let other = world.customer().await;
    let form = format!("{base}&payment_method={method}&customer={other}");
    world.post("/v1/payment_intents", &form).await.error(400, "resource_missing");
    let stray = world.post("/v1/payment_intents", &format!("{base}&payment_method=pm_card_visa")).await.ok();
    let form = format!("{base}&payment_method={}", stray.text("/payment_method"));
    world.post("/v1/payment_intents", &form).await.error_param("payment_method");
    let early = world.post("/v1/payment_intents", "amount=5000&currency=eur&off_session=true").await;
    early.error_param("off_session");
}
