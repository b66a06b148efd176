//! The table: an embedded DynamoDB library behind a port of loopback, so that the AWS SDK calls it over DynamoDB's protocol.
//!
//! The library has a server of its own, which responds to pages of every origin. This one serves only requests for this machine,
//! and allows no other origin to read the responses.

use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dynoxide::errors::DynoxideError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use simulators::Loopback;
use tokio::sync::oneshot;

/// The largest body of a request, as DynamoDB has it.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Why the database cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file cannot be opened, or is not a database.
    #[error(
        "the database {path} cannot be opened ({reason}); restore it from a copy, or delete it to start with an empty one"
    )]
    Open {
        /// The file.
        path: String,
        /// The reason.
        reason: String,
    },
    /// The port is not available.
    #[error("the database cannot listen on 127.0.0.1:{port}: {reason}")]
    Listen {
        /// The port.
        port: u16,
        /// The reason.
        reason: String,
    },
    /// The table cannot be created.
    #[error("the table cannot be created: {0}")]
    Table(String),
}

/// A running database. Dropping it stops it.
pub(crate) struct Database {
    pub(crate) client: Client,
    pub(crate) url: String,
    stop: Option<oneshot::Sender<()>>,
}

/// The name of the table.
pub(crate) const TABLE: &str = "expert-connect";

impl Database {
    /// Starts the database on its own thread, because it does its work on the thread that it listens on. Without a file, the
    /// data is in memory.
    pub(crate) async fn start(file: Option<&Path>, port: u16) -> Result<Self, DatabaseError> {
        let database = match file {
            None => dynoxide::Database::memory(),
            Some(file) => dynoxide::Database::new(&file.to_string_lossy()),
        };
        let path = file.map_or_else(|| "in memory".to_owned(), |file| file.display().to_string());
        let database = database
            .map_err(|error| DatabaseError::Open { path: path.clone(), reason: error.to_string() })?;

        let listen = |error: std::io::Error| DatabaseError::Listen { port, reason: error.to_string() };
        let listener = Loopback::take(port).map_err(listen)?;
        let url = format!("http://{}", listener.local_addr().map_err(listen)?);

        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("database".to_owned()).spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                return;
            };
            runtime.block_on(async {
                let port = tokio::net::TcpListener::from_std(listener).and_then(Loopback::listen);
                match port {
                    Ok(port) => {
                        let _running = port.serve(router(database));
                        let _ = stopped.await;
                    }
                    Err(error) => tracing::error!(%error, "the database stopped"),
                }
            });
        });
        thread.map_err(listen)?;
        let client = client(&url);
        let started = Self { client, url, stop: Some(stop) };
        let usable = match store::create_table(&started.client, TABLE).await {
            Ok(()) => started.read_everything().await,
            Err(error) => Err(error.to_string()),
        };
        usable.map_err(|error| match file {
            // A file that is not a database is noticed only at its first use.
            Some(_) => DatabaseError::Open { path, reason: error },
            None => DatabaseError::Table(error),
        })?;
        Ok(started)
    }

    /// Reads every row of the table and its indexes, because damage inside the file is noticed only where it is read.
    async fn read_everything(&self) -> Result<(), String> {
        for index in [None, Some(store::keys::GSI1.name), Some(store::keys::GSI2.name)] {
            let mut pages = self
                .client
                .scan()
                .table_name(TABLE)
                .set_index_name(index.map(str::to_owned))
                .into_paginator()
                .send();
            while let Some(page) = pages.next().await {
                page.map_err(|error| store::table::causes(&error))?;
            }
        }
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

fn router(database: dynoxide::Database) -> Router {
    Router::new()
        .route("/", get(async || "healthy").post(run))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(database)
}

/// Runs an operation. Its name is in `X-Amz-Target`, its request and its response are JSON.
async fn run(State(database): State<dynoxide::Database>, headers: HeaderMap, body: String) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("DynamoDB_20120810.").unwrap_or_default();
    let (status, body) = match execute(&database, operation, &body) {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
            (status, error.to_json())
        }
    };
    (status, [(CONTENT_TYPE, "application/x-amz-json-1.0")], body).into_response()
}

fn execute(database: &dynoxide::Database, operation: &str, body: &str) -> Result<String, DynoxideError> {
    macro_rules! operations {
        ($($name:literal => $method:ident),+ $(,)?) => {
            match operation {
                $($name => call(body, |request| database.$method(request)),)+
                _ => Err(DynoxideError::ValidationException(format!(
                    "there is no operation {operation:?} here, only {}", [$($name),+].join(", ")
                ))),
            }
        };
    }
    operations! {
        "BatchGetItem" => batch_get_item,
        "BatchWriteItem" => batch_write_item,
        "CreateTable" => create_table,
        "DeleteItem" => delete_item,
        "DescribeTable" => describe_table,
        "DescribeTimeToLive" => describe_time_to_live,
        "GetItem" => get_item,
        "ListTables" => list_tables,
        "PutItem" => put_item,
        "Query" => query,
        "Scan" => scan,
        "TransactGetItems" => transact_get_items,
        "TransactWriteItems" => transact_write_items,
        "UpdateItem" => update_item,
        "UpdateTimeToLive" => update_time_to_live,
    }
}

/// Reads a request, makes the call, and writes its response.
fn call<Q: DeserializeOwned, R: Serialize>(
    body: &str,
    operation: impl FnOnce(Q) -> Result<R, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_str(body)
        .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
    serde_json::to_string(&operation(request)?)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

fn client(url: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(url)
        // Plain HTTP on loopback needs no certificates.
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}
