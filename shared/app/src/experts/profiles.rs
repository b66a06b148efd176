//! Profiles and availability rules of experts.

use domain::ExpertId;
use domain::experts::availability::AvailabilityRules;
use domain::experts::expert::{Expert, ExpertProfile};
use domain::experts::members::Right;
use store::{CommitError, Transaction, VersionedRules};

use crate::idempotency::{Creation, IdempotentRequest, RequestStatus};
use crate::identity::Actor;
use crate::identity::people::{Role, Scope};
use crate::{App, AppError, Decision};

/// Creates the expert profile of a person.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an expert, [`AppError::Exists`] if they have a profile.
pub async fn create(
    app: &App,
    actor: &Actor,
    request: &IdempotentRequest,
    profile: ExpertProfile,
) -> Result<Creation<Expert>, AppError> {
    let person = actor.in_role(Role::Expert, Scope::Write)?;
    let id = person.expert_id();
    app.transact("create_expert", || async {
        let now = app.now();
        let expired = match request.status(app, person, now).await? {
            RequestStatus::Completed(response) => {
                return Ok(Decision::Unchanged(Creation::Replayed(response)));
            }
            RequestStatus::InProgress(record) => {
                return Ok(Decision::Unchanged(Creation::Created(read(app, actor, id).await?, record)));
            }
            RequestStatus::New(expired) => expired,
        };
        if app.store.expert(id).await?.is_some() {
            // The same request may have run concurrently and created the profile.
            if let RequestStatus::New(_) = request.status(app, person, now).await? {
                return Err(AppError::Exists("expert profile"));
            }
            return Err(AppError::version_conflict());
        }
        let expert = Expert { id, version: 1, created_at: now, profile: profile.clone() };
        let idempotency = request.record(person, id, now);
        let mut transaction = Transaction::new();
        transaction.put_expert(&expert)?;
        transaction.put_idempotency_record(&idempotency, expired.as_ref())?;
        Ok(Decision::Commit(transaction, Creation::Created(expert, idempotency)))
    })
    .await
}

/// The profile of an expert. Everybody may read it.
///
/// # Errors
/// [`AppError::NotFound`] if the expert has none.
pub async fn read(app: &App, _: &Actor, id: ExpertId) -> Result<Expert, AppError> {
    app.store.expert(id).await?.ok_or(AppError::NotFound("expert"))
}

/// Replaces the profile of an expert. `if_match` is the version that the expert has read.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, [`AppError::VersionMismatch`] if the profile has another
/// version.
pub async fn edit(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    if_match: u64,
    profile: ExpertProfile,
) -> Result<Expert, AppError> {
    let owner = actor.act_for(app, expert, Right::Schedule, Scope::Write).await?;
    let current = read(app, actor, owner.expert()).await?;
    check_version(if_match, current.version)?;
    let expert = Expert { version: current.version + 1, profile, ..current };
    let mut transaction = Transaction::new();
    transaction.put_expert(&expert)?;
    commit_edit(app, transaction, expert.version).await?;
    Ok(expert)
}

/// The availability rules of an expert.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, [`AppError::NotFound`] if the expert has none.
pub async fn rules(app: &App, actor: &Actor, expert: ExpertId) -> Result<VersionedRules, AppError> {
    let owner = actor.act_for(app, expert, Right::Schedule, Scope::Read).await?;
    app.store
        .rules(owner.expert())
        .await?
        .ok_or(AppError::NotFound("availability; create it with If-Match \"0\""))
}

/// Creates or replaces the availability rules of an expert. `if_match` is the version that the expert has read; 0 if there were
/// none.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, [`AppError::Invalid`] if the rules are invalid,
/// [`AppError::NotFound`] if the expert has no profile, [`AppError::VersionMismatch`] if the rules have another version.
pub async fn replace_rules(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    if_match: u64,
    rules: AvailabilityRules,
) -> Result<VersionedRules, AppError> {
    let owner = actor.act_for(app, expert, Right::Schedule, Scope::Write).await?;
    rules.check()?;
    read(app, actor, owner.expert()).await?;
    let current = app.store.rules(owner.expert()).await?.map_or(0, |rules| rules.version);
    check_version(if_match, current)?;
    let rules = VersionedRules { version: current + 1, rules };
    let mut transaction = Transaction::new();
    transaction.put_rules(owner.expert(), &rules)?;
    commit_edit(app, transaction, rules.version).await?;
    Ok(rules)
}

/// Checks that the version that a person has read is the current one.
pub(crate) fn check_version(if_match: u64, current: u64) -> Result<(), AppError> {
    if if_match == current { Ok(()) } else { Err(AppError::VersionMismatch { current }) }
}

/// Commits an edit that creates `version`. On a version conflict, a concurrent edit has created that version.
pub(crate) async fn commit_edit(app: &App, transaction: Transaction, version: u64) -> Result<(), AppError> {
    app.commit(transaction).await.map_err(|failure| match failure {
        AppError::Commit(CommitError::VersionConflict(_)) => AppError::VersionMismatch { current: version },
        other => other,
    })
}
