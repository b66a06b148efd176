//! A simulator of Stripe that speaks its wire protocol and keeps state.
//!
//! It follows the API version [`API_VERSION`] for the part of Stripe that a marketplace with destination charges
//! needs: Connect accounts and their onboarding, customers and saved cards, payment intents, refunds, transfers
//! and their reversals, application fees, disputes, payouts, taxes, the books behind them, events, and signed
//! webhooks. A parameter that it does not act on is refused rather than ignored, so that nothing works here that
//! Stripe would drop. Source: <https://docs.stripe.com/api>.
//!
//! `router` and `auth` read requests, and `dispatch` has the routes; the modules named for Stripe's objects act
//! on the `state`, `confirm` and `settle` pay, and `books` counts the money;
//! `render` and `expand` write Stripe's JSON; `events` and `webhooks` tell the product; `pages` are for people.

mod accounts;
mod api_error;
mod auth;
mod books;
mod cards;
mod confirm;
mod currencies;
mod customers;
mod dispatch;
mod disputes;
mod events;
mod expand;
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
mod settle;
mod setup_intents;
mod simulator_routes;
mod state;
mod tax;
mod transfers;
mod validate;
mod webhooks;
mod work;

/// What most modules of Stripe's objects use.
mod prelude {
    pub(super) use serde_json::{Map, Value, json};

    pub(super) use super::api_error::ApiError;
    pub(super) use super::books::{book, line, next_share};
    pub(super) use super::cards::*;
    pub(super) use super::events::{about, changed, emit, emit_change};
    pub(super) use super::form::Form;
    pub(super) use super::state::*;
    pub(super) use super::work::{Outcome, Work};
    pub(super) use super::{
        PLATFORM, accounts, cards, confirm, currencies, customers, display, fees, intents, payment_methods,
        render, settle, setup_intents, transfers, validate,
    };
    pub(super) use crate::random;
}

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use url::Url;

pub use crate::balances::Balance;
pub use crate::faults::Faults;
pub use crate::simulator::Refused;
pub use accounts::Onboarding;
pub use books::{DISPUTE_FEE, FEE_BASIS_POINTS, FIXED_FEE};
pub use cards::{LATER_AFTER, TEST_CARDS, TestCard};
pub use disputes::DisputeOutcome;
pub use payouts::PayoutOutcome;
pub use tax::CALCULATION_LASTS;
pub use webhooks::{RETRY_AFTER, signature_header};

use crate::simulator::{Action, Service, Settings, Simulator};
use crate::state_file::StateFile;
use crate::{Clock, OpenError, balances};
use state::{IntentStatus, State};
use work::{Caller, Outcome, Work};

/// The version of Stripe's API that responses and events follow. The version that a request names is only repeated in
/// the response's header.
/// Source: <https://docs.stripe.com/changelog/endive>.
pub const API_VERSION: &str = "2026-10-28.endive";

/// The platform's name in the books.
pub const PLATFORM: &str = "platform";

/// The configuration of a simulator.
#[derive(Clone)]
pub struct StripeSimulatorConfig {
    /// The platform's secret API key, such as `sk_test_local`.
    pub secret_key: String,
    /// The secret that webhooks are signed with, such as `whsec_local`. The key is the whole text, including `whsec_`.
    pub webhook_secret: String,
    /// The address that events are posted to; `http` only. Without one, events are not delivered.
    pub webhook_url: Option<Url>,
    /// The file that the state is saved in. Without one, the state is lost at the end.
    pub state_file: Option<PathBuf>,
    /// The simulator's time.
    pub clock: Clock,
    /// The simulator's address, such as `http://127.0.0.1:12111/`.
    pub public_url: Url,
}

/// The part of a simulator that is Stripe's.
pub struct Stripe {
    secret_key: String,
    webhook_secret: String,
    request_check: OnceLock<RequestCheck>,
}

/// Returns what is wrong with a request, from its method, its path, and the names and values of its form.
pub type RequestCheck = Box<dyn Fn(&str, &str, &[(String, String)]) -> Option<String> + Send + Sync>;

/// A simulator of Stripe. See the [module](self).
pub type StripeSimulator = Simulator<Stripe>;

impl Service for Stripe {
    type State = State;
    type Caller = Caller;
    type Error = api_error::ApiError;

    const RETRY_AFTER: &'static [i64] = &RETRY_AFTER;

    fn next_due(state: &State, now: i64) -> Option<(i64, Action<Self>, &str)> {
        let held = state.intents.iter().filter(|intent| intent.core.status == IntentStatus::RequiresCapture);
        let expiring = held.filter_map(|intent| {
            let charge = state.charges.get(intent.latest_charge.as_deref()?)?;
            Some((charge.capture_before?, confirm::expire as Action<Self>, &*intent.id))
        });
        let charges = state.charges.iter();
        let disputed = charges
            .filter_map(|row| Some((row.disputed_at?, disputes::open_by_card as Action<Self>, &*row.id)));
        let refunds = state.refunds.iter();
        let settling =
            refunds.filter_map(|row| Some((row.settles?.0, refunds::settle as Action<Self>, &*row.id)));
        let due = expiring.chain(disputed).chain(settling).filter(|(at, ..)| *at <= now);
        due.min_by_key(|(at, ..)| *at)
    }

    fn balances(state: &State) -> Vec<Balance> {
        books::balances(state)
    }

    fn webhook(&self, state: &State, event: &str) -> Option<(String, String)> {
        let event = state.events.get(event)?;
        Some((event.kind.clone(), render::event(state, event).to_string()))
    }

    fn webhook_headers(&self, now: i64, body: &str) -> Result<Vec<(&'static str, String)>, OpenError> {
        Ok(vec![
            ("content-type", "application/json; charset=utf-8".to_owned()),
            ("stripe-signature", signature_header(&self.webhook_secret, now, body)),
            ("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)".to_owned()),
        ])
    }
}

impl Simulator<Stripe> {
    /// Starts a simulator, with the state of its last run when `config.state_file` has one.
    pub fn open(config: StripeSimulatorConfig) -> Result<Arc<Self>, OpenError> {
        let StripeSimulatorConfig { secret_key, webhook_secret, webhook_url, state_file, clock, public_url } =
            config;
        let (file, state) = StateFile::open(state_file.as_deref())?;
        let service = Stripe { secret_key, webhook_secret, request_check: OnceLock::new() };
        Self::start(service, Settings { webhook_url, clock, public_url }, file, state)
    }

    /// The API, the hosted pages and the `/_simulator` routes, to be served at the root of `public_url`.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        router::router(Arc::clone(self))
    }

    /// From now on, a `POST` with the secret key gets a 400 if `check` finds something wrong in it. Later calls of this
    /// function have no effect.
    pub fn check_requests(&self, check: RequestCheck) {
        let _ = self.service.request_check.set(check);
    }

    /// Any object by its id, as the API returns it.
    pub fn object(&self, id: &str) -> Option<Value> {
        render::any(&self.up_to_date().state, id)
    }

    /// The events so far, oldest first, as the API returns them.
    pub fn events(&self) -> Vec<Value> {
        let shared = self.up_to_date();
        shared.state.events.iter().map(|event| render::event(&shared.state, event)).collect()
    }

    /// Ends the onboarding of a connected account as its owner would on the hosted page.
    pub fn onboard(&self, account: &str, outcome: Onboarding) -> Result<(), Refused> {
        self.act(|work| accounts::onboard(work, account, outcome)).map(|_| ())
    }

    /// Revokes the platform's access to a connected account, as its owner can.
    pub fn deauthorize(&self, account: &str) -> Result<(), Refused> {
        self.act(|work| accounts::deauthorize(work, account)).map(|_| ())
    }

    /// Sets up an account, or [`PLATFORM`], for Stripe Tax as its owner would in the dashboard: whether its
    /// settings are `active`, and where it is registered, such as `DE`, or `US-CA` for a state. Returns the
    /// settings.
    pub fn set_up_tax(&self, account: &str, active: bool, registrations: &[&str]) -> Result<Value, Refused> {
        let registrations: Vec<String> = registrations.iter().map(|place| (*place).to_owned()).collect();
        self.act(|work| tax::set_up(work, account, active, registrations))
    }

    /// The entries in the tax reports of an account, or of [`PLATFORM`], oldest first.
    pub fn tax_entries(&self, account: &str) -> Vec<Value> {
        tax::entries(&self.lock().state, account)
    }

    /// Pays a payment intent, or saves a card for a setup intent, with the number of a test card as its owner
    /// would on the hosted page, and returns the intent. A card that asks for 3-D Secure leaves it in
    /// `requires_action`.
    pub fn pay(&self, intent: &str, card_number: &str) -> Result<Value, Refused> {
        self.act(|work| confirm::use_card(work, intent, card_number, None))
    }

    /// Passes, or fails, the 3-D Secure challenge that a payment or setup intent waits for, and returns the
    /// intent.
    pub fn authenticate(&self, intent: &str, approve: bool) -> Result<Value, Refused> {
        self.act(|work| confirm::authenticate(work, intent, approve))
    }

    /// Disputes a charge, or the latest charge of a payment intent, as the cardholder's bank does, and returns the
    /// dispute. `amount` is in minor units; without it the dispute is about all that was not refunded.
    /// `reason` is one of Stripe's, such as `fraudulent`.
    pub fn dispute(&self, payment: &str, amount: Option<i64>, reason: &str) -> Result<Value, Refused> {
        self.act(|work| disputes::open(work, payment, amount, reason))
    }

    /// Closes a dispute, and returns it.
    pub fn close_dispute(&self, dispute: &str, outcome: DisputeOutcome) -> Result<Value, Refused> {
        self.act(|work| disputes::close(work, dispute, outcome))
    }

    /// Pays `amount` (minor units) of a connected account's balance out to its bank, and returns the payout.
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

    fn act(&self, action: impl FnOnce(&mut Work) -> Outcome) -> Result<Value, Refused> {
        Ok(self.write(&mut self.lock(), Caller::default(), action)?)
    }
}

/// An amount in minor units as people write it.
fn display(amount: i64, currency: &str) -> String {
    balances::display(amount, currency, currencies::exponent(currency))
}
