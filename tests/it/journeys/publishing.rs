//! Publishing: profiles, availability rules, session types and slots.

use serde_json::json;

use crate::harness::{Offer, TestApp, free_hour, office_hours, paid_hour};

#[tokio::test]
async fn expert_publishes_and_updates_a_profile() {
    let test = TestApp::new().await;
    let profile = json!({ "name": "Ada Lovelace", "headline": "Engines", "about": "First\nof all" });
    let create = || test.post("/v1/experts").signed_in_as("ada").idempotency_key("k").json(&profile);
    let created = create().send().await;
    assert_eq!(
        created.headers["location"],
        format!("/v1/experts/{}", created.body["id"].as_str().expect("an id"))
    );
    let expert = created.clone().expect(201);
    assert_eq!(create().send().await.expect(201), expert, "a repeated request gets the same response");
    let again =
        test.post("/v1/experts").signed_in_as("ada").idempotency_key("k2").json(&profile).send().await;
    assert_eq!(again.problem(409), "already-exists");

    let path = format!("/v1/experts/{}", expert["id"].as_str().expect("an id"));
    let read = test.get(&path).send().await;
    assert_eq!(read.body["about"], "First\nof all");
    let edit = |tag: String| {
        let profile = json!({ "name": "Ada King", "headline": "Engines" });
        test.put(&path).signed_in_as("ada").header("If-Match", &tag).json(&profile).send()
    };
    assert_eq!(edit(read.etag()).await.expect(200)["name"], "Ada King");
    let stale = edit(read.etag()).await;
    assert_eq!(stale.problem(412), "version-mismatch");
    assert_eq!(stale.body["current_version"], 2);
    assert_eq!(test.get(&path).send().await.body["about"], "");
}

#[tokio::test]
async fn availability_rules_are_replaced_only_on_the_version_that_was_read() {
    let test = TestApp::new().await;
    let expert = test.expert(&office_hours()).await;
    let path = format!("/v1/experts/{expert}/availability");
    let read = test.get(&path).signed_in_as("ada").send().await;
    assert_eq!(read.etag(), "\"1\"");
    let mut rules = read.expect(200);
    rules["overrides"] = json!({ "2027-01-05": [{ "opens": "20:00", "closes": "02:00" }], "2027-01-06": [] });
    rules["blocked"] = json!([{ "first": "2027-01-08", "last": "2027-01-10" }]);
    rules["extra"] = json!([{ "date": "2027-01-09", "opens": "10:00", "closes": "11:00" }]);
    let mut equal = rules.clone();
    equal["weekly"]["monday"] = json!([{ "opens": "09:00", "closes": "09:00" }]);
    let refused = test.put(&path).signed_in_as("ada").header("If-Match", "\"1\"").json(&equal).send().await;
    assert_eq!((refused.problem(422), refused.places()), ("invalid", vec!["/weekly/monday/0/closes"]));
    let replace = |tag: &str| test.put(&path).signed_in_as("ada").header("If-Match", tag).json(&rules).send();
    assert_eq!(replace("\"1\"").await.expect(200), rules);
    assert_eq!(replace("\"1\"").await.problem(412), "version-mismatch");
    let without = test.put(&path).signed_in_as("ada").json(&rules).send().await;
    assert_eq!(without.problem(428), "version-required");

    let session_type = test.session_type(&expert, &free_hour()).await;
    let offer = Offer { expert, session_type };
    let night = test.starts(&offer, "2027-01-05").await;
    assert_eq!((night.first().map(String::as_str), night.len()), (Some("2027-01-05T20:00:00Z"), 7));
    // The window that begins on Tuesday evening ends at midnight, because Wednesday is blocked.
    assert_eq!(test.starts(&offer, "2027-01-06").await, [] as [&str; 0]);
    assert_eq!(test.starts(&offer, "2027-01-09").await, [] as [&str; 0]);
    assert_eq!(test.starts(&offer, "2027-01-07").await.len(), 15);
}

#[tokio::test]
async fn session_types_are_created_updated_and_retired() {
    let test = TestApp::new().await;
    let expert = test.expert(&office_hours()).await;
    let id = test.session_type(&expert, &paid_hour()).await;
    let list = format!("/v1/experts/{expert}/session-types");
    assert_eq!(test.get(&list).send().await.expect(200)["session_types"][0]["name"], "Consultation");

    let path = format!("{list}/{id}");
    let mut terms = paid_hour();
    terms["durations"][0]["minutes"] = json!(45);
    let edit = |tag: &str| test.put(&path).signed_in_as("ada").header("If-Match", tag).json(&terms).send();
    let edited = edit("\"1\"").await;
    assert_eq!(edited.etag(), "\"2\"");
    assert_eq!(edit("\"1\"").await.problem(412), "version-mismatch");

    let retire = |tag: &str| {
        test.request(reqwest::Method::DELETE, &path).signed_in_as("ada").header("If-Match", tag).send()
    };
    assert_eq!(retire("\"1\"").await.problem(412), "version-mismatch");
    let read = test.get(&path).send().await;
    assert_eq!((read.etag().as_str(), &read.body), ("\"2\"", &edited.body));
    assert_eq!(retire("\"2\"").await.expect(200)["status"], "retired");
    assert_eq!(retire("\"2\"").await.expect(200)["status"], "retired", "a repeated request succeeds");
    assert_eq!(test.get(&path).send().await.expect(200)["status"], "retired");
    assert_eq!(test.get(&list).send().await.expect(200)["session_types"], json!([]));
    let all = test.get(&format!("{list}?status=all")).send().await.expect(200);
    assert_eq!(all["session_types"][0]["id"], id);

    let offer = Offer { expert: expert.clone(), session_type: id };
    assert_eq!(test.book(&offer, "2027-01-05T10:00:00Z", "k").await.problem(409), "session-type-retired");
    let slots = format!(
        "/v1/experts/{expert}/slots?session_type_id={}&from=2027-01-05T00:00:00Z&to=2027-01-06T00:00:00Z",
        offer.session_type
    );
    assert_eq!(test.get(&slots).send().await.problem(404), "not-found");

    let again = |tag: &str| {
        test.post(&format!("{path}/offer-again")).signed_in_as("ada").header("If-Match", tag).send()
    };
    assert_eq!(again("\"2\"").await.problem(412), "version-mismatch");
    let offered = again("\"3\"").await;
    assert_eq!((offered.etag().as_str(), &offered.body["status"]), ("\"4\"", &json!("active")));
    assert_eq!(offered.body["durations"][0]["minutes"], 45);
    assert_eq!(again("\"4\"").await.expect(200)["version"], 4, "an active session type does not change");
    test.get(&slots).send().await.expect(200);
}

#[tokio::test]
async fn retired_session_types_do_not_count_against_the_limit() {
    let test = TestApp::new().await;
    let expert = test.expert(&office_hours()).await;
    let list = format!("/v1/experts/{expert}/session-types");
    let create = |number: usize| {
        test.post(&list).signed_in_as("ada").idempotency_key(&format!("k{number}")).json(&paid_hour()).send()
    };
    let first = create(0).await.expect(201)["id"].as_str().expect("an id").to_owned();
    for number in 1..100 {
        create(number).await.expect(201);
    }
    assert_eq!(create(100).await.problem(409), "limit-exceeded");
    let path = format!("{list}/{first}");
    let retired =
        test.request(reqwest::Method::DELETE, &path).signed_in_as("ada").header("If-Match", "\"1\"");
    retired.send().await.expect(200);
    create(101).await.expect(201);
    let again = test.post(&format!("{path}/offer-again")).signed_in_as("ada").header("If-Match", "\"2\"");
    assert_eq!(again.send().await.problem(409), "limit-exceeded");
}

#[tokio::test]
async fn slots_are_listed_in_utc_and_in_the_requested_zone() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let Offer { expert, session_type } = &offer;
    let path = |zone: &str| {
        format!(
            "/v1/experts/{expert}/slots?session_type_id={session_type}&from=2027-01-05T09:00:00Z&to=2027-01-05T10:00:00Z\
             &time_zone={zone}"
        )
    };
    let slots = test.get(&path("Asia/Kolkata")).send().await.expect(200);
    assert_eq!(
        slots,
        json!({
            "time_zone": "Asia/Kolkata",
            "truncated": false,
            "slots": [
                { "start": "2027-01-05T09:00:00Z", "local_start": "2027-01-05T14:30:00+05:30", "seats": 1 },
                { "start": "2027-01-05T09:30:00Z", "local_start": "2027-01-05T15:00:00+05:30", "seats": 1 },
            ],
            "bookable_from": "2027-01-04T08:00:00Z",
            "bookable_until": "2027-03-06T00:00:00Z",
        })
    );
    assert_eq!(test.get(&path("Mars/Olympus")).send().await.problem(422), "invalid");
}

#[tokio::test]
async fn truncated_slot_list_has_the_start_of_the_next_page() {
    let test = TestApp::new().await;
    let open = json!([{ "opens": "00:00", "closes": "24:00" }]);
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let weekly: serde_json::Map<_, _> = days.iter().map(|day| ((*day).to_owned(), open.clone())).collect();
    let expert = test.expert(&json!({ "time_zone": "UTC", "weekly": weekly })).await;
    let mut terms = free_hour();
    terms["step_minutes"] = json!(5);
    let session_type = test.session_type(&expert, &terms).await;
    let test = &test;
    let list = |from: String| {
        let path = format!(
            "/v1/experts/{expert}/slots?session_type_id={session_type}&from={from}&to=2027-02-04T00:00:00Z"
        );
        async move { test.get(&path).send().await.expect(200) }
    };
    let mut count = 0;
    let mut from = "2027-01-05T00:00:00Z".to_owned();
    loop {
        let page = list(from).await;
        count += page["slots"].as_array().expect("a list").len();
        match page["next_from"].as_str() {
            Some(next) => from = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(count, 30 * 24 * 12);
}
