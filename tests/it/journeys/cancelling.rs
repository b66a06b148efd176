//! Cancelling and rescheduling by either party, and by nobody else.

use serde_json::json;

use crate::harness::{TestApp, free_hour, id, paid_hour};

#[tokio::test]
async fn cancellation_by_either_party_refunds_everything() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    for (who, key) in [("ada", "a"), ("alan", "b")] {
        let id = test.book_and_pay(&offer, "2027-01-05T10:00:00Z", key).await;
        test.post_action(who, &id, "cancel", &json!({ "reason": "sorry" })).await.expect(200);
        test.stack.run_until_idle().await;
        let appointment = test.appointment(&id).await;
        assert_eq!(appointment["cancelled_by"], if who == "ada" { "expert" } else { "client" });
        assert_eq!(appointment["payment"]["state"], "refunded");
        // A repeated request gets the same response and makes no second refund.
        test.post_action(who, &id, "cancel", &json!(null)).await.expect(200);
        let other = if who == "ada" { "alan" } else { "ada" };
        assert_eq!(test.post_action(other, &id, "cancel", &json!(null)).await.problem(409), "invalid-status");
        test.stack.run_until_idle().await;
    }
    let refunds = test.stripe().events().iter().filter(|event| event["type"] == "refund.created").count();
    assert_eq!(refunds, 2);
}

#[tokio::test]
async fn unpaid_hold_can_be_cancelled() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201);
    test.post_action("alan", &id(&booked), "cancel", &json!(null)).await.expect(200);
    assert_eq!(test.starts(&offer, "2027-01-05").await.len(), 15);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id(&booked)).await["payment"]["state"], "cancelled");
    let intent = test.stripe().object(crate::harness::intent(&booked)).expect("an intent");
    assert_eq!(intent["status"], "canceled");
}

#[tokio::test]
async fn appointment_is_hidden_from_other_people() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let id = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201));
    let path = format!("/v1/appointments/{id}");
    for stranger in ["grace", "katherine"] {
        assert_eq!(
            test.get(&path).signed_in_as(stranger).send().await.problem(404),
            "not-found",
            "{stranger}"
        );
        for what in ["cancel", "reschedule"] {
            let response =
                test.post_action(stranger, &id, what, &json!({ "start": "2027-01-05T12:00:00Z" })).await;
            let expected = if what == "cancel" { 422 } else { 404 };
            response.problem(expected);
        }
        assert_eq!(test.post_action(stranger, &id, "cancel", &json!(null)).await.problem(404), "not-found");
    }
    assert_eq!(test.get(&path).send().await.problem(401), "unauthorized");
    assert_eq!(test.appointment(&id).await["status"], "confirmed");
    // An administrator acts for the platform.
    assert_eq!(test.get(&path).signed_in_as("margaret").send().await.expect(200)["status"], "confirmed");
    let moved = json!({ "start": "2027-01-05T12:00:00Z" });
    assert_eq!(test.post_action("margaret", &id, "reschedule", &moved).await.problem(403), "forbidden");
    let cancelled = test.post_action("margaret", &id, "cancel", &json!(null)).await.expect(200);
    assert_eq!(cancelled["cancelled_by"], "platform");
}

#[tokio::test]
async fn failed_rescheduling_keeps_the_old_time() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let first = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201));
    let second = id(&test.book(&offer, "2027-01-05T12:00:00Z", "k2").await.expect(201));
    let to = |start: &str| json!({ "start": start });
    assert_eq!(
        test.post_action("alan", &first, "reschedule", &to("2027-01-05T12:30:00Z")).await.problem(409),
        "slot-taken"
    );
    assert_eq!(
        test.post_action("alan", &first, "reschedule", &to("2027-01-05T20:00:00Z")).await.problem(409),
        "not-offered"
    );
    assert_eq!(test.appointment(&first).await["start"], "2027-01-05T10:00:00Z");
    // The new time overlaps the appointment's own old time, which is allowed.
    test.post_action("alan", &first, "reschedule", &to("2027-01-05T10:30:00Z")).await.expect(200);
    let again = test.post_action("alan", &first, "reschedule", &to("2027-01-05T10:30:00Z")).await.expect(200);
    assert_eq!(again["reschedules"], 1);
    test.post_action("alan", &second, "reschedule", &to("2027-01-05T11:30:00Z")).await.expect(200);
    let starts = test.starts(&offer, "2027-01-05").await;
    assert_eq!(starts[..2], ["2027-01-05T09:00:00Z", "2027-01-05T09:30:00Z"]);
    assert_eq!(starts[2], "2027-01-05T12:30:00Z");
    test.advance(26 * 3_600 + 1_800);
    assert_eq!(
        test.post_action("alan", &first, "reschedule", &to("2027-01-06T10:30:00Z")).await.problem(409),
        "invalid-status"
    );
    // After the start, only the expert can cancel.
    assert_eq!(test.post_action("alan", &first, "cancel", &json!(null)).await.problem(409), "invalid-status");
    assert_eq!(
        test.post_action("ada", &first, "cancel", &json!(null)).await.expect(200)["status"],
        "cancelled"
    );
}

#[tokio::test]
async fn appointment_is_changed_only_on_the_version_that_was_read() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let booked = test.book(&offer, "2027-01-05T10:00:00Z", "k").await;
    assert_eq!(booked.status, 201);
    let path = format!("/v1/appointments/{}", id(&booked.body));
    assert_eq!(booked.headers["location"], path);
    let read = test.get(&path).signed_in_as("alan").send().await;
    assert_eq!((read.etag(), read.etag()), (booked.etag(), format!("\"{}\"", read.body["version"])));

    let change = async |action: &str, tag: &str, body: &serde_json::Value| {
        let request = test.post(&format!("{path}/{action}")).signed_in_as("alan");
        let request = if tag.is_empty() { request } else { request.header("If-Match", tag) };
        request.json(body).send().await
    };
    let moved = json!({ "start": "2027-01-05T12:00:00Z" });
    for (action, body) in [("reschedule", &moved), ("cancel", &json!({})), ("no-show", &json!({}))] {
        assert_eq!(change(action, "", body).await.problem(428), "version-required", "{action}");
    }
    assert_eq!(change("reschedule", "\"7\"", &moved).await.problem(412), "version-mismatch");
    let rescheduled = change("reschedule", &read.etag(), &moved).await;
    assert_eq!(rescheduled.etag(), "\"2\"");
    // A repeated request succeeds on the version that the first one was about.
    assert_eq!(change("reschedule", &read.etag(), &moved).await.expect(200), rescheduled.body);
    // Somebody who has read the first version cancels nothing that they have not seen.
    assert_eq!(change("cancel", &read.etag(), &json!({})).await.problem(412), "version-mismatch");
    assert_eq!(test.appointment(&id(&booked.body)).await, rescheduled.body, "nothing has changed");
    let cancelled = change("cancel", "\"2\"", &json!({})).await;
    assert_eq!(cancelled.etag(), "\"3\"");
    assert_eq!(change("cancel", "\"2\"", &json!({})).await.expect(200), cancelled.body);
}

#[tokio::test]
async fn the_other_side_cannot_stop_a_cancellation_by_changing_the_appointment() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let booked = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201));
    let path = format!("/v1/appointments/{booked}");
    let read = test.get(&path).signed_in_as("alan").send().await;
    test.post_action("ada", &booked, "proposal", &json!({ "starts": ["2027-01-06T10:00:00Z"] }))
        .await
        .expect(200);
    let cancel = |tag: String| {
        let cancel = test.post(&format!("{path}/cancel")).signed_in_as("alan").header("If-Match", &tag);
        cancel.json(&json!({ "expected_refund": { "amount": 0, "currency": "EUR" } })).send()
    };
    assert_eq!(cancel(read.etag()).await.problem(412), "version-mismatch");
    assert_eq!(cancel("*".to_owned()).await.expect(200)["status"], "cancelled");
}
