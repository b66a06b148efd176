//! Listing slots: why there are none, and what is suggested instead of a refused slot.

use serde_json::{Value, json};

use crate::harness::{Offer, TestApp, free_hour, id, office_hours, paid_hour};

#[tokio::test]
async fn refused_booking_names_starts_that_can_be_booked() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    test.book(&offer, "2027-01-05T10:00:00Z", "k1").await.expect(201);
    let refused = test.book_as("grace", &offer, "2027-01-05T10:30:00Z", "k").await;
    assert_eq!(refused.problem(409), "slot-taken");
    let alternatives = refused.body["alternatives"].as_array().expect("alternatives").clone();
    assert_eq!((alternatives.len(), &alternatives[0]), (5, &json!("2027-01-05T11:00:00Z")));
    // The same request succeeds with the first of them.
    let start = alternatives[0].as_str().expect("a start");
    test.book_as("grace", &offer, start, "k").await.expect(201);

    // An alternative to a rescheduled time may overlap the present time of the appointment.
    let own = id(&test.book(&offer, "2027-01-05T14:00:00Z", "k2").await.expect(201));
    let refused =
        test.post_action("alan", &own, "reschedule", &json!({ "start": "2027-01-05T13:15:00Z" })).await;
    assert_eq!(refused.problem(409), "not-offered");
    let alternatives: Vec<&Value> = refused.body["alternatives"].as_array().expect("some").iter().collect();
    assert_eq!(alternatives[0], "2027-01-05T13:30:00Z");
    let moved = test.post_action("alan", &own, "reschedule", &json!({ "start": alternatives[0] })).await;
    assert_eq!(moved.expect(200)["start"], "2027-01-05T13:30:00Z");
}

#[tokio::test]
async fn empty_list_says_why_and_when_sessions_can_be_booked() {
    let test = TestApp::new().await;
    let mut terms = free_hour();
    terms["minimum_notice_minutes"] = json!(24 * 60);
    terms["booking_window"] = json!({ "kind": "business_days", "days": 5 });
    terms["daily_minutes_cap"] = json!(60);
    let offer = test.offer(&terms).await;
    let list = |from: &str, to: &str| {
        let path = format!(
            "/v1/experts/{}/slots?session_type_id={}&from={from}:00Z&to={to}:00Z",
            offer.expert, offer.session_type
        );
        let request = test.get(&path);
        async move { request.send().await.expect(200) }
    };
    // It is Monday, 4 January, 08:00.
    let found = list("2027-01-05T00:00", "2027-01-12T00:00").await;
    assert_eq!(found.get("empty_reason"), None);
    assert_eq!(found["bookable_from"], "2027-01-05T08:00:00Z");
    assert_eq!(found["bookable_until"], "2027-01-12T00:00:00Z");
    let why = |from, to| {
        let found = list(from, to);
        async move {
            let found = found.await;
            assert_eq!(found["slots"], json!([]));
            assert_eq!(found["bookable_until"], "2027-01-12T00:00:00Z");
            found["empty_reason"].as_str().expect("a reason").to_owned()
        }
    };
    assert_eq!(why("2027-01-12T00:00", "2027-01-13T00:00").await, "outside_booking_window");
    assert_eq!(why("2027-01-04T00:00", "2027-01-05T08:00").await, "notice_too_short");
    assert_eq!(why("2027-01-09T00:00", "2027-01-11T00:00").await, "no_hours");
    assert_eq!(why("2027-01-05T16:30", "2027-01-05T17:00").await, "hours_too_short");
    test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201);
    assert_eq!(why("2027-01-05T09:30", "2027-01-05T11:00").await, "all_taken");
    assert_eq!(why("2027-01-05T00:00", "2027-01-06T00:00").await, "caps_reached");
    assert_eq!(test.book(&offer, "2027-01-05T12:00:00Z", "k2").await.problem(409), "day-full");
}

#[tokio::test]
async fn paid_session_type_has_no_slots_until_the_expert_can_be_paid() {
    let test = TestApp::new().await;
    let expert = test.expert(&office_hours()).await;
    let session_type = test.session_type(&expert, &paid_hour()).await;
    let offer = Offer { expert: expert.clone(), session_type };
    let path = format!(
        "/v1/experts/{expert}/slots?session_type_id={}&from=2027-01-05T00:00:00Z&to=2027-01-06T00:00:00Z",
        offer.session_type
    );
    let list = test.get(&path).send().await.expect(200);
    assert_eq!((&list["slots"], &list["empty_reason"]), (&json!([]), &json!("payments_not_ready")));
    let types = format!("/v1/experts/{expert}/session-types");
    let mine = test.get(&types).send().await.expect(200);
    assert_eq!(mine["session_types"][0]["unavailable_reason"], "payments_not_ready");
    assert_eq!(test.book(&offer, "2027-01-05T10:00:00Z", "k").await.problem(409), "payments-not-ready");

    test.onboard(&expert).await;
    assert_eq!(test.starts(&offer, "2027-01-05").await.len(), 15);
    let mine = test.get(&types).send().await.expect(200);
    assert_eq!(mine["session_types"][0].get("unavailable_reason"), None);
}

#[tokio::test]
async fn window_of_free_days_moves_on_when_a_day_fills_up() {
    let test = TestApp::new().await;
    let mut terms = free_hour();
    terms["booking_window"] = json!({ "kind": "free_days", "days": 1 });
    terms["daily_cap"] = json!(1);
    let offer = test.offer(&terms).await;
    // It is Monday, 4 January. Only today has free time within the window.
    assert_eq!(test.starts(&offer, "2027-01-04").await.len(), 15);
    assert_eq!(test.starts(&offer, "2027-01-05").await, [] as [&str; 0]);
    let early = test.book(&offer, "2027-01-05T10:00:00Z", "k1").await;
    assert_eq!(early.problem(409), "outside-booking-window");
    assert_eq!(early.body["alternatives"][0], "2027-01-04T09:00:00Z");
    let booked = id(&test.book(&offer, "2027-01-04T10:00:00Z", "k2").await.expect(201));
    assert_eq!(test.starts(&offer, "2027-01-04").await, [] as [&str; 0]);
    assert_eq!(test.starts(&offer, "2027-01-05").await.len(), 15);
    test.book(&offer, "2027-01-05T10:00:00Z", "k3").await.expect(201);
    // A cancellation makes the first day free again.
    test.post_action("alan", &booked, "cancel", &json!({})).await.expect(200);
    assert_eq!(test.starts(&offer, "2027-01-06").await, [] as [&str; 0]);
}

#[tokio::test]
async fn client_selects_one_of_several_durations() {
    let test = TestApp::new().await;
    let mut terms = paid_hour();
    terms["durations"] = json!([
        { "minutes": 60, "price": { "amount": 8_000, "currency": "EUR" } },
        { "minutes": 30, "price": { "amount": 5_000, "currency": "EUR" } },
        { "minutes": 120, "price": { "amount": 14_000, "currency": "EUR" } },
    ]);
    terms["daily_minutes_cap"] = json!(180);
    let offer = test.offer(&terms).await;
    let list = |duration: &str| {
        let path = format!(
            "/v1/experts/{}/slots?session_type_id={}&from=2027-01-05T00:00:00Z&to=2027-01-06T00:00:00Z{duration}",
            offer.expert, offer.session_type
        );
        let request = test.get(&path);
        async move { request.send().await }
    };
    let count = |duration| {
        let listed = list(duration);
        async move { listed.await.expect(200)["slots"].as_array().expect("a list").len() }
    };
    assert_eq!(count("&duration_minutes=30").await, 16);
    assert_eq!(count("&duration_minutes=60").await, 15);
    assert_eq!(count("&duration_minutes=120").await, 13);
    for unknown in ["", "&duration_minutes=45"] {
        let refused = list(unknown).await;
        assert_eq!((refused.problem(422), refused.places()), ("invalid", vec!["duration_minutes"]));
    }

    let book = |duration: Value, start: &str, key: &str| {
        let mut body = TestApp::booking(&offer, start);
        body["duration_minutes"] = duration;
        test.post("/v1/appointments").signed_in_as("alan").idempotency_key(key).json(&body).send()
    };
    assert_eq!(book(json!(null), "2027-01-05T09:00:00Z", "k0").await.problem(422), "invalid");
    let long = book(json!(120), "2027-01-05T09:00:00Z", "k1").await.expect(201);
    assert_eq!((&long["end"], &long["price"]["amount"]), (&json!("2027-01-05T11:00:00Z"), &json!(14_000)));
    // An hour of the daily minutes is left.
    assert_eq!(count("&duration_minutes=120").await, 0);
    assert_eq!(count("&duration_minutes=60").await, 11);
    assert_eq!(book(json!(120), "2027-01-05T12:00:00Z", "k2").await.problem(409), "day-full");
    let short = book(json!(30), "2027-01-05T11:00:00Z", "k3").await.expect(201);
    assert_eq!((&short["end"], &short["price"]["amount"]), (&json!("2027-01-05T11:30:00Z"), &json!(5_000)));

    // A rescheduled appointment keeps its length and its price.
    test.stripe().pay(crate::harness::intent(&long), crate::harness::GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    let moved = json!({ "start": "2027-01-06T10:00:00Z" });
    let moved = test.post_action("alan", &id(&long), "reschedule", &moved).await.expect(200);
    assert_eq!((&moved["end"], &moved["price"]["amount"]), (&json!("2027-01-06T12:00:00Z"), &json!(14_000)));
}
