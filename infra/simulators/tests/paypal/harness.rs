//! A running simulator, a client that speaks to it, and a receiver of its webhooks.

#[path = "../harness/mod.rs"]
mod shared;

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use simulators::paypal::{Onboarding, PayPalSimulator, PayPalSimulatorConfig};
use simulators::{Loopback, ManualClock, Running};

pub use shared::{Answer, Folder, Received, Receiver, START, client, read};

pub const CLIENT_ID: &str = "client-of-the-tests";
pub const CLIENT_SECRET: &str = "secret-of-the-tests";
pub const PARTNER: &str = "PARTNER222222";
pub const WEBHOOK: &str = "1JE4291016473214C";
pub const DAY: i64 = 86_400;

pub struct World {
    pub clock: ManualClock,
    pub paypal: Arc<PayPalSimulator>,
    pub http: reqwest::Client,
    pub token: String,
    running: Running,
}

impl Answer {
    /// The address of a link.
    pub fn link(&self, rel: &str) -> &str {
        let links = self.body["links"].as_array().unwrap();
        let found = links.iter().find(|link| link["rel"] == rel);
        found.and_then(|link| link["href"].as_str()).unwrap_or_else(|| panic!("{rel} in {}", self.body))
    }

    /// The answer, which must be this error.
    #[track_caller]
    pub fn error(self, status: u16, issue: &str) -> Self {
        let found = self.body.pointer("/details/0/issue");
        assert_eq!((self.status, found), (status, Some(&Value::from(issue))), "{}", self.body);
        assert_eq!(self.body["debug_id"], self.headers["paypal-debug-id"].to_str().unwrap());
        self
    }
}

pub fn config(clock: &ManualClock, state_file: Option<PathBuf>, url: &str) -> PayPalSimulatorConfig {
    PayPalSimulatorConfig {
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned(),
        partner_id: PARTNER.to_owned(),
        webhook_id: WEBHOOK.to_owned(),
        webhook_url: None,
        state_file,
        clock: clock.clock(),
        public_url: url.parse().unwrap(),
    }
}

/// The header that says which seller the platform acts for.
pub fn assertion(client: &str, seller: &str) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(json!({ "alg": "none" })), part(json!({ "iss": client, "payer_id": seller })))
}

impl World {
    pub async fn new() -> Self {
        Self::open(ManualClock::at(START), None).await
    }

    pub async fn open(clock: ManualClock, state_file: Option<PathBuf>) -> Self {
        let loopback = Loopback::bind(0).await.unwrap();
        let config = config(&clock, state_file, loopback.url().as_str());
        let paypal = PayPalSimulator::open(config).unwrap();
        let running = loopback.serve(paypal.router());
        let mut world = Self { clock, paypal, http: client(), token: String::new(), running };
        world.sign_in().await;
        world
    }

    /// Takes a new access token.
    pub async fn sign_in(&mut self) {
        let request = self.http.post(self.url("/v1/oauth2/token"));
        let request = request.basic_auth(CLIENT_ID, Some(CLIENT_SECRET));
        let answer = request.form(&[("grant_type", "client_credentials")]).send().await.unwrap();
        self.token = read(answer).await.is(200).text("/access_token").to_owned();
    }

    pub fn url(&self, path: &str) -> String {
        self.running.url().join(path).unwrap().to_string()
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = self.http.get(self.url(path)).bearer_auth(&self.token);
        read(request.send().await.unwrap()).await
    }

    /// A POST that prefers whole objects.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(path, body, &[("prefer", "return=representation")]).await
    }

    /// The same, for a seller.
    pub async fn post_for(&self, seller: &str, path: &str, body: Value) -> Answer {
        let assertion = assertion(CLIENT_ID, seller);
        let headers = [("prefer", "return=representation"), ("paypal-auth-assertion", assertion.as_str())];
        self.call(path, body, &headers).await
    }

    pub async fn call(&self, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        read(self.request(path, body, headers).send().await.unwrap()).await
    }

    pub fn request(&self, path: &str, body: Value, headers: &[(&str, &str)]) -> RequestBuilder {
        let mut request = self.http.request(Method::POST, self.url(path)).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.header("content-type", "application/json").body(body.to_string())
    }

    /// A seller who can be paid, by the tracking id.
    pub async fn seller(&self, tracking_id: &str) -> String {
        self.post("/v2/customer/partner-referrals", referral(tracking_id)).await.is(201);
        let seller = self.paypal.onboard(tracking_id, Onboarding::Complete).unwrap();
        seller["merchant_id"].as_str().unwrap().to_owned()
    }

    /// An approved order of 100.00 EUR with a fee of 10.00 for a new seller: the order and the seller.
    pub async fn approved(&self, intent: &str, payer: &str) -> (String, String) {
        let seller = self.seller("expert-1").await;
        let order = self.post("/v2/checkout/orders", order(intent, &seller)).await.is(201);
        self.paypal.approve(order.id(), payer).unwrap();
        (order.id().to_owned(), seller)
    }

    /// A capture of it: the capture and the seller.
    pub async fn captured(&self, payer: &str) -> (String, String) {
        let (order, seller) = self.approved("CAPTURE", payer).await;
        let order = self.post(&format!("/v2/checkout/orders/{order}/capture"), json!({})).await.is(201);
        (order.text("/purchase_units/0/payments/captures/0/id").to_owned(), seller)
    }

    /// An authorization of it: the authorization and the seller.
    pub async fn authorized(&self, payer: &str) -> (String, String) {
        let (order, seller) = self.approved("AUTHORIZE", payer).await;
        let order = self.post(&format!("/v2/checkout/orders/{order}/authorize"), json!({})).await.is(201);
        (order.text("/purchase_units/0/payments/authorizations/0/id").to_owned(), seller)
    }

    /// The balance of an owner in euros.
    pub fn balance(&self, owner: &str) -> i64 {
        let balances = self.paypal.balances();
        balances.iter().filter(|b| b.owner == owner && b.currency == "EUR").map(|b| b.amount).sum()
    }

    /// What all balances of all owners add up to.
    pub fn sum(&self) -> i64 {
        self.paypal.balances().iter().map(|balance| balance.amount).sum()
    }

    /// The types of the events so far.
    pub fn kinds(&self) -> Vec<String> {
        let kind = |event: &Value| event["event_type"].as_str().unwrap().to_owned();
        self.paypal.events().iter().map(kind).collect()
    }
}

pub fn eur(value: &str) -> Value {
    json!({ "currency_code": "EUR", "value": value })
}

pub fn referral(tracking_id: &str) -> Value {
    json!({
        "tracking_id": tracking_id,
        "operations": [{
            "operation": "API_INTEGRATION",
            "api_integration_preference": { "rest_api_integration": {
                "integration_method": "PAYPAL",
                "integration_type": "THIRD_PARTY",
                "third_party_details": { "features": ["PAYMENT", "REFUND", "PARTNER_FEE"] },
            } },
        }],
        "products": ["EXPRESS_CHECKOUT"],
        "legal_consents": [{ "type": "SHARE_DATA_CONSENT", "granted": true }],
        "partner_config_override": { "return_url": "https://platform.example/paypal?a=1" },
    })
}

/// An order of 100.00 EUR with a fee of 10.00, without a payment source.
pub fn order(intent: &str, seller: &str) -> Value {
    json!({
        "intent": intent,
        "purchase_units": [{
            "custom_id": "booking-1",
            "description": "An <hour>",
            "amount": eur("100.00"),
            "payee": { "merchant_id": seller },
            "payment_instruction": {
                "disbursement_mode": "INSTANT",
                "platform_fees": [{ "amount": eur("10.00") }],
            },
        }],
    })
}

/// The same as the product makes it, with a payment source.
pub fn order_with_source(intent: &str, seller: &str) -> Value {
    let mut order = order(intent, seller);
    order["payment_source"] = json!({ "paypal": { "experience_context": {
        "return_url": "https://platform.example/done?b=2",
        "cancel_url": "https://platform.example/left",
        "user_action": "PAY_NOW",
    } } });
    order
}

impl Receiver {
    /// Listens, and has the simulator post there.
    pub async fn of(world: &World) -> Self {
        Self::listen(|url| world.paypal.set_webhook_url(url)).await
    }

    /// The types of the events that came since.
    pub fn kinds(&self) -> Vec<String> {
        self.take().iter().map(|one| one.event()["event_type"].as_str().unwrap().to_owned()).collect()
    }
}
