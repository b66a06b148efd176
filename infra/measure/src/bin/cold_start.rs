//! Measures the cold start of functions: plays Lambda's Runtime API to the real binaries
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>) over the embedded DynamoDB.
//!
//! `cargo build --release -p functions -p measure && target/release/cold_start`
//!
//! An argument `list_slots=PATH` measures another binary of the function in the same run, such as one of an earlier commit.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::kernel::time::DAY;
use local::{Stack, StackClock, StackConfig};
use serde_json::{Value, json};
use simulators::Loopback;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The header of Alan's access token. API Gateway has verified it, so the function does not check the signature.
const TOKEN: &str = "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoiYWxhbiIsImNvZ25pdG86Z3JvdXBzIjpbImNsaWVudCJdLCJzY29wZSI6ImV4cGVydC1jb25uZWN0L2FwaSJ9.c2lnbmF0dXJl";

/// Processes of each function.
const STARTS: usize = 40;
/// Warm calls of each process.
const CALLS: usize = 20;
/// How long the first event is kept back after the first poll. Lambda's own start takes longer than this after it.
const BEFORE_FIRST_EVENT: Duration = Duration::from_millis(5);

type Failure = Box<dyn Error + Send + Sync>;

/// What a function did, and when.
enum Sign {
    Polled(Instant),
    Answered(Instant, bool),
}

/// The Runtime API of one function at a time.
struct RuntimeApi {
    signs: UnboundedSender<Sign>,
    events: Mutex<UnboundedReceiver<String>>,
}

async fn next(State(api): State<Arc<RuntimeApi>>) -> Response {
    let _ = api.signs.send(Sign::Polled(Instant::now()));
    let Some(event) = api.events.lock().await.recv().await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        ("Lambda-Runtime-Aws-Request-Id", "00000000-0000-0000-0000-000000000001"),
        ("Lambda-Runtime-Deadline-Ms", "9999999999999"),
        ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:local:000000000000:function:measured"),
        ("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793"),
        ("Content-Type", "application/json"),
    ];
    (headers, event).into_response()
}

async fn answered(State(api): State<Arc<RuntimeApi>>, body: String) -> StatusCode {
    let now = Instant::now();
    let answer: Value = serde_json::from_str(&body).unwrap_or_default();
    let _ = api.signs.send(Sign::Answered(now, matches!(answer["statusCode"].as_u64(), Some(200 | 201))));
    StatusCode::ACCEPTED
}

async fn failed(State(api): State<Arc<RuntimeApi>>) -> StatusCode {
    let _ = api.signs.send(Sign::Answered(Instant::now(), false));
    StatusCode::ACCEPTED
}

/// One process, from its start to its end.
struct Start {
    first_poll: Duration,
    first_call: Duration,
    warm_calls: Vec<Duration>,
    memory_kilobytes: u64,
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn start(
    measured: &Measured,
    requests: &mut Requests,
    environment: &[(&str, String)],
) -> Result<Start, Failure> {
    let (signs, mut seen) = unbounded_channel();
    let (events, waiting) = unbounded_channel();
    let api = Arc::new(RuntimeApi { signs, events: Mutex::new(waiting) });
    let loopback = Loopback::bind(0).await?;
    let address = loopback.url().authority().to_owned();
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
        .with_state(api);
    let _serving = loopback.serve(router);

    let started = Instant::now();
    let process = Command::new(&measured.binary)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .env("_HANDLER", measured.function)
        .env("AWS_LAMBDA_FUNCTION_NAME", "measured")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .envs(environment.iter().map(|(name, value)| (*name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    let process = Running(process);
    let first_poll = polled(&mut seen).await? - started;
    tokio::time::sleep(BEFORE_FIRST_EVENT).await;
    let first_call = call(&events, requests.next(measured.function), &mut seen).await?;
    let mut warm_calls = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        polled(&mut seen).await?;
        warm_calls.push(call(&events, requests.next(measured.function), &mut seen).await?);
    }
    let memory_kilobytes = resident(process.0.id())?;
    Ok(Start { first_poll, first_call, warm_calls, memory_kilobytes })
}

async fn polled(seen: &mut UnboundedReceiver<Sign>) -> Result<Instant, Failure> {
    match tokio::time::timeout(Duration::from_secs(20), seen.recv()).await? {
        Some(Sign::Polled(at)) => Ok(at),
        _ => Err("the function did not ask for an event".into()),
    }
}

async fn call(
    events: &UnboundedSender<String>,
    event: String,
    seen: &mut UnboundedReceiver<Sign>,
) -> Result<Duration, Failure> {
    let sent = Instant::now();
    events.send(event)?;
    match tokio::time::timeout(Duration::from_secs(20), seen.recv()).await? {
        Some(Sign::Answered(at, true)) => Ok(at - sent),
        _ => Err("the function answered neither 200 nor 201".into()),
    }
}

/// The most memory that the process ever had, in kilobytes.
fn resident(process: u32) -> Result<u64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(duration: Duration) -> String {
    format!("{}.{:02}", duration.as_micros() / 1_000, duration.as_micros() % 1_000 / 10)
}

fn report(name: &str, starts: &[Start]) -> std::io::Result<()> {
    let of = |part: fn(&Start) -> Duration| milliseconds(median(starts.iter().map(part).collect()));
    let warm = median(starts.iter().flat_map(|start| start.warm_calls.iter().copied()).collect());
    let memory = starts.iter().map(|start| start.memory_kilobytes).max().unwrap_or(0);
    writeln!(
        std::io::stdout(),
        "| {name} | {} | {} | {} | {}.{} |",
        of(|start| start.first_poll),
        of(|start| start.first_call),
        milliseconds(warm),
        memory / 1_024,
        memory % 1_024 * 10 / 1_024,
    )
}

/// Publishes an expert in the stack's table who can be booked at any time.
async fn offer(stack: &Stack) -> Result<Requests, Failure> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let ada = local::People::find("ada").ok_or("no Ada")?;
    let token = stack.sign_in.access_token(&ada, 3_600);
    let post = |path: String, body: Value, key: &'static str| {
        http.post(format!("{}{path}", stack.api_url))
            .bearer_auth(&token)
            .header("Idempotency-Key", key)
            .json(&body)
            .send()
    };
    let profile = json!({ "name": "Ada Lovelace", "headline": "Analytical engines" });
    let expert: Value =
        post("/v1/experts".to_owned(), profile, "a").await?.error_for_status()?.json().await?;
    let expert = expert["id"].as_str().unwrap_or_default().to_owned();
    let hours = json!([{ "opens": "00:00", "closes": "24:00" }]);
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let weekly: Value = days.iter().map(|day| ((*day).to_owned(), hours.clone())).collect();
    let rules = json!({ "time_zone": "Europe/Berlin", "weekly": weekly });
    http.put(format!("{}/v1/experts/{expert}/availability", stack.api_url))
        .bearer_auth(&token)
        .header("If-Match", "\"0\"")
        .json(&rules)
        .send()
        .await?
        .error_for_status()?;
    let terms = |minutes: u32, step: u32| {
        let price = json!({ "amount": 0, "currency": "EUR" });
        json!({ "name": "Session", "durations": [{ "minutes": minutes, "price": price }], "step_minutes": step })
    };
    let path = format!("/v1/experts/{expert}/session-types");
    let listed: Value = post(path.clone(), terms(60, 120), "b").await?.error_for_status()?.json().await?;
    let booked: Value = post(path, terms(15, 15), "c").await?.error_for_status()?.json().await?;
    let id = |session_type: Value| session_type["id"].as_str().unwrap_or_default().to_owned();
    let now = domain::Timestamp::from_seconds(stack.clock.seconds());
    Ok(Requests { expert, listed: id(listed), booked: id(booked), now, bookings: 0 })
}

/// An expert who can be booked, and the requests that the functions get.
struct Requests {
    expert: String,
    /// The session type whose slots are listed.
    listed: String,
    /// The session type that is booked.
    booked: String,
    now: domain::Timestamp,
    bookings: i64,
}

impl Requests {
    /// The next event of a function: a booking of a quarter of an hour that is still free, or the slots of a month after those.
    fn next(&mut self, function: &str) -> String {
        if function == "book_appointment" {
            self.bookings += 1;
            let midnight = (self.now.seconds() / DAY + 2) * DAY;
            let start = domain::Timestamp::from_seconds(midnight + self.bookings * 900);
            let attendee =
                json!({ "name": "Alan", "email": "alan@example.org", "time_zone": "Europe/London" });
            let body = json!({
                "expert_id": self.expert,
                "session_type_id": self.booked,
                "start": start,
                "attendee": attendee,
            });
            let mut event = event("POST", "/v1/appointments", "/v1/appointments", "");
            event["body"] = body.to_string().into();
            event["headers"]["content-type"] = "application/json".into();
            event["headers"]["idempotency-key"] = format!("booking-{}", self.bookings).into();
            let claims = json!({ "iss": "https://issuer.example", "sub": "alan" });
            event["headers"]["authorization"] = TOKEN.into();
            event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } });
            return event.to_string();
        }
        let from = self.now.plus(30 * DAY);
        let query = format!("session_type_id={}&from={from}&to={}", self.listed, from.plus(30 * DAY));
        let path = format!("/v1/experts/{}/slots", self.expert);
        let mut event = event("GET", "/v1/experts/{expert_id}/slots", &path, &query);
        event["pathParameters"] = json!({ "expert_id": self.expert });
        event.to_string()
    }
}

fn event(method: &str, route: &str, path: &str, query: &str) -> Value {
    let key = format!("{method} {route}");
    json!({
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": { "host": "measured.execute-api.local.amazonaws.com", "accept": "*/*" },
        "requestContext": {
            "accountId": "000000000000", "apiId": "measured", "domainName": "measured", "domainPrefix": "measured",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "measure" },
            "requestId": "1", "routeKey": key, "stage": "$default",
            "time": "04/Jan/2027:08:00:00 +0000", "timeEpoch": 1_799_049_600_000_u64,
        },
        "isBase64Encoded": false,
    })
}

/// A function to measure.
struct Measured {
    label: String,
    function: &'static str,
    binary: PathBuf,
    starts: Vec<Start>,
}

/// An empty function, two functions of the product, and the other binaries of those that the arguments name.
fn measured(folder: &Path) -> Result<Vec<Measured>, Failure> {
    const FUNCTIONS: [&str; 2] = ["list_slots", "book_appointment"];
    let of = |label: String, function, binary| Measured { label, function, binary, starts: Vec::new() };
    let mut all = vec![of("empty_function".to_owned(), FUNCTIONS[0], folder.join("empty_function"))];
    for function in FUNCTIONS {
        let binary = functions::binaries()
            .find(|binary| binary.routes().any(|(route, _)| route.function == function))
            .ok_or("no binary has the function")?;
        all.push(of(format!("{function} of {}", binary.name), function, folder.join(binary.name)));
    }
    for argument in std::env::args().skip(1) {
        let (name, path) = argument.split_once('=').ok_or("expected FUNCTION=PATH")?;
        let function = FUNCTIONS.into_iter().find(|function| *function == name);
        let function = function.ok_or("only list_slots and book_appointment are measured")?;
        all.push(of(argument.clone(), function, path.into()));
    }
    Ok(all)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // An error only says that it is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = std::env::current_exe()?.parent().ok_or("no folder")?.to_owned();
    let stack =
        Stack::start(StackConfig::in_memory(StackClock::new(simulators::system_clock())), Router::new())
            .await?;
    let mut requests = offer(&stack).await?;
    let environment = [
        ("AWS_REGION", "local".to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_ENDPOINT_URL", stack.database_url.clone()),
        ("TABLE_NAME", "expert-connect".to_owned()),
        ("PAYMENT_JOBS_QUEUE_URL", "http://127.0.0.1:9/payments".to_owned()),
        ("GENERAL_JOBS_QUEUE_URL", "http://127.0.0.1:9/general".to_owned()),
        ("EVENT_BUS_NAME", "bus".to_owned()),
        ("STRIPE_SECRET_ID", "stripe".to_owned()),
        ("STRIPE_API_BASE", "https://api.stripe.com/".to_owned()),
    ];
    let mut round_trips = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        stack.app.store.warm_up().await?;
        round_trips.push(begun.elapsed());
    }
    let mut functions = measured(&folder)?;
    // In turn, so that other load on the machine affects all of them alike.
    for _ in 0..STARTS {
        for measured in &mut functions {
            let start = start(measured, &mut requests, &environment).await?;
            measured.starts.push(start);
        }
    }
    writeln!(
        std::io::stdout(),
        "| function | first poll ms | first call ms | warm call ms | memory MB |\n|---|---|---|---|---|"
    )?;
    for Measured { label, starts, .. } in &functions {
        report(label, starts)?;
    }
    writeln!(std::io::stdout(), "one round trip to the table: {} ms", milliseconds(median(round_trips)))?;
    Ok(())
}
