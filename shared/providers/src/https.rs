//! The HTTPS client for all outgoing requests. Root certificates are compiled in.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;

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

/// Why the body of a response was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The connection failed or the response took too long.
    #[error("{0}")]
    Connection(reqwest::Error),
    /// The body is longer than the limit, in bytes.
    #[error("the response has more than {0} bytes")]
    TooLong(usize),
}

/// The body of a response with at most `limit` bytes.
///
/// # Errors
/// If the body cannot be read, or is longer. No more than the limit is kept in memory.
pub(crate) async fn body(mut response: reqwest::Response, limit: usize) -> Result<BytesMut, BodyError> {
    let mut body = BytesMut::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| BodyError::Connection(error.without_url()))?
    {
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLong(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
