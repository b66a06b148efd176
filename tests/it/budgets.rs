//! The capacity that operations consume, as reported by the table.

use app::identity::Actor;
use domain::scheduling::booking_limits::BookingLimits;
use functions::scheduling::documents::Attendee;
use serde_json::json;

use crate::harness::{GOOD_CARD, Offer, TestApp, billing_details, free_hour, id, intent, paid_hour};

/// Tenths of write units of an outbox entry: the row, twice because of the transaction, and its copy in one index.
const OUTBOX_ENTRY: u64 = 30;

#[tokio::test]
async fn holding_and_confirming_stay_within_their_budgets() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let app = &test.stack.app;
    let client = app::identity::signed_in::Role::Client;
    let person =
        app::identity::signed_in::SignedInPerson::new(7, vec![client], app::identity::signed_in::Scope::FULL);
    let (actor, platform) = (Actor::Person(person), Actor::Platform);
    let request =
        |key: &str| app::idempotency::IdempotentRequest { key: key.to_owned(), fingerprint: "f".to_owned() };
    let booking = |start: &str| app::scheduling::booking::Booking {
        expert: offer.expert.parse().expect("an id"),
        session_type: offer.session_type.parse().expect("an id"),
        duration_minutes: None,
        start: start.parse().expect("a time"),
        seats: 1,
        attendee: serde_json::from_value::<Attendee>(TestApp::booking(&offer, start)["attendee"].clone())
            .expect("an attendee")
            .into(),
        details: domain::scheduling::details::SessionDetails::default(),
        gateway: None,
        pay_in: None,
        expected_price: None,
        allow_overlap: false,
        address: None,
        challenge_token: None,
    };
    let _ = test.meter.take();
    app::scheduling::booking::book(app, &actor, &request("k"), &booking("2027-01-05T10:00:00Z"))
        .await
        .expect("booked");
    let hold = transactions(test.meter.take());
    assert_eq!(hold.len(), 1, "a hold is one transaction");
    println!("hold: {} tenths of a write unit in one transaction", hold[0]);
    // Two units for what the client has booked.
    assert!(hold[0] <= 120 + OUTBOX_ENTRY, "hold: {} tenths of a write unit", hold[0]);

    let booked = test.book(&offer, "2027-01-05T12:00:00Z", "k").await.expect(201);
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    test.stripe().deliver_due_webhooks().await;
    let _ = test.meter.take();
    // The job makes one transaction, which confirms. Publishing the event is another job.
    let payment = format!("payment:{}", id(&booked)).parse().expect("the name of a job");
    app::operations::outbox::process(app, &platform, store::FailureDomain::Payments, &payment)
        .await
        .expect("all messages are processed");
    let confirm = transactions(test.meter.take());
    assert_eq!(test.appointment(&id(&booked)).await["status"], "confirmed");
    assert_eq!(confirm.len(), 1, "a confirmation is one transaction");
    println!("confirm: {} tenths of a write unit in one transaction", confirm[0]);
    // The jobs that publish the event, notify people and issue the receipt.
    assert!(confirm[0] <= 140 + 3 * OUTBOX_ENTRY, "confirm: {} tenths of a write unit", confirm[0]);
}

#[tokio::test]
async fn limits_of_a_client_stay_within_their_budget_at_the_limits() {
    let test = TestApp::with(|config| config.settings.booking_limits = BookingLimits::default()).await;
    let offer = test.offer(&paid_hour()).await;
    let mut free = free_hour();
    free["name"] = json!("Introduction");
    let introduction = Offer { session_type: test.session_type(&offer.expert, &free).await, ..offer.clone() };
    let app = &test.stack.app;
    // As many free appointments as one expert allows, and an unpaid hold.
    for hour in ["09", "10", "11"] {
        let start = format!("2027-01-05T{hour}:00:00Z");
        test.book_for_client(0, &introduction, &start, hour).await.expect("booked");
    }
    test.book_for_client(0, &offer, "2027-01-05T12:00:00Z", "a").await.expect("booked");
    test.advance(600);
    test.sweep().await;
    let _ = test.meter.take();
    test.book_for_client(0, &offer, "2027-01-05T13:00:00Z", "b").await.expect("booked");
    let costs = test.meter.take();
    let (reads_of_hold, hold) = (reads(&costs), transactions(costs));
    println!("hold at the limits: {reads_of_hold} tenths of read units, {} of write units", hold[0]);
    // With details, which cost two units.
    assert!(hold[0] <= 140 + OUTBOX_ENTRY, "hold: {} tenths of a write unit", hold[0]);
    assert!(reads_of_hold <= 160, "hold: {reads_of_hold} tenths of a read unit");
    test.book_for_client(0, &offer, "2027-01-05T14:00:00Z", "c").await.expect_err("a second hold");
    let costs = test.meter.take();
    println!("refusal at the limits: {} tenths of read units", reads(&costs));
    // One unit is the track record of the expert, which decides how the client would pay.
    assert!(reads(&costs) <= 170 && transactions(costs).is_empty(), "a refusal only reads");
    // The attempt of a network address is one write.
    assert_eq!(app.store.count_attempt("digest", app.now()).await.expect("counted"), 1);
    let costs = test.meter.take();
    assert_eq!((costs[0].operation, costs[0].tenths), ("UpdateItem", 10));
}

#[tokio::test]
async fn hold_with_a_capacity_stays_within_its_budget_with_forty_active_clients() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let path = format!("/v1/experts/{}", offer.expert);
    let profile = json!({ "name": "Ada", "headline": "Engines", "mentorship_capacity": 40 });
    let edit = test.put(&path).signed_in_as("ada").header("If-Match", "\"1\"").json(&profile);
    edit.send().await.expect(200);
    let starts: Vec<String> = ["05", "06", "07", "08", "11", "12"]
        .iter()
        .flat_map(|day| (9..16).map(move |hour| format!("2027-01-{day}T{hour:02}:00:00Z")))
        .collect();
    // Each client books once, and says something about the session.
    let book = |client: u8| test.book_for_client(client, &offer, &starts[usize::from(client)], "k");
    for number in 0..38 {
        book(number).await.expect("booked");
    }
    // The first booking some minutes later counts the appointments for the last time.
    test.advance(301);
    book(38).await.expect("booked");
    let _ = test.meter.take();
    book(39).await.expect("booked");
    let costs = test.meter.take();
    let reads = reads(&costs);
    let hold = transactions(costs);
    println!("hold with a capacity of 40: {reads} tenths of read units, {} of write units", hold[0]);
    // Two units for what the client has booked, two for the details, and four for the list of forty clients.
    assert!(hold[0] <= 180 + OUTBOX_ENTRY, "hold: {} tenths of a write unit", hold[0]);
    // One unit each for the suspension of the client, their declined attempts to pay, and the expert's track record; half a unit each
    // for what refunds of the expert cost, and what the expert owes.
    assert!(reads <= 150, "hold: {reads} tenths of a read unit");

    // A full expert counts once a minute.
    book(40).await.expect_err("at capacity");
    let _ = test.meter.take();
    book(40).await.expect_err("at capacity");
    let costs = test.meter.take();
    let refusal = self::reads(&costs);
    println!("refusal with a capacity of 40: {refusal} tenths of read units");
    // One unit is the track record of the expert, which decides how the client would pay.
    assert!(refusal <= 130 && transactions(costs).is_empty(), "refusal: {refusal} tenths of a read unit");
}

#[tokio::test]
async fn refusal_stays_within_its_budget_with_the_maximum_capacity() {
    let test = TestApp::new().await;
    let mut course = free_hour();
    course["capacity"] = json!(200);
    let offer = test.offer(&course).await;
    let path = format!("/v1/experts/{}", offer.expert);
    for hour in ["09", "10", "11"] {
        let start = format!("2027-01-05T{hour}:00:00Z");
        for client in 0..100 {
            test.book_for_client(client, &offer, &start, hour).await.expect("booked");
        }
    }
    let profile = json!({ "name": "Ada", "headline": "Engines", "mentorship_capacity": 100 });
    let edit = test.put(&path).signed_in_as("ada").header("If-Match", "\"1\"").json(&profile);
    edit.send().await.expect(200);
    // In the first minutes with a capacity, and later.
    for seconds in [1, 301] {
        test.advance(seconds);
        let refused = || test.book_for_client(200, &offer, "2027-01-05T12:00:00Z", "k");
        refused().await.expect_err("at capacity");
        let _ = test.meter.take();
        refused().await.expect_err("at capacity");
        let costs = test.meter.take();
        let refusal = reads(&costs);
        println!("refusal with a capacity of 100: {refusal} tenths of read units");
        assert!(refusal <= 150 && transactions(costs).is_empty(), "refusal: {refusal} tenths of a read unit");
    }
}

#[tokio::test]
async fn issuing_a_receipt_stays_within_its_budget() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    let app = &test.stack.app;
    let path = format!("/v1/experts/{}/billing", offer.expert);
    test.put(&path)
        .signed_in_as("ada")
        .header("If-Match", "\"0\"")
        .json(&billing_details())
        .send()
        .await
        .expect(200);
    let booked = id(&test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201));
    let appointment = app.store.appointment(booked.parse().expect("an id")).await;
    let cause = domain::receipts::receipt::DocumentCause {
        kind: domain::receipts::receipt::DocumentCauseKind::Payment,
        object: "pi_3OqK2eZvKYlo2C1h0TtXyZab".to_owned(),
        amount: domain::Money::new(8_000, domain::Currency::EUR).expect("in range"),
        at: app.now(),
    };
    let _ = test.meter.take();
    let appointment = appointment.expect("readable").expect("an appointment");
    let receipt =
        app::receipts::receipt::issue(app, &Actor::Platform, &appointment, &cause).await.expect("issued");
    let issue = transactions(test.meter.take());
    assert_eq!(issue.len(), 1, "a receipt is issued in one transaction");
    println!("receipt: {} tenths of a write unit in one transaction", issue[0]);
    assert!(issue[0] <= 100, "receipt: {} tenths of a write unit", issue[0]);
    test.get(&format!("/v1/receipts/{}", receipt.id)).signed_in_as("alan").send().await.expect(200);
    let costs = test.meter.take();
    let units: u64 = costs.iter().map(|cost| cost.tenths).sum();
    println!("read a receipt: {units} tenths of a read unit in {} requests", costs.len());
    assert!(costs.len() == 1 && units <= 10, "{costs:?}");
}

/// The tenths of read units of all reads.
fn reads(costs: &[store::Cost]) -> u64 {
    let reads = costs.iter().filter(|cost| ["GetItem", "BatchGetItem", "Query"].contains(&cost.operation));
    reads.map(|cost| cost.tenths).sum()
}

/// The tenths of write units of each transaction.
fn transactions(costs: Vec<store::Cost>) -> Vec<u64> {
    costs.into_iter().filter(|cost| cost.operation == "TransactWriteItems").map(|cost| cost.tenths).collect()
}

#[tokio::test]
async fn listing_a_month_stays_within_its_budget_despite_a_long_history() {
    let test = TestApp::new().await;
    let offer = test.offer(&free_hour()).await;
    // Seven appointments on each weekday of ten weeks, of which the first weeks are in the past.
    let mut day: domain::Timestamp = "2027-01-05T00:00:00Z".parse().expect("a time");
    let mut key = 0;
    for _ in 0..70 {
        for start in ["09:00", "10:00", "11:00", "12:00", "13:00", "14:00", "15:00"] {
            let start = format!("{}T{start}:00Z", day.utc_date());
            key += 1;
            let response = test.book(&offer, &start, &format!("k{key}")).await;
            assert!(
                response.status == 201
                    || ["not-offered", "outside-booking-window"].contains(&response.problem(409))
            );
        }
        day = day.plus(86_400);
        test.advance(86_400 / 70);
    }
    test.advance(20 * 86_400);
    let expert = &offer.expert;
    let path = format!(
        "/v1/experts/{expert}/slots?session_type_id={}&from=2027-01-26T00:00:00Z&to=2027-02-25T00:00:00Z",
        offer.session_type
    );
    let _ = test.meter.take();
    let slots = test.get(&path).send().await.expect(200);
    assert_ne!(slots["slots"], json!([]));
    let costs = test.meter.take();
    let units: u64 = costs.iter().map(|cost| cost.tenths).sum();
    println!("list 30 days: {units} tenths of a read unit in {} requests", costs.len());
    assert!(costs.len() <= 2 && units <= 50, "{costs:?}");
}

#[tokio::test]
async fn reading_and_changing_a_person_stays_within_its_budget() {
    let test = TestApp::new().await;
    let spent = || {
        let (mut reads, mut writes) = (0, 0);
        for cost in test.meter.take() {
            let write = ["PutItem", "DeleteItem", "TransactWriteItems"].contains(&cost.operation);
            *(if write { &mut writes } else { &mut reads }) += cost.tenths;
        }
        (reads, writes)
    };
    let _ = spent();
    let read = async || test.get("/v1/me").signed_in_as("alan").send().await.expect(200);
    read().await;
    let first = spent();
    read().await;
    let again = spent();
    let chosen = json!({ "language": "de", "time_zone": "Europe/Berlin", "phone": "+493012345678" });
    let request = test.put("/v1/me").signed_in_as("alan").header("If-Match", "\"1\"");
    request.json(&chosen).send().await.expect(200);
    let change = spent();
    println!(
        "read a person: {first:?} tenths of read and write units after a sign-in, then {again:?}; change: {change:?}"
    );
    // One unit is for the suspension.
    assert!(first.0 <= 35 && first.1 <= 10, "after a sign-in: {first:?}");
    assert!(again.0 <= 25 && again.1 == 0, "afterwards: {again:?}");
    assert!(change.0 <= 25 && change.1 <= 10, "change: {change:?}");
}
