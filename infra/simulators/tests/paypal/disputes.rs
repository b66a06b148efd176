//! Disputes.

use serde_json::json;
use simulators::paypal::{DisputeOutcome, DisputeReason};

use crate::harness::{World, eur, read};

#[tokio::test]
async fn a_dispute_takes_the_money_from_the_seller_until_it_is_resolved() {
    for (outcome, code, seller_gets, payer_gets) in [
        (DisputeOutcome::BuyerFavour, "RESOLVED_BUYER_FAVOUR", 8_666 - 10_000, 0),
        (DisputeOutcome::SellerFavour, "RESOLVED_SELLER_FAVOUR", 8_666, -10_000),
    ] {
        let world = World::new().await;
        let (capture, seller) = world.captured("good").await;
        let dispute = world.paypal.dispute(&capture, DisputeReason::NotReceived, None).unwrap();
        let id = dispute["dispute_id"].as_str().unwrap();
        assert_eq!((world.balance(&seller), world.balance("paypal")), (8_666 - 10_000, 334 + 10_000));
        let listed =
            world.get(&format!("/v1/customer/disputes?disputed_transaction_id={capture}")).await.is(200);
        assert_eq!(listed.text("/items/0/dispute_id"), id);
        let none = world.get("/v1/customer/disputes?disputed_transaction_id=X").await.is(200);
        assert_eq!(none.body["items"], json!([]));
        world.get("/v1/customer/disputes?page=2").await.error(400, "NOT_SUPPORTED");
        let open = world.get(&format!("/v1/customer/disputes/{id}")).await.is(200);
        assert_eq!(open.body["dispute_amount"], eur("100.00"));
        assert_eq!(open.text("/status"), "UNDER_REVIEW");
        assert_eq!(open.text("/disputed_transactions/0/seller_transaction_id"), capture);
        assert_eq!(open.text("/disputed_transactions/0/custom"), "booking-1");
        let refund = format!("/v2/payments/captures/{capture}/refund");
        world.post_for(&seller, &refund, json!({})).await.error(422, "TRANSACTION_DISPUTED");
        assert!(world.paypal.dispute(&capture, DisputeReason::NotReceived, None).is_err());

        world.paypal.resolve_dispute(id, outcome).unwrap();
        let closed = world.get(&format!("/v1/customer/disputes/{id}")).await.is(200);
        assert_eq!(
            (closed.text("/status"), closed.text("/dispute_outcome/outcome_code")),
            ("RESOLVED", code)
        );
        assert!(world.paypal.resolve_dispute(id, outcome).is_err());
        assert_eq!((world.balance(&seller), world.balance("payers")), (seller_gets, payer_gets));
        assert_eq!((world.balance("paypal"), world.sum()), (334, 0));
        let kinds = world.kinds();
        let read = world.get(&format!("/v2/payments/captures/{capture}")).await.is(200);
        if outcome == DisputeOutcome::BuyerFavour {
            let last = ["CUSTOMER.DISPUTE.CREATED", "PAYMENT.CAPTURE.REVERSED", "CUSTOMER.DISPUTE.RESOLVED"];
            assert_eq!(kinds[kinds.len() - 3..], last);
            assert_eq!(read.text("/status"), "REFUNDED");
            world.post_for(&seller, &refund, json!({})).await.error(422, "CAPTURE_FULLY_REFUNDED");
        } else {
            assert_eq!(kinds[kinds.len() - 2..], ["CUSTOMER.DISPUTE.CREATED", "CUSTOMER.DISPUTE.RESOLVED"]);
            assert_eq!(read.text("/status"), "COMPLETED");
            world.post_for(&seller, &refund, json!({})).await.is(201);
        }
    }
}

#[tokio::test]
async fn people_can_dispute_over_http() {
    let world = World::new().await;
    let (capture, _) = world.captured("good").await;
    let ask = |path: String, body: serde_json::Value| {
        let request = world.http.post(world.url(&path)).body(body.to_string());
        async { read(request.send().await.unwrap()).await }
    };
    let reason = "MERCHANDISE_OR_SERVICE_NOT_RECEIVED";
    let path = format!("/_simulator/dispute/{capture}");
    let too_much = ask(path.clone(), json!({ "reason": reason, "amount": 10_001 })).await.is(422);
    assert_eq!(too_much.text("/error/code"), "INVALID_PARAMETER_VALUE");
    ask(path.clone(), json!({ "reason": "BOREDOM" })).await.is(400);
    ask("/_simulator/dispute/X".to_owned(), json!({ "reason": reason })).await.is(404);
    let dispute = ask(path, json!({ "reason": reason, "amount": 4_000 })).await.is(200);
    assert_eq!(dispute.body["dispute_amount"], eur("40.00"));
    let path = format!("/_simulator/resolve/{}", dispute.text("/dispute_id"));
    ask(path, json!({ "outcome": "RESOLVED_BUYER_FAVOUR" })).await.is(200);
    assert_eq!(world.paypal.object(&capture).unwrap()["status"], "PARTIALLY_REFUNDED");
    assert_eq!((world.balance("payers"), world.sum()), (-6_000, 0));
}
