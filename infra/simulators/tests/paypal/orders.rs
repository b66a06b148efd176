//! Orders, from making to taking.

use serde_json::{Value, json};
use simulators::paypal::Onboarding;

use crate::harness::{World, eur, order, order_with_source};

const PATH: &str = "/v2/checkout/orders";

#[tokio::test]
async fn an_order_with_a_source_waits_for_the_payer_and_is_captured() {
    let world = World::new().await;
    let seller = world.seller("expert-1").await;
    let body = order_with_source("CAPTURE", &seller);
    world.post(PATH, body.clone()).await.error(400, "PAYPAL_REQUEST_ID_REQUIRED");
    let made = world.call(PATH, body, &[("paypal-request-id", "apt_1:order")]).await.is(200);
    let names: Vec<_> = made.body.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["id", "links", "status"], "short unless the caller prefers more");
    assert_eq!(made.text("/status"), "PAYER_ACTION_REQUIRED");
    assert!(made.link("payer-action").ends_with(&format!("/checkoutnow?token={}", made.id())));
    let capture = format!("{PATH}/{}/capture", made.id());
    world.post(&capture, json!({})).await.error(422, "ORDER_NOT_APPROVED");

    world.paypal.approve(made.id(), "good").unwrap();
    let read = world.get(&format!("{PATH}/{}", made.id())).await.is(200);
    assert_eq!((read.text("/status"), read.text("/payer/payer_id")), ("APPROVED", "GDPAYER222222"));
    assert_eq!(read.link("capture"), world.url(&capture));
    let authorize = format!("{PATH}/{}/authorize", made.id());
    world.post(&authorize, json!({})).await.error(422, "ACTION_DOES_NOT_MATCH_INTENT");

    let done = world.post(&capture, json!({})).await.is(201);
    assert_eq!(done.text("/status"), "COMPLETED");
    let unit = &done.body["purchase_units"][0];
    assert_eq!((&unit["reference_id"], &unit["custom_id"]), (&json!("default"), &json!("booking-1")));
    let taken = &unit["payments"]["captures"][0];
    assert_eq!((&taken["status"], &taken["custom_id"]), (&json!("COMPLETED"), &json!("booking-1")));
    assert_eq!(taken["supplementary_data"]["related_ids"]["order_id"], made.id());
    world.post(&capture, json!({})).await.error(422, "ORDER_ALREADY_CAPTURED");
    assert_eq!(
        world.paypal.approve(made.id(), "good").unwrap_err().code.as_deref(),
        Some("ORDER_ALREADY_CAPTURED")
    );
    let kinds = world.kinds();
    assert_eq!(kinds[1..], ["CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED"]);
    let approved = &world.paypal.events()[1];
    assert_eq!(approved["resource"]["purchase_units"][0]["custom_id"], "booking-1");
    assert_eq!(approved["resource_type"], "checkout-order");
}

#[tokio::test]
async fn amounts_have_the_digits_of_their_currency() {
    let world = World::new().await;
    let seller = world.seller("expert-1").await;
    let with = |currency: &str, value: &str, fee: &str| {
        let mut body = order("CAPTURE", &seller);
        let money = |value: &str| json!({ "currency_code": currency, "value": value });
        body["purchase_units"][0]["amount"] = money(value);
        body["purchase_units"][0]["payment_instruction"]["platform_fees"][0]["amount"] = money(fee);
        body
    };
    for (currency, value, fee, status, issue) in [
        ("EUR", "10.005", "1", 422, "DECIMAL_PRECISION"),
        ("JPY", "1000.00", "1", 422, "DECIMALS_NOT_SUPPORTED"),
        ("HUF", "1000.5", "1", 422, "DECIMALS_NOT_SUPPORTED"),
        ("EUR", "0.00", "0", 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ("EUR", "-1.00", "0", 422, "CANNOT_BE_ZERO_OR_NEGATIVE"),
        ("EUR", "1,00", "0", 400, "INVALID_PARAMETER_SYNTAX"),
        ("EUR", "99999999999999.00", "0", 422, "MAX_VALUE_EXCEEDED"),
        ("KWD", "1.00", "0", 422, "INVALID_CURRENCY_CODE"),
        ("eur", "1.00", "0", 422, "INVALID_CURRENCY_CODE"),
        ("EURO", "1.00", "0", 400, "INVALID_STRING_LENGTH"),
        ("EUR", "1.00", "1.01", 422, "INVALID_PLATFORM_FEES_AMOUNT"),
        ("EUR", "1.00", "-0.01", 422, "CANNOT_BE_NEGATIVE"),
    ] {
        world.post(PATH, with(currency, value, fee)).await.error(status, issue);
    }
    let yen = world.post(PATH, with("JPY", "1000", "100")).await.is(201);
    assert_eq!(yen.text("/purchase_units/0/amount/value"), "1000");
    let euros = world.post(PATH, with("EUR", "7.5", "0")).await.is(201);
    assert_eq!(euros.text("/purchase_units/0/amount/value"), "7.50");
}

#[tokio::test]
async fn wrong_requests_name_the_field() {
    let world = World::new().await;
    let seller = world.seller("expert-1").await;
    let change = |path: &str, value: Value| {
        let mut body = order("CAPTURE", &seller);
        match path.rsplit_once('/') {
            Some((parent, name)) => body.pointer_mut(parent).unwrap()[name] = value,
            None => panic!("{path}"),
        }
        body
    };
    let unit = "/purchase_units/0";
    for (field, value, status, issue) in [
        ("/intent".to_owned(), json!("GIVE"), 400, "INVALID_PARAMETER_VALUE"),
        ("/bogus".to_owned(), json!(1), 400, "NOT_SUPPORTED"),
        ("/purchase_units".to_owned(), json!([]), 400, "NOT_SUPPORTED"),
        (format!("{unit}/items"), json!([]), 400, "NOT_SUPPORTED"),
        (format!("{unit}/amount/value"), json!(100), 400, "INVALID_PARAMETER_SYNTAX"),
        (format!("{unit}/custom_id"), json!("x".repeat(128)), 400, "INVALID_STRING_LENGTH"),
        (format!("{unit}/custom_id"), json!(""), 400, "INVALID_STRING_LENGTH"),
        (format!("{unit}/soft_descriptor"), json!("TALK"), 400, "NOT_SUPPORTED"),
        (
            format!("{unit}/payment_instruction/disbursement_mode"),
            json!("LATER"),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
    ] {
        let answer = world.post(PATH, change(&field, value)).await.error(status, issue);
        assert_eq!(answer.text("/details/0/field"), field);
    }
    let mut missing = order("CAPTURE", &seller);
    missing["purchase_units"][0].as_object_mut().unwrap().remove("amount");
    let answer = world.post(PATH, missing).await.error(400, "MISSING_REQUIRED_PARAMETER");
    assert_eq!(answer.text("/details/0/field"), "/purchase_units/0/amount");
    let mut script = order_with_source("CAPTURE", &seller);
    script["payment_source"]["paypal"]["experience_context"]["return_url"] = json!("javascript:alert(1)");
    let key = [("paypal-request-id", "script")];
    world.call(PATH, script, &key).await.error(400, "INVALID_PARAMETER_SYNTAX");
    let fees = json!([{ "amount": eur("1") }, { "amount": eur("1") }]);
    let field = format!("{unit}/payment_instruction/platform_fees");
    world.post(PATH, change(&field, fees)).await.error(400, "INVALID_PARAMETER_VALUE");
    let fees = json!([{ "amount": eur("1"), "payee": { "merchant_id": seller } }]);
    world.post(PATH, change(&field, fees)).await.error(422, "INVALID_PLATFORM_FEES_ACCOUNT");
    let fees = json!([{ "amount": { "currency_code": "USD", "value": "1" } }]);
    world.post(PATH, change(&field, fees)).await.error(422, "MULTI_CURRENCY_ORDER");
}

#[tokio::test]
async fn only_a_seller_who_can_and_will_be_paid_is_paid() {
    let world = World::new().await;
    world.post(PATH, order("CAPTURE", "SELLER2222222")).await.error(422, "PAYEE_ACCOUNT_INVALID");
    let seller = world.seller("expert-1").await;
    for outcome in [Onboarding::EmailUnconfirmed, Onboarding::NotReceivable] {
        world.paypal.onboard("expert-1", outcome).unwrap();
        world.post(PATH, order("CAPTURE", &seller)).await.error(422, "PAYEE_ACCOUNT_RESTRICTED");
    }
    world.paypal.onboard("expert-1", Onboarding::Complete).unwrap();
    let made = world.post(PATH, order("CAPTURE", &seller)).await.is(201);
    world.paypal.approve(made.id(), "good").unwrap();
    world.paypal.revoke(&seller).unwrap();
    world.post(PATH, order("CAPTURE", &seller)).await.error(403, "PERMISSION_DENIED");
    let path = format!("{PATH}/{}/capture", made.id());
    world.post(&path, json!({})).await.error(403, "PERMISSION_DENIED");
    assert_eq!(world.balance("payers"), 0);
}

#[tokio::test]
async fn a_declined_payer_may_choose_again() {
    let world = World::new().await;
    let (order, _) = world.approved("CAPTURE", "declined").await;
    let path = format!("{PATH}/{order}/capture");
    let declined = world.post(&path, json!({})).await.error(422, "INSTRUMENT_DECLINED");
    assert!(declined.link("redirect").ends_with(&order));
    world.post(&path, json!({})).await.error(422, "ORDER_NOT_APPROVED");
    world.paypal.approve(&order, "restricted").unwrap();
    world.post(&path, json!({})).await.error(422, "PAYER_ACCOUNT_RESTRICTED");
    let (order, _) = world.approved("AUTHORIZE", "declined").await;
    let path = format!("{PATH}/{order}/authorize");
    world.post(&path, json!({})).await.error(422, "INSTRUMENT_DECLINED");
    world.paypal.approve(&order, "good").unwrap();
    world.post(&path, json!({})).await.is(201);
    world.post(&path, json!({})).await.error(422, "ORDER_ALREADY_AUTHORIZED");
    assert_eq!(world.paypal.approve(&order, "nobody").unwrap_err().status, 400);
}

#[tokio::test]
async fn an_order_nobody_completes_is_gone_after_six_hours() {
    let world = World::new().await;
    let (order, _) = world.approved("CAPTURE", "good").await;
    world.clock.advance(6 * 3600 - 1);
    world.get(&format!("{PATH}/{order}")).await.is(200);
    world.clock.advance(1);
    world.get(&format!("{PATH}/{order}")).await.error(404, "INVALID_RESOURCE_ID");
    world.post(&format!("{PATH}/{order}/capture"), json!({})).await.error(404, "INVALID_RESOURCE_ID");
    assert_eq!(world.paypal.approve(&order, "good").unwrap_err().status, 404);
    let (capture, _) = world.captured("good").await;
    let order = world.get(&format!("/v2/payments/captures/{capture}")).await.is(200);
    let order = order.text("/supplementary_data/related_ids/order_id").to_owned();
    world.clock.advance(7 * 3600);
    let mut world = world;
    world.sign_in().await;
    assert_eq!(world.get(&format!("{PATH}/{order}")).await.is(200).text("/status"), "COMPLETED");
}

#[tokio::test]
async fn an_invoice_is_paid_once() {
    let world = World::new().await;
    let seller = world.seller("expert-1").await;
    let mut body = order("CAPTURE", &seller);
    body["purchase_units"][0]["invoice_id"] = json!("2026-001");
    let mut orders = Vec::new();
    for _ in 0..2 {
        let made = world.post(PATH, body.clone()).await.is(201);
        world.paypal.approve(made.id(), "good").unwrap();
        orders.push(format!("{PATH}/{}/capture", made.id()));
    }
    world.post(&orders[0], json!({})).await.is(201);
    world.post(&orders[1], json!({})).await.error(422, "DUPLICATE_INVOICE_ID");
}

#[tokio::test]
async fn an_echeck_clears_or_bounces_in_its_time() {
    let world = World::new().await;
    let (capture, seller) = world.captured("echeck").await;
    let path = format!("/v2/payments/captures/{capture}");
    let pending = world.get(&path).await.is(200);
    assert_eq!((pending.text("/status"), pending.text("/status_details/reason")), ("PENDING", "ECHECK"));
    assert!(pending.body.get("seller_receivable_breakdown").is_none());
    let refund = format!("{path}/refund");
    world.post_for(&seller, &refund, json!({})).await.error(422, "PENDING_CAPTURE");
    assert_eq!(world.balance("payers"), 0);
    let mut world = world;
    world.clock.advance(simulators::paypal::ECHECK_CLEARS_AFTER);
    world.sign_in().await;
    assert_eq!(world.get(&path).await.text("/status"), "COMPLETED");
    assert_eq!(world.balance("payers"), -10_000);
    assert_eq!(world.kinds()[2..], ["PAYMENT.CAPTURE.PENDING", "PAYMENT.CAPTURE.COMPLETED"]);

    // An order that must be paid at once cannot be paid by eCheck.
    let seller_of_another = world.seller("expert-3").await;
    let mut body = order_with_source("CAPTURE", &seller_of_another);
    let context = &mut body["payment_source"]["paypal"]["experience_context"];
    context["payment_method_preference"] = json!("IMMEDIATE_PAYMENT_REQUIRED");
    let key = |key| [("paypal-request-id", key)];
    let immediate = world.call(PATH, body.clone(), &key("immediate")).await;
    assert!(world.paypal.approve(immediate.id(), "echeck").is_err());
    assert!(world.paypal.approve(immediate.id(), "reviewed").is_ok());
    body["payment_source"]["paypal"]["experience_context"]["payment_method_preference"] = json!("LATER");
    world.call(PATH, body, &key("later")).await.error(400, "INVALID_PARAMETER_VALUE");

    let (capture, seller) = world.captured("bouncing").await;
    world.clock.advance(simulators::paypal::ECHECK_CLEARS_AFTER);
    world.paypal.deliver_due_webhooks().await;
    assert_eq!(world.kinds().last().unwrap(), "PAYMENT.CAPTURE.DENIED");
    assert_eq!(world.paypal.object(&capture).unwrap()["status"], "DECLINED");
    world.sign_in().await;
    let refund = format!("/v2/payments/captures/{capture}/refund");
    world.post_for(&seller, &refund, json!({})).await.error(422, "REFUND_NOT_ALLOWED");
    assert_eq!((world.balance("payers"), world.sum()), (-10_000, 0));
}
