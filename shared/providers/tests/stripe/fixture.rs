//! The Stripe simulator, the ports that connect to it, and a ledger of the movements in the snapshots.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::payments::ports::{
    BookLine, Buyer, FetchedPayment, Gateway, GatewayError, Opened, PayWith, RefundOrder,
};
use app::ports::{Clock, PortError, Secret, Secrets};
use async_trait::async_trait;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Account, Balances, Movement, MovementKind, new_movements};
use domain::payments::payment::{IntentStatus, Payment, Plan, References};
use domain::payments::payout::PayoutTiming;
use domain::{AppointmentId, Currency, ExpertId, Money, Rate, TimeSpan, Timestamp};
use providers::{GatewayConfig, stripe};
use simulators::stripe::{Faults, Onboarding, StripeSimulator, StripeSimulatorConfig};
use simulators::{Loopback, ManualClock, Running};
use stripe_description::Description;

pub const VISA: &str = "4242424242424242";
pub const WEBHOOK_SECRET: &str = "whsec_test";
pub const CONNECT_SECRET: &str = "whsec_test_connect";
pub const BUYER: Buyer<'static> = Buyer {
    description: "An hour",
    name: "Anna",
    email: "anna@example.com",
    return_url: "https://shop.example",
};

struct OneSecret(String);

#[async_trait]
impl Secrets for OneSecret {
    async fn read(&self, _: &str) -> Result<Secret, PortError> {
        Ok(Secret::new(self.0.clone()))
    }
}

/// The simulator's clock.
struct SimulatorClock(ManualClock);

#[async_trait]
impl Clock for SimulatorClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.now())
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn pause(&self, _: Duration) {}
}

/// A proxy in front of the simulator. It counts requests, and loses responses to those that create or change something.
#[derive(Default)]
struct Proxy {
    requests: AtomicU32,
    lose: AtomicU32,
}

async fn forward(State(proxy): State<Arc<Proxy>>, request: Request, next: Next) -> Response {
    proxy.requests.fetch_add(1, Ordering::SeqCst);
    let order = request.method() == axum::http::Method::POST;
    let response = next.run(request).await;
    let decrement = |left: u32| left.checked_sub(1);
    if order && proxy.lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, decrement).is_ok() {
        return axum::http::StatusCode::BAD_GATEWAY.into_response();
    }
    response
}

pub struct Fixture {
    pub clock: ManualClock,
    pub simulator: Arc<StripeSimulator>,
    pub stripe: Gateway,
    pub account: String,
    proxy: Arc<Proxy>,
    ledger: Mutex<Vec<Movement>>,
    /// The requests that violate Stripe's description.
    violations: Arc<Mutex<Vec<String>>>,
    _running: Running,
}

impl Fixture {
    pub async fn new() -> Self {
        let clock = ManualClock::at(1_800_000_000);
        let loopback = Loopback::bind(0).await.expect("a free port");
        let simulator = StripeSimulator::open(StripeSimulatorConfig {
            secret_key: "sk_test".to_owned(),
            webhook_secret: WEBHOOK_SECRET.to_owned(),
            webhook_url: None,
            state_file: None,
            clock: clock.clock(),
            public_url: loopback.url().clone(),
        })
        .expect("a fresh state");
        let violations = Arc::new(Mutex::new(Vec::new()));
        if let Some(description) = Description::get() {
            let violations = Arc::clone(&violations);
            simulator.check_requests(Box::new(move |method, path, fields| {
                let violation = description.check_request(method, path, fields);
                violations.lock().expect("no panic").extend(violation.clone());
                violation
            }));
        }
        let proxy = Arc::new(Proxy::default());
        let router = simulator.router().layer(from_fn_with_state(Arc::clone(&proxy), forward));
        let running = loopback.serve(router);
        let secret = serde_json::json!({
            "secret_key": "sk_test", "webhook_secret": WEBHOOK_SECRET, "connect_webhook_secret": CONNECT_SECRET,
        });
        let config = GatewayConfig {
            http: providers::https::client().expect("TLS"),
            secrets: Arc::new(OneSecret(secret.to_string())),
            clock: Arc::new(SimulatorClock(clock.clone())),
            secret_id: "stripe".to_owned(),
            api_base: running.url().to_string(),
        };
        let stripe = stripe::gateway(config).expect("an address");
        let account = stripe.accounts.create_account(ExpertId::from_bits(1)).await.expect("an account").id;
        simulator.onboard(&account, Onboarding::Complete).expect("an owner");
        Self {
            clock,
            simulator,
            stripe,
            account,
            proxy,
            ledger: Mutex::default(),
            violations,
            _running: running,
        }
    }

    pub fn payment(&self, plan: Plan, amount: u64, code: &str) -> Payment {
        let currency = Currency::try_from(code.to_owned()).expect("a code in use");
        let amount = Money::new(amount, currency).expect("small");
        let destination = (GatewayKind::Stripe, self.account.clone());
        let (id, timing) = (AppointmentId::from_bits(7), PayoutTiming::AtPayment);
        Payment::agreed(id, amount, Rate::DEFAULT_COMMISSION, destination, timing, plan)
    }

    /// Opens a payment and stores its references.
    pub async fn open(&self, payment: &mut Payment) -> PayWith {
        let Opened { references, pay_with } =
            self.stripe.charges.open(payment, &BUYER).await.expect("opened");
        payment.references = references;
        pay_with
    }

    /// A payment that the client tried to pay with a card.
    pub async fn paid(&self, plan: Plan, amount: u64, code: &str, card: &str) -> Payment {
        let mut payment = self.payment(plan, amount, code);
        self.open(&mut payment).await;
        self.pay(&payment, card);
        payment
    }

    /// Gives the platform a balance, from which later transfers are paid.
    pub async fn earn(&self) {
        let mut payment = self.payment(Plan::Charge, 100_000, "EUR");
        payment.appointment = AppointmentId::from_bits(99);
        self.open(&mut payment).await;
        assert!(self.pay(&payment, VISA));
        self.fetch_payment(&payment).await;
    }

    pub fn intent(payment: &Payment) -> &str {
        let References { intent, setup, .. } = &payment.references;
        intent.as_deref().or(setup.as_deref()).expect("opened")
    }

    /// Pays with a card. Returns whether the bank approved.
    pub fn pay(&self, payment: &Payment, card: &str) -> bool {
        self.simulator.pay(Self::intent(payment), card).is_ok()
    }

    /// Fetches a payment and records its new movements in the ledger.
    pub async fn fetch_payment(&self, payment: &Payment) -> FetchedPayment {
        let fetched = self.stripe.charges.fetch_payment(payment).await.expect("snapshot");
        let mut ledger = self.ledger.lock().expect("whole");
        let fresh: Vec<Movement> =
            new_movements(&ledger, &fetched.snapshot.movements).into_iter().cloned().collect();
        ledger.extend(fresh);
        fetched
    }

    pub async fn status(&self, payment: &Payment) -> IntentStatus {
        self.fetch_payment(payment).await.snapshot.status
    }

    /// The number of requests to fetch a payment.
    pub async fn requests_of_a_snapshot(&self, payment: &Payment) -> u32 {
        let before = self.proxy.requests.load(Ordering::SeqCst);
        self.fetch_payment(payment).await;
        self.proxy.requests.load(Ordering::SeqCst) - before
    }

    /// Records new movements in the ledger.
    pub fn record(&self, movements: Vec<Movement>) {
        let mut ledger = self.ledger.lock().expect("whole");
        let fresh: Vec<Movement> = new_movements(&ledger, &movements).into_iter().cloned().collect();
        ledger.extend(fresh);
    }

    /// The number of movements of a kind in the ledger, and their sum.
    pub fn moved(&self, kind: MovementKind) -> (usize, u64) {
        let ledger = self.ledger.lock().expect("whole");
        let of_kind = ledger.iter().filter(|movement| movement.kind == kind);
        of_kind.fold((0, 0), |(count, sum), movement| (count + 1, sum + movement.amount.amount()))
    }

    pub fn movements(&self) -> Vec<Movement> {
        self.ledger.lock().expect("whole").clone()
    }

    pub async fn refund(&self, payment: &Payment, amount: u64, from_expert: bool, ordinal: u32) {
        self.try_refund(payment, amount, from_expert, ordinal).await.expect("refunded");
    }

    pub async fn try_refund(
        &self,
        payment: &Payment,
        amount: u64,
        from_expert: bool,
        ordinal: u32,
    ) -> Result<(), GatewayError> {
        let amount = payment.amount.with_amount(amount).expect("small");
        let order = RefundOrder { amount, from_expert, ordinal };
        self.stripe.charges.refund(payment, order).await
    }

    pub async fn payouts(&self, account: &str) -> Result<Vec<Movement>, GatewayError> {
        self.stripe.payouts.as_ref().expect("Stripe reports payouts").payouts(account).await
    }

    pub async fn book_lines(&self, written: TimeSpan) -> Result<Vec<BookLine>, GatewayError> {
        self.stripe.books.as_ref().expect("Stripe keeps books").book_lines(written).await
    }

    pub fn switch(&self, change: impl FnOnce(&mut Faults)) {
        let mut switches = self.simulator.faults();
        change(&mut switches);
        self.simulator.set_faults(switches);
    }

    /// Loses the responses to the next orders. Other requests are not affected.
    pub fn lose_responses_to_orders(&self, count: u32) {
        self.proxy.lose.store(count, Ordering::SeqCst);
    }

    /// Checks the ledger against all balances at Stripe, and line by line against the platform's books.
    #[track_caller]
    pub fn assert_ledger_agrees(&self) -> impl Future<Output = ()> + use<'_> {
        let caller = std::panic::Location::caller();
        async move {
            let movements = self.movements();
            let balances = Balances::of(&movements);
            let mut expected: BTreeMap<(&str, String), i128> = BTreeMap::new();
            for (account, code, amount) in balances.iter() {
                let owner = match account {
                    Account::Client | Account::Authorized => "clients",
                    Account::Platform | Account::ProcessingCosts => "platform",
                    Account::Expert => &self.account,
                    Account::Gateway => "stripe",
                    Account::ExpertBank => "bank",
                };
                *expected.entry((owner, code.to_owned())).or_default() += amount;
            }
            let balances_at_stripe = self.simulator.balances();
            let mut rest = expected;
            for balance in &balances_at_stripe {
                let code = balance.currency.to_ascii_uppercase();
                let amount = match code.as_str() {
                    "ISK" => balance.amount / 100,
                    _ => balance.amount,
                };
                let owner = balance.owner.as_str();
                let recorded = rest.remove(&(owner, code)).unwrap_or(0);
                assert_eq!(
                    recorded,
                    amount.into(),
                    "{owner} at {caller}: {movements:#?}\n{balances_at_stripe:#?}"
                );
            }
            assert!(rest.values().all(|amount| *amount == 0), "at {caller}: {rest:?}");

            let all = TimeSpan::new(Timestamp::MIN, Timestamp::from_seconds(self.clock.now() + 1));
            let lines = self.book_lines(all).await.expect("the books");
            assert!(lines.is_sorted_by_key(|line| line.at), "at {caller}");
            let mut by_object: BTreeMap<String, i128> = BTreeMap::new();
            for line in lines {
                *by_object.entry(line.object).or_default() += i128::from(line.amount - line.fee);
            }
            for movement in &movements {
                let amount = i128::from(movement.amount.amount());
                for (account, sign) in [(movement.from, 1), (movement.to, -1)] {
                    if account == Account::Platform {
                        *by_object.entry(movement.object.clone()).or_default() += sign * amount;
                    }
                }
            }
            by_object.retain(|_, difference| *difference != 0);
            assert!(by_object.is_empty(), "at {caller}: {by_object:?}");
            let violations = self.violations.lock().expect("no panic");
            assert!(violations.is_empty(), "{violations:?}");
        }
    }
}
