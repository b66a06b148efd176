//! A payment service that speaks PayPal's wire protocol and remembers what it did.
//!
//! It follows the part of PayPal a marketplace needs: sellers and their onboarding (Partner Referrals v2),
//! orders (Orders v2), authorizations, captures and refunds (Payments v2), disputes in small, the books behind
//! them, events, and signed webhooks. A member of a request that it does not act on is refused rather than
//! ignored, so nothing passes here that would be lost there. Source:
//! <https://developer.paypal.com/docs/multiparty/>.
//!
//! Three things that callers forget, and that are strict here as they are there: a `POST` is answered with id,
//! status and links only, unless it says `Prefer: return=representation`; a change to a seller's payment needs
//! a `PayPal-Auth-Assertion` that names the seller; and `verify-webhook-signature` wants the raw bytes of the
//! webhook (see `webhooks`).
//!
//! Files: `state` is what is remembered; `router` and `access` read requests; `sellers`, `orders`,
//! `authorizations`, `captures`, `refunds` and `disputes` act on the state, `passing` does so by itself;
//! `books` counts the money; `render` turns it all into PayPal's JSON; `events`, `webhooks` and `signing` tell
//! the product; `pages` shows people.

mod access;
mod api_error;
mod authorizations;
mod body;
mod books;
mod captures;
mod disputes;
mod events;
mod idempotency;
mod ids;
mod money;
mod orders;
mod pages;
mod passing;
mod payers;
mod refunds;
mod render;
mod router;
mod sellers;
mod signing;
mod simulator_calls;
mod state;
mod switches;
mod webhooks;
mod work;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;
use url::Url;

pub use crate::webhooks::Attempt;
pub use access::TOKEN_LASTS;
pub use books::{FEE_BASIS_POINTS, FIXED_FEE};
pub use disputes::{DisputeOutcome, DisputeReason};
pub use idempotency::{ORDERS_KEEP_REQUEST_IDS, PAYMENTS_KEEP_REQUEST_IDS};
pub use payers::{TEST_PAYERS, TestPayer};
pub use sellers::Onboarding;
pub use switches::Switches;
pub use webhooks::RETRY_AFTER;

use crate::claims::Claims;
use crate::webhooks::Sender;
use crate::{Clock, OpenError, files};
use api_error::ApiError;
use render::View;
use signing::SigningKey;
use state::State;
use work::{Answer, Caller, Outcome, Work};

/// The platform's name in the books.
pub const PLATFORM: &str = "platform";

/// The name, in the books, of PayPal: its fees, and the money it keeps while a dispute is open.
pub const PAYPAL: &str = "paypal";

/// The name, in the books, of all who pay.
pub const PAYERS: &str = "payers";

/// How long an authorization can be captured, in seconds.
/// Source: <https://developer.paypal.com/docs/api/payments/v2/#authorizations_reauthorize>.
pub const AUTHORIZATION_LASTS: i64 = 29 * 86_400;

/// How long PayPal vouches for the money of an authorization or reauthorization, in seconds.
pub const HONOUR_PERIOD: i64 = 3 * 86_400;

/// How long an eCheck takes to clear or to bounce, in seconds.
pub const ECHECK_CLEARS_AFTER: i64 = 3 * 86_400;

/// What a simulator needs to know before it starts.
#[derive(Clone)]
pub struct PayPalSimulatorConfig {
    /// The platform's client id, such as `paypal-client-local`.
    pub client_id: String,
    /// The platform's client secret. Access tokens are given for both together.
    pub client_secret: String,
    /// The merchant id of the platform's own account: thirteen of the digits 2-9 and the capitals without I
    /// and O.
    pub partner_id: String,
    /// The id of the platform's webhook, which is a part of what is signed: letters and digits, 50 at most.
    pub webhook_id: String,
    /// Where events are posted to; `http` only. Events of a time without an address are never delivered.
    pub webhook_url: Option<Url>,
    /// Where the state is kept; without it everything is forgotten at the end, and the signing key is that of all simulators of
    /// the process that keep nothing.
    pub state_file: Option<PathBuf>,
    /// The simulator's time, in Unix seconds.
    pub clock: Clock,
    /// The address the simulator is reached at, such as `http://127.0.0.1:12112/`.
    pub public_url: Url,
}

impl PayPalSimulatorConfig {
    fn address(&self, path: &str) -> String {
        format!("{}/{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    fn check(&self) -> Result<(), OpenError> {
        let of_account = |letter: char| "23456789ABCDEFGHJKLMNPQRSTUVWXYZ".contains(letter);
        if self.partner_id.len() != 13 || !self.partner_id.chars().all(of_account) {
            let reason = "partner_id has thirteen of the digits 2-9 and the capitals without I and O";
            return Err(OpenError::Configuration(reason.to_owned()));
        }
        let plain = self.webhook_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !plain || self.webhook_id.is_empty() || self.webhook_id.len() > 50 {
            return Err(OpenError::Configuration("webhook_id has 1 to 50 letters and digits".to_owned()));
        }
        Ok(())
    }
}

/// The secret stays out of logs.
impl std::fmt::Debug for PayPalSimulatorConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PayPalSimulatorConfig")
            .field("client_id", &self.client_id)
            .field("partner_id", &self.partner_id)
            .field("webhook_id", &self.webhook_id)
            .field("webhook_url", &self.webhook_url.as_ref().map(Url::as_str))
            .field("state_file", &self.state_file)
            .field("public_url", &self.public_url.as_str())
            .finish_non_exhaustive()
    }
}

/// What somebody owns, or owes when it is negative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// [`PLATFORM`], a seller's merchant id, [`PAYPAL`] or [`PAYERS`]. The amounts of all owners in one
    /// currency add up to zero.
    pub owner: String,
    /// The three-letter code in capitals.
    pub currency: String,
    /// Minor units of the currency, with as many digits as PayPal gives it.
    pub amount: i64,
}

/// Why something could not be done that was asked for through the library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// The HTTP status PayPal would have answered.
    pub status: u16,
    /// PayPal's issue, such as `ORDER_ALREADY_CAPTURED`.
    pub issue: String,
    /// A sentence for developers.
    pub message: String,
}

/// The simulated PayPal. See the [module](self).
pub struct PayPalSimulator {
    config: PayPalSimulatorConfig,
    key: SigningKey,
    shared: Mutex<Shared>,
    /// Raised whenever the switches change, for the calls that wait for it.
    switched: tokio::sync::watch::Sender<()>,
    sender: Sender,
    /// Request ids of calls that have not been answered yet.
    keys_in_use: Claims<String>,
}

struct Shared {
    state: State,
    switches: Switches,
    webhook_url: Option<Url>,
}

impl PayPalSimulator {
    /// Starts, with the state of its last run when `config.state_file` holds one.
    pub fn open(config: PayPalSimulatorConfig) -> Result<Arc<Self>, OpenError> {
        config.check()?;
        let mut state: State = files::load(config.state_file.as_deref())?;
        let key = match &state.signing_key {
            Some(kept) => SigningKey::read(kept)?,
            // Making a key takes a while, and who keeps nothing has no use for one of their own.
            None if config.state_file.is_none() => SigningKey::of_this_process()?,
            None => {
                let (key, kept) = SigningKey::generate()?;
                state.signing_key = Some(kept);
                key
            }
        };
        let (switches, webhook_url) = (Switches::default(), config.webhook_url.clone());
        let simulator = Self {
            config,
            key,
            shared: Mutex::new(Shared { state, switches, webhook_url }),
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
    /// themselves at their time — an eCheck clears, an authorization runs out — happen here first.
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

    /// The headers PayPal would send with a webhook of this body now, signed: name in lower case, and value.
    pub fn webhook_headers(&self, body: &str) -> Result<Vec<(&'static str, String)>, OpenError> {
        webhooks::headers(&self.config, &self.key, self.now(), body)
    }

    /// The misbehaviour that is switched on.
    pub fn switches(&self) -> Switches {
        self.lock().switches.clone()
    }

    /// Replaces the misbehaviour. Calls that [`Switches::stall_calls`] held go on.
    pub fn set_switches(&self, switches: Switches) {
        self.lock().switches = switches;
        self.switched.send_replace(());
    }

    /// Everybody's balance, by owner and currency.
    pub fn balances(&self) -> Vec<Balance> {
        books::balances(&self.lock().state)
    }

    /// Any order, authorization, capture, refund, dispute or seller by its id, as the API would answer it;
    /// `None` when there is none.
    pub fn object(&self, id: &str) -> Option<Value> {
        self.view(&self.lock().state).any(id)
    }

    /// The events so far, oldest first, as the API would answer them.
    pub fn events(&self) -> Vec<Value> {
        let shared = self.lock();
        let bodies = shared.state.events.iter().map(|event| events::body(&self.config, event));
        bodies.filter_map(|body| serde_json::from_str(&body).ok()).collect()
    }

    /// The attempts to deliver webhooks so far, oldest first. The last thousand are kept.
    pub fn delivery_attempts(&self) -> Vec<Attempt> {
        self.lock().state.webhooks.attempts.clone()
    }

    /// Ends a seller's visit to PayPal as they would on the page that `action_url` names, and answers the
    /// seller (null when they left without agreeing, and had never agreed).
    pub fn onboard(&self, tracking_id: &str, outcome: Onboarding) -> Result<Value, Refused> {
        self.act(|work| sellers::onboard(work, tracking_id, outcome))
    }

    /// Takes all rights away from the platform as the seller would in their account, and answers the seller.
    pub fn revoke(&self, merchant_id: &str) -> Result<Value, Refused> {
        self.act(|work| sellers::revoke(work, merchant_id))
    }

    /// Approves an order as a test payer would on PayPal's page, and answers the order.
    pub fn approve(&self, order: &str, payer: &str) -> Result<Value, Refused> {
        self.act(|work| orders::approve(work, order, payer))
    }

    /// Disputes `amount` minor units of a capture, or all that is left of it, and answers the dispute.
    pub fn dispute(
        &self,
        capture: &str,
        reason: DisputeReason,
        amount: Option<i64>,
    ) -> Result<Value, Refused> {
        self.act(|work| disputes::open(work, capture, reason, amount))
    }

    /// Ends a dispute, and answers it.
    pub fn resolve_dispute(&self, dispute: &str, outcome: DisputeOutcome) -> Result<Value, Refused> {
        self.act(|work| disputes::resolve(work, dispute, outcome))
    }

    fn act(&self, action: impl FnOnce(&mut Work) -> Outcome) -> Result<Value, Refused> {
        let mut shared = self.lock();
        match self.work(&mut shared, Caller::default(), action).map_err(ApiError::refused)? {
            Answer::Object { id, .. } | Answer::Quiet { id } => {
                Ok(self.view(&shared.state).any(&id).unwrap_or_default())
            }
            Answer::Body { body, .. } => Ok(body),
        }
    }

    /// Runs one action and keeps what it did, also when it ended in a refusal: a declined payer is remembered.
    fn work(
        &self,
        shared: &mut Shared,
        caller: Caller,
        action: impl FnOnce(&mut Work) -> Outcome,
    ) -> Outcome {
        let outcome = self.run(shared, caller, action);
        self.save(shared).map_err(|error| {
            tracing::error!(%error, "the simulator's state was not saved");
            ApiError::internal()
        })?;
        outcome
    }

    /// Runs an action that changes nothing; the passing of time still may.
    fn look(
        &self,
        shared: &mut Shared,
        caller: Caller,
        action: impl FnOnce(&mut Work) -> Outcome,
    ) -> Outcome {
        match passing::anything_due(&shared.state, self.now()) {
            true => self.work(shared, caller, action),
            false => self.run(shared, caller, action),
        }
    }

    fn run(&self, shared: &mut Shared, caller: Caller, action: impl FnOnce(&mut Work) -> Outcome) -> Outcome {
        let mut work = Work {
            state: &mut shared.state,
            switches: &shared.switches,
            announce: shared.webhook_url.is_some(),
            now: self.now(),
            config: &self.config,
            caller,
        };
        passing::pass_time(&mut work);
        action(&mut work)
    }

    fn view<'a>(&'a self, state: &'a State) -> View<'a> {
        View { state, config: &self.config }
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
    crate::html::money(amount, currency, money::exponent(currency))
}
