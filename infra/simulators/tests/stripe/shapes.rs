//! The answers have the shapes that Stripe's clients read.

use miniserde::json::from_str;
use serde_json::Value;
use simulators::stripe::{DisputeOutcome, LATER_AFTER, PayoutOutcome};

use stripe_description::Description;

use crate::harness::World;

async fn objects(world: &World) -> Vec<(&'static str, Value)> {
    let (intent, expert) = world.destination_intent("&capture_method=manual").await;
    let mut seen = vec![("payment_intent", world.stripe.object(&intent).unwrap())];
    let mut look = |kind, id: &str| seen.push((kind, world.stripe.object(id).unwrap()));
    for card in ["4000000000000002", "4000002500003155"] {
        let _ = world.stripe.pay(&intent, card);
        look("payment_intent", &intent);
    }
    world.stripe.authenticate(&intent, true).unwrap();
    look("payment_intent", &intent);
    world.post(&format!("/v1/payment_intents/{intent}/capture"), "amount_to_capture=8000").await.ok();
    look("payment_intent", &intent);
    let form =
        format!("payment_intent={intent}&amount=333&reverse_transfer=true&refund_application_fee=true");
    let refund = world.post("/v1/refunds", &form).await.ok();
    look("refund", refund.id());
    look("transfer_reversal", refund.text("/transfer_reversal"));
    look("account", &expert);
    let fresh = world.post("/v1/accounts", "controller[stripe_dashboard][type]=express").await.ok();
    look("account", fresh.id());
    let charge = refund.text("/charge");
    look("charge", charge);
    look("balance_transaction", refund.text("/balance_transaction"));
    let charge = world.stripe.object(charge).unwrap();
    for (kind, member) in [
        ("transfer", "transfer"),
        ("application_fee", "application_fee"),
        ("balance_transaction", "balance_transaction"),
        ("payment_method", "payment_method"),
    ] {
        look(kind, charge[member].as_str().unwrap());
    }
    let canceled = world.post("/v1/payment_intents", "amount=5000&currency=jpy").await.ok();
    let path = format!("/v1/payment_intents/{}/cancel", canceled.id());
    seen.push(("payment_intent", world.post(&path, "cancellation_reason=abandoned").await.ok().body));
    let link = format!(
        "account={expert}&type=account_onboarding&return_url=https://a.example&refresh_url=https://a.example"
    );
    seen.push(("account_link", world.post("/v1/account_links", &link).await.ok().body));
    seen.extend(world.stripe.events().into_iter().map(|event| ("event", event)));
    seen
}

/// The objects of a marketplace's later life, and lists of them with everything expanded.
async fn later_objects(world: &World) -> Vec<(&'static str, Value)> {
    let mut seen = Vec::new();
    let customer = world.customer().await;
    seen.push(("customer", world.stripe.object(&customer).unwrap()));
    let form = format!("customer={customer}&usage=off_session&automatic_payment_methods[enabled]=true");
    let setup = world.post("/v1/setup_intents", &form).await.ok();
    for number in ["4000000000000002", "4000002500003155"] {
        let _ = world.stripe.pay(setup.id(), number);
        seen.push(("setup_intent", world.stripe.object(setup.id()).unwrap()));
    }
    let done = world.stripe.authenticate(setup.id(), true).unwrap();
    seen.push(("payment_method", world.stripe.object(done["payment_method"].as_str().unwrap()).unwrap()));
    seen.push(("setup_intent", done));

    let (intent, expert) = world.destination_intent("").await;
    world.stripe.pay(&intent, "4000000000005126").unwrap();
    let form =
        format!("payment_intent={intent}&amount=333&reverse_transfer=true&refund_application_fee=true");
    let refund = world.post("/v1/refunds", &form).await.ok();
    world.clock.advance(LATER_AFTER);
    seen.push(("refund", world.stripe.object(refund.id()).unwrap()));
    let (intent, _) = world.destination_intent("").await;
    world.stripe.pay(&intent, "4000000000007726").unwrap();
    let form =
        format!("payment_intent={intent}&amount=333&reverse_transfer=true&refund_application_fee=true");
    seen.push(("refund", world.post("/v1/refunds", &form).await.ok().body));
    let read = world.charge_of(&intent).await;
    let dispute = world.stripe.dispute(&intent, None, "fraudulent").unwrap();
    seen.push(("dispute", dispute.clone()));
    let id = dispute["id"].as_str().unwrap();
    seen.push(("dispute", world.stripe.close_dispute(id, DisputeOutcome::Won).unwrap()));
    seen.push(("application_fee", read.body["latest_charge"]["application_fee"].clone()));
    let fee = format!("/v1/application_fees/{}/refunds", read.text("/latest_charge/application_fee/id"));
    seen.push(("fee_refund", world.post(&fee, "amount=100").await.ok().body));
    seen.push(("transfer", read.body["latest_charge"]["transfer"].clone()));
    let path = format!("/v1/transfers/{}/reversals", read.text("/latest_charge/transfer/id"));
    seen.push(("transfer_reversal", world.post(&path, "amount=100").await.ok().body));
    seen.push(("payment_intent", read.body));
    let funds = "amount=9000&currency=eur&confirm=true&payment_method=pm_card_visa";
    world.post("/v1/payment_intents", funds).await.ok();
    let form = format!("amount=10&currency=eur&destination={expert}");
    seen.push(("transfer", world.post("/v1/transfers", &form).await.ok().body));
    seen.push(("payout", world.stripe.pay_out(&expert, Some(10), None, PayoutOutcome::Failed).unwrap()));
    seen.push(("payout", world.stripe.pay_out(&expert, None, None, PayoutOutcome::Paid).unwrap()));
    for line in world.lines().await {
        seen.push(("balance_transaction", line));
    }
    let path = "/v1/balance_transactions?expand[]=data.source";
    let lines = world.on(&expert, reqwest::Method::GET, path, "").await.ok();
    for line in lines.body["data"].as_array().unwrap() {
        seen.push(("balance_transaction", line.clone()));
    }
    seen
}

#[tokio::test]
async fn the_client_library_reads_what_comes_later() {
    let world = World::new().await;
    for (kind, object) in later_objects(&world).await {
        let text = object.to_string();
        macro_rules! read {
            ($type:ty) => {{
                let read: $type = from_str(&text).unwrap_or_else(|_| panic!("{kind}: {text}"));
                assert_eq!(read.id.as_str(), object["id"], "{kind}");
                read
            }};
        }
        match kind {
            "customer" => {
                assert_eq!(read!(stripe_shared::Customer).email.as_deref(), object["email"].as_str())
            }
            "setup_intent" => {
                let read = read!(stripe_shared::SetupIntent);
                assert_eq!(read.status.as_str(), object["status"]);
                assert_eq!(read.last_setup_error.is_some(), !object["last_setup_error"].is_null());
            }
            "payment_method" => assert!(read!(stripe_shared::PaymentMethod).customer.is_some()),
            "payment_intent" => {
                let charge =
                    read!(stripe_shared::PaymentIntent).latest_charge.unwrap().into_object().unwrap();
                assert!(charge.balance_transaction.unwrap().is_object());
                assert_eq!(charge.refunds.unwrap().data.len(), 1);
                assert_eq!(charge.transfer.unwrap().into_object().unwrap().reversals.data.len(), 1);
                assert!(charge.application_fee.unwrap().is_object());
            }
            "refund" => {
                let read = read!(stripe_shared::Refund);
                assert_eq!(read.status.as_deref(), object["status"].as_str());
                assert_eq!(read.failure_balance_transaction.is_some(), object["status"] == "failed");
            }
            "dispute" => {
                let read = read!(stripe_shared::Dispute);
                assert_eq!(read.status.as_str(), object["status"]);
                assert_eq!(read.balance_transactions.len(), if object["status"] == "won" { 2 } else { 1 });
            }
            "transfer" => assert!(read!(stripe_shared::Transfer).destination.is_some()),
            "transfer_reversal" => assert_eq!(read!(stripe_shared::TransferReversal).amount, 100),
            "application_fee" => assert_eq!(read!(stripe_shared::ApplicationFee).amount, 1_000),
            "fee_refund" => assert_eq!(read!(stripe_shared::ApplicationFeeRefund).amount, 100),
            "payout" => assert_eq!(read!(stripe_shared::Payout).status, object["status"]),
            "balance_transaction" => {
                let read = read!(stripe_shared::BalanceTransaction);
                assert_eq!(read.type_.as_str(), object["type"]);
                assert!(read.source.unwrap().is_object(), "{text}");
            }
            other => panic!("{other} is not read"),
        }
    }
}

#[tokio::test]
async fn the_client_library_reads_every_object() {
    let world = World::new().await;
    for (kind, object) in objects(&world).await {
        let text = object.to_string();
        match kind {
            "payment_intent" => {
                let read: stripe_core::PaymentIntent = from_str(&text).unwrap_or_else(|_| panic!("{text}"));
                assert_eq!(read.id.as_str(), object["id"]);
                assert_eq!(read.status.as_str(), object["status"]);
                assert_eq!(read.last_payment_error.is_some(), !object["last_payment_error"].is_null());
                assert_eq!(read.next_action.is_some(), !object["next_action"].is_null());
            }
            "refund" => {
                let read: stripe_core::Refund = from_str(&text).unwrap_or_else(|_| panic!("{text}"));
                assert_eq!(read.amount, 333);
            }
            "account" => {
                let read: stripe_shared::Account = from_str(&text).unwrap_or_else(|_| panic!("{text}"));
                assert_eq!(read.charges_enabled, object["charges_enabled"].as_bool());
                let due = read.requirements.unwrap().currently_due.unwrap().len();
                assert_eq!(due, object["requirements"]["currently_due"].as_array().unwrap().len());
            }
            "account_link" => {
                let read: stripe_connect::AccountLink = from_str(&text).unwrap_or_else(|_| panic!("{text}"));
                assert_eq!(read.url, object["url"]);
            }
            "charge" => {
                let read: stripe_core::Charge = from_str(&text).unwrap_or_else(|_| panic!("{text}"));
                assert_eq!(read.amount_refunded, 333);
            }
            _ => {}
        }
    }
    let list = world.get("/v1/refunds").await.ok().body.to_string();
    let read: stripe_types::List<stripe_core::Refund> = from_str(&list).unwrap_or_else(|_| panic!("{list}"));
    assert_eq!(read.data.len(), 1, "what the capture let go is none");
}

#[tokio::test]
async fn the_description_fits_every_object() {
    let Some(description) = Description::get() else { return };
    let world = World::new().await;
    let mut objects = objects(&world).await;
    objects.extend(later_objects(&world).await);
    let checked: usize = objects.iter().map(|(_, object)| description.check_response(object)).sum();
    assert!(checked > 150, "{checked}");
}
