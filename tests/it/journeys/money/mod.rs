//! Payments, to the minor unit: authorization, capture and refunds. The ledger must agree with the gateway's books.

mod abuse;
mod authorizing;
mod disputes;
mod endings;
mod faults;
mod payouts;
mod policies;
mod refund_costs;
mod refunds;
mod taxes;

use domain::ExpertId;
use domain::payments::ledger::{Account, Balances, Movement, MovementKind};
use serde_json::{Value, json};

use crate::harness::{GOOD_CARD, Offer, TestApp, id, intent, paid_hour};

/// An hour whose price is authorized at booking and captured after the session.
fn authorized_hour() -> Value {
    let mut terms = paid_hour();
    terms["collection"] = json!("authorize_then_capture");
    terms
}

/// A cancellation policy with tiers: full refund until two days before the session, half until one day before.
fn tiered_hour() -> Value {
    let mut terms = paid_hour();
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

impl TestApp {
    /// Books a slot, and pays or saves the card. Returns the appointment.
    async fn book_with_card(&self, offer: &Offer, start: &str, card: &str) -> Value {
        let key = format!("{start}-{card}");
        let booked = self.book(offer, start, &key).await.expect(201);
        self.stripe().pay(intent(&booked), card).expect("the card works");
        self.stack.run_until_idle().await;
        booked
    }

    /// Books a slot, and pays or saves a card that is accepted. Returns the appointment's id.
    async fn book_and_secure(&self, offer: &Offer, start: &str) -> String {
        id(&self.book_with_card(offer, start, GOOD_CARD).await)
    }

    /// All movements in an expert's ledger.
    async fn movements(&self, offer: &Offer) -> Vec<Movement> {
        let expert: ExpertId = offer.expert.parse().expect("an id");
        let all = domain::TimeSpan::new(domain::Timestamp::MIN, domain::Timestamp::MAX);
        let page = self.stack.app.store.ledger(expert, all, None, None).await.expect("readable");
        page.entries.into_iter().flat_map(|entry| entry.movements).collect()
    }

    /// The kinds of movements in the order of the ledger; at the same instant, ordered by appointment.
    async fn kinds(&self, offer: &Offer) -> Vec<MovementKind> {
        self.movements(offer).await.iter().map(|movement| movement.kind).collect()
    }

    /// The balances of the ledger. Checks that they equal the simulator's books and add up to zero.
    async fn balances(&self, offer: &Offer) -> Balances {
        let movements = self.movements(offer).await;
        let balances = Balances::of(&movements);
        let expert: ExpertId = offer.expert.parse().expect("an id");
        let gateway = domain::payments::gateway::GatewayKind::Stripe;
        let account = self
            .stack
            .app
            .store
            .payment_account(expert, gateway)
            .await
            .expect("readable")
            .expect("an account");
        let books = self.stripe().balances();
        let codes: std::collections::BTreeSet<_> =
            books.iter().map(|line| line.currency.to_ascii_uppercase()).collect();
        for code in codes {
            let currency = code.clone().try_into().expect("a currency");
            let ours = |accounts: &[Account]| -> i128 {
                accounts.iter().map(|account| balances.get(*account, currency)).sum()
            };
            let theirs = |owner: &str| -> i128 {
                let of = |line: &&simulators::stripe::Balance| {
                    line.owner == owner && line.currency.eq_ignore_ascii_case(&code)
                };
                // Stripe counts these currencies in hundredths, although they have no minor unit.
                let hundredths = if matches!(code.as_str(), "ISK" | "UGX") { 100 } else { 1 };
                books.iter().filter(of).map(|line| i128::from(line.amount) / hundredths).sum()
            };
            for (accounts, owner) in [
                (&[Account::Client, Account::Authorized][..], "clients"),
                (&[Account::Platform, Account::ProcessingCosts], "platform"),
                (&[Account::Expert], account.account.as_str()),
                (&[Account::Gateway], "stripe"),
                (&[Account::ExpertBank], "bank"),
            ] {
                assert_eq!(ours(accounts), theirs(owner), "{owner} {code}: {movements:#?}");
            }
            assert_eq!(ours(&Account::ALL), 0, "{code}");
        }
        balances
    }

    /// The balances of these accounts in euro cents.
    async fn cents<const N: usize>(&self, offer: &Offer, accounts: [Account; N]) -> [i128; N] {
        let balances = self.balances(offer).await;
        accounts.map(|account| balances.get(account, domain::Currency::EUR))
    }

    /// Pays for an expensive session, so that the platform has a balance. Returns the balances of these accounts in euro cents.
    async fn fund_platform<const N: usize>(&self, offer: &Offer, accounts: [Account; N]) -> [i128; N] {
        let mut dear = paid_hour();
        dear["name"] = json!("Dear");
        dear["durations"][0]["price"]["amount"] = json!(100_000);
        let session_type = self.session_type(&offer.expert, &dear).await;
        let dear = Offer { session_type, ..offer.clone() };
        self.book_and_secure(&dear, "2027-01-08T10:00:00Z").await;
        self.cents(offer, accounts).await
    }

    /// The payment of an appointment, as its client reads it.
    pub async fn payment(&self, appointment: &str) -> Value {
        self.appointment(appointment).await["payment"].clone()
    }

    /// Advances the clock to an instant, and runs the sweep every six hours on the way.
    pub async fn advance_to(&self, instant: &str) {
        let end: domain::Timestamp = instant.parse().expect("a time");
        while self.clock.now() < end.seconds() {
            self.advance((end.seconds() - self.clock.now()).min(6 * 3_600));
            self.stack.run_until_idle().await;
            self.sweep().await;
        }
    }

    /// The number of published events of this type.
    fn published(&self, kind: &str) -> usize {
        self.stack.bus.published().iter().filter(|event| event.kind == kind).count()
    }
}
