//! The HTTPS client for all outgoing requests. Root certificates are compiled in.

use std::sync::Arc;
use std::time::Duration;

/// Timeout of a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Timeout of a request. It is shorter than the timeout of the functions.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);

/// The client cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the HTTPS client cannot be built: {0}")]
pub struct HttpsError(String);

/// Creates a connection pool. It follows no redirects, uses no proxy, and times out after eight seconds.
///
/// # Errors
/// If TLS cannot be configured.
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
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .build()
        .map_err(|error| HttpsError(error.to_string()))
}
