//! Late cancellations, declined proposals, moves and no-shows are counted for both sides.

use domain::scheduling::party::Party;
use domain::scheduling::reliability::{Incident, IncidentKind};
use serde_json::{Value, json};
use store::Transaction;

use crate::harness::{Offer, TestApp, free_hour, id, paid_hour};

/// The counts of the last 90 days: late cancellations, declined proposals, moves and no-shows.
fn counts(side: &Value) -> [u64; 4] {
    let counts = &side["last_90_days"];
    ["late_cancellations", "declined_proposals", "moves", "no_shows"]
        .map(|name| counts[name].as_u64().unwrap_or_else(|| panic!("no {name}: {side:#}")))
}

/// The counts of a person as an expert and as a client, as they read them.
async fn own(test: &TestApp, subject: &str) -> ([u64; 4], [u64; 4]) {
    let own = test.get("/v1/me/reliability").signed_in_as(subject).send().await.expect(200);
    let me = test.get("/v1/me").signed_in_as(subject).send().await.expect(200);
    let path = format!("/v1/people/{}/reliability", me["id"].as_str().expect("an id"));
    let shown = test.get(&path).signed_in_as("margaret").send().await.expect(200);
    assert_eq!(own, shown, "an administrator reads the same");
    (counts(&own["as_expert"]), counts(&own["as_client"]))
}

async fn book(test: &TestApp, offer: &Offer, start: &str) -> String {
    id(&test.book(offer, start, start).await.expect(201))
}

#[tokio::test]
async fn late_cancellations_and_moves_count_for_the_side_that_makes_them() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    // It is Monday, 08:00.
    let tomorrow = book(&test, &offer, "2027-01-05T10:00:00Z").await;
    let today = book(&test, &offer, "2027-01-04T12:00:00Z").await;
    let other = book(&test, &offer, "2027-01-04T15:00:00Z").await;
    test.post_action("alan", &tomorrow, "reschedule", &json!({ "start": "2027-01-05T12:00:00Z" }))
        .await
        .expect(200);
    test.post_action("alan", &tomorrow, "cancel", &Value::Null).await.expect(200);
    assert_eq!(own(&test, "alan").await, ([0; 4], [0, 0, 1, 0]), "28 hours before is not late");
    test.post_action("alan", &today, "cancel", &Value::Null).await.expect(200);
    test.post_action("ada", &other, "cancel", &Value::Null).await.expect(200);
    assert_eq!(own(&test, "alan").await, ([0; 4], [1, 0, 1, 0]));
    assert_eq!(own(&test, "ada").await, ([1, 0, 0, 0], [0; 4]));
    // After 90 days nothing counts, and the month still shows it.
    test.advance(91 * 86_400);
    assert_eq!(own(&test, "alan").await, ([0; 4], [0; 4]));
    let alan = test.get("/v1/me/reliability").signed_in_as("alan").send().await.expect(200);
    let months = &alan["as_client"]["months"];
    assert_eq!((&months[0]["month"], &months[0]["late_cancellations"]), (&json!("2027-01"), &json!(1)));
}

#[tokio::test]
async fn no_number_of_moves_displaces_late_cancellations() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    for start in ["2027-01-04T12:00:00Z", "2027-01-04T13:00:00Z", "2027-01-04T14:00:00Z"] {
        let booked = book(&test, &offer, start).await;
        test.post_action("alan", &booked, "cancel", &Value::Null).await.expect(200);
    }
    let booked = book(&test, &offer, "2027-01-06T12:00:00Z").await;
    let store = &test.stack.app.store;
    let appointment = store.appointment(booked.parse().expect("an id")).await.expect("readable");
    let appointment = appointment.expect("it exists");
    let at = test.stack.app.now().plus(1);
    for hundred in 0..10 {
        let mut transaction = Transaction::new();
        for number in (0..100).map(|one| hundred * 100 + one) {
            let (side, kind) = (Party::Client, IncidentKind::Move);
            let moved = Incident { side, kind, appointment: appointment.id, at, number };
            transaction.put_incident(&appointment, &moved).expect("storable");
        }
        store.commit(transaction).await.expect("committed");
    }
    test.advance(1);
    assert_eq!(own(&test, "alan").await.1, [3, 0, 1_000, 0]);
    let alan = test.get("/v1/me/reliability").signed_in_as("alan").send().await.expect(200);
    assert_eq!(alan["as_client"]["consequence"], "warning");
}

#[tokio::test]
async fn cancellation_after_a_late_move_is_late() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let (late, early) = (
        book(&test, &offer, "2027-01-04T12:00:00Z").await,
        book(&test, &offer, "2027-01-05T12:00:00Z").await,
    );
    for (booked, start) in [(&early, "2027-01-07T10:00:00Z"), (&late, "2027-01-07T12:00:00Z")] {
        test.post_action("alan", booked, "reschedule", &json!({ "start": start })).await.expect(200);
    }
    test.post_action("alan", &early, "cancel", &Value::Null).await.expect(200);
    assert_eq!(own(&test, "alan").await.1, [0, 0, 2, 0]);
    test.post_action("alan", &late, "cancel", &Value::Null).await.expect(200);
    assert_eq!(own(&test, "alan").await.1, [1, 0, 2, 0]);
}

#[tokio::test]
async fn declined_and_accepted_proposals_count() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let booked = book(&test, &offer, "2027-01-06T10:00:00Z").await;
    let starts = json!({ "starts": ["2027-01-06T12:00:00Z"] });
    test.post_action("ada", &booked, "proposal", &starts).await.expect(200);
    test.post_action("alan", &booked, "proposal/decline", &Value::Null).await.expect(200);
    test.post_action("ada", &booked, "proposal", &starts).await.expect(200);
    let accept = json!({ "start": "2027-01-06T12:00:00Z" });
    test.post_action("alan", &booked, "proposal/accept", &accept).await.expect(200);
    // The side that proposed the move made it.
    assert_eq!(own(&test, "alan").await.1, [0, 1, 0, 0]);
    assert_eq!(own(&test, "ada").await.0, [0, 0, 1, 0]);
}

#[tokio::test]
async fn no_show_counts_when_it_takes_effect() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book_and_pay(&offer, "2027-01-05T10:00:00Z", "a").await;
    test.advance(26 * 3_600 + 900);
    test.post_action("ada", &booked, "no-show", &json!({ "missed_by": "client" })).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(own(&test, "alan").await.1, [0; 4], "Alan can still object");
    test.advance(86_400);
    test.sweep().await;
    assert_eq!(own(&test, "alan").await.1, [0, 0, 0, 1]);
}

#[tokio::test]
async fn no_show_counts_although_the_expert_refunds_everything_before_it_takes_effect() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let booked = test.book_and_pay(&offer, "2027-01-05T10:00:00Z", "a").await;
    test.advance(26 * 3_600 + 900);
    test.post_action("alan", &booked, "no-show", &json!({ "missed_by": "expert" })).await.expect(200);
    test.stack.run_until_idle().await;
    let everything = json!({ "amount": { "amount": 8_000, "currency": "EUR" } });
    let refund = test.post(&format!("/v1/appointments/{booked}/refunds")).signed_in_as("ada");
    refund.idempotency_key("r").json(&everything).send().await.expect(201);
    test.stack.run_until_idle().await;
    test.advance(86_400);
    test.sweep().await;
    assert_eq!(test.appointment(&booked).await["no_show_report"], Value::Null, "it has taken effect");
    assert_eq!(own(&test, "ada").await.0, [0, 0, 0, 1]);
}

#[tokio::test]
async fn no_show_of_a_free_session_does_not_count_because_nobody_can_object() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let booked = book(&test, &offer, "2027-01-05T10:00:00Z").await;
    test.advance(26 * 3_600 + 900);
    test.post_action("alan", &booked, "no-show", &json!({ "missed_by": "expert" })).await.expect(200);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&booked).await["status"], "no_show");
    assert_eq!(own(&test, "ada").await, ([0; 4], [0; 4]));
}

#[tokio::test]
async fn several_incidents_have_a_consequence() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    for (number, consequence) in
        [(1, "none"), (2, "none"), (3, "warning"), (4, "warning"), (5, "lower_ranking")]
    {
        let start = format!("2027-01-04T{:02}:00:00Z", 10 + number);
        let booked = book(&test, &offer, &start).await;
        test.post_action("alan", &booked, "cancel", &Value::Null).await.expect(200);
        let alan = test.get("/v1/me/reliability").signed_in_as("alan").send().await.expect(200);
        assert_eq!(alan["as_client"]["consequence"], consequence, "{number}");
        assert_eq!(alan["as_expert"]["consequence"], "none", "{number}");
    }
}
