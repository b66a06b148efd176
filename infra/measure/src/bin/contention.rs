//! What happens when many clients book one day of one expert at the same time, over HTTP on the local system.
//!
//! `tests/load/contention`, or `cargo run --release -p measure --bin contention -- [clients]`
//!
//! The clients first book one after another on one day, and then all at once on another day: each a slot of their own, then one
//! of 96 slots, and then all of them the same slot. One after another takes as long as a perfect queue would need. The command
//! fails if a response is a server error, if a slot that is requested is not booked, or if the 99th percentile of the response
//! times is more than one and a half times as long as the perfect queue.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::scheduling::booking_limits::BookingLimits;
use local::{People, Stack, StackClock, StackConfig};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::ManualClock;
use simulators::sign_in::Person;
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// The clients, when nothing else is said.
const CLIENTS: usize = 1_000;
/// Sessions of a minute of one day.
const OF_A_DAY: usize = 1_440;
/// 2027-01-04T08:00:00Z, in seconds since 1970.
const NOW: i64 = 1_799_049_600;
/// The slots of a day with sessions of a quarter of an hour.
const QUARTERS: usize = 96;
/// How much longer than in a perfect queue the 99th percentile may take, in hundredths.
const MAX_RATIO: u128 = 150;

type Failure = Box<dyn Error + Send + Sync>;

/// How many attempts the changes took, which the use cases log: the number of changes by number of attempts.
#[derive(Clone, Default)]
struct Attempts(Arc<Mutex<BTreeMap<u64, usize>>>);

impl Attempts {
    /// The numbers since the last call.
    fn take(&self) -> BTreeMap<u64, usize> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: tracing::Subscriber> Layer<S> for Attempts {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Number(Option<u64>);
        impl Visit for Number {
            fn record_u64(&mut self, field: &Field, value: u64) {
                if field.name() == "attempts" {
                    self.0 = Some(value);
                }
            }
            fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
        }
        let mut number = Number(None);
        event.record(&mut number);
        if let Some(attempts) = number.0 {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(attempts).or_default() += 1;
        }
    }
}

/// The API as one person calls it.
#[derive(Clone)]
struct Caller {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Caller {
    async fn call(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Result<(StatusCode, Value), Failure> {
        let request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token)
            .header("Idempotency-Key", key)
            .header("If-Match", "\"0\"")
            .json(body);
        let response = request.send().await?;
        let status = response.status();
        Ok((status, response.json().await?))
    }

    async fn succeed(&self, method: Method, path: &str, body: &Value) -> Result<Value, Failure> {
        match self.call(method, path, path, body).await? {
            (status, body) if status.is_success() => Ok(body),
            (status, body) => Err(format!("{path} answers {status}: {body}").into()),
        }
    }
}

/// The responses to the requests of all clients.
struct Measured {
    /// How long each took, shortest first.
    times: Vec<Duration>,
    /// How long all took together.
    whole: Duration,
    /// How many responses have each status.
    statuses: BTreeMap<u16, usize>,
    /// How many changes took each number of attempts.
    attempts: BTreeMap<u64, usize>,
}

impl Measured {
    fn percentile(&self, per_cent: usize) -> Duration {
        let at = (self.times.len() * per_cent / 100).min(self.times.len().saturating_sub(1));
        self.times.get(at).copied().unwrap_or_default()
    }

    fn count(&self, status: StatusCode) -> usize {
        self.statuses.get(&status.as_u16()).copied().unwrap_or(0)
    }
}

/// The expert's session type, and who books it.
struct Scene {
    clients: Vec<Caller>,
    expert: String,
    session_type: String,
    attempts: Attempts,
}

impl Scene {
    /// Books a start of a day for a client.
    async fn book(
        &self,
        client: &Caller,
        day: &str,
        minute: usize,
    ) -> Result<(Duration, StatusCode), Failure> {
        let start = format!("{day}T{:02}:{:02}:00Z", minute / 60, minute % 60);
        let body = json!({
            "expert_id": self.expert, "session_type_id": self.session_type, "start": start,
            "attendee": { "name": "Alan", "email": "alan@example.org", "time_zone": "Europe/London" },
        });
        let began = Instant::now();
        let (status, _) = client.call(Method::POST, "/v1/appointments", day, &body).await?;
        Ok((began.elapsed(), status))
    }

    fn measured(&self, responses: Vec<(Duration, StatusCode)>, whole: Duration) -> Measured {
        let mut times: Vec<Duration> = responses.iter().map(|(time, _)| *time).collect();
        times.sort_unstable();
        let mut statuses = BTreeMap::new();
        for (_, status) in responses {
            *statuses.entry(status.as_u16()).or_default() += 1;
        }
        Measured { times, whole, statuses, attempts: self.attempts.take() }
    }

    /// Each client books one after another. `slot` is the minute of the day that a client books.
    async fn one_by_one(&self, day: &str, slot: fn(usize) -> usize) -> Result<Measured, Failure> {
        let _ = self.attempts.take();
        let mut responses = Vec::new();
        let began = Instant::now();
        for (number, client) in self.clients.iter().enumerate() {
            responses.push(self.book(client, day, slot(number)).await?);
        }
        Ok(self.measured(responses, began.elapsed()))
    }

    /// All clients book at the same time.
    async fn at_once(self: &Arc<Self>, day: &str, slot: fn(usize) -> usize) -> Result<Measured, Failure> {
        let _ = self.attempts.take();
        let mut requests = tokio::task::JoinSet::new();
        let began = Instant::now();
        for (number, client) in self.clients.iter().cloned().enumerate() {
            let (scene, day) = (self.clone(), day.to_owned());
            requests.spawn(async move { scene.book(&client, &day, slot(number)).await });
        }
        let mut responses = Vec::new();
        while let Some(response) = requests.join_next().await {
            responses.push(response??);
        }
        Ok(self.measured(responses, began.elapsed()))
    }
}

/// An expert with sessions of a minute at any minute, and the clients.
async fn set_up(stack: &Stack, clients: usize, attempts: Attempts) -> Result<Arc<Scene>, Failure> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let caller = |person: &Person| Caller {
        http: http.clone(),
        url: stack.api_url.clone(),
        token: stack.sign_in.access_token(person, 86_400),
    };
    let ada = caller(&People::find("ada").ok_or("the demo people are known")?);
    let profile = json!({ "name": "Ada Lovelace", "headline": "Analytical engines" });
    let expert = ada.succeed(Method::POST, "/v1/experts", &profile).await?;
    let expert = expert["id"].as_str().unwrap_or_default().to_owned();
    let hours = json!([{ "opens": "00:00", "closes": "24:00" }]);
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let weekly: Value = days.iter().map(|day| ((*day).to_owned(), hours.clone())).collect();
    let rules = json!({ "time_zone": "UTC", "weekly": weekly });
    ada.succeed(Method::PUT, &format!("/v1/experts/{expert}/availability"), &rules).await?;
    let terms = json!({
        "name": "A minute", "step_minutes": 1,
        "durations": [{ "minutes": 1, "price": { "amount": 0, "currency": "EUR" } }],
        "booking_window": { "kind": "dates", "first": "2027-01-01", "last": "2027-12-31" },
    });
    let path = format!("/v1/experts/{expert}/session-types");
    let session_type = ada.succeed(Method::POST, &path, &terms).await?;
    let session_type = session_type["id"].as_str().unwrap_or_default().to_owned();
    let clients = (0..clients).map(|number| {
        caller(&Person {
            subject: format!("client-{number}"),
            name: format!("Client {number}"),
            email: format!("client-{number}@example.org"),
            groups: vec!["client".to_owned()],
        })
    });
    Ok(Arc::new(Scene { clients: clients.collect(), expert, session_type, attempts }))
}

fn seconds(time: Duration) -> String {
    format!("{}.{:03} s", time.as_secs(), time.subsec_millis())
}

/// Prints what was measured, and returns what is wrong with it. `slots` is the number of slots that are requested.
fn report(name: &str, queue: &Measured, crowd: &Measured, slots: usize) -> Result<Vec<String>, Failure> {
    let mut out = std::io::stdout();
    let clients = crowd.times.len();
    let p99 = crowd.percentile(99);
    let ratio = p99.as_micros() * 100 / queue.whole.as_micros().max(1);
    writeln!(out, "{clients} clients, {name}")?;
    writeln!(out, "  responses           {:?}", crowd.statuses)?;
    writeln!(out, "  changes by attempts {:?}", crowd.attempts)?;
    writeln!(out, "  perfect queue       {}", seconds(queue.whole))?;
    writeln!(out, "  p50                 {}", seconds(crowd.percentile(50)))?;
    writeln!(out, "  p99                 {}", seconds(p99))?;
    writeln!(out, "  p99, perfect queue  {}.{:02}", ratio / 100, ratio % 100)?;
    let mut wrong = Vec::new();
    let expected = (crowd.count(StatusCode::CREATED), crowd.count(StatusCode::CONFLICT));
    if expected != (slots, clients - slots) {
        wrong.push(format!("{name}: {slots} slots, but the responses are {:?}", crowd.statuses));
    }
    if ratio > MAX_RATIO {
        wrong.push(format!("{name}: the 99th percentile takes {ratio} % of a perfect queue"));
    }
    Ok(wrong)
}

async fn run(clients: usize, attempts: Attempts) -> Result<(), Failure> {
    let mut config = StackConfig::in_memory(StackClock::new(ManualClock::at(NOW).clock()));
    // All clients have the same network address.
    config.settings.booking_limits = BookingLimits::unlimited();
    let stack = Stack::start(config, axum::Router::new()).await?;
    let scene = set_up(&stack, clients, attempts).await?;
    let own = |number: usize| number;
    let few = |number: usize| number % QUARTERS * 15;
    let same = |_: usize| 0;
    // Unmeasured, so that everything is loaded.
    scene.one_by_one("2027-01-05", same).await?;

    // The days are five weeks apart, because a refused booking reads the days around it for alternatives.
    let queue = scene.one_by_one("2027-02-01", own).await?;
    let crowd = scene.at_once("2027-03-08", own).await?;
    let mut wrong = report("each a slot of their own", &queue, &crowd, clients)?;
    let queue = scene.one_by_one("2027-04-12", few).await?;
    let crowd = scene.at_once("2027-05-17", few).await?;
    wrong.extend(report("each one of 96 slots", &queue, &crowd, clients.min(QUARTERS))?);
    let queue = scene.one_by_one("2027-06-21", same).await?;
    let crowd = scene.at_once("2027-07-26", same).await?;
    wrong.extend(report("all the same slot", &queue, &crowd, 1)?);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ").into()) }
}

fn main() -> Result<(), Failure> {
    let clients = std::env::args().nth(1).map_or(Ok(CLIENTS), |text| text.parse())?;
    if !(1..=OF_A_DAY).contains(&clients) {
        return Err(format!("from 1 to {OF_A_DAY} clients").into());
    }
    let attempts = Attempts::default();
    let filter = tracing_subscriber::EnvFilter::new("off,app=debug");
    tracing::subscriber::set_global_default(
        tracing_subscriber::registry().with(filter).with(attempts.clone()),
    )?;
    // An error only says that there is one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(clients, attempts))
}
