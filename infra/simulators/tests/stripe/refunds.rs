//! Refunds that take their time, fail, or meet a dispute.

use simulators::stripe::{DisputeOutcome, LATER_AFTER};

use crate::harness::World;

const WITH_BOTH: &str = "reverse_transfer=true&refund_application_fee=true&metadata[refund]=ref_1";

async fn paid(world: &World, card: &str) -> (String, String) {
    let (intent, expert) = world.destination_intent("&metadata[appointment]=apt_1").await;
    world.stripe.pay(&intent, card).unwrap();
    (intent, expert)
}

#[tokio::test]
async fn a_pending_refund_succeeds_later() {
    let world = World::new().await;
    let (intent, expert) = paid(&world, "4000000000007726").await;
    let form = format!("payment_intent={intent}&amount=4000&{WITH_BOTH}");
    let refund = world.post("/v1/refunds", &form).await.ok();
    assert_eq!((refund.text("/status"), refund.text("/pending_reason")), ("pending", "processing"));
    assert_eq!(
        (world.balance("clients"), world.balance(&expert)),
        (-6_000, 5_400),
        "the money is gone already"
    );
    let created = world.event("refund.created");
    assert_eq!(created["data"]["object"]["metadata"], serde_json::json!({ "refund": "ref_1" }));
    assert_eq!(world.event("charge.refunded")["data"]["object"]["metadata"]["appointment"], "apt_1");
    world.clock.advance(LATER_AFTER - 1);
    assert_eq!(world.get(&format!("/v1/refunds/{}", refund.id())).await.ok().text("/status"), "pending");
    world.clock.advance(1);
    let done = world.get(&format!("/v1/refunds/{}", refund.id())).await.ok();
    assert_eq!(done.text("/status"), "succeeded");
    let updated = world.event("refund.updated");
    assert_eq!(updated["data"]["previous_attributes"]["status"], "pending");
    assert_eq!(updated["data"]["object"]["status"], "succeeded");
    assert!(!world.kinds().contains(&"refund.failed".to_owned()));
}

#[tokio::test]
async fn a_refund_fails_later_and_only_the_platform_gets_its_money_back() {
    let world = World::new().await;
    let (intent, expert) = paid(&world, "4000000000005126").await;
    let before = world.balance("platform");
    let form = format!("payment_intent={intent}&{WITH_BOTH}");
    let refund = world.post("/v1/refunds", &form).await.ok();
    assert_eq!(refund.text("/status"), "succeeded");
    let charge = world.charge_of(&intent).await;
    assert_eq!(charge.body["latest_charge"]["refunded"], true);
    world.clock.advance(LATER_AFTER);
    world.stripe.deliver_due_webhooks().await;
    let failed = world.event("refund.failed")["data"]["object"].clone();
    assert_eq!((&failed["status"], &failed["id"]), (&"failed".into(), &refund.id().into()));
    assert_eq!(failed["failure_reason"], "expired_or_canceled_card");
    let back = failed["failure_balance_transaction"].as_str().unwrap();
    let line = world.get(&format!("/v1/balance_transactions/{back}?expand[]=source")).await.ok();
    assert_eq!((line.text("/type"), line.number("/net")), ("refund_failure", 10_000));
    assert_eq!((line.text("/reporting_category"), line.text("/source/id")), ("refund_failure", refund.id()));
    assert_eq!(world.event("charge.refund.updated")["data"]["previous_attributes"]["status"], "succeeded");

    assert_eq!(world.balance("clients"), -10_000);
    assert_eq!(world.balance(&expert), 0, "the transfer stays reversed");
    assert_eq!(world.balance("platform"), before + 9_000, "and the fee stays given back");
    assert_eq!(world.sum(), 0);
    let charge = world.charge_of(&intent).await;
    assert_eq!(charge.number("/latest_charge/amount_refunded"), 0);
    assert_eq!(charge.number("/latest_charge/transfer/amount_reversed"), 10_000);
    assert_eq!(charge.number("/latest_charge/application_fee/amount_refunded"), 1_000);
    let again = world.post("/v1/refunds", &form).await;
    assert_eq!(again.status, 400);
    assert!(again.text("/error/message").ends_with("is already fully reversed."));
    world.post("/v1/refunds", &format!("payment_intent={intent}")).await.ok();
    assert_eq!(world.balance("clients"), 0);
}

#[tokio::test]
async fn a_disputed_charge_is_not_refunded_until_the_dispute_is_won() {
    let world = World::new().await;
    let (intent, _) = paid(&world, "4242424242424242").await;
    let dispute = world.stripe.dispute(&intent, None, "fraudulent").unwrap();
    let form = format!("payment_intent={intent}&amount=100");
    world.post("/v1/refunds", &form).await.error(400, "charge_disputed");
    world.stripe.close_dispute(dispute["id"].as_str().unwrap(), DisputeOutcome::Won).unwrap();
    world.post("/v1/refunds", &form).await.ok();

    let (intent, _) = paid(&world, "4242424242424242").await;
    let dispute = world.stripe.dispute(&intent, None, "general").unwrap();
    world.stripe.close_dispute(dispute["id"].as_str().unwrap(), DisputeOutcome::Lost).unwrap();
    let charge = dispute["charge"].as_str().unwrap();
    world.post("/v1/refunds", &format!("charge={charge}")).await.error(400, "charge_disputed");
}

#[tokio::test]
async fn everything_about_a_refunded_payment_can_be_read_at_once() {
    let world = World::new().await;
    let (intent, expert) = paid(&world, "4242424242424242").await;
    for amount in [3_333, 3_333, 3_334] {
        let form = format!("payment_intent={intent}&amount={amount}&{WITH_BOTH}");
        world.post("/v1/refunds", &form).await.ok();
    }
    let read = world.charge_of(&intent).await;
    let sum = |list: &str, member: &str| -> i64 {
        let items = read.body.pointer(&format!("/latest_charge/{list}/data")).unwrap().as_array().unwrap();
        assert_eq!(items.len(), 3, "{list}");
        items.iter().map(|item| item.pointer(member).unwrap().as_i64().unwrap()).sum()
    };
    assert_eq!(sum("refunds", "/amount"), 10_000);
    assert_eq!(sum("refunds", "/balance_transaction/net"), -10_000);
    assert_eq!(sum("transfer/reversals", "/amount"), 10_000);
    assert_eq!(sum("application_fee/refunds", "/amount"), 1_000);
    assert_eq!(read.text("/latest_charge/balance_transaction/source"), read.text("/latest_charge/id"));
    assert_eq!((world.balance("clients"), world.balance(&expert)), (0, 0));
    let charge = read.text("/latest_charge/id");
    let path =
        format!("/v1/charges/{charge}?expand[]=refunds.data.balance_transaction&expand[]=transfer.reversals");
    let again = world.get(&path).await.ok();
    assert_eq!(again.body["refunds"], read.body["latest_charge"]["refunds"]);
    assert_eq!(again.body["transfer"], read.body["latest_charge"]["transfer"]);
    let bare = world.get(&format!("/v1/charges/{charge}")).await.ok();
    assert!(bare.body.get("refunds").is_none(), "only on request");
    let listed = world.get(&format!("/v1/refunds?charge={charge}")).await.ok();
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 3);
    for path in ["latest_charge.nothing", "metadata", "latest_charge.transfer.destination_payment.transfer.x"]
    {
        let refused = world.get(&format!("/v1/payment_intents/{intent}?expand[]={path}")).await;
        assert_eq!(refused.status, 400, "{path}");
    }
    let events = world.stripe.events().len();
    let form = "amount=5000&currency=eur&expand[]=nothing";
    assert_eq!(world.post("/v1/payment_intents", form).await.status, 400);
    assert_eq!(world.stripe.events().len(), events, "nothing was done");
}

#[tokio::test]
async fn what_a_partial_capture_lets_go_is_no_refund() {
    let world = World::new().await;
    let (intent, expert) = world.destination_intent("&capture_method=manual").await;
    world.stripe.pay(&intent, "4242424242424242").unwrap();
    let path = format!("/v1/payment_intents/{intent}/capture");
    world.post(&path, "amount_to_capture=6000&application_fee_amount=600").await.ok();
    assert_eq!((world.balance("clients"), world.balance(&expert)), (-6_000, 5_400));
    assert_eq!(world.balance("stripe"), 6_000 * 150 / 10_000 + 25, "Stripe keeps its part of what was taken");
    let read = world.charge_of(&intent).await;
    let line = "/latest_charge/balance_transaction";
    assert_eq!(read.number(&format!("{line}/amount")), 6_000);
    assert_eq!(read.number(&format!("{line}/fee")), 115);
    assert_eq!(read.number("/latest_charge/amount"), 10_000);
    assert_eq!(read.number("/latest_charge/amount_captured"), 6_000);
    assert_eq!(read.number("/latest_charge/amount_refunded"), 0);
    assert_eq!(read.body["latest_charge"]["refunds"]["data"], serde_json::json!([]));
    let charge_lines = world.lines().await.into_iter().filter(|line| line["type"] == "charge").count();
    assert_eq!(charge_lines, 1);
    assert!(!world.kinds().contains(&"charge.refunded".to_owned()));
    let refused = world.post("/v1/refunds", &format!("payment_intent={intent}&amount=6001")).await;
    assert_eq!(refused.status, 400);
    let form = format!("payment_intent={intent}&{WITH_BOTH}");
    assert_eq!(world.post("/v1/refunds", &form).await.ok().number("/amount"), 6_000);
    assert_eq!(world.charge_of(&intent).await.body["latest_charge"]["refunded"], true);
    assert_eq!((world.balance("clients"), world.balance(&expert), world.sum()), (0, 0, 0));
}
