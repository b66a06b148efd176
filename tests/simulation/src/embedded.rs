//! The product's own table adapter, `store::DynamoTable`, over the AWS SDK, over the embedded DynamoDB.
//!
//! Each instance is independent and empty at first. Client and server share one thread and its runtime, so requests never
//! run concurrently.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents,
};
use aws_sdk_dynamodb::error::BoxError;
use store::keys::Index;
use store::table::causes;
use store::{DynamoTable, Item, Meter};
use tokio::runtime::Runtime;

const TABLE: &str = "expert-connect";

/// Drops a response on request, so that the SDK repeats a request that was already processed.
#[derive(Debug, Clone, Default)]
struct LoseAnswer(Arc<AtomicBool>);

impl Intercept for LoseAnswer {
    fn name(&self) -> &'static str {
        "LoseAnswer"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.0.swap(false, Ordering::Relaxed) {
            // HTTP 500, InternalServerError: the request may have been processed.
            *context.response_mut() = HttpResponse::new(500.try_into()?, Vec::new().into());
        }
        Ok(())
    }
}

/// An embedded DynamoDB and the product's table adapter over it.
pub struct EmbeddedDynamo {
    /// The product's adapter.
    pub table: DynamoTable,
    runtime: Runtime,
    client: Client,
    meter: Arc<Meter>,
    lose: LoseAnswer,
}

impl EmbeddedDynamo {
    /// Starts an embedded DynamoDB in memory and creates the table.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start() -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let database = dynoxide::Database::memory().map_err(|error| error.to_string())?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)));
        let listener = listener.map_err(|error| error.to_string())?;
        let url = format!("http://{}", listener.local_addr().map_err(|error| error.to_string())?);
        // The server ends with the runtime.
        runtime.spawn(dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()));

        let lose = LoseAnswer::default();
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("local"))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .endpoint_url(url)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .interceptor(lose.clone())
            .build();
        let client = Client::from_conf(config);
        runtime.block_on(store::create_table(&client, TABLE)).map_err(|error| error.to_string())?;
        let meter = Arc::new(Meter::default());
        let table = DynamoTable::new(client.clone(), TABLE).metered(meter.clone());
        Ok(Self { runtime, client, table, meter, lose })
    }

    /// Blocks until a future completes.
    pub fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime.block_on(answer)
    }

    /// Sets whether the response to the next request is lost, so that the SDK repeats the request.
    pub fn lose_answer(&self, lose: bool) {
        self.lose.0.store(lose, Ordering::Relaxed);
    }

    /// The capacity that the requests since the last call consumed, in tenths of units.
    pub fn cost(&self) -> u64 {
        self.meter.take().iter().map(|cost| cost.tenths).sum()
    }

    /// Reads all rows of the table or of an index.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn all(&self, index: Option<Index>) -> Result<Vec<Item>, String> {
        let name = index.map(|index| index.name.to_owned());
        let pages = self.client.scan().table_name(TABLE).set_index_name(name).into_paginator();
        let items = self.runtime.block_on(pages.items().send().collect::<Result<Vec<_>, _>>());
        items.map_err(|error| causes(&error))
    }
}
