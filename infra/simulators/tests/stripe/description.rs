//! A running simulator that checks what it is sent against a description.

use reqwest::Method;
use simulators::stripe::description::Description;

use crate::contract::Contract;
use crate::harness::World;

const SMALL: &str = r##"{
    "paths": {
        "/v1/payment_intents": { "post": { "requestBody": { "content": {
            "application/x-www-form-urlencoded": { "schema": {
                "type": "object",
                "additionalProperties": false,
                "required": ["amount"],
                "properties": {
                    "amount": { "type": "integer" },
                    "currency": { "type": "string" },
                    "confirm": { "type": "boolean" }
                }
            } }
        } } } }
    },
    "components": { "schemas": {} }
}"##;

#[tokio::test]
async fn a_request_that_violates_the_description_is_refused_and_remembered() {
    let world = World::new().await;
    world.stripe.check_requests(Description::parse(SMALL.as_bytes()).unwrap());
    let key = [("idempotency-key", "k")];
    let form = "amount=5000&currency=eur&description=Talk";
    let refused = world.call(Method::POST, "/v1/payment_intents", form, &key).await;
    assert_eq!((refused.status, refused.text("/error/param")), (400, "description"));
    assert!(refused.text("/error/message").contains("description is unknown"));
    assert!(world.stripe.events().is_empty());
    let found = world.stripe.violations();
    assert_eq!(found[0].to_string(), "POST /v1/payment_intents: description is unknown");
    assert_eq!(found.len(), 1);

    world.post("/v1/customers", "name=Ada").await;
    assert_eq!(world.stripe.violations()[1].to_string(), "POST /v1/customers: there is no such call");

    // The key was not used up, and what is right goes on.
    let request = world.request(Method::POST, "/v1/payment_intents", "amount=5000&currency=eur", &key);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(world.stripe.violations().len(), 2);
}

#[tokio::test]
async fn stripes_own_description_finds_what_is_wrong() {
    let Some(contract) = Contract::get() else { return };
    let world = World::new().await;
    world.stripe.check_requests(contract.description.clone());
    let (intent, _) = world.destination_intent("&capture_method=manual&metadata[appointment]=apt_1").await;
    world.stripe.pay(&intent, "4242424242424242").unwrap();
    let path = format!("/v1/payment_intents/{intent}/capture");
    world.post(&path, "amount_to_capture=5000&application_fee_amount=500&expand[]=latest_charge").await.ok();
    let form =
        format!("payment_intent={intent}&reverse_transfer=true&refund_application_fee=true&reason=duplicate");
    world.post("/v1/refunds", &form).await.ok();
    assert!(world.stripe.violations().is_empty(), "{:?}", world.stripe.violations());
    let wrong = [
        ("/v1/payment_intents", "amount=5000", "currency is missing"),
        ("/v1/payment_intents", "amount=abc&currency=eur", "amount must be an integer"),
        (
            "/v1/payment_intents",
            "amount=1&currency=eur&transfer_data[amount]=1",
            "transfer_data[destination] is missing",
        ),
        ("/v1/refunds", "payment_intent=pi_1&bogus=1", "bogus is unknown"),
        ("/v1/refunds", "payment_intent=pi_1&reason=whim", "reason must be one of"),
        ("/v1/refunds", "payment_intent=pi_1&reverse_transfer=yes", "reverse_transfer must be true or false"),
        ("/v1/setup_intents", "payment_method_types[]=card", "payment_method_types is unknown"),
        ("/v1/charges", "amount=1", "there is no such call"),
    ];
    for (path, form, problem) in wrong {
        assert_eq!(world.post(path, form).await.status, 400);
        let found = world.stripe.violations().pop().unwrap().to_string();
        assert!(found.contains(problem), "{found}");
    }
}
