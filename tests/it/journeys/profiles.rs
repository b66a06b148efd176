//! What experts say about themselves, and whether they are a draft, live or suspended.

use serde_json::{Value, json};

use crate::harness::{TestApp, free_hour, id, office_hours};

/// A profile with every member.
fn full_profile() -> Value {
    json!({
        "name": "Ada Lovelace",
        "headline": "Analytical engines",
        "about": "Notes on the engine.",
        "specializations": ["Analytical engines", "Bernoulli numbers"],
        "experience_years": 12,
        "languages": ["en-gb", "FR"],
        "country": "GB",
        "links": ["https://example.org/ada"],
        "hourly_rate": { "amount": 9_000 },
        "mentorship_capacity": 5,
    })
}

#[tokio::test]
async fn profile_has_everything_that_clients_ask_for() {
    let test = TestApp::new().await;
    let create = test.post("/v1/experts").signed_in_as("ada").idempotency_key("k").json(&full_profile());
    let mut created = create.send().await.expect(201);
    assert_eq!(created["status"], "live");
    let path = format!("/v1/experts/{}", id(&created));
    let read = test.get(&path).send().await.expect(200);
    created.as_object_mut().expect("an object").remove("requested_status");
    assert_eq!(read, created);
    assert_eq!(read["languages"], json!(["en-GB", "fr"]), "in canonical form");
    assert_eq!(read["hourly_rate"], json!({ "amount": 9_000, "currency": "GBP" }), "in that of the country");
    assert_eq!(read["version"], 1);
    for (name, value) in full_profile().as_object().expect("an object") {
        if !["languages", "hourly_rate"].contains(&name.as_str()) {
            assert_eq!(read[name], *value, "{name}");
        }
    }
}

#[tokio::test]
async fn invalid_members_of_a_profile_are_refused_by_name() {
    let test = TestApp::new().await;
    let texts = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
    for (name, value, place) in [
        ("specializations", json!(texts(21)), "/specializations"),
        ("specializations", json!(["one", "one"]), "/specializations/1"),
        ("specializations", json!([""]), "/specializations/0"),
        ("experience_years", json!(81), "/experience_years"),
        ("experience_years", json!(-1), "/experience_years"),
        ("languages", json!(["english!"]), "/languages/0"),
        ("languages", json!(["en", "EN"]), "/languages/1"),
        ("country", json!("XX"), "/country"),
        ("links", json!(["http://example.org"]), "/links/0"),
        ("links", json!(["javascript:alert(1)"]), "/links/0"),
        ("links", json!(["https://ada:secret@example.org"]), "/links/0"),
        ("links", json!(["https://127.0.0.1/"]), "/links/0"),
        ("links", json!([format!("https://example.org/{}", "x".repeat(500))]), "/links/0"),
        ("hourly_rate", json!({ "amount": 9_000, "currency": "XYZ" }), "/hourly_rate/currency"),
        ("hourly_rate", json!({ "amount": 1e12 as u64, "currency": "GBP" }), "/hourly_rate/amount"),
        ("mentorship_capacity", json!(0), "/mentorship_capacity"),
        ("mentorship_capacity", json!(101), "/mentorship_capacity"),
        ("status", json!("suspended"), "/status"),
    ] {
        let mut profile = full_profile();
        profile[name] = value.clone();
        let create = test.post("/v1/experts").signed_in_as("ada").idempotency_key("k").json(&profile);
        let refused = create.send().await;
        assert_eq!(refused.problem(422), "invalid", "{name}: {value}");
        assert_eq!(refused.places(), [place], "{name}: {value}");
    }
    let mut profile = full_profile();
    profile["country"] = Value::Null;
    let refused =
        test.post("/v1/experts").signed_in_as("ada").idempotency_key("k").json(&profile).send().await;
    assert_eq!(refused.problem(422), "invalid");
    assert_eq!(refused.places(), ["/hourly_rate/currency"]);
}

#[tokio::test]
async fn draft_is_private_and_cannot_be_booked_until_it_is_published() {
    let test = TestApp::new().await;
    let mut profile = full_profile();
    profile["status"] = json!("draft");
    let create = test.post("/v1/experts").signed_in_as("ada").idempotency_key("profile").json(&profile);
    let expert = id(&create.send().await.expect(201));
    let (public, own) = (format!("/v1/experts/{expert}"), format!("/v1/experts/{expert}/profile"));
    assert_eq!(test.get(&public).send().await.problem(404), "not-found");
    assert_eq!(test.get(&own).signed_in_as("alan").send().await.problem(403), "forbidden");
    for reader in ["ada", "margaret"] {
        assert_eq!(test.get(&own).signed_in_as(reader).send().await.expect(200)["status"], "draft");
    }
    let rules = test.put(&format!("{public}/availability")).signed_in_as("ada").header("If-Match", "\"0\"");
    rules.json(&office_hours()).send().await.expect(200);
    let session_type = test.session_type(&expert, &free_hour()).await;
    let offer = crate::harness::Offer { expert, session_type };
    assert_eq!(test.book(&offer, "2027-01-05T10:00:00Z", "k1").await.problem(404), "not-found");

    let tag = test.get(&own).signed_in_as("ada").send().await.etag();
    profile["status"] = json!("live");
    let publish = test.put(&public).signed_in_as("ada").header("If-Match", &tag).json(&profile);
    assert_eq!(publish.send().await.expect(200)["status"], "live");
    assert_eq!(test.get(&public).send().await.expect(200)["status"], "live");
    assert_eq!(test.starts(&offer, "2027-01-05").await.len(), 15);
    let booked = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k2").await.expect(201));

    profile["status"] = json!("draft");
    let tag = test.get(&own).signed_in_as("ada").send().await.etag();
    let withdraw = test.put(&public).signed_in_as("ada").header("If-Match", &tag).json(&profile);
    assert_eq!(withdraw.send().await.expect(200)["status"], "draft");
    assert_eq!(test.appointment(&booked).await["status"], "confirmed", "existing appointments stay");
}

#[tokio::test]
async fn suspended_expert_cannot_be_booked_until_an_administrator_lifts_it() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let booked = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201));
    let path = format!("/v1/experts/{}", offer.expert);
    let suspend = |who: &'static str, tag: &'static str, suspended: bool| {
        let body = json!({ "suspended": suspended });
        let request = test.put(&format!("{path}/suspension")).signed_in_as(who).header("If-Match", tag);
        request.json(&body).send()
    };
    assert_eq!(suspend("ada", "\"1\"", false).await.problem(403), "forbidden");
    assert_eq!(suspend("margaret", "\"2\"", true).await.problem(412), "version-mismatch");
    assert_eq!(suspend("margaret", "\"1\"", true).await.expect(200)["status"], "suspended");
    let read = test.get(&path).send().await;
    assert_eq!(read.body["status"], "suspended");
    assert_eq!(test.starts(&offer, "2027-01-05").await, [] as [&str; 0]);
    let slots = format!(
        "{path}/slots?session_type_id={}&from=2027-01-05T00:00:00Z&to=2027-01-06T00:00:00Z",
        offer.session_type
    );
    assert_eq!(test.get(&slots).send().await.expect(200)["empty_reason"], "expert_not_live");
    assert_eq!(test.book(&offer, "2027-01-05T12:00:00Z", "k2").await.problem(409), "expert-not-live");

    // The expert cannot lift the suspension, by whatever status they choose.
    let mut profile = full_profile();
    profile["status"] = json!("live");
    let edit = test.put(&path).signed_in_as("ada").header("If-Match", &read.etag()).json(&profile);
    let edited = edit.send().await.expect(200);
    assert_eq!((&edited["status"], &edited["requested_status"]), (&json!("suspended"), &json!("live")));

    // Existing appointments stay and can be moved.
    let moved = json!({ "start": "2027-01-05T14:00:00Z" });
    let moved = test.post_action("alan", &booked, "reschedule", &moved).await.expect(200);
    assert_eq!(moved["start"], "2027-01-05T14:00:00Z");

    assert_eq!(suspend("margaret", "\"3\"", false).await.expect(200)["status"], "live");
    test.book(&offer, "2027-01-05T12:00:00Z", "k3").await.expect(201);
}

#[tokio::test]
async fn suspended_expert_sees_the_status_that_they_chose() {
    let test = TestApp::new().await;
    let create = test.post("/v1/experts").signed_in_as("ada").idempotency_key("k").json(&full_profile());
    let created = create.send().await.expect(201);
    assert_eq!((&created["status"], &created["requested_status"]), (&json!("live"), &json!("live")));
    let public = format!("/v1/experts/{}", id(&created));
    let own = format!("{public}/profile");
    let suspend = async |tag: &str, suspended: bool| {
        let request = test.put(&format!("{public}/suspension")).signed_in_as("margaret");
        let request = request.header("If-Match", tag).json(&json!({ "suspended": suspended }));
        request.send().await.expect(200)
    };
    assert_eq!(suspend("\"1\"", true).await["requested_status"], "live");
    assert_eq!(test.get(&public).send().await.expect(200).get("requested_status"), None);

    let mut profile = full_profile();
    profile["status"] = json!("draft");
    let edit = test.put(&public).signed_in_as("ada").header("If-Match", "\"2\"").json(&profile);
    let edited = edit.send().await.expect(200);
    assert_eq!((&edited["status"], &edited["requested_status"]), (&json!("suspended"), &json!("draft")));
    assert_eq!(test.get(&own).signed_in_as("ada").send().await.expect(200), edited);
    assert_eq!(
        test.get(&public).send().await.problem(404),
        "not-found",
        "only a published profile is public"
    );
    let lifted = suspend("\"3\"", false).await;
    assert_eq!((&lifted["status"], &lifted["requested_status"]), (&json!("draft"), &json!("draft")));
}

#[tokio::test]
async fn expert_at_capacity_takes_only_clients_with_upcoming_appointments() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let path = format!("/v1/experts/{}", offer.expert);
    let mut profile = full_profile();
    profile["mentorship_capacity"] = json!(2);
    let edit = test.put(&path).signed_in_as("ada").header("If-Match", "\"1\"").json(&profile);
    edit.send().await.expect(200);
    let book = |who: &'static str, hour: u8, key: &'static str| {
        let start = format!("2027-01-05T{hour:02}:00:00Z");
        let offer = &offer;
        let test = &test;
        async move { test.book_as(who, offer, &start, key).await }
    };
    let first = id(&book("alan", 9, "k1").await.expect(201));
    book("katherine", 10, "k1").await.expect(201);
    assert_eq!(book("grace", 11, "k1").await.problem(409), "expert-at-capacity");
    book("katherine", 11, "k2").await.expect(201);
    // A cancelled appointment makes room for another client, a minute after its booking.
    test.post_action("alan", &first, "cancel", &json!({})).await.expect(200);
    test.advance(60);
    book("grace", 12, "k2").await.expect(201);
    assert_eq!(book("alan", 13, "k2").await.problem(409), "expert-at-capacity");
    // So does one that has ended.
    let end: domain::Timestamp = "2027-01-05T13:00:00Z".parse().expect("a time");
    test.advance(end.seconds() - test.clock.now());
    book("alan", 14, "k3").await.expect(201);
}
