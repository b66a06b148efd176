//! An expert's profile and availability rules.

use domain::ExpertId;
use domain::experts::availability::AvailabilityRules;
use domain::experts::expert::{Expert, ExpertProfile};
use store::{CommitError, Transaction, VersionedRules};

use crate::idempotency::{Creation, IdempotentRequest, RequestStatus};
use crate::identity::people::{Owner, Person, Role};
use crate::{App, AppError, Attempt};

/// Publishes a person's profile as an expert.
///
/// # Errors
/// [`AppError::Exists`] when they have one.
pub async fn create(
    app: &App,
    person: &Person,
    request: &IdempotentRequest,
    profile: ExpertProfile,
) -> Result<Creation<Expert>, AppError> {
    if !person.has(Role::Expert) {
        return Err(AppError::Forbidden("only an expert can do this"));
    }
    let id = person.expert_id();
    app.transact("create_expert", || async {
        let now = app.now();
        let over = match request.status(app, now).await? {
            RequestStatus::Completed(answer) => return Ok(Attempt::Unchanged(Creation::Replayed(answer))),
            RequestStatus::InProgress(idempotency) => {
                return Ok(Attempt::Unchanged(Creation::Created(read(app, id).await?, idempotency)));
            }
            RequestStatus::New(over) => over,
        };
        if app.store.expert(id).await?.is_some() {
            // The same request may have run twice, and the other was faster.
            if let RequestStatus::New(_) = request.status(app, now).await? {
                return Err(AppError::Exists("expert profile"));
            }
            return Err(AppError::version_conflict());
        }
        let expert = Expert { id, version: 1, created_at: now, profile: profile.clone() };
        let idempotency = request.record(id, now);
        let mut transaction = Transaction::new();
        transaction.put_expert(&expert)?;
        transaction.put_idempotency_record(&idempotency, over.as_ref())?;
        Ok(Attempt::Commit(transaction, Creation::Created(expert, idempotency)))
    })
    .await
}

/// An expert's profile.
///
/// # Errors
/// [`AppError::NotFound`] when there is none.
pub async fn read(app: &App, id: ExpertId) -> Result<Expert, AppError> {
    app.store.expert(id).await?.ok_or(AppError::NotFound("expert"))
}

/// Replaces a profile that its owner saw in version `if_match`.
///
/// # Errors
/// [`AppError::VersionMismatch`] when it was changed since.
pub async fn edit(
    app: &App,
    owner: Owner,
    if_match: u64,
    profile: ExpertProfile,
) -> Result<Expert, AppError> {
    let current = read(app, owner.expert()).await?;
    check_version(if_match, current.version)?;
    let expert = Expert { version: current.version + 1, profile, ..current };
    let mut transaction = Transaction::new();
    transaction.put_expert(&expert)?;
    commit_edit(app, transaction, expert.version).await?;
    Ok(expert)
}

/// An expert's availability rules, for their owner.
///
/// # Errors
/// [`AppError::NotFound`] when there are none.
pub async fn rules(app: &App, owner: Owner) -> Result<VersionedRules, AppError> {
    app.store
        .rules(owner.expert())
        .await?
        .ok_or(AppError::NotFound("availability; put the first with If-Match \"0\""))
}

/// Replaces the rules that their owner saw in version `if_match`; 0 when there were none.
///
/// # Errors
/// [`AppError::Invalid`] when the rules contradict themselves, [`AppError::VersionMismatch`] when they were changed since.
pub async fn replace_rules(
    app: &App,
    owner: Owner,
    if_match: u64,
    rules: AvailabilityRules,
) -> Result<VersionedRules, AppError> {
    rules.check().map_err(|invalid| AppError::Invalid { field: invalid.field, must: invalid.must })?;
    read(app, owner.expert()).await?;
    let current = app.store.rules(owner.expert()).await?.map_or(0, |rules| rules.version);
    check_version(if_match, current)?;
    let rules = VersionedRules { version: current + 1, rules };
    let mut transaction = Transaction::new();
    transaction.put_rules(owner.expert(), &rules)?;
    commit_edit(app, transaction, rules.version).await?;
    Ok(rules)
}

pub(crate) fn check_version(idempotency: u64, current: u64) -> Result<(), AppError> {
    if idempotency == current { Ok(()) } else { Err(AppError::VersionMismatch { current }) }
}

/// Commits an edit that leads to `version`. Who was faster made that version first.
pub(crate) async fn commit_edit(app: &App, transaction: Transaction, version: u64) -> Result<(), AppError> {
    app.commit(transaction).await.map_err(|failure| match failure {
        AppError::Commit(CommitError::VersionConflict(_)) => AppError::VersionMismatch { current: version },
        other => other,
    })
}
