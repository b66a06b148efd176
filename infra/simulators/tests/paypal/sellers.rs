//! Sellers.

use serde_json::json;
use simulators::paypal::Onboarding;

use crate::harness::{CLIENT_ID, PARTNER, World, read, referral};

const PATH: &str = "/v2/customer/partner-referrals";

#[tokio::test]
async fn a_seller_agrees_and_is_found_by_the_tracking_id() {
    let world = World::new().await;
    let base = format!("/v1/customer/partners/{PARTNER}/merchant-integrations");
    world.post(PATH, referral("expert-1")).await.is(201).link("action_url");
    let find = format!("{base}?tracking_id=expert-1");
    world.get(&find).await.error(404, "INVALID_RESOURCE_ID");
    assert_eq!(world.paypal.onboard("expert-1", Onboarding::Incomplete).unwrap(), json!(null));
    world.get(&find).await.error(404, "INVALID_RESOURCE_ID");
    assert_eq!(world.kinds().len(), 0);

    let url = world.url("/_simulator/onboard/expert-1");
    let body = "{\"outcome\":\"email_unconfirmed\"}";
    let asked = read(world.http.post(&url).body(body).send().await.unwrap()).await.is(200);
    let merchant = asked.text("/merchant_id").to_owned();
    let found = world.get(&find).await.is(200);
    assert_eq!((found.text("/merchant_id"), found.text("/tracking_id")), (merchant.as_str(), "expert-1"));
    let status = format!("{base}/{merchant}");
    assert_eq!(found.link("self"), world.url(&status));
    let seen = world.get(&status).await.is(200);
    assert_eq!(seen.body["primary_email_confirmed"], false);
    assert_eq!(seen.body["payments_receivable"], true);
    world.paypal.onboard("expert-1", Onboarding::NotReceivable).unwrap();
    assert_eq!(world.get(&status).await.body["payments_receivable"], false);
    world.paypal.onboard("expert-1", Onboarding::Complete).unwrap();
    let seen = world.get(&status).await.is(200);
    assert_eq!(
        (&seen.body["payments_receivable"], &seen.body["primary_email_confirmed"]),
        (&json!(true), &json!(true))
    );
    let granted = &seen.body["oauth_integrations"][0];
    assert_eq!(granted["integration_type"], "OAUTH_THIRD_PARTY");
    assert_eq!(granted["oauth_third_party"][0]["partner_client_id"], CLIENT_ID);
    let event = world.paypal.events().pop().unwrap();
    assert_eq!(event["event_type"], "MERCHANT.ONBOARDING.COMPLETED");
    assert_eq!(event["resource"]["merchant_id"], merchant);
    assert_eq!(event["resource"]["tracking_id"], "expert-1");
    assert_eq!(event["resource"]["partner_client_id"], CLIENT_ID);
    let other = "/v1/customer/partners/PARTNER333333/merchant-integrations?tracking_id=expert-1";
    world.get(other).await.error(403, "PERMISSION_DENIED");
    world.get(&base).await.error(400, "MISSING_REQUIRED_PARAMETER");
}

#[tokio::test]
async fn a_seller_takes_the_rights_back_and_may_grant_them_again() {
    let world = World::new().await;
    let merchant = world.seller("expert-1").await;
    let url = world.url(&format!("/_simulator/revoke/{merchant}"));
    let revoked = read(world.http.post(&url).body("{}").send().await.unwrap()).await.is(200);
    assert_eq!(revoked.body["oauth_integrations"], json!([]));
    let event = world.paypal.events().pop().unwrap();
    assert_eq!(event["event_type"], "MERCHANT.PARTNER-CONSENT.REVOKED");
    assert_eq!(event["resource"]["merchant_id"], merchant);
    assert_eq!(event["resource"]["tracking_id"], "expert-1");
    assert!(world.paypal.revoke("SELLER2222222").is_err());
    assert_eq!(world.seller("expert-1").await, merchant, "the account is the same");
}

#[tokio::test]
async fn a_referral_needs_consent_and_leaves_nothing_unread() {
    let world = World::new().await;
    let mut refused = referral("expert-1");
    refused["legal_consents"][0]["granted"] = json!(false);
    world.post(PATH, refused).await.error(400, "INVALID_PARAMETER_VALUE");
    let mut long = referral("expert-1");
    long["tracking_id"] = json!("x".repeat(128));
    world.post(PATH, long).await.error(400, "INVALID_STRING_LENGTH");
    let mut first_party = referral("expert-1");
    let integration = "/operations/0/api_integration_preference/rest_api_integration";
    first_party.pointer_mut(integration).unwrap()["integration_type"] = json!("FIRST_PARTY");
    world.post(PATH, first_party).await.error(400, "INVALID_PARAMETER_VALUE");
    let mut more = referral("expert-1");
    more["business_entity"] = json!({});
    world.post(PATH, more).await.error(400, "NOT_SUPPORTED");
    assert!(world.paypal.onboard("expert-1", Onboarding::Complete).is_err());
}

#[tokio::test]
async fn features_that_were_not_granted_cannot_be_used() {
    let world = World::new().await;
    let mut little = referral("expert-1");
    let details = "/operations/0/api_integration_preference/rest_api_integration/third_party_details";
    little.pointer_mut(details).unwrap()["features"] = json!(["PAYMENT"]);
    world.post(PATH, little).await.is(201);
    let seller = world.paypal.onboard("expert-1", Onboarding::Complete).unwrap();
    let seller = seller["merchant_id"].as_str().unwrap();
    let mut order = crate::harness::order("CAPTURE", seller);
    world.post("/v2/checkout/orders", order.clone()).await.error(403, "PERMISSION_DENIED");
    order["purchase_units"][0].as_object_mut().unwrap().remove("payment_instruction");
    let made = world.post("/v2/checkout/orders", order).await.is(201);
    world.paypal.approve(made.id(), "good").unwrap();
    let done = world.post(&format!("/v2/checkout/orders/{}/capture", made.id()), json!({})).await.is(201);
    let capture = done.text("/purchase_units/0/payments/captures/0/id");
    let path = format!("/v2/payments/captures/{capture}/refund");
    world.post_for(seller, &path, json!({})).await.error(403, "PERMISSION_DENIED");
}
