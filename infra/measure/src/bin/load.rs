//! How many requests the whole system answers on this machine, over HTTP, and how long they take: list slots, book, cancel.
//!
//! `tests/load/run`, or `cargo run --release -p measure --bin load -- [requests] [at once]`
//!
//! Client, API, database and simulators share the machine's processors, so the figures compare versions of the code; what AWS
//! does they do not say.

use std::error::Error;
use std::future::Future;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::scheduling::booking_limits::BookingLimits;
use local::{People, Stack, StackClock, StackConfig};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::ManualClock;

/// Requests of each kind, when nothing else is said.
const REQUESTS: usize = 2_000;
/// How many of them are under way at once, when nothing else is said.
const AT_ONCE: usize = 16;
/// The first day that is booked, in the year of the clock below.
const FIRST_DAY: usize = 5;
/// Sessions of a quarter of an hour of one day.
const OF_A_DAY: usize = 96;
/// Days that there are to book.
const DAYS: usize = 80;
/// 2027-01-04T08:00:00Z, in seconds since 1970.
const NOW: i64 = 1_799_049_600;

type Failure = Box<dyn Error + Send + Sync>;

/// The API as one person calls it.
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
        expected: StatusCode,
    ) -> Result<Value, Failure> {
        // What is replaced does not exist yet, and what is cancelled has not changed since it was booked.
        let version = if method == Method::PUT { "\"0\"" } else { "\"1\"" };
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token)
            .header("Idempotency-Key", key)
            .header("If-Match", version);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if status != expected {
            return Err(format!("{path} answers {status}: {text}").into());
        }
        Ok(serde_json::from_str(&text)?)
    }
}

/// How long each request took, shortest first, and all together.
struct Measured {
    times: Vec<Duration>,
    whole: Duration,
}

impl Measured {
    fn quantile(&self, per_cent: usize) -> Duration {
        let at = (self.times.len() * per_cent / 100).min(self.times.len().saturating_sub(1));
        self.times.get(at).copied().unwrap_or_default()
    }

    fn per_second(&self) -> u128 {
        self.times.len() as u128 * 1_000_000 / self.whole.as_micros().max(1)
    }
}

/// Makes so many requests, so many at once, and answers what each came to in the order of their numbers.
async fn measure<T, F>(
    requests: usize,
    at_once: usize,
    one: impl Fn(usize) -> F,
) -> Result<(Measured, Vec<T>), Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
    F::Output: Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    // Each request is made ready before, so that only its answer is waited for.
    let ready: Arc<Vec<std::sync::Mutex<Option<F>>>> =
        Arc::new((0..requests).map(|number| std::sync::Mutex::new(Some(one(number)))).collect());
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let (next, ready) = (next.clone(), ready.clone());
        workers.spawn(async move {
            let mut done = Vec::new();
            while let Some(request) = ready.get(next.fetch_add(1, Ordering::Relaxed)) {
                let Some(request) = request.lock().ok().and_then(|mut request| request.take()) else {
                    continue;
                };
                let began = Instant::now();
                let answer = request.await?;
                done.push((began.elapsed(), answer));
            }
            Ok::<_, Failure>(done)
        });
    }
    let (mut times, mut answers) = (Vec::new(), Vec::new());
    while let Some(done) = workers.join_next().await {
        for (time, answer) in done?? {
            times.push(time);
            answers.push(answer);
        }
    }
    let whole = started.elapsed();
    times.sort_unstable();
    Ok((Measured { times, whole }, answers))
}

fn day(number: usize) -> String {
    // January, February and March of 2027 have 31, 28 and 31 days.
    let day = FIRST_DAY + number % DAYS;
    let (month, day) = match day {
        1..=31 => (1, day),
        32..=59 => (2, day - 31),
        _ => (3, day - 59),
    };
    format!("2027-{month:02}-{day:02}")
}

async fn run(requests: usize, at_once: usize) -> Result<(), Failure> {
    let mut config = StackConfig::in_memory(StackClock::new(ManualClock::at(NOW).clock()));
    // One client books everything.
    config.settings.booking_limits = BookingLimits::unlimited();
    let stack = Stack::start(config, axum::Router::new()).await?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let caller = |subject: &str| -> Result<Arc<Caller>, Failure> {
        let person = People::find(subject).ok_or("the demo people are known")?;
        let token = stack.sign_in.access_token(&person, 86_400);
        Ok(Arc::new(Caller { http: http.clone(), url: stack.api_url.clone(), token }))
    };
    let (ada, alan) = (caller("ada")?, caller("alan")?);

    let profile = json!({ "name": "Ada Lovelace", "headline": "Analytical engines" });
    let expert = ada.call(Method::POST, "/v1/experts", "profile", &profile, StatusCode::CREATED).await?;
    let expert = expert["id"].as_str().unwrap_or_default().to_owned();
    let hours = json!([{ "opens": "00:00", "closes": "24:00" }]);
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let weekly: Value = days.iter().map(|day| ((*day).to_owned(), hours.clone())).collect();
    let rules = json!({ "time_zone": "UTC", "weekly": weekly });
    ada.call(Method::PUT, &format!("/v1/experts/{expert}/availability"), "hours", &rules, StatusCode::OK)
        .await?;
    let terms = json!({
        "name": "A quarter of an hour", "step_minutes": 15,
        "durations": [{ "minutes": 15, "price": { "amount": 0, "currency": "EUR" } }],
        "booking_window": { "kind": "dates", "first": "2027-01-01", "last": "2027-12-31" },
    });
    let path = format!("/v1/experts/{expert}/session-types");
    let kind = ada.call(Method::POST, &path, "kind", &terms, StatusCode::CREATED).await?;
    let kind = kind["id"].as_str().unwrap_or_default().to_owned();

    let mut out = std::io::stdout();
    writeln!(out, "{requests} requests of each kind, {at_once} at once")?;
    writeln!(out, "{:<12} {:>9} {:>9} {:>12}", "", "p50", "p99", "per second")?;
    let mut show = |name: &str, measured: &Measured| {
        let milliseconds =
            |time: Duration| format!("{}.{} ms", time.as_millis(), time.as_micros() / 100 % 10);
        let (p50, p99) = (milliseconds(measured.quantile(50)), milliseconds(measured.quantile(99)));
        writeln!(out, "{name:<12} {p50:>9} {p99:>9} {:>12}", measured.per_second())
    };

    let list = |number: usize| {
        let (alan, day) = (alan.clone(), day(number));
        let path = format!(
            "/v1/experts/{expert}/slots?session_type_id={kind}&from={day}T00:00:00Z&to={day}T23:59:59Z"
        );
        async move { alan.call(Method::GET, &path, "", &Value::Null, StatusCode::OK).await }
    };
    // Unmeasured, so that connections are open.
    measure(at_once * 4, at_once, list).await?;
    let (measured, _) = measure(requests, at_once, list).await?;
    show("list slots", &measured)?;

    let book = |number: usize| {
        let alan = alan.clone();
        // Neighbours in time are on other days: what is measured is not how people stand in each other's way.
        let quarter = number / DAYS;
        let start = format!("{}T{:02}:{:02}:00Z", day(number), quarter / 4, quarter % 4 * 15);
        let body = json!({
            "expert_id": expert, "session_type_id": kind, "start": start,
            "attendee": { "name": "Alan", "email": "alan@example.org", "time_zone": "Europe/London" },
        });
        async move {
            let key = format!("book-{number}");
            let booked =
                alan.call(Method::POST, "/v1/appointments", &key, &body, StatusCode::CREATED).await?;
            Ok(booked["id"].as_str().unwrap_or_default().to_owned())
        }
    };
    let (measured, booked) = measure(requests, at_once, book).await?;
    show("book", &measured)?;

    let cancel = |number: usize| {
        let alan = alan.clone();
        let path = booked.get(number).map(|id| format!("/v1/appointments/{id}/cancel")).unwrap_or_default();
        async move { alan.call(Method::POST, &path, "", &Value::Null, StatusCode::OK).await }
    };
    let (measured, _) = measure(requests, at_once, cancel).await?;
    show("cancel", &measured)?;
    Ok(())
}

fn main() -> Result<(), Failure> {
    let number = |at: usize, usual: usize| std::env::args().nth(at).map_or(Ok(usual), |text| text.parse());
    let (requests, at_once) = (number(1, REQUESTS)?, number(2, AT_ONCE)?);
    if !(1..=DAYS * OF_A_DAY).contains(&requests) || at_once == 0 {
        return Err(format!("from 1 to {} requests, and at least one at once", DAYS * OF_A_DAY).into());
    }
    // An error only says that there is one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(requests, at_once))
}
