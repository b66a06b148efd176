//! Everything together.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use app::payments::exchange_rates::RefreshError;
use app::payments::ports::Gateways;
use app::payments::reconciliation::Reconciled;
use app::ports::Secret;
use app::{App, AppError, Settings};
use simulators::ecb::{DAILY_RATES, EcbSimulator};
use simulators::paypal::{PayPalSimulator, PayPalSimulatorConfig};
use simulators::sign_in::{Person, SignIn, SignInConfig};
use simulators::stripe::{StripeSimulator, StripeSimulatorConfig};
use simulators::{Loopback, OpenError, Running};
use store::{DynamoTable, Meter, Store};
use url::Url;

use crate::StackClock;
use crate::authorizer::Authorizer;
use crate::bus::LocalBus;
use crate::database::{Database, DatabaseError, TABLE};
use crate::gateway::{Gateway, router};
use crate::queue::LocalQueue;
use crate::secrets::LocalSecrets;
use crate::surroundings::{Addresses, Surroundings};

/// The scope that a token needs, as in `template.yaml`.
pub const SCOPE: &str = "expert-connect/api";
/// The one application that people sign in to.
pub(crate) const CLIENT_ID: &str = "expert-connect-local";
/// Name of the Stripe secret.
const STRIPE_SECRET: &str = "expert-connect/stripe";
/// Name of the PayPal secret.
const PAYPAL_SECRET: &str = "expert-connect/paypal";

/// Where everything listens on 127.0.0.1; 0 takes any free port.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ports {
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

/// Keys of an application at PayPal.
pub struct PayPalKeys {
    /// Its client id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// The merchant id of the account that it belongs to.
    pub partner_id: String,
    /// The id of its webhook.
    pub webhook_id: String,
    /// Where PayPal's API is: its sandbox, or the real one.
    pub api_base: Url,
}

/// What the simulator takes.
pub(crate) const SIMULATED_PAYPAL: [&str; 4] =
    ["paypal-client-local", "paypal-secret-local", "PARTNER222222", "WEBHOOKLOCAL"];

/// People who can sign in to demo data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct People;

impl People {
    /// Everybody: experts, clients, one who is both, and an administrator.
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

    /// Somebody by their subject.
    pub fn find(subject: &str) -> Option<Person> {
        Self::all().into_iter().find(|person| person.subject == subject)
    }
}

/// What differs between starts.
pub struct StackConfig {
    /// Where things listen.
    pub ports: Ports,
    /// Where things are kept; without it everything is forgotten at the end.
    pub data: Option<PathBuf>,
    /// The time.
    pub clock: StackClock,
    /// What the operator chose. The address of the pages is filled in.
    pub settings: Settings,
    /// Real keys of Stripe, `(secret key, webhook secret)`; they take the simulator away.
    pub stripe_keys: Option<(Secret, Secret)>,
    /// Real keys of PayPal; they take the simulator away.
    pub paypal_keys: Option<PayPalKeys>,
    /// Where the real exchange rates are; that takes the simulator away.
    pub ecb_rates_url: Option<Url>,
    /// Adds up what the table costs.
    pub meter: Option<Arc<Meter>>,
}

impl StackConfig {
    /// Nothing kept, any free ports, this clock: for tests.
    pub fn in_memory(clock: StackClock) -> Self {
        Self {
            ports: Ports::default(),
            data: None,
            clock,
            settings: Settings::default(),
            stripe_keys: None,
            paypal_keys: None,
            ecb_rates_url: None,
            meter: None,
        }
    }
}

/// Why the stack cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken.
    #[error(
        "{what} cannot listen on 127.0.0.1:{port}: {reason}. Is Expert Connect running already? Else choose another port with {variable}"
    )]
    Port {
        /// What should listen there.
        what: &'static str,
        /// Where.
        port: u16,
        /// The variable that says where.
        variable: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The data folder cannot be used.
    #[error("the data folder {folder} cannot be written: {reason}. Choose another with EXPERT_CONNECT_DATA")]
    Folder {
        /// Which.
        folder: String,
        /// What is wrong.
        reason: String,
    },
    /// Another process has the data folder.
    #[error(
        "the data folder {folder} is in use: Expert Connect is running already. End it first, or choose another folder with EXPERT_CONNECT_DATA"
    )]
    InUse {
        /// Which.
        folder: String,
    },
    /// The database does not start.
    #[error(transparent)]
    Database(DatabaseError),
    /// A simulator does not start.
    #[error(transparent)]
    Simulator(#[from] OpenError),
    /// Something inside is not as it must be.
    #[error("{0}")]
    Inside(String),
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

/// A running system. Dropping it ends it.
pub struct Stack {
    /// The use cases' world, as the functions have it.
    pub app: App,
    /// The API's address, without a slash at the end.
    pub api_url: String,
    /// The simulator, unless real keys took it away.
    pub stripe: Option<Arc<StripeSimulator>>,
    /// The simulator's address.
    pub stripe_url: Option<Url>,
    /// The PayPal simulator, unless real keys took it away.
    pub paypal: Option<Arc<PayPalSimulator>>,
    /// The simulator of the European Central Bank, unless a real address took it away.
    pub ecb: Option<Arc<EcbSimulator>>,
    /// The sign-in service.
    pub sign_in: Arc<SignIn>,
    /// Its address.
    pub sign_in_url: Url,
    /// The database's address.
    pub database_url: String,
    /// The effects queue.
    pub queue: Arc<LocalQueue>,
    /// The event bus.
    pub bus: Arc<LocalBus>,
    /// The time.
    pub clock: StackClock,
    /// What the pages know.
    pub surroundings: Surroundings,
    _running: Vec<Running>,
    _database: Database,
    _folder: Option<File>,
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

/// A PayPal simulator that takes the keys of [`SIMULATED_PAYPAL`].
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

/// Makes the folder, and takes it for this process alone until the answer is dropped or the process ends.
fn take(folder: &Path) -> Result<File, StartError> {
    let unusable = |error: std::io::Error| StartError::Folder {
        folder: folder.display().to_string(),
        reason: error.to_string(),
    };
    std::fs::create_dir_all(folder).map_err(unusable)?;
    // What people wrote about themselves is in there.
    #[cfg(unix)]
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .map_err(unusable)?;
    let lock = File::create(folder.join("lock")).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        // Some file systems have no locks; then the ports are what keeps a second process away.
        Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => Ok(lock),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse { folder: folder.display().to_string() }),
    }
}

impl Stack {
    /// Starts everything; `pages` adds what is served besides the API, and is told what runs around it.
    ///
    /// # Errors
    /// When a port is taken, the data folder cannot be used, or what is in it is damaged.
    pub async fn start(config: StackConfig, pages: axum::Router<Surroundings>) -> Result<Self, StartError> {
        let StackConfig { ports, data, clock, mut settings, stripe_keys, paypal_keys, ecb_rates_url, meter } =
            config;
        let folder = data.as_deref().map(take).transpose()?;
        let file = |name: &str| data.as_ref().map(|folder| folder.join(name));
        let api = bind("the API", ports.api, "EXPERT_CONNECT_PORT").await?;
        let sign_in_port = bind("the sign-in service", ports.sign_in, "EXPERT_CONNECT_SIGN_IN_PORT").await?;
        let api_url = api.url().as_str().trim_end_matches('/').to_owned();
        settings.public_base_url = api_url.clone();

        let sign_in_url = sign_in_port.url().clone();
        let redirect =
            format!("{api_url}/signed-in").parse().map_err(|_| StartError::Inside(api_url.clone()))?;
        let sign_in = SignIn::open(SignInConfig {
            issuer: sign_in_url.clone(),
            client_id: CLIENT_ID.to_owned(),
            scope: SCOPE.to_owned(),
            redirect_uris: vec![redirect],
            people: People::all(),
            key_file: file("sign-in-key.pem"),
            clock: clock.source(),
        })?;
        let mut running = vec![sign_in_port.serve(sign_in.router())];

        let mut stripe = None;
        let mut stripe_url = None;
        let (secret_key, webhook_secret, api_base) = match stripe_keys {
            Some((key, webhook)) => {
                (key.reveal().to_owned(), webhook.reveal().to_owned(), "https://api.stripe.com/".to_owned())
            }
            None => {
                let port = bind("the Stripe simulator", ports.stripe, "EXPERT_CONNECT_STRIPE_PORT").await?;
                let url = port.url().clone();
                let keys = ("sk_test_local".to_owned(), "whsec_local".to_owned());
                let webhook_url = format!("{api_url}/v1/webhooks/stripe").parse();
                let simulator = StripeSimulator::open(StripeSimulatorConfig {
                    secret_key: keys.0.clone(),
                    webhook_secret: keys.1.clone(),
                    webhook_url: webhook_url.ok(),
                    state_file: file("stripe-simulator.json"),
                    clock: clock.source(),
                    public_url: url.clone(),
                })?;
                running.push(port.serve(simulator.router()));
                stripe = Some(simulator);
                stripe_url = Some(url.clone());
                (keys.0, keys.1, url.to_string())
            }
        };
        let keys =
            serde_json::json!({ "secret_key": secret_key, "webhook_secret": webhook_secret }).to_string();
        let mut paypal = None;
        let mut paypal_url = None;
        let paypal_keys = match paypal_keys {
            Some(keys) => keys,
            None => {
                let port = bind("the PayPal simulator", ports.paypal, "EXPERT_CONNECT_PAYPAL_PORT").await?;
                let url = port.url().clone();
                let webhook_url = format!("{api_url}/v1/webhooks/paypal").parse().ok();
                let simulator =
                    simulated_paypal(&clock, url.clone(), webhook_url, file("paypal-simulator.json"))?;
                running.push(port.serve(simulator.router()));
                paypal = Some(simulator);
                paypal_url = Some(url.clone());
                let [client_id, client_secret, partner_id, webhook_id] = SIMULATED_PAYPAL.map(str::to_owned);
                let client_secret = Secret::new(client_secret);
                PayPalKeys { client_id, client_secret, partner_id, webhook_id, api_base: url }
            }
        };
        let PayPalKeys { client_id, client_secret, partner_id, webhook_id, api_base: paypal_base } =
            paypal_keys;
        let paypal_keys = serde_json::json!({
            "client_id": client_id,
            "client_secret": client_secret.reveal(),
            "partner_id": partner_id,
            "webhook_id": webhook_id,
        });
        let secrets = Arc::new(
            LocalSecrets::default()
                .with(STRIPE_SECRET, Secret::new(keys))
                .with(PAYPAL_SECRET, Secret::new(paypal_keys.to_string())),
        );
        let http = providers::https::client().map_err(|error| StartError::Inside(error.to_string()))?;
        let mut ecb = None;
        let mut ecb_url = None;
        let rates_url = match ecb_rates_url {
            Some(url) => url.to_string(),
            None => {
                let what = "the simulator of the European Central Bank";
                let port = bind(what, ports.ecb, "EXPERT_CONNECT_ECB_PORT").await?;
                let simulator = EcbSimulator::new(clock.source());
                let url = port.url().clone();
                running.push(port.serve(simulator.router()));
                ecb = Some(simulator);
                let rates_url = format!("{url}{DAILY_RATES}");
                ecb_url = Some(url);
                rates_url
            }
        };
        let exchange_rates = providers::ecb::EuropeanCentralBank::new(http.clone(), &rates_url)
            .map_err(|error| StartError::Inside(error.to_string()))?;
        let configure = |secret_id: &str, api_base: &str| providers::GatewayConfig {
            http: http.clone(),
            secrets: secrets.clone(),
            clock: Arc::new(clock.clone()),
            secret_id: secret_id.to_owned(),
            api_base: api_base.to_owned(),
        };
        let inside = |error: providers::InvalidAddress| StartError::Inside(error.to_string());
        let stripe_ports = providers::stripe::gateway(configure(STRIPE_SECRET, &api_base)).map_err(inside)?;
        let paypal_ports =
            providers::paypal::gateway(configure(PAYPAL_SECRET, paypal_base.as_str())).map_err(inside)?;
        let gateways = Gateways::none().with(stripe_ports).with(paypal_ports);

        let database = Database::start(file("table.db").as_deref(), ports.database).await?;
        let mut table = DynamoTable::new(database.client.clone(), TABLE);
        if let Some(meter) = meter {
            table = table.metered(meter);
        }
        let queue = Arc::new(LocalQueue::new(clock.clone()));
        let bus = Arc::new(LocalBus::default());
        let app = App {
            store: Store::new(Arc::new(table)),
            clock: Arc::new(clock.clone()),
            random: Arc::new(aws::SystemRandom),
            gateways,
            exchange_rates: Arc::new(exchange_rates),
            queue: queue.clone(),
            events: bus.clone(),
            settings,
        };
        let keys =
            serde_json::from_value(sign_in.jwks()).map_err(|error| StartError::Inside(error.to_string()))?;
        let authorizer = Authorizer {
            issuer: sign_in.issuer().to_owned(),
            client_id: CLIENT_ID.to_owned(),
            scope: SCOPE.to_owned(),
            keys,
        };
        let gateway = Arc::new(Gateway {
            app: app.clone(),
            authorizer,
            clock: clock.clone(),
            requests: AtomicU64::new(1),
        });
        let database_url = database.url.clone();
        let bare = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
        let surroundings = Surroundings {
            app: app.clone(),
            addresses: Arc::new(Addresses {
                api: api_url.clone(),
                sign_in: sign_in.issuer().to_owned(),
                stripe_simulator: stripe_url.as_ref().map(bare),
                paypal_simulator: paypal_url.as_ref().map(bare),
                ecb_simulator: ecb_url.as_ref().map(bare),
                database: database_url.clone(),
            }),
            data: data.map(Arc::from),
            queue: queue.clone(),
            bus: bus.clone(),
        };
        running.push(api.serve(pages.with_state(surroundings.clone()).merge(router(gateway))));
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
            queue,
            bus,
            clock,
            _running: running,
            surroundings,
            _database: database,
            _folder: folder,
        })
    }

    /// Does everything that is due now: the provider's messages, then the effects, until nothing is left.
    pub async fn settle(&self) {
        loop {
            let delivered = self.deliver_webhooks().await;
            if self.queue.drain(&self.app).await + delivered == 0 {
                return;
            }
        }
    }

    /// Has the simulated gateways deliver their messages, and answers how many there were.
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

    /// What the schedule does every minute, and what follows from it.
    ///
    /// # Errors
    /// As the sweep's.
    pub async fn sweep(&self) -> Result<(), AppError> {
        functions::operations::sweep_outbox::handle(&self.app).await?;
        self.settle().await;
        Ok(())
    }

    /// What the schedule does every hour: fetches the exchange rates; whether there were newer ones.
    ///
    /// # Errors
    /// As [`app::payments::exchange_rates::refresh`]'s.
    pub async fn fetch_exchange_rates(&self) -> Result<bool, RefreshError> {
        functions::payments::fetch_exchange_rates::handle(&self.app).await
    }

    /// What the schedule does every hour: holds the ledger against the gateways' books; and what follows from it.
    ///
    /// # Errors
    /// As the reconciler's.
    pub async fn reconcile(&self) -> Result<Reconciled, AppError> {
        let reconciled = functions::payments::reconcile_ledger::handle(&self.app).await?;
        self.settle().await;
        Ok(reconciled)
    }

    /// Turns the wheels until the process ends: the queue as soon as a message arrives, the provider's messages every
    /// half second, the sweep every minute, the exchange rates and the reconciler every hour, and all of them at the start.
    pub async fn run(&self) {
        // Apart from the others, because nothing else should wait for an answer from elsewhere.
        tokio::join!(self.run_effects(), self.run_exchange_rates(), self.run_reconciler());
    }

    async fn run_reconciler(&self) {
        let mut hour = tokio::time::interval(std::time::Duration::from_secs(3_600));
        loop {
            hour.tick().await;
            if let Err(error) = functions::payments::reconcile_ledger::handle(&self.app).await {
                tracing::error!(%error, "the books were not compared; the next time is in an hour");
            }
        }
    }

    async fn run_exchange_rates(&self) {
        let mut hour = tokio::time::interval(std::time::Duration::from_secs(3_600));
        loop {
            hour.tick().await;
            // What goes wrong is in the log, and the next hour tries again.
            let _ = self.fetch_exchange_rates().await;
        }
    }

    async fn run_effects(&self) {
        let mut sweep = tokio::time::interval(std::time::Duration::from_secs(60));
        let mut webhooks = tokio::time::interval(std::time::Duration::from_millis(500));
        loop {
            tokio::select! {
                _ = sweep.tick() => {
                    if let Err(error) = functions::operations::sweep_outbox::handle(&self.app).await {
                        tracing::error!(%error, "the sweep failed; the next one is in a minute");
                    }
                }
                _ = webhooks.tick() => {
                    self.deliver_webhooks().await;
                }
                () = self.queue.arrived() => {}
            }
            self.queue.drain(&self.app).await;
        }
    }
}
