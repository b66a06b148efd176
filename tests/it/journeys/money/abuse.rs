//! Requests about payments that must be refused with a reason and change nothing.

use serde_json::{Value, json};

use super::authorized_hour;
use crate::harness::{TestApp, paid_hour};

const AT: &str = "2027-01-05T10:00:00Z";

#[tokio::test]
async fn invalid_prices_and_policies_are_refused() {
    let test = TestApp::new().await;
    let expert = test.expert(&crate::harness::office_hours()).await;
    let with = |name: &str, value: Value| {
        let mut terms = paid_hour();
        terms[name] = value;
        terms
    };
    let price = |amount: Value, currency: &str| {
        with("durations", json!([{ "minutes": 60, "price": { "amount": amount, "currency": currency } }]))
    };
    let tier = |hours: i64, percent: Value| json!({ "until_hours_before": hours, "refund_percent": percent });
    let path = format!("/v1/experts/{expert}/session-types");
    for (number, terms) in [
        price(json!(-1), "EUR"),
        price(json!(10.5), "EUR"),
        price(json!("8000"), "EUR"),
        price(json!(100_000_000), "EUR"),
        price(json!(18_446_744_073_709_551_616.0), "EUR"),
        price(json!(49), "EUR"),
        price(json!(49), "JPY"),
        price(json!(3_125), "KWD"),
        price(json!(1_000_000), "ISK"),
        price(json!(8_000), "EURO"),
        price(json!(8_000), "XAU"),
        price(json!(8_000), "eur"),
        with("collection", json!("later")),
        with("cancellation_policy", json!({ "tiers": [tier(48, json!(101))] })),
        with("cancellation_policy", json!({ "tiers": [tier(48, json!(-1))] })),
        with("cancellation_policy", json!({ "tiers": [tier(48, json!(50)), tier(24, json!(100))] })),
        with("cancellation_policy", json!({ "tiers": [tier(9_999, json!(50))] })),
        with("cancellation_policy", json!({ "tiers": [], "grace_minutes": 9_999 })),
        with("cancellation_policy", json!({ "tiers": [tier(24, json!(30))], "no_show_refund_percent": 40 })),
        with("presentment_currencies", json!(["EUR"])),
        with("presentment_currencies", json!(["USD", "USD"])),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("k{number}");
        let refused = test.post(&path).signed_in_as("ada").idempotency_key(&key).json(&terms).send().await;
        assert_eq!(refused.problem(422), "invalid", "{terms}");
    }
}

#[tokio::test]
async fn invalid_refunds_change_nothing() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    let before = test.movements(&offer).await;
    let path = format!("/v1/appointments/{appointment}/refunds");
    let ask = async |who: &str, key: &str, amount: Value| {
        test.post(&path)
            .signed_in_as(who)
            .idempotency_key(key)
            .json(&json!({ "amount": amount }))
            .send()
            .await
    };
    let euros = |amount: Value| json!({ "amount": amount, "currency": "EUR" });
    for (number, (amount, status, kind)) in [
        (euros(json!(8_001)), 409, "payment-state"),
        (euros(json!(0)), 422, "invalid"),
        (euros(json!(-5)), 422, "invalid"),
        (euros(json!(0.5)), 422, "invalid"),
        (euros(json!(999_999_999)), 409, "payment-state"),
        (euros(json!(1_000_000_000_000_u64)), 422, "invalid"),
        (json!({ "amount": 100, "currency": "USD" }), 422, "invalid"),
        (json!({ "amount": 100 }), 422, "invalid"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(ask("ada", &format!("k{number}"), amount).await.problem(status), kind);
    }
    assert_eq!(ask("alan", "c", euros(json!(100))).await.problem(403), "forbidden");
    assert_eq!(ask("katherine", "o", euros(json!(100))).await.problem(404), "not-found");
    assert_eq!(ask("grace", "e", euros(json!(100))).await.problem(404), "not-found");
    let nobody =
        test.post(&path).idempotency_key("n").json(&json!({ "amount": euros(json!(1)) })).send().await;
    assert_eq!(nobody.problem(401), "unauthorized");
    test.stack.run_until_idle().await;
    assert_eq!(test.movements(&offer).await, before);
    // A repeated request makes one refund; another amount with the same key is refused.
    let first = ask("ada", "same", euros(json!(5_000))).await.expect(201);
    assert_eq!(ask("ada", "same", euros(json!(5_000))).await.expect(201), first);
    assert_eq!(ask("ada", "same", euros(json!(3_000))).await.problem(422), "idempotency-key-reused");
    assert_eq!(ask("ada", "more", euros(json!(3_001))).await.problem(409), "payment-state");
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["refunded"]["amount"], 5_000);
    test.balances(&offer).await;
}

#[tokio::test]
async fn capture_is_limited_to_the_agreed_amount_and_happens_once() {
    let test = TestApp::new().await;
    let offer = test.offer(&authorized_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    test.advance_to("2027-01-05T11:00:00Z").await;
    let complete = async |who: &str, amount: Value| {
        let charge = json!({ "charge": amount });
        test.post_action(who, &appointment, "complete", &charge).await
    };
    let more = json!({ "amount": 8_001, "currency": "EUR" });
    assert_eq!(complete("ada", more).await.problem(422), "invalid");
    assert_eq!(complete("ada", json!({ "amount": 1, "currency": "JPY" })).await.problem(422), "invalid");
    assert_eq!(complete("alan", json!({ "amount": 1, "currency": "EUR" })).await.problem(403), "forbidden");
    complete("ada", json!({ "amount": 5_000, "currency": "EUR" })).await.expect(200);
    complete("ada", json!({ "amount": 5_000, "currency": "EUR" })).await.expect(200);
    let more = complete("ada", json!({ "amount": 8_000, "currency": "EUR" })).await;
    assert_eq!(more.problem(409), "payment-state");
    test.stack.run_until_idle().await;
    assert_eq!(test.payment(&appointment).await["paid"]["amount"], 5_000, "the first capture counts");
    test.balances(&offer).await;
}

#[tokio::test]
async fn fee_above_100_percent_is_refused() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let path = format!("/v1/experts/{}/terms", offer.expert);
    for wrong in [json!(10_001), json!(-1), json!(0.5), json!("10")] {
        let body = json!({ "basis_points": wrong });
        let put = test.put(&path).signed_in_as("margaret").header("If-Match", "\"0\"");
        assert_eq!(put.json(&body).send().await.problem(422), "invalid");
    }
    for (version, points) in [json!(10_000), json!(0), json!(null)].into_iter().enumerate() {
        let body = json!({ "basis_points": points });
        let put = test.put(&path).signed_in_as("margaret").header("If-Match", &format!("\"{version}\""));
        assert_eq!(put.json(&body).send().await.expect(200)["basis_points"], points);
    }
}

#[tokio::test]
async fn payment_is_visible_to_its_expert_and_client_only() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let appointment = test.book_and_secure(&offer, AT).await;
    for what in ["payment", "cancellation"] {
        let path = format!("/v1/appointments/{appointment}/{what}");
        assert_eq!(test.get(&path).signed_in_as("katherine").send().await.problem(404), "not-found");
        assert_eq!(test.get(&path).send().await.problem(401), "unauthorized");
        test.get(&path).signed_in_as("alan").send().await.expect(200);
    }
}

#[tokio::test]
async fn price_must_be_in_a_settlement_currency() {
    let euros = vec![domain::Currency::EUR];
    let test = TestApp::with(|config| config.settings.currencies = euros).await;
    let offer = test.offer(&paid_hour()).await;
    let path = format!("/v1/experts/{}/session-types", offer.expert);
    let post = async |terms: &Value, key: &str| {
        test.post(&path).signed_in_as("ada").idempotency_key(key).json(terms).send().await
    };
    let (mut price, mut presentment, mut free) = (paid_hour(), paid_hour(), paid_hour());
    price["durations"][0]["price"]["currency"] = json!("USD");
    presentment["presentment_currencies"] = json!(["USD"]);
    free["durations"][0]["price"] = json!({ "amount": 0, "currency": "USD" });
    for (terms, field) in
        [(&price, "/durations/0/price/currency"), (&presentment, "/presentment_currencies/0")]
    {
        let refused = post(terms, field).await;
        assert_eq!((refused.problem(422), refused.places()), ("invalid", vec![field]));
        assert!(refused.body["detail"].as_str().expect("words").contains("EUR"));
    }
    post(&free, "free").await.expect(201);
}
