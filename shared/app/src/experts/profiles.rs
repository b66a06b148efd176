//! Profiles and availability rules of experts.

use domain::experts::availability::AvailabilityRules;
use domain::experts::expert::{Expert, ExpertProfile};
use domain::experts::members::Right;
use domain::{Currency, ExpertId, Money, Violations};
use store::{Transaction, VersionedRules};

use crate::idempotency::{Creation, IdempotentRequest, RequestStatus};
use crate::identity::Actor;
use crate::identity::signed_in::{Role, Scope};
use crate::{App, AppError, Decision, IfMatch, check_version};

/// Checks a profile by itself and against the currencies that the operator allows.
fn check(app: &App, profile: &ExpertProfile) -> Result<(), AppError> {
    let mut violations = Violations::default();
    violations.add_member("", profile.check());
    if let Some(rate) = profile.hourly_rate {
        check_currency(app, &mut violations, "/hourly_rate/currency", rate.currency());
    }
    Ok(violations.into_result()?)
}

/// Checks that an expert who is not established asks for no more in an hour than they may charge for a session.
async fn check_rate(app: &App, expert: ExpertId, rate: Option<Money>) -> Result<(), AppError> {
    let Some(Err(must)) = rate.map(|rate| rate.check_at_most(app.settings.new_expert_price)) else {
        return Ok(());
    };
    match app.store.expert_terms(expert).await? {
        Some(terms) if terms.established => Ok(()),
        _ => Err(AppError::invalid("/hourly_rate/amount", must.to_string())),
    }
}

/// Adds a violation at `pointer` if the operator does not allow a currency.
pub(super) fn check_currency(app: &App, violations: &mut Violations, pointer: &str, currency: Currency) {
    let allowed = &app.settings.currencies;
    if !allowed.is_empty() && !allowed.contains(&currency) {
        let codes: Vec<_> = allowed.iter().map(|currency| currency.code()).collect();
        let must = format!("must be one of the currencies that the platform accepts: {}", codes.join(", "));
        violations.add(pointer, must);
    }
}

/// Creates the expert profile of a person. `published` says whether it is public at once or a draft.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an expert, [`AppError::Invalid`] if the profile is invalid,
/// [`AppError::Exists`] if they have a profile.
pub async fn create(
    app: &App,
    actor: &Actor,
    request: &IdempotentRequest,
    profile: ExpertProfile,
    published: bool,
) -> Result<Creation<Expert>, AppError> {
    app.transact("create_expert", || async {
        let person = actor.require_active(app, Role::Expert).await?;
        check(app, &profile)?;
        let id = person.expert_id();
        check_rate(app, id, profile.hourly_rate).await?;
        let now = app.now();
        let expired = match request.status(app, person, now).await? {
            RequestStatus::Completed(response) => {
                return Ok(Decision::Unchanged(Creation::Replayed(response)));
            }
            RequestStatus::Interrupted(record) => {
                return Ok(Decision::Unchanged(Creation::Created(read(app, id).await?, record)));
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
        // A suspension at the same time would not find the profile.
        let suspension = app.store.suspension(person.id()).await?;
        if suspension.current().is_some() {
            return Err(AppError::version_conflict());
        }
        let profile = profile.clone();
        let expert = Expert {
            id,
            version: 1,
            created_at: now,
            published,
            suspended: false,
            person_suspended: false,
            profile,
        };
        let idempotency = request.record(person, id, now);
        let mut transaction = Transaction::new();
        transaction.put_expert(&expert)?;
        transaction.check_suspension(&suspension);
        transaction.put_idempotency_record(&idempotency, expired.as_ref())?;
        Ok(Decision::Commit(transaction, Creation::Created(expert, idempotency)))
    })
    .await
}

/// The public profile of an expert. Everybody may read it.
///
/// # Errors
/// [`AppError::NotFound`] if the expert has none, or it is a draft.
pub async fn read_public(app: &App, _: &Actor, id: ExpertId) -> Result<Expert, AppError> {
    let expert = read(app, id).await?;
    check_public(&expert)?;
    Ok(expert)
}

/// Checks that everybody may read the profile of an expert, and with it what they offer.
///
/// # Errors
/// [`AppError::NotFound`] if it is a draft.
pub(crate) fn check_public(expert: &Expert) -> Result<(), AppError> {
    if expert.published { Ok(()) } else { Err(AppError::NotFound("expert")) }
}

/// The profile of an expert, also if it is a draft, for the expert, their members and administrators.
///
/// # Errors
/// [`AppError::Forbidden`] for all others, [`AppError::NotFound`] if the expert has none.
pub async fn read_own(app: &App, actor: &Actor, id: ExpertId) -> Result<Expert, AppError> {
    if actor.require_role(Role::Admin, Scope::Read).is_err() {
        actor.require_right(app, id, Right::Schedule, Scope::Read).await?;
    }
    read(app, id).await
}

/// The profile of an expert in any status.
///
/// # Errors
/// [`AppError::NotFound`] if the expert has none.
pub(crate) async fn read(app: &App, id: ExpertId) -> Result<Expert, AppError> {
    app.store.expert(id).await?.ok_or(AppError::NotFound("expert"))
}

/// Replaces the profile of an expert. `if_match` is the version that the expert has read.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, or may not change the hourly rate, [`AppError::NotFound`] if
/// the expert has no profile, [`AppError::Invalid`] if the profile is not valid, [`AppError::VersionMismatch`] if it has another
/// version.
pub async fn replace(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    if_match: IfMatch,
    profile: ExpertProfile,
    published: Option<bool>,
) -> Result<Expert, AppError> {
    app.transact("replace_expert", || async {
        actor.require_right(app, expert, Right::Schedule, Scope::Write).await?;
        check(app, &profile)?;
        let current = read(app, expert).await?;
        // A person who has read an older version must learn that first.
        check_version(if_match, current.version)?;
        if profile.hourly_rate != current.profile.hourly_rate {
            actor.require_right(app, expert, Right::Money, Scope::Write).await?;
            check_rate(app, expert, profile.hourly_rate).await?;
        }
        let mut transaction = Transaction::new();
        if profile.mentorship_capacity.is_some() && current.profile.mentorship_capacity.is_none() {
            // Bookings without a capacity do not write the list of clients, so the next booking must count the appointments. If
            // the stored list cannot be read, this repairs it.
            let stored = app.store.stored_admissions(expert).await?;
            transaction.reset_admissions(expert, stored.as_ref(), app.now())?;
        }
        let (published, profile) = (published.unwrap_or(current.published), profile.clone());
        let expert = Expert { version: current.version + 1, published, profile, ..current };
        transaction.put_expert(&expert)?;
        Ok(Decision::Commit(transaction, expert))
    })
    .await
}

/// Suspends an expert alone, or lifts this suspension. A suspended expert has no slots and cannot be booked; existing appointments stay.
/// The suspension of the person is another one. `if_match` is the version that the administrator has read.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an administrator, acts for this expert or did so within the last 180 days, or has booked
/// a session with them that is still to come or was within that time, [`AppError::NotFound`] if the expert has no profile,
/// [`AppError::VersionMismatch`] if the profile has another version.
pub async fn suspend(
    app: &App,
    actor: &Actor,
    id: ExpertId,
    if_match: IfMatch,
    suspended: bool,
) -> Result<Expert, AppError> {
    app.transact("suspend_expert", || async {
        actor.require_impartial_admin_of_person(app, id.person()).await?;
        let current = read(app, id).await?;
        check_version(if_match, current.version)?;
        let expert = Expert { version: current.version + 1, suspended, ..current };
        let mut transaction = Transaction::new();
        transaction.put_expert(&expert)?;
        Ok(Decision::Commit(transaction, expert))
    })
    .await
}

/// The availability rules of an expert.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, [`AppError::NotCreated`] if the expert has none.
pub async fn rules(app: &App, actor: &Actor, expert: ExpertId) -> Result<VersionedRules, AppError> {
    actor.require_right(app, expert, Right::Schedule, Scope::Read).await?;
    app.store
        .rules(expert)
        .await?
        .ok_or(AppError::NotCreated("there are no availability rules yet; create them with If-Match \"0\""))
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
    if_match: IfMatch,
    rules: AvailabilityRules,
) -> Result<VersionedRules, AppError> {
    app.transact("replace_availability", || async {
        actor.require_right(app, expert, Right::Schedule, Scope::Write).await?;
        rules.check()?;
        read(app, expert).await?;
        let current = app.store.rules(expert).await?.map(|rules| rules.version);
        check_version(if_match, current)?;
        let rules = VersionedRules { version: current.unwrap_or(0) + 1, rules: rules.clone() };
        let mut transaction = Transaction::new();
        transaction.put_rules(expert, &rules)?;
        Ok(Decision::Commit(transaction, rules))
    })
    .await
}
