//! Who we are at PayPal: keys from a secret, access tokens for them, and the experts for whom we act.

use std::sync::Arc;

use app::ports::{Clock, Secret, Secrets};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use super::errors::Failure;

/// How long the keys are used before the secret is read again, so that rotated keys are taken up, in seconds.
const KEYS_FRESH: i64 = 300;
/// So long before its end an access token is not used any more, in seconds: longer than a call takes.
const MARGIN: i64 = 60;

/// What the secret holds: `{"client_id": "…", "client_secret": "…", "partner_id": "…", "webhook_id": "…"}`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Keys {
    /// The platform's application at PayPal.
    pub(super) client_id: String,
    /// Its password.
    pub(super) client_secret: String,
    /// The merchant id of the platform's own account.
    pub(super) partner_id: String,
    /// The id of the platform's webhook, a part of what is signed.
    pub(super) webhook_id: String,
}

/// An access token, as it is given (<https://developer.paypal.com/api/rest/authentication/>).
#[derive(Deserialize)]
pub(super) struct Token {
    access_token: String,
    /// In seconds.
    expires_in: i64,
}

/// The keys, and an access token for them.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) keys: Arc<Keys>,
    pub(super) token: Secret,
}

struct Held {
    session: Session,
    keys_read: Timestamp,
    token_ends: Timestamp,
}

/// Keeps one session, for all calls of the process.
pub(super) struct Access {
    secrets: Arc<dyn Secrets>,
    secret_id: String,
    clock: Arc<dyn Clock>,
    held: Mutex<Option<Held>>,
}

impl Access {
    pub(super) fn new(secrets: Arc<dyn Secrets>, secret_id: String, clock: Arc<dyn Clock>) -> Self {
        Self { secrets, secret_id, clock, held: Mutex::new(None) }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A session that is good for a call. `sign_in` asks for a token; whoever comes meanwhile waits for the same one.
    pub(super) async fn session(
        &self,
        sign_in: impl AsyncFnOnce(&Keys) -> Result<Token, Failure>,
    ) -> Result<Session, Failure> {
        let mut held = self.held.lock().await;
        let now = self.now();
        if let Some(known) = held.as_mut().filter(|known| now.plus(MARGIN) < known.token_ends) {
            if now < known.keys_read.plus(KEYS_FRESH) {
                return Ok(known.session.clone());
            }
            if self.keys().await? == *known.session.keys {
                known.keys_read = now;
                return Ok(known.session.clone());
            }
        }
        let keys = self.keys().await?;
        let Token { access_token, expires_in } = sign_in(&keys).await?;
        let session = Session { keys: Arc::new(keys), token: Secret::new(access_token) };
        *held = Some(Held { session: session.clone(), keys_read: now, token_ends: now.plus(expires_in) });
        Ok(session)
    }

    /// Forgets a token that PayPal does not take, unless it was replaced already.
    pub(super) async fn forget(&self, token: &Secret) {
        let mut held = self.held.lock().await;
        held.take_if(|known| known.session.token == *token);
    }

    async fn keys(&self) -> Result<Keys, Failure> {
        let secret = self.secrets.read(&self.secret_id).await.map_err(|error| Failure::Silence(error.0))?;
        if secret.reveal().trim().is_empty() {
            return Err(Failure::Silence("PayPal is not set up here: its secret is empty".to_owned()));
        }
        // What is wrong with a secret must not show what is in it.
        serde_json::from_str(secret.reveal()).map_err(|_| {
            Failure::Silence(
                "the PayPal secret is not JSON with client_id, client_secret, partner_id and webhook_id"
                    .to_owned(),
            )
        })
    }
}

/// The header that says for which seller the platform acts: a JSON Web Token without a signature, because the access token
/// proves who the platform is (<https://developer.paypal.com/api/rest/requests/#paypal-auth-assertion>).
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

    struct Hands(AtomicI64);

    #[async_trait]
    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(self.0.load(Ordering::SeqCst))
        }

        async fn pause(&self, _: Duration) {}
    }

    struct Kept(std::sync::Mutex<String>);

    #[async_trait]
    impl Secrets for Kept {
        async fn read(&self, _: &str) -> Result<Secret, PortError> {
            Ok(Secret::new(self.0.lock().expect("unharmed").clone()))
        }
    }

    fn keys(secret: &str) -> String {
        json!({ "client_id": "c", "client_secret": secret, "partner_id": "p", "webhook_id": "w" }).to_string()
    }

    struct World {
        access: Access,
        clock: Arc<Hands>,
        secret: Arc<Kept>,
        asked: AtomicUsize,
    }

    impl World {
        fn new(secret: &str) -> Self {
            let clock = Arc::new(Hands(AtomicI64::new(1_000_000)));
            let secret = Arc::new(Kept(std::sync::Mutex::new(secret.to_owned())));
            let access = Access::new(secret.clone(), "s".to_owned(), clock.clone());
            Self { access, clock, secret, asked: AtomicUsize::new(0) }
        }

        fn pass(&self, seconds: i64) {
            self.clock.0.fetch_add(seconds, Ordering::SeqCst);
        }

        async fn session(&self) -> Result<Session, Failure> {
            self.access
                .session(async |_| {
                    let number = self.asked.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    Ok(Token { access_token: format!("token-{number}"), expires_in: 3_600 })
                })
                .await
        }
    }

    #[tokio::test]
    async fn a_token_is_asked_for_once_until_shortly_before_its_end() {
        let world = World::new(&keys("s"));
        let (one, other) = tokio::join!(world.session(), world.session());
        assert_eq!(one.expect("one").token, other.expect("the same").token);
        for _ in 0..10 {
            world.pass(353);
            world.session().await.expect("a session");
        }
        assert_eq!(world.asked.load(Ordering::SeqCst), 1);
        world.pass(10);
        assert_eq!(world.session().await.expect("another").token.reveal(), "token-1");
    }

    #[tokio::test]
    async fn new_keys_bring_a_new_token_and_a_refused_token_is_replaced_once() {
        let world = World::new(&keys("s"));
        let refused = world.session().await.expect("a session").token;
        *world.secret.0.lock().expect("unharmed") = keys("rotated");
        assert_eq!(world.session().await.expect("fresh").token, refused);
        world.pass(KEYS_FRESH);
        let second = world.session().await.expect("a session");
        assert_eq!((second.keys.client_secret.as_str(), second.token.reveal()), ("rotated", "token-1"));
        world.access.forget(&refused).await;
        assert_eq!(world.session().await.expect("final_charge").token, second.token);
        world.access.forget(&second.token).await;
        assert_eq!(world.session().await.expect("another").token.reveal(), "token-2");
    }

    #[tokio::test]
    async fn what_is_wrong_with_the_secret_is_said_without_it() {
        for (secret, words) in
            [("", "is empty"), ("  ", "is empty"), ("{\"client_id\":\"hidden\"}", "is not JSON with")]
        {
            let failure = World::new(secret).session().await.map(|_| ()).expect_err("no keys");
            let Failure::Silence(reason) = failure else { panic!("{failure:?}") };
            assert!(reason.contains(words) && !reason.contains("hidden"), "{reason}");
        }
    }

    #[test]
    fn an_assertion_names_the_platform_and_the_seller() {
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
