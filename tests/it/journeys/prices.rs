//! What cannot be charged is refused when it is offered, and not offered any more when it becomes so.

use serde_json::{Value, json};

use crate::harness::{Offer, TestApp, office_hours, paid_hour};

const START: &str = "2027-01-05T10:00:00Z";

fn priced(amount: u64, currency: &str) -> Value {
    let mut terms = paid_hour();
    terms["durations"][0]["price"] = json!({ "amount": amount, "currency": currency });
    terms
}

/// What is said about the only violation of a refused request, after its pointer.
async fn refusal(test: &TestApp, expert: &str, terms: &Value) -> (String, String) {
    let path = format!("/v1/experts/{expert}/session-types");
    let refused = test.post(&path).signed_in_as("ada").idempotency_key("refused").json(terms).send().await;
    assert_eq!(refused.problem(422), "invalid", "{:#}", refused.body);
    let violations = refused.body["violations"].as_array().expect("violations");
    assert_eq!(violations.len(), 1, "{:#}", refused.body);
    let text = |name: &str| violations[0][name].as_str().expect("a text").to_owned();
    (text("pointer"), text("detail"))
}

#[tokio::test]
async fn price_that_cannot_be_charged_is_refused_when_it_is_offered() {
    let test = TestApp::new().await;
    let expert = test.expert(&office_hours()).await;
    for (amount, currency, place, detail) in [
        (1, "KRW", "amount", "must be from KRW 7500 to KRW 22500000, or 0 for a free session; got KRW 1"),
        (50, "EUR", "amount", "must be from EUR 3.00 to EUR 9000.00, or 0 for a free session; got EUR 0.50"),
        (299, "EUR", "amount", "must be from EUR 3.00 to EUR 9000.00, or 0 for a free session; got EUR 2.99"),
        (
            100_000_000,
            "EUR",
            "amount",
            "must be from EUR 3.00 to EUR 9000.00, or 0 for a free session; got EUR 1000000.00",
        ),
        (3_125, "KWD", "amount", "must be a multiple of KWD 0.010, or 0 for a free session; got KWD 3.125"),
        (
            5_000,
            "HRK",
            "currency",
            "must be the three-letter ISO 4217 code of a currency in use, in capitals, such as EUR",
        ),
        (
            5_000,
            "eur",
            "currency",
            "must be the three-letter ISO 4217 code of a currency in use, in capitals, such as EUR",
        ),
        (5_000, "AFN", "currency", "must be a currency of prices; AFN is not"),
        (5_000, "CLF", "currency", "must be a currency of prices; CLF is not"),
    ] {
        let (pointer, said) = refusal(&test, &expert, &priced(amount, currency)).await;
        assert_eq!((pointer, said.as_str()), (format!("/durations/0/price/{place}"), detail));
    }
    let mut group = priced(900_000, "EUR");
    group["capacity"] = json!(200);
    let (pointer, said) = refusal(&test, &expert, &group).await;
    assert_eq!(pointer, "/durations/0/price/amount");
    assert!(said.starts_with("times the capacity: must be from EUR 0.50"), "{said}");
    let mut elsewhere = priced(8_000, "EUR");
    elsewhere["presentment_currencies"] = json!(["USD", "AFN"]);
    let (pointer, said) = refusal(&test, &expert, &elsewhere).await;
    assert_eq!(
        (pointer.as_str(), said.as_str()),
        ("/presentment_currencies/1", "must be a currency of prices; AFN is not",)
    );

    for (amount, currency) in
        [(300, "EUR"), (0, "EUR"), (250, "GBP"), (450, "USD"), (7_500, "KRW"), (1_600, "KWD")]
    {
        let mut terms = priced(amount, currency);
        terms["name"] = json!(format!("{currency} {amount}"));
        test.session_type(&expert, &terms).await;
    }
}

#[tokio::test]
async fn hourly_rate_that_cannot_be_charged_is_refused() {
    let test = TestApp::with(|config| config.settings.new_expert_price = 300).await;
    let expert = test.expert(&office_hours()).await;
    let replace = async |rate: Value| {
        let path = format!("/v1/experts/{expert}");
        let tag = test.get(&path).send().await.etag();
        let profile = json!({ "name": "Ada", "headline": "Engines", "hourly_rate": rate });
        test.put(&path).signed_in_as("ada").header("If-Match", &tag).json(&profile).send().await
    };
    for (rate, place) in [
        (json!({ "amount": 299, "currency": "EUR" }), "/hourly_rate/amount"),
        (json!({ "amount": 100_000_000, "currency": "EUR" }), "/hourly_rate/amount"),
        (json!({ "amount": 9_000, "currency": "HRK" }), "/hourly_rate/currency"),
        (json!({ "amount": 9_000, "currency": "AFN" }), "/hourly_rate/currency"),
    ] {
        let refused = replace(rate).await;
        assert_eq!((refused.problem(422), refused.places()), ("invalid", vec![place]));
    }
    for amount in [0, 300] {
        replace(json!({ "amount": amount, "currency": "EUR" })).await.expect(200);
    }

    // A new expert asks for no more in an hour than they may charge for a session.
    let large = json!({ "amount": 90_001, "currency": "EUR" });
    let refused = replace(large.clone()).await;
    assert_eq!((refused.problem(422), refused.places()), ("invalid", vec!["/hourly_rate/amount"]));
    let terms = test.put(&format!("/v1/experts/{expert}/terms")).signed_in_as("margaret");
    terms.header("If-Match", "\"0\"").json(&json!({ "established": true })).send().await.expect(200);
    replace(large).await.expect(200);
}

/// Stores a price as an earlier release did, which had other limits.
async fn store_price(test: &TestApp, offer: &Offer, amount: u64, currency: &str) {
    let found = test.database("Scan", &json!({ "TableName": "expert-connect" })).await;
    let rows = found["Items"].as_array().expect("rows").clone();
    let is_offered =
        |row: &Value| row.to_string().contains(&offer.session_type) && row.get("terms").is_some();
    let mut row = rows.into_iter().find(is_offered).expect("the row of the session type");
    let price = row.pointer_mut("/terms/M/durations/L/0/M/price/M").expect("a price");
    *price = json!({ "amount": { "N": amount.to_string() }, "currency": { "S": currency } });
    test.database("PutItem", &json!({ "TableName": "expert-connect", "Item": row })).await;
}

#[tokio::test]
async fn stored_price_below_the_minimum_is_shown_and_not_offered() {
    let test = TestApp::new().await;
    let offer = test.offer(&paid_hour()).await;
    let Offer { expert, session_type } = &offer;
    for (amount, currency) in [(50, "EUR"), (5_000, "HRK")] {
        store_price(&test, &offer, amount, currency).await;
        let path = format!("/v1/experts/{expert}/session-types");
        let listed = test.get(&path).send().await.expect(200)["session_types"][0].clone();
        assert_eq!(listed["unavailable_reason"], "no_price", "{listed:#}");
        let expected = json!([{
            "minutes": 60,
            "price": { "amount": amount, "currency": currency },
            "derived": false,
            "no_price_reason": "not_chargeable",
        }]);
        assert_eq!(listed["durations"], expected);
        let read = test.get(&format!("{path}/{session_type}")).send().await.expect(200);
        assert_eq!(read["durations"], expected);
        let day = "from=2027-01-05T00:00:00Z&to=2027-01-06T00:00:00Z";
        let slots = format!("/v1/experts/{expert}/slots?session_type_id={session_type}&{day}");
        let slots = test.get(&slots).send().await.expect(200);
        assert_eq!((&slots["slots"], &slots["empty_reason"]), (&json!([]), &json!("no_price")));
        let refused = test.book(&offer, START, "k").await;
        assert_eq!((refused.problem(409), refused.places()), ("no-price", vec!["/duration_minutes"]));
    }
    store_price(&test, &offer, 300, "EUR").await;
    test.book(&offer, START, "k").await.expect(201);
}

#[tokio::test]
async fn list_says_in_which_currency_a_price_cannot_be_paid() {
    let test = TestApp::new().await;
    let mut terms = priced(500_000, "EUR");
    terms["presentment_currencies"] = json!(["USD", "HUF"]);
    let offer = test.offer(&terms).await;
    let duration = async |currency: &str| {
        let path = format!("/v1/experts/{}/session-types?currency={currency}", offer.expert);
        test.get(&path).send().await.expect(200)["session_types"][0]["durations"][0].clone()
    };
    assert_eq!(duration("USD").await["no_pay_in_reason"], "no_rate", "no rates are fetched yet");
    let rates = [("USD", "1.0562"), ("HUF", "398.15"), ("GBP", "0.8")];
    let rates = rates.into_iter().map(|(code, rate)| (code.to_owned(), rate.to_owned())).collect();
    test.ecb().set_switches(simulators::ecb::Switches { rates, ..Default::default() });
    assert!(test.stack.fetch_exchange_rates().await.expect("rates"));

    // 5,000 euros are more forints than the eight digits that Stripe accepts. The session type does not list pounds.
    assert_eq!(duration("HUF").await["no_pay_in_reason"], "not_chargeable");
    for currency in ["USD", "EUR", "GBP"] {
        assert_eq!(duration(currency).await.get("no_pay_in_reason"), None, "{currency}");
    }
    let pay_in = async |currency: &str| {
        let mut booking = TestApp::booking(&offer, START);
        booking["pay_in"] = json!(currency);
        test.post("/v1/appointments")
            .signed_in_as("alan")
            .idempotency_key(currency)
            .json(&booking)
            .send()
            .await
    };
    let refused = pay_in("HUF").await;
    assert_eq!((refused.problem(422), refused.places()), ("invalid", vec!["/pay_in"]));
    assert_eq!(pay_in("USD").await.expect(201)["price"]["currency"], "USD");
}
