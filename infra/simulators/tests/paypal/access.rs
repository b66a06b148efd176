//! Who may call.

use serde_json::json;
use simulators::paypal::TOKEN_LASTS;

use crate::harness::{CLIENT_ID, CLIENT_SECRET, PARTNER, World, assertion, eur, order, read};

#[tokio::test]
async fn a_token_is_given_for_the_credentials_and_ends() {
    let mut world = World::new().await;
    let url = world.url("/v1/oauth2/token");
    let grant = [("grant_type", "client_credentials")];
    let good = world.http.post(&url).basic_auth(CLIENT_ID, Some(CLIENT_SECRET)).form(&grant);
    let good = read(good.send().await.unwrap()).await.is(200);
    assert_eq!((good.text("/token_type"), good.body["expires_in"].as_i64()), ("Bearer", Some(TOKEN_LASTS)));
    for (client, secret) in [(CLIENT_ID, "wrong"), ("wrong", CLIENT_SECRET), ("", "")] {
        let request = world.http.post(&url).basic_auth(client, Some(secret)).form(&grant);
        let refused = read(request.send().await.unwrap()).await.is(401);
        assert_eq!(refused.text("/error"), "invalid_client");
    }
    let other = world.http.post(&url).basic_auth(CLIENT_ID, Some(CLIENT_SECRET));
    let other = read(other.form(&[("grant_type", "password")]).send().await.unwrap()).await.is(400);
    assert_eq!(other.text("/error"), "unsupported_grant_type");

    world.clock.advance(TOKEN_LASTS - 1);
    world.get("/v1/customer/disputes").await.is(200);
    world.clock.advance(1);
    let ended = world.get("/v1/customer/disputes").await.is(401);
    assert_eq!(ended.text("/name"), "AUTHENTICATION_FAILURE");
    world.sign_in().await;
    world.get("/v1/customer/disputes").await.is(200);
    let nobody = world.http.get(world.url("/v1/customer/disputes")).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
}

#[tokio::test]
async fn a_change_to_a_sellers_payment_names_the_seller() {
    let world = World::new().await;
    let (capture, seller) = world.captured("good").await;
    let path = format!("/v2/payments/captures/{capture}/refund");
    let body = json!({ "amount": eur("1.00") });
    world.post(&path, body.clone()).await.error(403, "PERMISSION_DENIED");
    let other = world.seller("expert-2").await;
    world.post_for(&other, &path, body.clone()).await.error(403, "PERMISSION_DENIED");
    for wrong in [
        assertion("another-client", &seller),
        format!("{}c2lnbmVk", assertion(CLIENT_ID, &seller)),
        "nonsense".to_owned(),
        assertion(CLIENT_ID, &seller).replacen("eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiJ9", 1),
    ] {
        let answer = world.call(&path, body.clone(), &[("paypal-auth-assertion", &wrong)]).await;
        answer.error(403, "PERMISSION_DENIED");
    }
    world.post_for(&seller, &path, body).await.is(201);
    world.get(&format!("/v2/payments/captures/{capture}")).await.is(200);
}

#[tokio::test]
async fn the_platforms_own_payments_need_no_assertion() {
    let world = World::new().await;
    let mut own = order("CAPTURE", PARTNER);
    world.post("/v2/checkout/orders", own.clone()).await.error(422, "PLATFORM_FEES_NOT_SUPPORTED");
    own["purchase_units"][0].as_object_mut().unwrap().remove("payment_instruction");
    let made = world.post("/v2/checkout/orders", own).await.is(201);
    world.paypal.approve(made.id(), "good").unwrap();
    let path = format!("/v2/checkout/orders/{}/capture", made.id());
    let done = world.post(&path, json!({})).await.is(201);
    let capture = done.text("/purchase_units/0/payments/captures/0/id");
    assert_eq!(world.balance("platform"), 10_000 - 334);
    world.post(&format!("/v2/payments/captures/{capture}/refund"), json!({})).await.is(201);
    assert_eq!((world.balance("platform"), world.balance("payers"), world.sum()), (-334, 0, 0));
}

#[tokio::test]
async fn unknown_addresses_and_kinds_of_bodies_are_refused() {
    let world = World::new().await;
    world.get("/v2/checkout/nothing").await.error(404, "INVALID_RESOURCE_ID");
    world.get("/v2/checkout/orders/5O190127TN364715T").await.error(404, "INVALID_RESOURCE_ID");
    let form = world.http.post(world.url("/v2/checkout/orders")).bearer_auth(&world.token);
    assert_eq!(read(form.form(&[("a", "b")]).send().await.unwrap()).await.status, 415);
    let broken = world.http.post(world.url("/v2/checkout/orders")).bearer_auth(&world.token);
    let broken = broken.header("content-type", "application/json").body("{\"intent\":");
    read(broken.send().await.unwrap()).await.error(400, "MALFORMED_REQUEST_JSON");
}
