//! Suspended people: what they can no longer do, what they still can, and what happens to their appointments and payments.

use app::payments::jobs::PaymentsJob;
use reqwest::Method;
use serde_json::{Value, json};
use simulators::sign_in::Person;

use crate::harness::{GOOD_CARD, Response, TestApp, free_hour, office_hours, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";

/// The id of a person, as an administrator derives it from the id of a client or an expert.
fn person_of(id: &str) -> String {
    format!("per_{}", id.split_once('_').expect("an id").1)
}

/// An administrator suspends a person, or lifts the suspension.
async fn suspend(test: &TestApp, person: &str, suspended: bool, reason: &str) -> Response {
    let path = format!("/v1/people/{person}/suspension");
    let tag = test.get(&path).signed_in_as("margaret").send().await.etag();
    let change = test.put(&path).signed_in_as("margaret").header("If-Match", &tag);
    change.json(&json!({ "suspended": suspended, "reason": reason })).send().await
}

async fn me(test: &TestApp, subject: &str) -> Value {
    test.get("/v1/me").signed_in_as(subject).send().await.expect(200)
}

/// What the client would get back by cancelling now, and why.
async fn quote(test: &TestApp, appointment: &str) -> (Value, Value) {
    let path = format!("/v1/appointments/{appointment}/cancellation");
    let quote = test.get(&path).signed_in_as("alan").send().await.expect(200);
    (quote["refund"]["amount"].clone(), quote["reason"].clone())
}

#[tokio::test]
async fn suspended_client_cannot_book_but_can_read_and_cancel() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book_and_pay(&offer, AT, "a").await;
    let alan = me(&test, "alan").await;
    let person = person_of(alan["client_id"].as_str().expect("an id"));
    assert_eq!(alan["id"], person.as_str());
    let suspended = suspend(&test, &person, true, "Stolen cards").await.expect(200);
    assert_eq!((&suspended["suspended"], &suspended["version"]), (&json!(true), &json!(1)));

    let refused = test.book(&offer, "2027-01-05T12:00:00Z", "b").await;
    assert_eq!(refused.problem(403), "forbidden");
    assert!(refused.body["detail"].as_str().expect("text").contains("suspended"), "{:#}", refused.body);
    let reason = json!({ "reason": "Stolen cards", "since": "2027-01-04T08:00:00Z" });
    assert_eq!(me(&test, "alan").await["suspension"], reason);
    // What is booked stays.
    assert_eq!(test.appointment(&booked).await["status"], "confirmed");
    test.post_action("alan", &booked, "cancel", &Value::Null).await.expect(200);

    let lifted = suspend(&test, &person, false, "A mistake").await.expect(200);
    let by: Vec<&Value> =
        lifted["changes"].as_array().expect("a list").iter().map(|one| &one["by"]).collect();
    let margaret = me(&test, "margaret").await["id"].clone();
    assert_eq!((lifted["suspended"].clone(), by), (json!(false), vec![&margaret, &margaret]));
    assert_eq!(me(&test, "alan").await.get("suspension"), None);
    test.book(&offer, "2027-01-05T12:00:00Z", "c").await.expect(201);
}

#[tokio::test]
async fn administrator_does_not_suspend_a_person_with_whom_they_have_booked_a_session() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let charles = Person { groups: vec!["admin".to_owned(), "client".to_owned()], ..charles_himself() };
    let token = || format!("Bearer {}", test.stack.sign_in.access_token(&charles, 3_600));
    let suspend = async |person: &str| {
        let path = format!("/v1/people/{person}/suspension");
        let change = test.put(&path).header("Authorization", &token()).header("If-Match", "*");
        change.json(&json!({ "suspended": true, "reason": "A bad session" })).send().await
    };
    let book = test.post("/v1/appointments").header("Authorization", &token()).idempotency_key("k");
    let booked = book.json(&TestApp::booking(&offer, "2027-02-18T10:00:00Z")).send().await.expect(201);
    let expert = person_of(&offer.expert);
    let refused = suspend(&expert).await;
    assert_eq!(refused.problem(403), "forbidden");
    assert!(
        refused.body["detail"].as_str().expect("text").contains("booked a session"),
        "{:#}",
        refused.body
    );
    // It still counts after a cancellation, for 180 days whenever the session would have been.
    let path = format!("/v1/appointments/{}/cancel", booked["id"].as_str().expect("an id"));
    let cancel = test.post(&path).header("Authorization", &token()).header("If-Match", "*");
    cancel.json(&json!({})).send().await.expect(200);
    assert_eq!(suspend(&expert).await.problem(403), "forbidden");
    let alan = me(&test, "alan").await["id"].as_str().expect("an id").to_owned();
    suspend(&alan).await.expect(200);
    test.advance(182 * 86_400);
    suspend(&expert).await.expect(200);
}

#[tokio::test]
async fn suspended_expert_cannot_be_booked_or_change_the_offer() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    test.join(&offer.expert, "ada", "katherine", "manager").await;
    let path = format!("/v1/experts/{}", offer.expert);
    suspend(&test, &person_of(&offer.expert), true, "Complaints").await.expect(200);
    let listed = test.get(&format!("{path}/session-types")).send().await.expect(200);
    assert_eq!(listed["session_types"][0]["unavailable_reason"], "expert_not_live");
    assert_eq!(test.book(&offer, AT, "a").await.problem(409), "expert-not-live");
    let session_type = format!("{path}/session-types/{}", offer.session_type);
    let profile = json!({ "name": "Ada", "headline": "Engines" });
    // The members of a suspended expert act for them, so they cannot either.
    for subject in ["ada", "katherine"] {
        for (method, path, body) in [
            (Method::PUT, path.clone(), &profile),
            (Method::PUT, format!("{path}/availability"), &office_hours()),
            (Method::POST, format!("{path}/session-types"), &paid_hour()),
            (Method::PUT, session_type.clone(), &paid_hour()),
            (Method::DELETE, session_type.clone(), &Value::Null),
        ] {
            let request = test.request(method, &path).signed_in_as(subject).header("If-Match", "*");
            let request = request.idempotency_key("k");
            let request = if body.is_null() { request } else { request.json(body) };
            assert_eq!(request.send().await.problem(403), "forbidden", "{subject} {path}");
        }
        test.get(&format!("{path}/profile")).signed_in_as(subject).send().await.expect(200);
    }
    // The suspension of the expert alone is another one. Lifting one does not lift the other.
    let suspend_alone = async |suspended: bool| {
        let tag = test.get(&format!("{path}/profile")).signed_in_as("margaret").send().await.etag();
        let change =
            test.put(&format!("{path}/suspension")).signed_in_as("margaret").header("If-Match", &tag);
        change.json(&json!({ "suspended": suspended })).send().await.expect(200)["status"].clone()
    };
    assert_eq!(suspend_alone(true).await, "suspended");
    suspend(&test, &person_of(&offer.expert), false, "Settled").await.expect(200);
    assert_eq!(test.book(&offer, AT, "b").await.problem(409), "expert-not-live");
    suspend(&test, &person_of(&offer.expert), true, "Stolen cards again").await.expect(200);
    assert_eq!(suspend_alone(false).await, "suspended", "as a person");
    suspend(&test, &person_of(&offer.expert), false, "Settled").await.expect(200);
    test.book(&offer, AT, "c").await.expect(201);
}

#[tokio::test]
async fn client_of_a_suspended_expert_gets_everything_back() {
    let test = TestApp::new().await;
    let mut terms = paid_hour();
    terms["cancellation_policy"] =
        json!({ "tiers": [{ "until_hours_before": 48, "refund_percent": 50 }], "no_show_refund_percent": 0 });
    let offer = test.offer(&terms).await;
    let booked = test.book_and_pay(&offer, AT, "a").await;
    assert_eq!(quote(&test, &booked).await, (json!(0), json!("too_late")));
    suspend(&test, &person_of(&offer.expert), true, "Complaints").await.expect(200);
    assert_eq!(quote(&test, &booked).await, (json!(8_000), json!("expert_suspended")));
    let expected = json!({ "expected_refund": { "amount": 8_000, "currency": "EUR" } });
    test.post_action("alan", &booked, "cancel", &expected).await.expect(200);
    test.stack.run_until_idle().await;
    let cancelled = test.appointment(&booked).await;
    assert_eq!(
        (&cancelled["status"], &cancelled["payment"]["state"]),
        (&json!("cancelled"), &json!("refunded"))
    );
}

#[tokio::test]
async fn administrator_gets_no_refund_as_a_client_by_suspending_the_expert() {
    let test = TestApp::new().await;
    let mut terms = paid_hour();
    terms["cancellation_policy"] = json!({ "tiers": [] });
    let offer = test.offer(&terms).await;
    let charles = Person { groups: vec!["admin".to_owned(), "client".to_owned()], ..charles_himself() };
    let token = format!("Bearer {}", test.stack.sign_in.access_token(&charles, 3_600));
    let book = test.post("/v1/appointments").header("Authorization", &token).idempotency_key("k");
    let booked = book.json(&TestApp::booking(&offer, AT)).send().await.expect(201);
    test.stripe().pay(booked["payment"]["intent"].as_str().expect("an intent"), GOOD_CARD).expect("it works");
    test.stack.run_until_idle().await;
    let path = format!("/v1/experts/{}/suspension", offer.expert);
    let suspended = json!({ "suspended": true });
    let own = test.put(&path).header("Authorization", &token).header("If-Match", "*");
    assert_eq!(own.json(&suspended).send().await.problem(403), "forbidden");
    let other = test.put(&path).signed_in_as("margaret").header("If-Match", "*");
    other.json(&suspended).send().await.expect(200);
    let id = booked["id"].as_str().expect("an id");
    for what in ["cancellation", "reschedule?start=2027-01-06T10:00:00Z"] {
        let path = format!("/v1/appointments/{id}/{what}");
        let quote = test.get(&path).header("Authorization", &token).send().await.expect(200);
        let quote = if quote["refund"].is_null() { &quote["cancellation_now"] } else { &quote };
        assert_eq!((&quote["refund"]["amount"], &quote["reason"]), (&json!(0), &json!("too_late")), "{what}");
    }
}

#[tokio::test]
async fn suspended_expert_is_paid_for_what_took_place() {
    let test = TestApp::new().await;
    let mut terms = paid_hour();
    terms["collection"] = json!("authorize_then_capture");
    let offer = test.offer(&terms).await;
    let booked = test.book_and_pay(&offer, AT, "a").await;
    suspend(&test, &person_of(&offer.expert), true, "Complaints").await.expect(200);
    // From 08:00 until the session is over on the next day.
    test.advance(27 * 3_600 + 60);
    test.post_action("ada", &booked, "complete", &json!({})).await.expect(200);
    test.stack.run_until_idle().await;
    let completed = test.appointment(&booked).await;
    assert_eq!((&completed["status"], &completed["payment"]["state"]), (&json!("completed"), &json!("paid")));
}

#[tokio::test]
async fn suspended_person_can_object_to_a_no_show() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book_and_pay(&offer, AT, "a").await;
    let person = me(&test, "alan").await["id"].as_str().expect("an id").to_owned();
    suspend(&test, &person, true, "Complaints").await.expect(200);
    test.advance(26 * 3_600 + 900);
    test.post_action("ada", &booked, "no-show", &json!({ "missed_by": "client" })).await.expect(200);
    test.stack.run_until_idle().await;
    test.post_action("alan", &booked, "no-show/objection", &Value::Null).await.expect(200);
    assert_eq!(test.appointment(&booked).await["no_show_report"]["state"], "disputed");
}

#[tokio::test]
async fn suspension_needs_a_reason_and_another_administrator() {
    let test = TestApp::new().await;
    let margaret = me(&test, "margaret").await["id"].as_str().expect("an id").to_owned();
    assert_eq!(suspend(&test, &margaret, true, "Rest").await.problem(403), "forbidden");
    let alan = me(&test, "alan").await["id"].as_str().expect("an id").to_owned();
    assert_eq!(suspend(&test, &alan, true, "").await.problem(422), "invalid");
    let first = suspend(&test, &alan, true, "Spam").await.expect(200);
    // Nothing new.
    assert_eq!(suspend(&test, &alan, true, "Spam").await.expect(200), first);
    let path = format!("/v1/people/{alan}/suspension");
    let stale = test.put(&path).signed_in_as("margaret").header("If-Match", "\"0\"");
    let stale = stale.json(&json!({ "suspended": false, "reason": "Settled" })).send().await;
    assert_eq!(stale.problem(412), "version-mismatch");
    assert_eq!(test.get(&path).signed_in_as("alan").send().await.problem(403), "forbidden");
    assert_eq!(test.get(&path).signed_in_as("margaret").send().await.expect(200), first);
    // Nobody can create a profile while suspended.
    let grace = me(&test, "grace").await["id"].as_str().expect("an id").to_owned();
    suspend(&test, &grace, true, "Spam").await.expect(200);
    let create = test.post("/v1/experts").signed_in_as("grace").idempotency_key("profile");
    let refused = create.json(&json!({ "name": "Grace", "headline": "Compilers" })).send().await;
    assert_eq!(refused.problem(403), "forbidden");
}

/// Charles, another administrator.
fn charles_himself() -> Person {
    Person {
        subject: "charles".to_owned(),
        name: "Charles".to_owned(),
        email: "charles@example.org".to_owned(),
        groups: vec!["admin".to_owned()],
    }
}

/// The token of Charles.
fn charles(test: &TestApp) -> String {
    format!("Bearer {}", test.stack.sign_in.access_token(&charles_himself(), 3_600))
}

#[tokio::test]
async fn suspended_administrator_reads_and_changes_nothing() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book_and_pay(&offer, AT, "a").await;
    let appointment = booked.parse().expect("an id");
    let job = test.store_failing_job(PaymentsJob::Payment { appointment }).await;
    let margaret = me(&test, "margaret").await["id"].as_str().expect("an id").to_owned();
    let alan = me(&test, "alan").await["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/people/{margaret}/suspension");
    let suspended = test.put(&path).header("Authorization", &charles(&test)).header("If-Match", "\"0\"");
    suspended.json(&json!({ "suspended": true, "reason": "A stolen account" })).send().await.expect(200);

    let expert = format!("/v1/experts/{}", offer.expert);
    let refund = json!({ "amount": { "amount": 100, "currency": "EUR" } });
    for (method, path, body) in [
        (
            Method::PUT,
            format!("/v1/people/{alan}/suspension"),
            json!({ "suspended": true, "reason": "Spam" }),
        ),
        (Method::PUT, format!("{expert}/suspension"), json!({ "suspended": true })),
        (Method::PUT, format!("{expert}/terms"), json!({ "basis_points": 0 })),
        (Method::POST, format!("/v1/failing-jobs/{job}/retry"), Value::Null),
        (
            Method::POST,
            format!("/v1/appointments/{booked}/payment/resolution"),
            json!({ "resolution": "try_again" }),
        ),
        (Method::POST, format!("/v1/appointments/{booked}/refunds"), refund),
        (Method::POST, format!("/v1/appointments/{booked}/cancel"), json!({})),
    ] {
        let request = test.request(method, &path).signed_in_as("margaret").header("If-Match", "*");
        let request = request.idempotency_key("k");
        let request = if body.is_null() { request } else { request.json(&body) };
        let refused = request.send().await;
        assert_eq!(refused.problem(403), "forbidden", "{path}");
        assert!(refused.body["detail"].as_str().expect("text").contains("suspended"), "{path}");
    }
    for path in
        ["/v1/failing-jobs".to_owned(), format!("/v1/appointments/{booked}"), format!("{expert}/terms")]
    {
        test.get(&path).signed_in_as("margaret").send().await.expect(200);
    }
    assert_eq!(test.appointment(&booked).await["status"], "confirmed");
}

#[tokio::test]
async fn suspended_member_changes_no_appointment_and_suspended_expert_invites_nobody() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book_and_pay(&offer, AT, "a").await;
    let katherine = test.join(&offer.expert, "ada", "katherine", "manager").await;
    suspend(&test, &katherine, true, "Stolen cards").await.expect(200);
    let proposed = json!({ "starts": ["2027-01-05T12:00:00Z"] });
    test.post_action("alan", &booked, "proposal", &proposed).await.expect(200);
    let accepted = json!({ "start": "2027-01-05T12:00:00Z" });
    let refund = json!({ "amount": { "amount": 100, "currency": "EUR" } });
    let path = format!("/v1/appointments/{booked}/refunds");
    let refused = test.post(&path).signed_in_as("katherine").idempotency_key("r").json(&refund).send().await;
    assert_eq!(refused.problem(403), "forbidden");
    for (action, body) in
        [("proposal/accept", accepted), ("proposal/decline", Value::Null), ("cancel", json!({}))]
    {
        assert_eq!(test.post_action("katherine", &booked, action, &body).await.problem(403), "forbidden");
    }
    // From 08:00 until the session is over on the next day.
    test.advance(27 * 3_600 + 60);
    let charge = json!({ "charge": { "amount": 1_000, "currency": "EUR" } });
    assert_eq!(test.post_action("katherine", &booked, "complete", &charge).await.problem(403), "forbidden");
    let read = test.get(&format!("/v1/appointments/{booked}")).signed_in_as("katherine").send().await;
    assert_eq!(read.expect(200)["status"], "confirmed");

    // A suspended person cannot become a member either, and leaves what they are a member of.
    let grace = me(&test, "grace").await["id"].as_str().expect("an id").to_owned();
    suspend(&test, &grace, true, "Spam").await.expect(200);
    let invitation = test.invite(&offer.expert, "ada", "assistant").await;
    assert_eq!(test.accept(&invitation, "grace").await.problem(403), "forbidden");
    let members = format!("/v1/experts/{}/members/{katherine}", offer.expert);
    let left = test.request(Method::DELETE, &members).signed_in_as("katherine").header("If-Match", "\"1\"");
    left.send().await.expect(204);

    let ines = test.join(&offer.expert, "ada", "ines", "assistant").await;
    suspend(&test, &person_of(&offer.expert), true, "Complaints").await.expect(200);
    let member = format!("/v1/experts/{}/members/{ines}", offer.expert);
    let raised = test.put(&member).signed_in_as("ada").header("If-Match", "*");
    let raised = raised.json(&json!({ "role": "manager", "name": "Ines" })).send().await;
    assert_eq!(raised.problem(403), "forbidden");
    let invitations = format!("/v1/experts/{}/invitations", offer.expert);
    let invited = test.post(&invitations).signed_in_as("ada").idempotency_key("again");
    let invited = invited.json(&json!({ "role": "manager", "name": "Max" })).send().await;
    assert_eq!(invited.problem(403), "forbidden");
    // What Ada does for her own sessions stays possible.
    test.post_action("ada", &booked, "complete", &json!({})).await.expect(200);
}

#[tokio::test]
async fn decision_that_cannot_be_read_denies_until_another_one_replaces_it() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let alan = test.get("/v1/me").signed_in_as("alan").send().await.expect(200)["id"].clone();
    let alan = alan.as_str().expect("an id");
    suspend(&test, alan, true, "Complaints").await.expect(200);
    suspend(&test, alan, false, "A mistake").await.expect(200);
    let key = json!({ "PK": { "S": format!("PERSON#{alan}") }, "SK": { "S": "SUSPENSION" } });
    let path = format!("/v1/people/{alan}/suspension");
    let damages: [fn(&mut Value); 2] = [
        |item| item["schema"] = json!({ "N": "99" }),
        |item| {
            item["changes"] = json!({ "S": "none" });
            item["version"] = json!({ "S": "the first" });
        },
    ];
    for (place, (damage, refusal)) in damages.into_iter().zip([409, 500]).enumerate() {
        let read = test.database("GetItem", &json!({ "TableName": "expert-connect", "Key": key })).await;
        let mut item = read["Item"].clone();
        damage(&mut item);
        test.database("PutItem", &json!({ "TableName": "expert-connect", "Item": item })).await;
        assert_eq!(test.book(&offer, AT, &format!("refused-{place}")).await.status, refusal);
        assert_eq!(test.get(&path).signed_in_as("margaret").send().await.status, refusal);
        let change = test.put(&path).signed_in_as("margaret").header("If-Match", "*");
        let change = change.json(&json!({ "suspended": false, "reason": "Asked the colleagues" }));
        let replaced = change.send().await.expect(200);
        assert_eq!(replaced["suspended"], false);
        let changes = replaced["changes"].as_array().expect("a list");
        let of = |member: &str| changes.iter().map(|change| change[member].clone()).collect::<Vec<_>>();
        let reasons = ["the earlier decisions cannot be read, and are replaced", "Asked the colleagues"];
        assert_eq!(of("reason"), reasons);
        assert_eq!(of("decided_by"), ["platform", "administrator"]);
        let start = format!("2027-01-05T{:02}:00:00Z", 12 + place);
        test.book(&offer, &start, &format!("booked-{place}")).await.expect(201);
    }
}

#[tokio::test]
async fn expert_with_an_unreadable_profile_can_be_suspended_and_their_sessions_cancelled() {
    let test = TestApp::new().await;
    let mut terms = paid_hour();
    terms["cancellation_policy"] = json!({ "tiers": [], "no_show_refund_percent": 0 });
    let offer = test.offer(&terms).await;
    let booked = test.book_and_pay(&offer, AT, "a").await;
    let key = json!({ "PK": { "S": format!("EXPERT#{}", offer.expert) }, "SK": { "S": "PROFILE" } });
    let read = test.database("GetItem", &json!({ "TableName": "expert-connect", "Key": key })).await;
    let put = async |schema: &Value| {
        let mut item = read["Item"].clone();
        item["schema"] = schema.clone();
        test.database("PutItem", &json!({ "TableName": "expert-connect", "Item": item })).await;
    };
    put(&json!({ "N": "99" })).await;
    assert_eq!(quote(&test, &booked).await, (json!(0), json!("too_late")));
    let suspended = suspend(&test, &person_of(&offer.expert), true, "Complaints").await.expect(200);
    assert_eq!(suspended["suspended"], true);
    assert_eq!(quote(&test, &booked).await, (json!(8_000), json!("expert_suspended")));
    test.post_action("alan", &booked, "cancel", &json!({})).await.expect(200);

    // Once the profile can be read, the same request suspends it too, and has no other effect.
    put(&read["Item"]["schema"]).await;
    let path = format!("/v1/experts/{}/profile", offer.expert);
    let status = async || test.get(&path).signed_in_as("ada").send().await.expect(200)["status"].clone();
    assert_eq!(status().await, "live");
    let repeated = suspend(&test, &person_of(&offer.expert), true, "Complaints").await.expect(200);
    assert_eq!((repeated, status().await), (suspended, json!("suspended")));
}
