//! The simulated bank, as its readers meet it: over HTTP on this machine, with a clock that the tests move.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on should say where, and the helpers are part of the tests"
)]

use std::sync::Arc;
use std::time::Duration;

use reqwest::Response;
use reqwest::redirect::Policy;
use simulators::ecb::{DAILY_RATES, EcbSimulator, Switches};
use simulators::{Loopback, ManualClock, Running, loopback_client};

/// Thursday, 4 March 2027, 16:00 CET.
const START: i64 = 1_804_172_400;
const DAY: i64 = 86_400;

struct World {
    clock: ManualClock,
    bank: Arc<EcbSimulator>,
    http: reqwest::Client,
    running: Running,
}

impl World {
    async fn new() -> Self {
        let clock = ManualClock::at(START);
        let bank = EcbSimulator::new(clock.clock());
        let running = Loopback::bind(0).await.unwrap().serve(bank.router());
        let http = loopback_client().unwrap().redirect(Policy::default()).build().unwrap();
        Self { clock, bank, http, running }
    }

    fn url(&self, path: &str) -> String {
        self.running.url().join(path).unwrap().to_string()
    }

    async fn file(&self) -> Response {
        self.http.get(self.url(DAILY_RATES)).send().await.unwrap()
    }

    async fn date(&self) -> String {
        let file = self.file().await.text().await.unwrap();
        file.split_once("time='").unwrap().1.split('\'').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn the_file_is_that_of_the_last_working_day() {
    let world = World::new().await;
    assert_eq!(world.date().await, "2027-03-04");
    world.clock.advance(-1);
    assert_eq!(world.date().await, "2027-03-03");
    world.clock.advance(1 + DAY);
    let friday = world.file().await.text().await.unwrap();
    for _ in 0..2 {
        world.clock.advance(DAY);
        assert_eq!(world.file().await.text().await.unwrap(), friday, "nothing comes at the weekend");
    }
    world.clock.advance(DAY);
    assert_eq!(world.date().await, "2027-03-08");
    let root = world.http.get(world.url("")).send().await.unwrap();
    assert_eq!((root.status().as_u16(), root.headers()["content-type"].as_bytes()), (200, &b"text/xml"[..]));
}

#[tokio::test]
async fn the_switches_are_there_over_http() {
    let world = World::new().await;
    let url = world.url("_simulator/switches");
    let set = async |body: &'static str| world.http.post(&url).body(body).send().await.unwrap();
    assert_eq!(set("{\"publications_missed\":1,\"rates\":{\"USD\":\"2\"}}").await.status(), 200);
    assert_eq!(set("{\"cut_off\":true}").await.status(), 200);
    let rates = [("USD".to_owned(), "2".to_owned())].into();
    let expected = Switches { publications_missed: 1, rates, cut_off: true, ..Switches::default() };
    assert_eq!(world.bank.switches(), expected);
    let shown: Switches = world.http.get(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown, expected);
    for bad in ["{\"bogus\":1}", "[]", "{", "{\"publications_missed\":-1}"] {
        assert_eq!(set(bad).await.status(), 400, "{bad}");
    }
    assert_eq!(world.date().await, "2027-03-03");
    assert_eq!(
        set("{\"cut_off\":false,\"date\":\"2027-03-09\",\"publications_missed\":0}").await.status(),
        200
    );
    assert_eq!(world.date().await, "2027-03-09");
}

#[tokio::test]
async fn the_bank_fails_and_stalls_on_request() {
    let world = World::new().await;
    world.bank.set_switches(Switches { fail: true, ..Switches::default() });
    assert_eq!(world.file().await.status(), 500);
    world.bank.set_switches(Switches { stall: true, ..Switches::default() });
    let waiting = world.http.get(world.url(DAILY_RATES)).timeout(Duration::from_millis(100)).send().await;
    assert!(waiting.is_err_and(|error| error.is_timeout()));
    let held = tokio::spawn(world.http.get(world.url(DAILY_RATES)).send());
    world.bank.set_switches(Switches::default());
    assert_eq!(held.await.unwrap().unwrap().status(), 200);
}
