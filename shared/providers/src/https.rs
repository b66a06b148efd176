//! The one way out: HTTPS on the one TLS stack, with the certificate authorities that are compiled in.

use std::sync::Arc;
use std::time::Duration;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest wait for an answer: below the time limit of the functions that ask.
const ANSWER: Duration = Duration::from_secs(8);

/// TLS or HTTP could not be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the HTTPS client cannot be built: {0}")]
pub struct HttpsError(String);

/// A pool of connections. It follows no redirect, uses no proxy, and gives up after eight seconds.
///
/// # Errors
/// When TLS cannot be set up.
pub fn client() -> Result<reqwest::Client, HttpsError> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| HttpsError(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .build()
        .map_err(|error| HttpsError(error.to_string()))
}
