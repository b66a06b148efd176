//! Disputes at PayPal: the amount is held until PayPal decides for the client or the expert.

use domain::payments::ledger::MovementKind;
use serde_json::json;
use simulators::paypal::{DisputeOutcome, DisputeReason, Faults};

use super::{BACK, PAID, PRICE, PayPalTest, Pending, SOON};
use crate::harness::paid_hour;

async fn dispute(paypal: &PayPalTest, appointment: &str, amount: Option<i64>) -> String {
    let capture = paypal.capture_of(appointment).await;
    let dispute = paypal.simulator().dispute(&capture, DisputeReason::NotReceived, amount).expect("possible");
    paypal.test.stack.run_until_idle().await;
    dispute["dispute_id"].as_str().expect("an id").to_owned()
}

async fn resolve(paypal: &PayPalTest, dispute: &str, outcome: DisputeOutcome) {
    paypal.simulator().resolve_dispute(dispute, outcome).expect("it is open");
    paypal.test.stack.run_until_idle().await;
}

#[tokio::test]
async fn disputed_amount_stays_with_the_expert_until_the_decision() {
    for (amount, outcome, event, cents) in [
        (None, DisputeOutcome::SellerFavour, "payment.dispute_won", PAID),
        (None, DisputeOutcome::BuyerFavour, "payment.dispute_lost", [0, 800, -800 - PRICE, PRICE]),
        (Some(3_000), DisputeOutcome::SellerFavour, "payment.dispute_won", PAID),
        // The platform cancels the appointment, and refunds the rest.
        (Some(3_000), DisputeOutcome::BuyerFavour, "payment.dispute_lost", BACK),
    ] {
        let paypal = PayPalTest::new(&paid_hour()).await;
        let appointment = paypal.book_and_pay(SOON).await;
        let dispute = dispute(&paypal, &appointment, amount).await;
        assert_eq!(
            (paypal.state(&appointment).await, paypal.published("payment.disputed")),
            (json!("disputed"), 1)
        );
        let disputed = amount.map_or(8_000, i128::from);
        let open = paypal.cents_with(Pending { disputed, ..Pending::default() }).await;
        assert_eq!(open, [disputed - 8_000, 800, 7_200 - PRICE - disputed, PRICE]);
        resolve(&paypal, &dispute, outcome).await;
        assert_eq!(paypal.published(event), 1, "{event}");
        assert_eq!(paypal.cents().await, cents, "{event}");
        paypal.days(5).await;
        assert_eq!(paypal.cents().await, cents, "{event}");
        // PayPal records the decision as a refund, which the platform has not requested.
        let refunds = i128::from(cents == BACK);
        let kinds = paypal.kinds().await;
        assert_eq!(
            kinds.iter().filter(|kind| **kind == MovementKind::Refund).count() as i128,
            refunds,
            "{event}"
        );
        let state = if outcome == DisputeOutcome::SellerFavour { "paid" } else { "disputed" };
        assert_eq!(paypal.state(&appointment).await, state);
        assert!(paypal.test.stack.queues.dead_letters().is_empty());
    }
}

#[tokio::test]
async fn dispute_with_a_lost_webhook_is_found_within_a_month() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let appointment = paypal.book_and_pay(SOON).await;
    paypal.days(3).await;
    assert_eq!(paypal.test.appointment(&appointment).await["status"], "completed");
    paypal.set(Faults { drop_webhooks: true, ..Faults::default() });
    dispute(&paypal, &appointment, None).await;
    assert_eq!(paypal.state(&appointment).await, "paid");
    paypal.days(31).await;
    assert_eq!(
        (paypal.state(&appointment).await, paypal.published("payment.disputed")),
        (json!("disputed"), 1)
    );
}

#[tokio::test]
async fn cancelling_a_disputed_payment_refunds_nothing_twice() {
    for (amount, outcome, refunded, cents) in [
        (None, DisputeOutcome::SellerFavour, 8_000, BACK),
        (None, DisputeOutcome::BuyerFavour, 0, [0, 800, -800 - PRICE, PRICE]),
        (Some(3_000), DisputeOutcome::SellerFavour, 8_000, BACK),
        (Some(3_000), DisputeOutcome::BuyerFavour, 5_000, BACK),
    ] {
        let paypal = PayPalTest::new(&paid_hour()).await;
        let appointment = paypal.book_and_pay(SOON).await;
        let dispute = dispute(&paypal, &appointment, amount).await;
        paypal.post_action("ada", &appointment, "cancel").await;
        paypal.days(1).await;
        assert_eq!(paypal.payment(&appointment).await["refunded"]["amount"], 0, "PayPal has it");
        resolve(&paypal, &dispute, outcome).await;
        paypal.days(2).await;
        assert_eq!(
            paypal.payment(&appointment).await["refunded"]["amount"],
            refunded,
            "{outcome:?} {amount:?}"
        );
        assert_eq!(paypal.cents().await, cents, "{outcome:?} {amount:?}");
    }
}

#[tokio::test]
async fn dispute_after_a_partial_refund_covers_the_rest() {
    let paypal = PayPalTest::new(&paid_hour()).await;
    let appointment = paypal.book_and_pay(SOON).await;
    let back = json!({ "amount": { "amount": 2_000, "currency": "EUR" } });
    let path = format!("/v1/appointments/{appointment}/refunds");
    paypal.test.post(&path).signed_in_as("ada").idempotency_key("r").json(&back).send().await.expect(201);
    paypal.test.stack.run_until_idle().await;
    let dispute = dispute(&paypal, &appointment, None).await;
    assert_eq!(paypal.cents_with(Pending { disputed: 6_000, ..Pending::default() }).await[0], 0);
    resolve(&paypal, &dispute, DisputeOutcome::BuyerFavour).await;
    paypal.days(2).await;
    assert_eq!(paypal.cents().await, [0, 600, -600 - PRICE, PRICE]);
    assert_eq!(paypal.payment(&appointment).await["refunded"]["amount"], 2_000);
}
