//! Challenges that a client's browser solves to show that a person uses it.

use std::net::IpAddr;

use async_trait::async_trait;

use crate::ports::PortError;

/// Verifies that a client has solved a challenge, such as Cloudflare Turnstile or hCaptcha.
#[async_trait]
pub trait Challenges: Send + Sync {
    /// The public key with which the client's browser shows the challenge; `None` if the platform has no challenges.
    fn site_key(&self) -> Option<&str>;

    /// Whether this token proves that a challenge was solved just now. `address` is that of the client, if it is known. A token is
    /// accepted once.
    ///
    /// # Errors
    /// If the verifier does not respond, or its response cannot be read.
    async fn verify(&self, token: &str, address: Option<IpAddr>) -> Result<bool, PortError>;
}

/// No challenges.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoChallenges;

#[async_trait]
impl Challenges for NoChallenges {
    fn site_key(&self) -> Option<&str> {
        None
    }

    async fn verify(&self, _: &str, _: Option<IpAddr>) -> Result<bool, PortError> {
        Err(PortError("no challenges are configured".to_owned()))
    }
}
