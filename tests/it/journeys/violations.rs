//! A refused request lists everything that is wrong with it, and where.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Response, TestApp, free_hour, office_hours, paid_hour};

/// The places of the violations, sorted.
fn places(response: &Response) -> BTreeSet<&str> {
    assert_eq!(response.problem(422), "invalid");
    response.places().into_iter().collect()
}

/// What is said about a place.
fn detail<'a>(response: &'a Response, place: &str) -> &'a str {
    let violations = response.body["violations"].as_array().expect("violations");
    let found = violations.iter().find(|one| one["pointer"] == place || one["parameter"] == place);
    found.and_then(|one| one["detail"].as_str()).unwrap_or_else(|| panic!("{place}: {:#}", response.body))
}

#[tokio::test]
async fn body_with_five_mistakes_lists_five() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let before = test.snapshot().await;
    let booking = json!({
        "expert_id": offer.session_type,
        "session_type_id": offer.session_type,
        "start": "tomorrow",
        "seats": 0,
        "attendee": { "name": "Alan", "email": "alan", "time_zone": "Europe/Berlin", "phone": "1" },
    });
    let refused =
        test.post("/v1/appointments").signed_in_as("alan").idempotency_key("k").json(&booking).send().await;
    let expected = ["/expert_id", "/start", "/seats", "/attendee/email", "/attendee/phone"];
    assert_eq!(places(&refused), BTreeSet::from(expected));
    assert_eq!(refused.body["violations"].as_array().map(Vec::len), Some(5));
    assert_eq!(refused.body["detail"], "5 values are invalid; see violations");
    assert_eq!(refused.body.get("truncated"), None);
    assert_eq!(detail(&refused, "/seats"), "must be an integer from 1 to 500");
    assert_eq!(detail(&refused, "/attendee/email"), "must be an e-mail address such as ada@example.org");
    assert_eq!(test.snapshot().await, before);
}

#[tokio::test]
async fn every_broken_rule_of_a_session_type_is_listed() {
    let euros = vec![domain::Currency::EUR];
    let test = TestApp::with(|config| config.settings.currencies = euros).await;
    let offer = test.offer(&free_hour()).await;
    let mut terms = paid_hour();
    for (name, value) in [
        (
            "durations",
            json!([{ "minutes": 60, "price": { "amount": 1, "currency": "USD" } }, { "minutes": 60 }]),
        ),
        ("booking_window", json!({ "kind": "dates", "first": "2027-02-02", "last": "2027-02-01" })),
        (
            "cancellation_policy",
            json!({ "tiers": [
                { "until_hours_before": 24, "refund_percent": 50 },
                { "until_hours_before": 48, "refund_percent": 50 },
            ] }),
        ),
        ("presentment_currencies", json!(["EUR", "GBP"])),
    ] {
        terms[name] = value;
    }
    let path = format!("/v1/experts/{}/session-types", offer.expert);
    let refused = test.post(&path).signed_in_as("ada").idempotency_key("k").json(&terms).send().await;
    let expected = [
        "/durations/0/price/amount",
        "/durations/0/price/currency",
        "/durations/1/minutes",
        "/durations/1/price",
        "/booking_window/last",
        "/cancellation_policy/tiers/1/until_hours_before",
        "/cancellation_policy/tiers/1/refund_percent",
        "/presentment_currencies/1",
    ];
    assert_eq!(places(&refused), BTreeSet::from(expected), "{:#}", refused.body);
}

#[tokio::test]
async fn every_broken_rule_of_availability_is_listed() {
    let test = TestApp::new().await;
    let expert = test.expert(&office_hours()).await;
    let replace = async |rules: &Value| {
        let path = format!("/v1/experts/{expert}/availability");
        test.put(&path).signed_in_as("ada").header("If-Match", "\"1\"").json(rules).send().await
    };
    let mut rules = office_hours();
    rules["weekly"]["monday"] = json!([{ "opens": "24:00", "closes": "02:00" }]);
    rules["blocked"] = json!([
        { "first": "2027-02-01", "last": "2027-02-01" },
        { "first": "2027-02-02", "last": "2027-02-01" },
    ]);
    let refused = replace(&rules).await;
    assert_eq!(places(&refused), BTreeSet::from(["/weekly/monday/0/opens", "/blocked/1/last"]));

    rules["time_zone"] = json!("Mars/Olympus");
    rules["weekly"]["monday"] = json!([{ "opens": "9:00" }]);
    rules["overrides"] = json!({ "2027-02-30": [], "a/b": [] });
    let refused = replace(&rules).await;
    let expected = [
        "/time_zone",
        "/weekly/monday/0/opens",
        "/weekly/monday/0/closes",
        "/overrides/2027-02-30",
        "/overrides/a~1b",
    ];
    assert_eq!(places(&refused), BTreeSet::from(expected), "{:#}", refused.body);
}

#[tokio::test]
async fn query_with_three_mistakes_lists_three() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let path = format!("/v1/experts/{}/slots?session_type_id=x&from=2027-01-05&limit=1", offer.expert);
    let refused = test.get(&path).send().await;
    assert_eq!(places(&refused), BTreeSet::from(["session_type_id", "from", "to", "limit"]));
    assert_eq!(detail(&refused, "to"), "is required");
    let refused = test.get("/v1/appointments?as=admin&limit=0").signed_in_as("alan").send().await;
    assert_eq!(places(&refused), BTreeSet::from(["as", "limit"]));
    assert_eq!(detail(&refused, "as"), "must be \"expert\" or \"client\"");
    assert_eq!(detail(&refused, "limit"), "must be an integer from 1 to 100");
    // A rule about two parameters is checked by the use case.
    let range = "from=2027-01-06T00:00:00Z&to=2027-01-05T00:00:00Z";
    let path = format!("/v1/experts/{}/slots?session_type_id={}&{range}", offer.expert, offer.session_type);
    assert_eq!(places(&test.get(&path).send().await), BTreeSet::from(["to"]));
}

#[tokio::test]
async fn long_list_of_violations_is_truncated() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let mut booking = TestApp::booking(&offer, "2027-01-05T10:00:00Z");
    for number in 0..5_000 {
        booking[format!("unknown{number}")] = json!(null);
    }
    let refused =
        test.post("/v1/appointments").signed_in_as("alan").idempotency_key("k").json(&booking).send().await;
    assert_eq!(refused.problem(422), "invalid");
    assert_eq!(refused.body["violations"].as_array().map(Vec::len), Some(100));
    assert_eq!(refused.body["truncated"], json!(true));
}

#[tokio::test]
async fn fraction_of_a_second_is_accepted_and_dropped() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let booked = test.book(&offer, "2027-01-05T10:00:00.999999+00:00", "k").await.expect(201);
    assert_eq!(booked["start"], "2027-01-05T10:00:00Z");
    let range = "from=2027-01-05T00:00:00.123Z&to=2027-01-06T00:00:00.000Z";
    let path = format!("/v1/experts/{}/slots?session_type_id={}&{range}", offer.expert, offer.session_type);
    assert_eq!(test.get(&path).send().await.expect(200)["slots"][0]["start"], "2027-01-05T09:00:00Z");
}

#[tokio::test]
async fn name_without_a_visible_character_is_refused() {
    let test = TestApp::new().await;
    let profile = json!({ "name": "\u{2800}\u{a0}", "headline": "\u{3000}", "about": "\u{2003}" });
    let refused =
        test.post("/v1/experts").signed_in_as("ada").idempotency_key("k").json(&profile).send().await;
    assert_eq!(places(&refused), BTreeSet::from(["/name", "/headline"]));
    assert_eq!(detail(&refused, "/name"), "must have at least one visible character");
}

#[tokio::test]
async fn text_that_a_reader_cannot_see_as_it_is_stored_is_refused() {
    let test = TestApp::new().await;
    let profile = |name: &str, about: &str| json!({ "name": name, "headline": "Engines", "about": about });
    let create = async |profile: &Value| {
        test.post("/v1/experts").signed_in_as("grace").idempotency_key("k").json(profile).send().await
    };
    let refused = create(&profile("Ada\u{200b}", "First\u{2028}second")).await;
    assert_eq!(places(&refused), BTreeSet::from(["/name", "/about"]));
    let must = "must not contain the invisible or undefined character U+200B";
    assert_eq!(detail(&refused, "/name"), must);
    assert_eq!(places(&create(&profile("\u{202e}adA", "")).await), BTreeSet::from(["/name"]));
    // A name in Persian and an emoji of two need invisible characters. A text can have lines.
    let name = "نور\u{200c}الله 👩\u{200d}💻";
    let created = create(&profile(name, "First\nsecond")).await.expect(201);
    assert_eq!((&created["name"], &created["about"]), (&json!(name), &json!("First\nsecond")));

    let offer = test.offer(&free_hour()).await;
    let mut booking = TestApp::booking(&offer, "2027-01-05T10:00:00Z");
    booking["attendee"]["email"] = json!("alan\u{200b}@example.org");
    let refused =
        test.post("/v1/appointments").signed_in_as("alan").idempotency_key("b").json(&booking).send().await;
    assert_eq!(
        (places(&refused), detail(&refused, "/attendee/email")),
        (BTreeSet::from(["/attendee/email"]), must)
    );
}

#[tokio::test]
async fn unknown_name_is_repeated_with_at_most_100_characters() {
    let test = TestApp::new().await;
    let long = "x".repeat(10_000);
    let mut profile = json!({ "name": "Ada", "headline": "Engines" });
    profile[&long] = json!(1);
    let refused =
        test.post("/v1/experts").signed_in_as("ada").idempotency_key("k").json(&profile).send().await;
    let shown = format!("/{}…", "x".repeat(99));
    assert_eq!(places(&refused), BTreeSet::from([shown.as_str()]));
    assert!(refused.body.to_string().chars().count() < 1_000, "{:#}", refused.body);
}

#[tokio::test]
async fn everything_that_the_session_type_does_not_allow_is_listed() {
    let test = TestApp::new().await;
    let mut terms = paid_hour();
    terms["capacity"] = json!(3);
    terms["presentment_currencies"] = json!(["USD"]);
    let offer = test.offer(&terms).await;
    let before = test.snapshot().await;
    let mut booking = TestApp::booking(&offer, "2027-01-05T10:00:00Z");
    let guest = json!({ "email": "grace@example.org" });
    for (name, value) in [
        ("duration_minutes", json!(45)),
        ("seats", json!(4)),
        ("details", json!({ "guests": [guest, guest] })),
        ("pay_in", json!("JPY")),
    ] {
        booking[name] = value;
    }
    let book = async |booking: &Value| {
        test.post("/v1/appointments").signed_in_as("alan").idempotency_key("k").json(booking).send().await
    };
    let refused = book(&booking).await;
    let expected = ["/duration_minutes", "/seats", "/details/guests/1/email", "/pay_in"];
    assert_eq!(places(&refused), BTreeSet::from(expected), "{:#}", refused.body);
    assert_eq!(detail(&refused, "/seats"), "must be from 1 to 3, got 4");
    assert_eq!(test.snapshot().await, before);
    booking["duration_minutes"] = json!(60);
    assert_eq!(places(&book(&booking).await), BTreeSet::from_iter(expected.into_iter().skip(1)));
}
