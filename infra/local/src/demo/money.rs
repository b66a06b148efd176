//! `cargo run -- demo money`: shows what happens to payments over several weeks.
//!
//! The demo starts its own stack in memory and sets the clock. It uses the API over HTTP, and finally compares the ledger with
//! the books of the simulated gateway.

use std::time::Instant;

use domain::kernel::time::{DAY, HOUR, MINUTE};
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Account, Balances};
use domain::{Currency, ExpertId, Money, TimeSpan, Timestamp};
use serde_json::{Value, json};
use simulators::ManualClock;
use simulators::stripe::{DisputeOutcome, StripeSimulator};

use super::api_client::{ApiClient, check_member, text};
use super::{Failure, Mismatch, display};
use crate::{People, Stack, StackClock, StackConfig, Terminal, loopback, pages};

/// The start of the demo: a Monday, 08:00 in London.
const MONDAY: &str = "2027-01-04T08:00:00Z";
/// A card that is always accepted.
const GOOD_CARD: &str = "4242424242424242";

/// The demo's own stack, and the current step.
struct MoneyDemo {
    stack: Stack,
    clock: ManualClock,
    api: ApiClient,
    expert: String,
    keys: u32,
    step: u32,
    title: String,
}

/// Runs the demo.
///
/// # Errors
/// At the first unexpected response, and if a balance differs.
pub async fn run(terminal: Terminal) -> Result<(), Failure> {
    let started = Instant::now();
    let mut demo = MoneyDemo::begin(terminal).await?;
    let outcome = demo.run_steps().await;
    outcome.map_err(|Mismatch { what, expected, actual }| Failure::Unexpected {
        step: demo.step,
        title: demo.title.clone(),
        what,
        expected,
        actual,
    })?;
    terminal.print("");
    terminal.heading(format_args!(
        "Done in {:.1?}. The ledger agrees with Stripe's books after every kind of payment.",
        started.elapsed()
    ));
    Ok(())
}

impl MoneyDemo {
    async fn begin(terminal: Terminal) -> Result<Self, Failure> {
        let setup = |error: String| Failure::Setup(error);
        let start: Timestamp = MONDAY.parse().map_err(|_| setup(format!("{MONDAY} is not a time")))?;
        let clock = ManualClock::at(start.seconds());
        let config = StackConfig::in_memory(StackClock::new(clock.clock()));
        let stack = Stack::start(config, pages::router()).await.map_err(|error| setup(error.to_string()))?;
        let http = loopback::client().map_err(setup)?;
        let api = ApiClient { http, terminal, url: stack.api_url.clone() };
        terminal
            .print("This demo starts its own system in memory and sets its clock. It changes no other data.");
        Ok(Self { stack, clock, api, expert: String::new(), keys: 0, step: 0, title: String::new() })
    }

    fn step(&mut self, title: &str) {
        self.step += 1;
        title.clone_into(&mut self.title);
        self.api.terminal.heading(format_args!("\n{}. {title}", self.step));
    }

    fn print(&self, line: impl std::fmt::Display) {
        self.api.terminal.print(format_args!("    {line}"));
    }

    fn stripe(&self) -> Result<&StripeSimulator, Mismatch> {
        self.stack
            .stripe
            .as_deref()
            .ok_or_else(|| Mismatch::new("the Stripe simulator", "running", "not running"))
    }

    /// A token that is valid at the current time of the demo's clock.
    fn token(&self, subject: &str) -> String {
        People::find(subject).map(|person| self.stack.sign_in.access_token(&person, 600)).unwrap_or_default()
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("demo-money-{}", self.keys)
    }

    async fn get(&self, subject: &str, path: &str) -> Result<Value, Mismatch> {
        self.api.get(path).signed_in(&self.token(subject)).send().await?.document(200)
    }

    async fn post(
        &mut self,
        subject: &str,
        path: &str,
        body: &Value,
        status: u16,
    ) -> Result<Value, Mismatch> {
        let (key, token) = (self.key(), self.token(subject));
        let request = self.api.post(path).signed_in(&token).header("Idempotency-Key", &key);
        request.json(body).send().await?.document(status)
    }

    /// Posts an action on an appointment, such as `cancel`, on the version that the person has read just before.
    async fn change(
        &self,
        subject: &str,
        booked: &Value,
        action: &str,
        body: &Value,
    ) -> Result<Value, Mismatch> {
        let path = format!("/v1/appointments/{}", text(booked, "/id")?);
        let token = self.token(subject);
        let read = self.api.get(&path).signed_in(&token).quiet().send().await?;
        let version = read.with_status(200)?.header("etag")?;
        let request = self.api.post(&format!("{path}/{action}")).signed_in(&token);
        request.header("If-Match", &version).json(body).send().await?.document(200)
    }

    /// Advances the clock to an instant, and runs the sweep on the way.
    async fn advance_to(&self, instant: Timestamp) -> Result<(), Mismatch> {
        while self.clock.now() < instant.seconds() {
            self.clock.advance((instant.seconds() - self.clock.now()).min(6 * HOUR));
            let swept = self.stack.sweep().await;
            swept.map_err(|error| Mismatch::new("the sweep", "no error", error.to_string()))?;
        }
        self.print(format_args!(
            "the clock is now {}",
            display::time(&instant.to_string(), domain::Zone::UTC)?
        ));
        Ok(())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.clock.now())
    }

    async fn run_steps(&mut self) -> Result<(), Mismatch> {
        self.publish().await?;
        let consultation = self.offer("Consultation", 40_000, "EUR", "authorize_then_capture").await?;
        let review = self.offer("Review of a program", 12_505, "EUR", "charge_at_booking").await?;
        let lesson = self.offer("Lesson in Tokyo's evening", 12_345, "JPY", "charge_at_booking").await?;
        self.authorize_and_capture(&consultation).await?;
        self.saved_card(&consultation).await?;
        self.tiered_refund(&review).await?;
        self.dispute(&review).await?;
        self.late_payment(&review).await?;
        self.yen(&lesson).await?;
        self.balance().await
    }

    async fn publish(&mut self) -> Result<(), Mismatch> {
        self.step("An expert publishes a profile and hours, and connects Stripe");
        let profile = json!({ "name": "Ada Lovelace", "headline": "Analytical engines" });
        let expert = self.post("ada", "/v1/experts", &profile, 201).await?;
        self.expert = text(&expert, "/id")?.to_owned();
        let day = json!([{ "opens": "09:00", "closes": "17:00" }]);
        let hours = json!({
            "time_zone": "Europe/London",
            "weekly": { "monday": day, "tuesday": day, "wednesday": day, "thursday": day, "friday": day },
        });
        let path = format!("/v1/experts/{}", self.expert);
        let request = self.api.put(&format!("{path}/availability")).signed_in(&self.token("ada"));
        request.header("If-Match", "\"0\"").json(&hours).send().await?.with_status(200)?;
        self.post("ada", &format!("{path}/payment-accounts/stripe/onboarding"), &json!({}), 201).await?;
        let account = self.get("ada", &format!("{path}/payment-accounts/stripe")).await?;
        let account = text(&account, "/account")?.to_owned();
        let done = self.stripe()?.onboard(&account, simulators::stripe::Onboarding::Complete);
        done.map_err(|refused| Mismatch::new("onboarding", "complete", refused.message))?;
        self.get("ada", &format!("{path}/payment-accounts/stripe")).await?;
        Ok(())
    }

    async fn offer(
        &mut self,
        name: &str,
        amount: u64,
        currency: &str,
        collection: &str,
    ) -> Result<String, Mismatch> {
        let terms = json!({
            "name": name,
            "durations": [{ "minutes": 60, "price": { "amount": amount, "currency": currency } }],
            "step_minutes": 30,
            "collection": collection,
            "cancellation_policy": { "tiers": [
                { "until_hours_before": 48, "refund_percent": 100 },
                { "until_hours_before": 24, "refund_percent": 50 },
            ] },
        });
        let path = format!("/v1/experts/{}/session-types", self.expert);
        let created = self.post("ada", &path, &terms, 201).await?;
        self.print(format_args!("{name}: {}, {collection}", display::money(&created, "/durations/0/price")?));
        Ok(text(&created, "/id")?.to_owned())
    }

    /// Books the first free slot after an instant. Returns the appointment.
    async fn book(&mut self, subject: &str, session_type: &str, from: Timestamp) -> Result<Value, Mismatch> {
        let (expert, to) = (self.expert.clone(), from.plus(7 * DAY));
        let path = format!("/v1/experts/{expert}/slots?session_type_id={session_type}&from={from}&to={to}");
        let slots: Value = self.api.get(&path).quiet().send().await?.document(200)?;
        let body = json!({
            "expert_id": expert,
            "session_type_id": session_type,
            "start": text(&slots, "/slots/0/start")?,
            "attendee": { "name": subject, "email": format!("{subject}@example.org"), "time_zone": "Europe/Berlin" },
        });
        self.post(subject, "/v1/appointments", &body, 201).await
    }

    fn pay(&self, appointment: &Value, card: &str) -> Result<(), Mismatch> {
        let paid = self.stripe()?.pay(text(appointment, "/payment/intent")?, card);
        paid.map(|_| ()).map_err(|refused| Mismatch::new("the payment", "accepted", refused.message))
    }

    /// Runs all due jobs, and checks the states of an appointment and its payment.
    async fn check_state(
        &self,
        subject: &str,
        appointment: &Value,
        status: &str,
        payment: &str,
    ) -> Result<Value, Mismatch> {
        self.stack.run_until_idle().await;
        let path = format!("/v1/appointments/{}", text(appointment, "/id")?);
        let now = self.get(subject, &path).await?;
        check_member(&now, "/status", status)?;
        check_member(&now, "/payment/state", payment)?;
        self.print(format_args!(
            "appointment {status}, payment {payment}: paid {}, refunded {}",
            display::money(&now, "/payment/paid")?,
            display::money(&now, "/payment/refunded")?
        ));
        Ok(now)
    }

    async fn authorize_and_capture(&mut self, session_type: &str) -> Result<(), Mismatch> {
        self.step("A session tomorrow: authorized at booking, captured after the session");
        let booked = self.book("alan", session_type, self.now().plus(DAY)).await?;
        self.pay(&booked, GOOD_CARD)?;
        let now = self.check_state("alan", &booked, "confirmed", "authorized").await?;
        let end: Timestamp = instant(&now, "/end")?;
        self.advance_to(end).await?;
        self.change("ada", &booked, "complete", &json!({})).await?;
        self.check_state("alan", &booked, "completed", "paid").await?;
        Ok(())
    }

    async fn saved_card(&mut self, session_type: &str) -> Result<(), Mismatch> {
        self.step("A session in three weeks: the card is saved at booking, and authorized four days before the session ends");
        let booked = self.book("alan", session_type, self.now().plus(20 * DAY)).await?;
        self.pay(&booked, GOOD_CARD)?;
        let now = self.check_state("alan", &booked, "confirmed", "card_saved").await?;
        let start = instant(&now, "/start")?;
        self.advance_to(start.plus(-2 * DAY)).await?;
        self.check_state("alan", &booked, "confirmed", "authorized").await?;
        self.advance_to(start.plus(HOUR)).await?;
        let less = json!({ "charge": { "amount": 36_005, "currency": "EUR" } });
        self.change("ada", &booked, "complete", &less).await?;
        self.print("The expert charges less than the price. Only the lower amount is captured.");
        self.check_state("alan", &booked, "completed", "paid").await?;
        Ok(())
    }

    async fn tiered_refund(&mut self, session_type: &str) -> Result<(), Mismatch> {
        self.step(
            "A cancellation 36 hours before the session: the policy refunds half, and the quote says so",
        );
        let booked = self.book("alan", session_type, self.now().plus(6 * DAY)).await?;
        self.pay(&booked, GOOD_CARD)?;
        let now = self.check_state("alan", &booked, "confirmed", "paid").await?;
        self.advance_to(instant(&now, "/start")?.plus(-36 * HOUR)).await?;
        let path = format!("/v1/appointments/{}", text(&booked, "/id")?);
        let quote = self.get("alan", &format!("{path}/cancellation")).await?;
        let refund = display::money(&quote, "/refund")?;
        self.print(format_args!(
            "quote: a cancellation now refunds {refund}; the final charge is {}",
            display::money(&quote, "/final_charge")?
        ));
        let body = json!({ "reason": "Ill.", "expected_refund": quote["refund"] });
        self.change("alan", &booked, "cancel", &body).await?;
        let now = self.check_state("alan", &booked, "cancelled", "partially_refunded").await?;
        check_equal("the refund", refund, display::money(&now, "/payment/refunded")?)
    }

    async fn dispute(&mut self, session_type: &str) -> Result<(), Mismatch> {
        self.step("A client disputes a payment, and the bank decides for the expert");
        let booked = self.book("alan", session_type, self.now().plus(3 * DAY)).await?;
        self.pay(&booked, GOOD_CARD)?;
        self.check_state("alan", &booked, "confirmed", "paid").await?;
        let refused =
            |refused: simulators::stripe::Refused| Mismatch::new("the dispute", "accepted", refused.message);
        let intent = text(&booked, "/payment/intent")?;
        let dispute = self.stripe()?.dispute(intent, None, "fraudulent").map_err(refused)?;
        self.check_state("ada", &booked, "confirmed", "disputed").await?;
        self.print(
            "The bank took the payment back until it decides. The platform still holds the expert's share.",
        );
        let id = text(&dispute, "/id")?;
        self.stripe()?.close_dispute(id, DisputeOutcome::Won).map_err(refused)?;
        self.check_state("ada", &booked, "confirmed", "paid").await?;
        Ok(())
    }

    async fn late_payment(&mut self, session_type: &str) -> Result<(), Mismatch> {
        self.step("A client pays after the hold has expired and another client has booked the slot");
        let at = self.now().plus(5 * DAY);
        let slow = self.book("alan", session_type, at).await?;
        self.clock.advance(11 * MINUTE);
        let quick = self.book("katherine", session_type, at).await?;
        self.pay(&quick, GOOD_CARD)?;
        self.pay(&slow, GOOD_CARD)?;
        self.check_state("katherine", &quick, "confirmed", "paid").await?;
        self.check_state("alan", &slow, "expired", "refunded").await?;
        Ok(())
    }

    async fn yen(&mut self, session_type: &str) -> Result<(), Mismatch> {
        self.step("A payment in yen, which has no minor unit: 10 % of JPY 12345 is JPY 1235");
        let booked = self.book("alan", session_type, self.now().plus(2 * DAY)).await?;
        self.pay(&booked, GOOD_CARD)?;
        let now = self.check_state("ada", &booked, "confirmed", "paid").await?;
        let fee = display::money(&now, "/payment/platform_fee")?;
        check_equal("the fee", "JPY 1235", fee)?;
        let path = format!("/v1/appointments/{}/refunds", text(&booked, "/id")?);
        let amount = json!({ "amount": { "amount": 4_321, "currency": "JPY" } });
        self.post("ada", &path, &amount, 201).await?;
        self.check_state("alan", &booked, "confirmed", "partially_refunded").await?;
        Ok(())
    }

    /// Compares the ledger with the gateway's books.
    async fn balance(&mut self) -> Result<(), Mismatch> {
        self.step("A week later, the shares of these sessions are paid out. The ledger and Stripe's books");
        self.advance_to(self.now().plus(8 * DAY)).await?;
        self.stack.run_until_idle().await;
        let unreadable = |error: String| Mismatch::new("the ledger", "readable", error);
        let expert: ExpertId = self.expert.parse().map_err(|_| unreadable(self.expert.clone()))?;
        let all = TimeSpan::new(Timestamp::MIN, Timestamp::MAX);
        let store = &self.stack.app.store;
        let page =
            store.ledger(expert, all, None, None).await.map_err(|error| unreadable(error.to_string()))?;
        let movements: Vec<_> = page.entries.into_iter().flat_map(|entry| entry.movements).collect();
        let balances = Balances::of(&movements);
        let account = store.payment_account(expert, GatewayKind::Stripe).await;
        let account = account.map_err(|error| unreadable(error.to_string()))?.map(|account| account.account);
        let books = self.stripe()?.balances();
        self.print(format_args!(
            "{:<34}{:>16}{:>16}",
            format!("{} movements", movements.len()),
            "ledger",
            "Stripe"
        ));
        for code in ["EUR", "JPY"] {
            let currency: Currency =
                code.to_owned().try_into().map_err(|_| unreadable(format!("{code} is not a currency")))?;
            let mut sum = 0;
            for (name, accounts, owner) in [
                ("client, and authorized", &[Account::Client, Account::Authorized][..], Some("clients")),
                ("expert", &[Account::Expert], account.as_deref()),
                ("platform", &[Account::Platform, Account::ProcessingCosts], Some("platform")),
                ("Stripe, for processing", &[Account::Gateway], Some("stripe")),
            ] {
                let ours: i128 = accounts.iter().map(|account| balances.get(*account, currency)).sum();
                let lines = books.iter().filter(|line| {
                    Some(line.owner.as_str()) == owner && line.currency.eq_ignore_ascii_case(code)
                });
                let theirs: i128 = lines.map(|line| i128::from(line.amount)).sum();
                self.print(format_args!(
                    "{:<34}{:>16}{:>16}",
                    format!("{code}  {name}"),
                    format_amount(ours, currency),
                    format_amount(theirs, currency)
                ));
                check_equal(name, theirs, ours)?;
                sum += ours;
            }
            check_equal("the sum of all balances", 0, sum)?;
        }
        self.print("Both agree in every line, and each column adds up to zero.");
        Ok(())
    }
}

fn instant(document: &Value, pointer: &str) -> Result<Timestamp, Mismatch> {
    let value = text(document, pointer)?;
    value.parse().map_err(|_| Mismatch::new(pointer, "an RFC 3339 time", value))
}

fn check_equal(what: &str, expected: impl ToString, actual: impl ToString) -> Result<(), Mismatch> {
    let (expected, actual) = (expected.to_string(), actual.to_string());
    if expected == actual { Ok(()) } else { Err(Mismatch::new(what, expected, actual)) }
}

/// An amount with its sign and without its currency, such as `-80.00`.
fn format_amount(amount: i128, currency: Currency) -> String {
    let money =
        u64::try_from(amount.unsigned_abs()).ok().and_then(|amount| Money::new(amount, currency).ok());
    let digits = money.map_or_else(|| amount.to_string(), |money| money.to_string());
    let digits = digits.split_once(' ').map_or(digits.as_str(), |(_, digits)| digits);
    format!("{}{digits}", if amount < 0 { "-" } else { "" })
}
