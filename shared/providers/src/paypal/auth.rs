//! PayPal's keys, from a secret; the access tokens for them; and the header with which the platform acts for an expert.

use std::sync::Arc;

use app::ports::{Clock, Secret, Secrets};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use super::errors::Failure;

/// How long keys are used before the secret is read again, in seconds.
const KEYS_FRESH: i64 = 300;
/// How long before its expiry an access token is replaced, in seconds: longer than a request takes.
const MARGIN: i64 = 60;

/// The content of the secret.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Keys {
    /// The id of the platform's application at PayPal.
    pub(super) client_id: String,
    /// The password of the application.
    pub(super) client_secret: String,
    /// The merchant id of the platform's own account.
    pub(super) partner_id: String,
    /// The id of the platform's webhook. It is part of what PayPal signs.
    pub(super) webhook_id: String,
    /// The certificates in PEM that issue those of webhook events. Without them, the public certificate authorities do.
    pub(super) webhook_roots: Option<String>,
}

/// The response with an access token (<https://developer.paypal.com/api/rest/authentication/>).
#[derive(Deserialize)]
pub(super) struct Token {
    access_token: String,
    /// The lifetime of the token, in seconds.
    expires_in: i64,
}

/// Keys, and an access token for them.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) keys: Arc<Keys>,
    pub(super) token: Secret,
}

struct Cached {
    session: Session,
    keys_read_at: Timestamp,
    token_expires_at: Timestamp,
}

/// Caches one session for all requests of the process.
pub(super) struct Access {
    secrets: Arc<dyn Secrets>,
    secret_id: String,
    clock: Arc<dyn Clock>,
    cached: Mutex<Option<Cached>>,
    /// The keys that need no access token, and when they were read.
    own_keys: Mutex<Option<(Arc<Keys>, Timestamp)>>,
}

impl Access {
    pub(super) fn new(secrets: Arc<dyn Secrets>, secret_id: String, clock: Arc<dyn Clock>) -> Self {
        Self { secrets, secret_id, clock, cached: Mutex::new(None), own_keys: Mutex::new(None) }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A session with a valid token. `sign_in` requests a token; concurrent callers wait for the same token.
    pub(super) async fn session(
        &self,
        sign_in: impl AsyncFnOnce(&Keys) -> Result<Token, Failure>,
    ) -> Result<Session, Failure> {
        let mut cached = self.cached.lock().await;
        let now = self.now();
        if let Some(current) = cached.as_mut().filter(|cached| now.plus(MARGIN) < cached.token_expires_at) {
            if now < current.keys_read_at.plus(KEYS_FRESH) {
                return Ok(current.session.clone());
            }
            if self.keys().await? == *current.session.keys {
                current.keys_read_at = now;
                return Ok(current.session.clone());
            }
        }
        let keys = self.keys().await?;
        let Token { access_token, expires_in } = sign_in(&keys).await?;
        let session = Session { keys: Arc::new(keys), token: Secret::new(access_token) };
        let token_expires_at = now.plus(expires_in);
        *cached = Some(Cached { session: session.clone(), keys_read_at: now, token_expires_at });
        Ok(session)
    }

    /// The keys without an access token.
    pub(super) async fn own_keys(&self) -> Result<Arc<Keys>, Failure> {
        let mut own_keys = self.own_keys.lock().await;
        let now = self.now();
        match &*own_keys {
            Some((keys, read_at)) if now < read_at.plus(KEYS_FRESH) => Ok(keys.clone()),
            _ => {
                let keys = Arc::new(self.keys().await?);
                *own_keys = Some((keys.clone(), now));
                Ok(keys)
            }
        }
    }

    /// Drops a token that PayPal refused, unless it has been replaced already.
    pub(super) async fn forget(&self, token: &Secret) {
        let mut cached = self.cached.lock().await;
        cached.take_if(|cached| cached.session.token == *token);
    }

    async fn keys(&self) -> Result<Keys, Failure> {
        let secret =
            self.secrets.read(&self.secret_id).await.map_err(|error| Failure::Unavailable(error.0))?;
        if secret.reveal().trim().is_empty() {
            return Err(Failure::Unavailable(
                "PayPal is not configured here: its secret is empty".to_owned(),
            ));
        }
        // serde's error is dropped, because it may quote the secret.
        serde_json::from_str(secret.reveal()).map_err(|_| {
            Failure::Unavailable(
                "the PayPal secret is not JSON with client_id, client_secret, partner_id and webhook_id"
                    .to_owned(),
            )
        })
    }
}

/// The value of the header that names the seller for whom the platform acts. It is a JSON Web Token without a signature, because
/// the access token authenticates the platform (<https://developer.paypal.com/api/rest/requests/#paypal-auth-assertion>).
pub(super) fn assertion(client_id: &str, merchant: &str) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(json!({ "alg": "none" })), part(json!({ "iss": client_id, "payer_id": merchant })))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
    use std::time::Duration;

    use app::ports::PortError;
    use async_trait::async_trait;

    use super::*;

    struct SettableClock(AtomicI64);

    #[async_trait]
    impl Clock for SettableClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        async fn pause(&self, _: Duration) {}
    }

    struct StoredSecret(std::sync::Mutex<String>);

    #[async_trait]
    impl Secrets for StoredSecret {
        async fn read(&self, _: &str) -> Result<Secret, PortError> {
            Ok(Secret::new(self.0.lock().expect("unharmed").clone()))
        }
    }

    fn keys(secret: &str) -> String {
        json!({ "client_id": "c", "client_secret": secret, "partner_id": "p", "webhook_id": "w" }).to_string()
    }

    struct Fixture {
        access: Access,
        clock: Arc<SettableClock>,
        secret: Arc<StoredSecret>,
        sign_ins: AtomicUsize,
    }

    impl Fixture {
        fn new(secret: &str) -> Self {
            let clock = Arc::new(SettableClock(AtomicI64::new(1_000_000)));
            let secret = Arc::new(StoredSecret(std::sync::Mutex::new(secret.to_owned())));
            let access = Access::new(secret.clone(), "s".to_owned(), clock.clone());
            Self { access, clock, secret, sign_ins: AtomicUsize::new(0) }
        }

        fn pass(&self, seconds: i64) {
            self.clock.0.fetch_add(seconds, Ordering::SeqCst);
        }

        async fn session(&self) -> Result<Session, Failure> {
            self.access
                .session(async |_| {
                    let number = self.sign_ins.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Ok(Token { access_token: format!("token-{number}"), expires_in: 3_600 })
                })
                .await
        }
    }

    #[tokio::test]
    async fn token_is_requested_once_until_shortly_before_its_expiry() {
        let fixture = Fixture::new(&keys("s"));
        let (one, other) = tokio::join!(fixture.session(), fixture.session());
        assert_eq!(one.expect("one").token, other.expect("the same").token);
        for _ in 0..10 {
            fixture.pass(353);
            fixture.session().await.expect("a session");
        }
        assert_eq!(fixture.sign_ins.load(Ordering::SeqCst), 1);
        fixture.pass(10);
        assert_eq!(fixture.session().await.expect("another").token.reveal(), "token-1");
    }

    #[tokio::test]
    async fn rotated_keys_get_a_new_token_and_a_refused_token_is_replaced_once() {
        let fixture = Fixture::new(&keys("s"));
        let refused = fixture.session().await.expect("a session").token;
        *fixture.secret.0.lock().expect("unharmed") = keys("rotated");
        assert_eq!(fixture.session().await.expect("fresh").token, refused);
        fixture.pass(KEYS_FRESH);
        let second = fixture.session().await.expect("a session");
        assert_eq!((second.keys.client_secret.as_str(), second.token.reveal()), ("rotated", "token-1"));
        fixture.access.forget(&refused).await;
        assert_eq!(fixture.session().await.expect("the current session").token, second.token);
        fixture.access.forget(&second.token).await;
        assert_eq!(fixture.session().await.expect("another").token.reveal(), "token-2");
    }

    #[tokio::test]
    async fn error_about_a_secret_does_not_reveal_it() {
        for (secret, words) in
            [("", "is empty"), ("  ", "is empty"), ("{\"client_id\":\"hidden\"}", "is not JSON with")]
        {
            let failure = Fixture::new(secret).session().await.map(|_| ()).expect_err("no keys");
            let Failure::Unavailable(reason) = failure else { panic!("{failure:?}") };
            assert!(reason.contains(words) && !reason.contains("hidden"), "{reason}");
        }
    }

    #[test]
    fn assertion_names_the_platform_and_the_seller() {
        let assertion = assertion("client", "MERCHANT22222");
        let parts: Vec<&str> = assertion.split('.').collect();
        assert_eq!((parts.len(), parts[2]), (3, ""));
        let read = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64");
            serde_json::from_slice::<serde_json::Value>(&bytes).expect("JSON")
        };
        assert_eq!(read(parts[0]), json!({ "alg": "none" }));
        assert_eq!(read(parts[1]), json!({ "iss": "client", "payer_id": "MERCHANT22222" }));
    }
}
