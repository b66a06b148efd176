//! What goes back, by policy, in parts, late, and in vain.

use domain::payments::ledger::{Account, MovementKind};
use serde_json::json;
use simulators::paypal::Faults;

use super::{BACK, FRIDAY, Market, PAID, PRICE, SOON, UnderWay, tiered};
use crate::harness::paid_hour;

#[tokio::test]
async fn half_goes_back_by_the_policy_with_half_of_the_fee() {
    let market = Market::new(&tiered(paid_hour())).await;
    let appointment = market.paid(FRIDAY).await;
    market.until("2027-01-07T08:00:00Z").await;
    market.act("alan", &appointment, "cancel").await;
    assert_eq!(market.state(&appointment).await, "partly_refunded");
    assert_eq!(market.cents().await, [-4_000, 400, 3_600 - PRICE, PRICE]);
    market.days(3).await;
    assert_eq!(market.cents().await, [-4_000, 400, 3_600 - PRICE, PRICE]);
    assert_eq!(market.events("PAYMENT.CAPTURE.REFUNDED"), 1);
}

#[tokio::test]
async fn all_goes_back_when_the_expert_calls_off() {
    let market = Market::new(&tiered(paid_hour())).await;
    let appointment = market.paid(SOON).await;
    market.act("ada", &appointment, "cancel").await;
    assert_eq!(market.state(&appointment).await, "refunded");
    assert_eq!(market.cents().await, BACK);
    assert_eq!(market.told("payment.refunded"), 1);
    let refund = market
        .movements()
        .await
        .into_iter()
        .find(|one| one.kind == MovementKind::Refund)
        .expect("it is there");
    assert_eq!(refund.idempotency_key, Some(format!("{appointment}:refund:1")));
}

#[tokio::test]
async fn parts_go_back_to_the_cent() {
    let mut terms = paid_hour();
    terms["price"]["amount"] = json!(9_999);
    let market = Market::new(&terms).await;
    let appointment = market.paid(SOON).await;
    for (number, amount) in [3_333, 1, 3_333].into_iter().enumerate() {
        let body = json!({ "amount": { "amount": amount, "currency": "EUR" } });
        let path = format!("/v1/appointments/{appointment}/refunds");
        market
            .world
            .post(&path)
            .person("ada")
            .once(&format!("r{number}"))
            .json(&body)
            .send()
            .await
            .expect(201);
        market.world.stack.settle().await;
        market.cents().await;
    }
    assert_eq!(market.payment(&appointment).await["refunded"]["amount"], 6_667);
    // A tenth of what stays, 33.32, is the platform's; PayPal's price of 99.99 is 3.34.
    assert_eq!(market.cents().await, [-3_332, 333, 3_332 - 333 - 334, 334]);
    market.act("ada", &appointment, "cancel").await;
    assert_eq!(market.cents().await, [0, 0, -334, 334]);
}

#[tokio::test]
async fn what_cannot_be_shown_is_rounded_for_the_client() {
    let mut terms = tiered(paid_hour());
    terms["price"] = json!({ "amount": 2_010_100, "currency": "HUF" });
    let market = Market::new(&terms).await;
    let appointment = market.paid(FRIDAY).await;
    market.until("2027-01-07T08:00:00Z").await;
    market.act("alan", &appointment, "cancel").await;
    // Half of 20101 is 10050.5, of which 10051 go back; the fee is 2010 of the whole, and 1005 of that goes back too.
    assert_eq!(market.payment(&appointment).await["refunded"]["amount"], 1_005_100);
    let [client, platform, ..] = market.held("HUF", 100, UnderWay::default()).await;
    assert_eq!((client, platform), (-1_005_000, 100_500));
    market.days(2).await;
    assert_eq!(market.events("PAYMENT.CAPTURE.REFUNDED"), 1);
    assert!(market.world.stack.queue.inspect().set_aside.is_empty());
}

#[tokio::test]
async fn a_pending_refund_is_given_once() {
    let market = Market::new(&paid_hour()).await;
    let appointment = market.paid_by("slow_refund", SOON).await;
    market.act("ada", &appointment, "cancel").await;
    assert_eq!(market.state(&appointment).await, "refunded");
    let waits = UnderWay { refund: (8_000, 800), ..UnderWay::default() };
    assert_eq!(market.cents_with(waits).await, BACK);
    market.days(4).await;
    assert_eq!(market.state(&appointment).await, "refunded");
    assert_eq!(market.cents().await, BACK);
    assert_eq!(market.events("PAYMENT.REFUND.PENDING"), 1);
}

#[tokio::test]
async fn a_failed_refund_waits_for_a_person() {
    for decision in ["try_again", "resolved_manually"] {
        let market = Market::new(&paid_hour()).await;
        let appointment = market.paid(SOON).await;
        market.set(Faults { fail_refunds: true, ..Faults::default() });
        market.act("ada", &appointment, "cancel").await;
        market.days(4).await;
        assert_eq!(market.state(&appointment).await, "refund_failed");
        assert_eq!(market.told("payment.refund_failed"), 1);
        // Nothing went anywhere, and nobody tries again by themselves.
        assert_eq!(market.cents().await, PAID);
        assert_eq!(market.events("PAYMENT.REFUND.PENDING"), 1);
        market.set(Faults::default());
        market.days(2).await;
        assert_eq!(market.events("PAYMENT.REFUND.PENDING") + market.events("PAYMENT.CAPTURE.REFUNDED"), 1);
        market.world.decide(&appointment, decision).await.expect(200);
        market.world.stack.settle().await;
        assert_eq!(market.state(&appointment).await, "refunded", "{decision}");
        if decision == "try_again" {
            assert_eq!(market.cents().await, BACK);
        } else {
            // Who paid by hand is not for PayPal to know, and the expert's account is out of the platform's reach.
            let movements = market.movements().await;
            let hand = movements.last().expect("it is there");
            assert_eq!((hand.kind, hand.amount.amount()), (MovementKind::ResolvedManually, 8_000));
            assert_eq!((hand.from, hand.to), (Account::Platform, Account::Client));
        }
        market.days(2).await;
        assert_eq!(market.state(&appointment).await, "refunded", "{decision}");
        assert!(market.world.stack.queue.inspect().set_aside.is_empty(), "{decision}");
    }
}
