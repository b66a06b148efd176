//! A sign-in service that stands for a Cognito user pool: OpenID Connect with the authorization code flow and
//! PKCE, and access tokens with the claims Cognito's have. Sources:
//! <https://openid.net/specs/openid-connect-core-1_0.html>, <https://www.rfc-editor.org/rfc/rfc7636>,
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html>.
//!
//! Anybody who reaches it may sign in as anybody on its list, without a password. It is for one machine only.

mod authorize;
mod keys;
mod pages;
mod router;
mod sessions;
mod token;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::{Clock, OpenError};
use keys::SigningKey;
use sessions::Sessions;

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The stable id of the person: the `sub` claim.
    pub subject: String,
    /// The name people see.
    pub name: String,
    /// The address, taken as verified.
    pub email: String,
    /// The groups the person is in: the `cognito:groups` claim.
    pub groups: Vec<String>,
}

/// What the sign-in service needs to know before it starts.
#[derive(Clone)]
pub struct SignInConfig {
    /// The service's address, and the `iss` claim (which has no slash at its end, as Cognito's has none).
    pub issuer: Url,
    /// The one application that people sign in to: the `client_id` claim, and the audience of id tokens. It
    /// is a public client and has no secret.
    pub client_id: String,
    /// The scope an access token needs for the application's API, such as `expert-connect/api`.
    pub scope: String,
    /// Where the application may have people sent back to, compared letter by letter.
    pub redirect_uris: Vec<Url>,
    /// Who can sign in.
    pub people: Vec<Person>,
    /// Where the signing key is kept (PEM, readable by its owner only). With it, tokens stay good after a
    /// restart; without it, each start makes a new key.
    pub key_file: Option<PathBuf>,
    /// The service's time, in Unix seconds.
    pub clock: Clock,
}

/// The sign-in service. See the [module](self).
pub struct SignIn {
    config: SignInConfig,
    issuer: String,
    key: SigningKey,
    sessions: Mutex<Sessions>,
    user_info: Mutex<Option<(StatusCode, String)>>,
}

impl SignIn {
    /// Starts, with the key of its last run when `config.key_file` holds one.
    pub fn open(config: SignInConfig) -> Result<Arc<Self>, OpenError> {
        let mut subjects: Vec<&str> = config.people.iter().map(|person| person.subject.as_str()).collect();
        subjects.sort_unstable();
        if let Some([twice, _]) = subjects.array_windows::<2>().find(|[first, second]| first == second) {
            return Err(OpenError::Configuration(format!("two people have the subject {twice:?}")));
        }
        let key = SigningKey::open(config.key_file.as_deref())?;
        let issuer = config.issuer.as_str().trim_end_matches('/').to_owned();
        Ok(Arc::new(Self {
            config,
            issuer,
            key,
            sessions: Mutex::new(Sessions::default()),
            user_info: Mutex::new(None),
        }))
    }

    /// Discovery, keys, the code flow and the pages, to be served at the root of the issuer's address.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        router::router(Arc::clone(self))
    }

    /// The `iss` claim: the configured address without a slash at its end.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// An access token for `person` that is good for `valid_seconds` from now; a negative number makes one
    /// that has expired. The person need not be on the list.
    pub fn access_token(&self, person: &Person, valid_seconds: i64) -> String {
        token::access(self, person, &self.full_scope(), self.now(), valid_seconds)
    }

    /// The public key as `/.well-known/jwks.json` shows it:
    /// `{"keys":[{"kty":"RSA","kid":…,"n":…,"e":…,…}]}`.
    pub fn jwks(&self) -> Value {
        self.key.jwks()
    }

    /// Sets the response of `/oauth2/userInfo` to all tokens, so that tests can see how the product copes. `None` restores the right
    /// response.
    pub fn set_user_info(&self, response: Option<(StatusCode, String)>) {
        *self.user_info.lock().unwrap_or_else(PoisonError::into_inner) = response;
    }

    fn user_info_response(&self) -> Option<(StatusCode, String)> {
        self.user_info.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn full_scope(&self) -> String {
        format!("openid profile email {}", self.config.scope)
    }

    fn person(&self, subject: &str) -> Option<&Person> {
        self.config.people.iter().find(|person| person.subject == subject)
    }

    fn now(&self) -> i64 {
        (self.config.clock)()
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
