//! Amounts as Stripe counts them.

use simulators::stripe::{Onboarding, StripeSimulator};

use crate::harness::World;

#[tokio::test]
async fn amounts_follow_their_currency() {
    let world = World::new().await;
    for (amount, currency, code) in [
        (500, "jpy", None),
        (49, "jpy", Some("amount_too_small")),
        (5_120, "kwd", None),
        (5_124, "kwd", Some("invalid_charge_amount")),
        (100_000, "isk", None),
        (100_050, "isk", Some("invalid_charge_amount")),
        (200_000, "ugx", None),
        (200_001, "ugx", Some("invalid_charge_amount")),
        (29, "gbp", Some("amount_too_small")),
        (30, "gbp", None),
        (99_999_999, "usd", None),
        (100_000_000, "usd", Some("amount_too_large")),
        (1, "kes", None),
        (0, "kes", Some("amount_too_small")),
    ] {
        let form = format!("amount={amount}&currency={currency}");
        let answer = world.post("/v1/payment_intents", &form).await;
        match code {
            None => assert_eq!(answer.ok().number("/amount"), amount),
            Some(code) => assert_eq!(answer.error(400, code).text("/error/param"), "amount"),
        }
    }
}

fn total(stripe: &StripeSimulator, currency: &str) -> i64 {
    stripe.balances().iter().filter(|b| b.currency == currency).map(|b| b.amount).sum()
}

#[tokio::test]
async fn fees_captures_and_refunds_have_the_currencys_digits_too() {
    let world = World::new().await;
    let account = world.post("/v1/accounts", "type=express&country=DE").await.ok().id().to_owned();
    world.stripe.onboard(&account, Onboarding::Complete).unwrap();
    let base = format!("amount=5130&currency=kwd&transfer_data[destination]={account}&capture_method=manual");
    let refused = world.post("/v1/payment_intents", &format!("{base}&application_fee_amount=513")).await;
    assert_eq!(refused.error(400, "invalid_charge_amount").text("/error/param"), "application_fee_amount");
    let intent = world.post("/v1/payment_intents", &format!("{base}&application_fee_amount=510")).await.ok();
    world.stripe.pay(intent.id(), "4242424242424242").unwrap();
    let path = format!("/v1/payment_intents/{}/capture", intent.id());
    world.post(&path, "amount_to_capture=5005").await.error(400, "invalid_charge_amount");
    world.post(&path, "amount_to_capture=5000").await.ok();
    let form = format!("payment_intent={}", intent.id());
    world.post("/v1/refunds", &format!("{form}&amount=7")).await.error(400, "invalid_charge_amount");
    let form = format!("{form}&reverse_transfer=true&refund_application_fee=true");
    world.post("/v1/refunds", &format!("{form}&amount=3330")).await.ok();
    world.post("/v1/refunds", &form).await.ok();
    let balances = world.stripe.balances();
    assert_eq!(balances.iter().find(|b| b.owner == account).unwrap().amount, 0);
    assert_eq!(total(&world.stripe, "kwd"), 0);
}
