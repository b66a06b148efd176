//! A populated platform: experts, session types, receipts, and appointments that are pending, paid, cancelled and past.
//!
//! It is the stack of the black-box tests, but the handlers are called directly instead of over HTTP: thousands of requests per
//! second instead of hundreds.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use app::App;
use app::operations::jobs::Job;
use app::payments::jobs::PaymentsJob;
use app::ports::Random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::payments::gateway::GatewayKind;
use domain::scheduling::booking_limits::BookingLimits;
use futures_util::FutureExt;
use http::{HeaderMap, StatusCode};
use http_api::Problem;
use local::{Stack, StackClock, StackConfig};
use serde_json::{Value, json};
use simulators::ManualClock;
use simulators::stripe::Onboarding;
use store::{Meter, OutboxEntry, Transaction};

use crate::Request;
use crate::random::SeededRandom;
use crate::request::encoded;

/// A Monday, 08:00 in London.
pub const NOW: &str = "2027-01-04T08:00:00Z";

/// The issuer of the tokens.
const ISSUER: &str = "https://issuer.example";

/// A person who can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// The subject of their tokens.
    pub subject: &'static str,
    /// Their groups.
    pub groups: &'static [&'static str],
}

/// The expert with the session types and appointments.
pub const ADA: Person = Person { subject: "ada", groups: &["expert"] };
/// The client of the appointments.
pub const ALAN: Person = Person { subject: "alan", groups: &["client"] };
/// Another person, who is an expert and a client.
pub const GRACE: Person = Person { subject: "grace", groups: &["expert", "client"] };
/// An expert and client who has not published anything yet.
pub const KATHERINE: Person = Person { subject: "katherine", groups: &["client", "expert"] };
/// An administrator.
pub const MARGARET: Person = Person { subject: "margaret", groups: &["admin"] };
/// A person without a role.
pub const MALLORY: Person = Person { subject: "mallory", groups: &[] };
/// All people.
pub const EVERYBODY: [Person; 6] = [ADA, ALAN, GRACE, KATHERINE, MARGARET, MALLORY];

impl Person {
    /// The header with their access token. API Gateway has verified it, so its signature does not matter.
    pub fn authorization(self) -> String {
        bearer(&json!({
            "iss": ISSUER,
            "sub": self.subject,
            "cognito:groups": self.groups,
            "scope": "openid expert-connect/api",
        }))
    }

    /// The claims of their access token that are text, as API Gateway passes them on.
    pub fn claims(self) -> HashMap<String, String> {
        let claims = [("iss", ISSUER), ("sub", self.subject)];
        claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}

/// The header with a token that has these claims.
pub fn bearer(claims: &Value) -> String {
    format!("Bearer e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// A response.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the request has written to the table.
    pub wrote: bool,
}

impl Response {
    /// The body as JSON; null if it is empty or not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A reproducible source of ids.
struct Deterministic(Mutex<SeededRandom>);

impl Random for Deterministic {
    fn bits(&self) -> u128 {
        let mut random = self.0.lock().expect("no panic");
        u128::from(random.bits()) << 64 | u128::from(random.bits())
    }
}

/// A running platform with its data.
pub struct TestPlatform {
    /// The running stack.
    pub stack: Stack,
    app: App,
    meter: Arc<Meter>,
    /// The existing ids by the name of the path parameter.
    pub ids: HashMap<&'static str, Vec<String>>,
    /// A body that was accepted, by function.
    pub samples: HashMap<&'static str, Value>,
}

impl TestPlatform {
    /// Starts and populates a platform. Its data is the same each time; its ports differ.
    pub async fn new() -> Self {
        let start: domain::Timestamp = NOW.parse().expect("a time");
        let clock = ManualClock::at(start.seconds());
        let meter = Arc::new(Meter::default());
        let mut config = StackConfig::in_memory(StackClock::new(clock.clock()));
        config.meter = Some(meter.clone());
        // The generated requests come from few people.
        config.settings.booking_limits = BookingLimits::unlimited();
        let stack = Stack::start(config, axum::Router::new()).await.expect("the stack starts");
        let app =
            App { random: Arc::new(Deterministic(Mutex::new(SeededRandom::new(0)))), ..stack.app.clone() };
        let mut platform = Self { stack, app, meter, ids: HashMap::new(), samples: HashMap::new() };
        platform.populate(&clock).await;
        platform
    }

    /// Sends a request to its handler in this process; `None` if the request is not valid HTTP.
    pub async fn send(&self, request: &Request) -> Option<Response> {
        let request_to_lambda = request.to_lambda()?;
        self.meter.take();
        let response =
            AssertUnwindSafe(request.route.respond(&self.app, request_to_lambda)).catch_unwind().await;
        // The response of the gateway if a function fails.
        let response = response.unwrap_or_else(|_| http_api::Response::from(Problem::internal()).into());
        let wrote = self
            .meter
            .take()
            .iter()
            .any(|cost| ["PutItem", "DeleteItem", "TransactWriteItems"].contains(&cost.operation));
        let (parts, body) = response.into_parts();
        Some(Response { status: parts.status, headers: parts.headers, body: body.to_vec(), wrote })
    }

    /// Sends a request that must succeed, with `precondition` as `If-Match` and `Idempotency-Key`.
    async fn call(
        &mut self,
        function: &str,
        person: Person,
        ids: &[(&str, &str)],
        precondition: &str,
        body: Value,
    ) -> Value {
        let route = functions::ROUTES.iter().find(|route| route.function == function).expect("a route");
        let mut request = Request::new(route);
        request.person = Some(person);
        request.parameters = ids.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect();
        let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        request.headers = vec![
            header("Content-Type", "application/json"),
            header("If-Match", precondition),
            header("Idempotency-Key", precondition),
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
        let own = json!({ "language": "en-GB", "time_zone": "Europe/London", "phone": "+442079460000" });
        self.call("replace_person", ADA, &[], "\"0\"", own).await;
        let profile = json!({
            "name": "Ada Lovelace", "headline": "Analytical engines",
            "hourly_rate": { "amount": 9_000, "currency": "EUR" },
        });
        let expert = text(&self.call("create_expert", ADA, &[], "profile", profile.clone()).await, "id");
        let other = text(&self.call("create_expert", GRACE, &[], "profile", profile).await, "id");
        let ours: &[(&str, &str)] = &[("expert_id", &expert)];
        let hours = json!([{ "opens": "00:00", "closes": "24:00" }]);
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday"];
        let weekly: Value = days.iter().map(|day| ((*day).to_owned(), hours.clone())).collect();
        let rules = json!({ "time_zone": "Europe/London", "weekly": weekly });
        self.call("replace_availability", ADA, ours, "\"0\"", rules).await;
        let billing = json!({
            "legal_name": "Ada Lovelace Ltd", "address": ["12 St James's Square"], "country": "GB",
            "tax": { "label": "VAT", "rate": 2_000 },
        });
        self.call("replace_billing_details", ADA, ours, "\"0\"", billing).await;
        let at_stripe: &[_] = &[ours[0], ("gateway", "stripe")];
        let at_paypal: &[_] = &[ours[0], ("gateway", "paypal")];
        self.call("start_onboarding", ADA, at_stripe, "", Value::Null).await;
        self.call("start_onboarding", ADA, at_paypal, "", Value::Null).await;
        let account = self.call("read_payment_account", ADA, at_stripe, "", Value::Null).await;
        let stripe = self.stack.stripe.clone().expect("the simulator runs");
        stripe.onboard(&text(&account, "account"), Onboarding::Complete).expect("it can be onboarded");
        self.call("read_payment_account", ADA, at_stripe, "", Value::Null).await;
        self.stack.fetch_exchange_rates().await.expect("the simulator has rates");

        let (mut members, mut invitations) = (Vec::new(), Vec::new());
        // The last one of each is there to be removed.
        for (number, person) in [Some(KATHERINE), Some(MALLORY), None, None].into_iter().enumerate() {
            let terms = json!({ "role": "assistant", "name": "Somebody" });
            let invitation =
                self.call("create_invitation", ADA, ours, &format!("invite-{number}"), terms).await;
            let id = text(&invitation, "id");
            match person {
                Some(person) => {
                    let path: &[_] = &[ours[0], ("invitation_id", &id)];
                    let secret = json!({ "secret": invitation["secret"] });
                    let member = self.call("accept_invitation", person, path, "", secret).await;
                    members.push(text(&member, "person_id"));
                }
                None => invitations.push(id),
            }
        }

        let (mut session_types, mut appointments, mut receipts) = (Vec::new(), Vec::new(), Vec::new());
        // The last one is there to be retired.
        for (number, amount) in [0, 8_000, 5_000].into_iter().enumerate() {
            let mut terms = json!({
                "name": "Consultation", "step_minutes": 30,
                "durations": [{ "minutes": 60, "price": { "amount": amount, "currency": "EUR" } }],
            });
            if number == 2 {
                terms["durations"].as_array_mut().expect("a list").push(json!({ "minutes": 45 }));
            }
            let key = format!("kind-{number}");
            session_types.push(text(&self.call("create_session_type", ADA, ours, &key, terms).await, "id"));
        }
        for (number, session_type) in session_types[..2].iter().cycle().take(12).enumerate() {
            let body = json!({
                "expert_id": expert, "session_type_id": session_type, "start": format!("2027-01-05T{:02}:00:00Z", number),
                "attendee": { "name": "Alan", "email": "alan@example.org", "time_zone": "Europe/Berlin" },
            });
            let booked = self.call("book_appointment", ALAN, &[], &format!("book-{number}"), body).await;
            // The last one stays unpaid.
            if let Some(intent) = booked["payment"]["intent"].as_str().filter(|_| number < 11) {
                stripe.pay(intent, "4242424242424242").expect("the card works");
            }
            appointments.push(text(&booked, "id"));
        }
        self.stack.run_until_idle().await;
        for id in &appointments[..2] {
            let ids: &[(&str, &str)] = &[("appointment_id", id)];
            let appointment = self.call("read_appointment", ALAN, ids, "", Value::Null).await;
            let tag = format!("\"{}\"", appointment["version"]);
            self.call("cancel_appointment", ALAN, ids, &tag, Value::Null).await;
        }
        self.stack.run_until_idle().await;
        let mut notes = Vec::new();
        for number in 0..2 {
            let ids: &[(&str, &str)] = &[("appointment_id", appointments.last().expect("appointments"))];
            let body = json!({ "visibility": "shared", "text": "Bring the program." });
            notes
                .push(text(&self.call("create_note", ADA, ids, &format!("note-{number}"), body).await, "id"));
        }
        for id in &appointments {
            let found = self
                .call("list_appointment_receipts", ALAN, &[("appointment_id", id)], "", Value::Null)
                .await;
            receipts.extend(
                found["receipts"].as_array().expect("a list").iter().map(|receipt| text(receipt, "id")),
            );
        }
        assert!(receipts.len() > 2, "{receipts:?}");
        let notifications = self.call("list_notifications", ALAN, &[], "", Value::Null).await;
        let notifications = notifications["notifications"].as_array().expect("a list");
        let notifications = notifications.iter().map(|notification| text(notification, "id")).collect();
        // A proposal that can be declined or withdrawn.
        for (number, id) in appointments[2..6].iter().enumerate() {
            let ids: &[(&str, &str)] = &[("appointment_id", id)];
            let start = format!("2027-01-07T{:02}:00:00Z", 9 + number);
            let body = json!({ "starts": [start], "message": "Later?" });
            self.call("propose_times", ADA, ids, "*", body).await;
        }
        for (function, like) in [
            ("replace_expert", "create_expert"),
            ("replace_session_type", "create_session_type"),
            ("replace_member", "create_invitation"),
            ("replace_note", "create_note"),
        ] {
            self.samples.insert(function, self.samples[like].clone());
        }
        self.samples.insert("refund_appointment", json!({ "amount": { "amount": 1, "currency": "EUR" } }));
        let failing_job = self.fail_a_job(&expert).await;
        // Some sessions are past, and one is in progress.
        clock.advance(22 * 3_600 + 1_800);
        self.ids = HashMap::from([
            ("expert_id", vec![expert, other]),
            ("session_type_id", session_types),
            ("appointment_id", appointments),
            ("receipt_id", receipts),
            ("person_id", members),
            ("invitation_id", invitations),
            ("note_id", notes),
            ("notification_id", notifications),
            ("job_id", vec![failing_job]),
            ("gateway", vec!["stripe".to_owned(), "paypal".to_owned()]),
        ]);
    }

    /// Stores the entry of a job that has failed. Returns the id of the failing job.
    async fn fail_a_job(&mut self, expert: &str) -> String {
        let expert = expert.parse().expect("an id");
        let job = Job::from(PaymentsJob::PaymentAccount { expert, gateway: GatewayKind::Stripe });
        let now = self.app.now();
        let entry = OutboxEntry {
            attempts: 1,
            failing_since: Some(now),
            last_error: "the payment gateway failed".to_owned(),
            ..job.entry(now.plus(3_600), 7).expect("JSON")
        };
        let mut transaction = Transaction::new();
        transaction.enqueue(job.failure_domain(), &entry).expect("storable");
        self.app.store.commit(transaction).await.expect("enqueued");
        let listed = self.call("list_failing_jobs", MARGARET, &[], "", Value::Null).await;
        listed["jobs"][0]["id"].as_str().expect("an id").to_owned()
    }

    /// A query string with these names and values.
    pub fn query(pairs: &[(String, String)]) -> String {
        let pair = |(name, value): &(String, String)| {
            format!("{}={}", encoded(name.as_bytes()), encoded(value.as_bytes()))
        };
        pairs.iter().map(pair).collect::<Vec<_>>().join("&")
    }
}
