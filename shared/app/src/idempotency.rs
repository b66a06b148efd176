//! Idempotency keys: a request that is repeated gets the response of the first one.
//!
//! The record of a request is written in the transaction that creates what was asked for. The response is added once it is
//! known. While the first request may still run, a repeat is told to wait; after a crash, a repeat goes on where the first
//! request stopped.

use domain::Timestamp;
use store::idempotency::IdempotencyRecord;

use crate::{App, AppError};

/// How long the first request may run, in seconds: longer than the timeout of any function that serves requests.
const RUNS: i64 = 15;

/// A request that carries an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// The id of the person who sent it.
    pub person: String,
    /// The key that they chose.
    pub key: String,
    /// SHA-256 of the request, in hexadecimal.
    pub fingerprint: String,
}

/// How far a request has come.
pub(crate) enum RequestStatus {
    /// It has not been handled. A record that has ended may still exist.
    New(Option<IdempotencyRecord>),
    /// It created its subject, and then stopped before it responded.
    InProgress(IdempotencyRecord),
    /// It was handled; this was the response.
    Completed(String),
}

/// The result of a use case that creates something once.
#[derive(Debug)]
pub enum Creation<T> {
    /// It was created. Pass the record to [`complete`] together with the response.
    Created(T, IdempotencyRecord),
    /// It had been created before; this was the response.
    Replayed(String),
}

impl IdempotentRequest {
    /// How far this request has come.
    ///
    /// # Errors
    /// [`AppError::KeyReused`] when the key was used for another request, [`AppError::StillRunning`] while the first request
    /// may still run.
    pub(crate) async fn status(&self, app: &App, now: Timestamp) -> Result<RequestStatus, AppError> {
        let Some(record) = app.store.idempotency_record(&self.person, &self.key).await? else {
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
            Ok(RequestStatus::InProgress(record))
        }
    }

    /// The record of this request, which creates `subject` now.
    pub(crate) fn record(&self, subject: impl ToString, now: Timestamp) -> IdempotencyRecord {
        IdempotencyRecord::starting(
            &self.person,
            &self.key,
            &self.fingerprint,
            subject.to_string(),
            now,
            RUNS,
        )
    }
}

/// Notes that a request stopped before it responded, so that a repeat does not have to wait until it surely has.
pub(crate) async fn release(app: &App, record: IdempotencyRecord) {
    let record = IdempotencyRecord { version: record.version + 1, running_until: app.now(), ..record };
    write(app, &record).await;
}

/// Adds the response to the record of a request.
///
/// A failure is only logged: what was asked for is done, and a repeat finds it and responds anew.
pub async fn complete(app: &App, record: IdempotencyRecord, response: String) {
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
        tracing::warn!(%error, "the outcome of a request was not recorded");
    }
}
