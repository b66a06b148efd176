//! The same journeys through PayPal: onboarding, payments and refunds. The ledger must agree with PayPal's books.

mod accounts;
mod authorizing;
mod booking;
mod disputes;
mod faults;
mod payouts;
mod refunds;
mod taxes;
mod webhooks;

use domain::ExpertId;
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Account, Balances, Movement, MovementKind};
use local::StackConfig;
use serde_json::{Value, json};
use simulators::paypal::{Faults, HELD, Onboarding, PAYERS, PAYPAL, PLATFORM, PayPalSimulator};

use crate::harness::{Offer, Response, TestApp, id, intent, office_hours, paid_hour};

const DAY: i64 = 86_400;
/// Tomorrow, during office hours.
const SOON: &str = "2027-01-05T10:00:00Z";
const FRIDAY: &str = "2027-01-08T10:00:00Z";
const LATER: &str = "2027-01-25T10:00:00Z";

/// An hour whose price is authorized at booking and captured after the session.
fn authorized_hour() -> Value {
    let mut terms = paid_hour();
    terms["collection"] = json!("authorize_then_capture");
    terms
}

/// A cancellation policy with tiers: full refund until two days before the session, half until one day before.
fn tiered(mut terms: Value) -> Value {
    terms["cancellation_policy"] = json!({
        "tiers": [
            { "until_hours_before": 48, "refund_percent": 100 },
            { "until_hours_before": 24, "refund_percent": 50 },
        ],
        "grace_minutes": 15,
        "no_show_refund_percent": 20,
    });
    terms
}

/// A stack in which Ada is paid through PayPal, and her session type.
struct PayPalTest {
    test: TestApp,
    offer: Offer,
}

/// The amounts of a payment that PayPal holds back, in cents.
#[derive(Debug, Clone, Copy, Default)]
struct Pending {
    /// The amount of an open dispute.
    disputed: i128,
    /// A refund that waits for the expert's bank, and its part of the platform's fee.
    refund: (i128, i128),
}

impl PayPalTest {
    async fn new(terms: &Value) -> Self {
        Self::with(terms, |_| ()).await
    }

    /// The same with a changed configuration.
    async fn with(terms: &Value, change: impl FnOnce(&mut StackConfig)) -> Self {
        let test = TestApp::with(change).await;
        let expert = test.expert(&office_hours()).await;
        let session_type = test.session_type(&expert, terms).await;
        let paypal = Self { test, offer: Offer { expert, session_type } };
        paypal.onboard(Onboarding::Complete).await;
        paypal
    }

    fn simulator(&self) -> &PayPalSimulator {
        self.test.stack.paypal.as_deref().expect("the simulator runs")
    }

    fn set(&self, faults: Faults) {
        self.simulator().set_faults(faults);
    }

    fn account_path(&self, end: &str) -> String {
        format!("/v1/experts/{}/payment-accounts/paypal{end}", self.offer.expert)
    }

    /// Ada's onboarding at PayPal with this outcome. Returns her account.
    async fn onboard(&self, outcome: Onboarding) -> Value {
        let page =
            self.test.post(&self.account_path("/onboarding")).signed_in_as("ada").send().await.expect(201);
        assert!(page["url"].as_str().is_some_and(|url| url.contains("/bizsignup/")), "{page:#}");
        self.simulator().onboard(&self.offer.expert, outcome).expect("she was invited");
        self.test.stack.run_until_idle().await;
        self.connection().await
    }

    async fn connection(&self) -> Value {
        self.test.get(&self.account_path("")).signed_in_as("ada").send().await.expect(200)
    }

    /// Books a slot for this person with PayPal as the gateway.
    async fn book_as(&self, subject: &str, start: &str, key: &str) -> Response {
        let mut body = TestApp::booking(&self.offer, start);
        body["gateway"] = json!("paypal");
        self.test.post("/v1/appointments").signed_in_as(subject).idempotency_key(key).json(&body).send().await
    }

    async fn book(&self, start: &str, key: &str) -> Response {
        self.book_as("alan", start, key).await
    }

    fn approve(&self, booked: &Value, payer: &str) {
        self.simulator().approve(intent(booked), payer).expect("it can be approved");
    }

    /// Books a slot for Alan and approves the payment. Returns the appointment's id.
    async fn book_and_approve(&self, payer: &str, start: &str) -> String {
        let booked = self.book(start, &format!("{payer}-{start}")).await.expect(201);
        self.approve(&booked, payer);
        self.test.stack.run_until_idle().await;
        id(&booked)
    }

    async fn book_and_pay(&self, start: &str) -> String {
        let appointment = self.book_and_approve("good", start).await;
        assert_eq!(self.status(&appointment).await, "confirmed");
        appointment
    }

    async fn status(&self, appointment: &str) -> Value {
        self.test.appointment(appointment).await["status"].clone()
    }

    async fn payment(&self, appointment: &str) -> Value {
        self.test.appointment(appointment).await["payment"].clone()
    }

    async fn state(&self, appointment: &str) -> Value {
        self.payment(appointment).await["state"].clone()
    }

    async fn post_action(&self, subject: &str, appointment: &str, what: &str) -> Value {
        let done = self.test.post_action(subject, appointment, what, &json!(null)).await.expect(200);
        self.test.stack.run_until_idle().await;
        done
    }

    /// The id of the capture of an appointment.
    async fn capture_of(&self, appointment: &str) -> String {
        let order = self.order_of(appointment).await;
        let capture = &order["purchase_units"][0]["payments"]["captures"][0]["id"];
        capture.as_str().unwrap_or_else(|| panic!("{order:#}")).to_owned()
    }

    /// The order of an appointment, as PayPal returns it.
    async fn order_of(&self, appointment: &str) -> Value {
        let order = self.payment(appointment).await["intent"].as_str().expect("an order").to_owned();
        self.simulator().object(&order).expect("it exists")
    }

    /// The number of PayPal's events of this type.
    fn events(&self, kind: &str) -> usize {
        self.simulator().events().iter().filter(|event| event["event_type"] == kind).count()
    }

    fn published(&self, kind: &str) -> usize {
        self.test.stack.bus.published().iter().filter(|event| event.kind == kind).count()
    }

    /// Advances the clock to an instant, and runs the sweep every six hours on the way.
    async fn advance_to(&self, instant: &str) {
        let end: domain::Timestamp = instant.parse().expect("a time");
        while self.test.clock.now() < end.seconds() {
            self.test.advance((end.seconds() - self.test.clock.now()).min(6 * 3_600));
            self.test.stack.run_until_idle().await;
            self.test.sweep().await;
        }
    }

    async fn days(&self, days: i64) {
        let end = domain::Timestamp::from_seconds(self.test.clock.now() + days * DAY);
        self.advance_to(&end.to_string()).await;
    }

    /// All movements through PayPal in the ledger.
    async fn movements(&self) -> Vec<Movement> {
        let expert: ExpertId = self.offer.expert.parse().expect("an id");
        let all = domain::TimeSpan::new(domain::Timestamp::MIN, domain::Timestamp::MAX);
        let page = self.test.stack.app.store.ledger(expert, all, None, None).await.expect("readable");
        let entries = page.entries.into_iter().filter(|entry| entry.gateway == GatewayKind::Paypal);
        entries.flat_map(|entry| entry.movements).collect()
    }

    async fn kinds(&self) -> Vec<MovementKind> {
        self.movements().await.iter().map(|movement| movement.kind).collect()
    }

    /// The balances of the client, the platform, the expert and PayPal in cents. Checks that the ledger equals PayPal's books.
    async fn cents(&self) -> [i128; 4] {
        self.cents_with(Pending::default()).await
    }

    async fn cents_with(&self, under_way: Pending) -> [i128; 4] {
        self.held("EUR", 1, under_way).await
    }

    /// The same in minor units of a currency; PayPal counts `unit` of them as one.
    async fn held(&self, code: &str, counted: i128, under_way: Pending) -> [i128; 4] {
        let movements = self.movements().await;
        for (place, one) in movements.iter().enumerate() {
            assert!(!movements[..place].iter().any(|other| other.is_same_event(one)), "twice: {one:?}");
        }
        let balances = Balances::of(&movements);
        let currency = code.to_owned().try_into().expect("a currency");
        let of = |account| balances.get(account, currency);
        assert_eq!(Account::ALL.into_iter().map(of).sum::<i128>(), 0);
        let connection = self.connection().await;
        let books = self.simulator().balances();
        let theirs = |owner: &str| -> i128 {
            let lines = books.iter().filter(|line| line.owner == owner && line.currency == code);
            lines.map(|line| i128::from(line.amount) * counted).sum()
        };
        let Pending { disputed, refund: (refund, fee) } = under_way;
        let ours = [
            of(Account::Client) + of(Account::Authorized),
            of(Account::Platform),
            of(Account::Expert),
            of(Account::Gateway),
        ];
        let theirs = [
            theirs(PAYERS) + disputed + refund,
            // The ledger has what PayPal holds on the platform's account.
            theirs(PLATFORM) + theirs(HELD) - fee,
            theirs(connection["account"].as_str().expect("an account")) + fee - refund,
            theirs(PAYPAL) - disputed,
        ];
        assert_eq!(ours, theirs, "{movements:#?} {books:#?}");
        ours
    }
}

/// PayPal's fee for 80 euros.
const PRICE: i128 = 274;
/// The balances after a payment of 80 euros: the client, the platform, the expert, and PayPal.
const PAID: [i128; 4] = [-8_000, 800, 7_200 - PRICE, PRICE];
/// The balances after a full refund with the platform's fee: PayPal keeps its own fee.
const BACK: [i128; 4] = [0, 0, -PRICE, PRICE];
