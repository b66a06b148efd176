//! What an expert offers.

use domain::experts::session_type::{SessionType, SessionTypeStatus, SessionTypeTerms};
use domain::{Currency, ExpertId, SessionTypeId};
use store::Transaction;

use crate::experts::profiles::{check_version, commit_edit, read as read_expert};
use crate::idempotency::{Creation, IdempotentRequest, RequestStatus};
use crate::identity::people::Owner;
use crate::{App, AppError, Attempt};

/// Most session types of an expert, the retired ones too.
const MOST: usize = 100;

fn check(app: &App, terms: &SessionTypeTerms) -> Result<(), AppError> {
    let invalid = |field: &str, must| AppError::Invalid { field: field.to_owned(), must };
    terms.check().map_err(|found| invalid(found.field, found.must))?;
    let settled = &app.settings.currencies;
    let is_settled = |currency: &Currency| settled.is_empty() || settled.contains(currency);
    let must = || {
        let codes: Vec<_> = settled.iter().map(|currency| currency.code()).collect();
        format!("must be in a currency in which the platform is paid: {}", codes.join(", "))
    };
    let price = terms.price.currency();
    if !terms.price.is_zero() && !is_settled(&price) {
        return Err(invalid("price.currency", must()));
    }
    match terms.presentment_currencies.iter().all(is_settled) {
        true => Ok(()),
        false => Err(invalid("presentment_currencies", must())),
    }
}

/// Offers something new.
///
/// # Errors
/// [`AppError::Invalid`] when the terms contradict themselves, [`AppError::TooMany`] when there are too many.
pub async fn create(
    app: &App,
    owner: Owner,
    request: &IdempotentRequest,
    terms: SessionTypeTerms,
) -> Result<Creation<SessionType>, AppError> {
    check(app, &terms)?;
    let expert = owner.expert();
    app.transact("create_session_type", || async {
        let now = app.now();
        let over = match request.status(app, now).await? {
            RequestStatus::Completed(answer) => return Ok(Attempt::Unchanged(Creation::Replayed(answer))),
            RequestStatus::InProgress(idempotency) => {
                let id = idempotency.subject.parse().map_err(|_| AppError::NotFound("session type"))?;
                return Ok(Attempt::Unchanged(Creation::Created(read(app, expert, id).await?, idempotency)));
            }
            RequestStatus::New(over) => over,
        };
        read_expert(app, expert).await?;
        if app.store.session_types(expert).await?.len() >= MOST {
            return Err(AppError::TooMany("an expert can have at most 100 session types; edit one instead"));
        }
        let id = app.new_session_type_id();
        let kind = SessionType { id, version: 1, status: SessionTypeStatus::Active, terms: terms.clone() };
        let idempotency = request.record(id, now);
        let mut transaction = Transaction::new();
        transaction.put_session_type(expert, &kind)?;
        transaction.put_idempotency_record(&idempotency, over.as_ref())?;
        Ok(Attempt::Commit(transaction, Creation::Created(kind, idempotency)))
    })
    .await
}

/// One session type.
///
/// # Errors
/// [`AppError::NotFound`] when there is none.
pub async fn read(app: &App, expert: ExpertId, id: SessionTypeId) -> Result<SessionType, AppError> {
    app.store.session_type(expert, id).await?.ok_or(AppError::NotFound("session type"))
}

/// What an expert offers, oldest first; with `retired`, also what they no longer do.
///
/// # Errors
/// [`AppError::NotFound`] when there is no such expert.
pub async fn list(app: &App, expert: ExpertId, retired: bool) -> Result<Vec<SessionType>, AppError> {
    let mut kinds = app.store.session_types(expert).await?;
    if kinds.is_empty() {
        read_expert(app, expert).await?;
    }
    kinds.retain(|kind| retired || kind.status == SessionTypeStatus::Active);
    Ok(kinds)
}

/// Replaces the terms that their owner saw in version `if_match`. Appointments already made keep theirs.
///
/// # Errors
/// [`AppError::VersionMismatch`] when they were changed since; [`AppError::Invalid`] as for [`create`].
pub async fn edit(
    app: &App,
    owner: Owner,
    id: SessionTypeId,
    if_match: u64,
    terms: SessionTypeTerms,
) -> Result<SessionType, AppError> {
    check(app, &terms)?;
    let current = read(app, owner.expert(), id).await?;
    check_version(if_match, current.version)?;
    let kind = SessionType { version: current.version + 1, terms, ..current };
    let mut transaction = Transaction::new();
    transaction.put_session_type(owner.expert(), &kind)?;
    commit_edit(app, transaction, kind.version).await?;
    Ok(kind)
}

/// Withdraws a session type. Doing so again changes nothing.
///
/// # Errors
/// [`AppError::NotFound`] when there is none.
pub async fn retire(app: &App, owner: Owner, id: SessionTypeId) -> Result<SessionType, AppError> {
    app.transact("retire_session_type", || async {
        let current = read(app, owner.expert(), id).await?;
        if current.status == SessionTypeStatus::Retired {
            return Ok(Attempt::Unchanged(current));
        }
        let kind =
            SessionType { version: current.version + 1, status: SessionTypeStatus::Retired, ..current };
        let mut transaction = Transaction::new();
        transaction.put_session_type(owner.expert(), &kind)?;
        Ok(Attempt::Commit(transaction, kind))
    })
    .await
}
