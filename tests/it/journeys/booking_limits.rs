//! How much one client, or one network address, can hold and book, and sessions at the same time.

use domain::scheduling::booking_limits::BookingLimits;
use serde_json::{Value, json};

use crate::harness::{GOOD_CARD, Offer, Response, TestApp, free_hour, id, intent, paid_hour, second_offer};

/// A stack with the default limits.
async fn with_limits() -> TestApp {
    TestApp::with(|config| config.settings.booking_limits = BookingLimits::default()).await
}

/// Books for Alan on 2027-01-05. The time is the idempotency key.
async fn book(test: &TestApp, offer: &Offer, time: &str) -> Response {
    test.book(offer, &format!("2027-01-05T{time}:00Z"), &time.replace(':', "-")).await
}

/// Books a session that may overlap others.
async fn book_with(test: &TestApp, offer: &Offer, start: &str, key: &str, more: Value) -> Response {
    let mut body = TestApp::booking(offer, start);
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    test.post("/v1/appointments").signed_in_as("alan").idempotency_key(key).json(&body).send().await
}

/// Checks the explanation of a limit.
#[track_caller]
fn assert_limit(response: &Response, status: u16, kind: &str, limit: u32, seconds: u32) {
    assert_eq!(response.problem(status), kind, "{:#}", response.body);
    let found = (&response.body["limit"], &response.body["retry_after"]);
    assert_eq!(found, (&json!(limit), &json!(seconds)), "{:#}", response.body);
    assert_eq!(response.headers["retry-after"], seconds.to_string());
    assert_eq!(response.body.get("alternatives"), None, "{:#}", response.body);
}

#[tokio::test]
async fn one_client_cannot_hold_a_whole_calendar() {
    let test = with_limits().await;
    let offer = test.offer(&paid_hour()).await;
    let mut held = 0;
    // Two hours of a greedy client, who takes a slot every minute.
    for minute in 0..120 {
        let starts = test.starts(&offer, "2027-01-05").await;
        for (number, start) in starts.iter().enumerate() {
            let booked = test.book(&offer, start, &format!("k{minute}-{number}")).await;
            if booked.status == 201 {
                held += 1;
            } else {
                break;
            }
        }
        test.advance(60);
        test.sweep().await;
    }
    // Holds at the minutes 0, 10, 30 and 60: after one unpaid hold there is no pause, then one of 10 and of 20 minutes.
    assert_eq!(held, 4);
}

#[tokio::test]
async fn second_hold_with_an_expert_is_refused_until_the_first_one_is_paid() {
    let test = with_limits().await;
    let offer = test.offer(&paid_hour()).await;
    let first = book(&test, &offer, "10:00").await.expect(201);
    test.advance(100);
    assert_limit(&book(&test, &offer, "12:00").await, 409, "too-many-holds", 1, 500);
    // A repeated request is not refused.
    assert_eq!(book(&test, &offer, "10:00").await.expect(201), first);
    test.stripe().pay(intent(&first), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    book(&test, &offer, "14:00").await.expect(201);
}

#[tokio::test]
async fn third_hold_is_refused_and_explained() {
    let test = with_limits().await;
    let (ada, grace) = (test.offer(&paid_hour()).await, second_offer(&test, &paid_hour()).await);
    book(&test, &ada, "10:00").await.expect(201);
    test.advance(60);
    book(&test, &grace, "12:00").await.expect(201);
    let refused = book(&test, &grace, "14:00").await;
    assert_limit(&refused, 409, "too-many-holds", 1, 600);
    assert!(refused.body["detail"].as_str().expect("text").contains("this expert"), "{:#}", refused.body);
    // The first hold ends. Grace's is open, so two holds are possible again only with Ada.
    test.advance(540);
    book(&test, &ada, "15:00").await.expect(201);
}

#[tokio::test]
async fn seats_of_one_group_session_count_as_one_hold() {
    let test = with_limits().await;
    let mut course = paid_hour();
    course["capacity"] = json!(9);
    let offer = test.offer(&course).await;
    let start = "2027-01-05T10:00:00Z";
    for key in ["a", "b", "c"] {
        test.book(&offer, start, key).await.expect(201);
    }
    assert_eq!(book(&test, &offer, "12:00").await.problem(409), "too-many-holds");
    test.advance(600);
    test.sweep().await;
    // All three seats ended unpaid.
    assert_eq!(test.book(&offer, start, "d").await.problem(429), "unpaid-holds");
}

#[tokio::test]
async fn cancelled_hold_counts_like_an_expired_one() {
    let test = with_limits().await;
    let offer = test.offer(&paid_hour()).await;
    let first = id(&book(&test, &offer, "10:00").await.expect(201));
    test.post_action("alan", &first, "cancel", &Value::Null).await.expect(200);
    // The first one has no consequence.
    let second = id(&book(&test, &offer, "11:00").await.expect(201));
    test.advance(10);
    test.post_action("alan", &second, "cancel", &Value::Null).await.expect(200);
    test.advance(10);
    assert_limit(&book(&test, &offer, "12:00").await, 429, "unpaid-holds", 1, 590);
    test.advance(589);
    assert_limit(&book(&test, &offer, "12:00").await, 429, "unpaid-holds", 1, 1);
    test.advance(1);
    let third = book(&test, &offer, "12:00").await.expect(201);
    // A cancelled appointment that was paid does not count.
    test.stripe().pay(intent(&third), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    test.post_action("alan", &id(&third), "cancel", &Value::Null).await.expect(200);
    book(&test, &offer, "13:00").await.expect(201);
}

#[tokio::test]
async fn hold_that_the_expert_cancels_does_not_count() {
    let test = with_limits().await;
    let offer = test.offer(&paid_hour()).await;
    for time in ["10:00", "11:00", "12:00"] {
        let held = id(&book(&test, &offer, time).await.expect(201));
        test.post_action("ada", &held, "cancel", &Value::Null).await.expect(200);
    }
    book(&test, &offer, "13:00").await.expect(201);
}

#[tokio::test]
async fn pause_after_unpaid_holds_does_not_affect_free_sessions() {
    let test = with_limits().await;
    let (ada, grace) = (test.offer(&paid_hour()).await, second_offer(&test, &free_hour()).await);
    for time in ["10:00", "11:00"] {
        book(&test, &ada, time).await.expect(201);
        test.advance(600);
        test.sweep().await;
    }
    assert_limit(&book(&test, &ada, "12:00").await, 429, "unpaid-holds", 1, 600);
    book(&test, &grace, "12:30").await.expect(201);
}

#[tokio::test]
async fn free_sessions_ahead_are_limited_for_each_expert() {
    let test = with_limits().await;
    let offer = test.offer(&free_hour()).await;
    let mut booked = Vec::new();
    for time in ["09:00", "10:00", "11:00"] {
        booked.push(id(&book(&test, &offer, time).await.expect(201)));
    }
    // At 08:00 on the day before; the first session ends at 10:00.
    let refused = book(&test, &offer, "12:00").await;
    assert_limit(&refused, 409, "too-many-free-appointments", 3, 26 * 3_600);
    test.post_action("alan", &booked[1], "cancel", &Value::Null).await.expect(200);
    book(&test, &offer, "13:00").await.expect(201);
    assert_eq!(book(&test, &offer, "14:00").await.problem(409), "too-many-free-appointments");
    test.advance(26 * 3_600);
    book(&test, &offer, "14:00").await.expect(201);
}

/// An hour that is paid after the session. The card is saved if the session is more than some days ahead.
fn later_hour() -> Value {
    let mut terms = paid_hour();
    terms["collection"] = json!("authorize_then_capture");
    terms
}

/// Books for Alan, and pays or saves the card.
async fn book_with_card(test: &TestApp, offer: &Offer, start: &str, card: &str) -> String {
    let booked = test.book(offer, start, start).await.expect(201);
    test.stripe().pay(intent(&booked), card).expect("the card works");
    test.stack.run_until_idle().await;
    id(&booked)
}

/// Advances the clock by days, and runs the sweep every six hours on the way.
async fn advance_days(test: &TestApp, days: i64) {
    for _ in 0..days * 4 {
        test.advance(6 * 3_600);
        test.stack.run_until_idle().await;
        test.sweep().await;
    }
}

#[tokio::test]
async fn sessions_that_are_paid_later_are_limited_for_each_expert() {
    let test = with_limits().await;
    let offer = test.offer(&later_hour()).await;
    let mut booked = Vec::new();
    for day in 25..28 {
        booked.push(book_with_card(&test, &offer, &format!("2027-01-{day}T10:00:00Z"), GOOD_CARD).await);
    }
    let fourth = "2027-01-28T10:00:00Z";
    let refused = test.book(&offer, fourth, "a").await;
    // It is 08:00 on 4 January; the first session ends at 11:00 on 25 January.
    assert_limit(&refused, 409, "too-many-unpaid-appointments", 3, (21 * 24 + 3) * 3_600);
    // A session that is authorized at booking is possible.
    book_with_card(&test, &offer, "2027-01-05T10:00:00Z", GOOD_CARD).await;
    test.post_action("alan", &booked[2], "cancel", &Value::Null).await.expect(200);
    booked.push(book_with_card(&test, &offer, fourth, GOOD_CARD).await);
    assert_eq!(
        test.book(&offer, "2027-01-29T10:00:00Z", "b").await.problem(409),
        "too-many-unpaid-appointments"
    );
    // The first one is authorized some days before the session.
    advance_days(&test, 18).await;
    assert_eq!(test.appointment(&booked[0]).await["payment"]["state"], "authorized");
    book_with_card(&test, &offer, "2027-01-29T10:00:00Z", GOOD_CARD).await;
}

#[tokio::test]
async fn client_whose_saved_card_was_declined_pays_at_once() {
    const FAILS_LATER: &str = "4000000000000341";
    for pays in [true, false] {
        let test = with_limits().await;
        let offer = test.offer(&later_hour()).await;
        let declined = book_with_card(&test, &offer, "2027-01-25T10:00:00Z", FAILS_LATER).await;
        advance_days(&test, 16).await;
        while test.appointment(&declined).await["payment"]["state"] != "action_required" {
            test.advance(3_600);
            test.sweep().await;
        }
        let refused = test.book(&offer, "2027-02-25T10:00:00Z", "a").await;
        assert_eq!(refused.problem(409), "too-many-unpaid-appointments");
        assert_eq!(refused.body["limit"], 0);
        let detail = refused.body["detail"].as_str().expect("words");
        assert!(detail.contains("declined") && detail.contains("2027-02-24T11:00:00Z"), "{detail}");
        book_with_card(&test, &offer, "2027-01-22T10:00:00Z", GOOD_CARD).await;
        if pays {
            let path = format!("/v1/appointments/{declined}/payment");
            let how = test.get(&path).signed_in_as("alan").send().await.expect(200);
            test.stripe().pay(how["intent"].as_str().expect("an intent"), GOOD_CARD).expect("it works");
            test.stack.run_until_idle().await;
            book_with_card(&test, &offer, "2027-02-25T10:00:00Z", GOOD_CARD).await;
        } else {
            advance_days(&test, 2).await;
            assert_eq!(test.appointment(&declined).await["status"], "cancelled");
            let refused = test.book(&offer, "2027-02-25T10:00:00Z", "b").await;
            assert_eq!(refused.problem(409), "too-many-unpaid-appointments");
        }
    }
}

#[tokio::test]
async fn unpaid_session_cannot_be_moved_again_and_again() {
    let test = with_limits().await;
    let offer = test.offer(&later_hour()).await;
    let mut booked = Vec::new();
    for day in 25..28 {
        booked.push(book_with_card(&test, &offer, &format!("2027-01-{day}T12:00:00Z"), GOOD_CARD).await);
    }
    test.advance(2 * 24 * 3_600);
    let moved = &booked[0];
    let to = |day: u8| json!({ "start": format!("2027-02-{day:02}T10:00:00Z") });
    for day in [2, 3] {
        test.post_action("alan", moved, "reschedule", &to(day)).await.expect(200);
        // It still counts.
        let refused = test.book(&offer, "2027-02-10T10:00:00Z", &format!("a{day}")).await;
        assert_eq!(refused.problem(409), "too-many-unpaid-appointments");
    }
    let refused = test.post_action("alan", moved, "reschedule", &to(4)).await;
    assert_eq!(refused.problem(409), "invalid-status");
    assert!(refused.body["detail"].as_str().expect("words").contains("not paid yet"), "{:#}", refused.body);
    let path = format!("/v1/appointments/{moved}/reschedule?start=2027-02-04T10:00:00Z");
    let quote = test.get(&path).signed_in_as("alan").send().await.expect(200);
    assert_eq!((&quote["how"], &quote["at_once_until"]), (&json!("propose"), &json!(null)));
    // The expert can agree.
    let proposal = json!({ "starts": ["2027-02-04T10:00:00Z"] });
    test.post_action("alan", moved, "proposal", &proposal).await.expect(200);
    test.post_action("ada", moved, "proposal/accept", &to(4)).await.expect(200);
}

#[tokio::test]
async fn free_seats_count_together_until_they_are_moved_apart() {
    let test = with_limits().await;
    let mut course = free_hour();
    course["capacity"] = json!(9);
    let offer = test.offer(&course).await;
    let start = "2027-01-05T10:00:00Z";
    let mut seats = Vec::new();
    for key in ["a", "b", "c", "d", "e"] {
        seats.push(id(&test.book(&offer, start, key).await.expect(201)));
    }
    let moved = async |seat: &str, time: &str| {
        let to = json!({ "start": format!("2027-01-05T{time}:00Z") });
        test.post_action("alan", seat, "reschedule", &to).await
    };
    moved(&seats[0], "11:00").await.expect(200);
    moved(&seats[1], "12:00").await.expect(200);
    // Three free appointments: the two, and the seats that are left.
    let refused = moved(&seats[2], "13:00").await;
    assert_limit(&refused, 409, "too-many-free-appointments", 3, 27 * 3_600);
    let quote = format!("/v1/appointments/{}/reschedule?start=2027-01-05T13:00:00Z", seats[2]);
    let quoted = test.get(&quote).signed_in_as("alan").send().await;
    assert_limit(&quoted, 409, "too-many-free-appointments", 3, 27 * 3_600);
    // What does not add an appointment is possible.
    moved(&seats[0], "14:00").await.expect(200);
    moved(&seats[2], "12:00").await.expect(200);
    test.post_action("alan", &seats[0], "cancel", &Value::Null).await.expect(200);
    moved(&seats[3], "13:00").await.expect(200);
}

#[tokio::test]
async fn unpaid_seats_count_together_until_they_are_moved_apart() {
    let test = with_limits().await;
    let mut course = later_hour();
    course["capacity"] = json!(9);
    let offer = test.offer(&course).await;
    let mut seats = Vec::new();
    for key in ["a", "b", "c", "d"] {
        let booked = test.book(&offer, "2027-02-05T10:00:00Z", key).await.expect(201);
        test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
        test.stack.run_until_idle().await;
        seats.push(id(&booked));
    }
    let moved = async |seat: &str, time: &str| {
        let to = json!({ "start": format!("2027-02-05T{time}:00Z") });
        test.post_action("alan", seat, "reschedule", &to).await
    };
    moved(&seats[0], "11:00").await.expect(200);
    moved(&seats[1], "12:00").await.expect(200);
    // Three unpaid appointments: the two, and the seats that are left.
    assert_eq!(moved(&seats[2], "13:00").await.problem(409), "too-many-unpaid-appointments");
    moved(&seats[2], "12:00").await.expect(200);
}

#[tokio::test]
async fn hold_ends_when_the_session_begins() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let at: domain::Timestamp = "2027-01-05T09:55:00Z".parse().expect("an instant");
    test.advance(at.seconds() - test.clock.now());
    let held = book(&test, &offer, "10:00").await.expect(201);
    assert_eq!(held["hold_expires_at"], "2027-01-05T10:00:00Z");
}

#[tokio::test]
async fn bookings_of_a_day_are_limited_even_if_they_are_cancelled() {
    let test = with_limits().await;
    let offer = test.offer(&free_hour()).await;
    for number in 0..20 {
        let booked = id(&test.book(&offer, "2027-01-05T10:00:00Z", &format!("k{number}")).await.expect(201));
        test.post_action("alan", &booked, "cancel", &Value::Null).await.expect(200);
    }
    // It is 08:00.
    assert_limit(&book(&test, &offer, "10:00").await, 429, "too-many-bookings", 20, 16 * 3_600);
    test.advance(16 * 3_600);
    book(&test, &offer, "10:00").await.expect(201);
}

#[tokio::test]
async fn attempts_of_a_network_address_are_limited() {
    let limits = BookingLimits { attempts_per_address: 3, ..BookingLimits::unlimited() };
    let test = TestApp::with(|config| config.settings.booking_limits = limits).await;
    let offer = test.offer(&free_hour()).await;
    let start = "2027-01-05T10:00:00Z";
    let first = test.book_as("alan", &offer, start, "k").await.expect(201);
    // Failed attempts count, whoever makes them.
    assert_eq!(test.book_as("katherine", &offer, start, "k").await.problem(409), "slot-taken");
    assert_eq!(test.book_as("grace", &offer, start, "k").await.problem(409), "slot-taken");
    let refused = test.book_as("grace", &offer, "2027-01-05T12:00:00Z", "k2").await;
    assert_limit(&refused, 429, "too-many-attempts", 3, 16 * 3_600);
    // A repeated request is not refused.
    assert_eq!(test.book_as("alan", &offer, start, "k").await.expect(201), first);
    // Another address is another caller.
    let other = reqwest::Client::builder().no_proxy().local_address(std::net::IpAddr::from([127, 0, 0, 2]));
    let sent = other
        .build()
        .expect("a client")
        .post(format!("{}/v1/appointments", test.stack.api_url))
        .bearer_auth(test.token("grace"))
        .header("Idempotency-Key", "k3")
        .json(&TestApp::booking(&offer, "2027-01-05T12:00:00Z"));
    assert_eq!(sent.send().await.expect("a response").status(), 201);
    test.advance(16 * 3_600);
    test.book_as("grace", &offer, "2027-01-05T14:00:00Z", "k4").await.expect(201);
    // The address itself is not stored.
    let rows = test.database("Scan", &json!({ "TableName": "expert-connect" })).await.to_string();
    assert!(rows.contains("ATTEMPTS") && !rows.contains("127.0.0"));
}

#[tokio::test]
async fn two_sessions_of_a_client_overlap_only_if_the_request_says_so() {
    let test = with_limits().await;
    let (ada, grace) = (test.offer(&free_hour()).await, second_offer(&test, &free_hour()).await);
    book(&test, &ada, "10:00").await.expect(201);
    let refused = book_with(&test, &grace, "2027-01-05T10:30:00Z", "a", json!({})).await;
    assert_eq!((refused.problem(409), refused.places()), ("overlapping-session", vec!["/start"]));
    let detail = refused.body["detail"].as_str().expect("text");
    assert!(detail.contains("2027-01-05T10:00:00Z") && detail.contains("allow_overlap"), "{detail}");
    // Sessions that only touch do not overlap.
    book_with(&test, &grace, "2027-01-05T11:00:00Z", "b", json!({})).await.expect(201);
    let allowed = json!({ "allow_overlap": true });
    book_with(&test, &grace, "2027-01-05T09:30:00Z", "c", allowed).await.expect(201);
}

#[tokio::test]
async fn cancelled_session_does_not_overlap() {
    let test = with_limits().await;
    let (ada, grace) = (test.offer(&free_hour()).await, second_offer(&test, &free_hour()).await);
    let booked = id(&book(&test, &ada, "10:00").await.expect(201));
    test.post_action("alan", &booked, "cancel", &Value::Null).await.expect(200);
    book_with(&test, &grace, "2027-01-05T10:30:00Z", "a", json!({})).await.expect(201);
}

#[tokio::test]
async fn client_who_moves_a_session_is_told_of_an_overlap() {
    let test = with_limits().await;
    let (ada, grace) = (test.offer(&free_hour()).await, second_offer(&test, &free_hour()).await);
    let booked = id(&book(&test, &ada, "10:00").await.expect(201));
    book(&test, &grace, "14:00").await.expect(201);
    let to = |start: &str| json!({ "start": start });
    let moved = test.post_action("alan", &booked, "reschedule", &to("2027-01-05T14:30:00Z")).await;
    assert_eq!(moved.problem(409), "overlapping-session");
    // It does not overlap itself.
    test.post_action("alan", &booked, "reschedule", &to("2027-01-05T10:30:00Z")).await.expect(200);
    // What was moved just now counts at its new time.
    let refused = book_with(&test, &grace, "2027-01-05T11:00:00Z", "a", json!({})).await;
    assert_eq!(refused.problem(409), "overlapping-session");
    book_with(&test, &grace, "2027-01-05T09:30:00Z", "b", json!({})).await.expect(201);
    let allowed = json!({ "start": "2027-01-05T14:30:00Z", "allow_overlap": true });
    test.post_action("alan", &booked, "reschedule", &allowed).await.expect(200);
}

#[tokio::test]
async fn client_who_agrees_on_another_time_is_told_of_an_overlap() {
    let test = with_limits().await;
    let (ada, grace) = (test.offer(&free_hour()).await, second_offer(&test, &free_hour()).await);
    let booked = id(&book(&test, &ada, "10:00").await.expect(201));
    book(&test, &grace, "14:00").await.expect(201);
    let (free, taken) = ("2027-01-05T12:00:00Z", "2027-01-05T14:30:00Z");
    let act = async |subject: &str, action: &str, body: Value| {
        test.post_action(subject, &booked, &format!("proposal{action}"), &body).await
    };
    // What the client proposes. Which of the starts overlaps is said.
    let refused = act("alan", "", json!({ "starts": [free, taken] })).await;
    assert_eq!((refused.problem(409), refused.places()), ("overlapping-session", vec!["/starts/1"]));
    act("alan", "", json!({ "starts": [free, taken], "allow_overlap": true })).await.expect(200);
    // The expert does not learn of the client's other session.
    act("ada", "/accept", json!({ "start": taken })).await.expect(200);

    // What the expert proposes is checked when the client accepts it.
    act("ada", "", json!({ "starts": ["2027-01-05T13:30:00Z", free] })).await.expect(200);
    let refused = act("alan", "/accept", json!({ "start": "2027-01-05T13:30:00Z" })).await;
    assert_eq!((refused.problem(409), refused.places()), ("overlapping-session", vec!["/start"]));
    let detail = refused.body["detail"].as_str().expect("a detail");
    assert!(detail.contains("2027-01-05T14:00:00Z") && detail.contains("allow_overlap"), "{detail}");
    // It does not overlap its own old time, and the client can have both sessions.
    act("alan", "/accept", json!({ "start": free })).await.expect(200);
    act("ada", "", json!({ "starts": ["2027-01-05T12:30:00Z", taken] })).await.expect(200);
    act("alan", "/accept", json!({ "start": taken, "allow_overlap": true })).await.expect(200);
}

#[tokio::test]
async fn alternatives_do_not_overlap_other_sessions_of_the_client() {
    let test = with_limits().await;
    let (ada, grace) = (test.offer(&free_hour()).await, second_offer(&test, &free_hour()).await);
    test.book_as("katherine", &ada, "2027-01-05T09:00:00Z", "k").await.expect(201);
    book(&test, &grace, "10:30").await.expect(201);
    let refused = book(&test, &ada, "09:00").await;
    assert_eq!(refused.problem(409), "slot-taken");
    let first = |response: &Response| response.body["alternatives"][0].clone();
    assert_eq!(first(&refused), "2027-01-05T11:30:00Z");
    let start = "2027-01-05T09:00:00Z";
    let refused = book_with(&test, &ada, start, "a", json!({ "allow_overlap": true })).await;
    assert_eq!(first(&refused), "2027-01-05T10:00:00Z");
}

#[tokio::test]
async fn limits_say_nothing_about_a_draft() {
    let test = with_limits().await;
    let offer = test.offer(&paid_hour()).await;
    book(&test, &offer, "10:00").await.expect(201);
    let path = format!("/v1/experts/{}", offer.expert);
    let read = test.get(&path).signed_in_as("ada").send().await;
    let draft = json!({ "name": "Ada Lovelace", "headline": "Analytical engines", "status": "draft" });
    test.put(&path)
        .signed_in_as("ada")
        .header("If-Match", &read.etag())
        .json(&draft)
        .send()
        .await
        .expect(200);
    assert_eq!(book(&test, &offer, "12:00").await.problem(404), "not-found");
}

#[tokio::test]
async fn concurrent_bookings_of_one_client_do_not_pass_a_limit_together() {
    let test = with_limits().await;
    let (ada, grace) = (test.offer(&paid_hour()).await, second_offer(&test, &free_hour()).await);
    let times = ["09:00", "10:00", "11:00", "12:00", "13:00", "14:00"];
    let holds = futures_util::future::join_all(times.map(|time| book(&test, &ada, time))).await;
    let statuses = |responses: &[Response]| {
        let mut found: Vec<u16> = responses.iter().map(|response| response.status.as_u16()).collect();
        found.sort_unstable();
        found
    };
    assert_eq!(statuses(&holds), [201, 409, 409, 409, 409, 409]);
    test.advance(700);
    let free = ["15:00", "15:30", "16:00"].map(|time| book_with_time(&test, &grace, time));
    let free = futures_util::future::join_all(free).await;
    // Two of the three overlap the one in the middle.
    let booked = statuses(&free);
    assert!(booked == [201, 201, 409] || booked == [201, 409, 409], "{booked:?}");
}

async fn book_with_time(test: &TestApp, offer: &Offer, time: &str) -> Response {
    book_with(test, offer, &format!("2027-01-05T{time}:00Z"), &time.replace(':', "."), json!({})).await
}
