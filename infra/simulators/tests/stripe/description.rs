//! A running simulator whose requests are checked.

use reqwest::Method;
use stripe_description::Description;

use crate::harness::World;

#[tokio::test]
async fn a_request_that_fails_the_check_is_refused() {
    let world = World::new().await;
    world.stripe.check_requests(Box::new(|method, path, fields| {
        let unknown = fields.iter().find(|(name, _)| name == "description");
        unknown.map(|(name, _)| format!("{method} {path}: {name} is unknown"))
    }));
    let key = [("idempotency-key", "k")];
    let form = "amount=5000&currency=eur&description=Talk";
    let refused = world.call(Method::POST, "/v1/payment_intents", form, &key).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.text("/error/message"), "POST /v1/payment_intents: description is unknown");
    assert!(world.stripe.events().is_empty());

    // The key was not used up, and what is right goes on.
    let request = world.request(Method::POST, "/v1/payment_intents", "amount=5000&currency=eur", &key);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[test]
fn stripes_own_description_finds_what_is_wrong() {
    let Some(description) = Description::get() else { return };
    let check = |path: &str, form: &str| {
        let fields: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        description.check_request("POST", path, &fields)
    };
    for (path, form) in [
        (
            "/v1/payment_intents",
            "amount=5000&currency=eur&transfer_data[destination]=a&metadata[appointment]=apt_1",
        ),
        (
            "/v1/payment_intents/pi_1/capture",
            "amount_to_capture=5&application_fee_amount=5&expand[]=latest_charge",
        ),
        (
            "/v1/refunds",
            "payment_intent=pi_1&reverse_transfer=true&refund_application_fee=true&reason=duplicate",
        ),
    ] {
        assert_eq!(check(path, form), None);
    }
    for (path, form, problem) in [
        ("/v1/payment_intents", "amount=5000", "\"currency\" is a required property"),
        ("/v1/payment_intents", "amount=abc&currency=eur", "/amount: \"abc\" does not match"),
        (
            "/v1/payment_intents",
            "amount=1&currency=eur&transfer_data[amount]=1",
            "/transfer_data: \"destination\" is a required property",
        ),
        ("/v1/refunds", "payment_intent=pi_1&bogus=1", "'bogus' was unexpected"),
        ("/v1/refunds", "payment_intent=pi_1&reason=whim", "/reason: \"whim\" is not one of"),
        (
            "/v1/refunds",
            "payment_intent=pi_1&reverse_transfer=yes",
            "/reverse_transfer: \"yes\" is not one of",
        ),
        ("/v1/setup_intents", "payment_method_types[]=card", "'payment_method_types' was unexpected"),
        ("/v1/charges", "amount=1", "there is no such call"),
    ] {
        let violation = check(path, form).unwrap();
        assert!(violation.contains(problem), "{violation}");
    }
}
