//! Concurrent requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::AppError;
use domain::receipts::receipt::{DocumentCause, DocumentCauseKind};
use domain::{Currency, Money, TimeSpan, Timestamp};
use serde_json::json;

use crate::harness::{Offer, TestApp, free_hour, paid_hour};

fn clients(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("client-{number}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_200_concurrent_bookings_of_a_slot_succeeds() {
    let test = Arc::new(TestApp::new().await);
    let offer = test.offer(&paid_hour()).await;
    let races = clients(200).into_iter().map(|client| {
        let (test, offer) = (test.clone(), offer.clone());
        tokio::spawn(async move { test.book_as(&client, &offer, "2027-01-05T10:00:00Z", "k").await })
    });
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for race in races.collect::<Vec<_>>() {
        let response = race.await.expect("no panic");
        let outcome = match response.status.as_u16() {
            201 => "booked".to_owned(),
            _ => response.problem(409).to_owned(),
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    assert_eq!(outcomes, BTreeMap::from([("booked".to_owned(), 1), ("slot-taken".to_owned(), 199)]));
}

/// The times of the expert's active appointments with their buffers.
async fn occupied(test: &TestApp, expert: &str) -> Vec<(TimeSpan, String)> {
    let days = test
        .stack
        .app
        .store
        .occupancy(
            expert.parse().expect("an id"),
            TimeSpan::new(
                "2027-01-01T00:00:00Z".parse().expect("a time"),
                "2027-02-01T00:00:00Z".parse().expect("a time"),
            ),
            store::table::Consistency::Strong,
        )
        .await
        .expect("readable");
    let mut entries = BTreeMap::new();
    for day in days.days.values() {
        for (key, entry) in &day.entries {
            entries.insert(*key, entry.occupied_span());
        }
    }
    entries.into_iter().map(|(key, span)| (span, format!("{key:?}"))).collect()
}

fn assert_no_overlap(spans: &[(TimeSpan, String)]) {
    for (at, (one, name)) in spans.iter().enumerate() {
        for (other, rival) in &spans[at + 1..] {
            assert!(!one.overlaps(*other), "{name} {one:?} overlaps {rival} {other:?}");
        }
    }
}

/// Two session types with different lengths and buffers, one of which can be booked across UTC midnight.
async fn two_types(test: &TestApp, free: bool) -> Vec<Offer> {
    let all_day = json!([{ "opens": "00:00", "closes": "24:00" }]);
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let weekly: serde_json::Map<_, _> = days.iter().map(|day| ((*day).to_owned(), all_day.clone())).collect();
    let expert = test.expert(&json!({ "time_zone": "Asia/Kolkata", "weekly": weekly })).await;
    let mut short = if free { free_hour() } else { paid_hour() };
    short["name"] = json!("Short");
    short["durations"][0]["minutes"] = json!(25);
    short["step_minutes"] = json!(10);
    short["buffer_after_minutes"] = json!(10);
    let mut long = if free { free_hour() } else { paid_hour() };
    long["name"] = json!("Long");
    long["durations"][0]["minutes"] = json!(95);
    long["step_minutes"] = json!(15);
    long["buffer_before_minutes"] = json!(20);
    if !free {
        test.onboard(&expert).await;
    }
    let mut offers = Vec::new();
    for terms in [short, long] {
        offers.push(Offer { expert: expert.clone(), session_type: test.session_type(&expert, &terms).await });
    }
    offers
}

/// The starts of slots around a UTC midnight.
async fn starts(test: &TestApp, offer: &Offer) -> Vec<String> {
    let path = format!(
        "/v1/experts/{}/slots?session_type_id={}&from=2027-01-05T21:00:00Z&to=2027-01-06T03:00:00Z",
        offer.expert, offer.session_type
    );
    let slots = test.get(&path).send().await.expect(200);
    slots["slots"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|slot| slot["start"].as_str().expect("text").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_bookings_of_different_session_types_never_overlap() {
    let test = Arc::new(TestApp::new().await);
    let offers = two_types(&test, true).await;
    let mut races = Vec::new();
    let mut number = 0;
    for offer in &offers {
        for start in starts(&test, offer).await {
            for client in clients(3) {
                number += 1;
                let (test, offer, start) = (test.clone(), offer.clone(), start.clone());
                races.push(tokio::spawn(async move {
                    test.book_as(&client, &offer, &start, &format!("k{number}")).await
                }));
            }
        }
    }
    let mut booked = 0;
    for race in races {
        let response = race.await.expect("no panic");
        if response.status == 201 {
            booked += 1;
        } else {
            let problem = response.problem(409);
            // The session that takes the slot may be the client's own.
            let refusals = ["slot-taken", "slot-too-close", "overlapping-session"];
            assert!(refusals.contains(&problem), "{problem}");
        }
    }
    let spans = occupied(&test, &offers[0].expert).await;
    assert_eq!(spans.len(), booked);
    assert!(booked >= 3, "{booked}");
    assert_no_overlap(&spans);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn expired_holds_lose_no_slot_during_concurrent_bookings() {
    let test = Arc::new(TestApp::new().await);
    let offers = two_types(&test, false).await;
    for round in 0..6 {
        let mut races = Vec::new();
        for (place, offer) in offers.iter().enumerate() {
            for (number, start) in starts(&test, offer).await.into_iter().enumerate() {
                let (test, offer) = (test.clone(), offer.clone());
                let client = format!("client-{number}");
                races.push(tokio::spawn(async move {
                    test.book_as(&client, &offer, &start, &format!("r{round}-{place}-{number}")).await
                }));
            }
        }
        // Holds expire and the sweep runs during the concurrent bookings.
        let sweeper = test.clone();
        let sweep = tokio::spawn(async move {
            sweeper.advance(601);
            sweeper.sweep().await;
        });
        for race in races {
            let response = race.await.expect("no panic");
            assert!(response.status == 201 || response.status == 409, "{:#}", response.body);
        }
        sweep.await.expect("no panic");
        assert_no_overlap(&occupied(&test, &offers[0].expert).await);
    }
    // After all holds have expired, every slot is free again.
    test.advance(601);
    test.sweep().await;
    assert_eq!(occupied(&test, &offers[0].expert).await, []);
    let now = Timestamp::from_seconds(test.clock.now());
    for offer in &offers {
        let step = starts(&test, offer).await;
        assert!(step.len() > 20 && now < step[0].parse().expect("a time"), "{step:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_bookings_never_oversell_seats() {
    let test = Arc::new(TestApp::new().await);
    let mut terms = free_hour();
    terms["capacity"] = json!(20);
    let offer = test.offer(&terms).await;
    let races = clients(60).into_iter().map(|client| {
        let (test, offer) = (test.clone(), offer.clone());
        tokio::spawn(async move { test.book_as(&client, &offer, "2027-01-05T10:00:00Z", "k").await })
    });
    let mut booked = 0;
    for race in races.collect::<Vec<_>>() {
        let response = race.await.expect("no panic");
        match response.status.as_u16() {
            201 => booked += 1,
            503 => assert_eq!(response.problem(503), "unavailable"),
            _ => assert_eq!(response.problem(409), "seats-taken"),
        }
    }
    assert_eq!(booked, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_identical_requests_create_one_appointment() {
    let test = Arc::new(TestApp::new().await);
    let offer = test.offer(&free_hour()).await;
    for (round, start) in test.starts(&offer, "2027-01-05").await.into_iter().step_by(2).enumerate() {
        let races = (0..12).map(|_| {
            let (test, offer, start) = (test.clone(), offer.clone(), start.clone());
            let key = format!("k{round}");
            tokio::spawn(async move { test.book(&offer, &start, &key).await })
        });
        for race in races.collect::<Vec<_>>() {
            let response = race.await.expect("no panic");
            if response.status != 201 {
                assert_eq!(response.problem(409), "request-in-progress");
            }
        }
    }
    let profile = json!({ "name": "Grace Hopper", "headline": "Compilers" });
    let races = (0..20).map(|_| {
        let (test, profile) = (test.clone(), profile.clone());
        tokio::spawn(async move {
            test.post("/v1/experts").signed_in_as("grace").idempotency_key("k").json(&profile).send().await
        })
    });
    for race in races.collect::<Vec<_>>() {
        let response = race.await.expect("no panic");
        if response.status != 201 {
            assert_eq!(response.problem(409), "request-in-progress");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrently_issued_receipts_are_numbered_without_gaps() {
    let test = Arc::new(TestApp::new().await);
    let offer = test.offer(&free_hour()).await;
    let booked = crate::harness::id(&test.book(&offer, "2027-01-05T10:00:00Z", "k").await.expect(201));
    let appointment = test.stack.app.store.appointment(booked.parse().expect("an id")).await;
    let appointment = Arc::new(appointment.expect("readable").expect("an appointment"));
    // Fifty payments, for each of which two workers issue the receipt concurrently.
    let races = (0..100).map(|number| {
        let (test, appointment) = (test.clone(), appointment.clone());
        tokio::spawn(async move {
            let cause = DocumentCause {
                kind: DocumentCauseKind::Payment,
                object: format!("pi_{}", number / 2),
                amount: Money::new(8_000, Currency::EUR).expect("in range"),
                at: test.stack.app.now(),
            };
            loop {
                // Repeat on a conflict, as a job does.
                match app::receipts::receipt::issue(
                    &test.stack.app,
                    &app::identity::Actor::Platform,
                    &appointment,
                    &cause,
                )
                .await
                {
                    Err(AppError::Busy) => {}
                    issued => return issued.expect("issued"),
                }
            }
        })
    });
    let mut issued = BTreeMap::new();
    for race in races.collect::<Vec<_>>() {
        let receipt = race.await.expect("no panic");
        let of_object = issued.entry(receipt.reference.clone()).or_insert_with(|| receipt.clone());
        assert_eq!(*of_object, receipt, "both workers got the same document");
    }
    let mut numbers: Vec<u32> = issued.values().map(|receipt| receipt.number.sequence()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=50).collect::<Vec<_>>());
    let expert = offer.expert.parse().expect("an id");
    let listed = test.stack.app.store.receipts(expert, 2027, 0, 100).await.expect("readable").receipts;
    assert_eq!(listed.iter().map(|receipt| receipt.number.sequence()).collect::<Vec<_>>(), numbers);
}
