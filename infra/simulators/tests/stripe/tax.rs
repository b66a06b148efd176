//! Taxes: what an account must set up, what is calculated, and what stands in its reports.

use reqwest::Method;
use serde_json::json;
use simulators::stripe::CALCULATION_LASTS;

use crate::harness::{Answer, World};

const SAN_FRANCISCO: &str =
    "customer_details[address][country]=US&customer_details[address][postal_code]=94102";
const GERMANY: &str = "customer_details[address][country]=DE";

async fn calculate(world: &World, account: &str, amount: i64, place: &str) -> Answer {
    let form = format!(
        "currency=usd&line_items[0][amount]={amount}&line_items[0][tax_behavior]=inclusive&{place}\
         &customer_details[address_source]=billing&expand[]=line_items.data.tax_breakdown"
    );
    world.on(account, Method::POST, "/v1/tax/calculations", &form).await
}

async fn report(world: &World, account: &str, calculation: &str, reference: &str) -> Answer {
    let form = format!("calculation={calculation}&reference={reference}&expand[]=line_items");
    world.on(account, Method::POST, "/v1/tax/transactions/create_from_calculation", &form).await
}

async fn reverse(world: &World, account: &str, original: &str, amount: i64, reference: &str) -> Answer {
    let form = format!(
        "mode=partial&original_transaction={original}&flat_amount=-{amount}&reference={reference}&expand[]=line_items"
    );
    world.on(account, Method::POST, "/v1/tax/transactions/create_reversal", &form).await
}

/// An account that collects taxes at these places.
async fn collecting(world: &World, registrations: &[&str]) -> String {
    let account = world.expert().await;
    world.stripe.set_up_tax(&account, true, registrations).unwrap();
    account
}

#[tokio::test]
async fn an_account_is_set_up_before_it_calculates() {
    let world = World::new().await;
    let account = world.expert().await;
    let settings = async || world.on(&account, Method::GET, "/v1/tax/settings", "").await.ok();
    let pending = settings().await;
    assert_eq!(pending.text("/status"), "pending");
    assert_eq!(pending.body["status_details"]["pending"]["missing_fields"], json!(["head_office"]));
    calculate(&world, &account, 8_000, GERMANY).await.error(400, "stripe_tax_inactive");
    let control =
        world.simulator(&format!("tax/{account}"), json!({ "active": true, "registrations": ["DE"] })).await;
    assert_eq!((control.status, control.text("/status")), (200, "active"));
    assert_eq!(settings().await.text("/status"), "active");
    calculate(&world, &account, 8_000, GERMANY).await.ok();
    // Each account has settings of its own.
    assert_eq!(world.get("/v1/tax/settings").await.ok().text("/status"), "pending");
    world.stripe.deauthorize(&account).unwrap();
    calculate(&world, &account, 8_000, GERMANY).await.error(403, "account_invalid");
}

#[tokio::test]
async fn taxes_are_inside_the_amount() {
    let world = World::new().await;
    let account = collecting(&world, &["US-CA", "DE"]).await;
    let two = calculate(&world, &account, 8_000, SAN_FRANCISCO).await.ok();
    assert_eq!((two.number("/amount_total"), two.number("/tax_amount_inclusive")), (8_000, 635));
    let taxes = two.body["line_items"]["data"][0]["tax_breakdown"].as_array().unwrap();
    let text =
        |tax: &serde_json::Value, pointer: &str| tax.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let told: Vec<_> = taxes
        .iter()
        .map(|tax| {
            let place = text(tax, "/jurisdiction/display_name");
            (place, text(tax, "/tax_rate_details/percentage_decimal"), tax["amount"].as_i64().unwrap())
        })
        .collect();
    let expected = [("California", "7.25", 534), ("San Francisco", "1.375", 101)];
    assert_eq!(told, expected.map(|(place, rate, amount)| (place.to_owned(), rate.to_owned(), amount)));
    assert_eq!(two.number("/expires_at"), world.clock.now() + CALCULATION_LASTS);
    let one = calculate(&world, &account, 11_900, GERMANY).await.ok();
    assert_eq!(one.number("/tax_amount_inclusive"), 1_900);
    for (place, reason) in [("GB", "not_collecting"), ("AQ", "not_supported")] {
        let none = calculate(&world, &account, 8_000, &format!("customer_details[address][country]={place}"))
            .await
            .ok();
        assert_eq!(
            (none.number("/tax_amount_inclusive"), none.text("/tax_breakdown/0/taxability_reason")),
            (0, reason)
        );
    }
    for nowhere in ["customer_details[address][country]=US", "customer_details[address][city]=Berlin"] {
        calculate(&world, &account, 8_000, nowhere).await.error(400, "customer_tax_location_invalid");
    }
    let read = world.on(&account, Method::GET, &format!("/v1/tax/calculations/{}", two.id()), "").await.ok();
    assert!(read.body.get("line_items").is_none(), "only on request");
    assert_eq!(
        world.get(&format!("/v1/tax/calculations/{}", two.id())).await.status,
        404,
        "it is the account's"
    );
}

#[tokio::test]
async fn a_reference_is_used_once() {
    let world = World::new().await;
    let account = collecting(&world, &["US-CA"]).await;
    let calculation = calculate(&world, &account, 8_000, SAN_FRANCISCO).await.ok();
    let entry = report(&world, &account, calculation.id(), "ch_1").await.ok();
    assert_eq!((entry.text("/type"), entry.number("/line_items/data/0/amount_tax")), ("transaction", 635));
    let again =
        report(&world, &account, calculation.id(), "ch_1").await.error(400, "resource_already_exists");
    assert!(again.text("/error/message").contains(entry.id()));
    again.error_param("reference");
    reverse(&world, &account, entry.id(), 1, "ch_1").await.error(400, "resource_already_exists");
    assert_eq!(world.stripe.tax_entries(&account).len(), 1);
    let other = collecting(&world, &["US-CA"]).await;
    let theirs = calculate(&world, &other, 8_000, SAN_FRANCISCO).await.ok();
    report(&world, &other, theirs.id(), "ch_1").await.ok();
    report(&world, &other, calculation.id(), "ch_2").await.error(400, "resource_missing");
    world.clock.advance(CALCULATION_LASTS);
    report(&world, &account, calculation.id(), "ch_2").await.error_param("calculation");
    let read =
        world.on(&account, Method::GET, &format!("/v1/tax/transactions/{}", entry.id()), "").await.ok();
    assert_eq!(read.text("/reference"), "ch_1");
}

#[tokio::test]
async fn no_more_goes_back_than_came_in() {
    let world = World::new().await;
    let account = collecting(&world, &["US-CA"]).await;
    let calculation = calculate(&world, &account, 8_000, SAN_FRANCISCO).await.ok();
    let entry = report(&world, &account, calculation.id(), "ch_1").await.ok();
    let mut tax = 0;
    for (step, amount) in [3_333, 1, 4_000].into_iter().enumerate() {
        let back = reverse(&world, &account, entry.id(), amount, &format!("re_{step}")).await.ok();
        assert_eq!(back.number("/line_items/data/0/amount"), -amount);
        assert_eq!(back.text("/reversal/original_transaction"), entry.id());
        tax += back.number("/line_items/data/0/amount_tax");
        reverse(&world, &account, back.id(), 1, "re_of_re").await.error_param("original_transaction");
    }
    reverse(&world, &account, entry.id(), 667, "re_more").await.error_param("flat_amount");
    let rest = reverse(&world, &account, entry.id(), 666, "re_rest").await.ok();
    assert_eq!(tax + rest.number("/line_items/data/0/amount_tax"), -635, "to the last cent");
}

#[tokio::test]
async fn a_charge_says_where_its_payer_gets_bills() {
    let world = World::new().await;
    let (intent, _) = world.destination_intent("").await;
    let form = "payment_method_data[type]=card&payment_method_data[card][number]=4242424242424242\
                &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2049\
                &payment_method_data[card][cvc]=123&payment_method_data[billing_details][address][country]=US\
                &payment_method_data[billing_details][address][postal_code]=94102";
    let path = format!("/v1/payment_intents/{intent}/confirm");
    // As a browser says it, which Stripe's description of the servers' calls leaves out.
    let sent = world.request(Method::POST, &path, form, &[]).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let read = world.charge_of(&intent).await;
    let address = &read.body["latest_charge"]["billing_details"]["address"];
    assert_eq!(
        (&address["country"], &address["postal_code"], &address["city"]),
        (&json!("US"), &json!("94102"), &json!(null))
    );
}
