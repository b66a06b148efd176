//! Durations of a session type, and prices that are derived from the expert's hourly rate.

use serde_json::{Value, json};

use crate::harness::{GOOD_CARD, Offer, Response, TestApp, id, intent, office_hours, paid_hour};

/// An hour for 80 euros, and 20 minutes at the hourly rate.
fn terms() -> Value {
    let mut terms = paid_hour();
    terms["durations"] =
        json!([{ "minutes": 60, "price": { "amount": 8_000, "currency": "EUR" } }, { "minutes": 20 }]);
    terms
}

fn euros(cents: u64) -> Value {
    json!({ "amount": cents, "currency": "EUR" })
}

/// Changes or removes Ada's hourly rate.
async fn set_rate(test: &TestApp, expert: &str, hourly_rate: Value) {
    let path = format!("/v1/experts/{expert}");
    let mut profile = json!({ "name": "Ada Lovelace", "headline": "Analytical engines" });
    profile["hourly_rate"] = hourly_rate;
    let tag = test.get(&path).send().await.etag();
    test.put(&path).signed_in_as("ada").header("If-Match", &tag).json(&profile).send().await.expect(200);
}

/// Publishes Ada with an hourly rate of 95.50 euros, and a session type with these terms that can be paid for.
async fn offer(test: &TestApp, terms: &Value) -> Offer {
    let expert = test.expert(&office_hours()).await;
    set_rate(test, &expert, euros(9_550)).await;
    let session_type = test.session_type(&expert, terms).await;
    test.onboard(&expert).await;
    Offer { expert, session_type }
}

/// The durations of a session type, as everybody reads them.
async fn durations(test: &TestApp, offer: &Offer) -> Value {
    let path = format!("/v1/experts/{}/session-types/{}", offer.expert, offer.session_type);
    test.get(&path).send().await.expect(200)["durations"].clone()
}

/// The slots of a duration on a Tuesday.
async fn slots(test: &TestApp, offer: &Offer, minutes: u16) -> Value {
    let Offer { expert, session_type } = offer;
    let day = "from=2027-01-05T00:00:00Z&to=2027-01-06T00:00:00Z";
    let of = format!("session_type_id={session_type}&duration_minutes={minutes}");
    test.get(&format!("/v1/experts/{expert}/slots?{of}&{day}")).send().await.expect(200)
}

async fn book(test: &TestApp, offer: &Offer, minutes: u16, start: &str) -> Response {
    let mut booking = TestApp::booking(offer, start);
    booking["duration_minutes"] = json!(minutes);
    let request = test.post("/v1/appointments").signed_in_as("alan").idempotency_key(start);
    request.json(&booking).send().await
}

#[tokio::test]
async fn derived_price_follows_the_hourly_rate() {
    let test = TestApp::new().await;
    let offer = offer(&test, &terms()).await;
    let expected = |cents: u64| {
        json!([
            { "minutes": 60, "price": euros(8_000), "derived": false },
            { "minutes": 20, "price": euros(cents), "derived": true },
        ])
    };
    // A third of 95.50 euros.
    assert_eq!(durations(&test, &offer).await, expected(3_183));
    assert_eq!(slots(&test, &offer, 20).await["slots"].as_array().map(Vec::len), Some(16));
    let booked = book(&test, &offer, 20, "2027-01-05T10:00:00Z").await.expect(201);
    assert_eq!((&booked["price"], &booked["payment"]["amount"]), (&euros(3_183), &euros(3_183)));
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;

    // Two thirds of a cent round up. Appointments keep the price for which they were booked.
    set_rate(&test, &offer.expert, euros(10_000)).await;
    assert_eq!(durations(&test, &offer).await, expected(3_333));
    set_rate(&test, &offer.expert, euros(9_998)).await;
    assert_eq!(durations(&test, &offer).await, expected(3_333));
    let later = book(&test, &offer, 20, "2027-01-05T12:00:00Z").await.expect(201);
    assert_eq!(later["price"], euros(3_333));
    let kept = test.appointment(&id(&booked)).await;
    assert_eq!((&kept["status"], &kept["price"]), (&json!("confirmed"), &euros(3_183)));
    assert_eq!(test.payment(&id(&booked)).await["paid"], euros(3_183));

    // The rate does not change a fixed price, and a rate of zero makes a derived one free.
    set_rate(&test, &offer.expert, euros(0)).await;
    assert_eq!(durations(&test, &offer).await, expected(0));
    let free = book(&test, &offer, 20, "2027-01-06T10:00:00Z").await.expect(201);
    assert_eq!((&free["status"], &free["price"]), (&json!("confirmed"), &euros(0)));
    assert_eq!(book(&test, &offer, 60, "2027-01-06T12:00:00Z").await.expect(201)["price"], euros(8_000));
}

#[tokio::test]
async fn duration_without_a_price_is_not_offered() {
    let test = TestApp::new().await;
    let offer = offer(&test, &terms()).await;
    let cases = [
        (Value::Null, "no_hourly_rate"),
        (json!({ "amount": 9_550, "currency": "USD" }), "other_currency"),
        // A third of 8.98 euros is less than the smallest price.
        (euros(898), "not_chargeable"),
    ];
    for (number, (rate, reason)) in cases.into_iter().enumerate() {
        set_rate(&test, &offer.expert, rate).await;
        let expected = json!([
            { "minutes": 60, "price": euros(8_000), "derived": false },
            { "minutes": 20, "derived": true, "no_price_reason": reason },
        ]);
        assert_eq!(durations(&test, &offer).await, expected);
        let listed = slots(&test, &offer, 20).await;
        assert_eq!((&listed["slots"], &listed["empty_reason"]), (&json!([]), &json!("no_price")), "{reason}");
        let day = 5 + number;
        let refused = book(&test, &offer, 20, &format!("2027-01-{day:02}T10:00:00Z")).await;
        assert_eq!((refused.problem(409), refused.places()), ("no-price", vec!["/duration_minutes"]));

        // The other duration is not affected.
        assert_ne!(slots(&test, &offer, 60).await["slots"], json!([]), "{reason}");
        book(&test, &offer, 60, &format!("2027-01-{day:02}T12:00:00Z")).await.expect(201);
    }
    set_rate(&test, &offer.expert, euros(899)).await;
    assert_eq!(book(&test, &offer, 20, "2027-01-11T10:00:00Z").await.expect(201)["price"], euros(300));
}

#[tokio::test]
async fn list_says_why_a_session_type_has_no_price() {
    let test = TestApp::new().await;
    let mut derived = terms();
    derived["durations"] = json!([{ "minutes": 20 }, { "minutes": 40 }]);
    let offer = offer(&test, &derived).await;
    let path = format!("/v1/experts/{}/session-types", offer.expert);
    let listed = async |query: &str| {
        test.get(&format!("{path}{query}")).send().await.expect(200)["session_types"][0].clone()
    };
    let priced = listed("").await;
    assert_eq!((priced.get("unavailable_reason"), &priced["durations"][1]["price"]), (None, &euros(6_367)));

    // Without fixed prices, the currency is that of the rate.
    set_rate(&test, &offer.expert, json!({ "amount": 9_000, "currency": "USD" })).await;
    assert_eq!(listed("").await["durations"][0]["price"], json!({ "amount": 3_000, "currency": "USD" }));
    set_rate(&test, &offer.expert, Value::Null).await;
    let unpriced = listed("?currency=GBP").await;
    assert_eq!(unpriced["unavailable_reason"], "no_price");
    assert_eq!(
        unpriced["durations"][0],
        json!({ "minutes": 20, "derived": true, "no_price_reason": "no_hourly_rate" })
    );
}

#[tokio::test]
async fn derived_price_needs_an_hourly_rate_when_terms_are_written() {
    let test = TestApp::new().await;
    let expert = test.expert(&office_hours()).await;
    let path = format!("/v1/experts/{expert}/session-types");
    let create = async |key: &str| {
        test.post(&path).signed_in_as("ada").idempotency_key(key).json(&terms()).send().await
    };
    let must = |refused: &Response| {
        assert_eq!((refused.problem(422), refused.places()), ("invalid", vec!["/durations/1/price"]));
        refused.body["violations"][0]["detail"].as_str().expect("words").to_owned()
    };
    let missing = "must be given, because the expert has no hourly rate";
    assert_eq!(must(&create("k1").await), missing);
    set_rate(&test, &expert, json!({ "amount": 9_550, "currency": "USD" })).await;
    let dollars = "must be given, because the hourly rate is in USD, and the other prices are in EUR";
    assert_eq!(must(&create("k2").await), dollars);
    set_rate(&test, &expert, euros(9_550)).await;
    let created = create("k3").await.expect(201);

    // The same holds when they are replaced or offered again.
    set_rate(&test, &expert, Value::Null).await;
    let path = format!("{path}/{}", id(&created));
    let replace = test.put(&path).signed_in_as("ada").header("If-Match", "\"1\"").json(&terms());
    assert_eq!(must(&replace.send().await), missing);
    let retire = test.request(reqwest::Method::DELETE, &path).signed_in_as("ada").header("If-Match", "\"1\"");
    let retired = retire.send().await.expect(200);
    assert_eq!(retired["durations"][1]["no_price_reason"], "no_hourly_rate");
    let (mine, all) = (format!("/v1/experts/{expert}/profile/session-types?status=all"), "?status=all");
    for path in [mine, format!("/v1/experts/{expert}/session-types{all}")] {
        let listed = test.get(&path).signed_in_as("ada").send().await.expect(200);
        assert_eq!(listed["session_types"][0]["unavailable_reason"], "not_active", "{path}: {listed:#}");
    }
    let again = test.post(&format!("{path}/offer-again")).signed_in_as("ada").header("If-Match", "\"2\"");
    assert_eq!(must(&again.send().await), missing);
}

#[tokio::test]
async fn reschedule_at_the_current_price_follows_the_hourly_rate() {
    let test = TestApp::new().await;
    let mut current = terms();
    current["rescheduling_policy"] = json!({ "price": "current" });
    let offer = offer(&test, &current).await;
    let booked = book(&test, &offer, 20, "2027-01-05T10:00:00Z").await.expect(201);
    test.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
    test.stack.run_until_idle().await;
    let appointment = id(&booked);
    let reschedule = async |start: &str| {
        test.post_action("alan", &appointment, "reschedule", &json!({ "start": start })).await
    };

    // A higher price does not apply.
    set_rate(&test, &offer.expert, euros(12_000)).await;
    assert_eq!(reschedule("2027-01-06T11:00:00Z").await.expect(200)["price"], booked["price"]);
    set_rate(&test, &offer.expert, euros(9_000)).await;
    assert_eq!(reschedule("2027-01-06T10:00:00Z").await.expect(200)["price"], euros(3_000));
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["refunded"], euros(183));
    // Without a current price, the agreed one stays.
    set_rate(&test, &offer.expert, Value::Null).await;
    let moved = reschedule("2027-01-07T10:00:00Z").await.expect(200);
    assert_eq!((&moved["end"], &moved["price"]), (&json!("2027-01-07T10:20:00Z"), &euros(3_000)));
}
