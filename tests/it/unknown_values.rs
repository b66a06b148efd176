//! Values of rows that only a newer version of the code knows. They are set one by one, in every row of an appointment and its
//! expert. Reads do not fail, and no change overwrites them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Offer, Response, TestApp, id, paid_hour};

const TABLE: &str = "expert-connect";
const LATER: &str = "from_a_newer_release";
const START: &str = "2027-01-05T10:00:00Z";
const OTHER: &str = "2027-01-06T10:00:00Z";

/// All rows of the table.
async fn rows(test: &TestApp) -> Vec<Value> {
    let found = test.database("Scan", &json!({ "TableName": TABLE })).await;
    assert!(found["LastEvaluatedKey"].is_null(), "the scan fits one page");
    found["Items"].as_array().expect("rows").clone()
}

async fn put(test: &TestApp, item: &Value) {
    test.database("PutItem", &json!({ "TableName": TABLE, "Item": item })).await;
}

/// The row with the keys of this one; null if there is none.
async fn row(test: &TestApp, item: &Value) -> Value {
    let key = json!({ "PK": item["PK"], "SK": item["SK"] });
    test.database("GetItem", &json!({ "TableName": TABLE, "Key": key, "ConsistentRead": true })).await["Item"]
        .take()
}

fn key(item: &Value) -> (&str, &str) {
    let part = |name: &str| item[name]["S"].as_str().expect("a key");
    (part("PK"), part("SK"))
}

/// Makes the table have exactly these rows.
async fn restore(test: &TestApp, saved: &[Value]) {
    let now = rows(test).await;
    for item in now.iter().filter(|item| !saved.iter().any(|saved| key(saved) == key(item))) {
        let key = json!({ "PK": item["PK"], "SK": item["SK"] });
        test.database("DeleteItem", &json!({ "TableName": TABLE, "Key": key })).await;
    }
    for item in saved.iter().filter(|item| !now.contains(item)) {
        put(test, item).await;
    }
}

/// Whether a text could be the value of an enum.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The places of the words in an attribute, as JSON pointers.
fn words(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if is_word(text) => found.push(place.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| words(item, &format!("{place}/{at}"), found));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| words(member, &format!("{place}/{name}"), found));
        }
        _ => {}
    }
}

/// The places of the words in a row whose values a newer release could know.
fn places(item: &Value) -> Vec<String> {
    let (pk, sk) = key(item);
    // Jobs and occupied times that this release does not know have tests of their own, and texts are no words of an enum.
    let others = ["OUTBOX#", "D#", "DETAILS"].iter().any(|start| sk.starts_with(start));
    let mut found = Vec::new();
    if !others && ["APT#", "EXPERT#", "CLIENT#"].iter().any(|start| pk.starts_with(start)) {
        words(item, "", &mut found);
        found.retain(|place| !place.starts_with("/GSI"));
    }
    found
}

/// Sends requests that read everything, and requires that none fails.
async fn read_all(test: &TestApp, offer: &Offer, appointment: &str, place: &str) {
    let (expert, session_type) = (&offer.expert, &offer.session_type);
    for (reader, path) in [
        ("alan", format!("/v1/experts/{expert}")),
        ("alan", format!("/v1/experts/{expert}/session-types")),
        ("alan", format!("/v1/experts/{expert}/session-types/{session_type}")),
        ("ada", format!("/v1/experts/{expert}/members")),
        ("ada", format!("/v1/experts/{expert}/ledger")),
        ("ada", "/v1/appointments?as=expert".to_owned()),
        ("alan", "/v1/appointments?as=client".to_owned()),
        ("alan", format!("/v1/appointments/{appointment}")),
        ("ada", format!("/v1/appointments/{appointment}")),
        ("alan", format!("/v1/appointments/{appointment}/cancellation")),
        ("alan", format!("/v1/appointments/{appointment}/payment")),
        ("alan", format!("/v1/appointments/{appointment}/notes")),
        ("ada", format!("/v1/appointments/{appointment}/history")),
        ("alan", format!("/v1/appointments/{appointment}/receipts")),
        ("margaret", "/v1/escalations".to_owned()),
    ] {
        let response = test.get(&path).signed_in_as(reader).send().await;
        assert!(!response.status.is_server_error(), "{place}: {path}: {:#}", response.body);
    }
}

/// Requests that change an appointment or its payment.
fn changes(appointment: &str) -> Vec<Request> {
    let path = |end: &str| format!("/v1/appointments/{appointment}{end}");
    let start = || json!({ "start": OTHER });
    let text = |text: &str| json!({ "visibility": "private", "text": text });
    vec![
        ("alan", Method::POST, path("/cancel"), json!({})),
        ("ada", Method::POST, path("/cancel"), json!({})),
        ("alan", Method::POST, path("/reschedule"), json!({ "start": "2027-01-07T10:00:00Z" })),
        ("ada", Method::POST, path("/proposal"), json!({ "starts": ["2027-01-07T10:00:00Z"] })),
        ("alan", Method::POST, path("/proposal/accept"), start()),
        ("alan", Method::POST, path("/proposal/decline"), json!(null)),
        ("ada", Method::POST, path("/proposal/withdraw"), json!(null)),
        ("ada", Method::POST, path("/complete"), json!({})),
        ("ada", Method::POST, path("/no-show"), json!({})),
        ("alan", Method::POST, path("/no-show"), json!({})),
        ("alan", Method::POST, path("/no-show/objection"), json!(null)),
        ("ada", Method::POST, path("/no-show/objection"), json!(null)),
        ("margaret", Method::POST, path("/complete"), json!({})),
        ("ada", Method::POST, path("/refunds"), json!({ "amount": { "amount": 100, "currency": "EUR" } })),
        ("margaret", Method::POST, path("/payment/resolution"), json!({ "resolution": "try_again" })),
        ("alan", Method::PUT, path("/details"), json!({ "topic": "Tapes" })),
        ("alan", Method::POST, path("/notes"), text("Another one.")),
    ]
}

type Request = (&'static str, Method, String, Value);

async fn send(test: &TestApp, (person, method, path, body): &Request) -> Response {
    let request = test.request(method.clone(), path).signed_in_as(person);
    let request = request.header("If-Match", "*").idempotency_key("change");
    if body.is_null() { request.send().await } else { request.json(body).send().await }
}

/// What the checks of all values of an appointment found.
struct Checked {
    /// The values: sort key of the row, and place.
    places: Vec<String>,
    /// The requests that succeed as long as all values are known: person, and end of the path.
    possible: Vec<String>,
}

/// Sets each value to an unknown one, sends all requests and runs the due jobs. A request may succeed if it leaves the value as it is.
async fn check(
    test: &TestApp,
    offer: &Offer,
    appointment: &str,
    notes: &[(&'static str, String)],
) -> Checked {
    let saved = rows(test).await;
    let mut requests = changes(appointment);
    for (author, note) in notes {
        let path = format!("/v1/appointments/{appointment}/notes/{note}");
        let text = json!({ "visibility": "private", "text": "Changed." });
        requests.push((*author, Method::PUT, path.clone(), text));
        requests.push((*author, Method::DELETE, path, json!(null)));
    }
    let mut checked = Checked { places: Vec::new(), possible: Vec::new() };
    for request in &requests {
        if send(test, request).await.status.is_success() {
            let end = request.2.split_once(appointment).expect("a path").1;
            checked.possible.push(format!("{} {}{end}", request.0, request.1));
        }
        restore(test, &saved).await;
    }
    for item in &saved {
        for place in places(item) {
            let mut changed = item.clone();
            *changed.pointer_mut(&place).expect("a word") = json!(LATER);
            restore(test, &saved).await;
            put(test, &changed).await;
            let before = rows(test).await;
            let name = format!("{} {place}", key(item).1);
            read_all(test, offer, appointment, &name).await;
            for request in &requests {
                let response = send(test, request).await;
                let (person, method, path, _) = request;
                assert!(!response.status.is_server_error(), "{name}: {method} {path}: {:#}", response.body);
                let stored = row(test, item).await;
                let value = stored.pointer(&place);
                assert_eq!(value, Some(&json!(LATER)), "{name}: {person} overwrites it: {method} {path}");
                if response.status.is_success() {
                    restore(test, &before).await;
                }
            }
            test.sweep().await;
            let stored = row(test, item).await;
            assert_eq!(stored.pointer(&place), Some(&json!(LATER)), "{name}: a job overwrites it");
            checked.places.push(name);
        }
    }
    checked
}

/// An appointment that Alan has paid, and a note of each side. Returns also who wrote which note.
async fn appointment_with_notes(test: &TestApp) -> (Offer, String, Vec<(&'static str, String)>) {
    let offer = test.offer(&paid_hour()).await;
    test.join(&offer.expert, "ada", "katherine", "assistant").await;
    let appointment = test.book_and_pay(&offer, START, "k").await;
    let mut notes = Vec::new();
    for author in ["ada", "alan"] {
        let path = format!("/v1/appointments/{appointment}/notes");
        let note = test.post(&path).signed_in_as(author).idempotency_key("note");
        let note = note.json(&json!({ "visibility": "shared", "text": "Bring tapes." })).send().await;
        notes.push((author, id(&note.expect(201))));
    }
    (offer, appointment, notes)
}

fn assert_among(expected: &[&str], found: &[String]) {
    for expected in expected {
        assert!(found.iter().any(|found| found.contains(expected)), "{expected} is not among {found:#?}");
    }
}

#[tokio::test]
async fn no_change_overwrites_an_unknown_value_of_a_confirmed_appointment() {
    let test = TestApp::new().await;
    let (offer, appointment, notes) = appointment_with_notes(&test).await;
    test.post_action("ada", &appointment, "proposal", &json!({ "starts": [OTHER] })).await.expect(200);
    test.stack.run_until_idle().await;
    let checked = check(&test, &offer, &appointment, &notes).await;
    assert_among(
        &[
            "A /status/S",
            "A /rescheduling/M/price/S",
            "A /moves/M/proposal/M/by/S",
            "A /moves/M/proposal/M/state/S",
            "PAY /state/M/state/S",
            "PAY /plan/S",
            "PAY /gateway/S",
            "PAY /payout_timing/S",
            " /visibility/S",
            " /author/S",
        ],
        &checked.places,
    );
    let possible = ["alan POST/cancel", "alan POST/proposal/accept", "ada POST/refunds", "alan PUT/details"];
    assert_among(&possible, &checked.possible);
    assert_among(&["alan POST/reschedule", "ada DELETE/notes/", "alan PUT/notes/"], &checked.possible);
}

#[tokio::test]
async fn no_change_overwrites_an_unknown_value_of_a_reported_appointment() {
    let test = TestApp::new().await;
    let (offer, appointment, notes) = appointment_with_notes(&test).await;
    test.advance(86_400 + 3 * 3_600 + 1_800);
    test.post_action("ada", &appointment, "no-show", &json!({})).await.expect(200);
    test.stack.run_until_idle().await;
    let checked = check(&test, &offer, &appointment, &notes).await;
    assert_among(&["A /no_show_report/M/state/S", "A /missed_by/S", "A /status/S"], &checked.places);
    assert_among(&["alan POST/no-show/objection", "ada POST/refunds"], &checked.possible);
}
