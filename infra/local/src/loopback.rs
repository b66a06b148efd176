//! The HTTP client for servers on this machine.

use std::time::Duration;

/// The time that a server on this machine may take to respond.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A client without certificates and proxies, which does not follow redirects: its callers check where a redirect leads.
///
/// # Errors
/// With the reason, if the cryptographic library cannot be set up.
pub(crate) fn client() -> Result<reqwest::Client, String> {
    let client = simulators::loopback_client().map_err(|error| error.to_string())?;
    client.timeout(TIMEOUT).build().map_err(|error| error.to_string())
}
