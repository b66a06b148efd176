//! The answers have the shapes that Stripe's clients read.

use miniserde::json::from_str;
use serde_json::{Value, json};

use crate::harness::World;

async fn objects(world: &World) -> Vec<(&'static str, Value)> {
    let (intent, expert) =
        world.destination_intent("&capture_method=manual&statement_descriptor_suffix=TALK").await;
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
    let debit = "amount=5000&currency=eur&confirm=true&payment_method_data[type]=sepa_debit\
                 &payment_method_data[sepa_debit][iban]=AT611904300234573201&expand[]=latest_charge";
    seen.push(("payment_intent", world.post("/v1/payment_intents", debit).await.ok().body));
    let link = format!(
        "account={expert}&type=account_onboarding&return_url=https://a.example&refresh_url=https://a.example"
    );
    seen.push(("account_link", world.post("/v1/account_links", &link).await.ok().body));
    seen.push(("balance", world.get("/v1/balance").await.ok().body));
    seen.extend(world.stripe.events().into_iter().map(|event| ("event", event)));
    seen
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
                assert_eq!(read.amount_refunded, 333 + 2000);
            }
            _ => {}
        }
    }
    let list = world.get("/v1/refunds").await.ok().body.to_string();
    let read: stripe_types::List<stripe_core::Refund> = from_str(&list).unwrap_or_else(|_| panic!("{list}"));
    assert_eq!(read.data.len(), 1);
}

/// The description of Stripe's API is no part of this repository: `PROVIDER_SPECS` names the folder that
/// holds it.
#[tokio::test]
async fn the_description_of_the_api_fits_every_object() {
    let Some(folder) = std::env::var_os("PROVIDER_SPECS") else {
        println!("skipped: PROVIDER_SPECS does not name a folder with stripe.cut.json");
        return;
    };
    let file = std::path::Path::new(&folder).join("stripe.cut.json");
    let spec: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let schemas = &spec["components"]["schemas"];
    let world = World::new().await;
    let mut checked = 0;
    for (kind, object) in objects(&world).await {
        let schema =
            json!({ "$ref": format!("#/components/schemas/{kind}"), "components": { "schemas": schemas } });
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&object).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{kind}: {errors:#?}\n{object:#}");
        let mut wrong = object.clone();
        wrong["object"] = json!("nothing");
        assert!(!validator.is_valid(&wrong), "the check of {kind} checks nothing");
        checked += 1;
        let known = schemas[kind]["properties"].as_object().unwrap();
        let unknown: Vec<_> =
            object.as_object().unwrap().keys().filter(|name| !known.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "{kind} has members Stripe's has not: {unknown:?}");
    }
    assert!(checked > 30);
}
