//! Calls to servers on this machine.

use std::time::Duration;

/// How long a server on this machine may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client without certificates, proxies and redirects: what it calls is on this machine, and whoever calls wants to see where
/// a redirect leads.
///
/// # Errors
/// In words, when the cryptographic library refuses.
pub(crate) fn client() -> Result<reqwest::Client, String> {
    let client = simulators::loopback_client().map_err(|error| error.to_string())?;
    client.timeout(PATIENCE).build().map_err(|error| error.to_string())
}
