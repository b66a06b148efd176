//! The life of a payment intent.

use reqwest::Method;

use crate::harness::{Answer, START, World};

const PLAIN: &str = "amount=5000&currency=eur";

#[tokio::test]
async fn an_intent_is_created_confirmed_and_succeeds() {
    let world = World::new().await;
    let form = format!("{PLAIN}&automatic_payment_methods[enabled]=true&metadata[appointment]=apt_1");
    let intent = world.post("/v1/payment_intents", &form).await.ok();
    assert_eq!(intent.text("/status"), "requires_payment_method");
    assert_eq!(intent.text("/metadata/appointment"), "apt_1");
    assert!(intent.text("/client_secret").starts_with(&format!("{}_secret_", intent.id())));
    assert_eq!(intent.number("/created"), START);

    let path = format!("/v1/payment_intents/{}", intent.id());
    let chosen =
        world.post("/v1/payment_intents", &format!("{PLAIN}&payment_method=pm_card_visa")).await.ok();
    assert_eq!(chosen.text("/status"), "requires_confirmation");
    let paid = world.post(&format!("{path}/confirm"), "payment_method=pm_card_visa").await.ok();
    assert_eq!(paid.text("/status"), "succeeded");
    assert_eq!(paid.number("/amount_received"), 5000);
    let charge = world.get(&format!("/v1/charges/{}", paid.text("/latest_charge"))).await.ok();
    assert_eq!(charge.text("/payment_intent"), intent.id());
    assert_eq!(charge.text("/payment_method_details/card/last4"), "4242");
    let expanded = world.get(&format!("{path}?expand[]=latest_charge.balance_transaction")).await.ok();
    assert_eq!(expanded.number("/latest_charge/balance_transaction/net"), 5000 - 100);
    let created = "payment_intent.created";
    assert_eq!(world.kinds(), [created, created, "charge.succeeded", "payment_intent.succeeded"]);
}

#[tokio::test]
async fn a_decline_is_402_with_the_intent_and_can_be_tried_again() {
    let world = World::new().await;
    let intent = world.post("/v1/payment_intents", PLAIN).await.ok();
    let confirm = format!("/v1/payment_intents/{}/confirm", intent.id());
    for (card, code, decline_code) in [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000000069", "expired_card", "expired_card"),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
        ("4111111111111111", "card_declined", "test_mode_live_card"),
    ] {
        let form = format!("payment_method_data[type]=card&payment_method_data[card][number]={card}");
        let declined = world.post(&confirm, &form).await.error(402, code);
        assert_eq!(declined.text("/error/decline_code"), decline_code);
        assert_eq!(declined.text("/error/type"), "card_error");
        assert_eq!(declined.text("/error/payment_intent/status"), "requires_payment_method");
        assert_eq!(declined.text("/error/payment_intent/last_payment_error/code"), code);
        let charge = world.get(&format!("/v1/charges/{}", declined.text("/error/charge"))).await.ok();
        assert_eq!(charge.text("/status"), "failed");
    }
    let form = "payment_method_data[type]=card&payment_method_data[card][number]=4242424242424241";
    world.post(&confirm, form).await.error(402, "incorrect_number");
    for token in ["pm_card_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds"] {
        world.post(&confirm, &format!("payment_method={token}")).await.error(402, "card_declined");
    }
    assert_eq!(world.sum(), 0);
    assert_eq!(world.balance("clients"), 0);
    let paid = world.post(&confirm, "payment_method=pm_card_visa").await.ok();
    assert_eq!(paid.text("/status"), "succeeded");
    assert!(paid.body["last_payment_error"].is_null());
    assert!(world.kinds().contains(&"payment_intent.payment_failed".to_owned()));
}

#[tokio::test]
async fn three_d_secure_asks_and_then_pays_or_fails() {
    let world = World::new().await;
    let form = format!("{PLAIN}&confirm=true&return_url=https://shop.example/done&payment_method=");
    let intent =
        world.post("/v1/payment_intents", &format!("{form}pm_card_threeDSecure2Required")).await.ok();
    assert_eq!(intent.text("/status"), "requires_action");
    assert_eq!(intent.text("/next_action/type"), "redirect_to_url");
    assert!(intent.text("/next_action/redirect_to_url/url").starts_with(&world.url("/3ds/")));

    assert_eq!(world.stripe.authenticate(intent.id(), true).unwrap()["status"], "succeeded");
    assert!(world.stripe.authenticate(intent.id(), true).is_err(), "there is nothing left to approve");

    let intent =
        world.post("/v1/payment_intents", &format!("{form}pm_card_threeDSecure2Required")).await.ok();
    let refused = world.stripe.authenticate(intent.id(), false).unwrap_err();
    assert_eq!(refused.code.as_deref(), Some("payment_intent_authentication_failure"));
    let intent = world.get(&format!("/v1/payment_intents/{}", intent.id())).await.ok();
    assert_eq!(intent.text("/status"), "requires_payment_method");
    assert!(intent.body["latest_charge"].is_null());

    let declined =
        world.post("/v1/payment_intents", &format!("{form}pm_card_threeDSecureRequiredChargeDeclined")).await;
    assert_eq!(
        world.stripe.authenticate(declined.ok().id(), true).unwrap_err().code.as_deref(),
        Some("card_declined")
    );

    let alone =
        format!("{PLAIN}&confirm=true&off_session=true&payment_method=pm_card_authenticationRequired");
    world.post("/v1/payment_intents", &alone).await.error(402, "authentication_required");
}

#[tokio::test]
async fn cancelling_races_paying_and_only_one_wins() {
    let world = World::new().await;
    let intent = world.post("/v1/payment_intents", PLAIN).await.ok();
    let path = format!("/v1/payment_intents/{}", intent.id());
    world.post(&format!("{path}/confirm"), "payment_method=pm_card_visa").await.ok();
    let late = world.post(&format!("{path}/cancel"), "").await.error(400, "payment_intent_unexpected_state");
    assert_eq!(late.text("/error/payment_intent/status"), "succeeded");

    let intent = world.post("/v1/payment_intents", PLAIN).await.ok();
    let path = format!("/v1/payment_intents/{}", intent.id());
    let canceled = world.post(&format!("{path}/cancel"), "cancellation_reason=abandoned").await.ok();
    assert_eq!(canceled.text("/status"), "canceled");
    assert_eq!(canceled.text("/cancellation_reason"), "abandoned");
    assert_eq!(canceled.number("/canceled_at"), START);
    let late = world.post(&format!("{path}/confirm"), "payment_method=pm_card_visa").await;
    assert_eq!(
        late.error(400, "payment_intent_unexpected_state").text("/error/payment_intent/status"),
        "canceled"
    );
    world.post(&format!("{path}/cancel"), "").await.error(400, "payment_intent_unexpected_state");
    assert_eq!(world.kinds().last().map(String::as_str), Some("payment_intent.canceled"));
}

/// Nothing was taken of the intent's charge, and nothing given back.
#[track_caller]
fn let_go(intent: &Answer) {
    assert_eq!(intent.number("/amount_capturable"), 0);
    let charge = &intent.body["latest_charge"];
    assert_eq!((&charge["captured"], &charge["refunded"]), (&false.into(), &false.into()));
    assert_eq!((&charge["amount_captured"], &charge["amount_refunded"]), (&0.into(), &0.into()));
    assert_eq!(charge["refunds"]["data"], serde_json::json!([]));
    assert!(charge["balance_transaction"].is_null());
}

#[tokio::test]
async fn an_authorization_is_captured_in_part_cancelled_or_runs_out() {
    let world = World::new().await;
    let form = format!(
        "{PLAIN}&capture_method=manual&confirm=true&payment_method=pm_card_visa&expand[]=latest_charge"
    );
    let held = world.post("/v1/payment_intents", &form).await.ok();
    assert_eq!(held.text("/status"), "requires_capture");
    assert_eq!(held.number("/amount_capturable"), 5000);
    assert_eq!(held.number("/latest_charge/payment_method_details/card/capture_before"), START + 7 * 86_400);
    assert_eq!(world.balance("clients"), 0, "nothing has moved yet");
    let path = format!("/v1/payment_intents/{}", held.id());
    world
        .post("/v1/refunds", &format!("payment_intent={}", held.id()))
        .await
        .error(400, "charge_not_refundable");
    world.post(&format!("{path}/capture"), "amount_to_capture=5001").await.error(400, "amount_too_large");
    let taken =
        world.post(&format!("{path}/capture"), "amount_to_capture=3000&expand[]=latest_charge").await.ok();
    assert_eq!((taken.text("/status"), taken.number("/amount_received")), ("succeeded", 3000));
    assert_eq!(taken.number("/latest_charge/amount_captured"), 3000);
    assert_eq!(taken.number("/latest_charge/amount_refunded"), 0, "what was let go is no refund");
    assert_eq!(world.balance("clients"), -3000);
    world.post(&format!("{path}/capture"), "").await.error(400, "payment_intent_unexpected_state");

    let called_off = world.post("/v1/payment_intents", &form).await.ok();
    let path = format!("/v1/payment_intents/{}/cancel", called_off.id());
    world.post(&path, "cancellation_reason=abandoned").await.ok();
    let called_off = world.charge_of(called_off.id()).await;
    assert_eq!(called_off.text("/cancellation_reason"), "abandoned");
    let_go(&called_off);

    let forgotten = world.post("/v1/payment_intents", &form).await.ok();
    world.clock.advance(7 * 86_400 - 1);
    world.stripe.deliver_due_webhooks().await;
    assert_eq!(world.stripe.object(forgotten.id()).unwrap()["status"], "requires_capture");
    world.clock.advance(1);
    world.stripe.deliver_due_webhooks().await;
    let expired = world.stripe.object(forgotten.id()).unwrap();
    assert_eq!(
        (&expired["status"], &expired["cancellation_reason"]),
        (&"canceled".into(), &"expired".into())
    );
    let_go(&world.charge_of(forgotten.id()).await);
    assert_eq!(world.balance("clients"), -3000);
    assert_eq!(world.lines().await.len(), 1, "only the capture is in the books");
    let kinds = world.kinds();
    assert!(!kinds.iter().any(|kind| kind.contains("refund")), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| *kind == "charge.expired").count(), 1, "{kinds:?}");
}

#[tokio::test]
async fn only_cards_pay() {
    let world = World::new().await;
    let intent = world.post("/v1/payment_intents", PLAIN).await.ok();
    assert_eq!(intent.body["payment_method_types"], serde_json::json!(["card"]));
    let debit = "payment_method_data[type]=sepa_debit";
    let confirm = format!("/v1/payment_intents/{}/confirm", intent.id());
    world.post(&confirm, debit).await.error_param("payment_method_data[type]");
    world
        .post("/v1/payment_intents", &format!("{PLAIN}&{debit}"))
        .await
        .error_param("payment_method_data[type]");
    let unknown = "excluded_payment_method_types[]";
    world.post("/v1/payment_intents", &format!("{PLAIN}&{unknown}=card")).await.error_param(unknown);
}

#[tokio::test]
async fn cards_must_be_among_the_allowed_methods() {
    let world = World::new().await;
    let param = "allowed_payment_method_types";
    let form =
        |kinds: &[&str]| kinds.iter().fold(PLAIN.to_owned(), |form, kind| format!("{form}&{param}[]={kind}"));
    let intent = world.post("/v1/payment_intents", &form(&["ideal", "card"])).await.ok();
    assert_eq!(intent.body[param], serde_json::json!(["ideal", "card"]));
    assert_eq!(intent.body["payment_method_types"], serde_json::json!(["card"]));
    for kinds in [&["ideal"][..], &["card", "cowries"]] {
        world.post("/v1/payment_intents", &form(kinds)).await.error_param(param);
    }
    let both = format!("{}&automatic_payment_methods[enabled]=true", form(&["card"]));
    world.post("/v1/payment_intents", &both).await.error_param(param);
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_name() {
    let world = World::new().await;
    for (form, code, param) in [
        ("currency=eur", "parameter_missing", "amount"),
        ("amount=5000", "parameter_missing", "currency"),
        ("amount=abc&currency=eur", "parameter_invalid_integer", "amount"),
        ("amount=-1&currency=eur", "parameter_invalid_integer", "amount"),
        ("amount=49&currency=eur", "amount_too_small", "amount"),
        ("amount=100000000&currency=eur", "amount_too_large", "amount"),
        ("amount=49&currency=jpy", "amount_too_small", "amount"),
        ("amount=5000&currency=eur&bogus=1", "parameter_unknown", "bogus"),
        ("amount=5000&currency=eur&metadata[a][b]=1", "parameter_unknown", "metadata[a][b]"),
        (
            "amount=5000&currency=eur&payment_method_types[]=card",
            "payment_method_types_no_longer_supported",
            "payment_method_types[]",
        ),
        (
            "amount=5000&currency=eur&transfer_data[destination]=acct_none",
            "resource_missing",
            "transfer_data[destination]",
        ),
        ("amount=5000&currency=eur&payment_method=pm_none", "resource_missing", "payment_method"),
        ("amount=5000&currency=eur&receipt_email=a@b.example", "parameter_unknown", "receipt_email"),
    ] {
        let refused = world.post("/v1/payment_intents", form).await.error(400, code);
        assert_eq!(refused.text("/error/param"), param);
        assert_eq!(refused.text("/error/type"), "invalid_request_error");
    }
    for form in [
        "amount=5000&currency=xxx",
        "amount=5000&currency=eur&capture_method=never",
        "amount=5000&currency=eur&confirm=yes",
    ] {
        assert_eq!(world.post("/v1/payment_intents", form).await.status, 400, "{form}");
    }
    world.get("/v1/payment_intents/pi_none").await.error(404, "resource_missing");
    assert_eq!(world.get("/v1/nothing").await.status, 404);
    assert_eq!(world.post("/v1/charges", "amount=1").await.status, 404);
    assert!(world.kinds().is_empty(), "nothing that was refused left a trace");

    let json =
        world.http.post(world.url("/v1/payment_intents")).bearer_auth(crate::harness::SECRET_KEY).json(&1);
    assert_eq!(json.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn callers_need_a_key_and_clients_the_intents_secret() {
    let world = World::new().await;
    let intent = world.post("/v1/payment_intents", &format!("{PLAIN}&metadata[inside]=1")).await.ok();
    let path = format!("/v1/payment_intents/{}", intent.id());
    let bare = world.http.get(world.url(&path)).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    let wrong = world.http.get(world.url(&path)).bearer_auth("sk_test_other").send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    let basic = world
        .http
        .get(world.url(&path))
        .basic_auth(crate::harness::SECRET_KEY, Some(""))
        .send()
        .await
        .unwrap();
    assert_eq!(basic.status(), 200);

    let client = |form: String| {
        let request = world.http.post(world.url(&format!("{path}/confirm")));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        async move { crate::harness::read(request.body(form).send().await.unwrap()).await }
    };
    let card = "key=pk_test_browser&payment_method_data[type]=card\
                &payment_method_data[card][number]=4242424242424242";
    client(card.to_owned()).await.error(400, "parameter_missing");
    client(format!("{card}&client_secret=guess")).await.error(400, "payment_intent_invalid_parameter");
    let paid = client(format!("{card}&client_secret={}", intent.text("/client_secret"))).await.ok();
    assert_eq!(paid.text("/status"), "succeeded");
    assert!(paid.body.get("metadata").is_none(), "browsers do not see what is the platform's");
    assert_eq!(paid.headers["access-control-allow-origin"], "*");
    let refund =
        world.http.post(world.url("/v1/refunds")).bearer_auth("pk_test_browser").send().await.unwrap();
    assert_eq!(refund.status(), 401);
}

#[tokio::test]
async fn lists_come_newest_first_a_page_at_a_time() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, world.post("/v1/payment_intents", PLAIN).await.ok().id().to_owned());
        world.clock.advance(10);
    }
    let page = |query: String| {
        let path = format!("/v1/payment_intents?{query}");
        let world = &world;
        async move {
            let list = world.call(Method::GET, &path, "", &[]).await.ok();
            let items: Vec<String> = list.body["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|i| i["id"].as_str().unwrap().to_owned())
                .collect();
            (items, list.body["has_more"].as_bool().unwrap())
        }
    };
    assert_eq!(page("limit=2".to_owned()).await, (ids[..2].to_vec(), true));
    assert_eq!(page(format!("limit=3&starting_after={}", ids[1])).await, (ids[2..].to_vec(), false));
    assert_eq!(
        page(format!("created[gte]={}&created[lt]={}", START + 10, START + 30)).await,
        (ids[2..4].to_vec(), false)
    );
    world.get("/v1/payment_intents?limit=0").await.error(400, "parameter_invalid_integer");
}

#[tokio::test]
async fn who_may_be_sent_away_must_be_able_to_come_back() {
    let world = World::new().await;
    let form = "amount=5000&currency=eur&confirm=true&payment_method=pm_card_visa&automatic_payment_methods[enabled]=true";
    let refused = world.post("/v1/payment_intents", form).await;
    assert_eq!((refused.status, refused.text("/error/param")), (400, "return_url"));
    for way in ["automatic_payment_methods[allow_redirects]=never", "return_url=https://example.org/"] {
        let paid = world.post("/v1/payment_intents", &format!("{form}&{way}")).await.ok();
        assert_eq!(paid.text("/status"), "succeeded");
    }
}
