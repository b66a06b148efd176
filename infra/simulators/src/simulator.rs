//! The parts that the Stripe and PayPal simulators share: locked state, timers, fault injection, idempotency keys
//! and webhook delivery.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::response::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use url::Url;

use crate::balances::Balance;
use crate::faults::{Fault, Faults, use_up};
use crate::idempotency::Key;
use crate::journal::Journaled;
use crate::locks::{Lock, Locks};
use crate::state_file::StateFile;
use crate::webhooks::{Attempt, Deliveries};
use crate::{Clock, OpenError, loopback_client};

/// How long the receiver of a webhook may take to respond.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// The state of a simulator. Its changes are written to a file if one is configured.
pub trait State: Default + Serialize + DeserializeOwned + Journaled + Send {
    /// The webhooks that are waiting.
    fn deliveries(&mut self) -> &mut Deliveries;

    /// Removes all stored responses of idempotency keys.
    fn clear_idempotency_keys(&mut self);
}

/// The behavior specific to one payment service.
pub trait Service: Sized + Send + Sync + 'static {
    /// Everything the service remembers.
    type State: State;
    /// The caller of an action. The default stands for the simulator's own pages and timers.
    type Caller: Default;
    /// An error response.
    type Error: From<NotSaved>;

    /// The seconds from each failed attempt to deliver a webhook to the next one.
    const RETRY_AFTER: &'static [i64];

    /// The earliest timer that is due at `now`, such as the expiry of an authorization: its due time in Unix seconds, its action, and the
    /// object's id.
    fn next_due(state: &Self::State, now: i64) -> Option<(i64, Action<Self>, &str)>;

    /// The balances of all owners.
    fn balances(state: &Self::State) -> Vec<Balance>;

    /// The type and the body of an event's webhook; `None` when there is no such event.
    fn webhook(&self, state: &Self::State, event: &str) -> Option<(String, String)>;

    /// The headers of a webhook that is sent now: names in lower case, and values.
    fn webhook_headers(&self, now: i64, body: &str) -> Result<Vec<(&'static str, String)>, OpenError>;
}

/// The action of a timer; the argument is the object's id.
pub type Action<S> = fn(&mut Work<'_, S>, &str);

/// The state file could not be written. The log has the reason.
pub struct NotSaved;

/// The error of a rejected call through the Rust API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// The HTTP status that the service would have returned.
    pub status: u16,
    /// The service's code, such as Stripe's `card_declined` or PayPal's issue `ORDER_ALREADY_CAPTURED`.
    pub code: Option<String>,
    /// A sentence for developers.
    pub message: String,
}

/// The settings that all services have.
pub(crate) struct Settings {
    pub(crate) webhook_url: Option<Url>,
    pub(crate) clock: Clock,
    pub(crate) public_url: Url,
}

/// A simulated payment service: [`StripeSimulator`](crate::stripe::StripeSimulator) or
/// [`PayPalSimulator`](crate::paypal::PayPalSimulator).
pub struct Simulator<S: Service> {
    pub(crate) service: S,
    settings: Settings,
    shared: Mutex<Shared<S>>,
    /// Signals a change of the faults to the calls that wait for one.
    faults_changed: watch::Sender<()>,
    http: reqwest::Client,
    deliveries_under_way: Locks<u64>,
    keys_in_use: Locks<String>,
}

pub(crate) struct Shared<S: Service> {
    pub(crate) state: S::State,
    pub(crate) faults: Faults,
    webhook_url: Option<Url>,
    file: StateFile,
}

/// What an action may use while it runs.
pub struct Work<'a, S: Service> {
    pub(crate) state: &'a mut S::State,
    pub(crate) service: &'a S,
    pub(crate) faults: &'a Faults,
    /// Whether events are delivered to anybody.
    announce: bool,
    pub(crate) now: i64,
    public_url: &'a Url,
    pub(crate) caller: S::Caller,
}

impl<S: Service> Work<'_, S> {
    /// The address of a path of the simulator.
    pub(crate) fn address(&self, path: &str) -> String {
        address(self.public_url, path)
    }

    /// Schedules the webhook of an event that happens now.
    pub(crate) fn deliver(&mut self, event: &str) {
        if self.announce && !self.faults.drop_webhooks {
            let due_at = self.now + i64::from(self.faults.delay_deliveries_seconds);
            self.state.deliveries().add(event, due_at, self.faults.duplicate_deliveries);
        }
    }
}

/// The address of a path below the address of a simulator.
pub(crate) fn address(public_url: &Url, path: &str) -> String {
    format!("{}/{path}", public_url.as_str().trim_end_matches('/'))
}

/// A call that has been admitted.
pub(crate) struct Admitted<'a> {
    /// The fault to inject during or after the call.
    pub(crate) fault: Option<Fault>,
    _key: Option<Lock<'a, String>>,
}

/// Why a call was rejected.
pub(crate) enum Rejection {
    RateLimit,
    FailBefore,
    KeyInUse,
}

impl<S: Service> Simulator<S> {
    pub(crate) fn start(
        service: S,
        settings: Settings,
        mut file: StateFile,
        mut state: S::State,
    ) -> Result<Arc<Self>, OpenError> {
        file.write_whole(&mut state)?;
        let http = loopback_client()?.timeout(WEBHOOK_TIMEOUT).build();
        let webhook_url = settings.webhook_url.clone();
        let simulator = Self {
            service,
            settings,
            shared: Mutex::new(Shared { state, faults: Faults::default(), webhook_url, file }),
            faults_changed: watch::Sender::new(()),
            http: http.map_err(|error| OpenError::HttpClient(error.to_string()))?,
            deliveries_under_way: Locks::default(),
            keys_in_use: Locks::default(),
        };
        Ok(Arc::new(simulator))
    }

    /// Posts every webhook that is due by the clock, one after another, and returns the number of attempts.
    ///
    /// A delivery without a 2xx response is retried after the service's `RETRY_AFTER`. Due timers, such as the expiry
    /// of an authorization, run first.
    pub async fn deliver_due_webhooks(&self) -> usize {
        let mut attempts = 0;
        while self.deliver_next().await.is_some() {
            attempts += 1;
        }
        attempts
    }

    async fn deliver_next(&self) -> Option<()> {
        let (delivery, _under_way, kind, body, url) = {
            // An event that was not saved is not delivered.
            let mut shared = self.lock();
            self.run_due_timers(&mut shared).ok()?;
            let url = shared.webhook_url.clone()?;
            loop {
                let newest_first = shared.faults.out_of_order;
                let deliveries = shared.state.deliveries();
                let (delivery, lock) =
                    deliveries.lock_next(&self.deliveries_under_way, self.now(), newest_first)?;
                if let Some((kind, body)) = self.service.webhook(&shared.state, &delivery.event) {
                    break (delivery, lock, kind, body, url);
                }
                tracing::error!(event = delivery.event, "a webhook is due for an event that does not exist");
                shared.state.deliveries().remove(delivery.number);
            }
        };
        let status = self.post(&delivery.event, &url, body).await;
        let mut shared = self.lock();
        let (event, at, url) = (delivery.event.clone(), self.now(), url.into());
        let attempt = Attempt { event, kind, at, url, status, retry_at: None };
        shared.state.deliveries().record(&delivery, attempt, S::RETRY_AFTER);
        // If saving fails, the error is logged, and the simulator delivers the event again after a restart.
        let _ = Self::save(&mut shared);
        Some(())
    }

    async fn post(&self, event: &str, url: &Url, body: String) -> Option<u16> {
        let headers = self.service.webhook_headers(self.now(), &body);
        let headers = headers.inspect_err(|error| tracing::error!(%error, "a webhook was not signed"));
        let mut request = self.http.post(url.clone());
        for (name, value) in headers.ok()? {
            request = request.header(name, value);
        }
        let response = request.body(body).send().await;
        let response =
            response.inspect_err(|error| tracing::warn!(%error, event, "a webhook got no response"));
        Some(response.ok()?.status().as_u16())
    }

    /// When the next delivery of a webhook is due, in Unix seconds; `None` when there is none.
    pub fn next_webhook_due(&self) -> Option<i64> {
        self.lock().state.deliveries().next_due()
    }

    /// Delivers the events from now on, and the deliveries that are still waiting, to `url` (`http` only).
    pub fn set_webhook_url(&self, url: Url) {
        self.lock().webhook_url = Some(url);
    }

    /// The attempts to deliver webhooks so far, oldest first. The last thousand are kept.
    pub fn delivery_attempts(&self) -> Vec<Attempt> {
        self.lock().state.deliveries().attempts.to_vec()
    }

    /// The failures that the simulator produces.
    pub fn faults(&self) -> Faults {
        self.lock().faults.clone()
    }

    /// Replaces the failures that the simulator produces, and releases the calls that
    /// [`Faults::stall_calls`] held.
    pub fn set_faults(&self, mut faults: Faults) {
        let mut shared = self.lock();
        if std::mem::take(&mut faults.clear_idempotency_keys) {
            shared.state.clear_idempotency_keys();
            // What was not saved has been logged.
            let _ = Self::save(&mut shared);
        }
        shared.faults = faults;
        drop(shared);
        self.faults_changed.send_replace(());
    }

    /// Everybody's balance, by owner and currency.
    pub fn balances(&self) -> Vec<Balance> {
        S::balances(&self.up_to_date().state)
    }

    /// Admits a call. Returns `Err` with the response to send if the call must not run: a replayed response (`replay`)
    /// or a rejection (`reject`) because of a fault or of another call with its idempotency key.
    pub(crate) async fn admit(
        &self,
        key: Option<&Key>,
        replay: impl FnOnce(&S::State, Option<Fault>) -> Option<Response>,
        reject: impl Fn(Rejection) -> Response,
    ) -> Result<Admitted<'_>, Response> {
        let (admitted, release) = {
            let mut shared = self.lock();
            let fault = shared.faults.take(key.is_some());
            match fault {
                Some(Fault::RateLimit) => return Err(reject(Rejection::RateLimit)),
                Some(Fault::FailBefore) => return Err(reject(Rejection::FailBefore)),
                _ => {}
            }
            if let Some(response) = replay(&shared.state, fault) {
                return Err(response);
            }
            let lock = match key.map(|key| self.keys_in_use.try_lock(key.scoped.clone())) {
                Some(None) => return Err(reject(Rejection::KeyInUse)),
                lock => lock.flatten(),
            };
            let stalled = use_up(&mut shared.faults.stall_calls);
            (Admitted { fault, _key: lock }, stalled.then(|| self.faults_changed.subscribe()))
        };
        if let Some(mut release) = release {
            // This fails only when the simulator is dropped, and then nobody waits for the response.
            let _ = release.changed().await;
        }
        Ok(admitted)
    }

    /// Runs an action and saves the state, even if the action fails, because a declined card also changes it.
    pub(crate) fn write<T>(
        &self,
        shared: &mut Shared<S>,
        caller: S::Caller,
        action: impl FnOnce(&mut Work<'_, S>) -> Result<T, S::Error>,
    ) -> Result<T, S::Error> {
        let outcome = self.read(shared, caller, action);
        Self::save(shared)?;
        outcome
    }

    /// Runs an action without saving the state after it. Due timers run first, and what they change is saved.
    pub(crate) fn read<T>(
        &self,
        shared: &mut Shared<S>,
        caller: S::Caller,
        action: impl FnOnce(&mut Work<'_, S>) -> Result<T, S::Error>,
    ) -> Result<T, S::Error> {
        self.run_due_timers(shared)?;
        action(&mut self.work(shared, caller))
    }

    /// Runs all due timers, the oldest first.
    fn run_due_timers(&self, shared: &mut Shared<S>) -> Result<(), NotSaved> {
        if S::next_due(&shared.state, self.now()).is_none() {
            return Ok(());
        }
        let mut work = self.work(shared, S::Caller::default());
        while let Some((_, action, id)) = S::next_due(work.state, work.now) {
            let id = id.to_owned();
            action(&mut work, &id);
        }
        Self::save(shared)
    }

    fn work<'a>(&'a self, shared: &'a mut Shared<S>, caller: S::Caller) -> Work<'a, S> {
        Work {
            state: &mut shared.state,
            service: &self.service,
            faults: &shared.faults,
            announce: shared.webhook_url.is_some(),
            now: self.now(),
            public_url: &self.settings.public_url,
            caller,
        }
    }

    /// Runs all due timers and locks the state.
    pub(crate) fn up_to_date(&self) -> MutexGuard<'_, Shared<S>> {
        let mut shared = self.lock();
        // The error is already logged. The timers have run in memory.
        let _ = self.run_due_timers(&mut shared);
        shared
    }

    pub(crate) fn now(&self) -> i64 {
        (self.settings.clock)()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Shared<S>> {
        // Every action checks before it changes anything, so the state is consistent even after a panic.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(shared: &mut Shared<S>) -> Result<(), NotSaved> {
        let Shared { file, state, .. } = shared;
        file.save(state).map_err(|error| {
            tracing::error!(%error, "the simulator's state was not saved");
            NotSaved
        })
    }
}
