//! Calls to servers on this machine.

use std::sync::Arc;
use std::time::Duration;

/// How long a server on this machine may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client without certificates, proxies and redirects: what it calls is on this machine, and whoever calls wants to see where
/// a redirect leads.
///
/// # Errors
/// In words, when the cryptographic library refuses.
pub(crate) fn client() -> Result<reqwest::Client, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(|error| error.to_string())
}
