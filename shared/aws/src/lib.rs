//! Ports that are implemented with AWS services: the job queue, the event bus, secrets, and the client of the table.
//!
//! Clients of the first three are created when they are first used, so a function's cold start includes only what it needs.

mod events;
mod http;
mod queue;
mod random;
mod secrets;

use std::sync::{Arc, OnceLock};

use app::identity::ports::NoUserInfo;
use app::payments::ports::{Gateways, NoChallenges, NoExchangeRates};
use app::ports::Secrets;
use app::{App, Settings};
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use store::{DynamoTable, Store};

use crate::http::SharedHttp;
pub use events::EventBridge;
pub use queue::{QueueUrls, Sqs};
pub use random::{SystemClock, SystemRandom};
pub use secrets::SecretsManager;

/// A required environment variable is not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} must be set")]
pub struct MissingVariable(pub &'static str);

/// The AWS services that a function uses.
pub struct Services {
    config: Arc<SdkConfig>,
    table: String,
    queue_urls: QueueUrls,
    bus: String,
}

impl Services {
    /// Reads the configuration from the environment variables that `template.yaml` sets: `TABLE_NAME`,
    /// `PAYMENT_JOBS_QUEUE_URL`, `GENERAL_JOBS_QUEUE_URL` and `EVENT_BUS_NAME`. Lambda sets the region and the credentials. `AWS_ENDPOINT_URL` replaces the endpoints of all services.
    ///
    /// # Errors
    /// If a variable is not set.
    pub fn from_environment(http: reqwest::Client) -> Result<Self, MissingVariable> {
        let variable = |name| {
            std::env::var(name).ok().filter(|value: &String| !value.is_empty()).ok_or(MissingVariable(name))
        };
        // The default configuration chain reads files and calls services that a function does not have.
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(SharedHttp(http))
            .region(Region::new(variable("AWS_REGION")?))
            .credentials_provider(SharedCredentialsProvider::new(
                EnvironmentVariableCredentialsProvider::new(),
            ));
        config.set_endpoint_url(variable("AWS_ENDPOINT_URL").ok());
        Ok(Self {
            config: Arc::new(config.build()),
            table: variable("TABLE_NAME")?,
            queue_urls: QueueUrls {
                payments: variable("PAYMENT_JOBS_QUEUE_URL")?,
                general: variable("GENERAL_JOBS_QUEUE_URL")?,
            },
            bus: variable("EVENT_BUS_NAME")?,
        })
    }

    /// The store of secrets, Secrets Manager.
    pub fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::new(SecretsManager::new(self.config.clone()))
    }

    /// Builds the use cases' environment. It fetches no exchange rates and asks no issuer until the caller sets them.
    pub fn app(&self, settings: Settings, gateways: Gateways) -> App {
        let table = DynamoTable::new(aws_sdk_dynamodb::Client::new(&self.config), &self.table);
        App {
            store: Store::new(Arc::new(table)),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            gateways,
            issuer: Arc::new(NoUserInfo),
            challenges: Arc::new(NoChallenges),
            exchange_rates: Arc::new(NoExchangeRates),
            queue: Arc::new(Sqs::new(self.config.clone(), self.queue_urls.clone())),
            events: Arc::new(EventBridge::new(self.config.clone(), &self.bus)),
            settings,
        }
    }
}

/// A client that is created when it is first used.
struct Lazy<C> {
    config: Arc<SdkConfig>,
    client: OnceLock<C>,
}

impl<C> Lazy<C> {
    fn new(config: Arc<SdkConfig>) -> Self {
        Self { config, client: OnceLock::new() }
    }

    fn get(&self, create: impl FnOnce(&SdkConfig) -> C) -> &C {
        self.client.get_or_init(|| create(&self.config))
    }
}
