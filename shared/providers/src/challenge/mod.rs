//! Challenges of Cloudflare Turnstile (<https://developers.cloudflare.com/turnstile/get-started/server-side-validation/>) or
//! hCaptcha (<https://docs.hcaptcha.com/#verify-the-user-response-server-side>). Both verify tokens in the same way.

mod wire;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use app::payments::ports::Challenges;
use app::ports::{PortError, Secrets};
use async_trait::async_trait;
use reqwest::Url;

use crate::{InvalidAddress, https};

/// Where Cloudflare Turnstile verifies tokens.
pub const TURNSTILE: &str = "https://challenges.cloudflare.com/turnstile/v0/siteverify";
/// The maximum size of a response, in bytes. Usual ones have less than a thousand.
const MAX_RESPONSE: usize = 16 * 1024;
/// The timeout of a request. The client waits for the booking.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A service that verifies tokens of challenges.
pub struct SiteVerify {
    http: reqwest::Client,
    url: Url,
    site_key: String,
    secrets: Arc<dyn Secrets>,
    secret_id: String,
}

impl SiteVerify {
    /// The service at `url`, such as [`TURNSTILE`]. `site_key` is the public key, and `secret_id` the name of the secret with the
    /// private one.
    ///
    /// # Errors
    /// If `url` is not a URL.
    pub fn new(
        http: reqwest::Client,
        url: &str,
        site_key: String,
        secrets: Arc<dyn Secrets>,
        secret_id: String,
    ) -> Result<Self, InvalidAddress> {
        let url = url.parse().map_err(|_| InvalidAddress(url.to_owned()))?;
        Ok(Self { http, url, site_key, secrets, secret_id })
    }
}

#[async_trait]
impl Challenges for SiteVerify {
    fn site_key(&self) -> Option<&str> {
        Some(&self.site_key)
    }

    async fn verify(&self, token: &str, address: Option<IpAddr>) -> Result<bool, PortError> {
        let secret = self.secrets.read(&self.secret_id).await?;
        let address = address.map(|address| address.to_canonical().to_string());
        let mut form = vec![("secret", secret.reveal()), ("response", token)];
        form.extend(address.as_deref().map(|address| ("remoteip", address)));
        let request = self.http.post(self.url.clone()).form(&form).timeout(TIMEOUT);
        let response = https::fetch(request, MAX_RESPONSE)
            .await
            .map_err(|error| PortError(format!("the verifier of challenges {error}")))?;
        let verification: wire::Verification = serde_json::from_slice(&response)
            .map_err(|_| PortError("the response of the verifier of challenges cannot be read".to_owned()))?;
        match verification.error_codes.iter().find(|code| is_our_fault(code)) {
            Some(code) => Err(PortError(format!("the verifier of challenges responds {code}"))),
            None => Ok(verification.success),
        }
    }
}

/// Whether an error code says nothing about the token: the secret is wrong, or the service fails.
fn is_our_fault(code: &str) -> bool {
    matches!(
        code,
        "missing-input-secret"
            | "invalid-input-secret"
            | "sitekey-secret-mismatch"
            | "bad-request"
            | "internal-error"
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use app::ports::Secret;
    use axum::extract::{Form, State};
    use axum::routing::post;

    use super::*;

    struct OneSecret;

    #[async_trait]
    impl Secrets for OneSecret {
        async fn read(&self, name: &str) -> Result<Secret, PortError> {
            assert_eq!(name, "challenge");
            Ok(Secret::new("0x4AAA"))
        }
    }

    type Seen = Arc<Mutex<Vec<(String, String)>>>;

    /// Verifies a token with a service that gives this response. Returns the result, and the form that the service received.
    async fn verify(response: &'static str, address: Option<&str>) -> (Result<bool, PortError>, Vec<String>) {
        let seen = Seen::default();
        let receive = move |State(seen): State<Seen>, Form(form): Form<Vec<(String, String)>>| async move {
            seen.lock().expect("a lock").extend(form);
            response
        };
        let router = axum::Router::new().route("/siteverify", post(receive)).with_state(seen.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/siteverify", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        let (secrets, http) = (Arc::new(OneSecret), https::client().expect("a client"));
        let verifier = SiteVerify::new(http, &url, "site".to_owned(), secrets, "challenge".to_owned());
        let address = address.map(|address| address.parse().expect("an address"));
        let verified = verifier.expect("a URL").verify("token of the client", address).await;
        server.abort();
        let form =
            seen.lock().expect("a lock").iter().map(|(name, value)| format!("{name}={value}")).collect();
        (verified, form)
    }

    #[tokio::test]
    async fn token_is_verified_with_the_secret_and_the_address() {
        let (verified, form) = verify(r#"{"success":true,"hostname":"a.example"}"#, Some("192.0.2.7")).await;
        assert_eq!(verified, Ok(true));
        assert_eq!(form, ["secret=0x4AAA", "response=token of the client", "remoteip=192.0.2.7"]);
        let refused = r#"{"success":false,"error-codes":["timeout-or-duplicate"]}"#;
        let (verified, form) = verify(refused, None).await;
        assert_eq!(verified, Ok(false));
        assert_eq!(form.len(), 2, "{form:?}");
    }

    #[tokio::test]
    async fn failure_of_the_verifier_is_no_refusal() {
        for response in [
            r#"{"success":false,"error-codes":["invalid-input-secret"]}"#,
            r#"{"success":false,"error-codes":["internal-error"]}"#,
            "<html>",
            "{}",
        ] {
            let (verified, _) = verify(response, None).await;
            let error = verified.expect_err(response).to_string();
            assert!(!error.contains("0x4AAA") && !error.contains("token of"), "{error}");
        }
    }
}
