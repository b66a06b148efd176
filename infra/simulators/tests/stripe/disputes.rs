//! Guests who dispute.

use serde_json::json;
use simulators::stripe::{DISPUTE_FEE, DisputeOutcome, LATER_AFTER};

use crate::harness::World;

async fn paid(world: &World, card: &str) -> (String, String) {
    let (intent, expert) = world.destination_intent("&metadata[appointment]=apt_1").await;
    world.stripe.pay(&intent, card).unwrap();
    (intent, expert)
}

#[tokio::test]
async fn a_card_disputes_by_itself_and_the_platform_pays() {
    let world = World::new().await;
    for (card, reason) in [("4000000000000259", "fraudulent"), ("4000000000002685", "product_not_received")] {
        let (before, clients) = (world.balance("platform"), world.balance("clients"));
        let (intent, expert) = paid(&world, card).await;
        let earned = world.balance("platform") - before;
        assert_eq!(world.charge_of(&intent).await.body["latest_charge"]["disputed"], false);
        world.clock.advance(LATER_AFTER);
        let disputes = world.get(&format!("/v1/disputes?payment_intent={intent}")).await.ok();
        let dispute = &disputes.body["data"][0];
        assert_eq!((&dispute["amount"], &dispute["reason"]), (&10_000.into(), &reason.into()));
        assert_eq!(
            (&dispute["status"], &dispute["payment_intent"]),
            (&"needs_response".into(), &intent.as_str().into())
        );
        assert_eq!(dispute["metadata"], json!({}), "it is the charge that has the metadata");
        let line = &dispute["balance_transactions"][0];
        assert_eq!((&line["amount"], &line["fee"]), (&(-10_000).into(), &DISPUTE_FEE.into()));
        assert_eq!((&line["type"], &line["reporting_category"]), (&"adjustment".into(), &"dispute".into()));
        assert_eq!(line["source"], dispute["id"]);
        assert_eq!(world.balance("platform"), before + earned - 10_000 - DISPUTE_FEE);
        assert_eq!((world.balance(&expert), world.balance("clients")), (9_000, clients));
        assert_eq!(world.charge_of(&intent).await.body["latest_charge"]["disputed"], true);
        let kinds = world.kinds();
        let told = ["charge.dispute.created", "charge.dispute.funds_withdrawn"];
        assert_eq!(kinds[kinds.len() - 2..], told);
        let charge = dispute["charge"].as_str().unwrap();
        let listed = world.get(&format!("/v1/disputes?charge={charge}")).await.ok();
        assert_eq!(listed.body["data"], disputes.body["data"]);
        assert_eq!(world.sum(), 0);
    }
}

#[tokio::test]
async fn a_dispute_is_won_or_lost() {
    let world = World::new().await;
    for (outcome, status) in [(DisputeOutcome::Won, "won"), (DisputeOutcome::Lost, "lost")] {
        let (intent, _) = paid(&world, "4242424242424242").await;
        let before = world.balance("platform");
        let path = format!("dispute/{intent}");
        let opened = world.simulator(&path, json!({ "amount": 4_000, "reason": "duplicate" })).await.ok();
        assert_eq!(world.balance("platform"), before - 4_000 - DISPUTE_FEE);
        let path = format!("close_dispute/{}", opened.id());
        let closed = world.simulator(&path, json!({ "outcome": status })).await.ok();
        assert_eq!(closed.text("/status"), status);
        assert_eq!(world.get(&format!("/v1/disputes/{}", opened.id())).await.ok().body, closed.body);
        let kept = if outcome == DisputeOutcome::Won { before } else { before - 4_000 };
        assert_eq!(world.balance("platform"), kept - DISPUTE_FEE, "the fee is kept either way");
        let lines = closed.body["balance_transactions"].as_array().unwrap().len();
        assert_eq!(lines, if outcome == DisputeOutcome::Won { 2 } else { 1 });
        let reinstated = world.kinds().contains(&"charge.dispute.funds_reinstated".to_owned());
        assert!(reinstated, "the first was won");
        assert_eq!(world.event("charge.dispute.closed")["data"]["object"]["status"], status);
        assert!(world.stripe.close_dispute(opened.id(), outcome).is_err(), "it is over");
        let again = world.stripe.dispute(&intent, None, "fraudulent").unwrap_err();
        assert_eq!(again.code.as_deref(), Some("charge_disputed"));
        assert_eq!(world.sum(), 0);
    }
}

#[tokio::test]
async fn only_what_was_paid_can_be_disputed() {
    let world = World::new().await;
    let (intent, _) = paid(&world, "4242424242424242").await;
    assert!(world.stripe.dispute(&intent, Some(10_001), "fraudulent").is_err());
    assert!(world.stripe.dispute(&intent, Some(0), "fraudulent").is_err());
    assert!(world.stripe.dispute(&intent, None, "boredom").is_err());
    assert!(world.stripe.dispute("pi_none", None, "fraudulent").is_err());
    let held = world.destination_intent("&capture_method=manual").await.0;
    world.stripe.pay(&held, "4242424242424242").unwrap();
    assert!(world.stripe.dispute(&held, None, "fraudulent").is_err());
    assert_eq!(world.simulator(&format!("dispute/{intent}"), json!({})).await.status, 400);
    let refunded = paid(&world, "4000000000000259").await.0;
    world.post("/v1/refunds", &format!("payment_intent={refunded}")).await.ok();
    world.clock.advance(LATER_AFTER);
    let list = world.get("/v1/disputes").await.ok();
    assert_eq!(list.body["data"].as_array().unwrap().len(), 0, "there was nothing left to dispute");
}
