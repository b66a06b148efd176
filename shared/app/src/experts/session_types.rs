//! Session types of experts.

use domain::experts::members::Right;
use domain::experts::session_type::{SessionType, SessionTypeStatus, SessionTypeTerms};
use domain::{Currency, ExpertId, Money, SessionTypeId, Violations};
use store::{Activations, Transaction};

use crate::experts::profiles::{check_version, commit_edit, read as read_expert};
use crate::idempotency::{Creation, IdempotentRequest, RequestStatus};
use crate::identity::Actor;
use crate::identity::signed_in::Scope;
use crate::{App, AppError, Decision};

/// The maximum number of active session types of an expert.
const MAX_ACTIVE: usize = 100;
/// The maximum number of session types of an expert, including retired ones. It only limits the size of the list.
const MAX_SESSION_TYPES: usize = 1_000;

/// A session type, with the expert's hourly rate, from which its derived prices follow now.
#[derive(Debug, Clone)]
pub struct PricedSessionType {
    /// The session type.
    pub session_type: SessionType,
    /// The expert's hourly rate. It is not read if no price of the session type is derived.
    pub hourly_rate: Option<Money>,
}

/// The hourly rate from which prices of these terms follow; `None` if no price is derived or the expert has no rate.
async fn hourly_rate(
    app: &App,
    expert: ExpertId,
    terms: &SessionTypeTerms,
) -> Result<Option<Money>, AppError> {
    if !terms.has_derived_price() {
        return Ok(None);
    }
    Ok(app.store.expert(expert).await?.and_then(|expert| expert.profile.hourly_rate))
}

/// Checks that one more session type of an expert may become active, and adds the condition to the transaction that no other
/// one becomes active at the same time. Returns all session types of the expert.
async fn activate(
    app: &App,
    expert: ExpertId,
    transaction: &mut Transaction,
) -> Result<Vec<SessionType>, AppError> {
    // Reading the count first detects every session type that becomes active after this point.
    let activations = app.store.activations(expert).await?;
    let all = app.store.session_types(expert).await?;
    let active = all.iter().filter(|one| one.status == SessionTypeStatus::Active);
    if active.count() >= MAX_ACTIVE {
        return Err(AppError::TooMany(
            "an expert can have at most 100 active session types; retire one, or change an existing one",
        ));
    }
    transaction.put_activations(expert, &Activations { version: activations.version + 1 })?;
    Ok(all)
}

/// Checks terms by themselves, with the expert's hourly rate, and against the currencies that the operator allows.
fn check(app: &App, terms: &SessionTypeTerms, hourly_rate: Option<Money>) -> Result<(), AppError> {
    let mut violations = Violations::default();
    violations.add_member("", terms.check(hourly_rate));
    let allowed = &app.settings.currencies;
    let is_allowed = |currency: &Currency| allowed.is_empty() || allowed.contains(currency);
    let must = || {
        let codes: Vec<_> = allowed.iter().map(|currency| currency.code()).collect();
        format!("must be one of the currencies that the platform accepts: {}", codes.join(", "))
    };
    for (at, duration) in terms.durations.iter().enumerate() {
        let price = duration.price.filter(|price| !price.is_zero() && !is_allowed(&price.currency()));
        if price.is_some() {
            violations.add(format!("/durations/{at}/price/currency"), must());
        }
    }
    for (at, currency) in terms.presentment_currencies.iter().enumerate() {
        if !is_allowed(currency) {
            violations.add(format!("/presentment_currencies/{at}"), must());
        }
    }
    Ok(violations.into_result()?)
}

/// Creates a session type.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, [`AppError::Invalid`] if the terms are invalid,
/// [`AppError::NotFound`] if the expert has no profile, [`AppError::TooMany`] if the expert has 100 active session types, or
/// 1,000 in all.
pub async fn create(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    request: &IdempotentRequest,
    terms: SessionTypeTerms,
) -> Result<Creation<PricedSessionType>, AppError> {
    actor.act_for(app, expert, Right::Money, Scope::Write).await?;
    let person = actor.signed_in(Scope::Write)?;
    app.transact("create_session_type", || async {
        let now = app.now();
        let expired = match request.status(app, person, now).await? {
            RequestStatus::Completed(response) => {
                return Ok(Decision::Unchanged(Creation::Replayed(response)));
            }
            RequestStatus::InProgress(record) => {
                let id = record.subject.parse().map_err(|_| AppError::NotFound("session type"))?;
                let created = read(app, actor, expert, id).await?;
                return Ok(Decision::Unchanged(Creation::Created(created, record)));
            }
            RequestStatus::New(expired) => expired,
        };
        let hourly_rate = read_expert(app, expert).await?.profile.hourly_rate;
        check(app, &terms, hourly_rate)?;
        let mut transaction = Transaction::new();
        if activate(app, expert, &mut transaction).await?.len() >= MAX_SESSION_TYPES {
            return Err(AppError::TooMany(
                "an expert can have at most 1,000 session types, retired ones included; offer a retired one again",
            ));
        }
        let id = app.new_session_type_id();
        let session_type =
            SessionType { id, version: 1, status: SessionTypeStatus::Active, terms: terms.clone() };
        let idempotency = request.record(person, id, now);
        transaction.put_session_type(expert, &session_type)?;
        transaction.put_idempotency_record(&idempotency, expired.as_ref())?;
        let priced = PricedSessionType { session_type, hourly_rate };
        Ok(Decision::Commit(transaction, Creation::Created(priced, idempotency)))
    })
    .await
}

/// A session type of an expert, even if it is retired. Everybody may read it.
///
/// # Errors
/// [`AppError::NotFound`] if it does not exist.
pub async fn read(
    app: &App,
    _: &Actor,
    expert: ExpertId,
    id: SessionTypeId,
) -> Result<PricedSessionType, AppError> {
    let session_type = find(app, expert, id).await?;
    let hourly_rate = hourly_rate(app, expert, &session_type.terms).await?;
    Ok(PricedSessionType { session_type, hourly_rate })
}

async fn find(app: &App, expert: ExpertId, id: SessionTypeId) -> Result<SessionType, AppError> {
    app.store.session_type(expert, id).await?.ok_or(AppError::NotFound("session type"))
}

/// The session types of an expert, the oldest first; the retired ones only if `retired` is set. Everybody may
/// read them.
///
/// # Errors
/// [`AppError::NotFound`] if the expert does not exist.
pub async fn list(
    app: &App,
    _: &Actor,
    expert: ExpertId,
    retired: bool,
) -> Result<Vec<PricedSessionType>, AppError> {
    let mut session_types = app.store.session_types(expert).await?;
    let has_derived_price = session_types.iter().any(|session_type| session_type.terms.has_derived_price());
    let hourly_rate = match session_types.is_empty() || has_derived_price {
        true => read_expert(app, expert).await?.profile.hourly_rate,
        false => None,
    };
    session_types.retain(|session_type| retired || session_type.status == SessionTypeStatus::Active);
    let priced = |session_type| PricedSessionType { session_type, hourly_rate };
    Ok(session_types.into_iter().map(priced).collect())
}

/// Replaces the terms of a session type. Existing appointments keep the terms that they were booked with. `if_match` is the
/// version that the expert has read.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, or may not change what clients are charged,
/// [`AppError::Invalid`] if the terms are invalid, [`AppError::NotFound`] if the session type does not exist,
/// [`AppError::VersionMismatch`] if it has another version.
pub async fn edit(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    id: SessionTypeId,
    if_match: u64,
    terms: SessionTypeTerms,
) -> Result<PricedSessionType, AppError> {
    actor.act_for(app, expert, Right::Schedule, Scope::Write).await?;
    let current = find(app, expert, id).await?;
    if !terms.charge_like(&current.terms) {
        actor.act_for(app, expert, Right::Money, Scope::Write).await?;
    }
    let hourly_rate = hourly_rate(app, expert, &terms).await?;
    check(app, &terms, hourly_rate)?;
    check_version(if_match, current.version)?;
    let session_type = SessionType { version: current.version + 1, terms, ..current };
    let mut transaction = Transaction::new();
    transaction.put_session_type(expert, &session_type)?;
    commit_edit(app, transaction, session_type.version).await?;
    Ok(PricedSessionType { session_type, hourly_rate })
}

/// Retires a session type: it cannot be booked any more. Retiring it again changes nothing. `if_match` is the version that the
/// expert has read.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, [`AppError::NotFound`] if it does not exist,
/// [`AppError::VersionMismatch`] if it has another version.
pub async fn retire(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    id: SessionTypeId,
    if_match: u64,
) -> Result<PricedSessionType, AppError> {
    actor.act_for(app, expert, Right::Schedule, Scope::Write).await?;
    app.transact("retire_session_type", || async {
        let current = find(app, expert, id).await?;
        let hourly_rate = hourly_rate(app, expert, &current.terms).await?;
        if current.status == SessionTypeStatus::Retired {
            return Ok(Decision::Unchanged(PricedSessionType { session_type: current, hourly_rate }));
        }
        check_version(if_match, current.version)?;
        let session_type =
            SessionType { version: current.version + 1, status: SessionTypeStatus::Retired, ..current };
        let mut transaction = Transaction::new();
        transaction.put_session_type(expert, &session_type)?;
        Ok(Decision::Commit(transaction, PricedSessionType { session_type, hourly_rate }))
    })
    .await
}

/// Offers a retired session type again, with the terms that it had. Offering an active one again changes nothing. `if_match`
/// is the version that the expert has read.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, [`AppError::NotFound`] if it does not exist,
/// [`AppError::VersionMismatch`] if it has another version, [`AppError::TooMany`] if the expert has 100 active session types,
/// [`AppError::Invalid`] if the terms are no longer valid.
pub async fn offer_again(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    id: SessionTypeId,
    if_match: u64,
) -> Result<PricedSessionType, AppError> {
    actor.act_for(app, expert, Right::Money, Scope::Write).await?;
    app.transact("offer_session_type_again", || async {
        let current = find(app, expert, id).await?;
        let hourly_rate = hourly_rate(app, expert, &current.terms).await?;
        if current.status == SessionTypeStatus::Active {
            return Ok(Decision::Unchanged(PricedSessionType { session_type: current, hourly_rate }));
        }
        check_version(if_match, current.version)?;
        check(app, &current.terms, hourly_rate)?;
        let mut transaction = Transaction::new();
        activate(app, expert, &mut transaction).await?;
        let session_type =
            SessionType { version: current.version + 1, status: SessionTypeStatus::Active, ..current };
        transaction.put_session_type(expert, &session_type)?;
        Ok(Decision::Commit(transaction, PricedSessionType { session_type, hourly_rate }))
    })
    .await
}
