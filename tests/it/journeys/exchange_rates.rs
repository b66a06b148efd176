//! Readers see about what a price comes to in their own currency, by the European Central Bank's rates, whatever the bank does.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::payments::exchange_rates::{RefreshError, convert_for_charge, refresh};
use app::{App, AppError};
use domain::{Currency, Money, Timestamp};
use providers::ecb::EuropeanCentralBank;
use serde_json::{Value, json};
use simulators::ecb::Switches;
use store::table::Consistency;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::harness::{World, free_hour, paid_hour};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// What the bank publishes when these currencies are at these rates.
fn at(rates: &[(&str, &str)]) -> Switches {
    let rates = rates.iter().map(|(code, rate)| ((*code).to_owned(), (*rate).to_owned())).collect();
    Switches { rates, ..Switches::default() }
}

fn usual() -> Switches {
    at(&[("USD", "1.0562"), ("JPY", "163.25")])
}

async fn fetch(world: &World) -> Result<bool, RefreshError> {
    world.stack.fetch_exchange_rates().await
}

/// What `/v1/exchange-rates` answers.
async fn table(world: &World) -> Value {
    world.get("/v1/exchange-rates").send().await.expect(200)
}

/// Moves the clock to this instant.
fn until(world: &World, instant: &str) {
    let instant: Timestamp = instant.parse().expect("a time");
    world.pass(instant.seconds() - world.clock.now());
}

/// An expert with one paid hour, and the path of what they offer.
async fn offer(world: &World) -> String {
    let offer = world.offer(&paid_hour()).await;
    format!("/v1/experts/{}/session-types", offer.expert)
}

/// What the paid hour comes to.
async fn estimate(world: &World, offers: &str, currency: &str) -> Option<Value> {
    let listed = world.get(&format!("{offers}?currency={currency}")).send().await.expect(200);
    let hour = &listed["session_types"][0];
    assert_eq!(hour["price"], json!({ "amount": 8_000, "currency": "EUR" }), "the price stays what it is");
    hour.get("estimate").cloned()
}

/// Hears what this thread logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// The errors that were named.
    fn errors(&self) -> Vec<String> {
        self.0.lock().expect("no panic").clone()
    }
}

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "error" {
            self.0.lock().expect("no panic").push(format!("{value:?}"));
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_price_is_estimated_in_the_readers_currency() {
    let world = World::new().await;
    let offers = offer(&world).await;
    assert_eq!(estimate(&world, &offers, "USD").await, None, "nothing was fetched yet");
    let missing = world.get("/v1/exchange-rates").send().await;
    assert_eq!(
        (missing.problem(404), &missing.headers["cache-control"]),
        ("not-found", &"no-store".parse().unwrap())
    );

    world.bank().set_switches(usual());
    assert!(fetch(&world).await.expect("rates"));
    // New Year's Day is a Friday, and this is the Monday after it.
    let expected = |amount: u32, currency: &str| {
        Some(json!({
            "amount": { "amount": amount, "currency": currency },
            "rate_date": "2026-12-31",
            "source": "European Central Bank",
            "stale": false,
        }))
    };
    assert_eq!(estimate(&world, &offers, "USD").await, expected(8_450, "USD"));
    assert_eq!(estimate(&world, &offers, "JPY").await, expected(13_060, "JPY"));
    assert_eq!(estimate(&world, &offers, "EUR").await, expected(8_000, "EUR"));
    assert_eq!(estimate(&world, &offers, "KWD").await, None, "the bank has no rate for it");

    let expert = offers.split('/').nth(3).expect("an id");
    let mut free = free_hour();
    free["name"] = json!("First talk");
    let mut dollars = paid_hour();
    dollars["name"] = json!("In dollars");
    dollars["price"] = json!({ "amount": 10_000, "currency": "USD" });
    for terms in [free, dollars] {
        world.pass(1);
        world.session_type(expert, &terms).await;
    }
    let listed = world.get(&format!("{offers}?currency=JPY&status=all")).send().await.expect(200);
    let estimates: Vec<_> =
        (0..3).map(|at| listed["session_types"][at]["estimate"]["amount"]["amount"].as_u64()).collect();
    assert_eq!(estimates, [Some(13_060), None, Some(15_456)], "{listed:#}");
    let plain = world.get(&offers).send().await.expect(200);
    assert!(!plain.to_string().contains("estimate"), "{plain:#}");
}

#[tokio::test]
async fn the_table_of_rates_is_public_and_may_be_kept_for_an_hour() {
    let world = World::new().await;
    world.bank().set_switches(usual());
    fetch(&world).await.expect("rates");
    let answer = world.get("/v1/exchange-rates").send().await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=3600");
    let table = answer.expect(200);
    assert_eq!(
        (&table["date"], &table["source"], &table["base"], &table["stale"]),
        (&json!("2026-12-31"), &json!("European Central Bank"), &json!("EUR"), &json!(false))
    );
    let rates = table["rates"].as_array().expect("a list");
    assert_eq!(rates.len(), 29);
    assert!(rates.contains(&json!({ "currency": "USD", "per_euro": "1.0562" })), "{table:#}");
}

#[tokio::test]
async fn a_currency_must_be_one() {
    let world = World::new().await;
    let offers = offer(&world).await;
    for wrong in ["usd", "", "EURO", "XAU", "ZZZ", "%00", "US$", "840"] {
        let reply = world.get(&format!("{offers}?currency={wrong}")).send().await;
        assert_eq!((reply.problem(422), &reply.body["field"]), ("invalid", &json!("currency")), "{wrong}");
    }
    let twice = world.get(&format!("{offers}?currency=USD&currency=EUR")).send().await;
    assert_eq!(twice.problem(422), "invalid");
}

#[tokio::test]
async fn rates_are_fetched_once_a_day_and_not_at_weekends() {
    let world = World::new().await;
    until(&world, "2027-01-08T15:20:00Z");
    assert!(fetch(&world).await.expect("Friday's"));
    let friday = table(&world).await;
    assert_eq!(friday["date"], "2027-01-08");
    let _ = world.meter.take();
    // Every hour until Monday's come.
    for _ in 0..72 {
        assert!(!fetch(&world).await.expect("nothing new"));
        world.pass(HOUR);
    }
    let costs = world.meter.take();
    assert_eq!(costs.len(), 72, "each looks at what is final_charge");
    assert!(costs.iter().all(|cost| cost.operation == "GetItem"), "and nothing is written: {costs:?}");
    assert_eq!(table(&world).await, friday, "three days old, and fresh");
    assert!(fetch(&world).await.expect("Monday's"));
    assert_eq!(table(&world).await["date"], "2027-01-11");
}

#[tokio::test]
async fn easter_makes_no_rates_stale() {
    let world = World::new().await;
    until(&world, "2027-03-25T15:20:00Z");
    fetch(&world).await.expect("Maundy Thursday's");
    until(&world, "2027-03-30T14:20:00Z");
    assert!(!fetch(&world).await.expect("nothing new"));
    let rates = table(&world).await;
    assert_eq!((&rates["date"], &rates["stale"]), (&json!("2027-03-25"), &json!(false)));
}

#[tokio::test]
async fn old_rates_are_said_to_be_old_until_new_ones_come() {
    let world = World::new().await;
    let offers = offer(&world).await;
    world.bank().set_switches(usual());
    fetch(&world).await.expect("rates");
    world.bank().set_switches(Switches { fail: true, ..usual() });
    for (now, stale) in [("2027-01-05T23:59:59Z", false), ("2027-01-06T00:00:00Z", true)] {
        until(&world, now);
        let error = fetch(&world).await.expect_err("the bank fails").to_string();
        assert_eq!(
            error,
            "no exchange rates were fetched: the European Central Bank answers 500 Internal Server Error"
        );
        assert_eq!(estimate(&world, &offers, "USD").await.expect("an estimate")["stale"], stale, "{now}");
        assert_eq!(table(&world).await["stale"], stale, "{now}");
    }
    let age = app::payments::exchange_rates::age_days(&world.stack.app).await.expect("readable");
    assert_eq!(age, Some(6), "the alarm hears of it although nothing is fetched");
    world.bank().set_switches(usual());
    assert!(fetch(&world).await.expect("rates"));
    let now = estimate(&world, &offers, "USD").await.expect("an estimate");
    assert_eq!((&now["stale"], &now["rate_date"]), (&json!(false), &json!("2027-01-05")));
}

#[tokio::test]
async fn what_nobody_should_go_by_leaves_yesterdays_rates_in_force() {
    let world = World::new().await;
    world.bank().set_switches(usual());
    fetch(&world).await.expect("rates");
    let before = table(&world).await;
    world.pass(8 * HOUR);
    for (wrong, said) in [
        (Switches { fail: true, ..usual() }, "answers 500"),
        (Switches { cut_off: true, ..usual() }, "not well-formed"),
        (Switches { huge: true, ..usual() }, "more than 65536 bytes"),
        (Switches { date: Some("2027-01-05".to_owned()), ..usual() }, "the rates are of 2027-01-05"),
        (Switches { date: Some("04/01/2027".to_owned()), ..usual() }, "no date"),
        (Switches { date: Some(String::new()), ..usual() }, "no date"),
        (at(&[("USD", "0")]), "the rate of USD is \"0\""),
        (at(&[("USD", "-1.0562")]), "the rate of USD"),
        (at(&[("USD", "1,0562")]), "the rate of USD"),
        (at(&[("EUR", "1")]), "the euro"),
        (
            at(&[("USD", "10.563")]),
            "are implausible, so the previous ones stay in force: USD is at 10.563 on 2027-01-04, and was at 1.0562 on 2026-12-31",
        ),
        (at(&[("USD", "1.0562"), ("JPY", "0.16")]), "JPY is at 0.16"),
    ] {
        world.bank().set_switches(wrong);
        let log = Log::default();
        let listening = tracing::subscriber::set_default(log.clone());
        let error = fetch(&world).await.expect_err(said).to_string();
        drop(listening);
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!(log.errors(), [error], "somebody can read why");
        assert_eq!(table(&world).await, before, "{said}");
    }
    // A currency that nobody knows is no reason to refuse the others.
    let mut unknown = usual();
    unknown.rates.insert("ZZZ".to_owned(), "no rate".to_owned());
    world.bank().set_switches(unknown);
    assert!(fetch(&world).await.expect("rates"));
    let after = table(&world).await;
    assert_eq!((&after["date"], after["rates"].as_array().map(Vec::len)), (&json!("2027-01-04"), Some(29)));
}

#[tokio::test]
async fn older_rates_never_take_the_place_of_newer_ones() {
    let world = World::new().await;
    until(&world, "2027-01-07T16:00:00Z");
    fetch(&world).await.expect("rates");
    let before = table(&world).await;
    for publications_missed in 1..=5 {
        world.bank().set_switches(Switches { publications_missed, ..at(&[("USD", "5")]) });
        assert!(!fetch(&world).await.expect("older ones"));
        assert_eq!(table(&world).await, before);
    }
    // And the same day's are not written again, whatever they say.
    world.bank().set_switches(at(&[("USD", "5")]));
    assert!(!fetch(&world).await.expect("the same"));
    assert_eq!(table(&world).await, before);
}

#[tokio::test]
async fn two_who_fetch_at_once_come_to_the_same() {
    let world = World::new().await;
    let app = &world.stack.app;
    for round in 1..=3 {
        let (one, other) = tokio::join!(refresh(app), refresh(app));
        assert!(one.expect("rates") | other.expect("rates"), "they are new to one of them, or to both");
        let final_charge =
            app.store.exchange_rates(Consistency::Strong).await.expect("readable").expect("rates");
        assert_eq!(
            (final_charge.version, final_charge.rates.date().naive()),
            (round, world.bank().published())
        );
        world.pass(7 * DAY);
    }
}

#[tokio::test]
async fn a_bank_that_never_answers_is_given_up() {
    let world = World::new().await;
    world.bank().set_switches(usual());
    fetch(&world).await.expect("rates");
    let before = table(&world).await;
    world.pass(DAY);
    world.bank().set_switches(Switches { stall: true, ..usual() });
    let address = world.stack.surroundings.addresses.ecb_simulator.clone().expect("it runs");
    let patience = Duration::from_millis(200);
    let http = reqwest::Client::builder().no_proxy().timeout(patience).build().expect("a client");
    let bank = EuropeanCentralBank::new(http, &format!("{address}/{}", simulators::ecb::DAILY_RATES));
    let app = App { exchange_rates: Arc::new(bank.expect("an address")), ..world.stack.app.clone() };
    let error = refresh(&app).await.expect_err("nothing comes").to_string();
    assert!(error.contains("does not answer"), "{error}");
    assert_eq!(table(&world).await, before);
}

#[tokio::test]
async fn a_real_address_takes_the_simulator_away() {
    // Nobody listens on the port of a listener that is gone.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/rates.xml", gone.local_addr().expect("an address"));
    drop(gone);
    let world = World::with(|config| config.ecb_rates_url = Some(url.parse().expect("a URL"))).await;
    assert!(world.stack.ecb.is_none());
    assert_eq!(world.stack.surroundings.addresses.ecb_simulator, None);
    assert!(matches!(fetch(&world).await, Err(RefreshError::Source(_))));
}

#[tokio::test]
async fn estimates_cost_nothing_unless_somebody_asks_for_them() {
    let world = World::new().await;
    let offers = offer(&world).await;
    fetch(&world).await.expect("rates");
    let _ = world.meter.take();
    world.get(&offers).send().await.expect(200);
    let without = world.meter.take();
    estimate(&world, &offers, "USD").await.expect("an estimate");
    let with = world.meter.take();
    assert_eq!((without.len(), with.len()), (1, 2));
    let units = |costs: &[store::Cost]| costs.iter().map(|cost| cost.tenths).sum::<u64>();
    assert!(units(&with) <= units(&without) + 5, "{with:?} {without:?}");
}

#[tokio::test]
async fn a_charge_goes_by_fresh_rates_only() {
    let world = World::new().await;
    let app = &world.stack.app;
    let currency = |code: &str| Currency::try_from(code.to_owned()).expect("a code");
    let money = |amount, code| Money::new(amount, currency(code)).expect("small");
    let charge =
        async |price: Money, into: &str| convert_for_charge(app, price, currency(into), app.now()).await;
    let refused = async |price: Money, into: &str| match charge(price, into).await {
        Err(AppError::Invalid { field, must }) if field == "pay_in" => must,
        other => panic!("{other:?}"),
    };
    let price = money(8_000, "EUR");
    assert_eq!(charge(price, "EUR").await.expect("its own currency needs no rates"), price);
    assert_eq!(refused(price, "USD").await, "must be EUR, the currency of the price: there are no exchange rates yet");

    world.bank().set_switches(usual());
    fetch(&world).await.expect("rates");
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

    until(&world, "2027-01-05T23:59:59Z");
    assert_eq!(charge(price, "USD").await.expect("still fresh"), money(8_450, "USD"));
    world.pass(1);
    let must = refused(price, "USD").await;
    assert!(must.contains("of 2026-12-31") && must.contains("too old"), "{must}");
    assert_eq!(charge(price, "EUR").await.expect("its own currency needs no rates"), price);
}
