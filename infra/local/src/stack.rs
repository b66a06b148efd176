//! A whole running system: database, queue, event bus, sign-in service, simulators, API and pages.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use app::identity::ports::Issuer;
use app::payments::exchange_rates::RefreshError;
use app::payments::ports::{Challenges, ExchangeRates, Gateways, NoChallenges};
use app::payments::reconciliation::Reconciled;
use app::ports::Secret;
use app::{App, AppError, Settings};
use providers::challenge::SiteVerify;
use providers::ecb::EuropeanCentralBank;
use providers::issuer::UserInfoEndpoint;
use simulators::ecb::{DAILY_RATES, EcbSimulator};
use simulators::paypal::{PayPalSimulator, PayPalSimulatorConfig};
use simulators::sign_in::{Person, SignIn, SignInConfig};
use simulators::stripe::{StripeSimulator, StripeSimulatorConfig};
use simulators::{Loopback, OpenError, Running, Service, Simulator};
use store::{DynamoTable, Meter, Store};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use url::Url;

use crate::StackClock;
use crate::api_gateway::{ApiGateway, router};
use crate::authorizer::Authorizer;
use crate::bus::LocalBus;
use crate::database::{Database, DatabaseError, TABLE};
use crate::environment::{Addresses, Environment};
use crate::queue::{LocalQueue, LocalQueues};
use crate::secrets::LocalSecrets;

/// The scope that an access token needs, as in `template.yaml`.
pub const SCOPE: &str = "expert-connect/api";
/// The client id of the application that people sign in to.
pub(crate) const CLIENT_ID: &str = "expert-connect-local";
/// The name of the secret with the Stripe keys.
const STRIPE_SECRET: &str = "expert-connect/stripe";
/// The name of the secret with the private key of challenges.
const CHALLENGE_SECRET: &str = "expert-connect/challenge";
/// The name of the secret with the PayPal keys.
const PAYPAL_SECRET: &str = "expert-connect/paypal";

/// The pause between two deliveries of due webhooks.
const WEBHOOK_PAUSE: Duration = Duration::from_millis(500);

/// The ports on 127.0.0.1; 0 means any free port.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListenPorts {
    /// The API and the pages.
    pub api: u16,
    /// The Stripe simulator.
    pub stripe: u16,
    /// The sign-in service.
    pub sign_in: u16,
    /// The database.
    pub database: u16,
    /// The simulator of the European Central Bank.
    pub ecb: u16,
    /// The PayPal simulator.
    pub paypal: u16,
}

/// The keys of an application at PayPal.
pub struct PayPalKeys {
    /// The client id of the application.
    pub client_id: String,
    /// The secret of the application.
    pub client_secret: Secret,
    /// The merchant id of the account that the application belongs to.
    pub partner_id: String,
    /// The id of the application's webhook.
    pub webhook_id: String,
    /// The base URL of PayPal's API: the sandbox or production.
    pub api_base: Url,
    /// The certificates in PEM that issue those of webhooks; `None` for the public certificate authorities.
    pub webhook_roots: Option<String>,
}

/// The keys that the PayPal simulator accepts: client id, client secret, partner id and webhook id.
pub(crate) const SIMULATED_PAYPAL: [&str; 4] =
    ["paypal-client-local", "paypal-secret-local", "PARTNER222222", "WEBHOOKLOCAL"];

/// The people who can sign in to a local stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct People;

impl People {
    /// All of them: an expert, two clients, one person who is both, and an administrator.
    pub fn all() -> Vec<Person> {
        let person = |subject: &str, name: &str, groups: &[&str]| Person {
            subject: subject.to_owned(),
            name: name.to_owned(),
            email: format!("{subject}@example.org"),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        };
        vec![
            person("ada", "Ada Lovelace", &["expert"]),
            person("grace", "Grace Hopper", &["expert", "client"]),
            person("alan", "Alan Turing", &["client"]),
            person("katherine", "Katherine Johnson", &["client"]),
            person("margaret", "Margaret Hamilton", &["admin"]),
        ]
    }

    /// The person with this subject.
    pub fn find(subject: &str) -> Option<Person> {
        Self::all().into_iter().find(|person| person.subject == subject)
    }
}

/// A service of challenges, which verifies their tokens.
pub struct ChallengeConfig {
    /// The public key.
    pub site_key: String,
    /// The private key.
    pub secret_key: Secret,
    /// The URL at which tokens are verified.
    pub verify_url: Url,
}

/// The configuration of a stack.
pub struct StackConfig {
    /// The ports to listen on.
    pub ports: ListenPorts,
    /// The data folder. Without it, everything is in memory.
    pub data: Option<PathBuf>,
    /// The clock.
    pub clock: StackClock,
    /// The settings of the use cases. [`Stack::start`] sets `public_base_url`.
    pub settings: Settings,
    /// Keys of a Stripe account, `(secret key, webhook secret)`. With them, the stack uses Stripe instead of the simulator.
    pub stripe_keys: Option<(Secret, Secret)>,
    /// Keys of a PayPal application. With them, the stack uses PayPal instead of the simulator.
    pub paypal_keys: Option<PayPalKeys>,
    /// Whether PayPal, or its simulator, may hold the experts' shares.
    pub paypal_delayed_disbursement: bool,
    /// The URL of real exchange rates. With it, the stack reads them instead of the simulator's.
    pub ecb_rates_url: Option<Url>,
    /// The challenges of clients whose payments were declined.
    pub challenges: Option<ChallengeConfig>,
    /// The origins whose pages may use the API, such as `https://app.example.org`.
    pub cors_origins: Vec<String>,
    /// Counts the units that the table consumes.
    pub meter: Option<Arc<Meter>>,
}

impl StackConfig {
    /// A configuration for tests: everything in memory, on any free ports, with this clock.
    pub fn in_memory(clock: StackClock) -> Self {
        Self {
            ports: ListenPorts::default(),
            data: None,
            clock,
            settings: Settings::default(),
            stripe_keys: None,
            paypal_keys: None,
            paypal_delayed_disbursement: true,
            ecb_rates_url: None,
            challenges: None,
            cors_origins: Vec::new(),
            meter: None,
        }
    }
}

/// Why the stack cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is not available.
    #[error(
        "{what} cannot listen on 127.0.0.1:{port}: {reason}. If Expert Connect is already running, stop it; otherwise set {variable} to another port"
    )]
    Port {
        /// The server that cannot listen.
        what: &'static str,
        /// The port.
        port: u16,
        /// The environment variable that selects the port.
        variable: &'static str,
        /// The reason.
        reason: String,
    },
    /// The data folder is not writable.
    #[error(
        "the data folder {folder} cannot be written: {reason}. Set EXPERT_CONNECT_DATA to another folder"
    )]
    Folder {
        /// The folder.
        folder: String,
        /// The reason.
        reason: String,
    },
    /// Another process uses the data folder.
    #[error(
        "another running Expert Connect uses the data folder {folder}. Stop it, or set EXPERT_CONNECT_DATA to another folder"
    )]
    InUse {
        /// The folder.
        folder: String,
    },
    /// The database cannot start.
    #[error(transparent)]
    Database(DatabaseError),
    /// A simulator cannot start.
    #[error(transparent)]
    Simulator(#[from] OpenError),
    /// An internal error.
    #[error("{0}")]
    Internal(String),
}

impl From<DatabaseError> for StartError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Listen { port, reason } => {
                Self::Port { what: "the database", port, variable: "EXPERT_CONNECT_DATABASE_PORT", reason }
            }
            other => Self::Database(other),
        }
    }
}

/// A running system. Dropping it stops it.
pub struct Stack {
    /// The ports of the use cases, as the functions have them.
    pub app: App,
    /// The URL of the API, without a trailing slash.
    pub api_url: String,
    /// The Stripe simulator; `None` if the stack uses Stripe itself.
    pub stripe: Option<Arc<StripeSimulator>>,
    /// The URL of the Stripe simulator.
    pub stripe_url: Option<Url>,
    /// The PayPal simulator; `None` if the stack uses PayPal itself.
    pub paypal: Option<Arc<PayPalSimulator>>,
    /// The simulator of the European Central Bank; `None` if the stack reads real exchange rates.
    pub ecb: Option<Arc<EcbSimulator>>,
    /// The sign-in service.
    pub sign_in: Arc<SignIn>,
    /// The URL of the sign-in service.
    pub sign_in_url: Url,
    /// The URL of the database.
    pub database_url: String,
    /// The queues of jobs.
    pub queues: Arc<LocalQueues>,
    /// The event bus.
    pub bus: Arc<LocalBus>,
    /// The clock.
    pub clock: StackClock,
    /// What the pages read.
    pub environment: Environment,
    _servers: Vec<Running>,
    _database: Database,
    _lock: Option<File>,
}

pub(crate) async fn bind(
    what: &'static str,
    port: u16,
    variable: &'static str,
) -> Result<Loopback, StartError> {
    Loopback::bind(port).await.map_err(|error| StartError::Port {
        what,
        port,
        variable,
        reason: error.to_string(),
    })
}

/// A PayPal simulator that accepts the keys of [`SIMULATED_PAYPAL`].
pub(crate) fn simulated_paypal(
    clock: &StackClock,
    public_url: Url,
    webhook_url: Option<Url>,
    state_file: Option<PathBuf>,
) -> Result<Arc<PayPalSimulator>, OpenError> {
    let [client_id, client_secret, partner_id, webhook_id] = SIMULATED_PAYPAL.map(str::to_owned);
    let clock = clock.source();
    PayPalSimulator::open(PayPalSimulatorConfig {
        client_id,
        client_secret,
        partner_id,
        webhook_id,
        webhook_url,
        state_file,
        clock,
        public_url,
    })
}

/// Creates the data folder and locks it for this process. The lock ends when the file is dropped.
fn lock(folder: &Path) -> Result<File, StartError> {
    let unusable = |error: std::io::Error| StartError::Folder {
        folder: folder.display().to_string(),
        reason: error.to_string(),
    };
    std::fs::create_dir_all(folder).map_err(unusable)?;
    // The folder contains personal data.
    #[cfg(unix)]
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .map_err(unusable)?;
    let lock = File::create(folder.join("lock")).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        // Some file systems do not support locks. There, a second process fails because the ports are in use.
        Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => Ok(lock),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse { folder: folder.display().to_string() }),
    }
}

/// The keys of an account at Stripe.
struct StripeKeys {
    secret_key: String,
    webhook_secret: String,
    /// The base URL of Stripe's API.
    api_base: String,
}

impl StripeKeys {
    /// The secret with the keys, as the functions read it.
    fn secret(&self) -> Secret {
        let Self { secret_key, webhook_secret, .. } = self;
        let keys = serde_json::json!({ "secret_key": secret_key, "webhook_secret": webhook_secret });
        Secret::new(keys.to_string())
    }
}

impl PayPalKeys {
    /// The secret with the keys, as the functions read it.
    fn secret(&self) -> Secret {
        let keys = serde_json::json!({
            "client_id": self.client_id,
            "client_secret": self.client_secret.reveal(),
            "partner_id": self.partner_id,
            "webhook_id": self.webhook_id,
            "webhook_roots": self.webhook_roots,
        });
        Secret::new(keys.to_string())
    }
}

/// A simulator and its URL; `None` if the stack uses the provider itself.
type Simulated<S> = Option<(Arc<S>, Url)>;

/// Starts the servers besides the API and the database.
struct Starting {
    ports: ListenPorts,
    data: Option<PathBuf>,
    clock: StackClock,
    /// The URL of the API, without a trailing slash.
    api_url: String,
    /// The servers that run.
    servers: Vec<Running>,
}

impl Starting {
    /// A file in the data folder.
    fn file(&self, name: &str) -> Option<PathBuf> {
        self.data.as_ref().map(|folder| folder.join(name))
    }

    fn webhook_url(&self, gateway: &str) -> Option<Url> {
        format!("{}/v1/webhooks/{gateway}", self.api_url).parse().ok()
    }

    async fn sign_in(&mut self) -> Result<(Arc<SignIn>, Url), StartError> {
        let port = bind("the sign-in service", self.ports.sign_in, "EXPERT_CONNECT_SIGN_IN_PORT").await?;
        let url = port.url().clone();
        let redirect = format!("{}/signed-in", self.api_url);
        let redirect = redirect.parse().map_err(|_| StartError::Internal(self.api_url.clone()))?;
        let sign_in = SignIn::open(SignInConfig {
            issuer: url.clone(),
            client_id: CLIENT_ID.to_owned(),
            scope: SCOPE.to_owned(),
            redirect_uris: vec![redirect],
            people: People::all(),
            key_file: self.file("sign-in-key.pem"),
            clock: self.clock.source(),
        })?;
        self.servers.push(port.serve(sign_in.router()));
        Ok((sign_in, url))
    }

    /// The keys for Stripe: `given`, or those of a simulator.
    async fn stripe(
        &mut self,
        given: Option<(Secret, Secret)>,
    ) -> Result<(StripeKeys, Simulated<StripeSimulator>), StartError> {
        if let Some((secret_key, webhook_secret)) = given {
            let (secret_key, webhook_secret) =
                (secret_key.reveal().to_owned(), webhook_secret.reveal().to_owned());
            let api_base = "https://api.stripe.com/".to_owned();
            return Ok((StripeKeys { secret_key, webhook_secret, api_base }, None));
        }
        let port = bind("the Stripe simulator", self.ports.stripe, "EXPERT_CONNECT_STRIPE_PORT").await?;
        let url = port.url().clone();
        let keys = StripeKeys {
            secret_key: "sk_test_local".to_owned(),
            webhook_secret: "whsec_local".to_owned(),
            api_base: url.to_string(),
        };
        let simulator = StripeSimulator::open(StripeSimulatorConfig {
            secret_key: keys.secret_key.clone(),
            webhook_secret: keys.webhook_secret.clone(),
            webhook_url: self.webhook_url("stripe"),
            state_file: self.file("stripe-simulator.json"),
            clock: self.clock.source(),
            public_url: url.clone(),
        })?;
        self.servers.push(port.serve(simulator.router()));
        Ok((keys, Some((simulator, url))))
    }

    /// The keys for PayPal: `given`, or those of a simulator.
    async fn paypal(
        &mut self,
        given: Option<PayPalKeys>,
    ) -> Result<(PayPalKeys, Simulated<PayPalSimulator>), StartError> {
        if let Some(keys) = given {
            return Ok((keys, None));
        }
        let port = bind("the PayPal simulator", self.ports.paypal, "EXPERT_CONNECT_PAYPAL_PORT").await?;
        let url = port.url().clone();
        let state_file = self.file("paypal-simulator.json");
        let simulator = simulated_paypal(&self.clock, url.clone(), self.webhook_url("paypal"), state_file)?;
        self.servers.push(port.serve(simulator.router()));
        let [client_id, client_secret, partner_id, webhook_id] = SIMULATED_PAYPAL.map(str::to_owned);
        let keys = PayPalKeys {
            client_id,
            client_secret: Secret::new(client_secret),
            partner_id,
            webhook_id,
            api_base: url.clone(),
            webhook_roots: Some(simulator.webhook_roots()),
        };
        Ok((keys, Some((simulator, url))))
    }

    /// The URL of the exchange rates: `given`, or that of a simulator.
    async fn exchange_rates(
        &mut self,
        given: Option<Url>,
    ) -> Result<(String, Simulated<EcbSimulator>), StartError> {
        if let Some(url) = given {
            return Ok((url.to_string(), None));
        }
        let what = "the simulator of the European Central Bank";
        let port = bind(what, self.ports.ecb, "EXPERT_CONNECT_ECB_PORT").await?;
        let url = port.url().clone();
        let simulator = EcbSimulator::new(self.clock.source());
        self.servers.push(port.serve(simulator.router()));
        Ok((format!("{url}{DAILY_RATES}"), Some((simulator, url))))
    }
}

/// The ports of the use cases that send requests to providers.
struct Providers {
    gateways: Gateways,
    challenges: Arc<dyn Challenges>,
    issuer: Arc<dyn Issuer>,
    exchange_rates: Arc<dyn ExchangeRates>,
}

impl Providers {
    /// The ports for these keys and addresses. The last key says whether PayPal may hold the experts' shares.
    fn new(
        clock: &StackClock,
        (stripe_keys, paypal_keys, delayed_disbursement): (&StripeKeys, &PayPalKeys, bool),
        challenges: Option<ChallengeConfig>,
        user_info_url: &str,
        rates_url: &str,
    ) -> Result<Self, StartError> {
        fn internal(error: impl std::fmt::Display) -> StartError {
            StartError::Internal(error.to_string())
        }
        let challenge_key = challenges.as_ref().map(|challenges| challenges.secret_key.clone());
        let secrets = Arc::new(
            LocalSecrets::default()
                .with(STRIPE_SECRET, stripe_keys.secret())
                .with(PAYPAL_SECRET, paypal_keys.secret())
                .with(CHALLENGE_SECRET, challenge_key.unwrap_or_else(|| Secret::new(""))),
        );
        let http = providers::https::client().map_err(internal)?;
        let configure = |secret_id: &str, api_base: &str| providers::GatewayConfig {
            http: http.clone(),
            secrets: secrets.clone(),
            clock: Arc::new(clock.clone()),
            secret_id: secret_id.to_owned(),
            api_base: api_base.to_owned(),
        };
        let stripe =
            providers::stripe::gateway(configure(STRIPE_SECRET, &stripe_keys.api_base)).map_err(internal)?;
        let paypal_config = configure(PAYPAL_SECRET, paypal_keys.api_base.as_str());
        let paypal = providers::paypal::gateway(paypal_config, delayed_disbursement).map_err(internal)?;
        let challenges: Arc<dyn Challenges> = match challenges {
            Some(ChallengeConfig { site_key, verify_url, .. }) => {
                let (http, secret) = (http.clone(), CHALLENGE_SECRET.to_owned());
                let verifier = SiteVerify::new(http, verify_url.as_str(), site_key, secrets.clone(), secret);
                Arc::new(verifier.map_err(internal)?)
            }
            None => Arc::new(NoChallenges),
        };
        let issuer = UserInfoEndpoint::new(http.clone(), user_info_url).map_err(internal)?;
        let exchange_rates = EuropeanCentralBank::new(http.clone(), rates_url).map_err(internal)?;
        Ok(Self {
            gateways: Gateways::none().with(stripe).with(paypal),
            challenges,
            issuer: Arc::new(issuer),
            exchange_rates: Arc::new(exchange_rates),
        })
    }
}

/// The check of access tokens, as API Gateway does it.
fn authorizer(sign_in: &SignIn) -> Result<Authorizer, StartError> {
    let keys = serde_json::from_value(sign_in.jwks());
    Ok(Authorizer {
        issuer: sign_in.issuer().to_owned(),
        client_id: CLIENT_ID.to_owned(),
        scope: SCOPE.to_owned(),
        keys: keys.map_err(|error| StartError::Internal(error.to_string()))?,
    })
}

impl Stack {
    /// Starts everything. `pages` are served on the same port as the API.
    ///
    /// # Errors
    /// If a port is in use, or the data folder is in use, not writable or damaged.
    pub async fn start(config: StackConfig, pages: axum::Router<Environment>) -> Result<Self, StartError> {
        let StackConfig {
            ports,
            data,
            clock,
            mut settings,
            stripe_keys,
            paypal_keys,
            paypal_delayed_disbursement,
            ecb_rates_url,
            challenges,
            cors_origins,
            meter,
        } = config;
        let lock = data.as_deref().map(lock).transpose()?;
        let api = bind("the API", ports.api, "EXPERT_CONNECT_PORT").await?;
        let api_url = api.url().as_str().trim_end_matches('/').to_owned();
        settings.public_base_url = api_url.clone();
        let mut starting = Starting {
            ports,
            data: data.clone(),
            clock: clock.clone(),
            api_url: api_url.clone(),
            servers: Vec::new(),
        };
        let (sign_in, sign_in_url) = starting.sign_in().await?;
        let (stripe_keys, stripe) = starting.stripe(stripe_keys).await?;
        let (paypal_keys, paypal) = starting.paypal(paypal_keys).await?;
        let (rates_url, ecb) = starting.exchange_rates(ecb_rates_url).await?;
        let Providers { gateways, challenges, issuer, exchange_rates } = Providers::new(
            &clock,
            (&stripe_keys, &paypal_keys, paypal_delayed_disbursement),
            challenges,
            &format!("{}/oauth2/userInfo", sign_in.issuer()),
            &rates_url,
        )?;

        let database = Database::start(starting.file("table.db").as_deref(), ports.database).await?;
        let mut table = DynamoTable::new(database.client.clone(), TABLE);
        if let Some(meter) = meter {
            table = table.metered(meter);
        }
        let queues = Arc::new(LocalQueues::new(&clock));
        let bus = Arc::new(LocalBus::default());
        let app = App {
            store: Store::new(Arc::new(table)),
            clock: Arc::new(clock.clone()),
            random: Arc::new(aws::SystemRandom),
            gateways,
            issuer,
            challenges,
            exchange_rates,
            queue: queues.clone(),
            events: bus.clone(),
            settings,
        };
        let gateway = Arc::new(ApiGateway {
            app: app.clone(),
            authorizer: authorizer(&sign_in)?,
            clock: clock.clone(),
            requests: AtomicU64::new(1),
        });
        let database_url = database.url.clone();
        let without_slash = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
        let Starting { mut servers, .. } = starting;
        let (stripe, stripe_url) = stripe.unzip();
        let (paypal, paypal_url) = paypal.unzip();
        let (ecb, ecb_url) = ecb.unzip();
        let environment = Environment {
            app: app.clone(),
            addresses: Arc::new(Addresses {
                api: api_url.clone(),
                sign_in: sign_in.issuer().to_owned(),
                stripe_simulator: stripe_url.as_ref().map(without_slash),
                paypal_simulator: paypal_url.as_ref().map(without_slash),
                ecb_simulator: ecb_url.as_ref().map(without_slash),
                database: database_url.clone(),
            }),
            data: data.map(Arc::from),
            queues: queues.clone(),
            bus: bus.clone(),
        };
        let everything = pages.with_state(environment.clone()).merge(router(gateway, cors_origins.into()));
        servers.push(api.serve(everything));
        Ok(Self {
            app,
            api_url,
            stripe,
            stripe_url,
            paypal,
            ecb,
            sign_in,
            sign_in_url,
            database_url,
            queues,
            bus,
            clock,
            environment,
            _servers: servers,
            _database: database,
            _lock: lock,
        })
    }

    /// Delivers due webhooks and runs queued jobs until neither is left.
    pub async fn run_until_idle(&self) {
        loop {
            let delivered = self.deliver_webhooks().await;
            if self.queues.drain(&self.app).await + delivered == 0 {
                return;
            }
        }
    }

    /// Delivers the due webhooks of the simulated gateways. Returns their number.
    async fn deliver_webhooks(&self) -> usize {
        let mut delivered = 0;
        if let Some(stripe) = &self.stripe {
            delivered += stripe.deliver_due_webhooks().await;
        }
        if let Some(paypal) = &self.paypal {
            delivered += paypal.deliver_due_webhooks().await;
        }
        delivered
    }

    /// Runs the sweep, as the schedule does every minute, and then [`Self::run_until_idle`].
    ///
    /// # Errors
    /// If the sweep fails.
    pub async fn sweep(&self) -> Result<(), AppError> {
        functions::operations::sweep_outbox::handle(&self.app).await?;
        self.run_until_idle().await;
        Ok(())
    }

    /// Fetches the exchange rates, as the schedule does every hour. Returns whether there were newer ones.
    ///
    /// # Errors
    /// The same as [`app::payments::exchange_rates::refresh`].
    pub async fn fetch_exchange_rates(&self) -> Result<bool, RefreshError> {
        functions::payments::fetch_exchange_rates::handle(&self.app).await
    }

    /// Compares the ledger with the gateways' books, as the schedule does every hour, and then calls [`Self::run_until_idle`].
    ///
    /// # Errors
    /// If the reconciliation fails.
    pub async fn reconcile(&self) -> Result<Reconciled, AppError> {
        let reconciled = functions::payments::reconcile_ledger::handle(&self.app).await?;
        self.run_until_idle().await;
        Ok(reconciled)
    }

    /// Runs the background work until the future is dropped: jobs as soon as a message arrives, webhooks every half second, the
    /// sweep every minute, and exchange rates and reconciliation every hour. All of them also run at the start.
    ///
    /// Each is a task of its own, so that none waits for another one: not for a server that does not respond, and not for a disk.
    pub async fn run(&self) {
        let mut tasks = JoinSet::new();
        for queue in self.queues.iter() {
            tasks.spawn(run_jobs(queue.clone(), self.app.clone()));
        }
        if let Some(stripe) = self.stripe.clone() {
            tasks.spawn(every(WEBHOOK_PAUSE, move || deliver_webhooks(stripe.clone())));
        }
        if let Some(paypal) = self.paypal.clone() {
            tasks.spawn(every(WEBHOOK_PAUSE, move || deliver_webhooks(paypal.clone())));
        }
        let app = self.app.clone();
        tasks.spawn(every(Duration::from_secs(60), move || sweep(app.clone())));
        let app = self.app.clone();
        tasks.spawn(every(Duration::from_secs(3_600), move || fetch_exchange_rates(app.clone())));
        let app = self.app.clone();
        tasks.spawn(every(Duration::from_secs(3_600), move || reconcile(app.clone())));
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a background task ended");
            }
        }
    }
}

/// Runs a task now and again after each pause.
pub(crate) async fn every<F: Future<Output = ()>>(pause: Duration, task: impl Fn() -> F) {
    let mut interval = tokio::time::interval(pause);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        task().await;
    }
}

/// Delivers the due webhooks of a simulator.
pub(crate) async fn deliver_webhooks<S: Service>(simulator: Arc<Simulator<S>>) {
    simulator.deliver_due_webhooks().await;
}

async fn sweep(app: App) {
    if let Err(error) = functions::operations::sweep_outbox::handle(&app).await {
        tracing::error!(%error, "the sweep failed; the next one is in a minute");
    }
}

async fn fetch_exchange_rates(app: App) {
    // The handler logs an error; the next attempt is in an hour.
    let _ = functions::payments::fetch_exchange_rates::handle(&app).await;
}

async fn reconcile(app: App) {
    if let Err(error) = functions::payments::reconcile_ledger::handle(&app).await {
        tracing::error!(%error, "the reconciliation failed; the next one is in an hour");
    }
}

/// Runs the worker of a queue as soon as a message arrives. A failed message is received again after the next one or within a
/// second.
async fn run_jobs(queue: Arc<LocalQueue>, app: App) {
    loop {
        queue.drain(&app).await;
        let _ = tokio::time::timeout(Duration::from_secs(1), queue.arrived()).await;
    }
}
