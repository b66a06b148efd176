//! The port that this area needs: the issuer of access tokens.

use async_trait::async_trait;
use domain::identity::person::UserInfo;

use crate::ports::{PortError, Secret};

/// Why the issuer did not describe a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// The access token was revoked, or does not allow the issuer to describe the person: it lacks the scope `openid`. The issuer
    /// works, and may describe the person with another token.
    #[error("the issuer refuses the access token")]
    TokenRefused,
    /// The issuer did not respond, or its response cannot be read.
    #[error(transparent)]
    Unavailable(#[from] PortError),
}

/// The issuer of access tokens. It knows the people who sign in.
#[async_trait]
pub trait Issuer: Send + Sync {
    /// How the issuer describes the person of this access token; `None` if it does not describe people. The caller checks that the
    /// subject is the one of the token.
    ///
    /// # Errors
    /// [`IssuerError`].
    async fn user_info(&self, token: &Secret) -> Result<Option<UserInfo>, IssuerError>;
}

/// An issuer that does not describe people.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoUserInfo;

#[async_trait]
impl Issuer for NoUserInfo {
    async fn user_info(&self, _: &Secret) -> Result<Option<UserInfo>, IssuerError> {
        Ok(None)
    }
}
