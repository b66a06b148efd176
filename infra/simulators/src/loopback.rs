//! Listening where only this machine can reach, and calling what listens there.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use crate::OpenError;

/// A bound port of 127.0.0.1 that serves nothing yet, so that its address can go into the configuration of
/// what will be served there.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    url: Url,
}

impl Loopback {
    /// Takes `port`, or any free port when it is 0.
    pub async fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let url = url.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(Self { listener, url })
    }

    /// Where it listens, such as `http://127.0.0.1:12111/`.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Serves `router` until the returned value is dropped.
    pub fn serve(self, router: Router) -> Running {
        let url = self.url;
        let task = tokio::spawn(async move {
            if let Err(error) =
                axum::serve(self.listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
            {
                tracing::error!(%error, "a simulator stopped listening");
            }
        });
        Running { url, task }
    }
}

/// A served router. Dropping it closes the port.
#[derive(Debug)]
pub struct Running {
    url: Url,
    task: JoinHandle<()>,
}

impl Running {
    /// Where it listens.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client for what listens on this machine: it trusts no certificate authority, asks no proxy, and leaves
/// redirects to whoever calls.
///
/// # Errors
/// When the cryptographic library refuses.
pub fn loopback_client() -> Result<reqwest::ClientBuilder, OpenError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Cryptography(error.to_string()))?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    Ok(builder.redirect(reqwest::redirect::Policy::none()))
}
