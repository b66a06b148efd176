//! Disputes: PayPal takes the money from the expert while it looks, and gives it to one of the two.

use domain::payments::ledger::MovementKind;
use serde_json::json;
use simulators::paypal::{DisputeOutcome, DisputeReason, Faults};

use super::{BACK, Market, PAID, PRICE, SOON, UnderWay};
use crate::harness::paid_hour;

async fn dispute(market: &Market, appointment: &str, amount: Option<i64>) -> String {
    let capture = market.capture_of(appointment).await;
    let dispute = market.paypal().dispute(&capture, DisputeReason::NotReceived, amount).expect("it can be");
    market.world.stack.settle().await;
    dispute["dispute_id"].as_str().expect("an id").to_owned()
}

async fn resolve(market: &Market, dispute: &str, outcome: DisputeOutcome) {
    market.paypal().resolve_dispute(dispute, outcome).expect("it is open");
    market.world.stack.settle().await;
}

#[tokio::test]
async fn what_is_disputed_is_the_experts_until_it_is_decided() {
    for (amount, outcome, told, cents) in [
        (None, DisputeOutcome::SellerFavour, "payment.dispute_won", PAID),
        (None, DisputeOutcome::BuyerFavour, "payment.dispute_lost", [0, 800, -800 - PRICE, PRICE]),
        (Some(3_000), DisputeOutcome::SellerFavour, "payment.dispute_won", PAID),
        (
            Some(3_000),
            DisputeOutcome::BuyerFavour,
            "payment.dispute_lost",
            [-5_000, 800, 4_200 - PRICE, PRICE],
        ),
    ] {
        let market = Market::new(&paid_hour()).await;
        let appointment = market.paid(SOON).await;
        let dispute = dispute(&market, &appointment, amount).await;
        assert_eq!(
            (market.state(&appointment).await, market.told("payment.disputed")),
            (json!("disputed"), 1)
        );
        let disputed = amount.map_or(8_000, i128::from);
        let open = market.cents_with(UnderWay { disputed, ..UnderWay::default() }).await;
        assert_eq!(open, [disputed - 8_000, 800, 7_200 - PRICE - disputed, PRICE]);
        resolve(&market, &dispute, outcome).await;
        assert_eq!(market.told(told), 1, "{told}");
        assert_eq!(market.cents().await, cents, "{told}");
        market.days(5).await;
        assert_eq!(market.cents().await, cents, "{told}");
        // What PayPal writes down as a refund was never one of ours.
        assert!(!market.kinds().await.contains(&MovementKind::Refund), "{told}");
        let state = if outcome == DisputeOutcome::SellerFavour { "paid" } else { "disputed" };
        assert_eq!(market.state(&appointment).await, state);
        assert!(market.world.stack.queue.inspect().set_aside.is_empty());
    }
}

#[tokio::test]
async fn a_dispute_that_no_message_told_of_is_found_within_a_month() {
    let market = Market::new(&paid_hour()).await;
    let appointment = market.paid(SOON).await;
    market.days(3).await;
    assert_eq!(market.world.appointment(&appointment).await["status"], "completed");
    market.set(Faults { drop_webhooks: true, ..Faults::default() });
    dispute(&market, &appointment, None).await;
    assert_eq!(market.state(&appointment).await, "paid");
    market.days(31).await;
    assert_eq!((market.state(&appointment).await, market.told("payment.disputed")), (json!("disputed"), 1));
}

#[tokio::test]
async fn calling_off_what_is_disputed_gives_nothing_twice() {
    for (amount, outcome, refunded, cents) in [
        (None, DisputeOutcome::SellerFavour, 8_000, BACK),
        (None, DisputeOutcome::BuyerFavour, 0, [0, 800, -800 - PRICE, PRICE]),
        (Some(3_000), DisputeOutcome::SellerFavour, 8_000, BACK),
        (Some(3_000), DisputeOutcome::BuyerFavour, 5_000, BACK),
    ] {
        let market = Market::new(&paid_hour()).await;
        let appointment = market.paid(SOON).await;
        let dispute = dispute(&market, &appointment, amount).await;
        market.act("ada", &appointment, "cancel").await;
        market.days(1).await;
        assert_eq!(market.payment(&appointment).await["refunded"]["amount"], 0, "PayPal has it");
        resolve(&market, &dispute, outcome).await;
        market.days(2).await;
        assert_eq!(
            market.payment(&appointment).await["refunded"]["amount"],
            refunded,
            "{outcome:?} {amount:?}"
        );
        assert_eq!(market.cents().await, cents, "{outcome:?} {amount:?}");
    }
}

#[tokio::test]
async fn a_dispute_after_a_part_went_back_is_about_the_rest() {
    let market = Market::new(&paid_hour()).await;
    let appointment = market.paid(SOON).await;
    let back = json!({ "amount": { "amount": 2_000, "currency": "EUR" } });
    let path = format!("/v1/appointments/{appointment}/refunds");
    market.world.post(&path).person("ada").once("r").json(&back).send().await.expect(201);
    market.world.stack.settle().await;
    let dispute = dispute(&market, &appointment, None).await;
    assert_eq!(market.cents_with(UnderWay { disputed: 6_000, ..UnderWay::default() }).await[0], 0);
    resolve(&market, &dispute, DisputeOutcome::BuyerFavour).await;
    market.days(2).await;
    assert_eq!(market.cents().await, [0, 600, -600 - PRICE, PRICE]);
    assert_eq!(market.payment(&appointment).await["refunded"]["amount"], 2_000);
}
