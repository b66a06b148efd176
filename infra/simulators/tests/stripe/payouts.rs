//! Payouts of connected accounts.

use reqwest::Method;
use serde_json::json;
use simulators::stripe::{Onboarding, PayoutOutcome};

use crate::harness::World;

async fn earned(world: &World) -> String {
    let (intent, expert) = world.destination_intent("").await;
    world.stripe.pay(&intent, "4242424242424242").unwrap();
    expert
}

#[tokio::test]
async fn everything_is_paid_out_and_its_lines_are_known() {
    let world = World::new().await;
    let expert = earned(&world).await;
    let payout = world.simulator(&format!("payout/{expert}"), json!({ "outcome": "paid" })).await.ok();
    assert_eq!((payout.number("/amount"), payout.text("/status")), (9_000, "paid"));
    assert_eq!(payout.body["automatic"], true);
    assert_eq!((world.balance(&expert), world.balance("bank"), world.sum()), (0, 9_000, 0));
    for kind in ["payout.created", "payout.paid"] {
        assert_eq!(world.event(kind)["account"], expert.as_str(), "{kind}");
    }
    let path = format!("/v1/payouts/{}", payout.id());
    let read = world.on(&expert, Method::GET, &format!("{path}?expand[]=balance_transaction"), "").await.ok();
    assert_eq!(
        (read.text("/balance_transaction/type"), read.number("/balance_transaction/net")),
        ("payout", -9_000)
    );
    world.get(&path).await.error(404, "resource_missing");
    let listed = world.on(&expert, Method::GET, "/v1/payouts?status=paid", "").await.ok();
    assert_eq!(listed.text("/data/0/id"), payout.id());
    assert_eq!(world.get("/v1/payouts").await.ok().body["data"], json!([]));
    let lines = world.on(&expert, Method::GET, "/v1/balance_transactions", "").await.ok();
    let kinds: Vec<_> =
        lines.body["data"].as_array().unwrap().iter().map(|line| line["type"].clone()).collect();
    assert_eq!(kinds, ["payout", "payment"]);
    let nothing = world.stripe.pay_out(&expert, None, None, PayoutOutcome::Paid).unwrap_err();
    assert_eq!(nothing.code.as_deref(), Some("balance_insufficient"));
}

#[tokio::test]
async fn a_payout_that_fails_brings_the_money_back() {
    let world = World::new().await;
    let expert = earned(&world).await;
    let failed = world.stripe.pay_out(&expert, Some(4_000), None, PayoutOutcome::Failed).unwrap();
    assert_eq!((&failed["status"], &failed["failure_code"]), (&"failed".into(), &"could_not_process".into()));
    assert_eq!((world.balance(&expert), world.balance("bank")), (9_000, 0));
    assert_eq!(world.event("payout.failed")["account"], expert.as_str());
    let back = failed["failure_balance_transaction"].as_str().unwrap();
    let line = world.on(&expert, Method::GET, &format!("/v1/balance_transactions/{back}"), "").await.ok();
    assert_eq!((line.text("/type"), line.text("/reporting_category")), ("payout_failure", "payout_reversal"));
    assert!(world.stripe.pay_out(&expert, Some(9_001), None, PayoutOutcome::Paid).is_err());
    assert!(world.stripe.pay_out(&expert, Some(0), None, PayoutOutcome::Paid).is_err());
    assert!(world.stripe.pay_out(&expert, None, Some("usd"), PayoutOutcome::Paid).is_err());
    world.stripe.onboard(&expert, Onboarding::NoPayouts).unwrap();
    let closed = world.stripe.pay_out(&expert, None, None, PayoutOutcome::Paid).unwrap_err();
    assert_eq!(closed.code.as_deref(), Some("payouts_not_allowed"));
}
