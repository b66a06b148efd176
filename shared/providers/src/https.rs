//! The HTTPS client for all outgoing requests. Root certificates are compiled in.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use reqwest::{RequestBuilder, StatusCode};

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

/// Why a document was not fetched. The text continues a sentence that begins with the name of the provider.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// The connection failed or the response took too long.
    #[error("does not respond: {0}")]
    Connection(reqwest::Error),
    /// The status of the response is not 200.
    #[error("responds {0}")]
    Status(StatusCode),
    /// The document is longer than the limit, in bytes.
    #[error("responds with more than {0} bytes")]
    TooLong(usize),
}

impl From<reqwest::Error> for FetchError {
    /// The error without the URL, which may be confidential.
    fn from(error: reqwest::Error) -> Self {
        Self::Connection(error.without_url())
    }
}

/// Fetches a document of at most `limit` bytes: the body of a response with status 200.
///
/// # Errors
/// [`FetchError`]. No more than the limit is kept in memory.
pub(crate) async fn fetch(request: RequestBuilder, limit: usize) -> Result<BytesMut, FetchError> {
    let mut response = request.send().await?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let mut document = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if document.len() + chunk.len() > limit {
            return Err(FetchError::TooLong(limit));
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}
