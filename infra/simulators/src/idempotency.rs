//! Idempotency keys: the stored response of the first request with a key, and the refusal of other parameters.

use aws_lc_rs::digest::{Context, SHA256};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Error, Value};

use crate::journal::{Journaled, Keyed};

/// The idempotency key of a request.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// The key as the caller sent it.
    pub(crate) text: String,
    /// The key within its scope: each service says where a key must be unique.
    pub(crate) scoped: String,
    /// A hash of the request's address and parameters.
    pub(crate) fingerprint: String,
    /// How long the response is stored, in seconds.
    pub(crate) stored_for: i64,
}

/// A key was used before for a request with other parameters.
pub(crate) struct KeyReused;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stored<R> {
    fingerprint: String,
    /// In Unix seconds.
    expires_at: i64,
    response: R,
}

/// The stored responses by scoped key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent, bound(serialize = "R: Serialize", deserialize = "R: Deserialize<'de>"))]
pub(crate) struct StoredResponses<R>(Keyed<Stored<R>>);

impl<R> Default for StoredResponses<R> {
    fn default() -> Self {
        Self(Keyed::default())
    }
}

impl<R> StoredResponses<R> {
    /// The response to the first request with this key, while it is stored.
    pub(crate) fn get(&self, key: &Key, now: i64) -> Result<Option<&R>, KeyReused> {
        match self.0.get(&key.scoped).filter(|stored| stored.expires_at > now) {
            Some(stored) if stored.fingerprint != key.fingerprint => Err(KeyReused),
            stored => Ok(stored.map(|stored| &stored.response)),
        }
    }

    /// Stores a response, and removes those that have expired.
    pub(crate) fn store(&mut self, key: &Key, now: i64, response: R) {
        self.0.retain(|stored| stored.expires_at > now);
        let (fingerprint, expires_at) = (key.fingerprint.clone(), now + key.stored_for);
        self.0.insert(key.scoped.clone(), Stored { fingerprint, expires_at, response });
    }

    /// Removes all stored responses.
    pub(crate) fn clear(&mut self) {
        self.0.retain(|_| false);
    }
}

impl<R: Serialize + DeserializeOwned> Journaled for StoredResponses<R> {
    fn take_changes(&mut self) -> Result<Option<Value>, Error> {
        self.0.take_changes()
    }

    fn apply(&mut self, changes: Value) -> Result<(), Error> {
        self.0.apply(changes)
    }
}

/// A hash of the parts of a request. Each part is hashed with its length, so that no two parts can be mistaken
/// for one.
pub(crate) fn fingerprint(parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.as_ref().len().to_be_bytes());
        context.update(part.as_ref());
    }
    hex(context.finish().as_ref())
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
