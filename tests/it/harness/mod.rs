//! Starts a stack, sends requests to it, and sets up the expert that most tests book.

use std::sync::Arc;

use app::identity::signed_in::{Role, Scope, SignedInPerson};
use app::operations::jobs::Job;
use domain::payments::payout::PayoutTiming;
use domain::scheduling::booking_limits::BookingLimits;
use local::{People, Stack, StackClock, StackConfig};
use malformed_requests::description;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::ManualClock;
use simulators::ecb::EcbSimulator;
use simulators::stripe::StripeSimulator;
use store::{Meter, OutboxEntry, Transaction};
use stripe_description::Description;

pub mod log;
mod published;

/// A Monday, 08:00 in London.
pub const NOW: &str = "2027-01-04T08:00:00Z";

/// A running stack with a settable clock.
pub struct TestApp {
    pub stack: Stack,
    pub clock: ManualClock,
    pub meter: Arc<Meter>,
    pub http: reqwest::Client,
    invitations: std::sync::atomic::AtomicU64,
}

/// Every event that a test publishes matches its schema.
impl Drop for TestApp {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            published::check(&self.stack.bus.published());
        }
    }
}

/// A response.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Response {
    /// The body. Panics if the status is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        self.body
    }

    /// The last part of the problem's type. Panics if the status is another, or the body is not a problem document.
    #[track_caller]
    pub fn problem(&self, status: u16) -> &str {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], status);
        for member in ["title", "detail"] {
            assert!(self.body[member].as_str().is_some_and(|text| !text.is_empty()), "{:#}", self.body);
        }
        let text = self.body.to_string();
        assert_eq!(malformed_requests::checks::rust_word(&text), None, "{:#}", self.body);
        let kind = self.body["type"].as_str().expect("a type");
        kind.strip_prefix("urn:expert-connect:problem:").expect("the namespace of problem types")
    }

    /// Where the values are that caused the problem: pointers into the body (`body` for all of it), names of query parameters,
    /// or names of headers.
    #[track_caller]
    pub fn places(&self) -> Vec<&str> {
        let mut found = Vec::new();
        for violation in self.body["violations"].as_array().into_iter().flatten() {
            let places = ["pointer", "parameter", "header"].map(|member| violation[member].as_str());
            let places: Vec<&str> = places.into_iter().flatten().collect();
            assert_eq!(places.len(), 1, "a violation has one place: {:#}", self.body);
            assert!(violation["detail"].as_str().is_some_and(|text| !text.is_empty()), "{:#}", self.body);
            found.extend(places.into_iter().map(|place| if place.is_empty() { "body" } else { place }));
        }
        found
    }

    /// The ETag, which has the version.
    pub fn etag(&self) -> String {
        self.headers["etag"].to_str().expect("text").to_owned()
    }
}

/// A request that is not sent yet.
pub struct TestRequest<'a> {
    test: &'a TestApp,
    method: Method,
    path: String,
    request: reqwest::RequestBuilder,
}

impl TestRequest<'_> {
    pub fn signed_in_as(self, subject: &str) -> Self {
        let token = self.test.token(subject);
        Self { request: self.request.bearer_auth(token), ..self }
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a name");
        Self { request: self.request.header(name, HeaderValue::from_str(value).expect("a value")), ..self }
    }

    pub fn idempotency_key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    pub fn json(self, body: &Value) -> Self {
        Self { request: self.request.json(body), ..self }
    }

    /// Sets the body to these bytes.
    pub fn raw(self, body: impl Into<Vec<u8>>) -> Self {
        Self { request: self.request.body(body.into()), ..self }
    }

    /// Sends the request, and returns headers and body of the response without parsing it. Panics if the status is not 200.
    pub async fn send_for_file(self) -> (HeaderMap, Vec<u8>) {
        let response = self.request.send().await.expect("a response");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.expect("bytes").to_vec();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
        description::check_media_type(
            self.method.as_str(),
            &self.path,
            headers["content-type"].to_str().expect("text"),
        );
        (headers, bytes)
    }

    /// Sends the request. Panics if the response does not match the OpenAPI document.
    pub async fn send(self) -> Response {
        let response = self.request.send().await.expect("a response");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("text");
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
        description::check(self.method.as_str(), &self.path, status.as_u16(), &body);
        let has_header = |name: &str| headers.contains_key(name);
        description::check_headers(self.method.as_str(), &self.path, status.as_u16(), has_header);
        Response { status, headers, body }
    }
}

impl TestApp {
    /// A stack in memory.
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// A stack in memory with a changed configuration.
    pub async fn with(change: impl FnOnce(&mut StackConfig)) -> Self {
        let start: domain::Timestamp = NOW.parse().expect("a time");
        Self::at(ManualClock::at(start.seconds()), change).await
    }

    /// A stack that uses an existing clock.
    pub async fn at(clock: ManualClock, change: impl FnOnce(&mut StackConfig)) -> Self {
        let meter = Arc::new(Meter::default());
        let mut config = StackConfig::in_memory(StackClock::new(clock.clock()));
        config.meter = Some(meter.clone());
        // The people of most tests book more than the limits allow.
        config.settings.booking_limits = BookingLimits::unlimited();
        // Most tests read the shares right after a payment. `journeys/money/payouts.rs` has the default.
        config.settings.payout_timing = PayoutTiming::AtPayment;
        config.settings.new_expert_sessions = 0;
        config.settings.new_expert_price = 3_000;
        change(&mut config);
        let stack = Stack::start(config, axum::Router::new()).await.expect("the stack starts");
        // Fails if another test was first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        // With Stripe's description, the simulator refuses every request that Stripe would refuse.
        if let (Some(stripe), Some(description)) = (&stack.stripe, Description::get()) {
            stripe.check_requests(Box::new(|method, path, fields| {
                description.check_request(method, path, fields)
            }));
        }
        Self { stack, clock, meter, http, invitations: std::sync::atomic::AtomicU64::new(0) }
    }

    pub fn stripe(&self) -> &StripeSimulator {
        self.stack.stripe.as_deref().expect("the simulator runs")
    }

    pub fn ecb(&self) -> &EcbSimulator {
        self.stack.ecb.as_deref().expect("the simulator runs")
    }

    pub fn token(&self, subject: &str) -> String {
        let person = People::find(subject).unwrap_or_else(|| simulators::sign_in::Person {
            subject: subject.to_owned(),
            name: subject.to_owned(),
            email: format!("{subject}@example.org"),
            groups: vec!["client".to_owned()],
        });
        self.stack.sign_in.access_token(&person, 3_600)
    }

    pub fn request(&self, method: Method, path: &str) -> TestRequest<'_> {
        let request = self.http.request(method.clone(), format!("{}{path}", self.stack.api_url));
        TestRequest { test: self, method, path: path.to_owned(), request }
    }

    pub fn get(&self, path: &str) -> TestRequest<'_> {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> TestRequest<'_> {
        self.request(Method::POST, path)
    }

    pub fn put(&self, path: &str) -> TestRequest<'_> {
        self.request(Method::PUT, path)
    }

    /// Sends a request to the database itself, past the product.
    pub async fn database(&self, operation: &str, request: &Value) -> Value {
        let sent = self
            .http
            .post(&self.stack.database_url)
            .header("X-Amz-Target", format!("DynamoDB_20120810.{operation}"))
            // A signature is required, but the embedded database does not verify it.
            .header(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=local/20270104/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
            )
            .header("X-Amz-Date", "20270104T080000Z")
            .header("Content-Type", "application/x-amz-json-1.0")
            .body(request.to_string());
        let response = sent.send().await.expect("a response");
        let (status, text) = (response.status(), response.text().await.expect("text"));
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// All rows except counts of attempts, messages, events and requests to Stripe. A refused request must not change them.
    pub async fn snapshot(&self) -> String {
        let found = self.database("Scan", &json!({ "TableName": "expert-connect" })).await;
        assert!(found["LastEvaluatedKey"].is_null(), "the scan fits one page");
        // Attempts to book are counted even if they are refused.
        let is_count = |row: &&Value| row["SK"]["S"] == "ATTEMPTS";
        let mut rows: Vec<String> = found["Items"]
            .as_array()
            .unwrap_or_else(|| panic!("no rows: {found}"))
            .iter()
            .filter(|row| !is_count(row))
            .map(Value::to_string)
            .collect();
        rows.sort();
        let Stack { queues, bus, .. } = &self.stack;
        let queue: Vec<_> = queues.iter().map(|queue| queue.inspect()).collect();
        let published = bus.published().len();
        let calls = self.stripe().events().len();
        format!("{}\n{queue:?}, {published} events, {calls} events of Stripe's", rows.join("\n"))
    }

    /// Advances the clock by some seconds.
    pub fn advance(&self, seconds: i64) {
        self.clock.advance(seconds);
    }

    /// Stores the entry of a job whose last attempt failed, and returns the id of the failing job.
    pub async fn store_failing_job(&self, job: impl Into<Job>) -> String {
        let (job, now): (Job, _) = (job.into(), self.stack.app.now());
        let entry = OutboxEntry {
            attempts: 1,
            failing_since: Some(now),
            last_error: "the payment gateway failed".to_owned(),
            ..job.entry(now, 7).expect("JSON")
        };
        let mut transaction = Transaction::new();
        transaction.enqueue(job.failure_domain(), &entry).expect("storable");
        self.stack.app.store.commit(transaction).await.expect("enqueued");
        let listed = self.get("/v1/failing-jobs").signed_in_as("margaret").send().await.expect(200);
        let jobs = listed["jobs"].as_array().expect("a list");
        let job = jobs.iter().find(|job| job["name"] == entry.name.as_str()).expect("the job");
        job["id"].as_str().expect("an id").to_owned()
    }

    /// Runs the sweep and then all due jobs.
    pub async fn sweep(&self) {
        self.stack.sweep().await.expect("the sweep works");
    }
}

/// Weekdays 09:00 to 17:00 in London.
pub fn office_hours() -> Value {
    let hours = json!([{ "opens": "09:00", "closes": "17:00" }]);
    json!({
        "time_zone": "Europe/London",
        "weekly": { "monday": hours, "tuesday": hours, "wednesday": hours, "thursday": hours, "friday": hours },
    })
}

/// A session type: an hour for 80 euros, bookable every half hour.
pub fn paid_hour() -> Value {
    json!({
        "name": "Consultation",
        "durations": [{ "minutes": 60, "price": { "amount": 8_000, "currency": "EUR" } }],
        "step_minutes": 30,
    })
}

/// The same without a price.
pub fn free_hour() -> Value {
    let mut terms = paid_hour();
    terms["durations"][0]["price"]["amount"] = json!(0);
    terms
}

/// Ada's billing details.
pub fn billing_details() -> Value {
    json!({
        "legal_name": "Ada Lovelace Ltd",
        "address": ["12 St James's Square", "London SW1Y 4JH"],
        "country": "GB",
        "tax_id": "GB123456789",
        "tax": { "label": "VAT", "rate": 2_000 },
    })
}

/// Publishes Grace with office hours and a session type, in addition to Ada.
pub async fn second_offer(test: &TestApp, terms: &Value) -> Offer {
    let profile = json!({ "name": "Grace Hopper", "headline": "Compilers" });
    let create = test.post("/v1/experts").signed_in_as("grace").idempotency_key("profile").json(&profile);
    let expert = id(&create.send().await.expect(201));
    let hours = test.put(&format!("/v1/experts/{expert}/availability")).signed_in_as("grace");
    hours.header("If-Match", "\"0\"").json(&office_hours()).send().await.expect(200);
    let create = test.post(&format!("/v1/experts/{expert}/session-types")).signed_in_as("grace");
    let session_type = id(&create.idempotency_key("type").json(terms).send().await.expect(201));
    if terms["durations"][0]["price"]["amount"] != 0 {
        let path = format!("/v1/experts/{expert}/payment-accounts/stripe");
        test.post(&format!("{path}/onboarding")).signed_in_as("grace").send().await.expect(201);
        let account = test.get(&path).signed_in_as("grace").send().await.expect(200)["account"].clone();
        let account = account.as_str().expect("an account");
        test.stripe().onboard(account, simulators::stripe::Onboarding::Complete).expect("onboarded");
        test.get(&path).signed_in_as("grace").send().await.expect(200);
    }
    Offer { expert, session_type }
}

/// An expert with a session type that can be booked.
#[derive(Debug, Clone)]
pub struct Offer {
    pub expert: String,
    pub session_type: String,
}

impl TestApp {
    /// Publishes Ada's profile with these availability rules. Returns her id.
    pub async fn expert(&self, rules: &Value) -> String {
        let profile = json!({ "name": "Ada Lovelace", "headline": "Analytical engines" });
        let expert = self
            .post("/v1/experts")
            .signed_in_as("ada")
            .idempotency_key("profile")
            .json(&profile)
            .send()
            .await
            .expect(201);
        let id = expert["id"].as_str().expect("an id").to_owned();
        self.put(&format!("/v1/experts/{id}/availability"))
            .signed_in_as("ada")
            .header("If-Match", "\"0\"")
            .json(rules)
            .send()
            .await
            .expect(200);
        id
    }

    /// Creates a session type of Ada's. Returns its id.
    pub async fn session_type(&self, expert: &str, terms: &Value) -> String {
        let key = format!("{terms}").len().to_string() + terms["name"].as_str().unwrap_or_default();
        let session_type = self
            .post(&format!("/v1/experts/{expert}/session-types"))
            .signed_in_as("ada")
            .idempotency_key(&key.replace(' ', "-"))
            .json(terms)
            .send()
            .await
            .expect(201);
        session_type["id"].as_str().expect("an id").to_owned()
    }

    /// Invites a person to act for an expert. Returns the invitation with its secret.
    pub async fn invite(&self, expert: &str, subject: &str, role: &str) -> Value {
        let key = format!("invite-{}", self.invitations.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let invitation = json!({ "role": role, "name": "Somebody" });
        let path = format!("/v1/experts/{expert}/invitations");
        self.post(&path)
            .signed_in_as(subject)
            .idempotency_key(&key)
            .json(&invitation)
            .send()
            .await
            .expect(201)
    }

    /// Accepts an invitation as this person.
    pub async fn accept(&self, invitation: &Value, subject: &str) -> Response {
        let (expert, id) = (&invitation["expert_id"], &invitation["id"]);
        let (expert, id) = (expert.as_str().expect("an id"), id.as_str().expect("an id"));
        let path = format!("/v1/experts/{expert}/invitations/{id}/acceptance");
        self.post(&path).signed_in_as(subject).json(&json!({ "secret": invitation["secret"] })).send().await
    }

    /// Makes a person a member of an expert. Returns the person's id.
    pub async fn join(&self, expert: &str, owner: &str, subject: &str, role: &str) -> String {
        let invitation = self.invite(expert, owner, role).await;
        let membership = self.accept(&invitation, subject).await.expect(200);
        membership["person_id"].as_str().expect("an id").to_owned()
    }

    /// Connects Ada's Stripe account, so that it accepts payments. Returns its id.
    pub async fn onboard(&self, expert: &str) -> String {
        self.post(&format!("/v1/experts/{expert}/payment-accounts/stripe/onboarding"))
            .signed_in_as("ada")
            .send()
            .await
            .expect(201);
        let path = format!("/v1/experts/{expert}/payment-accounts/stripe");
        let account = self.get(&path).signed_in_as("ada").send().await.expect(200);
        let account = account["account"].as_str().expect("an account").to_owned();
        self.stripe()
            .onboard(&account, simulators::stripe::Onboarding::Complete)
            .expect("it can be onboarded");
        let now = self.get(&path).signed_in_as("ada").send().await.expect(200);
        assert_eq!(now["charges_enabled"], true, "{now:#}");
        account
    }

    /// Publishes Ada with office hours and a session type with these terms. With a price, her Stripe account is connected.
    pub async fn offer(&self, terms: &Value) -> Offer {
        let expert = self.expert(&office_hours()).await;
        let session_type = self.session_type(&expert, terms).await;
        let durations = terms["durations"].as_array().map_or(&[][..], Vec::as_slice);
        if durations.iter().any(|duration| duration["price"]["amount"] != 0) {
            self.onboard(&expert).await;
        }
        Offer { expert, session_type }
    }

    /// The starts of the free slots of a day, in UTC.
    pub async fn starts(&self, offer: &Offer, day: &str) -> Vec<String> {
        let Offer { expert, session_type } = offer;
        let path = format!(
            "/v1/experts/{expert}/slots?session_type_id={session_type}&from={day}T00:00:00Z&to={day}T23:59:59Z"
        );
        let slots = self.get(&path).send().await.expect(200);
        let slots = slots["slots"].as_array().expect("a list").clone();
        slots.iter().map(|slot| slot["start"].as_str().expect("a start").to_owned()).collect()
    }

    /// The body of a booking.
    pub fn booking(offer: &Offer, start: &str) -> Value {
        json!({
            "expert_id": offer.expert,
            "session_type_id": offer.session_type,
            "start": start,
            "attendee": { "name": "Alan", "email": "alan@example.org", "time_zone": "Europe/Berlin" },
        })
    }

    /// Books a slot for Alan.
    pub async fn book(&self, offer: &Offer, start: &str, key: &str) -> Response {
        self.book_as("alan", offer, start, key).await
    }

    pub async fn book_as(&self, subject: &str, offer: &Offer, start: &str, key: &str) -> Response {
        let body = Self::booking(offer, start);
        self.post("/v1/appointments").signed_in_as(subject).idempotency_key(key).json(&body).send().await
    }

    /// Books a seat for one of many clients, without HTTP. The client says something about the session.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn book_for_client(
        &self,
        client: u8,
        offer: &Offer,
        start: &str,
        key: &str,
    ) -> Result<(), app::AppError> {
        self.book_for_client_with(&self.stack.app, client, offer, start, key).await
    }

    /// Books as [`book_for_client`](Self::book_for_client) does, with other dependencies.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn book_for_client_with(
        &self,
        app: &app::App,
        client: u8,
        offer: &Offer,
        start: &str,
        key: &str,
    ) -> Result<(), app::AppError> {
        let id = 1_000 + u128::from(client);
        let person = SignedInPerson::new(id, vec![Role::Client], Scope::FULL);
        let attendee = Self::booking(offer, start)["attendee"].clone();
        let booking = app::scheduling::booking::Booking {
            expert: offer.expert.parse().expect("an id"),
            session_type: offer.session_type.parse().expect("an id"),
            duration_minutes: None,
            start: start.parse().expect("a time"),
            seats: 1,
            attendee: serde_json::from_value::<functions::scheduling::documents::Attendee>(attendee)
                .expect("an attendee")
                .into(),
            details: domain::scheduling::details::SessionDetails {
                topic: Some("Loops".to_owned().try_into().expect("a topic")),
                ..Default::default()
            },
            gateway: None,
            pay_in: None,
            expected_price: None,
            allow_overlap: false,
            address: None,
            challenge_token: None,
        };
        let request =
            app::idempotency::IdempotentRequest { key: key.to_owned(), fingerprint: start.to_owned() };
        let actor = app::identity::Actor::Person(person);
        app::scheduling::booking::book(app, &actor, &request, &booking).await.map(drop)
    }

    /// An appointment, as Alan reads it.
    pub async fn appointment(&self, id: &str) -> Value {
        self.get(&format!("/v1/appointments/{id}")).signed_in_as("alan").send().await.expect(200)
    }

    /// Posts an action on an appointment, such as `cancel`, as this person, who has read the appointment just before. Somebody who
    /// cannot read it sends the first version.
    pub async fn post_action(&self, subject: &str, id: &str, what: &str, body: &Value) -> Response {
        let path = format!("/v1/appointments/{id}");
        let read = self.get(&path).signed_in_as(subject).send().await;
        let tag = if read.status == StatusCode::OK { read.etag() } else { "\"1\"".to_owned() };
        let request = self.post(&format!("{path}/{what}")).signed_in_as(subject).header("If-Match", &tag);
        if body.is_null() { request.send().await } else { request.json(body).send().await }
    }

    /// Resolves an escalated payment as an administrator.
    pub async fn resolve(&self, id: &str, decision: &str) -> Response {
        let path = format!("/v1/appointments/{id}");
        let appointment = self.get(&path).signed_in_as("margaret").send().await.expect(200);
        let mut body = json!({ "resolution": decision });
        if decision == "resolved_manually" {
            body["amount"] = appointment["payment"]["escalation"]["amount"].clone();
        }
        self.post_action("margaret", id, "payment/resolution", &body).await
    }

    /// Books and pays a slot for Alan. Returns the appointment's id.
    pub async fn book_and_pay(&self, offer: &Offer, start: &str, key: &str) -> String {
        let booked = self.book(offer, start, key).await.expect(201);
        self.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
        self.stack.run_until_idle().await;
        let id = id(&booked);
        assert_eq!(self.appointment(&id).await["status"], "confirmed");
        id
    }
}

/// A card that is always accepted.
pub const GOOD_CARD: &str = "4242424242424242";

pub fn id(document: &Value) -> String {
    document["id"].as_str().expect("an id").to_owned()
}

pub fn intent(appointment: &Value) -> &str {
    appointment["payment"]["intent"].as_str().expect("an intent")
}
