//! Booking: holds, payment, confirmation, and the rules of slots.

use serde_json::{Value, json};

use crate::harness::{GOOD_CARD, TestApp, free_hour, id, intent, paid_hour};

#[tokio::test]
async fn appointment_is_booked_paid_rescheduled_cancelled_and_refunded() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let free = test.starts(&offer, "2027-01-05").await;
    assert_eq!((free.len(), free[2].as_str()), (15, "2027-01-05T10:00:00Z"));

    let booked = test.book(&offer, &free[2], "k").await.expect(201);
    assert_eq!(booked["status"], "pending");
    assert_eq!(booked["hold_expires_at"], "2027-01-04T08:10:00Z");
    assert_eq!(booked["start_for_attendee"], "2027-01-05T11:00:00+01:00");
    assert_eq!(booked["payment"]["state"], "open");
    assert!(booked["payment"]["client_secret"].as_str().expect("a secret").contains("_secret_"));
    // 09:30, 10:00 and 10:30 overlap the booked hour.
    assert_eq!(test.starts(&offer, "2027-01-05").await.len(), 12);
    assert_eq!(test.book_as("grace", &offer, &free[3], "k").await.problem(409), "slot-taken");

    let id = id(&booked);
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    let confirmed = test.appointment(&id).await;
    assert_eq!(confirmed["status"], "confirmed");
    assert_eq!(confirmed["payment"]["state"], "paid");
    assert_eq!(confirmed["payment"]["client_secret"], json!(null));
    let for_expert = test.get(&format!("/v1/appointments/{id}")).signed_in_as("ada").send().await.expect(200);
    assert_eq!(for_expert["payment"]["platform_fee"], json!({ "amount": 800, "currency": "EUR" }));
    assert_eq!(confirmed["payment"]["platform_fee"], json!(null));

    let moved = test
        .post_action("alan", &id, "reschedule", &json!({ "start": "2027-01-06T15:00:00Z" }))
        .await
        .expect(200);
    assert_eq!((&moved["start"], &moved["reschedules"]), (&json!("2027-01-06T15:00:00Z"), &json!(1)));
    assert_eq!(test.starts(&offer, "2027-01-05").await.len(), 15);
    assert_eq!(test.starts(&offer, "2027-01-06").await.len(), 12);

    let cancelled = test.post_action("alan", &id, "cancel", &json!({ "reason": "ill" })).await.expect(200);
    assert_eq!((&cancelled["status"], &cancelled["cancelled_by"]), (&json!("cancelled"), &json!("client")));
    assert_eq!(test.starts(&offer, "2027-01-06").await.len(), 15);
    test.stack.run_until_idle().await;
    assert_eq!(test.appointment(&id).await["payment"]["state"], "refunded");

    let published = test.stack.bus.published();
    let kinds: Vec<&str> = published.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["appointment.confirmed", "appointment.rescheduled", "appointment.cancelled", "payment.refunded"]
    );
    // Each event reports what the change made of the appointment.
    let details: Vec<&Value> = published.iter().map(|event| &event.detail).collect();
    let of =
        |detail: &Value| (detail["appointment"]["version"].clone(), detail["appointment"]["status"].clone());
    assert_eq!(
        details.iter().map(|detail| of(detail)).collect::<Vec<_>>(),
        [
            (json!(2), json!("confirmed")),
            (json!(3), json!("confirmed")),
            (json!(4), json!("cancelled")),
            (json!(4), json!("cancelled")),
        ]
    );
    assert_eq!(details[0]["appointment"]["start"], "2027-01-05T10:00:00Z");
    assert_eq!(
        (&details[1]["before"]["start"], &details[1]["appointment"]["start"]),
        (&json!("2027-01-05T10:00:00Z"), &json!("2027-01-06T15:00:00Z"))
    );
    assert_eq!(details[2]["final_charge"], json!({ "before": 8_000, "after": 0, "currency": "EUR" }));
    assert_eq!(details[3]["refunded"], json!({ "before": 0, "after": 8_000, "currency": "EUR" }));
    // The client is fully refunded, the expert has nothing, and the platform has paid Stripe's processing fee.
    let balances = test.stripe().balances();
    let amount = |owner: &str| {
        balances.iter().find(|balance| balance.owner == owner).map_or(0, |balance| balance.amount)
    };
    assert_eq!(amount("clients"), 0);
    assert_eq!(amount("platform"), -amount("stripe"));
    assert_eq!(
        balances.iter().filter(|balance| balance.owner.starts_with("acct_")).map(|b| b.amount).sum::<i64>(),
        0
    );
}

#[tokio::test]
async fn free_session_is_confirmed_at_once() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let booked = test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201);
    assert_eq!(booked["status"], "confirmed");
    assert_eq!(booked["payment"], json!(null));
    test.stack.run_until_idle().await;
    assert_eq!(test.stack.bus.published().len(), 1);
    // No job is left.
    test.advance(86_400);
    let swept = app::operations::outbox::sweep(&test.stack.app, &app::identity::Actor::Platform)
        .await
        .expect("the sweep works");
    assert_eq!(swept.queued, 0);
}

#[tokio::test]
async fn repeated_request_gets_the_same_response() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let first = test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201);
    assert_eq!(test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201), first);
    test.stripe().pay(intent(&first), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    assert_eq!(
        test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201),
        first,
        "even if the appointment has changed"
    );
    let other = test.book(&offer, "2027-01-05T12:00:00Z", "k").await;
    assert_eq!(other.problem(422), "idempotency-key-reused");
    // The same key of another person is another key.
    assert_eq!(
        test.book_as("grace", &offer, "2027-01-05T12:00:00Z", "k").await.expect(201)["status"],
        "pending"
    );
    // After a day the key can be used again, as at Stripe.
    test.advance(86_401);
    assert_eq!(test.book(&offer, "2027-01-06T12:00:00Z", "k").await.expect(201)["status"], "pending");
}

#[tokio::test]
async fn appointments_are_listed_by_time_and_page() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let starts = ["2027-01-06T09:00:00Z", "2027-01-05T09:00:00Z", "2027-01-05T11:00:00Z"];
    for start in starts {
        test.book(&offer, start, start).await.expect(201);
    }
    let list = |person: &'static str, query: String| async {
        let query = query;
        test.get(&format!("/v1/appointments?{query}")).signed_in_as(person).send().await.expect(200)
    };
    let starts_of = |page: &serde_json::Value| -> Vec<String> {
        let appointments = page["appointments"].as_array().expect("a list");
        appointments.iter().map(|one| one["start"].as_str().expect("a start").to_owned()).collect()
    };
    let first = list("alan", "as=client&limit=2".to_owned()).await;
    assert_eq!(starts_of(&first), ["2027-01-05T09:00:00Z", "2027-01-05T11:00:00Z"]);
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let second = list("alan", format!("as=client&limit=2&cursor={cursor}")).await;
    assert_eq!(starts_of(&second), ["2027-01-06T09:00:00Z"]);
    assert_eq!(second["next_cursor"], json!(null));
    let range = "as=expert&from=2027-01-05T10:00:00Z&to=2027-01-06T09:00:00Z".to_owned();
    assert_eq!(starts_of(&list("ada", range).await), ["2027-01-05T11:00:00Z"]);
    assert_eq!(starts_of(&list("alan", "as=expert".to_owned()).await), [] as [&str; 0]);
    assert_eq!(starts_of(&list("grace", "as=client".to_owned()).await), [] as [&str; 0]);
}

#[tokio::test]
async fn buffers_separate_appointments() {
    let test = TestApp::new().await;
    let mut terms = free_hour();
    terms["buffer_before_minutes"] = json!(15);
    terms["buffer_after_minutes"] = json!(15);
    let offer = test.offer(&terms).await;
    test.book(&offer, "2027-01-05T12:00:00Z", "k").await.expect(201);
    // A session at 11:00 would not overlap the other session, but their buffers would overlap.
    assert_eq!(test.book(&offer, "2027-01-05T11:00:00Z", "k2").await.problem(409), "slot-too-close");
    assert_eq!(test.book(&offer, "2027-01-05T11:30:00Z", "k3").await.problem(409), "slot-taken");
    test.book(&offer, "2027-01-05T10:30:00Z", "k4").await.expect(201);
    let starts = test.starts(&offer, "2027-01-05").await;
    assert_eq!(
        starts,
        [
            "2027-01-05T09:00:00Z",
            "2027-01-05T13:30:00Z",
            "2027-01-05T14:00:00Z",
            "2027-01-05T14:30:00Z",
            "2027-01-05T15:00:00Z",
            "2027-01-05T15:30:00Z",
            "2027-01-05T16:00:00Z"
        ]
    );
}

#[tokio::test]
async fn caps_notice_and_booking_window_are_enforced() {
    let test = TestApp::new().await;
    let mut terms = free_hour();
    terms["daily_cap"] = json!(2);
    terms["weekly_cap"] = json!(3);
    terms["minimum_notice_minutes"] = json!(24 * 60);
    terms["booking_window"] = json!({ "kind": "rolling", "days": 10 });
    let offer = test.offer(&terms).await;
    let book = |start: &'static str| test.book(&offer, start, start);
    assert_eq!(book("2027-01-04T16:00:00Z").await.problem(409), "too-soon");
    assert_eq!(book("2027-01-15T09:00:00Z").await.problem(409), "outside-booking-window");
    assert_eq!(book("2027-01-05T09:10:00Z").await.problem(409), "not-offered");
    assert_eq!(book("2027-01-09T09:00:00Z").await.problem(409), "not-offered");
    book("2027-01-05T09:00:00Z").await.expect(201);
    book("2027-01-05T10:00:00Z").await.expect(201);
    assert_eq!(book("2027-01-05T11:00:00Z").await.problem(409), "day-full");
    assert_eq!(test.starts(&offer, "2027-01-05").await, [] as [&str; 0]);
    let third = id(&book("2027-01-06T09:00:00Z").await.expect(201));
    assert_eq!(book("2027-01-08T09:00:00Z").await.problem(409), "week-full");
    assert_eq!(test.starts(&offer, "2027-01-08").await, [] as [&str; 0]);
    book("2027-01-11T09:00:00Z").await.expect(201);
    // A cancellation frees the weekly cap, and rescheduling within the week does not count twice.
    test.post_action("alan", &third, "reschedule", &json!({ "start": "2027-01-07T09:00:00Z" }))
        .await
        .expect(200);
    test.post_action("alan", &third, "cancel", &json!(null)).await.expect(200);
    book("2027-01-08T10:00:00Z").await.expect(201);
}

#[tokio::test]
async fn expert_reports_the_outcome_of_a_session() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let first = id(&test.book(&offer, "2027-01-05T09:00:00Z", "k").await.expect(201));
    let second = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k2").await.expect(201));
    let none = json!(null);
    assert_eq!(test.post_action("ada", &first, "complete", &none).await.problem(409), "invalid-status");
    test.advance(27 * 3_600);
    assert_eq!(test.post_action("alan", &first, "complete", &none).await.problem(403), "forbidden");
    assert_eq!(test.post_action("ada", &first, "complete", &none).await.expect(200)["status"], "completed");
    assert_eq!(test.post_action("ada", &first, "complete", &none).await.expect(200)["status"], "completed");
    assert_eq!(test.post_action("ada", &first, "no-show", &none).await.problem(409), "invalid-status");
    assert_eq!(test.post_action("ada", &second, "no-show", &none).await.expect(200)["status"], "no_show");
    assert_eq!(test.post_action("alan", &second, "cancel", &none).await.problem(409), "invalid-status");
    assert_eq!(
        test.post_action("alan", &second, "reschedule", &json!({ "start": "2027-01-07T09:00:00Z" }))
            .await
            .problem(409),
        "invalid-status"
    );
}

#[tokio::test]
async fn without_the_role_nobody_lists_the_appointments_of_that_side() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201);
    let range = "from=2027-01-01T00:00:00Z&to=2027-02-01T00:00:00Z";
    for (subject, groups, side, expected) in [
        ("ada", &["expert"][..], "expert", 1),
        ("ada", &[], "expert", 0),
        ("ada", &["client", "admin"], "expert", 0),
        ("alan", &["client"], "client", 1),
        ("alan", &["expert"], "client", 0),
    ] {
        let person = simulators::sign_in::Person {
            subject: subject.to_owned(),
            name: subject.to_owned(),
            email: "somebody@example.org".to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        };
        let token = format!("Bearer {}", test.stack.sign_in.access_token(&person, 3_600));
        let path = format!("/v1/appointments?as={side}&{range}");
        let page = test.get(&path).header("Authorization", &token).send().await.expect(200);
        assert_eq!(page["appointments"].as_array().map(Vec::len), Some(expected), "{subject} {groups:?}");
    }
}
