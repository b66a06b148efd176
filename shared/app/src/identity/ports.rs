//! The port that this area needs: the issuer of access tokens.

use async_trait::async_trait;
use domain::identity::person::UserInfo;

use crate::ports::{PortError, Secret};

/// The issuer of access tokens. It knows the people who sign in.
#[async_trait]
pub trait Issuer: Send + Sync {
    /// How the issuer describes the person of this access token; `None` if it does not describe people. The caller checks that the
    /// subject is the one of the token.
    ///
    /// # Errors
    /// If the issuer does not respond, refuses the token, or its response cannot be read.
    async fn user_info(&self, token: &Secret) -> Result<Option<UserInfo>, PortError>;
}

/// An issuer that does not describe people.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoUserInfo;

#[async_trait]
impl Issuer for NoUserInfo {
    async fn user_info(&self, _: &Secret) -> Result<Option<UserInfo>, PortError> {
        Ok(None)
    }
}
