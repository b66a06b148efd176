//! The platform's books explain its balance to the cent.

use simulators::stripe::{DisputeOutcome, LATER_AFTER};

use crate::harness::World;

/// Everything that moves the platform's money, once.
async fn live(world: &World) -> String {
    let (intent, expert) = world.destination_intent("").await;
    world.stripe.pay(&intent, "4000000000005126").unwrap();
    let form =
        format!("payment_intent={intent}&amount=1000&reverse_transfer=true&refund_application_fee=true");
    world.post("/v1/refunds", &form).await.ok();
    world.clock.advance(LATER_AFTER);
    let held = world.destination_intent("&capture_method=manual").await.0;
    world.stripe.pay(&held, "4242424242424242").unwrap();
    world.post(&format!("/v1/payment_intents/{held}/capture"), "amount_to_capture=5000").await.ok();
    let dispute = world.stripe.dispute(&held, None, "fraudulent").unwrap();
    world.clock.advance(10);
    world.stripe.close_dispute(dispute["id"].as_str().unwrap(), DisputeOutcome::Won).unwrap();
    let form = "amount=9000&currency=eur&confirm=true&payment_method=pm_card_visa";
    world.post("/v1/payment_intents", form).await.ok();
    let form = format!("amount=4000&currency=eur&destination={expert}");
    let sent = world.post("/v1/transfers", &form).await.ok();
    world.post(&format!("/v1/transfers/{}/reversals", sent.id()), "amount=500").await.ok();
    expert
}

#[tokio::test]
async fn every_line_has_its_source_and_they_add_up() {
    let world = World::new().await;
    live(&world).await;
    let lines = world.lines().await;
    let net: i64 = lines.iter().map(|line| line["net"].as_i64().unwrap()).sum();
    assert_eq!(net, world.balance("platform"));
    assert_eq!(world.sum(), 0);
    let mut seen: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            let source = line["source"]["object"].as_str().unwrap().to_owned();
            let (amount, fee) = (line["amount"].as_i64().unwrap(), line["fee"].as_i64().unwrap());
            assert_eq!(line["net"], amount - fee);
            let details = line["fee_details"].as_array().unwrap();
            assert_eq!(details.iter().map(|part| part["amount"].as_i64().unwrap()).sum::<i64>(), fee);
            (text("type"), text("reporting_category"), source)
        })
        .collect();
    seen.sort();
    seen.dedup();
    let expected = [
        ("adjustment", "dispute", "dispute"),
        ("adjustment", "dispute_reversal", "dispute"),
        ("application_fee", "platform_earning", "application_fee"),
        ("application_fee_refund", "platform_earning_refund", "fee_refund"),
        ("charge", "charge", "charge"),
        ("refund", "refund", "refund"),
        ("refund_failure", "refund_failure", "refund"),
        ("transfer", "transfer", "transfer"),
        ("transfer_refund", "transfer_reversal", "transfer_reversal"),
    ];
    let expected = expected.map(|(kind, category, source)| (kind.into(), category.into(), source.into()));
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_lines_are_read_a_page_at_a_time() {
    let world = World::new().await;
    live(&world).await;
    let all = world.lines().await;
    let ids = |lines: &[serde_json::Value]| -> Vec<String> {
        lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&all);
    let mut read: Vec<String> = Vec::new();
    loop {
        let after = read.last().map(|id| format!("&starting_after={id}")).unwrap_or_default();
        let page = world.get(&format!("/v1/balance_transactions?limit=3{after}")).await.ok();
        read.extend(ids(page.body["data"].as_array().unwrap()));
        if page.body["has_more"] == false {
            break;
        }
    }
    assert_eq!(read, all);
    let start = crate::harness::START;
    let count = |query: String| {
        let world = &world;
        async move {
            let list = world.get(&format!("/v1/balance_transactions?limit=100&{query}")).await.ok();
            list.body["data"].as_array().unwrap().len()
        }
    };
    let early = count(format!("created[gte]={start}&created[lt]={}", start + LATER_AFTER)).await;
    let late = count(format!("created[gte]={}", start + LATER_AFTER)).await;
    assert!(early > 0 && late > 0);
    assert_eq!(early + late, all.len());
    assert_eq!(count("type=refund_failure".to_owned()).await, 1);
    assert_eq!(count("currency=usd".to_owned()).await, 0);
    for wrong in ["limit=101", "limit=0", "starting_after=txn_none", "bogus=1", "payout=po_none"] {
        assert_eq!(world.get(&format!("/v1/balance_transactions?{wrong}")).await.status, 400, "{wrong}");
    }
}
