//! Refunds through PayPal: by policy, partial, pending and failed.

use domain::payments::ledger::{Account, MovementKind};
use domain::payments::refund_costs::RefundBudgets;
use serde_json::json;
use simulators::paypal::Faults;

use super::{BACK, FRIDAY, PAID, PRICE, PayPalTest, Pending, SOON, tiered};
use crate::harness::paid_hour;

#[tokio::test]
async fn half_refund_by_policy_returns_half_of_the_fee() {
    let paypal = PayPalTest::new(&tiered(paid_hour())).await;
    let appointment = paypal.book_and_pay(FRIDAY).await;
    paypal.advance_to("2027-01-07T08:00:00Z").await;
    paypal.post_action("alan", &appointment, "cancel").await;
    assert_eq!(paypal.state(&appointment).await, "partially_refunded");
    assert_eq!(paypal.cents().await, [-4_000, 400, 3_600 - PRICE, PRICE]);
    paypal.days(3).await;
    assert_eq!(paypal.cents().await, [-4_000, 400, 3_600 - PRICE, PRICE]);
    assert_eq!(paypal.events("PAYMENT.CAPTURE.REFUNDED"), 1);
}

#[tokio::test]
async fn cancellation_by_the_expert_refunds_everything() {
    let paypal = PayPalTest::new(&tiered(paid_hour())).await;
    let appointment = paypal.book_and_pay(SOON).await;
    paypal.post_action("ada", &appointment, "cancel").await;
    assert_eq!(paypal.state(&appointment).await, "refunded");
    assert_eq!(paypal.cents().await, BACK);
    assert_eq!(paypal.published("payment.refunded"), 1);
    let refund =
        paypal.movements().await.into_iter().find(|one| one.kind == MovementKind::Refund).expect("it exists");
    assert_eq!(refund.idempotency_key, Some(format!("{appointment}:refund:1")));
}

#[tokio::test]
async fn client_pays_for_the_processing_beyond_their_budget_although_the_expert_paid_the_fee() {
    let budgets = RefundBudgets { per_client: 1, per_expert: 1 };
    let paypal = PayPalTest::with(&paid_hour(), |config| config.settings.refund_budgets = budgets).await;
    let first = paypal.book_and_pay(SOON).await;
    paypal.post_action("alan", &first, "cancel").await;
    assert_eq!(paypal.cents().await, [0, 0, -PRICE, PRICE]);
    // A second refund would exceed EUR 3.00.
    let second = paypal.book_and_pay(FRIDAY).await;
    let quote = paypal.test.get(&format!("/v1/appointments/{second}/cancellation")).signed_in_as("alan");
    let quote = quote.send().await.expect(200);
    let cents = |name: &str| quote[name]["amount"].as_i64().expect("an amount");
    assert_eq!([cents("refund"), cents("final_charge"), cents("processing_cost")], [7_726, 274, 274]);
    let expected = json!({ "expected_refund": quote["refund"] });
    paypal.test.post_action("alan", &second, "cancel", &expected).await.expect(200);
    paypal.test.stack.run_until_idle().await;
    // The expert gets it, because PayPal took its fee from them. There is no commission on it.
    assert_eq!(paypal.cents().await, [-274, 0, 274 - 2 * PRICE, 2 * PRICE]);
    let listed = paypal.test.get(&format!("/v1/appointments/{second}/receipts")).signed_in_as("alan");
    let listed = listed.send().await.expect(200)["receipts"].clone();
    let kept = listed.as_array().expect("a list").iter().find(|one| one["kind"] == "processing_cost");
    assert_eq!(kept.expect("it is issued")["total"]["amount"], 274);
    // The cost was none of the platform's, so the budget of the expert's clients is not used.
    let costs = paypal.test.get("/v1/refund-costs?month=2027-01").signed_in_as("margaret").send().await;
    let costs = costs.expect(200)["refund_costs"].clone();
    assert_eq!(costs.as_array().expect("a list").len(), 1, "{costs}");
    assert_eq!(costs[0]["by_clients"]["amount"], 274);
}

#[tokio::test]
async fn partial_refunds_add_up_to_the_cent() {
    let mut terms = paid_hour();
    terms["durations"][0]["price"]["amount"] = json!(9_999);
    let paypal = PayPalTest::new(&terms).await;
    let appointment = paypal.book_and_pay(SOON).await;
    for (number, amount) in [3_333, 1, 3_333].into_iter().enumerate() {
        let body = json!({ "amount": { "amount": amount, "currency": "EUR" } });
        let path = format!("/v1/appointments/{appointment}/refunds");
        paypal
            .test
            .post(&path)
            .signed_in_as("ada")
            .idempotency_key(&format!("r{number}"))
            .json(&body)
            .send()
            .await
            .expect(201);
        paypal.test.stack.run_until_idle().await;
        paypal.cents().await;
    }
    assert_eq!(paypal.payment(&appointment).await["refunded"]["amount"], 6_667);
    // The platform's fee is 10 % of the remaining amount; PayPal's fee for 99.99 is 3.34.
    assert_eq!(paypal.cents().await, [-3_332, 333, 3_332 - 333 - 334, 334]);
    paypal.post_action("ada", &appointment, "cancel").await;
    assert_eq!(paypal.cents().await, [0, 0, -334, 334]);
}

#[tokio::test]
async fn refund_that_paypal_cannot_represent_is_rounded_up_for_the_client() {
    let mut terms = tiered(paid_hour());
    terms["durations"][0]["price"] = json!({ "amount": 2_010_100, "currency": "HUF" });
    let paypal = PayPalTest::new(&terms).await;
    let appointment = paypal.book_and_pay(FRIDAY).await;
    paypal.advance_to("2027-01-07T08:00:00Z").await;
    paypal.post_action("alan", &appointment, "cancel").await;
    // Half of 20101 is 10050.5, so 10051 is refunded. The fee for the whole is 2010, of which 1005 is returned.
    assert_eq!(paypal.payment(&appointment).await["refunded"]["amount"], 1_005_100);
    let [client, platform, ..] = paypal.held("HUF", 100, Pending::default()).await;
    assert_eq!((client, platform), (-1_005_000, 100_500));
    paypal.days(2).await;
    assert_eq!(paypal.events("PAYMENT.CAPTURE.REFUNDED"), 1);
    assert!(paypal.test.stack.queues.dead_letters().is_empty());
}

#[tokio::test]
async fn pending_refund_is_not_repeated() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let appointment = paypal.book_and_approve("slow_refund", SOON).await;
    paypal.post_action("ada", &appointment, "cancel").await;
    assert_eq!(paypal.state(&appointment).await, "refunded");
    let waits = Pending { refund: (8_000, 800), ..Pending::default() };
    assert_eq!(paypal.cents_with(waits).await, BACK);
    paypal.days(4).await;
    assert_eq!(paypal.state(&appointment).await, "refunded");
    assert_eq!(paypal.cents().await, BACK);
    assert_eq!(paypal.events("PAYMENT.REFUND.PENDING"), 1);
}

#[tokio::test]
async fn failed_refund_is_escalated() {
    for decision in ["try_again", "resolved_manually"] {
        let paypal = PayPalTest::new(&paid_hour()).await;
        let appointment = paypal.book_and_pay(SOON).await;
        paypal.set(Faults { fail_refunds: true, ..Faults::default() });
        paypal.post_action("ada", &appointment, "cancel").await;
        paypal.days(4).await;
        assert_eq!(paypal.state(&appointment).await, "refund_failed");
        assert_eq!(paypal.published("payment.refund_failed"), 1);
        // Nothing has moved, and the refund is not retried automatically.
        assert_eq!(paypal.cents().await, PAID);
        assert_eq!(paypal.events("PAYMENT.REFUND.PENDING"), 1);
        paypal.set(Faults::default());
        paypal.days(2).await;
        assert_eq!(paypal.events("PAYMENT.REFUND.PENDING") + paypal.events("PAYMENT.CAPTURE.REFUNDED"), 1);
        paypal.test.resolve(&appointment, decision).await.expect(200);
        paypal.test.stack.run_until_idle().await;
        assert_eq!(paypal.state(&appointment).await, "refunded", "{decision}");
        if decision == "try_again" {
            assert_eq!(paypal.cents().await, BACK);
        } else {
            // PayPal does not know of a manual payment, and the platform cannot debit the expert's account.
            let movements = paypal.movements().await;
            let hand = movements.last().expect("it exists");
            assert_eq!((hand.kind, hand.amount.amount()), (MovementKind::ResolvedManually, 8_000));
            assert_eq!((hand.from, hand.to), (Account::Platform, Account::Client));
        }
        paypal.days(2).await;
        assert_eq!(paypal.state(&appointment).await, "refunded", "{decision}");
        assert!(paypal.test.stack.queues.dead_letters().is_empty(), "{decision}");
    }
}
