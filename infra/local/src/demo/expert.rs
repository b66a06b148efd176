//! What the expert does once: publish, offer, connect Stripe. A second walk finds it there.

use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::caller::text;
use super::journey::Journey;
use super::{Wrong, books, browser, words};

/// What the demo's session type is called; by it a second walk finds it.
const SESSION: &str = "Consultation subject analytical engines";

fn path(journey: &Journey, rest: &str) -> String {
    format!("/v1/experts/{}{rest}", journey.expert.somebody.expert_id)
}

/// The profile.
pub(super) async fn publish_profile(journey: &mut Journey) -> Result<(), Wrong> {
    journey.step(format!("{} publishes a profile", journey.expert.somebody.name));
    let found = journey.caller.get(&path(journey, "")).send().await?;
    let profile: Value = if found.status.as_u16() == 404 {
        let profile = json!({
            "name": journey.expert.somebody.name,
            "headline": "Analytical engines, and what to ask of them",
            "about": "I write programs for machines that are yet to be built.",
        });
        let call = journey.caller.post("/v1/experts").signed_in(&journey.expert.token);
        call.header("Idempotency-Key", &key()).json(&profile).send().await?.document(201)?
    } else {
        journey.say("It is there from before.");
        found.document(200)?
    };
    journey.say(format_args!("{}: {}", text(&profile, "/name")?, text(&profile, "/headline")?));
    Ok(())
}

/// The hours, edited with the version that was read.
pub(super) async fn publish_hours(journey: &mut Journey) -> Result<(), Wrong> {
    journey.step("The expert says when they work");
    let address = path(journey, "/availability");
    let before = journey.caller.get(&address).signed_in(&journey.expert.token).send().await?;
    let version = match before.status.as_u16() {
        // Nothing was published: the first version replaces version 0.
        404 | 409 => "\"0\"".to_owned(),
        _ => before.with(200)?.header("etag")?,
    };
    let day = json!([{ "opens": "09:00", "closes": "12:30" }, { "opens": "13:30", "closes": "18:00" }]);
    let hours = json!({
        "time_zone": "Europe/London",
        "weekly": { "monday": day, "tuesday": day, "wednesday": day, "thursday": day, "friday": day },
    });
    let replace = || journey.caller.put(&address).signed_in(&journey.expert.token).json(&hours);
    let answer = replace().header("If-Match", &version).send().await?.with(200)?;
    let now = answer.header("etag")?;
    journey
        .say(format_args!("Monday to Friday 09:00–12:30 and 13:30–18:00 in Europe/London, version {now}."));
    let stale: Value = replace().header("If-Match", &version).send().await?.document(412)?;
    journey.say(format_args!("Who edits the version before is told: {}.", text(&stale, "/detail")?));
    Ok(())
}

/// A paid session type; its id.
pub(super) async fn offer_session(journey: &mut Journey) -> Result<String, Wrong> {
    journey.step("The expert offers a paid session");
    let address = path(journey, "/session-types");
    let offered: Value = journey.caller.get(&address).send().await?.document(200)?;
    let price = json!({ "amount": books::PRICE, "currency": books::CURRENCY });
    let known = offered["session_types"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|kind| kind["name"] == SESSION && kind["price"] == price);
    let kind = match known {
        Some(kind) => {
            journey.say("It is there from before.");
            kind.clone()
        }
        None => {
            let terms = json!({
                "name": SESSION,
                "description": "An hour, with an answer in writing.",
                "length_minutes": 60,
                "step_minutes": 30,
                "buffer_after_minutes": 15,
                "minimum_notice_minutes": 120,
                "price": price,
            });
            let call = journey.caller.post(&address).signed_in(&journey.expert.token);
            call.header("Idempotency-Key", &key()).json(&terms).send().await?.document(201)?
        }
    };
    journey.say(format_args!(
        "{}, {} minutes, {}",
        text(&kind, "/name")?,
        kind["length_minutes"],
        words::money(&kind, "/price")?
    ));
    Ok(text(&kind, "/id")?.to_owned())
}

/// The account at Stripe, onboarded on the hosted page.
pub(super) async fn connect_stripe(journey: &mut Journey) -> Result<(), Wrong> {
    journey.step("The expert connects Stripe");
    let address = path(journey, "/payment-accounts/stripe");
    let read = || journey.caller.get(&address).signed_in(&journey.expert.token);
    let before = read().send().await?;
    let enabled = before.status.is_success() && before.document::<Value>(200)?["charges_enabled"] == true;
    if enabled {
        journey.say("It is there from before.");
    } else {
        let call = journey
            .caller
            .post(&path(journey, "/payment-accounts/stripe/onboarding"))
            .signed_in(&journey.expert.token);
        let page: Value = call.send().await?.document(201)?;
        browser::onboard(journey, text(&page, "/url")?).await?;
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let account: Value = read().quietly().send().await?.document(200)?;
        if account["charges_enabled"] == true {
            journey.say(format_args!("Account {} can take payments.", text(&account, "/account")?));
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Wrong::new("charges_enabled", "true", account.to_string()));
        }
        sleep(Duration::from_millis(150)).await;
    }
}

/// A fresh Idempotency-Key.
pub(super) fn key() -> String {
    use app::ports::Random;
    format!("demo-{:032x}", aws::SystemRandom.bits())
}
