//! Payments that PayPal holds until the platform has them paid out, or for 28 days.

use serde_json::{Value, json};
use simulators::paypal::{DisputeOutcome, DisputeReason, HOLD_LASTS, Onboarding};

use crate::harness::{Answer, DAY, World, eur, order, referral};

const PAYOUTS: &str = "/v1/payments/referenced-payouts-items";

fn held_order(seller: &str) -> Value {
    let mut order = order("CAPTURE", seller);
    order["purchase_units"][0]["payment_instruction"]["disbursement_mode"] = json!("DELAYED");
    order
}

impl World {
    /// A capture of 100.00 EUR with a fee of 10.00 that is held for a new seller: the capture and the seller.
    async fn held(&self) -> (String, String) {
        let mut referral = referral("expert-1");
        let details =
            "/operations/0/api_integration_preference/rest_api_integration/third_party_details/features";
        *referral.pointer_mut(details).unwrap() =
            json!(["PAYMENT", "REFUND", "PARTNER_FEE", "DELAY_FUNDS_DISBURSEMENT"]);
        self.post("/v2/customer/partner-referrals", referral).await.is(201);
        let seller = self.paypal.onboard("expert-1", Onboarding::Complete).unwrap();
        let seller = seller["merchant_id"].as_str().unwrap().to_owned();
        let order = self.post("/v2/checkout/orders", held_order(&seller)).await.is(201);
        assert_eq!(order.text("/purchase_units/0/payment_instruction/disbursement_mode"), "DELAYED");
        self.paypal.approve(order.id(), "good").unwrap();
        let path = format!("/v2/checkout/orders/{}/capture", order.id());
        let order = self.post(&path, json!({})).await.is(201);
        assert_eq!(order.text("/purchase_units/0/payments/captures/0/disbursement_mode"), "DELAYED");
        (order.text("/purchase_units/0/payments/captures/0/id").to_owned(), seller)
    }

    async fn pay_out(&self, (capture, seller): &(String, String)) -> Answer {
        let body = json!({ "reference_type": "TRANSACTION_ID", "reference_id": capture });
        self.post_for(seller, PAYOUTS, body).await
    }

    /// The balances of PayPal's hold, the platform and the seller.
    fn shares(&self, seller: &str) -> [i64; 3] {
        assert_eq!(self.sum(), 0);
        ["held", "platform", seller].map(|owner| self.balance(owner))
    }
}

#[tokio::test]
async fn held_payment_is_paid_out_once() {
    let world = World::new().await;
    let held = world.held().await;
    assert_eq!(world.shares(&held.1), [10_000, 0, -334]);
    let body = json!({ "reference_type": "TRANSACTION_ID", "reference_id": held.0 });
    // Only for the seller.
    world.post(PAYOUTS, body.clone()).await.error(403, "PERMISSION_DENIED");
    let key = [("prefer", "return=representation"), ("paypal-request-id", "k")];
    let assertion = crate::harness::assertion(crate::harness::CLIENT_ID, &held.1);
    let headers = [key[0], key[1], ("paypal-auth-assertion", assertion.as_str())];
    let first = world.call(PAYOUTS, body.clone(), &headers).await.is(201);
    assert_eq!(first.text("/processing_state/status"), "SUCCESS");
    assert_eq!(first.body["payout_amount"], eur("90.00"));
    assert_eq!(world.shares(&held.1), [0, 1_000, 8_666]);
    // The same id gets the same payout, and another one is refused.
    let again = world.call(PAYOUTS, body, &headers).await.is(200);
    assert_eq!(again.body, first.body);
    let refused = world.pay_out(&held).await;
    assert_eq!((refused.status, refused.text("/name")), (422, "PAYOUT_ALREADY_COMPLETED_FOR_REFERENCE"));
    assert_eq!(world.kinds().last().map(String::as_str), Some("PAYMENT.REFERENCED-PAYOUT-ITEM.COMPLETED"));
    world.clock.advance(HOLD_LASTS);
    assert_eq!(world.shares(&held.1), [0, 1_000, 8_666]);
}

#[tokio::test]
async fn held_payment_is_paid_out_after_28_days() {
    let mut world = World::new().await;
    let (capture, seller) = world.held().await;
    world.clock.advance(HOLD_LASTS - 1);
    world.sign_in().await;
    world.get(&format!("/v2/payments/captures/{capture}")).await.is(200);
    assert_eq!(world.shares(&seller), [10_000, 0, -334]);
    world.clock.advance(1);
    world.get(&format!("/v2/payments/captures/{capture}")).await.is(200);
    assert_eq!(world.shares(&seller), [0, 1_000, 8_666]);
}

#[tokio::test]
async fn refunds_and_disputes_come_from_what_is_held() {
    let mut world = World::new().await;
    let held = world.held().await;
    let (capture, seller) = &held;
    let refund = json!({
        "amount": eur("20.00"),
        "payment_instruction": { "platform_fees": [{ "amount": eur("2.00") }] },
    });
    world.post_for(seller, &format!("/v2/payments/captures/{capture}/refund"), refund).await.is(201);
    assert_eq!(world.shares(seller), [8_000, 0, -334]);
    let dispute = world.paypal.dispute(capture, DisputeReason::NotReceived, Some(3_000)).unwrap();
    assert_eq!(world.shares(seller), [5_000, 0, -334]);
    world.pay_out(&held).await.error(422, "TRANSACTION_UNDER_DISPUTE");
    let id = dispute["dispute_id"].as_str().unwrap();
    world.paypal.resolve_dispute(id, DisputeOutcome::SellerFavour).unwrap();
    world.clock.advance(DAY);
    world.sign_in().await;
    world.pay_out(&held).await.is(201);
    assert_eq!(world.shares(seller), [0, 800, 7_200 - 334]);
}

#[tokio::test]
async fn seller_who_has_not_agreed_to_it_is_not_held() {
    let world = World::new().await;
    let seller = world.seller("expert-1").await;
    let refused = world.post("/v2/checkout/orders", held_order(&seller)).await;
    refused.error(422, "DELAYED_DISBURSEMENT_NOT_SUPPORTED");
    let (capture, seller) = world.captured("good").await;
    let refused = world.pay_out(&(capture, seller)).await;
    assert_eq!(refused.status, 403);
}
