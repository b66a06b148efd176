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

#[cfg(test)]
pub(crate) mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Sends these chunks to one connection, whose request must contain `expected` in lower case, and keeps it open afterwards if
    /// `hang` is set. Returns the URL of a path.
    pub(crate) async fn serve(
        path: &str,
        expected: &'static str,
        chunks: Vec<Vec<u8>>,
        hang: bool,
    ) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}{path}", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.expect("a caller");
            let mut request = [0; 4096];
            let read = connection.read(&mut request).await.expect("a request");
            let request = String::from_utf8_lossy(&request[..read]).to_ascii_lowercase();
            assert!(request.contains(expected), "{request}");
            for chunk in chunks {
                // The client may have closed the connection.
                if connection.write_all(&chunk).await.is_err() {
                    return;
                }
            }
            if hang {
                std::future::pending::<()>().await;
            }
        });
        url
    }

    pub(crate) fn response(status: &str, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    /// A response with this many chunks of 16 KiB, which does not end.
    pub(crate) fn endless_response(count: usize) -> Vec<Vec<u8>> {
        let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000)).into_bytes();
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        std::iter::once(head).chain(std::iter::repeat_n(chunk, count)).collect()
    }
}
