//! Connected accounts and their onboarding.

use reqwest::Method;
use serde_json::json;
use simulators::stripe::Onboarding;

use crate::harness::{START, World};

const LINK: &str =
    "type=account_onboarding&return_url=https://shop.example/back&refresh_url=https://shop.example/again";

async fn press(world: &World, page: &str, outcome: &str) -> reqwest::Response {
    let visit = page.split("../visit/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let form = [("outcome", outcome)];
    world.http.post(world.url(&format!("/connect/visit/{visit}"))).form(&form).send().await.unwrap()
}

#[tokio::test]
async fn an_owner_is_onboarded_through_the_page() {
    let world = World::new().await;
    let form = "controller[stripe_dashboard][type]=express&controller[fees][payer]=application\
                &controller[losses][payments]=application&country=DE&email=e@example.com\
                &capabilities[card_payments][requested]=true&capabilities[transfers][requested]=true\
                &metadata[expert]=exp_1";
    let account = world.post("/v1/accounts", form).await.ok();
    assert_eq!((account.text("/type"), account.text("/metadata/expert")), ("express", "exp_1"));
    assert_eq!(account.body["charges_enabled"], false);
    assert_eq!(account.text("/capabilities/transfers"), "inactive");
    assert_eq!(account.text("/requirements/disabled_reason"), "requirements.past_due");

    let link = world.post("/v1/account_links", &format!("account={}&{LINK}", account.id())).await.ok();
    assert_eq!(link.number("/expires_at"), START + 300);
    let page = world.http.get(link.text("/url")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    let again = world.http.get(link.text("/url")).send().await.unwrap();
    assert_eq!(again.headers()["location"], "https://shop.example/again", "a link is good for one visit");
    let done = press(&world, &page, "complete").await;
    assert_eq!(
        (done.status().as_u16(), &done.headers()["location"]),
        (303, &"https://shop.example/back".parse().unwrap())
    );
    let twice = press(&world, &page, "incomplete").await;
    assert_eq!(twice.headers()["location"], "https://shop.example/again");

    let account = world.get(&format!("/v1/accounts/{}", account.id())).await.ok();
    for name in ["charges_enabled", "payouts_enabled", "details_submitted"] {
        assert_eq!(account.body[name], true, "{name}");
    }
    assert_eq!(account.text("/capabilities/transfers"), "active");
    let event = world.stripe.events().pop().unwrap();
    assert_eq!((&event["type"], &event["account"]), (&"account.updated".into(), &account.id().into()));
    assert_eq!(event["data"]["previous_attributes"]["charges_enabled"], false);
}

#[tokio::test]
async fn onboarding_can_end_badly() {
    let world = World::new().await;
    let account = world.post("/v1/accounts", "type=express&country=DE").await.ok();
    for (outcome, submitted, charges, payouts) in [
        (Onboarding::Incomplete, false, false, false),
        (Onboarding::Restricted, true, false, false),
        (Onboarding::NoPayouts, true, true, false),
        (Onboarding::UnderReview, true, false, false),
        (Onboarding::Rejected, true, false, false),
        (Onboarding::Complete, true, true, true),
    ] {
        world.stripe.onboard(account.id(), outcome).unwrap();
        let now = world.stripe.object(account.id()).unwrap();
        let flags = ["details_submitted", "charges_enabled", "payouts_enabled"].map(|name| now[name] == true);
        assert_eq!(flags, [submitted, charges, payouts], "{outcome:?}");
        let due = now["requirements"]["currently_due"].as_array().unwrap().len();
        let nothing_asked = [Onboarding::Complete, Onboarding::UnderReview, Onboarding::Rejected];
        assert_eq!(due == 0, nothing_asked.contains(&outcome));
        assert_eq!(now["requirements"]["disabled_reason"].is_null(), charges);
    }
    assert_eq!(world.kinds(), ["account.updated"; 6]);
    let nobody = world.stripe.onboard("acct_none", Onboarding::Complete).unwrap_err();
    assert_eq!(nobody.code.as_deref(), Some("resource_missing"));
}

#[tokio::test]
async fn an_old_link_leads_to_the_refresh_address() {
    let world = World::new().await;
    let account = world.post("/v1/accounts", "type=express&country=DE").await.ok();
    let link = world.post("/v1/account_links", &format!("account={}&{LINK}", account.id())).await.ok();
    world.clock.advance(300);
    let late = world.http.get(link.text("/url")).send().await.unwrap();
    assert_eq!(
        (late.status().as_u16(), &late.headers()["location"]),
        (303, &"https://shop.example/again".parse().unwrap())
    );
    let unknown = world.http.get(world.url("/connect/onboarding/none")).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn what_is_wrong_with_accounts_is_said() {
    let world = World::new().await;
    world.get("/v1/accounts/acct_none").await.error(403, "account_invalid");
    world.post("/v1/accounts", "type=express&bogus=1").await.error(400, "parameter_unknown");
    world.post("/v1/accounts", "type=express&email=nobody").await.error(400, "email_invalid");
    world.post("/v1/accounts", "country=Germany").await.error(400, "country_code_invalid");
    assert_eq!(world.post("/v1/accounts", "type=express&controller[fees][payer]=account").await.status, 400);
    world
        .post("/v1/account_links", &format!("account=acct_none&{LINK}"))
        .await
        .error(400, "resource_missing");
    let account = world.post("/v1/accounts", "type=express").await.ok();
    let form = format!(
        "account={}&type=account_onboarding&refresh_url=nowhere&return_url=https://a.example",
        account.id()
    );
    world.post("/v1/account_links", &form).await.error(400, "url_invalid");
}

#[tokio::test]
async fn an_account_is_restricted_and_restored() {
    let world = World::new().await;
    let (intent, expert) = world.destination_intent("").await;
    let restricted =
        world.simulator(&format!("onboard/{expert}"), json!({ "outcome": "restricted" })).await.ok();
    assert_eq!(restricted.body["charges_enabled"], false);
    assert_eq!(restricted.text("/requirements/disabled_reason"), "requirements.past_due");
    let event = world.event("account.updated");
    assert_eq!(event["account"], expert.as_str());
    assert_eq!(event["data"]["previous_attributes"]["payouts_enabled"], true);
    let refused = world.stripe.pay(&intent, "4242424242424242").unwrap_err();
    assert_eq!(refused.code.as_deref(), Some("insufficient_capabilities_for_transfer"));
    world.simulator(&format!("onboard/{expert}"), json!({ "outcome": "complete" })).await.ok();
    assert_eq!(world.stripe.pay(&intent, "4242424242424242").unwrap()["status"], "succeeded");
}

#[tokio::test]
async fn an_account_that_left_is_out_of_reach() {
    let world = World::new().await;
    let (open, expert) = world.destination_intent("").await;
    let held = format!(
        "amount=5000&currency=eur&capture_method=manual&transfer_data[destination]={expert}&confirm=true\
         &payment_method=pm_card_visa"
    );
    let held = world.post("/v1/payment_intents", &held).await.ok();
    world.simulator(&format!("deauthorize/{expert}"), json!({})).await.ok();
    let event = world.event("account.application.deauthorized");
    assert_eq!(event["account"], expert.as_str());
    assert_eq!(event["data"]["object"]["object"], "application");
    world.get(&format!("/v1/accounts/{expert}")).await.error(403, "account_invalid");
    world.on(&expert, Method::GET, "/v1/payouts", "").await.error(403, "account_invalid");
    assert_eq!(world.get("/v1/accounts").await.ok().body["data"], json!([]));
    let form = format!("amount=5000&currency=eur&transfer_data[destination]={expert}");
    world.post("/v1/payment_intents", &form).await.error(400, "resource_missing");
    assert!(world.stripe.pay(&open, "4242424242424242").is_err());
    let path = format!("/v1/payment_intents/{}", held.id());
    world.post(&format!("{path}/capture"), "").await.error(400, "resource_missing");
    world.post(&format!("{path}/cancel"), "").await.ok();
    assert!(world.stripe.onboard(&expert, Onboarding::Complete).is_err());
    assert!(world.stripe.deauthorize(&expert).is_err(), "it left already");
    assert_eq!(world.balance("clients"), 0);
}
