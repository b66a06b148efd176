//! Amounts as Stripe counts them.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use reqwest::Method;
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

#[tokio::test]
async fn an_application_fee_goes_back_in_amounts_of_its_currency() {
    let world = World::new().await;
    let expert = world.expert().await;
    let form = format!(
        "amount=100000&currency=isk&application_fee_amount=1000&transfer_data[destination]={expert}\
         &confirm=true&payment_method=pm_card_visa&expand[]=latest_charge"
    );
    let paid = world.post("/v1/payment_intents", &form).await.ok();
    let path = format!("/v1/application_fees/{}/refunds", paid.text("/latest_charge/application_fee"));
    world.post(&path, "amount=50").await.error(400, "invalid_charge_amount");
    assert_eq!(world.post(&path, "amount=300").await.ok().number("/amount"), 300);
    assert_eq!(world.post(&path, "").await.ok().number("/amount"), 700);
}

/// A payment in steps of its currency, and how it is given back.
#[derive(Debug, Clone)]
struct Payment {
    currency: &'static str,
    step: i64,
    captured: i64,
    fee: i64,
    /// Hundredths of what is left; the last refund is of the rest.
    parts: Vec<i64>,
    /// The client gets the money back, or only the platform from the expert.
    to_client: bool,
}

fn payment() -> impl Strategy<Value = Payment> {
    let steps = [
        ("eur", 1),
        ("jpy", 1),
        ("isk", 100),
        ("ugx", 100),
        ("bhd", 10),
        ("jod", 10),
        ("kwd", 10),
        ("omr", 10),
        ("tnd", 10),
    ];
    let parts = proptest::collection::vec(1..100_i64, 0..5);
    (proptest::sample::select(steps.to_vec()), 50..2_000_i64, 0..=100_i64, parts, any::<bool>()).prop_map(
        |((currency, step), captured, fee, parts, to_client)| {
            let fee = captured * fee / 100;
            Payment { currency, step, captured: captured * step, fee: fee * step, parts, to_client }
        },
    )
}

/// Checks that every line of somebody's books is in amounts of the currency, and answers what they have.
async fn whole(world: &World, account: Option<&str>, step: i64) -> Result<i64, TestCaseError> {
    let path = "/v1/balance_transactions?limit=100";
    let lines = match account {
        Some(account) => world.on(account, Method::GET, path, "").await.ok(),
        None => world.get(path).await.ok(),
    };
    let mut sum = 0;
    for line in lines.body["data"].as_array().unwrap() {
        for name in ["amount", "fee", "net"] {
            prop_assert_eq!(line[name].as_i64().unwrap() % step, 0, "{}", line);
        }
        sum += line["net"].as_i64().unwrap();
    }
    Ok(sum)
}

async fn pay_and_give_back(payment: Payment) -> Result<(), TestCaseError> {
    let Payment { currency, step, captured, fee, parts, to_client } = payment;
    let world = World::new().await;
    let expert = world.expert().await;
    let form = format!(
        "amount={}&currency={currency}&application_fee_amount={fee}&transfer_data[destination]={expert}\
         &capture_method=manual&confirm=true&payment_method=pm_card_visa",
        captured * 2
    );
    let held = world.post("/v1/payment_intents", &form).await.ok();
    let path = format!("/v1/payment_intents/{}/capture", held.id());
    let form = format!("amount_to_capture={captured}&expand[]=latest_charge");
    let taken = world.post(&path, &form).await.ok();
    prop_assert_eq!(whole(&world, Some(&expert), step).await?, captured - fee);
    let with_fee = format!("refund_application_fee={}", fee > 0);
    let mut left = captured;
    for part in parts.into_iter().chain([100]) {
        let amount = if part == 100 { left } else { left * part / 100 / step * step };
        if amount == 0 {
            continue;
        }
        left -= amount;
        let (path, form) = match to_client {
            true => {
                let form = format!("payment_intent={}&reverse_transfer=true", held.id());
                ("/v1/refunds".to_owned(), form)
            }
            false => {
                let transfer = taken.text("/latest_charge/transfer");
                (format!("/v1/transfers/{transfer}/reversals"), String::new())
            }
        };
        let form = format!("amount={amount}&{with_fee}&{form}");
        world.post(&path, form.trim_end_matches('&')).await.ok();
        prop_assert!(whole(&world, Some(&expert), step).await? >= 0, "no more comes back than went there");
    }
    prop_assert_eq!(whole(&world, Some(&expert), step).await?, 0, "everything came back");
    let balances = world.stripe.balances();
    let balance = |owner: &str| balances.iter().find(|b| b.owner == owner).map_or(0, |b| b.amount);
    prop_assert_eq!(balance("clients"), if to_client { 0 } else { -captured });
    let paid = if to_client { 0 } else { captured };
    prop_assert_eq!(whole(&world, None, step).await?, paid - balance("stripe"));
    prop_assert_eq!(total(&world.stripe, currency), 0);
    if fee > 0 {
        let path = format!("/v1/application_fees/{}", taken.text("/latest_charge/application_fee"));
        prop_assert_eq!(world.get(&path).await.ok().number("/amount_refunded"), fee);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shares_are_amounts_of_the_currency_and_leave_nothing_over(payment in payment()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(pay_and_give_back(payment))?;
    }
}
