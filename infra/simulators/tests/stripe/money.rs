//! Who has how much.

use reqwest::Method;

use crate::harness::World;

/// Stripe's fee for 100.00 EUR: 1.5 % and 0.25.
const STRIPE_FEE: i64 = 175;

async fn paid(world: &World) -> (String, String) {
    let (intent, expert) = world.destination_intent("").await;
    world.stripe.pay(&intent, "4242424242424242").unwrap();
    (intent, expert)
}

#[tokio::test]
async fn a_destination_charge_pays_the_expert_and_the_platform() {
    let world = World::new().await;
    let (intent, expert) = paid(&world).await;
    assert_eq!(world.balance("clients"), -10_000);
    assert_eq!(world.balance(&expert), 9_000);
    assert_eq!(world.balance("stripe"), STRIPE_FEE);
    assert_eq!(world.balance("platform"), 1_000 - STRIPE_FEE);

    let charge = world.get(&format!("/v1/payment_intents/{intent}?expand[]=latest_charge")).await.ok();
    let transfer = world.get(&format!("/v1/transfers/{}", charge.text("/latest_charge/transfer"))).await.ok();
    assert_eq!((transfer.number("/amount"), transfer.text("/destination")), (10_000, expert.as_str()));
    assert_eq!(transfer.text("/transfer_group"), format!("group_{intent}"));
    let fee = world
        .get(&format!("/v1/application_fees/{}", charge.text("/latest_charge/application_fee")))
        .await
        .ok();
    assert_eq!((fee.number("/amount"), fee.text("/account")), (1_000, expert.as_str()));
    let lines = world.get("/v1/balance_transactions?limit=100").await.ok();
    let net: i64 =
        lines.body["data"].as_array().unwrap().iter().map(|line| line["net"].as_i64().unwrap()).sum();
    assert_eq!(net, world.balance("platform"), "the platform's lines are its balance");
    let own = world.on(&expert, Method::GET, "/v1/balance_transactions", "").await.ok();
    assert_eq!((own.number("/data/0/net"), own.body["has_more"].as_bool()), (9_000, Some(false)));
    let kinds = world.kinds();
    for kind in
        ["charge.succeeded", "payment_intent.succeeded", "transfer.created", "application_fee.created"]
    {
        assert!(kinds.iter().any(|seen| seen == kind), "{kind} in {kinds:?}");
    }
}

#[tokio::test]
async fn a_full_refund_puts_everybody_back_but_stripe() {
    let world = World::new().await;
    let (intent, expert) = paid(&world).await;
    let form = format!(
        "payment_intent={intent}&reverse_transfer=true&refund_application_fee=true\
         &reason=requested_by_customer&metadata[why]=ill"
    );
    let refund = world.post("/v1/refunds", &form).await.ok();
    assert_eq!((refund.number("/amount"), refund.text("/status")), (10_000, "succeeded"));
    assert_eq!(refund.text("/metadata/why"), "ill");
    assert_eq!(world.get(&format!("/v1/refunds/{}", refund.id())).await.ok().body, refund.body);
    let listed = world.get(&format!("/v1/refunds?payment_intent={intent}")).await.ok();
    assert_eq!(listed.text("/data/0/id"), refund.id());
    assert_eq!((world.balance("clients"), world.balance(&expert)), (0, 0));
    assert_eq!(world.balance("platform"), -STRIPE_FEE);
    world.post("/v1/refunds", &form).await.error(400, "charge_already_refunded");
    let charge = world.get(&format!("/v1/charges/{}", refund.text("/charge"))).await.ok();
    assert_eq!(charge.body["refunded"], true);
}

#[tokio::test]
async fn without_a_reversal_the_platform_pays() {
    let world = World::new().await;
    let (intent, expert) = paid(&world).await;
    let refund = world.post("/v1/refunds", &format!("payment_intent={intent}&amount=4000")).await.ok();
    assert!(refund.body["transfer_reversal"].is_null());
    assert_eq!(world.balance(&expert), 9_000);
    assert_eq!(world.balance("platform"), 1_000 - STRIPE_FEE - 4_000);
    assert_eq!(world.sum(), 0);
}

#[tokio::test]
async fn refunds_in_odd_parts_leave_nothing_over() {
    let world = World::new().await;
    let expert = world.expert().await;
    for (amount, fee, parts) in [
        (999_i64, 100_i64, vec![333_i64, 333, 333]),
        (10_001, 1_000, vec![1, 3_333, 1, 3_333, 3_332, 1]),
        (777, 777, vec![1; 777]),
        (50, 1, vec![7, 11, 13, 19]),
        (1_003, 0, vec![1_002, 1]),
    ] {
        let before = world.balance(&expert);
        let form = format!(
            "amount={amount}&currency=eur&application_fee_amount={fee}&transfer_data[destination]={expert}\
             &confirm=true&payment_method=pm_card_visa"
        );
        let intent = world.post("/v1/payment_intents", &form).await.ok().id().to_owned();
        assert_eq!(world.balance(&expert) - before, amount - fee);
        assert_eq!(parts.iter().sum::<i64>(), amount);
        let with_fee = if fee > 0 { "&refund_application_fee=true" } else { "" };
        for part in parts {
            let form = format!("payment_intent={intent}&amount={part}&reverse_transfer=true{with_fee}");
            world.post("/v1/refunds", &form).await.ok();
            assert!(world.balance(&expert) >= before, "never more comes back than went there");
            assert_eq!(world.sum(), 0);
        }
        assert_eq!(world.balance(&expert), before, "{amount} with a fee of {fee}");
        assert_eq!(world.balance("clients"), 0);
        let charge =
            world.get(&format!("/v1/payment_intents/{intent}?expand[]=latest_charge.transfer")).await.ok();
        assert_eq!(charge.number("/latest_charge/transfer/amount_reversed"), amount);
    }
}

#[tokio::test]
async fn too_much_cannot_be_refunded() {
    let world = World::new().await;
    let (intent, _) = paid(&world).await;
    world.post("/v1/refunds", &format!("payment_intent={intent}&amount=9000")).await.ok();
    for (amount, param) in [("1001", "amount"), ("0", "amount"), ("-5", "amount")] {
        let refused = world.post("/v1/refunds", &format!("payment_intent={intent}&amount={amount}")).await;
        assert_eq!((refused.status, refused.text("/error/param")), (400, param));
    }
    world.post("/v1/refunds", "payment_intent=pi_none").await.error(400, "resource_missing");
    world.post("/v1/refunds", "").await.error(400, "parameter_missing");
    world
        .post("/v1/refunds", &format!("payment_intent={intent}&bogus=1"))
        .await
        .error(400, "parameter_unknown");
    let unpaid = world.post("/v1/payment_intents", "amount=5000&currency=eur").await.ok();
    assert_eq!(world.post("/v1/refunds", &format!("payment_intent={}", unpaid.id())).await.status, 400);
}

#[tokio::test]
async fn a_partial_capture_splits_what_was_taken() {
    let world = World::new().await;
    let (intent, expert) = world.destination_intent("&capture_method=manual").await;
    world.stripe.pay(&intent, "4242424242424242").unwrap();
    assert_eq!(world.balance(&expert), 0);
    let path = format!("/v1/payment_intents/{intent}/capture");
    let refused = world.post(&path, "amount_to_capture=500&application_fee_amount=501").await;
    assert_eq!(refused.text("/error/param"), "application_fee_amount");
    let taken = world.post(&path, "amount_to_capture=5000&application_fee_amount=499").await.ok();
    assert_eq!(taken.number("/application_fee_amount"), 499);
    assert_eq!(world.balance(&expert), 4_501);
    assert_eq!(world.balance("clients"), -5_000);

    let (intent, expert) = world.destination_intent("&capture_method=manual").await;
    world.stripe.pay(&intent, "4242424242424242").unwrap();
    world.post(&format!("/v1/payment_intents/{intent}/capture"), "amount_to_capture=600").await.ok();
    assert_eq!(world.balance(&expert), 0, "a fee is never more than what was taken");
    assert_eq!(world.sum(), 0);
}

#[tokio::test]
async fn a_payment_on_a_connected_account_is_refused() {
    let world = World::new().await;
    let expert = world.expert().await;
    let form = "amount=10000&currency=eur&confirm=true&payment_method=pm_card_visa";
    assert_eq!(world.on(&expert, Method::POST, "/v1/payment_intents", form).await.status, 400);
    assert_eq!(world.on(&expert, Method::POST, "/v1/refunds", "payment_intent=pi_1").await.status, 400);
    assert!(world.stripe.balances().is_empty(), "nothing was charged");
    let stranger = world.on("acct_none", Method::GET, "/v1/balance_transactions", "").await;
    stranger.error(403, "account_invalid");
}

#[tokio::test]
async fn the_split_must_make_sense() {
    let world = World::new().await;
    let expert = world.expert().await;
    let base = "amount=5000&currency=eur";
    let destination = format!("transfer_data[destination]={expert}");
    for form in [
        format!("{base}&application_fee_amount=100"),
        format!("{base}&application_fee_amount=5001&{destination}"),
        format!("{base}&application_fee_amount=-1&{destination}"),
    ] {
        assert_eq!(world.post("/v1/payment_intents", &form).await.status, 400, "{form}");
    }
    let form =
        format!("{base}&application_fee_amount=1000&{destination}&confirm=true&payment_method=pm_card_visa");
    world.post("/v1/payment_intents", &form).await.ok();
    assert_eq!(world.balance(&expert), 4_000);
    let fresh = world.post("/v1/accounts", "type=express&country=DE").await.ok();
    let form = format!("{base}&transfer_data[destination]={}", fresh.id());
    world.post("/v1/payment_intents", &form).await.error(400, "insufficient_capabilities_for_transfer");
}
