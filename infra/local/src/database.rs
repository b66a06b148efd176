//! The table: an embedded DynamoDB library that listens on loopback, so that the AWS SDK calls it over DynamoDB's protocol.

use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use tokio::sync::oneshot;

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
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let url = format!("http://{}", listener.local_addr().map_err(listen)?);

        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("database".to_owned()).spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                return;
            };
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                let shutdown = async {
                    let _ = stopped.await;
                };
                if let Err(error) = dynoxide::server::serve_with_shutdown(listener, database, shutdown).await
                {
                    tracing::error!(%error, "the database stopped");
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
