//! A running simulator, a client that speaks to it, and a receiver of its webhooks.

#[path = "../harness/mod.rs"]
mod shared;

use std::path::PathBuf;
use std::sync::Arc;

use reqwest::Method;
use serde_json::Value;
use simulators::stripe::{Onboarding, StripeSimulator, StripeSimulatorConfig};
use simulators::{Loopback, ManualClock, Running};
use stripe_description::Description;

pub use shared::{Answer, Folder, Receiver, START, client, read};

pub const SECRET_KEY: &str = "sk_test_secret";
pub const WEBHOOK_SECRET: &str = "whsec_test_secret";

pub struct World {
    pub clock: ManualClock,
    pub stripe: Arc<StripeSimulator>,
    pub http: reqwest::Client,
    running: Running,
}

impl Answer {
    pub fn number(&self, pointer: &str) -> i64 {
        self.body
            .pointer(pointer)
            .and_then(Value::as_i64)
            .unwrap_or_else(|| panic!("{pointer} in {}", self.body))
    }

    /// The answer, which must be a success.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.is(200)
    }

    /// The answer, which must be this error.
    #[track_caller]
    pub fn error(self, status: u16, code: &str) -> Self {
        assert_eq!(
            (self.status, self.body.pointer("/error/code")),
            (status, Some(&Value::from(code))),
            "{}",
            self.body
        );
        self
    }

    /// Checks that the answer is a refusal of this parameter.
    #[track_caller]
    pub fn error_param(self, param: &str) {
        assert_eq!((self.status, self.text("/error/param")), (400, param));
    }
}

impl World {
    pub async fn new() -> Self {
        Self::open(ManualClock::at(START), None).await
    }

    pub async fn open(clock: ManualClock, state_file: Option<PathBuf>) -> Self {
        let loopback = Loopback::bind(0).await.unwrap();
        let stripe = StripeSimulator::open(StripeSimulatorConfig {
            secret_key: SECRET_KEY.to_owned(),
            webhook_secret: WEBHOOK_SECRET.to_owned(),
            webhook_url: None,
            state_file,
            clock: clock.clock(),
            public_url: loopback.url().clone(),
        })
        .unwrap();
        let running = loopback.serve(stripe.router());
        Self { clock, stripe, http: client(), running }
    }

    pub fn url(&self, path: &str) -> String {
        self.running.url().join(path).unwrap().to_string()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, "", &[]).await
    }

    pub async fn post(&self, path: &str, form: &str) -> Answer {
        self.call(Method::POST, path, form, &[]).await
    }

    /// Calls the API. Every success is checked against the description, when there is one.
    pub async fn call(&self, method: Method, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
        let posts = method == Method::POST;
        let answer = read(self.request(method, path, form, headers).send().await.unwrap()).await;
        if let Some(description) = Description::get().filter(|_| answer.status == 200) {
            description.check_response(&answer.body);
            if posts {
                let fields: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
                let violation = description.check_request("POST", path, &fields);
                assert_eq!(violation, None, "the simulator accepted a request that Stripe would refuse");
            }
        }
        answer
    }

    /// A call on a connected account.
    pub async fn on(&self, account: &str, method: Method, path: &str, form: &str) -> Answer {
        self.call(method, path, form, &[("stripe-account", account)]).await
    }

    /// A customer.
    pub async fn customer(&self) -> String {
        let form = "name=Ada&email=ada@example.com&metadata[client]=cli_1";
        self.post("/v1/customers", form).await.ok().id().to_owned()
    }

    /// A customer, and a card of theirs that may be charged without them.
    pub async fn saved_card(&self, number: &str) -> (String, String) {
        let customer = self.customer().await;
        let form = format!("customer={customer}&usage=off_session&automatic_payment_methods[enabled]=true");
        let setup = self.post("/v1/setup_intents", &form).await.ok();
        let mut done = self.stripe.pay(setup.id(), number).unwrap();
        if done["status"] == "requires_action" {
            done = self.stripe.authenticate(setup.id(), true).unwrap();
        }
        assert_eq!(done["status"], "succeeded");
        (customer, done["payment_method"].as_str().unwrap().to_owned())
    }

    /// The charge of an intent, with everything around it.
    pub async fn charge_of(&self, intent: &str) -> Answer {
        let paths = [
            "latest_charge.balance_transaction",
            "latest_charge.transfer.reversals",
            "latest_charge.application_fee.refunds",
            "latest_charge.refunds.data.balance_transaction",
            "payment_method",
        ];
        let query: Vec<String> = paths.iter().map(|path| format!("expand[]={path}")).collect();
        self.get(&format!("/v1/payment_intents/{intent}?{}", query.join("&"))).await.ok()
    }

    /// The lines of the platform's books, newest first, with their sources.
    pub async fn lines(&self) -> Vec<Value> {
        let list = self.get("/v1/balance_transactions?limit=100&expand[]=data.source").await.ok();
        list.body["data"].as_array().unwrap().clone()
    }

    /// The last event of a type.
    #[track_caller]
    pub fn event(&self, kind: &str) -> Value {
        let event = self.stripe.events().into_iter().rev().find(|event| event["type"] == kind);
        event.unwrap_or_else(|| panic!("{kind} in {:?}", self.kinds()))
    }

    /// A call of the simulator's own.
    pub async fn simulator(&self, path: &str, body: Value) -> Answer {
        let url = self.url(&format!("/_simulator/{path}"));
        read(self.http.post(url).body(body.to_string()).send().await.unwrap()).await
    }

    pub fn request(
        &self,
        method: Method,
        path: &str,
        form: &str,
        headers: &[(&str, &str)],
    ) -> reqwest::RequestBuilder {
        let posts = method == Method::POST;
        let mut request = self.http.request(method, self.url(path)).bearer_auth(SECRET_KEY);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if posts {
            request =
                request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        }
        request
    }

    /// A connected account that can be paid.
    pub async fn expert(&self) -> String {
        let account =
            self.post("/v1/accounts", "type=express&country=DE&email=expert@example.com").await.ok();
        self.stripe.onboard(account.id(), Onboarding::Complete).unwrap();
        account.id().to_owned()
    }

    /// An intent of 100.00 EUR with a fee of 10.00 for a new expert; `more` is added to the form.
    pub async fn destination_intent(&self, more: &str) -> (String, String) {
        let expert = self.expert().await;
        let form = format!(
            "amount=10000&currency=eur&application_fee_amount=1000&transfer_data[destination]={expert}{more}"
        );
        let intent = self.post("/v1/payment_intents", &form).await.ok();
        (intent.id().to_owned(), expert)
    }

    /// The balance of an owner in euros.
    pub fn balance(&self, owner: &str) -> i64 {
        let balances = self.stripe.balances();
        balances.iter().filter(|b| b.owner == owner && b.currency == "eur").map(|b| b.amount).sum()
    }

    /// What all balances of all owners add up to.
    pub fn sum(&self) -> i64 {
        self.stripe.balances().iter().map(|balance| balance.amount).sum()
    }

    /// The types of the events so far.
    pub fn kinds(&self) -> Vec<String> {
        self.stripe.events().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

/// Whatever happened in a test, its events are as described.
impl Drop for World {
    fn drop(&mut self) {
        if let Some(description) = Description::get().filter(|_| !std::thread::panicking()) {
            for event in self.stripe.events() {
                description.check_response(&event);
            }
        }
    }
}

impl Receiver {
    /// Listens, and has the simulator post there.
    pub async fn of(world: &World) -> Self {
        Self::listen(|url| world.stripe.set_webhook_url(url)).await
    }

    /// The types of the events that came since.
    pub fn kinds(&self) -> Vec<String> {
        self.take().iter().map(|received| received.event()["type"].as_str().unwrap().to_owned()).collect()
    }
}
