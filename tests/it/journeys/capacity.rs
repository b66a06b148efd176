//! Experts who accompany a limited number of clients at the same time.

use app::AppError;
use app::scheduling::error::SchedulingError;
use serde_json::{Value, json};

use crate::harness::{Offer, Response, TestApp, free_hour, id};

/// Sets the mentorship capacity of an expert; null for none.
async fn set_capacity(test: &TestApp, offer: &Offer, capacity: Value) {
    let path = format!("/v1/experts/{}", offer.expert);
    let read = test.get(&path).signed_in_as("ada").send().await;
    let mut profile = json!({ "name": "Ada Lovelace", "headline": "Analytical engines" });
    profile["mentorship_capacity"] = capacity;
    let edit = test.put(&path).signed_in_as("ada").header("If-Match", &read.etag()).json(&profile);
    edit.send().await.expect(200);
}

async fn book(test: &TestApp, offer: &Offer, who: &str, start: &str) -> Response {
    test.book_as(who, offer, &format!("{start}:00Z"), start).await
}

/// An expert with a capacity, and two appointments of Alan, of which the second was booked after the first minutes with a capacity.
/// Returns the second one.
async fn with_alan(test: &TestApp, offer: &Offer, capacity: u16) -> String {
    set_capacity(test, offer, json!(capacity)).await;
    book(test, offer, "alan", "2027-01-05T09:00").await.expect(201);
    test.advance(301);
    id(&book(test, offer, "alan", "2027-01-05T10:00").await.expect(201))
}

#[tokio::test]
async fn client_who_reschedules_keeps_the_place_until_the_new_end() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let appointment = with_alan(&test, &offer, 1).await;
    let later = json!({ "start": "2027-01-06T10:00:00Z" });
    test.post_action("alan", &appointment, "reschedule", &later).await.expect(200);
    let noon: domain::Timestamp = "2027-01-05T12:00:00Z".parse().expect("a time");
    test.advance(noon.seconds() - test.clock.now());
    assert_eq!(book(&test, &offer, "grace", "2027-01-06T14:00").await.problem(409), "expert-at-capacity");
    // A place that becomes free is noticed within a minute of the last refusal.
    test.post_action("alan", &appointment, "cancel", &json!({})).await.expect(200);
    test.advance(60);
    book(&test, &offer, "grace", "2027-01-06T14:00").await.expect(201);
    assert_eq!(book(&test, &offer, "alan", "2027-01-06T15:00").await.problem(409), "expert-at-capacity");
}

#[tokio::test]
async fn bookings_without_a_capacity_count_once_it_is_set_again() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    with_alan(&test, &offer, 1).await;
    set_capacity(&test, &offer, Value::Null).await;
    book(&test, &offer, "katherine", "2027-01-05T11:00").await.expect(201);
    test.advance(3_600);
    set_capacity(&test, &offer, json!(2)).await;
    assert_eq!(book(&test, &offer, "grace", "2027-01-05T12:00").await.problem(409), "expert-at-capacity");
    book(&test, &offer, "katherine", "2027-01-05T13:00").await.expect(201);
    book(&test, &offer, "alan", "2027-01-05T14:00").await.expect(201);
}

#[tokio::test]
async fn clients_of_before_the_capacity_keep_their_places() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    book(&test, &offer, "alan", "2027-01-05T09:00").await.expect(201);
    book(&test, &offer, "katherine", "2027-01-05T10:00").await.expect(201);
    for capacity in [1, 2] {
        set_capacity(&test, &offer, json!(capacity)).await;
        assert_eq!(book(&test, &offer, "grace", "2027-01-05T11:00").await.problem(409), "expert-at-capacity");
    }
    book(&test, &offer, "alan", "2027-01-05T11:00").await.expect(201);
    set_capacity(&test, &offer, json!(3)).await;
    book(&test, &offer, "grace", "2027-01-05T12:00").await.expect(201);
    // A lower capacity takes nobody's place.
    set_capacity(&test, &offer, json!(1)).await;
    for (who, start) in [("alan", "2027-01-05T13:00"), ("grace", "2027-01-05T14:00")] {
        book(&test, &offer, who, start).await.expect(201);
    }
}

#[tokio::test]
async fn more_clients_than_the_maximum_capacity_keep_their_places() {
    let test = TestApp::new().await;
    let mut course = free_hour();
    course["capacity"] = json!(200);
    let offer = test.offer(&course).await;
    let book = |client: u8, hour: &'static str| {
        let (test, offer) = (&test, &offer);
        async move { test.book_for_client(client, offer, &format!("2027-01-05T{hour}:00:00Z"), hour).await }
    };
    for client in 0..102 {
        book(client, "09").await.expect("booked");
    }
    set_capacity(&test, &offer, json!(100)).await;
    test.advance(301);
    let refused = book(200, "10").await.expect_err("at capacity");
    assert!(matches!(refused, AppError::Scheduling(SchedulingError::AtCapacity)), "{refused}");
    // One of these is not listed.
    for client in (0..4).chain(98..102) {
        book(client, "10").await.expect("an active client");
    }
    book(200, "11").await.expect_err("at capacity");
}

#[tokio::test]
async fn new_client_at_capacity_gets_no_alternatives_that_they_cannot_book() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    with_alan(&test, &offer, 1).await;
    let refused = book(&test, &offer, "grace", "2027-01-05T10:00").await;
    assert_eq!(refused.problem(409), "expert-at-capacity");
    assert_eq!(refused.body.get("alternatives"), None, "{:#}", refused.body);
    // The expert's client can book what is suggested to them.
    let refused = book(&test, &offer, "alan", "2027-01-05T09:30").await;
    let start = refused.body["alternatives"][0].as_str().expect("an alternative").to_owned();
    test.book_as("alan", &offer, &start, "alternative").await.expect(201);
}

#[tokio::test]
async fn client_of_before_the_capacity_can_book_after_another_one_rescheduled() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let appointment = id(&book(&test, &offer, "alan", "2027-01-05T09:00").await.expect(201));
    book(&test, &offer, "katherine", "2027-01-05T10:00").await.expect(201);
    set_capacity(&test, &offer, json!(1)).await;
    // A reschedule lists its client without a count.
    let later = json!({ "start": "2027-01-05T14:00:00Z" });
    test.post_action("alan", &appointment, "reschedule", &later).await.expect(200);
    test.advance(1);
    book(&test, &offer, "katherine", "2027-01-05T11:00").await.expect(201);
}

#[tokio::test]
async fn setting_the_capacity_again_replaces_an_unreadable_list() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    with_alan(&test, &offer, 1).await;
    let key = json!({ "PK": { "S": format!("EXPERT#{}", offer.expert) }, "SK": { "S": "CLIENTS" } });
    let read = test.database("GetItem", &json!({ "TableName": "expert-connect", "Key": key })).await;
    for (attribute, value, status) in
        [("schema", json!({ "N": "99" }), 409), ("version", json!({ "S": "x" }), 500)]
    {
        let mut item = read["Item"].clone();
        item[attribute] = value;
        test.database("PutItem", &json!({ "TableName": "expert-connect", "Item": item })).await;
        let start = "2027-01-05T11:00:00Z";
        let refused = test.book_as("alan", &offer, start, attribute).await;
        assert_eq!(refused.status.as_u16(), status, "{attribute}");
        set_capacity(&test, &offer, Value::Null).await;
        set_capacity(&test, &offer, json!(1)).await;
        let refused = test.book_as("grace", &offer, "2027-01-05T12:00:00Z", attribute).await;
        assert_eq!(refused.problem(409), "expert-at-capacity");
    }
    book(&test, &offer, "alan", "2027-01-05T11:00").await.expect(201);
}
