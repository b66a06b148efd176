//! Money that the platform sends and takes back by itself.

use reqwest::Method;

use crate::harness::World;

/// A payment without a destination: the money is the platform's.
async fn funded(world: &World, amount: i64) {
    let form = format!("amount={amount}&currency=eur&confirm=true&payment_method=pm_card_visa");
    world.post("/v1/payment_intents", &form).await.ok();
}

#[tokio::test]
async fn money_is_sent_and_taken_back_in_parts() {
    let world = World::new().await;
    let expert = world.expert().await;
    funded(&world, 10_000).await;
    let form = format!(
        "amount=7000&currency=eur&destination={expert}&transfer_group=apt_1&metadata[appointment]=apt_1"
    );
    let sent = world.post("/v1/transfers", &form).await.ok();
    assert_eq!(sent.text("/transfer_group"), "apt_1");
    assert!(sent.body["source_transaction"].is_null());
    assert_eq!(sent.text("/metadata/appointment"), "apt_1");
    assert_eq!(world.event("transfer.created")["data"]["object"]["id"], sent.id());
    assert_eq!(world.balance(&expert), 7_000);
    world.post("/v1/transfers", &form).await.error(400, "balance_insufficient");

    let path = format!("/v1/transfers/{}/reversals", sent.id());
    let first = world.post(&path, "amount=2500&metadata[why]=penalty").await.ok();
    assert_eq!((first.text("/transfer"), first.text("/metadata/why")), (sent.id(), "penalty"));
    assert!(first.body["source_refund"].is_null());
    let read = world.get(&format!("/v1/transfers/{}", sent.id())).await.ok();
    assert_eq!((read.number("/amount_reversed"), &read.body["reversed"]), (2_500, &false.into()));
    assert_eq!(read.text("/reversals/data/0/id"), first.id());
    assert_eq!(world.post(&path, "amount=4501").await.status, 400);
    world.post(&path, "refund_application_fee=true").await.error_param("refund_application_fee");
    let rest = world.post(&path, "").await.ok();
    assert_eq!(rest.number("/amount"), 4_500);
    let over = world.post(&path, "amount=1").await;
    assert!(over.text("/error/message").ends_with("is already fully reversed."));
    assert_eq!(world.event("transfer.reversed")["data"]["object"]["reversed"], true);
    assert_eq!((world.balance(&expert), world.sum()), (0, 0));
    let listed = world.get(&path).await.ok();
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 2);
    for (query, found) in [
        (format!("destination={expert}&transfer_group=apt_1"), 1),
        ("transfer_group=other".to_owned(), 0),
        ("destination=acct_none".to_owned(), 0),
    ] {
        let list = world.get(&format!("/v1/transfers?{query}")).await.ok();
        assert_eq!(list.body["data"].as_array().unwrap().len(), found, "{query}");
    }
}

#[tokio::test]
async fn a_transfer_needs_money_and_a_receiver() {
    let world = World::new().await;
    let expert = world.expert().await;
    let to = |destination: &str| format!("amount=1000&currency=eur&destination={destination}");
    world.post("/v1/transfers", &to(&expert)).await.error(400, "balance_insufficient");
    funded(&world, 10_000).await;
    let group = format!("{}&transfer_group=apt_2", to(&expert));
    assert_eq!(world.post("/v1/transfers", &group).await.ok().text("/transfer_group"), "apt_2");
    world.post("/v1/transfers", &to("acct_none")).await.error(400, "resource_missing");
    let fresh = world.post("/v1/accounts", "type=express&country=DE").await.ok();
    let refused = world.post("/v1/transfers", &to(fresh.id())).await;
    refused.error(400, "insufficient_capabilities_for_transfer");
    world.post("/v1/transfers", "currency=eur&destination=x").await.error(400, "resource_missing");
    world
        .post("/v1/transfers", &format!("currency=eur&destination={expert}"))
        .await
        .error(400, "parameter_missing");
    for amount in ["0", "-1"] {
        let form = format!("amount={amount}&currency=eur&destination={expert}");
        world.post("/v1/transfers", &form).await.error(400, "parameter_invalid_integer");
    }
    world.get("/v1/transfers/tr_none").await.error(404, "resource_missing");
    world.post("/v1/transfers/tr_none/reversals", "").await.error(404, "resource_missing");
    assert_eq!(world.sum(), 0);
}

#[tokio::test]
async fn a_reversal_can_give_the_fee_back_in_proportion() {
    let world = World::new().await;
    let (intent, expert) = world.destination_intent("").await;
    world.stripe.pay(&intent, "4242424242424242").unwrap();
    let read = world.charge_of(&intent).await;
    let transfer = read.text("/latest_charge/transfer/id").to_owned();
    let fee = read.text("/latest_charge/application_fee/id").to_owned();
    let path = format!("/v1/transfers/{transfer}/reversals");
    for part in [3_333, 3_333, 3_334] {
        world.post(&path, &format!("amount={part}&refund_application_fee=true")).await.ok();
    }
    assert_eq!(world.balance(&expert), 0);
    let fee = world.get(&format!("/v1/application_fees/{fee}")).await.ok();
    assert_eq!((fee.number("/amount_refunded"), &fee.body["refunded"]), (1_000, &true.into()));
    assert_eq!(world.sum(), 0);
}

#[tokio::test]
async fn fees_are_given_back_by_themselves() {
    let world = World::new().await;
    let (intent, expert) = world.destination_intent("").await;
    world.stripe.pay(&intent, "4242424242424242").unwrap();
    let fee = world.charge_of(&intent).await.text("/latest_charge/application_fee/id").to_owned();
    let path = format!("/v1/application_fees/{fee}/refunds");
    let part = world.post(&path, "amount=400&metadata[why]=goodwill").await.ok();
    assert_eq!((part.text("/fee"), part.text("/metadata/why")), (fee.as_str(), "goodwill"));
    assert_eq!(world.balance(&expert), 9_400);
    assert_eq!(world.event("application_fee.refunded")["data"]["object"]["amount_refunded"], 400);
    assert_eq!(world.post(&path, "amount=601").await.status, 400);
    world.post(&path, "").await.ok();
    let over = world.post(&path, "").await;
    assert!(over.text("/error/message").ends_with("has already been refunded."));
    let read = world.get(&format!("/v1/application_fees/{fee}?expand[]=charge")).await.ok();
    assert_eq!(read.body["refunds"]["data"].as_array().unwrap().len(), 2);
    assert_eq!(
        read.text("/charge/source_transfer"),
        world.charge_of(&intent).await.text("/latest_charge/transfer/id")
    );
    assert_eq!(world.get(&path).await.ok().body["data"].as_array().unwrap().len(), 2);
    assert_eq!((world.balance(&expert), world.sum()), (10_000, 0));
}

#[tokio::test]
async fn an_account_sees_its_own_side() {
    let world = World::new().await;
    let (intent, expert) = world.destination_intent("").await;
    world.stripe.pay(&intent, "4242424242424242").unwrap();
    let form =
        format!("payment_intent={intent}&amount=5000&reverse_transfer=true&refund_application_fee=true");
    world.post("/v1/refunds", &form).await.ok();
    let path = "/v1/balance_transactions?expand[]=data.source";
    let lines = world.on(&expert, Method::GET, path, "").await.ok();
    let seen: Vec<_> = lines.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            (
                line["type"].as_str().unwrap(),
                line["net"].as_i64().unwrap(),
                line["source"]["object"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("adjustment", 500, "fee_refund"),
        ("payment_refund", -5_000, "refund"),
        ("payment", 9_000, "charge"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(lines.number("/data/2/fee"), 1_000);
    assert_eq!(lines.text("/data/2/fee_details/0/type"), "application_fee");
    let payment = lines.text("/data/2/source/id").to_owned();
    let read =
        world.on(&expert, Method::GET, &format!("/v1/charges/{payment}?expand[]=refunds"), "").await.ok();
    assert_eq!((read.number("/amount_refunded"), read.number("/refunds/data/0/amount")), (5_000, 5_000));
    world.get(&format!("/v1/charges/{payment}")).await.error(404, "resource_missing");
    let transfer = world.charge_of(&intent).await.text("/latest_charge/transfer/id").to_owned();
    let hidden = world.on(&expert, Method::GET, &format!("/v1/transfers/{transfer}"), "").await;
    hidden.error(404, "resource_missing");
    let form = format!("amount=1&currency=eur&destination={expert}");
    assert_eq!(world.on(&expert, Method::POST, "/v1/transfers", &form).await.status, 400);
}

#[tokio::test]
async fn a_refund_takes_back_no_more_than_is_left() {
    let world = World::new().await;
    let (intent, expert) = world.destination_intent("").await;
    world.stripe.pay(&intent, "4242424242424242").unwrap();
    let read = world.charge_of(&intent).await;
    let transfer = format!("/v1/transfers/{}", read.text("/latest_charge/transfer/id"));
    let fee = format!("/v1/application_fees/{}", read.text("/latest_charge/application_fee/id"));
    world.post(&format!("{transfer}/reversals"), "amount=7000").await.ok();
    world.post(&format!("{fee}/refunds"), "amount=700").await.ok();
    let form = format!("payment_intent={intent}&reverse_transfer=true&refund_application_fee=true");
    world.post("/v1/refunds", &form).await.ok();
    assert_eq!(world.get(&transfer).await.ok().number("/amount_reversed"), 10_000);
    assert_eq!(world.get(&fee).await.ok().number("/amount_refunded"), 1_000);
    assert_eq!((world.balance(&expert), world.balance("clients"), world.sum()), (0, 0, 0));
}

#[tokio::test]
async fn a_charge_pays_for_transfers_up_to_its_amount() {
    let world = World::new().await;
    let expert = world.expert().await;
    let form = "amount=10000&currency=eur&confirm=true&payment_method=pm_card_visa&transfer_group=apt_3";
    let intent = world.post("/v1/payment_intents", form).await.ok();
    let charge = intent.text("/latest_charge").to_owned();
    let from = |amount: u32, charge: &str| {
        format!("amount={amount}&currency=eur&destination={expert}&source_transaction={charge}")
    };
    let over = world.post("/v1/transfers", &from(10_001, &charge)).await;
    over.error_param("source_transaction");
    // More than the platform's balance, which lacks the processing fee.
    let sent = world.post("/v1/transfers", &from(9_900, &charge)).await.ok();
    assert_eq!((sent.text("/source_transaction"), sent.text("/transfer_group")), (&*charge, "apt_3"));
    assert_eq!(world.balance(&expert), 9_900);
    world.post("/v1/transfers", &from(101, &charge)).await.error_param("source_transaction");
    world.post("/v1/transfers", &from(100, &charge)).await.ok();
    world.post("/v1/transfers", &from(1, "ch_none")).await.error(400, "resource_missing");
    let dollars = from(1, &charge).replace("eur", "usd");
    world.post("/v1/transfers", &dollars).await.error_param("source_transaction");
    assert_eq!(world.sum(), 0);
}
