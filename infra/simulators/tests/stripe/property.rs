//! Whatever a marketplace does, no money appears or is lost.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::Value;
use simulators::stripe::{DisputeOutcome, PayoutOutcome};

use crate::harness::World;

/// One thing that somebody does; the numbers choose among what there is, or are hundredths of what is left.
#[derive(Debug, Clone)]
enum Step {
    Pay { card: &'static str, amount: i64, fee: i64, manual: bool },
    Capture { which: usize, part: i64 },
    Refund { which: usize, part: i64, reverse: bool, with_fee: bool },
    Reverse { which: usize, part: i64, with_fee: bool },
    GiveFeeBack { which: usize, part: i64 },
    Dispute { which: usize },
    Close { which: usize, won: bool },
    PayOut { fails: bool },
    Wait { seconds: i64 },
}

const CARDS: &[&str] = &["4242424242424242", "4000000000000259", "4000000000007726", "4000000000005126"];

fn step() -> impl Strategy<Value = Step> {
    let which = 0..6_usize;
    let part = 1..=100_i64;
    prop_oneof![
        3 => (proptest::sample::select(CARDS), 50..20_000_i64, 0..=100_i64, any::<bool>()).prop_map(
            |(card, amount, fee, manual)| Step::Pay { card, amount, fee: amount * fee / 100, manual }
        ),
        2 => (which.clone(), part.clone()).prop_map(|(which, part)| Step::Capture { which, part }),
        4 => (which.clone(), part.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(which, part, reverse, with_fee)| Step::Refund { which, part, reverse, with_fee }),
        1 => (which.clone(), part.clone(), any::<bool>())
            .prop_map(|(which, part, with_fee)| Step::Reverse { which, part, with_fee }),
        1 => (which.clone(), part).prop_map(|(which, part)| Step::GiveFeeBack { which, part }),
        1 => which.clone().prop_map(|which| Step::Dispute { which }),
        1 => (which, any::<bool>()).prop_map(|(which, won)| Step::Close { which, won }),
        1 => any::<bool>().prop_map(|fails| Step::PayOut { fails }),
        1 => (1..700_000_i64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

async fn list(world: &World, path: &str) -> Vec<Value> {
    world.get(&format!("{path}?limit=100")).await.ok().body["data"].as_array().unwrap().clone()
}

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

/// Does it, when it can be done: a refusal is as good an answer as any, a failure is not.
async fn act(world: &World, expert: &str, step: Step) -> Result<(), TestCaseError> {
    let answer = match step {
        Step::Pay { card, amount, fee, manual } => {
            let method = if manual { "manual" } else { "automatic" };
            let form = format!(
                "amount={amount}&currency=eur&application_fee_amount={fee}&capture_method={method}\
                 &transfer_data[destination]={expert}"
            );
            let intent = world.post("/v1/payment_intents", &form).await.ok();
            world.stripe.pay(intent.id(), card).unwrap();
            return Ok(());
        }
        Step::Capture { which, part } => {
            let intents = list(world, "/v1/payment_intents").await;
            let Some(intent) = intents.get(which) else { return Ok(()) };
            let amount = (intent["amount"].as_i64().unwrap() * part / 100).max(1);
            let path = format!("/v1/payment_intents/{}/capture", id(intent));
            world.post(&path, &format!("amount_to_capture={amount}")).await
        }
        Step::Refund { which, part, reverse, with_fee } => {
            let charges = list(world, "/v1/charges").await;
            let Some(charge) = charges.get(which) else { return Ok(()) };
            let left =
                charge["amount_captured"].as_i64().unwrap() - charge["amount_refunded"].as_i64().unwrap();
            let amount = (left * part / 100).max(1);
            let form = format!(
                "charge={}&amount={amount}&reverse_transfer={reverse}&refund_application_fee={with_fee}",
                id(charge)
            );
            world.post("/v1/refunds", &form).await
        }
        Step::Reverse { which, part, with_fee } => {
            let transfers = list(world, "/v1/transfers").await;
            let Some(transfer) = transfers.get(which) else { return Ok(()) };
            let left = transfer["amount"].as_i64().unwrap() - transfer["amount_reversed"].as_i64().unwrap();
            let path = format!("/v1/transfers/{}/reversals", id(transfer));
            let amount = (left * part / 100).max(1);
            world.post(&path, &format!("amount={amount}&refund_application_fee={with_fee}")).await
        }
        Step::GiveFeeBack { which, part } => {
            let fees = list(world, "/v1/application_fees").await;
            let Some(fee) = fees.get(which) else { return Ok(()) };
            let left = fee["amount"].as_i64().unwrap() - fee["amount_refunded"].as_i64().unwrap();
            let path = format!("/v1/application_fees/{}/refunds", id(fee));
            world.post(&path, &format!("amount={}", (left * part / 100).max(1))).await
        }
        Step::Dispute { which } => {
            if let Some(charge) = list(world, "/v1/charges").await.get(which) {
                let _ = world.stripe.dispute(id(charge), None, "fraudulent");
            }
            return Ok(());
        }
        Step::Close { which, won } => {
            if let Some(dispute) = list(world, "/v1/disputes").await.get(which) {
                let outcome = if won { DisputeOutcome::Won } else { DisputeOutcome::Lost };
                let _ = world.stripe.close_dispute(id(dispute), outcome);
            }
            return Ok(());
        }
        Step::PayOut { fails } => {
            let outcome = if fails { PayoutOutcome::Failed } else { PayoutOutcome::Paid };
            let _ = world.stripe.pay_out(expert, None, None, outcome);
            return Ok(());
        }
        Step::Wait { seconds } => {
            world.clock.advance(seconds);
            return Ok(());
        }
    };
    prop_assert!(matches!(answer.status, 200 | 400), "{}", answer.body);
    Ok(())
}

async fn check(world: &World, expert: &str) -> Result<(), TestCaseError> {
    prop_assert_eq!(world.sum(), 0);
    let net = |lines: &[Value]| -> i64 { lines.iter().map(|line| line["net"].as_i64().unwrap()).sum() };
    let lines = list(world, "/v1/balance_transactions").await;
    prop_assert!(lines.len() < 100, "the test reads one page");
    prop_assert_eq!(net(&lines), world.balance("platform"));
    let own = world.on(expert, reqwest::Method::GET, "/v1/balance_transactions?limit=100", "").await.ok();
    prop_assert_eq!(net(own.body["data"].as_array().unwrap()), world.balance(expert));
    let mut clients = 0;
    for charge in list(world, "/v1/charges").await {
        let number = |name: &str| charge[name].as_i64().unwrap();
        prop_assert!((0..=number("amount")).contains(&number("amount_captured")), "{}", charge);
        prop_assert!((0..=number("amount_captured")).contains(&number("amount_refunded")), "{}", charge);
        clients -= number("amount_captured") - number("amount_refunded");
    }
    for dispute in list(world, "/v1/disputes").await {
        clients += if dispute["status"] == "won" { 0 } else { dispute["amount"].as_i64().unwrap() };
    }
    prop_assert_eq!(clients, world.balance("clients"), "what clients paid and did not get back");
    for (path, part) in [("/v1/transfers", "amount_reversed"), ("/v1/application_fees", "amount_refunded")] {
        for object in list(world, path).await {
            let (all, back) = (object["amount"].as_i64().unwrap(), object[part].as_i64().unwrap());
            prop_assert!((0..=all).contains(&back), "{}", object);
            let inner = if path == "/v1/transfers" { "reversals" } else { "refunds" };
            let parts = list(world, &format!("{path}/{}/{inner}", id(&object))).await;
            prop_assert_eq!(parts.iter().map(|part| part["amount"].as_i64().unwrap()).sum::<i64>(), back);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_money_appears_or_is_lost(steps in proptest::collection::vec(step(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            let expert = world.expert().await;
            for step in steps {
                act(&world, &expert, step).await?;
                check(&world, &expert).await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
