//! Refunds.

use serde_json::json;
use simulators::paypal::{ECHECK_CLEARS_AFTER, Faults};

use crate::harness::{DAY, World, eur};

fn contributing(value: &str, fee: &str) -> serde_json::Value {
    json!({ "amount": eur(value), "payment_instruction": { "platform_fees": [{ "amount": eur(fee) }] } })
}

#[tokio::test]
async fn a_refund_comes_from_the_seller_and_the_platforms_fee() {
    let world = World::new().await;
    let (capture, seller) = world.captured("good").await;
    let path = format!("/v2/payments/captures/{capture}");
    let read = world.get(&path).await.is(200);
    let breakdown = &read.body["seller_receivable_breakdown"];
    assert_eq!(breakdown["gross_amount"], eur("100.00"));
    assert_eq!(breakdown["paypal_fee"], eur("3.34"));
    assert_eq!(breakdown["platform_fees"][0]["amount"], eur("10.00"));
    assert_eq!(breakdown["net_amount"], eur("86.66"));
    assert_eq!((world.balance(&seller), world.balance("platform")), (8_666, 1_000));

    let refund = format!("{path}/refund");
    let mut body = contributing("40.00", "4.00");
    body["custom_id"] = json!("refund-1");
    body["note_to_payer"] = json!("Sorry");
    let first = world.post_for(&seller, &refund, body).await.is(201);
    assert_eq!((first.text("/status"), first.text("/custom_id")), ("COMPLETED", "refund-1"));
    let breakdown = &first.body["seller_payable_breakdown"];
    assert_eq!(breakdown["platform_fees"][0]["amount"], eur("4.00"));
    assert_eq!(breakdown["net_amount"], eur("36.00"));
    assert_eq!(first.link("up"), world.url(&path));
    assert_eq!(world.get(&format!("/v2/payments/refunds/{}", first.id())).await.is(200).body, first.body);
    assert_eq!(world.get(&path).await.text("/status"), "PARTIALLY_REFUNDED");
    assert_eq!((world.balance(&seller), world.balance("platform")), (8_666 - 3_600, 600));

    let too_much = world.post_for(&seller, &refund, contributing("60.01", "0")).await;
    too_much.error(422, "REFUND_AMOUNT_EXCEEDED");
    let too_much = world.post_for(&seller, &refund, contributing("60.00", "6.01")).await;
    too_much.error(422, "PLATFORM_FEE_EXCEEDED");
    let dollars = json!({ "amount": { "currency_code": "USD", "value": "1" } });
    world.post_for(&seller, &refund, dollars).await.error(422, "REFUND_CAPTURE_CURRENCY_MISMATCH");
    let rest = world.post_for(&seller, &refund, json!({})).await.is(201);
    assert_eq!(rest.body["seller_payable_breakdown"]["total_refunded_amount"], eur("100.00"));
    assert_eq!(rest.text("/amount/value"), "60.00");
    assert_eq!(world.get(&path).await.text("/status"), "REFUNDED");
    world.post_for(&seller, &refund, json!({})).await.error(422, "CAPTURE_FULLY_REFUNDED");
    assert_eq!((world.balance("payers"), world.balance("paypal"), world.sum()), (0, 334, 0));
    assert_eq!(world.balance("platform"), 600, "it is asked for nothing that it does not add");
    let events = world.paypal.events();
    let last = events.last().unwrap();
    assert_eq!(
        (&last["event_type"], &last["resource"]["id"]),
        (&json!("PAYMENT.CAPTURE.REFUNDED"), &json!(rest.id()))
    );
}

#[tokio::test]
async fn pending_refunds_complete_or_fail_by_payer_and_by_switch() {
    for (payer, faults, fails) in [
        ("slow_refund", Faults::default(), false),
        ("failing_refund", Faults::default(), true),
        ("good", Faults { pend_refunds: true, ..Faults::default() }, false),
        ("good", Faults { fail_refunds: true, ..Faults::default() }, true),
    ] {
        let mut world = World::new().await;
        world.paypal.set_faults(faults);
        let (capture, seller) = world.captured(payer).await;
        let path = format!("/v2/payments/captures/{capture}");
        let refund = format!("{path}/refund");
        let pending = world.post_for(&seller, &refund, contributing("60.00", "6.00")).await.is(201);
        assert_eq!((pending.text("/status"), pending.text("/status_details/reason")), ("PENDING", "ECHECK"));
        assert_eq!(world.get(&path).await.text("/status"), "COMPLETED");
        assert_eq!(world.balance("payers"), -10_000);
        let more = world.post_for(&seller, &refund, contributing("40.01", "0")).await;
        more.error(422, "REFUND_AMOUNT_EXCEEDED");
        world.clock.advance(ECHECK_CLEARS_AFTER);
        world.sign_in().await;
        let settled = world.get(&format!("/v2/payments/refunds/{}", pending.id())).await.is(200);
        let kinds = world.kinds();
        if fails {
            assert_eq!(settled.text("/status"), "FAILED");
            assert_eq!(world.get(&path).await.text("/status"), "COMPLETED");
            assert_eq!((world.balance("payers"), world.balance("platform")), (-10_000, 1_000));
            assert_eq!(kinds[kinds.len() - 2..], ["PAYMENT.REFUND.PENDING", "PAYMENT.REFUND.FAILED"]);
            let retried = world.post_for(&seller, &refund, contributing("100.00", "10.00")).await.is(201);
            assert_eq!(retried.text("/status"), "PENDING", "what failed is there to be refunded again");
        } else {
            assert_eq!(settled.text("/status"), "COMPLETED");
            assert_eq!(world.get(&path).await.text("/status"), "PARTIALLY_REFUNDED");
            assert_eq!((world.balance("payers"), world.balance("platform")), (-4_000, 400));
            assert_eq!(kinds[kinds.len() - 2..], ["PAYMENT.REFUND.PENDING", "PAYMENT.CAPTURE.REFUNDED"]);
        }
        assert_eq!(world.sum(), 0);
    }
}

#[tokio::test]
async fn a_refund_has_180_days_and_an_invoice_of_its_own() {
    let mut world = World::new().await;
    let (capture, seller) = world.captured("good").await;
    let path = format!("/v2/payments/captures/{capture}/refund");
    let body = json!({ "amount": eur("1.00"), "invoice_id": "R-1" });
    world.post_for(&seller, &path, body.clone()).await.is(201);
    world.post_for(&seller, &path, body).await.error(422, "DUPLICATE_INVOICE_ID");
    world.clock.advance(180 * DAY);
    world.sign_in().await;
    world.post_for(&seller, &path, json!({})).await.error(422, "REFUND_TIME_LIMIT_EXCEEDED");
}
