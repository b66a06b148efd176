//! The history of an appointment: who changed what, and when.

use serde_json::{Value, json};

use crate::harness::{TestApp, free_hour, id, paid_hour};

impl TestApp {
    /// The history of an appointment, as this person reads it.
    pub async fn history(&self, subject: &str, appointment: &str) -> Vec<Value> {
        let path = format!("/v1/appointments/{appointment}/history");
        let page = self.get(&path).signed_in_as(subject).send().await.expect(200);
        page["changes"].as_array().expect("a list").clone()
    }
}

/// The changes, and who made them.
fn summary(history: &[Value]) -> Vec<(&str, &str)> {
    history
        .iter()
        .map(|entry| (entry["change"].as_str().expect("a change"), entry["by"].as_str().expect("an actor")))
        .collect()
}

#[tokio::test]
async fn history_of_a_paid_session_names_who_changed_what() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_pay(&offer, "2027-01-08T10:00:00Z", "k").await;
    test.advance(60);
    let details = json!({ "topic": "Engines" });
    let path = format!("/v1/appointments/{appointment}/details");
    let change = test.put(&path).signed_in_as("alan").header("If-Match", "\"0\"").json(&details);
    change.send().await.expect(200);
    test.advance(60);
    let to = json!({ "start": "2027-01-08T12:00:00Z" });
    test.post_action("alan", &appointment, "reschedule", &to).await.expect(200);
    test.advance(60);
    test.post_action("margaret", &appointment, "cancel", &json!({ "reason": "x" })).await.expect(200);
    test.stack.run_until_idle().await;
    test.stripe().deliver_due_webhooks().await;
    test.stack.run_until_idle().await;

    let history = test.history("alan", &appointment).await;
    assert_eq!(
        summary(&history),
        [
            ("booked", "client"),
            ("confirmed", "platform"),
            ("details_changed", "client"),
            ("rescheduled", "client"),
            ("cancelled", "administrator"),
            ("payment_refunded", "platform"),
        ]
    );
    assert_eq!(
        history[3],
        json!({
            "at": "2027-01-04T08:02:00Z",
            "by": "client",
            "change": "rescheduled",
            "from": { "start": "2027-01-08T10:00:00Z", "end": "2027-01-08T11:00:00Z" },
            "to": { "start": "2027-01-08T12:00:00Z", "end": "2027-01-08T13:00:00Z" },
        })
    );
    assert_eq!(history[5]["amount"], json!({ "amount": 8_000, "currency": "EUR" }));
    assert_eq!(test.history("ada", &appointment).await, history);
    let mut with_people = test.history("margaret", &appointment).await;
    let person = with_people[4].as_object_mut().expect("an object").remove("person_id");
    assert!(person.is_some_and(|id| id.as_str().is_some_and(|id| id.starts_with("per_"))));
    assert_eq!(with_people, history);
    let path = format!("/v1/appointments/{appointment}/history");
    assert_eq!(test.get(&path).signed_in_as("katherine").send().await.problem(404), "not-found");
}

#[tokio::test]
async fn history_records_holds_that_expire_and_sessions_that_end() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let unpaid = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k1").await.expect(201));
    test.advance(660);
    test.sweep().await;
    let history = test.history("alan", &unpaid).await;
    assert_eq!(summary(&history), [("booked", "client"), ("expired", "platform")]);

    let free = crate::harness::Offer {
        session_type: test.session_type(&offer.expert, &free_hour()).await,
        ..offer.clone()
    };
    let missed = id(&test.book(&free, "2027-01-05T10:00:00Z", "k2").await.expect(201));
    let done = id(&test.book(&free, "2027-01-05T12:00:00Z", "k3").await.expect(201));
    test.advance(27 * 3_600);
    test.post_action("ada", &missed, "no-show", &Value::Null).await.expect(200);
    test.advance(4 * 86_400);
    test.sweep().await;
    let history = test.history("ada", &missed).await;
    assert_eq!(summary(&history), [("booked", "client"), ("confirmed", "client"), ("no_show", "expert")]);
    assert_eq!(history[2]["missed_by"], "client");
    let history = test.history("ada", &done).await;
    assert_eq!(summary(&history), [("booked", "client"), ("confirmed", "client"), ("completed", "platform")]);
}

#[tokio::test]
async fn history_is_paged_and_refunds_name_their_amount() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_pay(&offer, "2027-01-08T10:00:00Z", "k").await;
    for number in 1..=4 {
        test.advance(60);
        let refund = json!({ "amount": { "amount": 100 * number, "currency": "EUR" } });
        let path = format!("/v1/appointments/{appointment}/refunds");
        let request = test.post(&path).signed_in_as("ada").idempotency_key(&format!("r{number}"));
        let response = request.json(&refund).send().await;
        assert!(response.status.is_success(), "{:#}", response.body);
    }
    let path = format!("/v1/appointments/{appointment}/history?limit=2");
    let mut pages = Vec::new();
    let mut next = path.clone();
    loop {
        let page = test.get(&next).signed_in_as("alan").send().await.expect(200);
        pages.push(page["changes"].as_array().expect("a list").clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2, 1]);
    let all = pages.concat();
    assert_eq!(all, test.history("alan", &appointment).await);
    assert_eq!(summary(&all)[2..], [("refund_granted", "expert"); 4]);
    assert_eq!(all[5]["amount"]["amount"], 400);
    let forged = format!("/v1/appointments/{appointment}/history?cursor=x");
    assert_eq!(test.get(&forged).signed_in_as("alan").send().await.problem(422), "invalid");
}

#[tokio::test]
async fn changes_within_one_second_are_listed_in_their_order() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_pay(&offer, "2027-01-08T10:00:00Z", "k").await;
    let path = format!("/v1/appointments/{appointment}/details");
    let describe = async |version: &str, topic: &str| {
        let change = test.put(&path).signed_in_as("alan").header("If-Match", version);
        change.json(&json!({ "topic": topic })).send().await.expect(200);
    };
    describe("\"0\"", "Engines").await;
    let to = json!({ "start": "2027-01-08T12:00:00Z" });
    test.post_action("alan", &appointment, "reschedule", &to).await.expect(200);
    describe("\"1\"", "Numbers").await;
    test.post_action("alan", &appointment, "cancel", &Value::Null).await.expect(200);
    test.stack.run_until_idle().await;
    test.stripe().deliver_due_webhooks().await;
    test.stack.run_until_idle().await;
    let history = test.history("alan", &appointment).await;
    assert_eq!(
        summary(&history),
        [
            ("booked", "client"),
            ("confirmed", "platform"),
            ("details_changed", "client"),
            ("rescheduled", "client"),
            ("details_changed", "client"),
            ("cancelled", "client"),
            ("payment_refunded", "platform"),
        ]
    );
    assert!(history.iter().all(|entry| entry["at"] == history[0]["at"]), "{history:#?}");

    let disputed = test.book_and_pay(&offer, "2027-01-05T10:00:00Z", "k2").await;
    let end: domain::Timestamp = "2027-01-05T11:00:00Z".parse().expect("a time");
    test.advance(end.seconds() - test.clock.now());
    for (who, says) in [("alan", "no-show"), ("ada", "complete"), ("margaret", "complete")] {
        test.post_action(who, &disputed, says, &Value::Null).await.expect(200);
        test.stack.run_until_idle().await;
    }
    let history = test.history("ada", &disputed).await;
    assert_eq!(
        summary(&history)[2..],
        [
            ("no_show", "client"),
            ("objection_period_begun", "platform"),
            ("no_show_disputed", "expert"),
            ("payment_escalated", "platform"),
            ("completed", "administrator"),
            ("objection_period_begun", "platform"),
        ]
    );
    assert!(history[2..].iter().all(|entry| entry["at"] == history[2]["at"]), "{history:#?}");
}
