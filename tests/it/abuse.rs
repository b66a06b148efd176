//! Invalid input: each request gets a problem document that says what to do, and changes nothing.

use serde_json::{Value, json};
use simulators::stripe::signature_header;

use crate::harness::{TestApp, free_hour, id, office_hours, paid_hour};

fn edited(mut document: Value, path: &str, value: Value) -> Value {
    *document.pointer_mut(path).unwrap_or_else(|| panic!("{path} is there")) = value;
    document
}

fn with(mut document: Value, name: &str, value: Value) -> Value {
    document[name] = value;
    document
}

fn without(mut document: Value, name: &str) -> Value {
    document.as_object_mut().expect("an object").remove(name);
    document
}

#[tokio::test]
async fn invalid_bodies_are_refused() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let before = test.snapshot().await;
    let good = TestApp::booking(&offer, "2027-01-05T10:00:00Z");
    let post = |body: Vec<u8>, kind: &str| {
        test.post("/v1/appointments")
            .signed_in_as("alan")
            .idempotency_key("k")
            .header("Content-Type", kind)
            .raw(body)
            .send()
    };
    let json = "application/json";
    // Duplicate names, which a `Value` cannot represent.
    let with_member = |member: &str| format!("{{{member},{}", &good.to_string()[1..]).into_bytes();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (body, kind, status, problem) in [
        (b"{".to_vec(), json, 400, "malformed"),
        (b"".to_vec(), json, 400, "malformed"),
        (b"\xff\xfe{}".to_vec(), json, 400, "malformed"),
        (b"{\"seats\":1}}".to_vec(), json, 400, "malformed"),
        (format!("{good} {good}").into_bytes(), json, 400, "malformed"),
        (b"null".to_vec(), json, 422, "invalid"),
        (b"[]".to_vec(), json, 422, "invalid"),
        (b"1e999".to_vec(), json, 400, "malformed"),
        (deep.into_bytes(), json, 400, "malformed"),
        (b"{\"a\":".to_vec(), json, 400, "malformed"),
        (with_member(r#""start":"2027-01-05T11:00:00Z""#), json, 400, "malformed"),
        (with_member(r#""x":[{"y":1,"\u0079":2}]"#), json, 400, "malformed"),
        (good.to_string().into_bytes(), "text/plain", 415, "unsupported-media-type"),
        (good.to_string().into_bytes(), "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (vec![b' '; 256 * 1024 + 1], json, 413, "content-too-large"),
        (vec![b' '; 11 * 1024 * 1024], json, 413, "content-too-large"),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert_eq!(post(body, kind).await.problem(status), problem, "{kind}: {shown}");
    }
    assert_eq!(test.snapshot().await, before);
}

#[tokio::test]
async fn bookings_with_invalid_values_are_refused() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let before = test.snapshot().await;
    let good = TestApp::booking(&offer, "2027-01-05T10:00:00Z");
    let cases = [
        (with(good.clone(), "price", json!(1)), 422, "/price"),
        (with(good.clone(), "status", json!("confirmed")), 422, "/status"),
        (without(good.clone(), "start"), 422, "/start"),
        (with(good.clone(), "start", json!(1_800_000_000)), 422, "/start"),
        (with(good.clone(), "start", json!("tomorrow")), 422, "/start"),
        (with(good.clone(), "start", json!("0000-01-01T00:00:00Z")), 422, "/start"),
        (with(good.clone(), "start", json!("2027-01-05T10:00:00")), 422, "/start"),
        (with(good.clone(), "start", json!("2027-13-05T10:00:00Z")), 422, "/start"),
        (with(good.clone(), "start", json!("9999-12-31T23:59:59Z")), 409, "/start"),
        (with(good.clone(), "start", json!("1970-01-01T00:00:00Z")), 409, "/start"),
        (with(good.clone(), "seats", json!(0)), 422, "/seats"),
        (with(good.clone(), "seats", json!(-1)), 422, "/seats"),
        (with(good.clone(), "seats", json!(2)), 422, "/seats"),
        (with(good.clone(), "seats", json!(65_535)), 422, "/seats"),
        (with(good.clone(), "seats", json!(500)), 422, "/seats"),
        (with(good.clone(), "start", json!("2027-01-05 10:00:00Z")), 422, "/start"),
        (edited(good.clone(), "/attendee/name", json!("\u{202e}nalA")), 422, "/attendee/name"),
        (edited(good.clone(), "/attendee", json!(["Alan", "a@b.c", "UTC", ""])), 422, "/attendee"),
        (
            json!([good["expert_id"], good["session_type_id"], good["start"], 1, good["attendee"]]),
            422,
            "body",
        ),
        (with(good.clone(), "seats", json!(65_536)), 422, "/seats"),
        (with(good.clone(), "seats", json!(1.5)), 422, "/seats"),
        (with(good.clone(), "expert_id", json!("exp_x")), 422, "/expert_id"),
        (with(good.clone(), "expert_id", good["session_type_id"].clone()), 422, "/expert_id"),
        (with(good.clone(), "expert_id", json!("exp_00000000000000000000000000")), 404, ""),
        (with(good.clone(), "session_type_id", json!("ses_00000000000000000000000000")), 404, ""),
        (edited(good.clone(), "/attendee/email", json!("alan")), 422, "/attendee/email"),
        (edited(good.clone(), "/attendee/email", json!("a@b.c\r\nBcc: d@e.f")), 422, "/attendee/email"),
        (edited(good.clone(), "/attendee/name", json!("")), 422, "/attendee/name"),
        (edited(good.clone(), "/attendee/name", json!("x".repeat(121))), 422, "/attendee/name"),
        (edited(good.clone(), "/attendee/name", json!("a\u{0}b")), 422, "/attendee/name"),
        (edited(good.clone(), "/attendee/time_zone", json!("Mars/Olympus")), 422, "/attendee/time_zone"),
        (edited(good.clone(), "/attendee", json!({})), 422, "/attendee"),
        (edited(good.clone(), "/attendee", json!("Alan")), 422, "/attendee"),
    ];
    for (at, (body, status, field)) in cases.into_iter().enumerate() {
        let response = test
            .post("/v1/appointments")
            .signed_in_as("alan")
            .idempotency_key(&format!("k{at}"))
            .json(&body)
            .send()
            .await;
        response.problem(status);
        if !field.is_empty() {
            let places = response.places();
            assert!(places.iter().all(|place| place.starts_with(field)), "{body:#} {:#}", response.body);
            assert!(!places.is_empty());
        }
    }
    assert_eq!(test.snapshot().await, before);
    assert_eq!(
        test.get("/v1/appointments?as=client").signed_in_as("alan").send().await.body["appointments"],
        json!([])
    );
}

#[tokio::test]
async fn invalid_idempotency_keys_are_refused() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let body = TestApp::booking(&offer, "2027-01-05T10:00:00Z");
    let missing = test.post("/v1/appointments").signed_in_as("alan").json(&body).send().await;
    assert_eq!((missing.problem(400), missing.places()), ("malformed", vec!["Idempotency-Key"]));
    for key in ["", "a b", "a#R", &"k".repeat(256)] {
        let response =
            test.post("/v1/appointments").signed_in_as("alan").idempotency_key(key).json(&body).send().await;
        assert_eq!(response.problem(400), "malformed", "{key}");
    }
    assert_eq!(test.starts(&offer, "2027-01-05").await.len(), 15);
}

#[tokio::test]
async fn contradictory_session_types_and_rules_are_refused() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let before = test.snapshot().await;
    let terms = paid_hour();
    let kinds = [
        edited(terms.clone(), "/durations/0/minutes", json!(0)),
        edited(terms.clone(), "/durations/0/minutes", json!(1_441)),
        edited(terms.clone(), "/durations/0/minutes", json!(-60)),
        with(terms.clone(), "durations", json!([])),
        with(terms.clone(), "length_minutes", json!(60)),
        with(terms.clone(), "step_minutes", json!(0)),
        with(terms.clone(), "buffer_after_minutes", json!(721)),
        with(terms.clone(), "minimum_notice_minutes", json!(4_000_000_000_u64)),
        with(terms.clone(), "capacity", json!(0)),
        with(terms.clone(), "capacity", json!(501)),
        with(terms.clone(), "daily_cap", json!(0)),
        with(terms.clone(), "booking_window", json!({ "kind": "rolling", "days": 10_000 })),
        with(
            terms.clone(),
            "booking_window",
            json!({ "kind": "dates", "first": "2027-02-01", "last": "2027-01-01" }),
        ),
        with(
            terms.clone(),
            "booking_window",
            json!({ "kind": "dates", "first": "0000-02-01", "last": "2027-01-01" }),
        ),
        with(terms.clone(), "booking_window", json!({ "kind": "ever" })),
        edited(terms.clone(), "/durations/0/price", json!([0, "EUR"])),
        edited(terms.clone(), "/durations/0/price/amount", json!(-1)),
        edited(terms.clone(), "/durations/0/price/amount", json!(10.5)),
        edited(terms.clone(), "/durations/0/price/amount", json!(100_000_000)),
        edited(terms.clone(), "/durations/0/price/currency", json!("EURO")),
        edited(terms.clone(), "/durations/0/price/currency", json!("XXX")),
        with(terms.clone(), "name", json!("")),
        with(terms.clone(), "name", json!(["x"])),
        with(terms.clone(), "id", json!("ses_1")),
        without(terms.clone(), "durations"),
    ];
    let path = format!("/v1/experts/{}/session-types", offer.expert);
    for (at, kind) in kinds.into_iter().enumerate() {
        let response =
            test.post(&path).signed_in_as("ada").idempotency_key(&format!("k{at}")).json(&kind).send().await;
        assert_eq!(response.problem(422), "invalid", "{kind:#}");
        assert!(!response.places().is_empty(), "{:#}", response.body);
    }

    let rules = office_hours();
    let window = |opens: &str, closes: &str| json!([{ "opens": opens, "closes": closes }]);
    let wrong = [
        with(rules.clone(), "time_zone", json!("Europe/Atlantis")),
        with(rules.clone(), "time_zone", json!(1)),
        edited(rules.clone(), "/weekly/monday", window("25:00", "26:00")),
        edited(rules.clone(), "/weekly/monday", window("9:00", "17:00")),
        edited(rules.clone(), "/weekly/monday", window("24:00", "02:00")),
        edited(rules.clone(), "/weekly/monday", json!([{ "opens": "09:00" }])),
        edited(
            rules.clone(),
            "/weekly/monday",
            json!(vec![json!({ "opens": "09:00", "closes": "10:00" }); 13]),
        ),
        with(rules.clone(), "overrides", json!({ "2027-02-30": [] })),
        with(rules.clone(), "overrides", json!({ "0000-01-01": [] })),
        with(rules.clone(), "overrides", json!({ "2027-02- 1": [] })),
        with(rules.clone(), "blocked", json!([{ "first": "2027-02-02", "last": "2027-02-01" }])),
        with(rules.clone(), "extra", json!([{ "date": "10000-01-01", "opens": "09:00", "closes": "10:00" }])),
        with(rules.clone(), "monday", window("09:00", "10:00")),
    ];
    let path = format!("/v1/experts/{}/availability", offer.expert);
    for rules in wrong {
        let response =
            test.put(&path).signed_in_as("ada").header("If-Match", "\"1\"").json(&rules).send().await;
        assert_eq!(response.problem(422), "invalid", "{rules:#}");
    }
    for tag in ["1", "\"x\"", "W/\"1\"", "\"*\"", "\"-1\"", "\"+1\"", "\"01\""] {
        let response = test.put(&path).signed_in_as("ada").header("If-Match", tag).json(&rules).send().await;
        assert_eq!(response.problem(400), "malformed", "{tag}");
    }
    assert_eq!(test.snapshot().await, before);
}

#[tokio::test]
async fn invalid_queries_are_refused() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let kind = &offer.session_type;
    let ask = |query: String| {
        let path = format!("/v1/experts/{}/slots?{query}", offer.expert);
        let test = &test;
        async move { test.get(&path).send().await }
    };
    let range = |from: &str, to: &str| format!("session_type_id={kind}&from={from}&to={to}");
    let good = range("2027-01-05T00:00:00Z", "2027-01-06T00:00:00Z");
    ask(good.clone()).await.expect(200);
    for query in [
        String::new(),
        range("2027-01-05", "2027-01-06"),
        range("0000-01-01T00:00:00Z", "2027-01-06T00:00:00Z"),
        range("2027-01-05T00:00:00Z", "2037-01-05T00:00:00Z"),
        range("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        range("2027-01-06T00:00:00Z", "2027-01-05T00:00:00Z"),
        range("2027-01-05T00:00:00Z", "2027-01-05T00:00:00Z"),
        range("2027-01-05T00:00:00+01:00", "2027-01-06T00:00:00Z"),
        format!("{good}&explain=true&limit=1"),
        format!("{good}&time_zone=CEST%00"),
        good.replace("ses_", "exp_"),
        format!("{good}&from=2027-01-05T00:00:00Z"),
    ] {
        let response = ask(query.clone()).await;
        assert_eq!(response.problem(422), "invalid", "{query}");
    }
    // A distant time is valid; there are just no slots.
    let far = ask(range("9999-12-01T00:00:00Z", "9999-12-31T23:59:59Z")).await.expect(200);
    assert_eq!(far["slots"], json!([]));
    let list = |query: &str| test.get(&format!("/v1/appointments?{query}")).signed_in_as("alan").send();
    for query in [
        "",
        "as=admin",
        "as=client&limit=0",
        "as=client&limit=101",
        "as=client&cursor=%2e%2e/%00",
        "as=client&cursor=x",
        "as=client&cursor=001798790400%23apt_00000000000000000000000000",
        "as=client&x=1",
    ] {
        assert_eq!(list(query).await.problem(422), "invalid", "{query}");
    }
    let nowhere = list("as=client&cursor=001798790400.apt_00000000000000000000000000").await.expect(200);
    assert_eq!(nowhere["appointments"], json!([]));
    for path in [
        "/v1/experts/x",
        "/v1/experts/exp_%00",
        "/v1/experts/%FF",
        "/v1/experts/exp_00000000000000000000000000",
        "/v1",
        "/nowhere",
    ] {
        assert_eq!(test.get(path).send().await.problem(404), "not-found", "{path}");
    }
    let wrong_method = test.request(reqwest::Method::PATCH, "/v1/appointments").send().await;
    assert_eq!(wrong_method.problem(405), "method-not-allowed");
}

#[tokio::test]
async fn webhooks_not_from_stripe_are_refused() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201);
    let now = test.clock.now();
    let event = json!({
        "id": "evt_forged",
        "type": "payment_intent.succeeded",
        "data": { "object": { "id": "pi_1", "metadata": { "appointment_id": booked["id"] } } },
    })
    .to_string();
    let post = |signature: String, body: Vec<u8>| {
        test.post("/v1/webhooks/stripe").header("Stripe-Signature", &signature).raw(body).send()
    };
    let good = |body: &str| signature_header("whsec_local", now, body);
    for (signature, body) in [
        (String::new(), event.clone()),
        (signature_header("whsec_other", now, &event), event.clone()),
        (good(&event), event.replace("succeeded", "succeeded ")),
        (signature_header("whsec_local", now - 301, &event), event.clone()),
        (signature_header("whsec_local", now + 301, &event), event.clone()),
        (good("{}"), "{}".to_owned()),
        (good("["), "[".to_owned()),
        (good(""), String::new()),
    ] {
        assert_eq!(
            post(signature, body.clone().into_bytes()).await.problem(400),
            "webhook-refused",
            "{body}"
        );
    }
    let large = vec![b' '; 300 * 1024];
    assert_eq!(post("t=1,v1=00".to_owned(), large).await.problem(413), "content-too-large");
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "pending");
    // The content of a signed webhook is not trusted: nothing was paid, so nothing is confirmed.
    assert_eq!(post(good(&event), event.clone().into_bytes()).await.status, 204);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "pending");
    // A webhook about an unknown object.
    for kind in ["payment_intent.succeeded", "account.updated", "price.created", "x"] {
        let body = json!({ "id": format!("evt_{kind}"), "type": kind, "data": { "object": { "id": "x" } } })
            .to_string();
        assert_eq!(post(good(&body), body.clone().into_bytes()).await.status, 204, "{kind}");
    }
}

#[tokio::test]
async fn invalid_message_becomes_a_dead_letter_and_the_rest_is_processed() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    for queue in test.stack.queues.iter() {
        queue.put("poison");
        queue.put("payment:apt_00000000000000000000000000");
    }
    test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201);
    for _ in 0..5 {
        test.stack.run_until_idle().await;
        test.advance(180);
    }
    assert_eq!(test.stack.bus.published().len(), 1);
    for queue in test.stack.queues.iter() {
        let state = queue.inspect();
        assert_eq!(
            (state.waiting, state.dead_letters),
            (0, vec!["poison".to_owned()]),
            "{}",
            queue.failure_domain
        );
    }
}

#[tokio::test]
async fn responses_contain_no_secret() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.book_and_pay(&offer, "2027-01-05T10:00:00Z", "k").await;
    for (path, person) in [
        ("/v1/appointments?as=client", "alan"),
        ("/v1/appointments?as=expert", "ada"),
        ("/openapi.json", "alan"),
        ("/health", "alan"),
    ] {
        let body = test.get(path).signed_in_as(person).send().await.expect(200).to_string();
        for secret in ["sk_test_local", "whsec_local"] {
            assert!(!body.contains(secret), "{path}");
        }
        // The client secret of a payment is only for the client who pays; the OpenAPI document has an example of one.
        assert!(path == "/openapi.json" || !body.contains("_secret_"), "{path}");
    }
}

#[tokio::test]
async fn public_list_of_large_session_types_ends_at_a_megabyte() {
    let test = TestApp::new().await;
    let mut terms = free_hour();
    terms["description"] = json!("\u{1f980}".repeat(4_000));
    let offer = test.offer(&terms).await;
    for number in 1..70 {
        terms["name"] = json!(format!("Session {number}"));
        test.session_type(&offer.expert, &terms).await;
    }
    let list = test.get(&format!("/v1/experts/{}/session-types", offer.expert)).send().await.expect(200);
    let shown = list["session_types"].as_array().expect("a list");
    assert_eq!(list["truncated"], true);
    assert!((50..65).contains(&shown.len()) && list.to_string().len() < 1 << 20, "{}", shown.len());
    // The expert sees all of them.
    let own = test.get(&format!("/v1/experts/{}/profile/session-types", offer.expert)).signed_in_as("ada");
    let own = own.send().await.expect(200);
    assert_eq!(own["session_types"].as_array().expect("a list").len(), 70);
    assert_eq!(own["truncated"], false);
}
