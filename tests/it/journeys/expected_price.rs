//! Clients who say which price they expect.

use serde_json::{Value, json};

use crate::harness::{Offer, Response, TestApp, paid_hour};

async fn book(test: &TestApp, offer: &Offer, key: &str, expected: &Value) -> Response {
    let mut body = TestApp::booking(offer, "2027-01-05T10:00:00Z");
    body["expected_price"] = expected.clone();
    test.post("/v1/appointments").signed_in_as("alan").idempotency_key(key).json(&body).send().await
}

#[tokio::test]
async fn booking_at_a_changed_price_is_refused_and_holds_nothing() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let shown = json!({ "amount": 8_000, "currency": "EUR" });
    let path = format!("/v1/experts/{}/session-types/{}", offer.expert, offer.session_type);
    let mut terms = paid_hour();
    terms["durations"][0]["price"]["amount"] = json!(9_000);
    let edit = test.put(&path).signed_in_as("ada").header("If-Match", "\"1\"").json(&terms);
    edit.send().await.expect(200);

    let refused = book(&test, &offer, "k1", &shown).await;
    assert_eq!((refused.problem(409), refused.places()), ("price-changed", vec!["/expected_price"]));
    let now = json!({ "amount": 9_000, "currency": "EUR" });
    assert_eq!(refused.body["price"], now);
    let appointments = test.get("/v1/appointments?as=client").signed_in_as("alan").send().await.expect(200);
    assert_eq!(appointments["appointments"], json!([]));
    assert!(test.starts(&offer, "2027-01-05").await.contains(&"2027-01-05T10:00:00Z".to_owned()));

    // The same amount in another currency is another price.
    let dollars = json!({ "amount": 9_000, "currency": "USD" });
    assert_eq!(book(&test, &offer, "k2", &dollars).await.problem(409), "price-changed");
    let booked = book(&test, &offer, "k3", &now).await.expect(201);
    assert_eq!(booked["price"], now);
    // A repetition returns the appointment, whatever the price is then.
    terms["durations"][0]["price"]["amount"] = json!(9_500);
    let edit = test.put(&path).signed_in_as("ada").header("If-Match", "\"2\"").json(&terms);
    edit.send().await.expect(200);
    assert_eq!(book(&test, &offer, "k3", &now).await.expect(201), booked);
}

#[tokio::test]
async fn expected_price_is_that_of_all_seats() {
    let test = TestApp::new().await;
    let mut terms = paid_hour();
    terms["capacity"] = json!(4);
    let offer = test.offer(&terms).await;
    let mut body = TestApp::booking(&offer, "2027-01-05T10:00:00Z");
    body["seats"] = json!(2);
    for (amount, key, status) in [(8_000, "k1", 409), (16_000, "k2", 201)] {
        body["expected_price"] = json!({ "amount": amount, "currency": "EUR" });
        let request = test.post("/v1/appointments").signed_in_as("alan").idempotency_key(key).json(&body);
        request.send().await.expect(status);
    }
}
