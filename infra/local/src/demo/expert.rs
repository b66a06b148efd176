//! The expert's steps: publish a profile and hours, offer a session type, and connect Stripe. What an earlier run published is
//! used again.

use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::api_client::text;
use super::journey::Journey;
use super::{Mismatch, books, browser, display};

/// The expert's hourly rate in the demo's currency, in minor units.
const RATE: i64 = 9_000;

/// The duration that the demo books.
pub(super) const MINUTES: u16 = 60;
/// The duration whose price is derived from the hourly rate.
pub(super) const SHORT_MINUTES: u16 = 30;

/// The name of the demo's session type, by which a later run finds it.
const SESSION: &str = "Consultation about analytical engines";

fn path(journey: &Journey, rest: &str) -> String {
    format!("/v1/experts/{}{rest}", journey.expert.user.expert_id)
}

/// Publishes the profile, unless it exists.
pub(super) async fn publish_profile(journey: &mut Journey) -> Result<(), Mismatch> {
    journey.step(format!("{} publishes a profile", journey.expert.user.name));
    let found = journey.api.get(&path(journey, "")).send().await?;
    let profile: Value = if found.status.as_u16() == 404 {
        let profile = json!({
            "name": journey.expert.user.name,
            "headline": "Analytical engines, and what to ask of them",
            "about": "I write programs for machines that are yet to be built.",
            "specializations": ["Analytical engines", "Bernoulli numbers", "Program verification"],
            "experience_years": 12,
            "languages": ["en-GB", "fr"],
            "country": "GB",
            "links": ["https://www.example.org/ada"],
            "hourly_rate": { "amount": RATE, "currency": books::CURRENCY },
            "mentorship_capacity": 40,
        });
        let request = journey.api.post("/v1/experts").signed_in(&journey.expert.token);
        request.header("Idempotency-Key", &key()).json(&profile).send().await?.document(201)?
    } else {
        journey.print("It already exists.");
        found.document(200)?
    };
    journey.print(format_args!("{}: {}", text(&profile, "/name")?, text(&profile, "/headline")?));
    let list = |name: &str| {
        let entries = profile[name].as_array().into_iter().flatten().filter_map(Value::as_str);
        entries.collect::<Vec<_>>().join(", ")
    };
    journey.print(format_args!("Specializations: {}", list("specializations")));
    journey.print(format_args!(
        "{} years of experience, in {}; speaks {}",
        profile["experience_years"],
        text(&profile, "/country")?,
        list("languages")
    ));
    let rate = display::money(&profile, "/hourly_rate")?;
    journey.print(format_args!("{rate} an hour; status {}", text(&profile, "/status")?));
    Ok(())
}

/// Replaces the weekly hours, and shows that a request with an old version is refused.
pub(super) async fn publish_hours(journey: &mut Journey) -> Result<(), Mismatch> {
    journey.step("The expert publishes weekly hours");
    let address = path(journey, "/availability");
    let before = journey.api.get(&address).signed_in(&journey.expert.token).send().await?;
    let version = match before.status.as_u16() {
        // No hours are published yet: the first version replaces version 0.
        404 | 409 => "\"0\"".to_owned(),
        _ => before.with_status(200)?.header("etag")?,
    };
    let day = json!([{ "opens": "09:00", "closes": "12:30" }, { "opens": "13:30", "closes": "18:00" }]);
    let hours = json!({
        "time_zone": "Europe/London",
        "weekly": { "monday": day, "tuesday": day, "wednesday": day, "thursday": day, "friday": day },
    });
    let replace = || journey.api.put(&address).signed_in(&journey.expert.token).json(&hours);
    let response = replace().header("If-Match", &version).send().await?.with_status(200)?;
    let now = response.header("etag")?;
    journey
        .print(format_args!("Monday to Friday 09:00–12:30 and 13:30–18:00 in Europe/London, version {now}."));
    let stale: Value = replace().header("If-Match", &version).send().await?.document(412)?;
    journey.print(format_args!("An edit of the previous version is refused: {}.", text(&stale, "/detail")?));
    Ok(())
}

/// Creates a session type with two durations, unless it exists: one with a fixed price, and one at the hourly rate. Returns its
/// id.
pub(super) async fn offer_session(journey: &mut Journey) -> Result<String, Mismatch> {
    journey.step("The expert offers a session with a price");
    let address = path(journey, "/session-types");
    let offered: Value = journey.api.get(&address).send().await?.document(200)?;
    let price = json!({ "amount": books::PRICE, "currency": books::CURRENCY });
    let known = offered["session_types"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|kind| kind["name"] == SESSION && kind["durations"][1]["derived"] == true);
    let kind = match known {
        Some(kind) => {
            journey.print("It already exists.");
            kind.clone()
        }
        None => {
            let terms = json!({
                "name": SESSION,
                "description": "A question, with an answer in writing.",
                "durations": [{ "minutes": MINUTES, "price": price }, { "minutes": SHORT_MINUTES }],
                "step_minutes": 30,
                "buffer_after_minutes": 15,
                "minimum_notice_minutes": 120,
            });
            let request = journey.api.post(&address).signed_in(&journey.expert.token);
            request.header("Idempotency-Key", &key()).json(&terms).send().await?.document(201)?
        }
    };
    journey.print(text(&kind, "/name")?);
    for (at, duration) in kind["durations"].as_array().into_iter().flatten().enumerate() {
        let price = display::money(&kind, &format!("/durations/{at}/price"))?;
        let how = if duration["derived"] == true { ", from the hourly rate" } else { "" };
        journey.print(format_args!("  {} minutes: {price}{how}", duration["minutes"]));
    }
    Ok(text(&kind, "/id")?.to_owned())
}

/// Completes Stripe's onboarding, unless the account already accepts payments.
pub(super) async fn connect_stripe(journey: &mut Journey) -> Result<(), Mismatch> {
    journey.step("The expert connects Stripe");
    let address = path(journey, "/payment-accounts/stripe");
    let read = || journey.api.get(&address).signed_in(&journey.expert.token);
    let before = read().send().await?;
    let enabled = before.status.is_success() && before.document::<Value>(200)?["charges_enabled"] == true;
    if enabled {
        journey.print("It already exists.");
    } else {
        let request = journey
            .api
            .post(&path(journey, "/payment-accounts/stripe/onboarding"))
            .signed_in(&journey.expert.token);
        let page: Value = request.send().await?.document(201)?;
        browser::onboard(journey, text(&page, "/url")?).await?;
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let account: Value = read().quiet().send().await?.document(200)?;
        if account["charges_enabled"] == true {
            journey.print(format_args!("Account {} accepts payments.", text(&account, "/account")?));
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Mismatch::new("charges_enabled", "true", account.to_string()));
        }
        sleep(Duration::from_millis(150)).await;
    }
}

/// An assistant accepts an invitation, sees the expert's appointments but no money, and is removed again.
pub(super) async fn invite_assistant(journey: &mut Journey) -> Result<(), Mismatch> {
    let assistant = journey.other_client.clone();
    let name = &assistant.user.name;
    journey.step(format!("{name} becomes the expert's assistant for a while"));
    let team = journey.api.get(&path(journey, "/members")).signed_in(&journey.expert.token);
    let team: Value = team.quiet().send().await?.document(200)?;
    let known =
        team["members"].as_array().into_iter().flatten().find(|member| member["name"] == name.as_str());
    let member = match known {
        // An earlier run stopped before the assistant was removed.
        Some(member) => member.clone(),
        None => {
            let terms = json!({ "role": "assistant", "name": name });
            let request = journey.api.post(&path(journey, "/invitations")).signed_in(&journey.expert.token);
            let request = request.header("Idempotency-Key", &key()).json(&terms);
            let invitation: Value = request.send().await?.document(201)?;
            let accept = path(journey, &format!("/invitations/{}/acceptance", text(&invitation, "/id")?));
            let accept = journey.api.post(&accept).signed_in(&assistant.token);
            accept.json(&json!({ "secret": invitation["secret"] })).send().await?.document(200)?
        }
    };
    let expert = journey.expert.user.expert_id;
    let listed = format!("/v1/appointments?as=expert&expert_id={expert}");
    let listed: Value = journey.api.get(&listed).signed_in(&assistant.token).send().await?.document(200)?;
    let count = listed["appointments"].as_array().map_or(0, Vec::len);
    journey.print(format_args!("The assistant sees the expert's appointments, {count} on the first page."));
    let refused = journey.api.get(&path(journey, "/ledger")).signed_in(&assistant.token).send().await?;
    let refused: Value = refused.document(403)?;
    journey.print(format_args!("The ledger is refused: {}.", text(&refused, "/detail")?));
    let remove = path(journey, &format!("/members/{}", text(&member, "/person_id")?));
    let remove = journey.api.delete(&remove).signed_in(&journey.expert.token);
    remove.header("If-Match", &format!("\"{}\"", member["version"])).send().await?.with_status(204)?;
    journey.print("The expert removes the assistant.");
    Ok(())
}

/// A new random idempotency key.
pub(super) fn key() -> String {
    use app::ports::Random;
    format!("demo-{:032x}", aws::SystemRandom.bits())
}
