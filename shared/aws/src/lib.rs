//! The ports that are AWS services: the effects queue, the event bus, secrets, and the table's client.
//!
//! Clients are made when they are first asked for, so a function pays at its start only for what it uses.

mod chance;
mod events;
mod http;
mod queue;
mod secrets;

use std::sync::{Arc, OnceLock};

use app::payments::ports::{Gateways, NoExchangeRates};
use app::ports::Secrets;
use app::{App, Settings};
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use store::{DynamoTable, Store};

use crate::http::SharedHttp;
pub use chance::{SystemClock, SystemRandom};
pub use events::EventBridge;
pub use queue::Sqs;
pub use secrets::SecretsManager;

/// The environment does not say where something is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {0} must be set")]
pub struct MissingVariable(pub &'static str);

/// The AWS services of one function.
pub struct Services {
    config: Arc<SdkConfig>,
    table: String,
    queue_url: String,
    bus: String,
}

impl Services {
    /// Services as `template.yaml` names them: `TABLE_NAME`, `JOBS_QUEUE_URL` and `EVENT_BUS_NAME`, with the region and
    /// credentials that Lambda gives, over these connections. `AWS_ENDPOINT_URL` leads all of them elsewhere.
    ///
    /// # Errors
    /// When a variable is not set.
    pub fn from_environment(http: reqwest::Client) -> Result<Self, MissingVariable> {
        let variable = |name| {
            std::env::var(name).ok().filter(|value: &String| !value.is_empty()).ok_or(MissingVariable(name))
        };
        // By hand, because the default chain reads files and asks services that a function does not have.
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
            queue_url: variable("JOBS_QUEUE_URL")?,
            bus: variable("EVENT_BUS_NAME")?,
        })
    }

    /// Where secrets are.
    pub fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::new(SecretsManager::new(self.config.clone()))
    }

    /// The use cases' world.
    pub fn app(&self, settings: Settings, gateways: Gateways) -> App {
        let table = DynamoTable::new(aws_sdk_dynamodb::Client::new(&self.config), &self.table);
        App {
            store: Store::new(Arc::new(table)),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            gateways,
            exchange_rates: Arc::new(NoExchangeRates),
            queue: Arc::new(Sqs::new(self.config.clone(), &self.queue_url)),
            events: Arc::new(EventBridge::new(self.config.clone(), &self.bus)),
            settings,
        }
    }
}

/// A client that is made when it is first asked for.
struct Lazy<C> {
    config: Arc<SdkConfig>,
    client: OnceLock<C>,
}

impl<C> Lazy<C> {
    fn new(config: Arc<SdkConfig>) -> Self {
        Self { config, client: OnceLock::new() }
    }

    fn get(&self, make: impl FnOnce(&SdkConfig) -> C) -> &C {
        self.client.get_or_init(|| make(&self.config))
    }
}
