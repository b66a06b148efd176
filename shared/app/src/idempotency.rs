//! The same request again gets the same answer.
//!
//! A record of the request is written in the transaction that creates what was asked for. The answer is added to it once it
//! is known. A request that comes again meanwhile is told to wait; one that comes again after a crash goes on where the
//! first one stopped.

use domain::Timestamp;
use store::idempotency::Seen;

use crate::{App, AppError};

/// How long the first request may be at work, in seconds: longer than any function runs for a request.
const RUNS: i64 = 15;

/// A request that must not create twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Whose it is: their id.
    pub person: String,
    /// The key that they chose.
    pub key: String,
    /// SHA-256 of what they ask, in hexadecimal.
    pub fingerprint: String,
}

/// What is known of a request.
pub(crate) enum Known {
    /// Nothing. A record that is over may be in the way.
    New(Option<Seen>),
    /// It made this and then stopped.
    Begun(Seen),
    /// It was answered.
    Answered(String),
}

/// What a creating use case came to.
#[derive(Debug)]
pub enum Created<T> {
    /// It is there. Whoever renders the answer hands it to [`remember`].
    Now(T, Seen),
    /// It was there already, and this was the answer.
    Before(String),
}

impl Request {
    pub(crate) async fn known(&self, app: &App, now: Timestamp) -> Result<Known, AppError> {
        let Some(seen) = app.store.seen(&self.person, &self.key).await? else {
            return Ok(Known::New(None));
        };
        if seen.ends_at <= now {
            Ok(Known::New(Some(seen)))
        } else if seen.fingerprint != self.fingerprint && !domain::planted("keys_are_not_compared") {
            Err(AppError::KeyReused)
        } else if let Some(answer) = seen.answer {
            Ok(Known::Answered(answer))
        } else if seen.running_until > now {
            Err(AppError::StillRunning)
        } else {
            Ok(Known::Begun(seen))
        }
    }

    pub(crate) fn starting(&self, subject: impl ToString, now: Timestamp) -> Seen {
        Seen::starting(&self.person, &self.key, &self.fingerprint, subject.to_string(), now, RUNS)
    }
}

/// Notes that a request stopped before its answer, so that the same one again need not wait until it surely has.
pub(crate) async fn stopped(app: &App, seen: Seen) {
    let seen = Seen { version: seen.version + 1, running_until: app.now(), ..seen };
    store_seen(app, &seen).await;
}

/// Adds the answer to a request's record.
///
/// A failure is only logged: the work is done, and the same request again finds it and answers anew.
pub async fn remember(app: &App, seen: Seen, answer: String) {
    let seen = Seen { version: seen.version + 1, answer: Some(answer), ..seen };
    store_seen(app, &seen).await;
}

async fn store_seen(app: &App, seen: &Seen) {
    let mut transaction = store::Transaction::new();
    let stored = match transaction.put_seen(seen, None) {
        Ok(()) => app.store.commit(transaction).await,
        Err(error) => Err(error),
    };
    if let Err(error) = stored {
        tracing::warn!(%error, "what became of a request was not remembered");
    }
}
