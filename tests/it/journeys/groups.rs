//! Group sessions.

use domain::scheduling::booking_limits::BookingLimits;
use serde_json::json;

use crate::harness::{GOOD_CARD, Offer, Response, TestApp, id, intent, paid_hour};

fn course() -> serde_json::Value {
    let mut terms = paid_hour();
    terms["capacity"] = json!(3);
    terms
}

async fn seats(test: &TestApp, offer: &Offer, subject: &str, count: u16, key: &str) -> Response {
    seats_at(test, offer, subject, "2027-01-05T10:00:00Z", count, key).await
}

async fn seats_at(
    test: &TestApp,
    offer: &Offer,
    subject: &str,
    start: &str,
    seats: u16,
    key: &str,
) -> Response {
    let mut body = TestApp::booking(offer, start);
    body["seats"] = json!(seats);
    test.post("/v1/appointments").signed_in_as(subject).idempotency_key(key).json(&body).send().await
}

#[tokio::test]
async fn seats_are_booked_until_none_is_left() {
    let test = TestApp::new().await;
    let offer = test.offer(&course()).await;
    let booked = seats(&test, &offer, "alan", 2, "k").await.expect(201);
    assert_eq!(booked["price"]["amount"], 16_000);
    let path = format!(
        "/v1/experts/{}/slots?session_type_id={}&from=2027-01-05T09:30:00Z&to=2027-01-05T11:30:00Z",
        offer.expert, offer.session_type
    );
    let slots = test.get(&path).send().await.expect(200);
    let slots: Vec<_> = slots["slots"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|slot| (&slot["start"], &slot["seats"]))
        .collect();
    assert_eq!(
        slots,
        [(&json!("2027-01-05T10:00:00Z"), &json!(1)), (&json!("2027-01-05T11:00:00Z"), &json!(3))]
    );

    let too_many = seats(&test, &offer, "grace", 2, "k").await;
    assert_eq!(too_many.problem(409), "seats-taken");
    let last = seats(&test, &offer, "grace", 1, "k2").await.expect(201);
    assert_eq!(seats(&test, &offer, "katherine", 1, "k").await.problem(409), "seats-taken");

    // One client pays and the other does not: two seats are free again, even before the sweep.
    test.stripe().pay(intent(&last), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    test.advance(601);
    seats(&test, &offer, "katherine", 2, "k2").await.expect(201);
    test.sweep().await;
    assert_eq!(test.appointment(&id(&booked)).await["status"], "expired");
}

#[tokio::test]
async fn time_is_free_after_the_last_seat_is_cancelled() {
    let test = TestApp::new().await;
    let offer = test.offer(&course()).await;
    let single =
        Offer { session_type: test.session_type(&offer.expert, &paid_hour()).await, ..offer.clone() };
    let first = seats(&test, &offer, "alan", 1, "k").await.expect(201);
    let second = seats(&test, &offer, "grace", 1, "k").await.expect(201);
    assert_eq!(
        test.book_as("katherine", &single, "2027-01-05T10:30:00Z", "k").await.problem(409),
        "slot-taken"
    );
    test.post_action("alan", &id(&first), "cancel", &json!(null)).await.expect(200);
    assert_eq!(
        test.book_as("katherine", &single, "2027-01-05T10:30:00Z", "k").await.problem(409),
        "slot-taken"
    );
    // The hold of the other seat expires. Without a sweep, a booking of another session type takes the time.
    test.advance(601);
    test.book_as("katherine", &single, "2027-01-05T10:30:00Z", "k").await.expect(201);
    let read =
        test.get(&format!("/v1/appointments/{}", id(&second))).signed_in_as("grace").send().await.expect(200);
    assert_eq!(read["status"], "expired");
    assert_eq!(seats(&test, &offer, "alan", 1, "k9").await.problem(409), "slot-taken");
}

#[tokio::test]
async fn seats_can_be_rescheduled_to_another_session() {
    let test = TestApp::new().await;
    let mut terms = course();
    terms["durations"][0]["price"]["amount"] = json!(0);
    let offer = test.offer(&terms).await;
    let first = id(&seats(&test, &offer, "alan", 2, "k").await.expect(201));
    seats(&test, &offer, "grace", 1, "k").await.expect(201);
    let later = json!({ "start": "2027-01-05T14:00:00Z" });
    test.post_action("alan", &first, "reschedule", &later).await.expect(200);
    seats(&test, &offer, "katherine", 2, "k").await.expect(201);
    let back = json!({ "start": "2027-01-05T10:00:00Z" });
    assert_eq!(test.post_action("alan", &first, "reschedule", &back).await.problem(409), "seats-taken");
    assert_eq!(test.appointment(&first).await["start"], "2027-01-05T14:00:00Z");
}

#[tokio::test]
async fn edited_group_session_keeps_its_bookings() {
    let test = TestApp::new().await;
    let offer = test.offer(&course()).await;
    let edit = async |version: &str, terms: &serde_json::Value| {
        let path = format!("/v1/experts/{}/session-types/{}", offer.expert, offer.session_type);
        test.put(&path).signed_in_as("ada").header("If-Match", version).json(terms).send().await.expect(200)
    };
    let first = seats(&test, &offer, "alan", 1, "k").await.expect(201);

    // The session type is no longer for groups and has a buffer. The existing session keeps its seats, and nobody can join it.
    let second = seats(&test, &offer, "grace", 1, "k").await.expect(201);
    let mut single = paid_hour();
    single["buffer_after_minutes"] = json!(720);
    edit("\"1\"", &single).await;
    for booked in [&first, &second] {
        test.stripe().pay(intent(booked), GOOD_CARD).expect("the card works");
    }
    test.stack.run_until_idle().await;
    test.advance(601);
    test.sweep().await;
    assert_eq!(seats(&test, &offer, "katherine", 1, "k").await.problem(409), "seats-taken");

    // A client can reschedule such a seat. Nobody can join that session either.
    let moved = json!({ "start": "2027-01-07T10:00:00Z" });
    test.post_action("grace", &id(&second), "reschedule", &moved).await.expect(200);
    let other = seats_at(&test, &offer, "katherine", "2027-01-07T10:00:00Z", 1, "k2").await;
    assert_eq!(other.problem(409), "seats-taken");

    // With twice the length it is another session, which the existing one blocks.
    let mut longer = course();
    longer["durations"][0]["minutes"] = json!(120);
    edit("\"2\"", &longer).await;
    assert_eq!(seats(&test, &offer, "katherine", 1, "k3").await.problem(409), "slot-taken");
    assert!(!test.starts(&offer, "2027-01-05").await.contains(&"2027-01-05T10:00:00Z".to_owned()));

    // After both are cancelled, the whole day is free.
    edit("\"3\"", &course()).await;
    for (client, booked) in [("alan", &first), ("grace", &second)] {
        test.post_action(client, &id(booked), "cancel", &json!(null)).await.expect(200);
    }
    assert_eq!(test.starts(&offer, "2027-01-05").await.len(), 15);
    assert_eq!(test.starts(&offer, "2027-01-06").await.len(), 15);
}

#[tokio::test]
async fn one_client_has_at_most_ten_seats_of_a_free_session() {
    let limits = BookingLimits { seats: BookingLimits::default().seats, ..BookingLimits::unlimited() };
    let test = TestApp::with(|config| config.settings.booking_limits = limits).await;
    let mut free = course();
    (free["capacity"], free["durations"][0]["price"]["amount"]) = (json!(40), json!(0));
    let paid = test.offer(&paid_course()).await;
    let offer = Offer { session_type: test.session_type(&paid.expert, &free).await, ..paid.clone() };
    let violation = |refused: Response| {
        assert_eq!(refused.problem(422), "invalid", "{:#}", refused.body);
        refused.body["violations"][0].clone()
    };
    let refused = violation(seats(&test, &offer, "alan", 11, "k").await);
    assert_eq!(refused, json!({ "pointer": "/seats", "detail": "must be from 1 to 10, got 11" }));
    seats(&test, &offer, "alan", 7, "k1").await.expect(201);
    let refused = violation(seats(&test, &offer, "alan", 4, "k2").await);
    let must = "must not bring your seats of this session that are not paid above 10; you have 7 now";
    assert_eq!(refused, json!({ "pointer": "/seats", "detail": must }));
    seats(&test, &offer, "alan", 3, "k3").await.expect(201);
    seats(&test, &offer, "grace", 10, "k").await.expect(201);
    // Nor by moving others there.
    let later = seats_at(&test, &offer, "alan", "2027-01-05T11:00:00Z", 1, "k4").await.expect(201);
    let start = json!({ "start": "2027-01-05T10:00:00Z" });
    let refused = violation(test.post_action("alan", &id(&later), "reschedule", &start).await);
    let must = "must not bring your seats of this session that are not paid above 10; you have 10 now";
    assert_eq!(refused, json!({ "pointer": "/start", "detail": must }));
    // Seats that are paid count one booking at a time.
    for (number, key) in ["p1", "p2"].into_iter().enumerate() {
        let booked = seats_at(&test, &paid, "alan", "2027-01-06T10:00:00Z", 10, key).await.expect(201);
        test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
        test.stack.run_until_idle().await;
        assert_eq!(test.appointment(&id(&booked)).await["status"], "confirmed", "{number}");
    }
}

#[tokio::test]
async fn one_client_has_at_most_ten_seats_that_are_paid_later() {
    let limits = BookingLimits { seats: BookingLimits::default().seats, ..BookingLimits::unlimited() };
    let test = TestApp::with(|config| config.settings.booking_limits = limits).await;
    let mut terms = paid_course();
    terms["collection"] = json!("authorize_then_capture");
    let offer = test.offer(&terms).await;
    let (start, other) = ("2027-01-25T10:00:00Z", "2027-01-25T11:00:00Z");
    // An open hold counts, and so does a saved card.
    let held = seats_at(&test, &offer, "alan", start, 6, "k1").await.expect(201);
    assert_refused(seats_at(&test, &offer, "alan", start, 5, "k2").await, "/seats", 6);
    save_card(&test, &held).await;
    assert_refused(seats_at(&test, &offer, "alan", start, 5, "k3").await, "/seats", 6);
    let more = seats_at(&test, &offer, "alan", start, 4, "k4").await.expect(201);
    save_card(&test, &more).await;
    assert_refused(seats_at(&test, &offer, "alan", start, 1, "k5").await, "/seats", 10);
    // Nor by moving others there.
    let moved = seats_at(&test, &offer, "alan", other, 1, "k6").await.expect(201);
    save_card(&test, &moved).await;
    let to = json!({ "start": start });
    assert_refused(test.post_action("alan", &id(&moved), "reschedule", &to).await, "/start", 10);
    let proposal = json!({ "starts": ["2027-01-26T10:00:00Z", start] });
    assert_refused(test.post_action("alan", &id(&moved), "proposal", &proposal).await, "/starts/1", 10);
    // Others and cancelled seats do not count.
    seats_at(&test, &offer, "grace", start, 10, "k").await.expect(201);
    test.post_action("alan", &id(&more), "cancel", &json!(null)).await.expect(200);
    test.post_action("alan", &id(&moved), "reschedule", &to).await.expect(200);
    assert_refused(seats_at(&test, &offer, "alan", start, 4, "k7").await, "/seats", 7);
    // The amounts are authorized some days before the session.
    for _ in 0..18 * 4 {
        test.advance(6 * 3_600);
        test.stack.run_until_idle().await;
        test.sweep().await;
    }
    assert_eq!(test.appointment(&id(&held)).await["payment"]["state"], "authorized");
    seats_at(&test, &offer, "alan", start, 10, "k8").await.expect(201);
}

#[tokio::test]
async fn quote_of_a_move_names_its_start_if_a_proposal_would_hold_too_many_seats() {
    let limits = BookingLimits { seats: BookingLimits::default().seats, ..BookingLimits::unlimited() };
    let test = TestApp::with(|config| config.settings.booking_limits = limits).await;
    let mut terms = paid_course();
    terms["collection"] = json!("authorize_then_capture");
    terms["rescheduling_policy"] = json!({ "at_most": 0 });
    let offer = test.offer(&terms).await;
    let (start, other) = ("2027-01-25T10:00:00Z", "2027-01-25T11:00:00Z");
    save_card(&test, &seats_at(&test, &offer, "alan", start, 10, "k1").await.expect(201)).await;
    let single = seats_at(&test, &offer, "alan", other, 1, "k2").await.expect(201);
    save_card(&test, &single).await;
    let path = format!("/v1/appointments/{}/reschedule?start={start}", id(&single));
    let refused = test.get(&path).signed_in_as("alan").send().await;
    assert_eq!(
        (refused.problem(422), &refused.body["violations"][0]["parameter"]),
        ("invalid", &json!("start"))
    );
    let proposal = json!({ "starts": [start] });
    assert_refused(test.post_action("alan", &id(&single), "proposal", &proposal).await, "/starts/0", 10);
}

/// Pays for a booking with a card that is saved and charged later.
async fn save_card(test: &TestApp, booked: &serde_json::Value) {
    test.stripe().pay(intent(booked), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    let booked = test.appointment(&id(booked)).await;
    assert_eq!(booked["status"], "confirmed", "{booked:#}");
}

/// Asserts that a request is refused because the client has this number of seats that are not paid.
fn assert_refused(refused: Response, pointer: &str, own: u16) {
    assert_eq!(refused.problem(422), "invalid", "{:#}", refused.body);
    let must =
        format!("must not bring your seats of this session that are not paid above 10; you have {own} now");
    assert_eq!(refused.body["violations"][0], json!({ "pointer": pointer, "detail": must }));
}

/// A course with a price and many places.
fn paid_course() -> serde_json::Value {
    let mut terms = course();
    (terms["capacity"], terms["durations"][0]["price"]["amount"]) = (json!(40), json!(1_000));
    terms
}
