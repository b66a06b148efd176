//! Rows that a newer version of the code has written are read after a rollback: no request fails with a 5xx.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    GOOD_CARD, Offer, TestApp, billing_details, free_hour, id, intent, paid_hour, second_offer,
};

/// The first appointment of these tests.
const START: &str = "2027-01-05T10:00:00Z";

/// Changes every row of the table.
async fn rewrite(test: &TestApp, change: impl Fn(&mut Value)) {
    let found = test.database("Scan", &json!({ "TableName": "expert-connect" })).await;
    for item in found["Items"].as_array().expect("rows") {
        let mut item = item.clone();
        change(&mut item);
        test.database("PutItem", &json!({ "TableName": "expert-connect", "Item": item })).await;
    }
}

/// Replaces a text in every attribute of a row.
fn replace(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, from, to)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, from, to)),
        _ => {}
    }
}

/// Adds an attribute to a row, and to the maps in it whose attribute names are not data.
fn add_attributes(item: &mut Value) {
    let added = json!({ "M": { "of": { "S": "a later version" } } });
    for name in ["attendee", "profile", "price", "terms", "rules", "details", "cancellation", "references"] {
        if let Some(map) = item.get_mut(name).and_then(|map| map.get_mut("M")).and_then(Value::as_object_mut)
        {
            map.insert("added_later".to_owned(), added.clone());
        }
    }
    item["added_later"] = added;
}

/// Reads everything that the expert, the client and the public can read.
async fn read_all(test: &TestApp, expert: &str, appointment: &str) -> Vec<(String, Value)> {
    let mut read = Vec::new();
    for (reader, path) in [
        ("", format!("/v1/experts/{expert}")),
        ("", format!("/v1/experts/{expert}/session-types")),
        ("ada", format!("/v1/experts/{expert}/availability")),
        ("ada", format!("/v1/experts/{expert}/billing")),
        ("ada", format!("/v1/experts/{expert}/ledger")),
        ("ada", format!("/v1/experts/{expert}/earnings?from=2027-01-01&to=2027-01-31")),
        ("ada", format!("/v1/experts/{expert}/receipts?year=2027")),
        ("ada", "/v1/appointments?as=expert".to_owned()),
        ("alan", "/v1/appointments?as=client".to_owned()),
        ("alan", format!("/v1/appointments/{appointment}")),
        ("alan", format!("/v1/appointments/{appointment}/cancellation")),
        // As the expert reads it, without a request to the gateway.
        ("ada", format!("/v1/appointments/{appointment}/payment")),
        ("alan", format!("/v1/appointments/{appointment}/receipts")),
    ] {
        let request = test.get(&path);
        let request = if reader.is_empty() { request } else { request.signed_in_as(reader) };
        let response = request.send().await;
        assert!(!response.status.is_server_error(), "{path}: {:#}", response.body);
        read.push((path, response.body));
    }
    read
}

/// The body of the response to a request whose path ends like this.
fn at<'r>(read: &'r [(String, Value)], end: &str) -> &'r Value {
    &read.iter().find(|(path, _)| path.ends_with(end)).expect("a request").1
}

/// A paid appointment of an expert with billing details. Returns the expert and the appointment.
async fn paid_appointment(test: &TestApp) -> (String, String) {
    let offer = test.offer(&paid_hour()).await;
    let billing = test.put(&format!("/v1/experts/{}/billing", offer.expert)).signed_in_as("ada");
    billing.header("If-Match", "\"0\"").json(&billing_details()).send().await.expect(200);
    let appointment = test.book_and_pay(&offer, START, "k").await;
    (offer.expert, appointment)
}

#[tokio::test]
async fn attributes_of_a_later_version_change_nothing_that_is_read() {
    let test = TestApp::new().await;
    let (expert, appointment) = paid_appointment(&test).await;
    let before = read_all(&test, &expert, &appointment).await;
    rewrite(&test, add_attributes).await;
    assert_eq!(read_all(&test, &expert, &appointment).await, before);
}

#[tokio::test]
async fn rows_in_a_format_of_a_later_version_are_neither_read_nor_overwritten() {
    let test = TestApp::new().await;
    let (expert, appointment) = paid_appointment(&test).await;
    rewrite(&test, |item| {
        if !item["SK"]["S"].as_str().expect("a key").starts_with("OUTBOX#") {
            item["schema"] = json!({ "N": "9" });
        }
    })
    .await;
    let before = test.snapshot().await;
    let cancel = test.post(&format!("/v1/appointments/{appointment}/cancel")).signed_in_as("alan");
    for request in [
        test.get(&format!("/v1/experts/{expert}")),
        test.get(&format!("/v1/appointments/{appointment}")).signed_in_as("ada"),
        cancel.header("If-Match", "\"2\""),
    ] {
        assert_eq!(request.send().await.problem(409), "newer-release");
    }
    assert_eq!(test.snapshot().await, before);
}

#[tokio::test]
async fn time_that_a_later_version_has_occupied_is_not_free() {
    for added in ["schema", "calendar"] {
        let test = TestApp::new().await;
        let offer = test.offer(&free_hour()).await;
        test.book(&offer, START, "k").await.expect(201);
        rewrite(&test, |item| {
            if item["SK"]["S"].as_str().expect("a key").starts_with("D#") {
                // The later version stores what is occupied in another way.
                item["entries"] = json!({ "M": {} });
                item[added] = json!({ "N": "9" });
            }
        })
        .await;
        let before = test.snapshot().await;
        assert_eq!(test.book(&offer, START, "k2").await.problem(409), "newer-release", "{added}");
        let slots = format!(
            "/v1/experts/{}/slots?session_type_id={}&from=2027-01-05T08:00:00Z&to=2027-01-06T08:00:00Z",
            offer.expert, offer.session_type
        );
        assert_eq!(test.get(&slots).send().await.problem(409), "newer-release", "{added}");
        assert_eq!(test.snapshot().await, before, "{added}");
    }
}

/// Changes the row with this partition key and sort key.
async fn rewrite_row(test: &TestApp, pk: &str, sk: &str, change: impl Fn(&mut Value)) {
    rewrite(test, |item| {
        if item["PK"]["S"] == pk && item["SK"]["S"] == sk {
            change(item);
        }
    })
    .await;
}

#[tokio::test]
async fn expired_hold_that_a_later_version_has_changed_is_not_given_away() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let held = id(&test.book(&offer, START, "k").await.expect(201));
    rewrite_row(&test, &format!("APT#{held}"), "A", |item| item["status"] = json!({ "S": "reviewing" }))
        .await;
    test.advance(3_600);
    let before = test.snapshot().await;
    assert_eq!(test.book_as("grace", &offer, START, "k2").await.problem(409), "newer-release");
    assert_eq!(test.snapshot().await, before);
}

#[tokio::test]
async fn details_of_a_later_version_do_not_stop_a_payment() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booking = json!({
        "expert_id": offer.expert,
        "session_type_id": offer.session_type,
        "start": START,
        "attendee": { "name": "Alan", "email": "alan@example.org", "time_zone": "Europe/London" },
        "details": { "topic": "Machines" },
    });
    let booked = test.post("/v1/appointments").signed_in_as("alan").idempotency_key("k").json(&booking);
    let booked = booked.send().await.expect(201);
    let appointment = id(&booked);
    let later = |item: &mut Value| item["schema"] = json!({ "N": "9" });
    rewrite_row(&test, &format!("APT#{appointment}"), "DETAILS", later).await;
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    let read = test.appointment(&appointment).await;
    assert_eq!((&read["status"], &read["details"]), (&json!("confirmed"), &Value::Null));
    let replace = test.put(&format!("/v1/appointments/{appointment}/details")).signed_in_as("alan");
    let replace = replace.header("If-Match", "*").json(&json!({ "topic": "Tapes" })).send().await;
    assert_eq!(replace.problem(409), "newer-release");
    test.post_action("alan", &appointment, "cancel", &json!({})).await.expect(200);
}

#[tokio::test]
async fn appointment_of_a_later_version_counts_as_one_of_a_client() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let later = id(&test.book(&offer, START, "k").await.expect(201));
    let schema = |item: &mut Value| item["schema"] = json!({ "N": "9" });
    rewrite_row(&test, &format!("APT#{later}"), "A", schema).await;
    let profile = json!({ "name": "Ada", "headline": "Engines", "mentorship_capacity": 1 });
    let path = format!("/v1/experts/{}", offer.expert);
    test.put(&path).signed_in_as("ada").header("If-Match", "*").json(&profile).send().await.expect(200);
    let start = "2027-01-05T14:00:00Z";
    assert_eq!(test.book_as("grace", &offer, start, "k2").await.problem(409), "expert-at-capacity");
    test.book_as("alan", &offer, start, "k3").await.expect(201);
}

#[tokio::test]
async fn appointment_with_an_unknown_status_takes_the_time_of_its_client() {
    let test = TestApp::new().await;
    let (ada, grace) = (test.offer(&free_hour()).await, second_offer(&test, &free_hour()).await);
    test.book(&ada, START, "k").await.expect(201);
    rewrite(&test, |item| replace(item, "confirmed", "levitating")).await;
    // The client's row no longer has it because it is new, but the index lists it.
    test.advance(3_600);
    let before = test.snapshot().await;
    assert_eq!(test.book(&grace, START, "k2").await.problem(409), "overlapping-session");
    assert_eq!(test.snapshot().await, before);
    let mut body = TestApp::booking(&grace, START);
    body["allow_overlap"] = json!(true);
    let book = test.post("/v1/appointments").signed_in_as("alan").idempotency_key("k3");
    book.json(&body).send().await.expect(201);
}

#[tokio::test]
async fn payment_account_of_a_later_version_is_not_used_for_new_payments() {
    let test = TestApp::new().await;
    let paid = test.offer(&paid_hour()).await;
    let free = Offer { session_type: test.session_type(&paid.expert, &free_hour()).await, ..paid.clone() };
    let appointment = test.book_and_pay(&paid, START, "k").await;
    rewrite_row(&test, &format!("EXPERT#{}", paid.expert), "ACCOUNT#stripe", |item| {
        item["schema"] = json!({ "N": "9" });
    })
    .await;
    let slots = |offer: &Offer| {
        let path = format!(
            "/v1/experts/{}/slots?session_type_id={}&from=2027-01-05T08:00:00Z&to=2027-01-06T08:00:00Z",
            offer.expert, offer.session_type
        );
        test.get(&path).send()
    };
    let none = slots(&paid).await.expect(200);
    assert_eq!((&none["slots"], &none["empty_reason"]), (&json!([]), &json!("payments_not_ready")));
    assert!(!slots(&free).await.expect(200)["slots"].as_array().expect("a list").is_empty());
    let list = test.get(&format!("/v1/experts/{}/session-types", paid.expert)).send().await.expect(200);
    assert_eq!(list["gateways"], json!([]));
    for one in list["session_types"].as_array().expect("a list") {
        let expected =
            if one["id"] == paid.session_type.as_str() { json!("payments_not_ready") } else { json!(null) };
        assert_eq!(one["unavailable_reason"], expected, "{one:#}");
    }
    let refused = test.book(&paid, "2027-01-05T12:00:00Z", "k2").await;
    assert_eq!(refused.problem(409), "payments-not-ready");
    let booked = id(&test.book(&free, "2027-01-05T12:00:00Z", "k3").await.expect(201));
    // What is booked can be moved and cancelled, with a refund.
    for (moved, start) in [(&booked, "2027-01-05T14:00:00Z"), (&appointment, "2027-01-06T10:00:00Z")] {
        test.post_action("alan", moved, "reschedule", &json!({ "start": start })).await.expect(200);
    }
    test.post_action("ada", &appointment, "cancel", &json!({})).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&appointment).await["payment"]["state"], "refunded");
}

#[tokio::test]
async fn incident_of_a_later_version_does_not_hide_the_others() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let mut cancelled = Vec::new();
    for start in ["2027-01-04T10:00:00Z", "2027-01-04T12:00:00Z"] {
        cancelled.push(id(&test.book(&offer, start, start).await.expect(201)));
        test.post_action("alan", cancelled.last().expect("one"), "cancel", &json!({})).await.expect(200);
    }
    let client = async || {
        let own = test.get("/v1/me/reliability").signed_in_as("alan").send().await.expect(200);
        assert_eq!(own["as_expert"]["truncated"], false);
        (
            own["as_client"]["last_90_days"]["late_cancellations"].clone(),
            own["as_client"]["truncated"].clone(),
        )
    };
    assert_eq!(client().await, (json!(2), json!(false)));
    rewrite(&test, |item| {
        let is_incident = item["PK"]["S"].as_str().is_some_and(|key| key.starts_with("RELIABILITY#client#"));
        if is_incident && item["appointment"]["S"] == cancelled[0].as_str() {
            item["schema"] = json!({ "N": "9" });
        }
    })
    .await;
    assert_eq!(client().await, (json!(1), json!(true)));
}

#[tokio::test]
async fn note_or_change_of_a_later_version_does_not_hide_the_others() {
    let test = TestApp::new().await;
    let (_, appointment) = paid_appointment(&test).await;
    let notes = format!("/v1/appointments/{appointment}/notes");
    for text in ["later", "readable"] {
        let note = test.post(&notes).signed_in_as("ada").idempotency_key(text);
        note.json(&json!({ "visibility": "shared", "text": text })).send().await.expect(201);
    }
    let history = format!("/v1/appointments/{appointment}/history");
    let count = async || {
        let read = test.get(&history).signed_in_as("alan").send().await.expect(200);
        (read["changes"].as_array().expect("a list").len(), read["truncated"] == true)
    };
    let (changes, _) = count().await;
    rewrite(&test, |item| {
        if item["text"]["S"] == "later" || item["SK"]["S"].as_str().expect("a key").starts_with("history#") {
            item["schema"] = json!({ "N": "9" });
        }
    })
    .await;
    let read = test.get(&notes).signed_in_as("alan").send().await.expect(200);
    assert_eq!((&read["notes"][0]["text"], &read["truncated"]), (&json!("readable"), &json!(true)));
    assert_eq!(count().await, (1, true), "of {changes}; the booking is part of the appointment");
    let another = test.post(&notes).signed_in_as("ada").idempotency_key("another");
    another.json(&json!({ "visibility": "shared", "text": "another" })).send().await.expect(201);
}

#[tokio::test]
async fn document_of_a_later_version_does_not_hide_the_others_and_sums_are_refused() {
    let test = TestApp::new().await;
    let (expert, appointment) = paid_appointment(&test).await;
    test.post_action("ada", &appointment, "cancel", &json!({})).await.expect(200);
    test.stack.run_until_idle().await;
    let lists = [
        ("ada", format!("/v1/experts/{expert}/receipts?year=2027&limit=1"), "receipts"),
        ("alan", format!("/v1/appointments/{appointment}/receipts"), "receipts"),
        ("margaret", "/v1/refund-costs?month=2027-01".to_owned(), "refund_costs"),
    ];
    let read = async |(reader, path, name): &(&'static str, String, &'static str)| {
        let page = test.get(path).signed_in_as(reader).send().await.expect(200);
        let count = page[*name].as_array().expect("a list").len();
        (count, page["truncated"] == true, page["next_cursor"].as_str().map(str::to_owned))
    };
    let mut before = Vec::new();
    for list in &lists {
        before.push(read(list).await);
    }
    assert_eq!(before, [(1, false, Some("1".to_owned())), (2, false, None), (1, false, None)]);
    // The first document, what refunds cost, and the entries of the ledger.
    rewrite(&test, |item| {
        let is_in =
            |name: &str, prefix: &str| item[name]["S"].as_str().is_some_and(|key| key.starts_with(prefix));
        let is_first = item["GSI1SK"]["S"] == "2027#0000000001";
        if is_first || is_in("PK", "REFUND_COSTS#") || is_in("GSI1PK", "LEDGER#") {
            item["schema"] = json!({ "N": "9" });
        }
    })
    .await;
    let mut after = Vec::new();
    for list in &lists {
        after.push(read(list).await);
    }
    assert_eq!(after, [(0, true, Some("1".to_owned())), (1, true, None), (0, true, None)]);
    let next = ("ada", format!("{}&cursor=1", lists[0].1), "receipts");
    assert_eq!(read(&next).await, (1, false, None), "the next page can be read");
    for path in [
        format!("/v1/experts/{expert}/ledger"),
        format!("/v1/experts/{expert}/earnings?from=2027-01-01&to=2027-01-31"),
    ] {
        let sum = test.get(&path).signed_in_as("ada").send().await;
        assert_eq!(sum.problem(409), "newer-release", "{path}");
    }
}

#[tokio::test]
async fn an_appointment_with_an_unknown_status_is_read_and_not_changed() {
    let test = TestApp::new().await;
    let (expert, appointment) = paid_appointment(&test).await;
    rewrite(&test, |item| replace(item, "confirmed", "levitating")).await;
    let read = read_all(&test, &expert, &appointment).await;
    assert_eq!(at(&read, &appointment)["status"], "unknown");
    for list in ["as=client", "as=expert"] {
        assert_eq!(at(&read, list)["appointments"][0]["status"], "unknown");
    }
    let path = format!("/v1/appointments/{appointment}");
    let cancelled =
        test.post(&format!("{path}/cancel")).signed_in_as("alan").header("If-Match", "\"2\"").send().await;
    assert_eq!(cancelled.problem(409), "newer-release");
    assert_eq!(
        test.get(&format!("{path}/cancellation")).signed_in_as("alan").send().await.problem(409),
        "newer-release"
    );
    let moved = test.post(&format!("{path}/reschedule")).signed_in_as("alan").header("If-Match", "\"2\"");
    let moved = moved.json(&json!({ "start": "2027-01-06T10:00:00Z" })).send().await;
    assert_eq!(moved.problem(409), "newer-release");
    // Its time stays occupied, and its payment job neither forgets it nor moves money.
    let calls = test.stripe().events().len();
    test.advance(14 * 86_400);
    test.sweep().await;
    assert_eq!(test.stripe().events().len(), calls);
    let read = read_all(&test, &expert, &appointment).await;
    assert_eq!(at(&read, &appointment)["status"], "unknown");
    // The newer version runs again and continues.
    rewrite(&test, |item| replace(item, "levitating", "confirmed")).await;
    test.advance(86_400);
    test.sweep().await;
    let read = read_all(&test, &expert, &appointment).await;
    assert_eq!(at(&read, &appointment)["status"], "completed");
}

#[tokio::test]
async fn a_payment_with_an_unknown_value_is_not_changed_and_moves_no_money() {
    type Change = fn(&mut Value);
    let unknown: [(&str, Change); 4] = [
        ("escalation", |item| {
            item["escalation"] = json!({ "M": { "because": { "S": "fraud" }, "later": { "N": "9" } } });
            item["GSI2PK"] = json!({ "S": "ESCALATIONS" });
            item["GSI2SK"] = item["appointment"].clone();
        }),
        ("state", |item| item["state"]["M"]["state"] = json!({ "S": "later" })),
        ("decline", |item| item["decline"] = json!({ "S": "later" })),
        ("refused", |item| item["refused"] = json!({ "M": { "later": { "S": "card_declined" } } })),
    ];
    for (attribute, change) in unknown {
        let test = TestApp::new().await;
        let offer = test.offer(&paid_hour()).await;
        let cancelled = test.book_and_pay(&offer, START, "k").await;
        let confirmed = test.book_and_pay(&offer, "2027-01-05T12:00:00Z", "k2").await;
        let none = json!(null);
        // The refund is due when the later version changes the payment.
        test.post_action("alan", &cancelled, "cancel", &none).await.expect(200);
        let saved = test.database("Scan", &json!({ "TableName": "expert-connect" })).await;
        let is_payment = |item: &Value| item["SK"]["S"] == "PAY";
        rewrite(&test, |item| {
            if is_payment(item) {
                change(item);
            }
        })
        .await;
        let calls = test.stripe().events().len();
        test.advance(60);
        test.sweep().await;
        let moved = json!({ "start": "2027-01-06T10:00:00Z" });
        for (action, body) in [("cancel", &none), ("reschedule", &moved)] {
            let refused = test.post_action("alan", &confirmed, action, body).await;
            assert_eq!(refused.problem(409), "newer-release", "{attribute}: {action}");
        }
        test.advance(2 * 86_400);
        for action in ["complete", "no-show"] {
            let refused = test.post_action("ada", &confirmed, action, &none).await;
            assert_eq!(refused.problem(409), "newer-release", "{attribute}: {action}");
        }
        let refund = test.post(&format!("/v1/appointments/{confirmed}/refunds")).signed_in_as("ada");
        let refund = refund.idempotency_key("r");
        let refund = refund.json(&json!({ "amount": { "amount": 100, "currency": "EUR" } }));
        assert_eq!(refund.send().await.problem(409), "newer-release", "{attribute}");
        assert_eq!(test.resolve(&confirmed, "try_again").await.problem(409), "newer-release", "{attribute}");
        test.sweep().await;
        assert_eq!(test.stripe().events().len(), calls, "{attribute}: no money has moved");
        assert_eq!(test.appointment(&confirmed).await["payment"]["state"], "unknown", "{attribute}");
        let escalations = test.get("/v1/escalations").signed_in_as("margaret").send().await.expect(200);
        let escalations = escalations["escalations"].as_array().expect("a list").len();
        assert_eq!(escalations, if attribute == "escalation" { 2 } else { 0 });
        assert!(test.snapshot().await.contains("later"), "{attribute}");
        let failing = test.get("/v1/failing-jobs").signed_in_as("margaret").send().await.expect(200);
        let reason = failing["jobs"][0]["reason"].as_str().expect("a reason");
        assert!(reason.contains("a newer release has stored something in the payment"), "{reason}");
        // The later version runs again, and an administrator decides there.
        for item in saved["Items"].as_array().expect("rows").iter().filter(|item| is_payment(item)) {
            test.database("PutItem", &json!({ "TableName": "expert-connect", "Item": item })).await;
        }
        test.advance(2 * 86_400);
        test.sweep().await;
        assert_eq!(test.appointment(&cancelled).await["payment"]["state"], "refunded", "{attribute}");
        assert_eq!(test.appointment(&confirmed).await["status"], "completed", "{attribute}");
    }
}

#[tokio::test]
async fn a_stranger_does_not_learn_of_an_appointment_that_cannot_be_read() {
    type Change = fn(&mut Value);
    // A newer format, a row that is damaged, and one whose parties cannot be read either.
    let unreadable: [(Change, u16, u16); 3] = [
        (|item| item["schema"] = json!({ "N": "9" }), 409, 409),
        (|item| item["price"] = json!({ "S": "a lot" }), 500, 500),
        (|item| item["client"] = json!({ "S": "everybody" }), 404, 404),
    ];
    for (change, of_party, of_administrator) in unreadable {
        let test = TestApp::new().await;
        let (_, appointment) = paid_appointment(&test).await;
        rewrite_row(&test, &format!("APT#{appointment}"), "A", change).await;
        for (reader, status) in
            [("alan", of_party), ("ada", of_party), ("margaret", of_administrator), ("grace", 404)]
        {
            for end in ["", "/payment", "/notes", "/history", "/receipts", "/cancellation"] {
                let read = test.get(&format!("/v1/appointments/{appointment}{end}")).signed_in_as(reader);
                assert_eq!(read.send().await.status, status, "{reader}: {end}");
            }
            let cancel = test.post(&format!("/v1/appointments/{appointment}/cancel")).signed_in_as(reader);
            let cancel = cancel.header("If-Match", "*").send().await;
            assert_eq!(cancel.status, status, "{reader} cancels");
        }
    }
}

#[tokio::test]
async fn a_member_with_an_unknown_role_has_no_rights_and_is_still_a_member() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_pay(&offer, START, "k").await;
    let expert = &offer.expert;
    let margaret = test.join(expert, "ada", "margaret", "assistant").await;
    let invitation = test.invite(expert, "ada", "assistant").await;
    rewrite(&test, |item| replace(item, "assistant", "auditor")).await;

    let team =
        test.get(&format!("/v1/experts/{expert}/members")).signed_in_as("ada").send().await.expect(200);
    assert_eq!(team["members"][0]["role"], "unknown");
    assert_eq!(team["invitations"][0]["role"], "unknown");
    let mine = test.get("/v1/me/memberships").signed_in_as("margaret").send().await.expect(200);
    assert_eq!(mine["memberships"][0]["role"], "unknown");
    // An administrator who is a member stays partial, and the role gives them nothing.
    let fee = test.put(&format!("/v1/experts/{expert}/terms")).signed_in_as("margaret");
    let fee = fee.header("If-Match", "\"0\"").json(&json!({ "basis_points": 100 })).send().await;
    assert_eq!(fee.problem(403), "forbidden");
    let read = async || {
        let read = test.get(&format!("/v1/appointments/{appointment}")).signed_in_as("margaret").send().await;
        read.status.as_u16()
    };
    assert_eq!(read().await, 404);
    let listed = test.get(&format!("/v1/appointments?as=expert&expert_id={expert}")).signed_in_as("margaret");
    assert_eq!(listed.send().await.problem(403), "forbidden");
    assert_eq!(test.accept(&invitation, "grace").await.problem(404), "not-found");
    let path = format!("/v1/experts/{expert}/invitations/{}", invitation["id"].as_str().expect("an id"));
    let withdrawn = test.request(Method::DELETE, &path).signed_in_as("ada").send().await;
    assert_eq!(withdrawn.status, 204);

    // The expert gives the member a role that exists, or removes them.
    let member = format!("/v1/experts/{expert}/members/{margaret}");
    let change = async |role: &str| {
        let terms = json!({ "role": role, "name": "Margaret" });
        test.put(&member).signed_in_as("ada").header("If-Match", "\"1\"").json(&terms).send().await
    };
    assert_eq!(change("unknown").await.problem(422), "invalid");
    assert_eq!(change("assistant").await.expect(200)["role"], "assistant");
    assert_eq!(read().await, 200);
    rewrite(&test, |item| replace(item, "assistant", "auditor")).await;
    let remove = test.request(Method::DELETE, &member).signed_in_as("ada").header("If-Match", "\"2\"");
    assert_eq!(remove.send().await.status, 204);
    assert_eq!(read().await, 200, "an administrator without a side");
}

#[tokio::test]
async fn a_session_type_with_an_unknown_value_is_listed_and_neither_booked_nor_overwritten() {
    type Change = fn(&mut Value);
    let unknown: [(&str, Change); 4] = [
        ("status", |item| item["status"] = json!({ "S": "paused" })),
        ("collection", |item| item["terms"]["M"]["collection"] = json!({ "S": "subscription" })),
        ("booking_window", |item| {
            let window = json!({ "kind": { "S": "lunar" }, "phases": { "N": "3" } });
            item["terms"]["M"]["booking_window"] = json!({ "M": window });
        }),
        ("rescheduling.price", |item| {
            item["terms"]["M"]["rescheduling"]["M"]["price"] = json!({ "S": "auction" });
        }),
    ];
    for (attribute, change) in unknown {
        let test = TestApp::new().await;
        let offer = test.offer(&free_hour()).await;
        let booked = test.book(&offer, START, "k").await.expect(201);
        let booked = booked["id"].as_str().expect("an id");
        rewrite(&test, |item| {
            if item["SK"]["S"].as_str().expect("a key").starts_with("TYPE#") {
                change(item);
            }
        })
        .await;
        let list = format!("/v1/experts/{}/session-types", offer.expert);
        let listed = async || test.get(&list).send().await.expect(200)["session_types"][0].clone();
        assert_eq!(listed().await["status"], "unknown", "{attribute}");
        let path = format!("{list}/{}", offer.session_type);
        assert_eq!(test.get(&path).send().await.expect(200)["status"], "unknown", "{attribute}");

        test.join(&offer.expert, "ada", "katherine", "assistant").await;
        let slots = format!(
            "/v1/experts/{}/slots?session_type_id={}&from=2027-01-05T08:00:00Z&to=2027-01-06T08:00:00Z",
            offer.expert, offer.session_type
        );
        let put = |who: &str| {
            test.put(&path).signed_in_as(who).header("If-Match", "\"1\"").json(&free_hour()).send()
        };
        let before = test.snapshot().await;
        assert_eq!(test.get(&slots).send().await.problem(404), "not-found", "{attribute}");
        let refused = test.book(&offer, "2027-01-05T12:00:00Z", "k2").await;
        assert_eq!(refused.problem(409), "session-type-retired", "{attribute}");
        let retire = test.request(Method::DELETE, &path).signed_in_as("ada").header("If-Match", "\"1\"");
        assert_eq!(retire.send().await.problem(409), "newer-release", "{attribute}");
        let again = test.post(&format!("{path}/offer-again")).signed_in_as("ada");
        let again = again.header("If-Match", "\"1\"").send().await;
        assert_eq!(again.problem(409), "newer-release", "{attribute}");
        // Nobody knows what clients would be charged, so these terms may change it.
        assert_eq!(put("katherine").await.problem(403), "forbidden", "{attribute}");
        assert_eq!(test.snapshot().await, before, "{attribute}");
        test.post_action("alan", booked, "cancel", &json!({})).await.expect(200);

        // The expert replaces the terms and offers them again.
        assert_eq!(put("ada").await.expect(200)["status"], "retired", "{attribute}");
        let again = test.post(&format!("{path}/offer-again")).signed_in_as("ada");
        again.header("If-Match", "\"2\"").send().await.expect(200);
        assert_eq!(listed().await["status"], "active", "{attribute}");
        test.book(&offer, START, "k3").await.expect(201);
    }
}

#[tokio::test]
async fn a_session_type_that_cannot_be_read_does_not_hide_the_others() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let other = test.session_type(&offer.expert, &paid_hour()).await;
    let list = format!("/v1/experts/{}/session-types", offer.expert);
    assert_eq!(test.get(&list).send().await.expect(200)["truncated"], false);
    rewrite(&test, |item| {
        if item["SK"]["S"].as_str().expect("a key").ends_with(&other) {
            item["schema"] = json!({ "N": "9" });
        }
    })
    .await;
    let read = test.get(&list).send().await.expect(200);
    let listed = read["session_types"].as_array().expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["id"], offer.session_type.as_str());
    assert_eq!(read["truncated"], true);
    // The expert can still change what they offer.
    let mut terms = free_hour();
    terms["name"] = json!("Workshop");
    test.session_type(&offer.expert, &terms).await;
    assert_eq!(test.get(&format!("{list}/{other}")).send().await.problem(409), "newer-release");
}

#[tokio::test]
async fn members_and_memberships_that_can_be_read_are_listed_without_the_others() {
    let test = TestApp::new().await;
    let ada = test.offer(&free_hour()).await.expert;
    let profile = json!({ "name": "Grace Hopper", "headline": "Compilers" });
    let grace = test.post("/v1/experts").signed_in_as("grace").idempotency_key("p").json(&profile);
    let grace = grace.send().await.expect(201)["id"].as_str().expect("an id").to_owned();
    let ines = test.join(&ada, "ada", "ines", "assistant").await;
    test.join(&grace, "grace", "ines", "manager").await;
    let max = test.join(&ada, "ada", "max", "manager").await;
    let (open, later) =
        (test.invite(&ada, "ada", "assistant").await, test.invite(&ada, "ada", "assistant").await);
    let unreadable = format!("MEMBER#{ines}");
    rewrite(&test, |item| {
        let row = (item["PK"]["S"].as_str().expect("a key"), item["SK"]["S"].as_str().expect("a key"));
        if row.0.ends_with(&ada) && row.1 == unreadable
            || row.1 == format!("INVITE#{}", later["id"].as_str().expect("an id"))
        {
            item["schema"] = json!({ "N": "9" });
        }
    })
    .await;
    let ids = |list: &Value, name: &str| -> Vec<String> {
        let list = list.as_array().expect("a list").iter();
        list.map(|row| row[name].as_str().expect("an id").to_owned()).collect()
    };
    let team = test.get(&format!("/v1/experts/{ada}/members")).signed_in_as("ada").send().await.expect(200);
    assert_eq!(ids(&team["members"], "person_id"), [max]);
    assert_eq!(ids(&team["invitations"], "id"), [open["id"].as_str().expect("an id")]);
    assert_eq!(team["truncated"], true);

    let me = test.get("/v1/me").signed_in_as("ines").send().await.expect(200);
    assert_eq!(ids(&me["memberships"], "expert_id"), [&*grace]);
    assert_eq!(me["memberships_truncated"], true);
    // A page with the row that cannot be read does not end the list.
    let (mut listed, mut truncated, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let path = format!("/v1/me/memberships?limit=1{cursor}");
        let page = test.get(&path).signed_in_as("ines").send().await.expect(200);
        listed.extend(ids(&page["memberships"], "expert_id"));
        truncated.push(page["truncated"] == true);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    truncated.sort_unstable();
    assert_eq!((listed, truncated), (vec![grace], vec![false, true]));
    let complete = test.get("/v1/me").signed_in_as("max").send().await.expect(200);
    assert_eq!(complete["memberships_truncated"], false);
}

#[tokio::test]
async fn rows_in_a_withdrawn_currency_or_time_zone_are_read() {
    let test = TestApp::new().await;
    let (expert, appointment) = paid_appointment(&test).await;
    rewrite(&test, |item| {
        replace(item, "EUR", "XQZ");
        replace(item, "Europe/London", "Mars/Olympus_Mons");
    })
    .await;
    let read = read_all(&test, &expert, &appointment).await;
    assert_eq!(at(&read, &appointment)["price"]["currency"], "XQZ");
    assert_eq!(at(&read, "availability")["time_zone"], "Mars/Olympus_Mons");
    // Nobody knows when the expert's hours are, so there are no slots; and nothing new can be charged in the currency.
    let session_types = at(&read, "session-types")["session_types"].as_array().expect("a list");
    let session_type = session_types[0]["id"].as_str().expect("an id");
    let slots = format!(
        "/v1/experts/{expert}/slots?session_type_id={session_type}&from=2027-01-04T08:00:00Z&to=2027-02-04T08:00:00Z"
    );
    let slots = test.get(&slots).send().await.expect(200);
    assert_eq!(slots["slots"], json!([]));
    let booking = json!({
        "expert_id": expert,
        "session_type_id": session_type,
        "start": "2027-01-07T10:00:00Z",
        "attendee": { "name": "Alan", "email": "alan@example.org", "time_zone": "Europe/London" },
    });
    let booked = test.post("/v1/appointments").signed_in_as("alan").idempotency_key("k2").json(&booking);
    let booked = booked.send().await;
    assert!(booked.status.is_client_error(), "{:#}", booked.body);
}

#[tokio::test]
async fn an_appointment_that_cannot_be_read_does_not_hide_the_others() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let later = id(&test.book(&offer, START, "k1").await.expect(201));
    let readable = id(&test.book(&offer, "2027-01-05T14:00:00Z", "k2").await.expect(201));
    rewrite(&test, |item| {
        if item["PK"]["S"] == format!("APT#{later}") && item["SK"]["S"] == "A" {
            item["schema"] = json!({ "N": "9" });
        }
    })
    .await;
    for (reader, side) in [("ada", "expert"), ("alan", "client")] {
        // The page with the appointment that cannot be read does not end the list.
        let (mut listed, mut truncated, mut cursor) = (Vec::new(), Vec::new(), String::new());
        loop {
            let path = format!("/v1/appointments?as={side}&limit=1{cursor}");
            let page = test.get(&path).signed_in_as(reader).send().await.expect(200);
            listed.extend(page["appointments"].as_array().expect("a list").iter().map(id));
            truncated.push(page["truncated"] == true);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!((&listed, truncated), (&vec![readable.clone()], vec![true, false]), "{side}");
    }
}
