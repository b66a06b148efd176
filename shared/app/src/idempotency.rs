//! Idempotency keys: a repeated request gets the response of the first one.
//!
//! The record of a request is written in the transaction that creates something. The response is added once it is known.
//! While the first request may still be running, a repeated request is refused with [`AppError::StillRunning`]. If the first
//! request stopped before it responded, a repeated request continues there.

use domain::Timestamp;
use store::idempotency::IdempotencyRecord;

use crate::identity::Actor;
use crate::identity::signed_in::SignedInPerson;
use crate::{App, AppError};

/// How long a request with an idempotency key may run, in seconds. It exceeds the timeout of the functions that accept
/// such keys, which is 29 s for a booking.
const MAX_RUN_SECONDS: i64 = 30;

/// A request with an idempotency key. The key belongs to the person who sends the request; other people have their own keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// The idempotency key that the person chose.
    pub key: String,
    /// SHA-256 of the request, in hexadecimal.
    pub fingerprint: String,
}

/// The state of a request.
pub(crate) enum RequestStatus {
    /// No earlier request is recorded. The value is an expired record with the same key, if TTL has not deleted it yet.
    New(Option<IdempotencyRecord>),
    /// An earlier request committed its transaction and stopped before it responded. The caller continues from the record.
    Interrupted(IdempotencyRecord),
    /// It is complete; this was the response.
    Completed(String),
}

/// The result of a use case that creates something and can be repeated.
#[derive(Debug)]
pub enum Creation<T> {
    /// It was created. The caller passes the record and the response to [`complete`].
    Created(T, IdempotencyRecord),
    /// It was created by an earlier request; this was the response.
    Replayed(String),
}

impl IdempotentRequest {
    /// The state of this person's request.
    ///
    /// # Errors
    /// [`AppError::KeyReused`] if the key was used for another request, [`AppError::StillRunning`] while the first request
    /// may still be running.
    pub(crate) async fn status(
        &self,
        app: &App,
        person: &SignedInPerson,
        now: Timestamp,
    ) -> Result<RequestStatus, AppError> {
        let person = person.client_id().to_string();
        let Some(record) = app.store.idempotency_record(&person, &self.key).await? else {
            return Ok(RequestStatus::New(None));
        };
        if record.ends_at <= now {
            Ok(RequestStatus::New(Some(record)))
        } else if record.fingerprint != self.fingerprint {
            Err(AppError::KeyReused)
        } else if let Some(response) = record.response {
            Ok(RequestStatus::Completed(response))
        } else if record.running_until > now {
            Err(AppError::StillRunning)
        } else {
            Ok(RequestStatus::Interrupted(record))
        }
    }

    /// A new record of this person's request, which creates the resource `id` now.
    pub(crate) fn record(
        &self,
        person: &SignedInPerson,
        id: impl ToString,
        now: Timestamp,
    ) -> IdempotencyRecord {
        IdempotencyRecord::starting(
            person.client_id().to_string(),
            &self.key,
            &self.fingerprint,
            id.to_string(),
            now,
            MAX_RUN_SECONDS,
        )
    }
}

/// Records that a request has stopped without a response, so that it can be repeated at once.
pub(crate) async fn release(app: &App, record: IdempotencyRecord) {
    let record = IdempotencyRecord { version: record.version + 1, running_until: app.now(), ..record };
    write(app, &record).await;
}

/// Adds the response to the record of a request.
///
/// A failure is only logged. The resource exists, so a repeated request finds it and builds the response again. The record of
/// another person stays as it is.
pub async fn complete(app: &App, actor: &Actor, record: IdempotencyRecord, response: String) {
    if actor.person().is_none_or(|person| record.person != person.client_id().to_string()) {
        tracing::error!("the idempotency record belongs to another person and was not updated");
        return;
    }
    let record = IdempotencyRecord { version: record.version + 1, response: Some(response), ..record };
    write(app, &record).await;
}

async fn write(app: &App, record: &IdempotencyRecord) {
    let mut transaction = store::Transaction::new();
    let written = match transaction.put_idempotency_record(record, None) {
        Ok(()) => app.store.commit(transaction).await,
        Err(error) => Err(error),
    };
    if let Err(error) = written {
        tracing::warn!(%error, "the idempotency record was not updated");
    }
}
