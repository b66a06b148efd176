//! A card processor that speaks Stripe's wire protocol and remembers what it did.
//!
//! It follows the API version [`API_VERSION`] for the part of Stripe a marketplace needs: Connect accounts
//! and their onboarding, customers and the cards they leave for later, payment intents, refunds, transfers
//! and their reversals, application fees, disputes, payouts, taxes, the books behind them, events, and
//! signed webhooks. A parameter it does not act on is refused rather than ignored, so nothing passes here that would
//! be lost there. Source: <https://docs.stripe.com/api>.
//!
//! Files: `state` is what is remembered; `router` reads requests and `dispatch` says who acts on them; the files named for Stripe's objects act on
//! the state, `settle` splits what was paid, `books` writes it down, and `time` does what happens by itself;
//! `render` turns the state into Stripe's JSON; `events` and `webhooks` tell the product; `pages` shows
//! people; [`description`] checks requests against a description of the API.

mod accounts;
mod api_error;
mod books;
mod cards;
mod confirm;
mod currencies;
mod customers;
pub mod description;
mod dispatch;
mod disputes;
mod events;
mod fees;
mod form;
mod idempotency;
mod intents;
mod listing;
mod pages;
mod payment_methods;
mod payouts;
mod refunds;
mod render;
mod router;
mod secrets;
mod settle;
mod setup_intents;
mod simulator_calls;
mod state;
mod switches;
mod tax;
mod time;
mod transfers;
mod validate;
mod webhooks;
mod work;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;
use url::Url;

pub use crate::webhooks::Attempt;
pub use accounts::Onboarding;
pub use books::{DISPUTE_FEE, FEE_BASIS_POINTS, FIXED_FEE};
pub use cards::{LATER_AFTER, TEST_CARDS, TestCard};
pub use disputes::DisputeOutcome;
pub use payouts::PayoutOutcome;
pub use switches::Switches;
pub use tax::CALCULATION_LASTS;
pub use webhooks::{RETRY_AFTER, signature_header};

use crate::claims::Claims;
use crate::webhooks::Sender;
use crate::{Clock, OpenError, files};
use description::{Description, Violation};
use state::State;
use work::{Origin, Work};

/// The version of Stripe's API whose shapes the simulator answers with, and puts in its events.
/// Source: <https://docs.stripe.com/changelog/endive>.
pub const API_VERSION: &str = "2026-10-28.endive";

/// The id of the platform's own account, as it stands in the books and in `application` fields' stead.
pub const PLATFORM: &str = "platform";

/// What a simulator needs to know before it starts.
#[derive(Clone)]
pub struct StripeSimulatorConfig {
    /// The platform's secret API key, such as `sk_test_local`. Calls without it are answered 401.
    pub secret_key: String,
    /// The secret that webhooks are signed with, such as `whsec_local`. It is used as it stands.
    pub webhook_secret: String,
    /// Where events are posted to; `http` only. Events of a time without an address are never delivered.
    pub webhook_url: Option<Url>,
    /// Where the state is kept; without it everything is forgotten at the end.
    pub state_file: Option<PathBuf>,
    /// The simulator's time, in Unix seconds.
    pub clock: Clock,
    /// The address browsers reach the simulator's pages at, such as `http://127.0.0.1:12111/`.
    pub public_url: Url,
}

/// The secrets stay out of logs.
impl std::fmt::Debug for StripeSimulatorConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("StripeSimulatorConfig")
            .field("webhook_url", &self.webhook_url.as_ref().map(Url::as_str))
            .field("state_file", &self.state_file)
            .field("public_url", &self.public_url.as_str())
            .finish_non_exhaustive()
    }
}

/// What somebody owns, or owes when it is negative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// `platform`, the id of a connected account, `stripe` (its fees), `guests` (all who pay) or `bank` (what
    /// was paid out).
    /// The amounts of all owners in one currency add up to zero.
    pub owner: String,
    /// The three-letter code in lower case.
    pub currency: String,
    /// Minor units of the currency.
    pub amount: i64,
}

/// Why something could not be done that was asked for through the library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// The HTTP status Stripe would have answered.
    pub status: u16,
    /// Stripe's error code, such as `card_declined`.
    pub code: Option<String>,
    /// Stripe's sentence for developers.
    pub message: String,
}

/// The simulated Stripe. See the [module](self).
pub struct StripeSimulator {
    config: StripeSimulatorConfig,
    shared: Mutex<Shared>,
    /// Raised whenever the switches change, for the calls that wait for it.
    switched: tokio::sync::watch::Sender<()>,
    sender: Sender,
    /// Idempotency keys of calls that have not been answered yet.
    keys_in_use: Claims<String>,
}

struct Shared {
    state: State,
    switches: Switches,
    webhook_url: Option<Url>,
    /// What requests are checked against.
    description: Option<Arc<Description>>,
    violations: Vec<Violation>,
}

impl StripeSimulator {
    /// Starts, with the state of its last run when `config.state_file` holds one.
    pub fn open(config: StripeSimulatorConfig) -> Result<Arc<Self>, OpenError> {
        let shared = Shared {
            state: files::load(config.state_file.as_deref())?,
            switches: Switches::default(),
            webhook_url: config.webhook_url.clone(),
            description: None,
            violations: Vec::new(),
        };
        let simulator = Self {
            config,
            shared: Mutex::new(shared),
            switched: tokio::sync::watch::Sender::new(()),
            sender: Sender::new()?,
            keys_in_use: Claims::default(),
        };
        simulator.save(&simulator.lock())?;
        Ok(Arc::new(simulator))
    }

    /// The API, the hosted pages and the `/_simulator` helpers, to be served at the root of `public_url`.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        router::router(Arc::clone(self))
    }

    /// Posts every webhook that is due by the clock, one after another, and answers how many attempts that
    /// took.
    ///
    /// A delivery that is not answered with a 2xx comes back after [`RETRY_AFTER`]. Things that happen by
    /// themselves at their time — a bank debit settles, an authorisation runs out — happen here first.
    pub async fn deliver_due_webhooks(&self) -> usize {
        self.sender.deliver_due(self).await
    }

    /// When the next delivery is due, in Unix seconds; `None` when nothing waits.
    pub fn next_webhook_due(&self) -> Option<i64> {
        self.lock().state.webhooks.next_due()
    }

    /// Sends the events from now on, and the deliveries that still wait, to `url` (`http` only).
    pub fn set_webhook_url(&self, url: Url) {
        self.lock().webhook_url = Some(url);
    }

    /// The misbehaviour that is switched on.
    pub fn switches(&self) -> Switches {
        self.lock().switches.clone()
    }

    /// Replaces the misbehaviour. Calls that [`Switches::stall_calls`] held go on.
    pub fn set_switches(&self, mut switches: Switches) {
        let mut shared = self.lock();
        if std::mem::take(&mut switches.prune_keys) {
            shared.state.stored_answers.clear();
            if let Err(error) = self.save(&shared) {
                tracing::error!(%error, "the simulator's state was not saved");
            }
        }
        shared.switches = switches;
        drop(shared);
        self.switched.send_replace(());
    }

    /// Checks the body of every request with a secret key against `description` from now on. One that
    /// violates it is answered 400 and does nothing; [`violations`](Self::violations) names it.
    pub fn check_requests(&self, description: Description) {
        self.lock().description = Some(Arc::new(description));
    }

    /// What was wrong with the requests that violated the description, oldest first. A restart forgets it.
    pub fn violations(&self) -> Vec<Violation> {
        self.lock().violations.clone()
    }

    /// Everybody's balance, by owner and currency.
    pub fn balances(&self) -> Vec<Balance> {
        books::balances(&self.up_to_date().state)
    }

    /// Any object by its id, as the API would answer it; `None` when there is none.
    pub fn object(&self, id: &str) -> Option<Value> {
        render::any(&self.up_to_date().state, id)
    }

    /// The events so far, oldest first, as the API would answer them.
    pub fn events(&self) -> Vec<Value> {
        let shared = self.up_to_date();
        shared.state.events.iter().map(|event| render::event(&shared.state, event)).collect()
    }

    /// The attempts to deliver webhooks so far, oldest first. The last thousand are kept.
    pub fn delivery_attempts(&self) -> Vec<Attempt> {
        self.lock().state.webhooks.attempts.clone()
    }

    /// Ends the onboarding of a connected account as its owner would on the hosted page.
    pub fn onboard(&self, account: &str, outcome: Onboarding) -> Result<(), Refused> {
        self.act(|work| accounts::onboard(work, account, outcome)).map(|_| ())
    }

    /// Takes the platform's access to a connected account away, as its owner can.
    pub fn deauthorize(&self, account: &str) -> Result<(), Refused> {
        self.act(|work| accounts::deauthorize(work, account)).map(|_| ())
    }

    /// Sets up an account for Stripe Tax as its owner would in the dashboard: whether its settings are `active`, and where it is
    /// registered, such as `DE`, or `US-CA` for a state. Answers the settings.
    pub fn set_up_tax(&self, account: &str, active: bool, registrations: &[&str]) -> Result<Value, Refused> {
        let registrations: Vec<String> = registrations.iter().map(|place| (*place).to_owned()).collect();
        self.act(|work| tax::set_up(work, account, active, &registrations))
    }

    /// The entries in the tax reports of an account, or of [`PLATFORM`], oldest first.
    pub fn tax_entries(&self, account: &str) -> Vec<Value> {
        tax::entries(&self.lock().state, account)
    }

    /// Pays a payment intent, or saves a card for a setup intent, with a test card's number as its owner would
    /// on the hosted page, and answers the intent. A card that asks for 3-D Secure leaves it in
    /// `requires_action`.
    pub fn pay(&self, intent: &str, card_number: &str) -> Result<Value, Refused> {
        self.act(|work| confirm::use_card(work, intent, card_number, None))
    }

    /// Passes, or fails, the 3-D Secure challenge that a payment or setup intent waits for, and answers the
    /// intent.
    pub fn authenticate(&self, intent: &str, approve: bool) -> Result<Value, Refused> {
        self.act(|work| confirm::authenticate(work, intent, approve))
    }

    /// Disputes a charge, or the latest charge of a payment intent, as the guest's bank does, and answers the
    /// dispute. `amount` is in minor units; without it the dispute is about all that was not refunded.
    /// `reason` is one of Stripe's, such as `fraudulent`.
    pub fn dispute(&self, payment: &str, amount: Option<i64>, reason: &str) -> Result<Value, Refused> {
        self.act(|work| disputes::open(work, payment, amount, reason))
    }

    /// Ends a dispute, and answers it.
    pub fn close_dispute(&self, dispute: &str, outcome: DisputeOutcome) -> Result<Value, Refused> {
        self.act(|work| disputes::close(work, dispute, outcome))
    }

    /// Pays `amount` (minor units) of a connected account's balance out to its bank, and answers the payout.
    /// Without an amount it is an automatic payout of everything; without a `currency` it is in the account's
    /// own.
    pub fn pay_out(
        &self,
        account: &str,
        amount: Option<i64>,
        currency: Option<&str>,
        outcome: PayoutOutcome,
    ) -> Result<Value, Refused> {
        self.act(|work| payouts::pay_out(work, account, amount, currency, outcome))
    }

    fn act(&self, action: impl FnOnce(&mut Work) -> work::Outcome) -> Result<Value, Refused> {
        let mut shared = self.lock();
        let outcome = self.work(&mut shared, Origin::default(), action);
        outcome.map_err(|error| error.refused())
    }

    /// Runs one action and keeps what it did, also when it ended in a refusal: a declined card is remembered.
    fn work(
        &self,
        shared: &mut Shared,
        origin: Origin,
        action: impl FnOnce(&mut Work) -> work::Outcome,
    ) -> work::Outcome {
        let outcome = self.look(shared, origin, action);
        self.keep(shared)?;
        outcome
    }

    fn keep(&self, shared: &Shared) -> Result<(), api_error::ApiError> {
        self.save(shared).map_err(|error| {
            tracing::error!(%error, "the simulator's state was not saved");
            api_error::ApiError::internal("The simulator could not save its state; its log says why.")
        })
    }

    /// Runs an action that changes nothing by itself. What was due by now has happened before it.
    fn look(
        &self,
        shared: &mut Shared,
        origin: Origin,
        action: impl FnOnce(&mut Work) -> work::Outcome,
    ) -> work::Outcome {
        self.pass_time(shared)?;
        action(&mut self.begin(shared, origin))
    }

    /// Does what was due by now.
    fn pass_time(&self, shared: &mut Shared) -> Result<(), api_error::ApiError> {
        if !time::anything_due(&shared.state, self.now()) {
            return Ok(());
        }
        time::pass(&mut self.begin(shared, Origin::default()));
        self.keep(shared)
    }

    fn begin<'a>(&'a self, shared: &'a mut Shared, origin: Origin) -> Work<'a> {
        Work {
            state: &mut shared.state,
            switches: &shared.switches,
            announce: shared.webhook_url.is_some(),
            now: self.now(),
            public_url: &self.config.public_url,
            origin,
        }
    }

    /// The state with everything in it that was due by now.
    fn up_to_date(&self) -> MutexGuard<'_, Shared> {
        let mut shared = self.lock();
        if let Err(error) = self.pass_time(&mut shared) {
            tracing::error!(reason = error.refused().message, "what was due has happened and is not saved");
        }
        shared
    }

    fn now(&self) -> i64 {
        (self.config.clock)()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // Every action checks before it changes anything, so what a panic left behind is still in order.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self, shared: &Shared) -> Result<(), OpenError> {
        files::save(self.config.state_file.as_deref(), &shared.state)
    }
}

/// An amount in minor units with the digits of its currency, for people.
fn in_words(amount: i64, currency: &str) -> String {
    crate::html::money(amount, currency, currencies::exponent(currency))
}
