//! Starting a stack, calling it, and the ordinary expert whom most tests book.

use std::sync::{Arc, OnceLock};

use local::{People, Stack, StackClock, StackConfig};
use malformed_requests::description;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::ManualClock;
use simulators::ecb::EcbSimulator;
use simulators::stripe::StripeSimulator;
use simulators::stripe::description::Description;
use store::Meter;

/// A Monday, 08:00 in London.
pub const NOW: &str = "2027-01-04T08:00:00Z";

/// A running stack and a clock to move.
pub struct TestApp {
    pub stack: Stack,
    pub clock: ManualClock,
    pub meter: Arc<Meter>,
    pub http: reqwest::Client,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Response {
    /// The body, when the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        self.body
    }

    /// The last part of the problem's type, when the status is this one.
    #[track_caller]
    pub fn problem(&self, status: u16) -> &str {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], status);
        for member in ["title", "detail"] {
            assert!(self.body[member].as_str().is_some_and(|text| !text.is_empty()), "{:#}", self.body);
        }
        let kind = self.body["type"].as_str().expect("a type");
        kind.strip_prefix("urn:expert-connect:problem:").expect("our namespace")
    }

    /// The version in the ETag.
    pub fn etag(&self) -> String {
        self.headers["etag"].to_str().expect("text").to_owned()
    }
}

/// A request that is being put together.
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

    pub fn raw(self, body: impl Into<Vec<u8>>) -> Self {
        Self { request: self.request.body(body.into()), ..self }
    }

    /// What came back as it came, when it need not be JSON.
    pub async fn send_for_file(self) -> (HeaderMap, Vec<u8>) {
        let answer = self.request.send().await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await.expect("bytes").to_vec();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
        description::check_media_type(
            self.method.as_str(),
            &self.path,
            headers["content-type"].to_str().expect("text"),
        );
        (headers, bytes)
    }

    pub async fn send(self) -> Response {
        let answer = self.request.send().await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.expect("text");
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") };
        description::check(self.method.as_str(), &self.path, status.as_u16(), &body);
        Response { status, headers, body }
    }
}

impl TestApp {
    /// A stack that keeps nothing.
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// A stack that keeps nothing, with other settings.
    pub async fn with(change: impl FnOnce(&mut StackConfig)) -> Self {
        let start: domain::Timestamp = NOW.parse().expect("a time");
        Self::at(ManualClock::at(start.seconds()), change).await
    }

    /// A stack on a clock that is there already.
    pub async fn at(clock: ManualClock, change: impl FnOnce(&mut StackConfig)) -> Self {
        let meter = Arc::new(Meter::default());
        let mut config = StackConfig::in_memory(StackClock::new(clock.clock()));
        config.meter = Some(meter.clone());
        change(&mut config);
        let stack = Stack::start(config, axum::Router::new()).await.expect("the stack starts");
        // An error only says that another test was first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        if let (Some(stripe), Some(description)) = (&stack.stripe, stripe_description()) {
            stripe.check_requests(description.clone());
        }
        Self { stack, clock, meter, http }
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

    /// All that is kept and all that was sent: what a refused request must not change.
    pub async fn snapshot(&self) -> String {
        let scan = self
            .http
            .post(&self.stack.database_url)
            .header("X-Amz-Target", "DynamoDB_20120810.Scan")
            // The form of a signature, which the embedded database does not check.
            .header(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=local/20270104/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
            )
            .header("X-Amz-Date", "20270104T080000Z")
            .header("Content-Type", "application/x-amz-json-1.0")
            .body(r#"{"TableName":"expert-connect"}"#);
        let found = scan.send().await.expect("an answer").text().await.expect("text");
        let found: Value = serde_json::from_str(&found).expect("JSON");
        assert!(found["LastEvaluatedKey"].is_null(), "it fits one page");
        let mut rows: Vec<String> = found["Items"]
            .as_array()
            .unwrap_or_else(|| panic!("no rows: {found}"))
            .iter()
            .map(Value::to_string)
            .collect();
        rows.sort();
        let Stack { queue, bus, .. } = &self.stack;
        let (queue, published) = (queue.inspect(), bus.published().len());
        let calls = self.stripe().events().len();
        format!("{}\n{queue:?}, {published} events, {calls} events of Stripe's", rows.join("\n"))
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: i64) {
        self.clock.advance(seconds);
    }

    /// The sweep, and all that follows.
    pub async fn sweep(&self) {
        self.stack.sweep().await.expect("the sweep works");
    }
}

/// What Stripe says of its own calls, in the folder that `PROVIDER_SPECS` names. When it is there, every request that the
/// product sends is held against it, and one that does not fit is refused.
fn stripe_description() -> Option<&'static Description> {
    static DESCRIPTION: OnceLock<Option<Description>> = OnceLock::new();
    let read = || {
        let folder = std::env::var_os("PROVIDER_SPECS")?;
        let file = std::path::Path::new(&folder).join("stripe.cut.json");
        let document = std::fs::read(&file).expect("stripe.cut.json in PROVIDER_SPECS");
        Some(Description::parse(&document).expect("a description"))
    };
    DESCRIPTION.get_or_init(read).as_ref()
}

/// Weekdays 09:00 to 17:00 in London.
pub fn office_hours() -> Value {
    let hours = json!([{ "opens": "09:00", "closes": "17:00" }]);
    json!({
        "time_zone": "Europe/London",
        "weekly": { "monday": hours, "tuesday": hours, "wednesday": hours, "thursday": hours, "friday": hours },
    })
}

/// An hour for 80 euros, every half hour.
pub fn paid_hour() -> Value {
    json!({
        "name": "Consultation",
        "length_minutes": 60,
        "step_minutes": 30,
        "price": { "amount": 8_000, "currency": "EUR" },
    })
}

/// The same for nothing.
pub fn free_hour() -> Value {
    let mut terms = paid_hour();
    terms["price"]["amount"] = json!(0);
    terms
}

/// What Ada's receipts say of her.
pub fn billing_details() -> Value {
    json!({
        "legal_name": "Ada Lovelace Ltd",
        "address": ["12 St James's Square", "London SW1Y 4JH"],
        "country": "GB",
        "tax_id": "GB123456789",
        "tax": { "label": "VAT", "rate": 2_000 },
    })
}

/// An expert who can be booked.
#[derive(Debug, Clone)]
pub struct Offer {
    pub expert: String,
    pub session_type: String,
}

impl TestApp {
    /// Ada with a profile and these hours.
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

    /// One more session type of Ada's.
    pub async fn session_type(&self, expert: &str, terms: &Value) -> String {
        let key = format!("{terms}").len().to_string() + terms["name"].as_str().unwrap_or_default();
        let kind = self
            .post(&format!("/v1/experts/{expert}/session-types"))
            .signed_in_as("ada")
            .idempotency_key(&key.replace(' ', "-"))
            .json(terms)
            .send()
            .await
            .expect(201);
        kind["id"].as_str().expect("an id").to_owned()
    }

    /// Ada's Stripe account, ready to be paid.
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

    /// Ada in office hours with these terms, ready to be paid.
    pub async fn offer(&self, terms: &Value) -> Offer {
        let expert = self.expert(&office_hours()).await;
        let session_type = self.session_type(&expert, terms).await;
        if terms["price"]["amount"] != 0 {
            self.onboard(&expert).await;
        }
        Offer { expert, session_type }
    }

    /// The starts that can be booked on a day, in UTC.
    pub async fn starts(&self, offer: &Offer, day: &str) -> Vec<String> {
        let Offer { expert, session_type } = offer;
        let path = format!(
            "/v1/experts/{expert}/slots?session_type={session_type}&from={day}T00:00:00Z&to={day}T23:59:59Z"
        );
        let slots = self.get(&path).send().await.expect(200);
        let slots = slots["slots"].as_array().expect("a list").clone();
        slots.iter().map(|slot| slot["start"].as_str().expect("a start").to_owned()).collect()
    }

    /// A booking's body.
    pub fn booking(offer: &Offer, start: &str) -> Value {
        json!({
            "expert_id": offer.expert,
            "session_type_id": offer.session_type,
            "start": start,
            "attendee": { "name": "Alan", "email": "alan@example.org", "time_zone": "Europe/Berlin" },
        })
    }

    /// Books for Alan.
    pub async fn book(&self, offer: &Offer, start: &str, key: &str) -> Response {
        self.book_as("alan", offer, start, key).await
    }

    pub async fn book_as(&self, subject: &str, offer: &Offer, start: &str, key: &str) -> Response {
        let body = Self::booking(offer, start);
        self.post("/v1/appointments").signed_in_as(subject).idempotency_key(key).json(&body).send().await
    }

    /// An appointment as Alan sees it.
    pub async fn appointment(&self, id: &str) -> Value {
        self.get(&format!("/v1/appointments/{id}")).signed_in_as("alan").send().await.expect(200)
    }

    /// Does something to an appointment as this person.
    pub async fn post_action(&self, subject: &str, id: &str, what: &str, body: &Value) -> Response {
        let ask = self.post(&format!("/v1/appointments/{id}/{what}")).signed_in_as(subject);
        if body.is_null() { ask.send().await } else { ask.json(body).send().await }
    }

    /// What an administrator says of a payment that needs a person.
    pub async fn resolve(&self, id: &str, decision: &str) -> Response {
        let path = format!("/v1/appointments/{id}");
        let seen = self.get(&path).signed_in_as("margaret").send().await.expect(200);
        let mut body = json!({ "resolution": decision });
        if decision == "resolved_manually" {
            body["amount"] = seen["payment"]["escalation"]["amount"].clone();
        }
        self.post_action("margaret", id, "payment/resolution", &body).await
    }

    /// Books and pays a slot for Alan; its id.
    pub async fn book_and_pay(&self, offer: &Offer, start: &str, key: &str) -> String {
        let booked = self.book(offer, start, key).await.expect(201);
        self.stripe().pay(intent(&booked), GOOD_CARD).expect("the card works");
        self.stack.run_until_idle().await;
        let id = id(&booked);
        assert_eq!(self.appointment(&id).await["status"], "confirmed");
        id
    }
}

/// A card that always works.
pub const GOOD_CARD: &str = "4242424242424242";

pub fn id(document: &Value) -> String {
    document["id"].as_str().expect("an id").to_owned()
}

pub fn intent(appointment: &Value) -> &str {
    appointment["payment"]["intent"].as_str().expect("an intent")
}
