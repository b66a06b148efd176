//! A platform with something to lose: experts, offers, appointments that are held, paid, cancelled and over, and receipts.
//!
//! The stack of the black-box tests, whose routes are answered in this process and not over HTTP: thousands of requests a second
//! in place of hundreds.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use app::App;
use app::ports::Random;
use futures_util::FutureExt;
use http::{HeaderMap, StatusCode};
use http_api::Problem;
use local::{Stack, StackClock, StackConfig};
use serde_json::{Value, json};
use simulators::ManualClock;
use simulators::stripe::Onboarding;
use store::Meter;

use crate::Request;
use crate::random::SeededRandom;
use crate::request::encoded;

/// A Monday, 08:00 in London.
pub const NOW: &str = "2027-01-04T08:00:00Z";

/// Somebody who can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// The issuer's word for them.
    pub subject: &'static str,
    /// Their groups, as API Gateway writes a list.
    pub groups: &'static str,
}

/// An expert, whose offers and appointments there are.
pub const ADA: Person = Person { subject: "ada", groups: "[expert]" };
/// The client of the appointments.
pub const ALAN: Person = Person { subject: "alan", groups: "[client]" };
/// Somebody else, who is both.
pub const GRACE: Person = Person { subject: "grace", groups: "[expert client]" };
/// An expert and client who has not published anything yet.
pub const KATHERINE: Person = Person { subject: "katherine", groups: "[client expert]" };
/// An administrator.
pub const MARGARET: Person = Person { subject: "margaret", groups: "[admin]" };
/// Somebody without any role.
pub const MALLORY: Person = Person { subject: "mallory", groups: "" };
/// All of them.
pub const EVERYBODY: [Person; 6] = [ADA, ALAN, GRACE, KATHERINE, MARGARET, MALLORY];

impl Person {
    /// The claims of their access token, as API Gateway passes them on.
    pub fn claims(self) -> HashMap<String, String> {
        let claims =
            [("iss", "https://issuer.example"), ("sub", self.subject), ("cognito:groups", self.groups)];
        claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}

/// An answer.
#[derive(Debug)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// Whether something was written to the table meanwhile.
    pub wrote: bool,
}

impl Response {
    /// The body as JSON; null when it is empty or something else.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Bits that can be had again.
struct Deterministic(Mutex<SeededRandom>);

impl Random for Deterministic {
    fn bits(&self) -> u128 {
        let mut random = self.0.lock().expect("no panic");
        u128::from(random.bits()) << 64 | u128::from(random.bits())
    }
}

/// The platform, and the ids of what is on it by the names of the path's variables.
pub struct TestPlatform {
    /// All that runs.
    pub stack: Stack,
    app: App,
    meter: Arc<Meter>,
    /// Ids that there are.
    pub ids: HashMap<&'static str, Vec<String>>,
    /// Bodies that were taken, by the functions that took them.
    pub samples: HashMap<&'static str, Value>,
}

impl TestPlatform {
    /// The platform, the same each time but for the ports.
    pub async fn new() -> Self {
        let start: domain::Timestamp = NOW.parse().expect("a time");
        let clock = ManualClock::at(start.seconds());
        let meter = Arc::new(Meter::default());
        let mut config = StackConfig::in_memory(StackClock::new(clock.clock()));
        config.meter = Some(meter.clone());
        let stack = Stack::start(config, axum::Router::new()).await.expect("the stack starts");
        let app =
            App { random: Arc::new(Deterministic(Mutex::new(SeededRandom::new(0)))), ..stack.app.clone() };
        let mut platform = Self { stack, app, meter, ids: HashMap::new(), samples: HashMap::new() };
        platform.populate(&clock).await;
        platform
    }

    /// Answers a request in this process; `None` for what is no HTTP.
    pub async fn send(&self, request: &Request) -> Option<Response> {
        let request_to_lambda = request.to_lambda()?;
        self.meter.take();
        let answer =
            AssertUnwindSafe(request.route.respond(&self.app, request_to_lambda)).catch_unwind().await;
        // As the gateway answers when a function failed.
        let answer = answer.unwrap_or_else(|_| http_api::Response::from(Problem::internal()).into());
        let wrote = self
            .meter
            .take()
            .iter()
            .any(|cost| ["PutItem", "DeleteItem", "TransactWriteItems"].contains(&cost.operation));
        let (parts, body) = answer.into_parts();
        Some(Response { status: parts.status, headers: parts.headers, body: body.to_vec(), wrote })
    }

    /// Does what must succeed.
    async fn act(
        &mut self,
        function: &str,
        person: Person,
        ids: &[(&str, &str)],
        more: &str,
        body: Value,
    ) -> Value {
        let route = functions::ROUTES.iter().find(|route| route.function == function).expect("a route");
        let mut request = Request::new(route);
        request.person = Some(person);
        request.parameters = ids.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect();
        let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        request.headers = vec![
            header("Content-Type", "application/json"),
            header("If-Match", more),
            header("Idempotency-Key", more),
        ];
        if !body.is_null() {
            request.body = body.to_string().into_bytes();
            self.samples.insert(route.function, body);
        }
        let response = self.send(&request).await.expect("HTTP");
        assert!(response.status.is_success(), "{request}\n{:#}", response.json());
        response.json()
    }

    async fn populate(&mut self, clock: &ManualClock) {
        let text = |value: &Value, name: &str| value[name].as_str().expect(name).to_owned();
        let profile = json!({ "name": "Ada Lovelace", "headline": "Analytical engines" });
        let expert = text(&self.act("create_expert", ADA, &[], "profile", profile.clone()).await, "id");
        let other = text(&self.act("create_expert", GRACE, &[], "profile", profile).await, "id");
        let ours: &[(&str, &str)] = &[("expert_id", &expert)];
        let hours = json!([{ "opens": "00:00", "closes": "24:00" }]);
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday"];
        let weekly: Value = days.iter().map(|day| ((*day).to_owned(), hours.clone())).collect();
        let rules = json!({ "time_zone": "Europe/London", "weekly": weekly });
        self.act("replace_availability", ADA, ours, "\"0\"", rules).await;
        let billing = json!({
            "legal_name": "Ada Lovelace Ltd", "address": ["12 St James's Square"], "country": "GB",
            "tax": { "label": "VAT", "rate": 2_000 },
        });
        self.act("replace_billing_details", ADA, ours, "\"0\"", billing).await;
        let at_stripe: &[_] = &[ours[0], ("gateway", "stripe")];
        let at_paypal: &[_] = &[ours[0], ("gateway", "paypal")];
        self.act("start_onboarding", ADA, at_stripe, "", Value::Null).await;
        self.act("start_onboarding", ADA, at_paypal, "", Value::Null).await;
        let account = self.act("read_payment_account", ADA, at_stripe, "", Value::Null).await;
        let stripe = self.stack.stripe.clone().expect("the simulator runs");
        stripe.onboard(&text(&account, "account"), Onboarding::Complete).expect("it can be onboarded");
        self.act("read_payment_account", ADA, at_stripe, "", Value::Null).await;
        self.stack.fetch_exchange_rates().await.expect("the simulator has rates");

        let (mut kinds, mut appointments, mut receipts) = (Vec::new(), Vec::new(), Vec::new());
        // The last one is there to be withdrawn.
        for (number, amount) in [0, 8_000, 5_000].into_iter().enumerate() {
            let terms = json!({
                "name": "Consultation", "length_minutes": 60, "step_minutes": 30,
                "price": { "amount": amount, "currency": "EUR" },
            });
            let key = format!("kind-{number}");
            kinds.push(text(&self.act("create_session_type", ADA, ours, &key, terms).await, "id"));
        }
        for (number, kind) in kinds[..2].iter().cycle().take(12).enumerate() {
            let body = json!({
                "expert_id": expert, "session_type_id": kind, "start": format!("2027-01-05T{:02}:00:00Z", number),
                "attendee": { "name": "Alan", "email": "alan@example.org", "time_zone": "Europe/Berlin" },
            });
            let booked = self.act("book_appointment", ALAN, &[], &format!("book-{number}"), body).await;
            // The last one stays unpaid.
            if let Some(intent) = booked["payment"]["intent"].as_str().filter(|_| number < 11) {
                stripe.pay(intent, "4242424242424242").expect("the card works");
            }
            appointments.push(text(&booked, "id"));
        }
        self.stack.run_until_idle().await;
        for id in &appointments[..2] {
            self.act("cancel_appointment", ALAN, &[("appointment_id", id)], "", Value::Null).await;
        }
        self.stack.run_until_idle().await;
        for id in &appointments {
            let found =
                self.act("list_appointment_receipts", ALAN, &[("appointment_id", id)], "", Value::Null).await;
            receipts.extend(
                found["receipts"].as_array().expect("a list").iter().map(|receipt| text(receipt, "id")),
            );
        }
        assert!(receipts.len() > 2, "{receipts:?}");
        for (function, like) in
            [("update_expert", "create_expert"), ("update_session_type", "create_session_type")]
        {
            self.samples.insert(function, self.samples[like].clone());
        }
        self.samples.insert("refund_appointment", json!({ "amount": { "amount": 1, "currency": "EUR" } }));
        // Some of the sessions are over, one is going on.
        clock.advance(22 * 3_600 + 1_800);
        self.ids = HashMap::from([
            ("expert_id", vec![expert, other]),
            ("session_type_id", kinds),
            ("appointment_id", appointments),
            ("receipt_id", receipts),
            ("gateway", vec!["stripe".to_owned(), "paypal".to_owned()]),
        ]);
    }

    /// An address's query, of names and values.
    pub fn query(pairs: &[(String, String)]) -> String {
        let pair = |(name, value): &(String, String)| {
            format!("{}={}", encoded(name.as_bytes()), encoded(value.as_bytes()))
        };
        pairs.iter().map(pair).collect::<Vec<_>>().join("&")
    }
}
