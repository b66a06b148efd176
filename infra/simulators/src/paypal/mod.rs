//! A simulator of PayPal that speaks its wire protocol and keeps state.
//!
//! It covers the part of PayPal that a marketplace needs: sellers and their onboarding (Partner Referrals v2),
//! orders (Orders v2), authorizations, captures and refunds (Payments v2), the basics of disputes, the books behind
//! them, events, and signed webhooks. A member of a request that it does not act on is refused rather than
//! ignored, so that nothing works here that PayPal would drop. Source:
//! <https://developer.paypal.com/docs/multiparty/>.
//!
//! It is strict in three things that callers forget: the response to a `POST` has only the id, status and
//! links, unless the request says `Prefer: return=representation`; a change to a seller's payment needs a
//! `PayPal-Auth-Assertion` that names the seller; and `verify-webhook-signature` needs the raw bytes of the
//! webhook (see `webhooks`).
//!
//! `router` and `auth` read requests; `sellers`, `orders`, `authorizations`, `captures`, `refunds`, `payouts` and
//! `disputes` act on the `state`, and `books` counts the money; `render`
//! writes PayPal's JSON; `events`, `webhooks` and `signing` tell the product; `pages` are for people.

mod api_error;
mod auth;
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
mod payers;
mod payouts;
mod refunds;
mod render;
mod router;
mod sellers;
mod signing;
mod simulator_routes;
mod state;
mod webhooks;
mod work;

/// What most modules of PayPal's objects use.
mod prelude {
    pub(super) use serde::Deserialize;
    pub(super) use serde_json::{Value, json};

    pub(super) use super::api_error::ApiError;
    pub(super) use super::body::{check_address, check_lengths, query_parameter};
    pub(super) use super::payers::{Behavior, TestPayer};
    pub(super) use super::state::*;
    pub(super) use super::work::{Outcome, Success, Work};
    pub(super) use super::{
        ECHECK_CLEARS_AFTER, HELD, HOLDING, PAYERS, PAYPAL, PLATFORM, authorizations, books, events, ids,
        money, refunds,
    };
}

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use url::Url;

pub use crate::balances::Balance;
pub use crate::faults::Faults;
pub use auth::TOKEN_LASTS;
pub use books::{FEE_BASIS_POINTS, FIXED_FEE};
pub use disputes::{DisputeOutcome, DisputeReason};
pub use idempotency::{ORDERS_KEEP_REQUEST_IDS, PAYMENTS_KEEP_REQUEST_IDS};
pub use payers::{TEST_PAYERS, TestPayer};
pub use payouts::HOLD_LASTS;
pub use sellers::Onboarding;
pub use webhooks::RETRY_AFTER;

use crate::simulator::{Action, Refused, Service, Settings, Simulator, address};
use crate::state_file::StateFile;
use crate::{Clock, OpenError, balances};
use render::View;
use signing::SigningKey;
use state::{AuthorizationStatus, State};
use work::{Caller, Outcome, Success, Work};

/// The platform's name in the books.
pub const PLATFORM: &str = "platform";

/// PayPal's name in the books: its fees, and the money it holds while a dispute is open.
pub const PAYPAL: &str = "paypal";

/// The name in the books of what PayPal holds until it pays the seller and the platform.
pub const HELD: &str = "held";

/// The feature that a seller grants so that PayPal may hold their payments.
const HOLDING: &str = "DELAY_FUNDS_DISBURSEMENT";

/// The name of all payers in the books.
pub const PAYERS: &str = "payers";

/// How long an authorization can be captured, in seconds.
/// Source: <https://developer.paypal.com/docs/api/payments/v2/#authorizations_reauthorize>.
pub const AUTHORIZATION_LASTS: i64 = 29 * 86_400;

/// How long PayPal honors an authorization or reauthorization, in seconds.
pub const HONOR_PERIOD: i64 = 3 * 86_400;

/// How long an eCheck takes to clear or to bounce, in seconds.
pub const ECHECK_CLEARS_AFTER: i64 = 3 * 86_400;

/// The configuration of a simulator.
#[derive(Clone)]
pub struct PayPalSimulatorConfig {
    /// The platform's client id, such as `paypal-client-local`.
    pub client_id: String,
    /// The platform's client secret.
    pub client_secret: String,
    /// The merchant id of the platform's own account: thirteen of the digits 2-9 and the capitals without I
    /// and O.
    pub partner_id: String,
    /// The id of the platform's webhook, which is part of what is signed: 1 to 50 letters and digits.
    pub webhook_id: String,
    /// The address that events are posted to; `http` only. Without one, events are not delivered.
    pub webhook_url: Option<Url>,
    /// The file that the state is saved in. Without one, the state is lost at the end, and the signing key is
    /// shared by all simulators of the process without a file.
    pub state_file: Option<PathBuf>,
    /// The simulator's time.
    pub clock: Clock,
    /// The simulator's address, such as `http://127.0.0.1:12112/`.
    pub public_url: Url,
}

impl PayPalSimulatorConfig {
    fn address(&self, path: &str) -> String {
        address(&self.public_url, path)
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

/// The part of a simulator that is PayPal's.
pub struct PayPal {
    config: PayPalSimulatorConfig,
    key: SigningKey,
}

/// A simulator of PayPal. See the [module](self).
pub type PayPalSimulator = Simulator<PayPal>;

impl Service for PayPal {
    type State = State;
    type Caller = Caller;
    type Error = api_error::ApiError;

    const RETRY_AFTER: &'static [i64] = &RETRY_AFTER;

    fn next_due(state: &State, now: i64) -> Option<(i64, Action<Self>, &str)> {
        // A reauthorization expires with the authorization it renews. An authorization that was captured in part stays
        // as it is: there is nothing to void.
        let open = |status| status == AuthorizationStatus::Created;
        let authorizations =
            state.authorizations.iter().filter(|row| open(row.status) && row.renews.is_none());
        let expiring =
            authorizations.map(|row| (row.expires_at, authorizations::end as Action<Self>, row.id.as_str()));
        let captures = state.captures.iter();
        let captures =
            captures.filter_map(|row| Some((row.settles_at?, captures::settle as Action<Self>, &*row.id)));
        let refunds = state.refunds.iter();
        let refunds =
            refunds.filter_map(|row| Some((row.settles_at?, refunds::settle as Action<Self>, &*row.id)));
        let held = state.captures.iter();
        let held =
            held.filter_map(|row| Some((payouts::due_at(row)?, payouts::settle as Action<Self>, &*row.id)));
        expiring
            .chain(captures)
            .chain(refunds)
            .chain(held)
            .filter(|(at, ..)| *at <= now)
            .min_by_key(|(at, ..)| *at)
    }

    fn balances(state: &State) -> Vec<Balance> {
        books::balances(state)
    }

    fn webhook(&self, state: &State, event: &str) -> Option<(String, String)> {
        let event = state.events.get(event)?;
        Some((event.kind.clone(), events::body(&self.config, event)))
    }

    fn webhook_headers(&self, now: i64, body: &str) -> Result<Vec<(&'static str, String)>, OpenError> {
        let mut headers = self.signature_headers(now, body)?;
        headers.push(("content-type", "application/json".to_owned()));
        Ok(headers)
    }
}

impl Simulator<PayPal> {
    /// Starts a simulator, with the state of its last run when `config.state_file` has one.
    pub fn open(config: PayPalSimulatorConfig) -> Result<Arc<Self>, OpenError> {
        config.check()?;
        let (file, mut state) = StateFile::open::<State>(config.state_file.as_deref())?;
        let key = match state.signing_key.as_deref() {
            Some(saved) => SigningKey::read(saved)?,
            None if config.state_file.is_none() => SigningKey::of_this_process()?,
            None => SigningKey::generate()?,
        };
        if config.state_file.is_some() {
            *state.signing_key = Some(key.to_text());
        }
        let settings = Settings {
            webhook_url: config.webhook_url.clone(),
            clock: config.clock.clone(),
            public_url: config.public_url.clone(),
        };
        Self::start(PayPal { config, key }, settings, file, state)
    }

    /// The API, the hosted pages and the `/_simulator` routes, to be served at the root of `public_url`.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        router::router(Arc::clone(self))
    }

    /// The certificate in PEM of the authority that issues the certificate of webhooks.
    pub fn webhook_roots(&self) -> String {
        self.service.key.authority_pem()
    }

    /// The headers that PayPal would send with a webhook of this body now: names in lower case, and values.
    pub fn webhook_headers(&self, body: &str) -> Result<Vec<(&'static str, String)>, OpenError> {
        self.service.signature_headers(self.now(), body)
    }

    /// An order, authorization, capture, refund, dispute or seller by its id, as the API returns it.
    pub fn object(&self, id: &str) -> Option<Value> {
        self.view(&self.lock().state).any(id)
    }

    /// The events so far, oldest first, as the API returns them.
    pub fn events(&self) -> Vec<Value> {
        let shared = self.lock();
        let bodies = shared.state.events.iter().map(|event| events::body(&self.service.config, event));
        bodies.filter_map(|body| serde_json::from_str(&body).ok()).collect()
    }

    /// Ends a seller's onboarding as the seller would on the page at `action_url`. Returns the seller, or null
    /// when the seller has never agreed.
    pub fn onboard(&self, tracking_id: &str, outcome: Onboarding) -> Result<Value, Refused> {
        self.act(|work| sellers::onboard(work, tracking_id, outcome))
    }

    /// Revokes all rights of the platform as the seller would in their account, and returns the seller.
    pub fn revoke(&self, merchant_id: &str) -> Result<Value, Refused> {
        self.act(|work| sellers::revoke(work, merchant_id))
    }

    /// Revokes one right of the platform, such as `DELAY_FUNDS_DISBURSEMENT`, as if the seller had never granted it, and returns
    /// the seller.
    pub fn revoke_feature(&self, merchant_id: &str, feature: &str) -> Result<Value, Refused> {
        self.act(|work| sellers::revoke_feature(work, merchant_id, feature))
    }

    /// Approves an order as a test payer would on PayPal's page, and returns the order.
    pub fn approve(&self, order: &str, payer: &str) -> Result<Value, Refused> {
        self.act(|work| orders::approve(work, order, payer))
    }

    /// Disputes `amount` minor units of a capture, or all that is left of it, and returns the dispute.
    pub fn dispute(
        &self,
        capture: &str,
        reason: DisputeReason,
        amount: Option<i64>,
    ) -> Result<Value, Refused> {
        self.act(|work| disputes::open(work, capture, reason, amount))
    }

    /// Resolves a dispute, and returns it.
    pub fn resolve_dispute(&self, dispute: &str, outcome: DisputeOutcome) -> Result<Value, Refused> {
        self.act(|work| disputes::resolve(work, dispute, outcome))
    }

    fn act(&self, action: impl FnOnce(&mut Work) -> Outcome) -> Result<Value, Refused> {
        let mut shared = self.lock();
        Ok(match self.write(&mut shared, Caller::default(), action)? {
            Success::Object { id, .. } | Success::NoContent { id } => {
                self.view(&shared.state).any(&id).unwrap_or_default()
            }
            Success::Body { body, .. } => body,
        })
    }

    fn view<'a>(&'a self, state: &'a State) -> View<'a> {
        View { state, config: &self.service.config }
    }
}

/// An amount in minor units as people write it.
fn display(amount: i64, currency: &str) -> String {
    balances::display(amount, currency, money::exponent(currency))
}
