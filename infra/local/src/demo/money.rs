//! `cargo run -- demo money`: what happens to money, over weeks, in a second.
//!
//! It needs nothing that runs: it starts a system of its own, in memory, whose clock it moves. Everything is asked over HTTP as
//! people would, and at the end the ledger is held against the books of the simulated gateway.

use std::time::Instant;

use domain::kernel::time::{DAY, HOUR, MINUTE};
use domain::payments::gateway::GatewayKind;
use domain::payments::ledger::{Account, Balances};
use domain::{Currency, ExpertId, Money, TimeSpan, Timestamp};
use serde_json::{Value, json};
use simulators::ManualClock;
use simulators::stripe::{DisputeOutcome, StripeSimulator};

use super::caller::{Caller, must_be, text};
use super::{Failure, Wrong, words};
use crate::{People, Stack, StackClock, StackConfig, Terminal, pages, plain_http};

/// A Monday, 08:00 in London.
const MONDAY: &str = "2027-01-04T08:00:00Z";
/// A card that always works.
const GOOD_CARD: &str = "4242424242424242";

/// A system of its own, and what is known of it.
struct Scene {
    stack: Stack,
    clock: ManualClock,
    caller: Caller,
    expert: String,
    keys: u32,
    step: u32,
    title: String,
}

/// Shows what happens to money.
///
/// # Errors
/// At the first thing that is not as it should be.
pub async fn run(terminal: Terminal) -> Result<(), Failure> {
    let started = Instant::now();
    let mut scene = Scene::begin(terminal).await?;
    let outcome = scene.play().await;
    outcome.map_err(|Wrong { what, expected, came }| Failure::Unexpected {
        step: scene.step,
        title: scene.title.clone(),
        what,
        expected,
        came,
    })?;
    terminal.say("");
    terminal.headline(format_args!(
        "Done in {:.1?}: set aside, taken, called off, disputed, too late, in yen, and the ledger balances.",
        started.elapsed()
    ));
    Ok(())
}

impl Scene {
    async fn begin(terminal: Terminal) -> Result<Self, Failure> {
        let inside = |error: String| Failure::Inside(error);
        let start: Timestamp = MONDAY.parse().map_err(|_| inside("no such Monday".to_owned()))?;
        let clock = ManualClock::at(start.seconds());
        let config = StackConfig::in_memory(StackClock::new(clock.clock()));
        let stack = Stack::start(config, pages::router()).await.map_err(|error| inside(error.to_string()))?;
        let http = plain_http::client().map_err(inside)?;
        let caller = Caller { http, terminal, url: stack.api_url.clone() };
        terminal
            .say("A system of its own, in memory, on a clock that this demo moves. Nothing else is touched.");
        Ok(Self { stack, clock, caller, expert: String::new(), keys: 0, step: 0, title: String::new() })
    }

    fn step(&mut self, title: &str) {
        self.step += 1;
        title.clone_into(&mut self.title);
        self.caller.terminal.headline(format_args!("\n{}. {title}", self.step));
    }

    fn say(&self, line: impl std::fmt::Display) {
        self.caller.terminal.say(format_args!("    {line}"));
    }

    fn stripe(&self) -> Result<&StripeSimulator, Wrong> {
        self.stack.stripe.as_deref().ok_or_else(|| Wrong::new("the simulator", "one", "none"))
    }

    /// A token that is good at this moment of the moved clock.
    fn token(&self, subject: &str) -> String {
        People::find(subject).map(|person| self.stack.sign_in.access_token(&person, 600)).unwrap_or_default()
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("demo-money-{}", self.keys)
    }

    async fn get(&self, who: &str, path: &str) -> Result<Value, Wrong> {
        self.caller.get(path).signed_in(&self.token(who)).send().await?.document(200)
    }

    async fn post(&mut self, who: &str, path: &str, body: &Value, status: u16) -> Result<Value, Wrong> {
        let (key, token) = (self.key(), self.token(who));
        let call = self.caller.post(path).signed_in(&token).header("Idempotency-Key", &key);
        call.json(body).send().await?.document(status)
    }

    /// Lets the clock run to an instant, and the schedule do its work on the way.
    async fn until(&self, instant: Timestamp) -> Result<(), Wrong> {
        while self.clock.now() < instant.seconds() {
            self.clock.advance((instant.seconds() - self.clock.now()).min(6 * HOUR));
            let swept = self.stack.sweep().await;
            swept.map_err(|error| Wrong::new("the sweep", "no error", error.to_string()))?;
        }
        self.say(format_args!("… it is {}", words::time(&instant.to_string(), domain::Zone::UTC)?));
        Ok(())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.clock.now())
    }

    async fn play(&mut self) -> Result<(), Wrong> {
        self.publish().await?;
        let consultation = self.offer("Consultation", 40_000, "EUR", "authorise_then_capture").await?;
        let review = self.offer("Review of a program", 12_505, "EUR", "charge_at_booking").await?;
        let lesson = self.offer("Lesson in Tokyo's evening", 12_345, "JPY", "charge_at_booking").await?;
        self.authorise_and_capture(&consultation).await?;
        self.saved_card(&consultation).await?;
        self.tiered_refund(&review).await?;
        self.dispute(&review).await?;
        self.late_payment(&review).await?;
        self.yen(&lesson).await?;
        self.balance().await
    }

    async fn publish(&mut self) -> Result<(), Wrong> {
        self.step("An expert publishes, and connects Stripe");
        let profile = json!({ "name": "Ada Lovelace", "headline": "Analytical engines" });
        let expert = self.post("ada", "/v1/experts", &profile, 201).await?;
        self.expert = text(&expert, "/id")?.to_owned();
        let day = json!([{ "opens": "09:00", "closes": "17:00" }]);
        let hours = json!({
            "time_zone": "Europe/London",
            "weekly": { "monday": day, "tuesday": day, "wednesday": day, "thursday": day, "friday": day },
        });
        let path = format!("/v1/experts/{}", self.expert);
        let call = self.caller.put(&format!("{path}/availability")).signed_in(&self.token("ada"));
        call.header("If-Match", "\"0\"").json(&hours).send().await?.with(200)?;
        self.post("ada", &format!("{path}/payment-accounts/stripe/onboarding"), &json!({}), 201).await?;
        let account = self.get("ada", &format!("{path}/payment-accounts/stripe")).await?;
        let account = text(&account, "/account")?.to_owned();
        let done = self.stripe()?.onboard(&account, simulators::stripe::Onboarding::Complete);
        done.map_err(|refused| Wrong::new("onboarding", "done", refused.message))?;
        self.get("ada", &format!("{path}/payment-accounts/stripe")).await?;
        Ok(())
    }

    async fn offer(
        &mut self,
        name: &str,
        amount: u64,
        currency: &str,
        collection: &str,
    ) -> Result<String, Wrong> {
        let terms = json!({
            "name": name,
            "length_minutes": 60,
            "step_minutes": 30,
            "price": { "amount": amount, "currency": currency },
            "collection": collection,
            "cancellation": { "tiers": [
                { "until_hours_before": 48, "refund_percent": 100 },
                { "until_hours_before": 24, "refund_percent": 50 },
            ] },
        });
        let path = format!("/v1/experts/{}/session-types", self.expert);
        let kind = self.post("ada", &path, &terms, 201).await?;
        self.say(format_args!("{name}: {}, {collection}", words::money(&kind, "/price")?));
        Ok(text(&kind, "/id")?.to_owned())
    }

    /// Books at the first free start from an instant on; the appointment.
    async fn book(&mut self, who: &str, kind: &str, from: Timestamp) -> Result<Value, Wrong> {
        let (expert, to) = (self.expert.clone(), from.plus(7 * DAY));
        let path = format!("/v1/experts/{expert}/slots?session_type={kind}&from={from}&to={to}");
        let slots: Value = self.caller.get(&path).quietly().send().await?.document(200)?;
        let body = json!({
            "expert_id": expert,
            "session_type_id": kind,
            "start": text(&slots, "/slots/0/start")?,
            "attendee": { "name": who, "email": format!("{who}@example.org"), "time_zone": "Europe/Berlin" },
        });
        self.post(who, "/v1/appointments", &body, 201).await
    }

    fn pay(&self, appointment: &Value, card: &str) -> Result<(), Wrong> {
        let paid = self.stripe()?.pay(text(appointment, "/payment/intent")?, card);
        paid.map(|_| ()).map_err(|refused| Wrong::new("paying", "done", refused.message))
    }

    /// Looks at an appointment until nothing is owed any more, and makes sure how it stands.
    async fn stands(
        &self,
        who: &str,
        appointment: &Value,
        status: &str,
        payment: &str,
    ) -> Result<Value, Wrong> {
        self.stack.settle().await;
        let path = format!("/v1/appointments/{}", text(appointment, "/id")?);
        let now = self.get(who, &path).await?;
        must_be(&now, "/status", status)?;
        must_be(&now, "/payment/state", payment)?;
        self.say(format_args!(
            "{status}, {payment}: paid {}, refunded {}",
            words::money(&now, "/payment/paid")?,
            words::money(&now, "/payment/refunded")?
        ));
        Ok(now)
    }

    async fn authorise_and_capture(&mut self, kind: &str) -> Result<(), Wrong> {
        self.step("A session tomorrow: set aside at booking, taken when it took place");
        let booked = self.book("alan", kind, self.now().plus(DAY)).await?;
        self.pay(&booked, GOOD_CARD)?;
        let now = self.stands("alan", &booked, "confirmed", "authorised").await?;
        let end: Timestamp = instant(&now, "/end")?;
        self.until(end).await?;
        let path = format!("/v1/appointments/{}/complete", text(&booked, "/id")?);
        self.post("ada", &path, &json!({}), 200).await?;
        self.stands("alan", &booked, "completed", "paid").await?;
        Ok(())
    }

    async fn saved_card(&mut self, kind: &str) -> Result<(), Wrong> {
        self.step("A session in three weeks: the card is saved, and asked near the time");
        let booked = self.book("alan", kind, self.now().plus(20 * DAY)).await?;
        self.pay(&booked, GOOD_CARD)?;
        let now = self.stands("alan", &booked, "confirmed", "card_saved").await?;
        let start = instant(&now, "/start")?;
        self.until(start.plus(-2 * DAY)).await?;
        self.stands("alan", &booked, "confirmed", "authorised").await?;
        self.until(start.plus(HOUR)).await?;
        let path = format!("/v1/appointments/{}/complete", text(&booked, "/id")?);
        let less = json!({ "charge": { "amount": 36_005, "currency": "EUR" } });
        self.post("ada", &path, &less, 200).await?;
        self.say("The expert takes less than was agreed; the rest was never taken.");
        self.stands("alan", &booked, "completed", "paid").await?;
        Ok(())
    }

    async fn tiered_refund(&mut self, kind: &str) -> Result<(), Wrong> {
        self.step("Called off 36 hours before: the policy gives half back, and says so first");
        let booked = self.book("alan", kind, self.now().plus(6 * DAY)).await?;
        self.pay(&booked, GOOD_CARD)?;
        let now = self.stands("alan", &booked, "confirmed", "paid").await?;
        self.until(instant(&now, "/start")?.plus(-36 * HOUR)).await?;
        let path = format!("/v1/appointments/{}", text(&booked, "/id")?);
        let quote = self.get("alan", &format!("{path}/cancellation")).await?;
        let refund = words::money(&quote, "/refund")?;
        self.say(format_args!(
            "calling off now gives {refund} back and keeps {}",
            words::money(&quote, "/final_charge")?
        ));
        let body = json!({ "reason": "Ill.", "expected_refund": quote["refund"] });
        self.post("alan", &format!("{path}/cancel"), &body, 200).await?;
        let now = self.stands("alan", &booked, "cancelled", "partly_refunded").await?;
        same("the refund", refund, words::money(&now, "/payment/refunded")?)
    }

    async fn dispute(&mut self, kind: &str) -> Result<(), Wrong> {
        self.step("A client disputes a payment at their bank, which decides for the expert");
        let booked = self.book("alan", kind, self.now().plus(3 * DAY)).await?;
        self.pay(&booked, GOOD_CARD)?;
        self.stands("alan", &booked, "confirmed", "paid").await?;
        let refused =
            |refused: simulators::stripe::Refused| Wrong::new("the dispute", "done", refused.message);
        let intent = text(&booked, "/payment/intent")?;
        let dispute = self.stripe()?.dispute(intent, None, "fraudulent").map_err(refused)?;
        self.stands("ada", &booked, "confirmed", "disputed").await?;
        self.say("the bank took it back for now, and the expert's part was taken back with it");
        let id = text(&dispute, "/id")?;
        self.stripe()?.close_dispute(id, DisputeOutcome::Won).map_err(refused)?;
        self.stands("ada", &booked, "confirmed", "paid").await?;
        Ok(())
    }

    async fn late_payment(&mut self, kind: &str) -> Result<(), Wrong> {
        self.step("A client pays after the hold ended and somebody else took the slot");
        let at = self.now().plus(5 * DAY);
        let slow = self.book("alan", kind, at).await?;
        self.clock.advance(11 * MINUTE);
        let quick = self.book("katherine", kind, at).await?;
        self.pay(&quick, GOOD_CARD)?;
        self.pay(&slow, GOOD_CARD)?;
        self.stands("katherine", &quick, "confirmed", "paid").await?;
        self.stands("alan", &slow, "expired", "refunded").await?;
        Ok(())
    }

    async fn yen(&mut self, kind: &str) -> Result<(), Wrong> {
        self.step("Yen have no cents: a tenth of JPY 12345 is JPY 1235");
        let booked = self.book("alan", kind, self.now().plus(2 * DAY)).await?;
        self.pay(&booked, GOOD_CARD)?;
        let now = self.stands("ada", &booked, "confirmed", "paid").await?;
        let fee = words::money(&now, "/payment/fee")?;
        same("the fee", "JPY 1235", fee)?;
        let path = format!("/v1/appointments/{}/refunds", text(&booked, "/id")?);
        let amount = json!({ "amount": { "amount": 4_321, "currency": "JPY" } });
        self.post("ada", &path, &amount, 201).await?;
        self.stands("alan", &booked, "confirmed", "partly_refunded").await?;
        Ok(())
    }

    /// Our ledger and the gateway's books, side by side.
    async fn balance(&mut self) -> Result<(), Wrong> {
        self.step("The ledger, and the gateway's own books");
        let wrong = |error: String| Wrong::new("the ledger", "readable", error);
        let expert: ExpertId = self.expert.parse().map_err(|_| wrong(self.expert.clone()))?;
        let all = TimeSpan::new(Timestamp::MIN, Timestamp::MAX);
        let store = &self.stack.app.store;
        let page = store.ledger(expert, all, None, None).await.map_err(|error| wrong(error.to_string()))?;
        let movements: Vec<_> = page.entries.into_iter().flat_map(|entry| entry.movements).collect();
        let balances = Balances::of(&movements);
        let account = store.payment_account(expert, GatewayKind::Stripe).await;
        let account = account.map_err(|error| wrong(error.to_string()))?.map(|account| account.account);
        let books = self.stripe()?.balances();
        self.say(format_args!(
            "{:<34}{:>16}{:>16}",
            format!("{} movements", movements.len()),
            "ledger",
            "Stripe"
        ));
        for code in ["EUR", "JPY"] {
            let currency: Currency =
                code.to_owned().try_into().map_err(|_| wrong(format!("{code} is no currency")))?;
            let mut sum = 0;
            for (name, accounts, owner) in [
                ("client, and set aside", &[Account::Client, Account::Authorised][..], Some("guests")),
                ("expert", &[Account::Expert], account.as_deref()),
                ("platform", &[Account::Platform], Some("platform")),
                ("Stripe, for its services", &[Account::Gateway], Some("stripe")),
            ] {
                let ours: i128 = accounts.iter().map(|account| balances.get(*account, currency)).sum();
                let lines = books.iter().filter(|line| {
                    Some(line.owner.as_str()) == owner && line.currency.eq_ignore_ascii_case(code)
                });
                let theirs: i128 = lines.map(|line| i128::from(line.amount)).sum();
                self.say(format_args!(
                    "{:<34}{:>16}{:>16}",
                    format!("{code}  {name}"),
                    shown(ours, currency),
                    shown(theirs, currency)
                ));
                same(name, theirs, ours)?;
                sum += ours;
            }
            same("the sum of all balances", 0, sum)?;
        }
        self.say("Every line agrees, and each column adds up to nothing.");
        Ok(())
    }
}

fn instant(document: &Value, pointer: &str) -> Result<Timestamp, Wrong> {
    let word = text(document, pointer)?;
    word.parse().map_err(|_| Wrong::new(pointer, "RFC 3339", word))
}

fn same(what: &str, expected: impl ToString, came: impl ToString) -> Result<(), Wrong> {
    let (expected, came) = (expected.to_string(), came.to_string());
    if expected == came { Ok(()) } else { Err(Wrong::new(what, expected, came)) }
}

/// `-80.00`
fn shown(amount: i128, currency: Currency) -> String {
    let money =
        u64::try_from(amount.unsigned_abs()).ok().and_then(|amount| Money::new(amount, currency).ok());
    let digits = money.map_or_else(|| amount.to_string(), |money| money.to_string());
    let digits = digits.split_once(' ').map_or(digits.as_str(), |(_, digits)| digits);
    format!("{}{digits}", if amount < 0 { "-" } else { "" })
}
