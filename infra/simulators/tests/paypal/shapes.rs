//! The answers have the shapes that PayPal describes.
//!
//! Its descriptions are no part of this repository: `PAYPAL_SPECS` names the folder that holds
//! `checkout_orders_v2.json`, `payments_payment_v2.json` and `notifications_webhooks_v1.json` of
//! <https://github.com/paypal/paypal-rest-api-specifications>.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};
use simulators::paypal::{DisputeOutcome, DisputeReason, ECHECK_CLEARS_AFTER, Faults};

use crate::harness::{Answer, PARTNER, World, eur, order_with_source};

/// A file, a schema of it, and what should fit.
type Seen = (&'static str, String, Value);

const ORDERS: &str = "checkout_orders_v2.json";
const PAYMENTS: &str = "payments_payment_v2.json";
const WEBHOOKS: &str = "notifications_webhooks_v1.json";

fn object(seen: &mut Vec<Seen>, file: &'static str, schema: &str, value: Value) {
    seen.push((file, schema.to_owned(), value));
}

fn refusal(seen: &mut Vec<Seen>, answer: Answer) {
    for file in [ORDERS, PAYMENTS] {
        seen.push((file, format!("error_{}", answer.status), answer.body.clone()));
    }
}

/// Orders in all their states.
async fn orders(world: &World, seller: &str, seen: &mut Vec<Seen>) {
    for (number, intent) in ["CAPTURE", "AUTHORIZE"].into_iter().enumerate() {
        let mut body = order_with_source(intent, seller);
        body["purchase_units"][0]["invoice_id"] = json!(format!("2026-{number}"));
        let key = format!("order-{number}");
        let headers = [("paypal-request-id", key.as_str()), ("prefer", "return=representation")];
        let made = world.call("/v2/checkout/orders", body.clone(), &headers).await.is(200);
        object(seen, ORDERS, "order", made.body.clone());
        let short = world.call("/v2/checkout/orders", body, &[("paypal-request-id", &key)]).await.is(200);
        object(seen, ORDERS, "order", short.body);
        object(seen, ORDERS, "order", world.paypal.approve(made.id(), "good").unwrap());
        let path = format!("/v2/checkout/orders/{}/{}", made.id(), intent.to_lowercase());
        object(seen, ORDERS, "order", world.post(&path, json!({})).await.is(201).body);
        refusal(seen, world.post(&path, json!({})).await.is(422));
    }
    refusal(seen, world.get("/v2/checkout/orders/X").await.is(404));
    refusal(seen, world.post("/v2/checkout/orders", json!({ "bogus": 1 })).await.is(400));
    let (order, _) = world.approved("CAPTURE", "declined").await;
    refusal(seen, world.post(&format!("/v2/checkout/orders/{order}/capture"), json!({})).await.is(422));
}

/// Authorizations, captures and refunds in all their states.
async fn payments(world: &mut World, seen: &mut Vec<Seen>) {
    let (id, seller) = world.authorized("good").await;
    let path = format!("/v2/payments/authorizations/{id}");
    object(seen, PAYMENTS, "authorization-2", world.get(&path).await.is(200).body);
    let part = json!({
        "amount": eur("60.00"),
        "payment_instruction": { "platform_fees": [{ "amount": eur("6.00") }] },
    });
    let capture = world.post_for(&seller, &format!("{path}/capture"), part.clone()).await.is(201);
    object(seen, PAYMENTS, "capture-2", capture.body.clone());
    object(seen, PAYMENTS, "authorization-2", world.get(&path).await.is(200).body);
    refusal(seen, world.post(&format!("{path}/capture"), part.clone()).await.is(403));
    refusal(seen, world.post_for(&seller, &format!("{path}/void"), json!({})).await.is(422));
    let refund = format!("/v2/payments/captures/{}/refund", capture.id());
    for (value, faults) in [
        ("10.00", Faults::default()),
        ("11.00", Faults { pend_refunds: true, ..Faults::default() }),
        ("12.00", Faults { fail_refunds: true, ..Faults::default() }),
    ] {
        world.paypal.set_faults(faults);
        let mut body = part.clone();
        body["amount"] = eur(value);
        body["payment_instruction"]["platform_fees"][0]["amount"] = eur("1.00");
        body["custom_id"] = json!("refund-1");
        body["note_to_payer"] = json!("Sorry");
        let made = world.post_for(&seller, &refund, body).await.is(201);
        object(seen, PAYMENTS, "refund", made.body);
    }
    world.paypal.set_faults(Faults { fail_before_acting: 1, ..Faults::default() });
    refusal(seen, world.post_for(&seller, &refund, json!({})).await.is(500));
    let (pending, _) = world.captured("echeck").await;
    let (bouncing, _) = world.captured("bouncing").await;
    let (voided, seller) = world.authorized("good").await;
    let void = format!("/v2/payments/authorizations/{voided}/void");
    object(seen, PAYMENTS, "authorization-2", world.post_for(&seller, &void, json!({})).await.is(200).body);
    for later in [false, true] {
        for id in [&pending, &bouncing, &capture.id().to_owned()] {
            object(seen, PAYMENTS, "capture-2", world.paypal.object(id).unwrap());
        }
        if !later {
            world.clock.advance(ECHECK_CLEARS_AFTER);
            refusal(seen, world.get(&path).await.is(401));
            world.sign_in().await;
            world.get(&path).await.is(200);
        }
    }
    let order = capture.text("/supplementary_data/related_ids/order_id");
    let order = world.paypal.object(order).unwrap();
    for refund in order["purchase_units"][0]["payments"]["refunds"].as_array().unwrap() {
        object(seen, PAYMENTS, "refund", refund.clone());
    }
    object(seen, ORDERS, "order", order);
    let renewed = world.post_for(&seller, &format!("{path}/reauthorize"), json!({})).await.is(201);
    object(seen, PAYMENTS, "authorization-2", renewed.body);
}

async fn everything() -> Vec<Seen> {
    let mut world = World::new().await;
    let mut seen = Vec::new();
    let seller = world.seller("expert-1").await;
    orders(&world, &seller, &mut seen).await;
    payments(&mut world, &mut seen).await;
    let (capture, seller) = world.captured("good").await;
    let dispute = world.paypal.dispute(&capture, DisputeReason::NotReceived, None).unwrap();
    let dispute = dispute["dispute_id"].as_str().unwrap();
    world.paypal.resolve_dispute(dispute, DisputeOutcome::BuyerFavour).unwrap();
    world.paypal.revoke(&seller).unwrap();
    for event in world.paypal.events() {
        object(&mut seen, WEBHOOKS, "event", event);
    }
    let body = world.paypal.events()[0].to_string();
    let headers = world.paypal.webhook_headers(&body).unwrap();
    let header = |name: &str| headers.iter().find(|(found, _)| *found == name).unwrap().1.clone();
    let question = json!({
        "auth_algo": header("paypal-auth-algo"),
        "cert_url": header("paypal-cert-url"),
        "transmission_id": header("paypal-transmission-id"),
        "transmission_sig": header("paypal-transmission-sig"),
        "transmission_time": header("paypal-transmission-time"),
        "webhook_id": crate::harness::WEBHOOK,
        "webhook_event": world.paypal.events()[0],
    });
    let answer = world.post("/v1/notifications/verify-webhook-signature", question.clone()).await.is(200);
    object(&mut seen, WEBHOOKS, "verify_webhook_signature", question);
    object(&mut seen, WEBHOOKS, "verify_webhook_signature_response", answer.body);
    seen
}

/// The members that a schema names, through all of which it is made.
fn members(schemas: &Map<String, Value>, schema: &Value, found: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        members(schemas, &schemas[name], found);
    }
    found.extend(schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned());
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members(schemas, part, found);
    }
}

#[tokio::test]
async fn every_status_and_event_is_seen() {
    let seen = everything().await;
    let of = |schema: &str, member: &str| -> BTreeSet<String> {
        let fitting = seen.iter().filter(|(_, name, _)| name == schema);
        fitting.filter_map(|(_, _, value)| value[member].as_str()).map(str::to_owned).collect()
    };
    let listed = |words: &str| words.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(of("order", "status"), listed("APPROVED COMPLETED PAYER_ACTION_REQUIRED"));
    assert_eq!(of("authorization-2", "status"), listed("CREATED PARTIALLY_CAPTURED VOIDED"));
    assert_eq!(of("capture-2", "status"), listed("COMPLETED DECLINED PARTIALLY_REFUNDED PENDING"));
    assert_eq!(of("refund", "status"), listed("COMPLETED FAILED PENDING"));
    let kinds = "CHECKOUT.ORDER.APPROVED CUSTOMER.DISPUTE.CREATED CUSTOMER.DISPUTE.RESOLVED \
                 MERCHANT.ONBOARDING.COMPLETED MERCHANT.PARTNER-CONSENT.REVOKED \
                 PAYMENT.AUTHORIZATION.CREATED PAYMENT.AUTHORIZATION.VOIDED PAYMENT.CAPTURE.COMPLETED \
                 PAYMENT.CAPTURE.DENIED PAYMENT.CAPTURE.PENDING PAYMENT.CAPTURE.REFUNDED \
                 PAYMENT.CAPTURE.REVERSED PAYMENT.REFUND.FAILED PAYMENT.REFUND.PENDING";
    assert_eq!(of("event", "event_type"), listed(kinds));
    let payee = seen.iter().find_map(|(_, _, value)| {
        value.pointer("/purchase_units/0/payment_instruction/platform_fees/0/payee/merchant_id")
    });
    assert_eq!(payee, Some(&json!(PARTNER)));
}

#[tokio::test]
async fn the_descriptions_of_the_api_fit_every_answer() {
    let Some(folder) = std::env::var_os("PAYPAL_SPECS") else {
        println!("skipped: PAYPAL_SPECS does not name a folder with PayPal's descriptions");
        return;
    };
    let mut checked = 0;
    for (file, name, value) in everything().await {
        let spec: Value =
            serde_json::from_slice(&std::fs::read(Path::new(&folder).join(file)).unwrap()).unwrap();
        let schemas = spec["components"]["schemas"].as_object().unwrap();
        let schema =
            json!({ "$ref": format!("#/components/schemas/{name}"), "components": { "schemas": schemas } });
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{file} {name}: {errors:#?}\n{value:#}");
        let mut wrong = value.clone();
        wrong["links"] = json!([1]);
        wrong["verification_status"] = json!("MAYBE");
        wrong["auth_algo"] = json!("");
        assert!(!validator.is_valid(&wrong), "the check of {name} checks nothing");
        let mut known = BTreeSet::new();
        members(schemas, &schemas[&name], &mut known);
        let unknown: Vec<_> =
            value.as_object().unwrap().keys().filter(|member| !known.contains(*member)).collect();
        assert!(unknown.is_empty(), "{name} has members PayPal's has not: {unknown:?}");
        checked += 1;
    }
    assert!(checked > 50, "{checked}");
}
