//! Exchange rates of the European Central Bank, and price estimates in the reader's currency.

use std::sync::Arc;
use std::time::Duration;

use app::identity::Actor;
use app::payments::exchange_rates::{RefreshError, convert_for_charge, refresh};
use app::{App, AppError};
use domain::{Currency, Money, Timestamp};
use providers::ecb::EuropeanCentralBank;
use serde_json::{Value, json};
use simulators::ecb::Switches;
use store::table::Consistency;

use crate::harness::log::Log;
use crate::harness::{TestApp, free_hour, paid_hour};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// The bank publishes these rates.
fn at(rates: &[(&str, &str)]) -> Switches {
    let rates = rates.iter().map(|(code, rate)| ((*code).to_owned(), (*rate).to_owned())).collect();
    Switches { rates, ..Switches::default() }
}

fn usual() -> Switches {
    at(&[("USD", "1.0562"), ("JPY", "163.25")])
}

async fn fetch(test: &TestApp) -> Result<bool, RefreshError> {
    test.stack.fetch_exchange_rates().await
}

/// The document of `/v1/exchange-rates`.
async fn table(test: &TestApp) -> Value {
    test.get("/v1/exchange-rates").send().await.expect(200)
}

/// Advances the clock to an instant.
fn advance_to(test: &TestApp, instant: &str) {
    let instant: Timestamp = instant.parse().expect("a time");
    test.advance(instant.seconds() - test.clock.now());
}

/// An expert with one session type with a price. Returns the path of the session types.
async fn offer(test: &TestApp) -> String {
    let offer = test.offer(&paid_hour()).await;
    format!("/v1/experts/{}/session-types", offer.expert)
}

/// The estimate of the session type's price.
async fn estimate(test: &TestApp, offers: &str, currency: &str) -> Option<Value> {
    let listed = test.get(&format!("{offers}?currency={currency}")).send().await.expect(200);
    let hour = &listed["session_types"][0];
    let duration = &hour["durations"][0];
    assert_eq!(duration["price"], json!({ "amount": 8_000, "currency": "EUR" }), "the price does not change");
    duration.get("estimate").cloned()
}

#[tokio::test]
async fn price_is_estimated_in_the_requested_currency() {
    let test = TestApp::new().await;
    let offers = offer(&test).await;
    assert_eq!(estimate(&test, &offers, "USD").await, None, "no rates are fetched yet");
    let missing = test.get("/v1/exchange-rates").send().await;
    assert_eq!(
        (missing.problem(404), &missing.headers["cache-control"]),
        ("not-found", &"no-store".parse().unwrap())
    );

    test.ecb().set_switches(usual());
    assert!(fetch(&test).await.expect("rates"));
    // New Year's Day is a Friday; this is the Monday after it.
    let expected = |amount: u32, currency: &str| {
        Some(json!({
            "amount": { "amount": amount, "currency": currency },
            "rate_date": "2026-12-31",
            "source": "European Central Bank",
            "stale": false,
        }))
    };
    assert_eq!(estimate(&test, &offers, "USD").await, expected(8_450, "USD"));
    assert_eq!(estimate(&test, &offers, "JPY").await, expected(13_060, "JPY"));
    assert_eq!(estimate(&test, &offers, "EUR").await, expected(8_000, "EUR"));
    assert_eq!(estimate(&test, &offers, "KWD").await, None, "the bank has no rate for it");

    let expert = offers.split('/').nth(3).expect("an id");
    let mut free = free_hour();
    free["name"] = json!("First talk");
    let mut dollars = paid_hour();
    dollars["name"] = json!("In dollars");
    dollars["durations"][0]["price"] = json!({ "amount": 10_000, "currency": "USD" });
    for terms in [free, dollars] {
        test.advance(1);
        test.session_type(expert, &terms).await;
    }
    let listed = test.get(&format!("{offers}?currency=JPY&status=all")).send().await.expect(200);
    let estimate =
        |at: usize| listed["session_types"][at]["durations"][0]["estimate"]["amount"]["amount"].as_u64();
    let estimates: Vec<_> = (0..3).map(estimate).collect();
    assert_eq!(estimates, [Some(13_060), None, Some(15_456)], "{listed:#}");
    let plain = test.get(&offers).send().await.expect(200);
    assert!(!plain.to_string().contains("estimate"), "{plain:#}");
}

#[tokio::test]
async fn exchange_rates_are_public_and_cacheable_for_an_hour() {
    let test = TestApp::new().await;
    test.ecb().set_switches(usual());
    fetch(&test).await.expect("rates");
    let response = test.get("/v1/exchange-rates").send().await;
    assert_eq!(response.headers["cache-control"], "public, max-age=3600");
    let table = response.expect(200);
    assert_eq!(
        (&table["date"], &table["source"], &table["base"], &table["stale"]),
        (&json!("2026-12-31"), &json!("European Central Bank"), &json!("EUR"), &json!(false))
    );
    let rates = table["rates"].as_array().expect("a list");
    assert_eq!(rates.len(), 29);
    assert!(rates.contains(&json!({ "currency": "USD", "per_euro": "1.0562" })), "{table:#}");
}

#[tokio::test]
async fn invalid_currency_is_refused() {
    let test = TestApp::new().await;
    let offers = offer(&test).await;
    for wrong in ["usd", "", "EURO", "XAU", "ZZZ", "%00", "US$", "840"] {
        let response = test.get(&format!("{offers}?currency={wrong}")).send().await;
        assert_eq!((response.problem(422), response.places()), ("invalid", vec!["currency"]), "{wrong}");
    }
    let twice = test.get(&format!("{offers}?currency=USD&currency=EUR")).send().await;
    assert_eq!(twice.problem(422), "invalid");
}

#[tokio::test]
async fn rates_are_fetched_once_per_business_day() {
    let test = TestApp::new().await;
    advance_to(&test, "2027-01-08T15:20:00Z");
    assert!(fetch(&test).await.expect("Friday's"));
    let friday = table(&test).await;
    assert_eq!(friday["date"], "2027-01-08");
    let _ = test.meter.take();
    // Fetch every hour until Monday's rates are published.
    for _ in 0..72 {
        assert!(!fetch(&test).await.expect("nothing new"));
        test.advance(HOUR);
    }
    let costs = test.meter.take();
    assert_eq!(costs.len(), 72, "each run reads the stored rates");
    assert!(costs.iter().all(|cost| cost.operation == "GetItem"), "nothing is written: {costs:?}");
    assert_eq!(table(&test).await, friday, "three days old, and current");
    assert!(fetch(&test).await.expect("Monday's"));
    assert_eq!(table(&test).await["date"], "2027-01-11");
}

#[tokio::test]
async fn rates_are_current_over_the_easter_holidays() {
    let test = TestApp::new().await;
    advance_to(&test, "2027-03-25T15:20:00Z");
    fetch(&test).await.expect("Maundy Thursday's");
    advance_to(&test, "2027-03-30T14:20:00Z");
    assert!(!fetch(&test).await.expect("nothing new"));
    let rates = table(&test).await;
    assert_eq!((&rates["date"], &rates["stale"]), (&json!("2027-03-25"), &json!(false)));
}

#[tokio::test]
async fn stale_rates_are_marked_until_newer_ones_arrive() {
    let test = TestApp::new().await;
    let offers = offer(&test).await;
    test.ecb().set_switches(usual());
    fetch(&test).await.expect("rates");
    test.ecb().set_switches(Switches { fail: true, ..usual() });
    for (now, stale) in [("2027-01-05T23:59:59Z", false), ("2027-01-06T00:00:00Z", true)] {
        advance_to(&test, now);
        let error = fetch(&test).await.expect_err("the bank fails").to_string();
        assert_eq!(
            error,
            "no exchange rates were fetched: the European Central Bank responds 500 Internal Server Error"
        );
        assert_eq!(estimate(&test, &offers, "USD").await.expect("an estimate")["stale"], stale, "{now}");
        assert_eq!(table(&test).await["stale"], stale, "{now}");
    }
    let age =
        app::payments::exchange_rates::age_days(&test.stack.app, &Actor::Platform).await.expect("readable");
    assert_eq!(age, Some(6), "the error is logged although no rates are fetched");
    test.ecb().set_switches(usual());
    assert!(fetch(&test).await.expect("rates"));
    let now = estimate(&test, &offers, "USD").await.expect("an estimate");
    assert_eq!((&now["stale"], &now["rate_date"]), (&json!(false), &json!("2027-01-05")));
}

#[tokio::test]
async fn implausible_rates_are_rejected_and_the_previous_ones_stay() {
    let test = TestApp::new().await;
    test.ecb().set_switches(usual());
    fetch(&test).await.expect("rates");
    let before = table(&test).await;
    test.advance(8 * HOUR);
    for (wrong, said) in [
        (Switches { fail: true, ..usual() }, "responds 500"),
        (Switches { cut_off: true, ..usual() }, "not well-formed"),
        (Switches { huge: true, ..usual() }, "more than 65536 bytes"),
        (Switches { date: Some("2027-01-05".to_owned()), ..usual() }, "the rates are dated 2027-01-05"),
        (Switches { date: Some("04/01/2027".to_owned()), ..usual() }, "is not a date"),
        (Switches { date: Some(String::new()), ..usual() }, "is not a date"),
        (at(&[("USD", "0")]), "the rate of USD is \"0\""),
        (at(&[("USD", "-1.0562")]), "the rate of USD"),
        (at(&[("USD", "1,0562")]), "the rate of USD"),
        (at(&[("EUR", "1")]), "the euro"),
        (
            at(&[("USD", "10.563")]),
            "are implausible, so the previous ones stay in force: USD changed from 1.0562 on 2026-12-31 to 10.563 on 2027-01-04",
        ),
        (at(&[("USD", "1.0562"), ("JPY", "0.16")]), "to 0.16 on"),
    ] {
        test.ecb().set_switches(wrong);
        let log = Log::default();
        let listening = tracing::subscriber::set_default(log.clone());
        let error = fetch(&test).await.expect_err(said).to_string();
        drop(listening);
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!(log.errors(), [error], "the reason is logged");
        assert_eq!(table(&test).await, before, "{said}");
    }
    // An unknown currency does not invalidate the other rates.
    let mut unknown = usual();
    unknown.rates.insert("ZZZ".to_owned(), "no rate".to_owned());
    test.ecb().set_switches(unknown);
    assert!(fetch(&test).await.expect("rates"));
    let after = table(&test).await;
    assert_eq!((&after["date"], after["rates"].as_array().map(Vec::len)), (&json!("2027-01-04"), Some(29)));
}

#[tokio::test]
async fn older_rates_never_replace_newer_ones() {
    let test = TestApp::new().await;
    advance_to(&test, "2027-01-07T16:00:00Z");
    fetch(&test).await.expect("rates");
    let before = table(&test).await;
    for publications_missed in 1..=5 {
        test.ecb().set_switches(Switches { publications_missed, ..at(&[("USD", "5")]) });
        assert!(!fetch(&test).await.expect("the rates are older"));
        assert_eq!(table(&test).await, before);
    }
    // Rates of the same day are not replaced.
    test.ecb().set_switches(at(&[("USD", "5")]));
    assert!(!fetch(&test).await.expect("the same"));
    assert_eq!(table(&test).await, before);
}

#[tokio::test]
async fn concurrent_fetches_store_the_same_rates() {
    let test = TestApp::new().await;
    let app = &test.stack.app;
    for round in 1..=3 {
        let (one, other) = tokio::join!(refresh(app, &Actor::Platform), refresh(app, &Actor::Platform));
        assert!(one.expect("rates") | other.expect("rates"), "the rates are new to at least one of them");
        let stored = app.store.exchange_rates(Consistency::Strong).await.expect("readable").expect("rates");
        assert_eq!((stored.version, stored.rates.date().naive()), (round, test.ecb().published()));
        test.advance(7 * DAY);
    }
}

#[tokio::test]
async fn fetch_times_out_if_the_bank_does_not_respond() {
    let test = TestApp::new().await;
    test.ecb().set_switches(usual());
    fetch(&test).await.expect("rates");
    let before = table(&test).await;
    test.advance(DAY);
    test.ecb().set_switches(Switches { stall: true, ..usual() });
    let address = test.stack.environment.addresses.ecb_simulator.clone().expect("it runs");
    let patience = Duration::from_millis(200);
    let http = reqwest::Client::builder().no_proxy().timeout(patience).build().expect("a client");
    let bank = EuropeanCentralBank::new(http, &format!("{address}/{}", simulators::ecb::DAILY_RATES));
    let app = App { exchange_rates: Arc::new(bank.expect("an address")), ..test.stack.app.clone() };
    let error = refresh(&app, &Actor::Platform).await.expect_err("the bank does not respond").to_string();
    assert!(error.contains("does not respond"), "{error}");
    assert_eq!(table(&test).await, before);
}

#[tokio::test]
async fn configured_rates_url_replaces_the_simulator() {
    // The port of a dropped listener refuses connections.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/rates.xml", listener.local_addr().expect("an address"));
    drop(listener);
    let test = TestApp::with(|config| config.ecb_rates_url = Some(url.parse().expect("a URL"))).await;
    assert!(test.stack.ecb.is_none());
    assert_eq!(test.stack.environment.addresses.ecb_simulator, None);
    assert!(matches!(fetch(&test).await, Err(RefreshError::Source(_))));
}

#[tokio::test]
async fn prices_without_estimates_read_no_rates() {
    let test = TestApp::new().await;
    let offers = offer(&test).await;
    fetch(&test).await.expect("rates");
    let _ = test.meter.take();
    test.get(&offers).send().await.expect(200);
    let without = test.meter.take();
    estimate(&test, &offers, "USD").await.expect("an estimate");
    let with = test.meter.take();
    // The profile, the session types and the accounts, and with estimates also the rates.
    assert_eq!((without.len(), with.len()), (3, 4));
    let units = |costs: &[store::Cost]| costs.iter().map(|cost| cost.tenths).sum::<u64>();
    assert!(units(&with) <= units(&without) + 5, "{with:?} {without:?}");
}

#[tokio::test]
async fn charge_uses_current_rates_only() {
    let test = TestApp::new().await;
    let app = &test.stack.app;
    let currency = |code: &str| Currency::try_from(code.to_owned()).expect("a code");
    let money = |amount, code| Money::new(amount, currency(code)).expect("small");
    let charge = async |price: Money, into: &str| {
        convert_for_charge(app, &Actor::Platform, price, currency(into), app.now()).await
    };
    let refused = async |price: Money, into: &str| match charge(price, into).await {
        Err(AppError::Invalid(violations)) => {
            let found: Vec<_> = violations.into_iter().collect();
            assert_eq!((found.len(), found[0].pointer.as_str()), (1, "/pay_in"));
            found[0].must.clone()
        }
        other => panic!("{other:?}"),
    };
    let price = money(8_000, "EUR");
    assert_eq!(charge(price, "EUR").await.expect("its own currency needs no rates"), price);
    assert_eq!(
        refused(price, "USD").await,
        "must be EUR, the currency of the price: there are no exchange rates yet"
    );

    test.ecb().set_switches(usual());
    fetch(&test).await.expect("rates");
    assert_eq!(charge(price, "USD").await.expect("a rate"), money(8_450, "USD"));
    assert_eq!(charge(money(0, "USD"), "JPY").await.expect("a rate"), money(0, "JPY"));
    for (price, into, why) in [
        (price, "KWD", "the European Central Bank publishes no rate for KWD"),
        (money(8_000, "KWD"), "EUR", "the European Central Bank publishes no rate for KWD"),
        (money(1, "IDR"), "EUR", "IDR 0.01 is less than the smallest amount of EUR"),
        (money(100_000_000, "EUR"), "IDR", "EUR 1000000.00 is too large an amount of IDR"),
    ] {
        let must = refused(price, into).await;
        assert!(must.ends_with(why) && must.starts_with("must be "), "{must}");
    }

    advance_to(&test, "2027-01-05T23:59:59Z");
    assert_eq!(charge(price, "USD").await.expect("still current"), money(8_450, "USD"));
    test.advance(1);
    let must = refused(price, "USD").await;
    assert!(must.contains("of 2026-12-31") && must.contains("too old"), "{must}");
    assert_eq!(charge(price, "EUR").await.expect("its own currency needs no rates"), price);
}
