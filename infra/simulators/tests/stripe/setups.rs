//! Cards that are kept for later.

use crate::harness::World;

const FORM: &str = "usage=off_session&automatic_payment_methods[enabled]=true&description=Talk\
                    &metadata[appointment]=apt_1";

async fn setup(world: &World) -> (String, String) {
    let customer = world.customer().await;
    let setup = world.post("/v1/setup_intents", &format!("customer={customer}&{FORM}")).await.ok();
    (setup.id().to_owned(), customer)
}

#[tokio::test]
async fn a_card_is_saved_for_its_customer() {
    let world = World::new().await;
    let (id, customer) = setup(&world).await;
    let path = format!("/v1/setup_intents/{id}");
    let fresh = world.get(&path).await.ok();
    assert_eq!((fresh.text("/status"), fresh.text("/usage")), ("requires_payment_method", "off_session"));
    assert!(fresh.text("/client_secret").starts_with(&format!("{id}_secret_")));
    world.stripe.pay(&id, "4242424242424242").unwrap();
    let done = world.get(&format!("{path}?expand[]=payment_method&expand[]=customer")).await.ok();
    assert_eq!(done.text("/status"), "succeeded");
    assert_eq!(done.text("/payment_method/customer"), customer);
    assert_eq!(done.text("/customer/email"), "ada@example.com");
    let kinds =
        ["customer.created", "setup_intent.created", "payment_method.attached", "setup_intent.succeeded"];
    assert_eq!(world.kinds(), kinds);
    assert_eq!(world.event("setup_intent.succeeded")["data"]["object"]["metadata"]["appointment"], "apt_1");
    assert_eq!(world.sum(), 0);
    assert!(world.stripe.balances().is_empty(), "nothing was charged");

    let method = done.text("/payment_method/id");
    let detached = world.post(&format!("/v1/payment_methods/{method}/detach"), "").await.ok();
    assert!(detached.body["customer"].is_null());
    let gone = world.event("payment_method.detached");
    assert_eq!(gone["data"]["previous_attributes"]["customer"], customer.as_str());
    assert_eq!(world.post(&format!("/v1/payment_methods/{method}/detach"), "").await.status, 400);
    let read = world.get(&format!("/v1/payment_methods/{method}")).await.ok();
    assert!(read.body["customer"].is_null());
    let form = format!(
        "amount=5000&currency=eur&customer={customer}&payment_method={method}&off_session=true&confirm=true"
    );
    let refused = world.post("/v1/payment_intents", &form).await;
    assert_eq!((refused.status, refused.text("/error/param")), (400, "payment_method"));
    assert!(refused.text("/error/message").contains("may not be used again"));
}

#[tokio::test]
async fn a_setup_is_challenged_declined_and_cancelled() {
    let world = World::new().await;
    let (id, _) = setup(&world).await;
    let asked = world.stripe.pay(&id, "4000002500003155").unwrap();
    assert_eq!(asked["status"], "requires_action");
    assert_eq!(asked["next_action"]["type"], "redirect_to_url");
    let failed = world.stripe.authenticate(&id, false).unwrap_err();
    assert_eq!(failed.code.as_deref(), Some("setup_intent_authentication_failure"));
    let failed = world.event("setup_intent.setup_failed");
    assert_eq!(failed["data"]["object"]["status"], "requires_payment_method");
    assert_eq!(failed["data"]["object"]["last_setup_error"]["code"], "setup_intent_authentication_failure");

    let path = format!("/v1/setup_intents/{id}/confirm");
    let form = "payment_method=pm_card_chargeDeclinedInsufficientFunds";
    let declined = world.post(&path, form).await.error(402, "card_declined");
    assert_eq!(declined.text("/error/decline_code"), "insufficient_funds");
    assert_eq!(declined.text("/error/setup_intent/id"), id);
    let debit = "payment_method_data[type]=sepa_debit";
    assert_eq!(world.post(&path, debit).await.status, 400);

    world.stripe.pay(&id, "4000002500003155").unwrap();
    assert_eq!(world.stripe.authenticate(&id, true).unwrap()["status"], "succeeded");
    world.post(&path, form).await.error(400, "setup_intent_unexpected_state");
    let cancel = format!("/v1/setup_intents/{id}/cancel");
    let late = world.post(&cancel, "").await.error(400, "setup_intent_unexpected_state");
    assert_eq!(late.text("/error/setup_intent/status"), "succeeded");

    let (id, _) = setup(&world).await;
    let cancel = format!("/v1/setup_intents/{id}/cancel");
    let canceled = world.post(&cancel, "cancellation_reason=abandoned").await.ok();
    assert_eq!((canceled.text("/status"), canceled.text("/cancellation_reason")), ("canceled", "abandoned"));
    assert_eq!(world.event("setup_intent.canceled")["data"]["object"]["id"], id.as_str());
    assert!(world.stripe.pay(&id, "4242424242424242").is_err());
}

#[tokio::test]
async fn an_owner_saves_a_card_on_the_page() {
    let world = World::new().await;
    let (id, _) = setup(&world).await;
    let secret = world.stripe.object(&id).unwrap()["client_secret"].as_str().unwrap().to_owned();
    let back = "https%3A%2F%2Fshop.example%2Fdone";
    let address = world.url(&format!("/pay/{id}?client_secret={secret}&return_url={back}"));
    let page = world.http.get(&address).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Nothing is charged now") && page.contains("Talk"));
    assert!(page.contains("4000 0000 0000 0341"), "the cards are named by what they do");
    let press = |number: &'static str| world.http.post(&address).form(&[("number", number)]).send();
    assert_eq!(press("4000000000000002").await.unwrap().status(), 402);
    let asked = press("4000002760003184").await.unwrap();
    let bank = asked.headers()["location"].to_str().unwrap().to_owned();
    let done = world.http.post(&bank).form(&[("answer", "approve")]).send().await.unwrap();
    let location = done.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(&format!("https://shop.example/done?setup_intent={id}&")), "{location}");
    assert!(location.ends_with("redirect_status=succeeded"));
    let (other, _) = setup(&world).await;
    let wrong = world.url(&format!("/pay/{other}?client_secret={secret}"));
    assert_eq!(world.http.get(wrong).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_browser_needs_the_setups_secret() {
    let world = World::new().await;
    let (id, _) = setup(&world).await;
    let secret = world.stripe.object(&id).unwrap()["client_secret"].as_str().unwrap().to_owned();
    let confirm = |secret: String| {
        let request = world.http.post(world.url(&format!("/v1/setup_intents/{id}/confirm")));
        let form = [
            ("key", "pk_test_browser"),
            ("client_secret", &secret),
            ("payment_method_data[type]", "card"),
            ("payment_method_data[card][number]", "4242424242424242"),
        ];
        let request = request.form(&form);
        async move { crate::harness::read(request.send().await.unwrap()).await }
    };
    confirm("guess".to_owned()).await.error(400, "setup_intent_invalid_parameter");
    let done = confirm(secret).await.ok();
    assert_eq!(done.text("/status"), "succeeded");
    assert!(done.body.get("metadata").is_none() && done.body.get("customer").is_none());
}

#[tokio::test]
async fn customers_and_setups_are_refused_by_name() {
    let world = World::new().await;
    world.get("/v1/customers/cus_none").await.error(404, "resource_missing");
    world.get("/v1/setup_intents/seti_none").await.error(404, "resource_missing");
    world.post("/v1/customers", "email=nobody").await.error(400, "email_invalid");
    world.post("/v1/customers", "phone=1").await.error(400, "parameter_unknown");
    let missing = world.post("/v1/setup_intents", "customer=cus_none").await.error(400, "resource_missing");
    assert_eq!(missing.text("/error/param"), "customer");
    assert_eq!(world.post("/v1/setup_intents", "usage=sometimes").await.status, 400);
    let types = "payment_method_types[]=card";
    world.post("/v1/setup_intents", types).await.error(400, "payment_method_types_no_longer_supported");
    assert!(world.kinds().is_empty());
}

#[tokio::test]
async fn only_allowed_kinds_are_saved() {
    let world = World::new().await;
    let customer = world.customer().await;
    let form = format!("customer={customer}&allowed_payment_method_types[]");
    let setup = world.post("/v1/setup_intents", &format!("{form}=card")).await.ok();
    assert_eq!(setup.body["allowed_payment_method_types"], serde_json::json!(["card"]));
    assert_eq!(setup.body["payment_method_types"], serde_json::json!(["card"]));
    let confirm = format!("/v1/setup_intents/{}/confirm", setup.id());
    let debit = "payment_method_data[type]=sepa_debit";
    world.post(&confirm, debit).await.error_param("payment_method_data[type]");
    assert_eq!(world.stripe.object(setup.id()).unwrap()["status"], "requires_payment_method");
    let done = world.post(&confirm, "payment_method=pm_card_visa").await.ok();
    assert_eq!(done.text("/status"), "succeeded");

    let param = "allowed_payment_method_types";
    world.post("/v1/setup_intents", &format!("{form}=sepa_debit")).await.error_param(param);
    let both = format!("{form}=card&automatic_payment_methods[enabled]=true");
    world.post("/v1/setup_intents", &both).await.error_param(param);
}
