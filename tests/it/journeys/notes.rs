//! What the client says about a session, and the notes of both sides.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::harness::{Offer, Response, TestApp, free_hour, id};

/// An appointment of Ada and Alan. Returns its id.
async fn booked(test: &TestApp) -> (Offer, String) {
    let offer = test.offer(&free_hour()).await;
    let booked = test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201);
    (offer, id(&booked))
}

fn guests(count: usize) -> Value {
    (0..count).map(|number| json!({ "email": format!("guest{number}@example.org") })).collect()
}

#[tokio::test]
async fn both_parties_read_what_the_client_said_at_booking() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let mut body = TestApp::booking(&offer, "2027-01-05T10:00:00Z");
    let details = json!({
        "topic": "Bernoulli numbers",
        "goals": "Compute them.\nThen check them.",
        "requirements": "An engine",
        "guests": [{ "email": "mary@example.org", "name": "Mary" }, { "email": "charles@example.org" }],
    });
    body["details"] = details.clone();
    let book = test.post("/v1/appointments").signed_in_as("alan").idempotency_key("k").json(&body);
    let booked = book.send().await.expect(201);
    let mut expected = details;
    expected["version"] = json!(1);
    assert_eq!(booked["details"], expected);
    let path = format!("/v1/appointments/{}", id(&booked));
    for reader in ["alan", "ada"] {
        assert_eq!(test.get(&path).signed_in_as(reader).send().await.expect(200)["details"], expected);
    }
    let list = test.get("/v1/appointments?as=client").signed_in_as("alan").send().await.expect(200);
    assert_eq!(list["appointments"][0]["details"], Value::Null, "lists omit them");
}

#[tokio::test]
async fn client_changes_the_details_until_the_session_begins() {
    let test = TestApp::new().await;
    let (_, id) = booked(&test).await;
    let path = format!("/v1/appointments/{id}/details");
    let replace = |who: &'static str, tag: &'static str, details: Value| {
        test.put(&path).signed_in_as(who).header("If-Match", tag).json(&details).send()
    };
    assert_eq!(test.appointment(&id).await["details"]["version"], 0);
    let five = json!({ "goals": "Learn", "guests": guests(5) });
    let first = replace("alan", "\"0\"", five.clone()).await;
    assert_eq!(first.etag(), "\"1\"");
    assert_eq!(first.body["guests"], five["guests"]);
    assert_eq!(replace("alan", "\"0\"", five.clone()).await.problem(412), "version-mismatch");
    assert_eq!(replace("ada", "\"1\"", json!({})).await.problem(403), "forbidden");
    assert_eq!(replace("katherine", "\"1\"", json!({})).await.problem(404), "not-found");
    for wrong in [
        json!({ "guests": guests(6) }),
        json!({ "guests": [{ "email": "a@example.org" }, { "email": "A@example.org" }] }),
        json!({ "guests": [{ "email": "nobody" }] }),
        json!({ "guests": [{ "email": "a@example.org", "role": "boss" }] }),
        json!({ "topic": "" }),
        json!({ "topic": "x".repeat(121) }),
        json!({ "goals": "x".repeat(4_001) }),
        json!({ "color": "red" }),
    ] {
        assert_eq!(replace("alan", "\"1\"", wrong.clone()).await.problem(422), "invalid", "{wrong}");
    }
    assert_eq!(test.appointment(&id).await["details"]["goals"], "Learn");

    test.advance(26 * 3_600);
    assert_eq!(replace("alan", "\"1\"", five).await.problem(409), "invalid-status");
}

#[tokio::test]
async fn invalid_details_are_refused_at_booking() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let before = test.snapshot().await;
    let mut body = TestApp::booking(&offer, "2027-01-05T10:00:00Z");
    body["details"] = json!({ "guests": guests(6) });
    let book = test.post("/v1/appointments").signed_in_as("alan").idempotency_key("k").json(&body);
    let refused = book.send().await;
    assert_eq!(refused.problem(422), "invalid");
    assert_eq!(refused.places(), ["/details/guests"]);
    assert_eq!(test.snapshot().await, before);
}

impl TestApp {
    async fn write_note(&self, subject: &str, appointment: &str, key: &str, note: &Value) -> Response {
        let path = format!("/v1/appointments/{appointment}/notes");
        self.post(&path).signed_in_as(subject).idempotency_key(key).json(note).send().await
    }

    /// The texts of the notes that a person can read.
    async fn notes(&self, subject: &str, appointment: &str) -> Vec<String> {
        let path = format!("/v1/appointments/{appointment}/notes");
        let notes = self.get(&path).signed_in_as(subject).send().await.expect(200);
        let notes = notes["notes"].as_array().expect("a list").clone();
        notes.iter().map(|note| note["text"].as_str().expect("a text").to_owned()).collect()
    }
}

#[tokio::test]
async fn private_notes_are_read_by_their_side_only_and_shared_ones_by_both() {
    let test = TestApp::new().await;
    let (_, appointment) = booked(&test).await;
    let note = |text: &str, visibility: &str| json!({ "text": text, "visibility": visibility });
    let private = test.write_note("ada", &appointment, "k1", &json!({ "text": "ask about x" })).await;
    assert_eq!(private.body["visibility"], "private", "by default");
    let private = id(&private.expect(201));
    test.advance(1);
    test.write_note("ada", &appointment, "k2", &note("homework", "shared")).await.expect(201);
    test.advance(1);
    test.write_note("alan", &appointment, "k1", &note("my own", "private")).await.expect(201);
    // Also after the session.
    test.advance(30 * 3_600);
    let shared = test.write_note("alan", &appointment, "k2", &note("thank you", "shared")).await;
    let shared = id(&shared.expect(201));
    assert_eq!(test.notes("ada", &appointment).await, ["ask about x", "homework", "thank you"]);
    assert_eq!(test.notes("alan", &appointment).await, ["homework", "my own", "thank you"]);
    assert_eq!(test.notes("margaret", &appointment).await, ["homework", "thank you"]);

    let path = format!("/v1/appointments/{appointment}/notes/{private}");
    let read = test.get(&path).signed_in_as("ada").send().await;
    assert_eq!(read.etag(), "\"1\"");
    assert_eq!(read.body["text"], "ask about x");
    assert_eq!(test.get(&path).signed_in_as("alan").send().await.problem(404), "not-found");
    assert_eq!(test.get(&path).signed_in_as("margaret").send().await.problem(404), "not-found");

    let change = |who: &'static str, id: &str, tag: &'static str| {
        let path = format!("/v1/appointments/{appointment}/notes/{id}");
        let note = note("changed", "shared");
        test.put(&path).signed_in_as(who).header("If-Match", tag).json(&note).send()
    };
    assert_eq!(change("alan", &private, "\"1\"").await.problem(404), "not-found", "they cannot read it");
    assert_eq!(change("ada", &shared, "\"1\"").await.problem(403), "forbidden", "the other side wrote it");
    assert_eq!(change("margaret", &shared, "\"1\"").await.problem(403), "forbidden");
    assert_eq!(change("ada", &private, "\"1\"").await.etag(), "\"2\"");
    assert_eq!(change("ada", &private, "\"1\"").await.problem(412), "version-mismatch");
    assert_eq!(test.notes("alan", &appointment).await, ["changed", "homework", "my own", "thank you"]);

    let delete = |who: &'static str, id: &str, tag: &'static str| {
        let path = format!("/v1/appointments/{appointment}/notes/{id}");
        test.request(reqwest::Method::DELETE, &path).signed_in_as(who).header("If-Match", tag).send()
    };
    assert_eq!(delete("ada", &shared, "\"1\"").await.problem(403), "forbidden");
    assert_eq!(delete("alan", &shared, "\"2\"").await.problem(412), "version-mismatch");
    assert_eq!(delete("alan", &shared, "\"1\"").await.status, 204);
    assert_eq!(delete("alan", &shared, "\"1\"").await.problem(404), "not-found");
    assert_eq!(test.notes("ada", &appointment).await, ["changed", "homework"]);
}

#[tokio::test]
async fn notes_of_other_appointments_are_out_of_reach() {
    let test = TestApp::new().await;
    let (offer, appointment) = booked(&test).await;
    let note = id(&test.write_note("ada", &appointment, "k1", &json!({ "text": "x" })).await.expect(201));
    let other = id(&test.book_as("katherine", &offer, "2027-01-05T12:00:00Z", "k").await.expect(201));
    // Ada is a party of both appointments, but the note belongs to the first one.
    for (who, appointment) in [("ada", &other), ("katherine", &other), ("katherine", &appointment)] {
        let path = format!("/v1/appointments/{appointment}/notes/{note}");
        let delete =
            test.request(reqwest::Method::DELETE, &path).signed_in_as(who).header("If-Match", "\"1\"");
        let delete = delete.send().await;
        assert_eq!(delete.problem(404), "not-found", "{who}");
    }
    assert_eq!(
        test.write_note("katherine", &appointment, "k", &json!({ "text": "x" })).await.problem(404),
        "not-found"
    );
    let empty = test.write_note("ada", &appointment, "k2", &json!({ "text": " \n" })).await;
    assert_eq!(empty.problem(422), "invalid");
    assert_eq!(empty.places(), ["/text"]);
}

#[tokio::test]
async fn each_side_writes_at_most_twenty_notes() {
    let test = TestApp::new().await;
    let (_, appointment) = booked(&test).await;
    for number in 0..20 {
        let note = json!({ "text": format!("{number}") });
        test.write_note("alan", &appointment, &format!("k{number}"), &note).await.expect(201);
    }
    let one_more = test.write_note("alan", &appointment, "k20", &json!({ "text": "20" })).await;
    assert_eq!(one_more.problem(409), "limit-exceeded");
    let repeated = test.write_note("alan", &appointment, "k19", &json!({ "text": "19" })).await.expect(201);
    assert_eq!(repeated["text"], "19", "a repeated request gets the same response");
    test.write_note("ada", &appointment, "k", &json!({ "text": "mine" })).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_requests_write_at_most_twenty_notes() {
    let test = Arc::new(TestApp::new().await);
    let (_, appointment) = booked(&test).await;
    let races = (0..40).map(|number| {
        let (test, appointment) = (test.clone(), appointment.clone());
        let note = json!({ "text": format!("{number}") });
        tokio::spawn(async move {
            test.write_note("alan", &appointment, &format!("k{number}"), &note).await.status.as_u16()
        })
    });
    for race in races.collect::<Vec<_>>() {
        let status = race.await.expect("no panic");
        assert!([201, 409].contains(&status), "{status}");
    }
    assert_eq!(test.notes("alan", &appointment).await.len(), 20);
}
