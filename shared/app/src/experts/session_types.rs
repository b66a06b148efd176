//! Session types of experts.

use domain::experts::expert::Expert;
use domain::experts::members::Right;
use domain::experts::session_type::{SessionType, SessionTypeStatus, SessionTypeTerms};
use domain::{ExpertId, Money, SessionTypeId, Violations};
use store::table::Consistency;
use store::{Activations, Transaction};

use crate::experts::profiles::{check_currency, read as read_expert, read_own, read_public};
use crate::idempotency::{Creation, IdempotentRequest, RequestStatus};
use crate::identity::Actor;
use crate::identity::signed_in::Scope;
use crate::{App, AppError, Decision, IfMatch, check_version};

/// The maximum number of active session types of an expert.
const MAX_ACTIVE: usize = 100;
/// The maximum number of session types of an expert, including retired ones. It only limits the size of the list.
const MAX_SESSION_TYPES: usize = 300;

/// A session type, with the expert's hourly rate, from which its derived prices follow now.
#[derive(Debug, Clone)]
pub struct PricedSessionType {
    /// The session type.
    pub session_type: SessionType,
    /// The expert's hourly rate. After a change it is not read if no price of the session type is derived.
    pub hourly_rate: Option<Money>,
}

/// The session types of an expert.
#[derive(Debug, Clone)]
pub struct SessionTypeList {
    /// The session types, the oldest first.
    pub session_types: Vec<PricedSessionType>,
    /// Whether the expert is live. If not, no session type can be booked.
    pub expert_is_live: bool,
    /// Whether this release cannot read some session types of the expert.
    pub truncated: bool,
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
/// one becomes active at the same time. Returns the number of all session types of the expert.
async fn activate(app: &App, expert: ExpertId, transaction: &mut Transaction) -> Result<usize, AppError> {
    // Reading the count first detects every session type that becomes active after this point.
    let activations = app.store.activations(expert).await?;
    let (session_types, unreadable) = app.store.session_types(expert, Consistency::Strong).await?;
    // Those that are unknown or unreadable may be active for a newer release.
    let active = session_types.iter().filter(|one| one.status != SessionTypeStatus::Retired);
    if active.count() + unreadable >= MAX_ACTIVE {
        return Err(AppError::TooMany(
            "an expert can have at most 100 active session types; retire one, or change an existing one",
        ));
    }
    transaction.put_activations(expert, &Activations { version: activations.version + 1 })?;
    Ok(session_types.len() + unreadable)
}

/// Checks terms by themselves, with the expert's hourly rate, against the currencies that the operator allows, and against the largest
/// price of a new expert.
async fn check(
    app: &App,
    expert: ExpertId,
    terms: &SessionTypeTerms,
    hourly_rate: Option<Money>,
) -> Result<(), AppError> {
    let mut violations = Violations::default();
    violations.add_member("", terms.check(hourly_rate));
    for (at, duration) in terms.durations.iter().enumerate() {
        if let Some(price) = duration.price.filter(|price| !price.is_zero()) {
            let pointer = format!("/durations/{at}/price/currency");
            check_currency(app, &mut violations, &pointer, price.currency());
        }
    }
    if !app.store.expert_terms(expert).await?.is_some_and(|of_expert| of_expert.established) {
        for (at, duration) in terms.durations.iter().enumerate() {
            // Other violations say why there is no price.
            let price = terms.price(*duration, hourly_rate).ok();
            if let Some(Err(must)) = price.map(|price| price.check_at_most(app.settings.new_expert_price)) {
                let member = if duration.price.is_some() { "price/amount" } else { "price" };
                violations.add(format!("/durations/{at}/{member}"), must.to_string());
            }
        }
    }
    for (at, currency) in terms.presentment_currencies.iter().enumerate() {
        check_currency(app, &mut violations, &format!("/presentment_currencies/{at}"), *currency);
    }
    Ok(violations.into_result()?)
}

/// Creates a session type.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, [`AppError::Invalid`] if the terms are invalid,
/// [`AppError::NotFound`] if the expert has no profile, [`AppError::TooMany`] if the expert has 100 active session types, or
/// 300 in all.
pub async fn create(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    request: &IdempotentRequest,
    terms: SessionTypeTerms,
) -> Result<Creation<PricedSessionType>, AppError> {
    app.transact("create_session_type", || async {
        actor.require_right(app, expert, Right::Money, Scope::Write).await?;
        let person = actor.require_person(Scope::Write)?;
        let now = app.now();
        let expired = match request.status(app, person, now).await? {
            RequestStatus::Completed(response) => {
                return Ok(Decision::Unchanged(Creation::Replayed(response)));
            }
            RequestStatus::Interrupted(record) => {
                let id = record.subject.parse().map_err(|_| AppError::NotFound("session type"))?;
                let session_type = find(app, expert, id).await?;
                let hourly_rate = hourly_rate(app, expert, &session_type.terms).await?;
                let created = PricedSessionType { session_type, hourly_rate };
                return Ok(Decision::Unchanged(Creation::Created(created, record)));
            }
            RequestStatus::New(expired) => expired,
        };
        let hourly_rate = read_expert(app, expert).await?.profile.hourly_rate;
        check(app, expert, &terms, hourly_rate).await?;
        let mut transaction = Transaction::new();
        if activate(app, expert, &mut transaction).await? >= MAX_SESSION_TYPES {
            return Err(AppError::TooMany(
                "an expert can have at most 300 session types, retired ones included; offer a retired one again",
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
/// [`AppError::NotFound`] if it does not exist, or the expert's profile is not public.
pub async fn read(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    id: SessionTypeId,
) -> Result<PricedSessionType, AppError> {
    let (expert, session_type) = tokio::join!(read_public(app, actor, expert), find(app, expert, id));
    let hourly_rate = expert?.profile.hourly_rate;
    Ok(PricedSessionType { session_type: session_type?, hourly_rate })
}

async fn find(app: &App, expert: ExpertId, id: SessionTypeId) -> Result<SessionType, AppError> {
    app.store.session_type(expert, id).await?.ok_or(AppError::NotFound("session type"))
}

/// The session types of an expert; the retired ones only if `retired` is set. Everybody may read them. The latest changes may be
/// missing.
///
/// # Errors
/// [`AppError::NotFound`] if the expert does not exist, or their profile is not public.
pub async fn list(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    retired: bool,
) -> Result<SessionTypeList, AppError> {
    let (expert, session_types) =
        tokio::join!(read_public(app, actor, expert), app.store.session_types(expert, Consistency::Eventual));
    Ok(priced_list(&expert?, session_types?, retired))
}

/// The same as [`list`] for the expert, their members and administrators, also if the profile is not public. No change is missing.
///
/// # Errors
/// [`AppError::Forbidden`] for all others, [`AppError::NotFound`] if the expert has no profile.
pub async fn list_own(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    retired: bool,
) -> Result<SessionTypeList, AppError> {
    let expert = read_own(app, actor, expert).await?;
    let session_types = app.store.session_types(expert.id, Consistency::Strong).await?;
    Ok(priced_list(&expert, session_types, retired))
}

fn priced_list(
    expert: &Expert,
    (mut session_types, unreadable): (Vec<SessionType>, usize),
    retired: bool,
) -> SessionTypeList {
    session_types.retain(|session_type| retired || session_type.status != SessionTypeStatus::Retired);
    let hourly_rate = expert.profile.hourly_rate;
    let priced = |session_type| PricedSessionType { session_type, hourly_rate };
    SessionTypeList {
        session_types: session_types.into_iter().map(priced).collect(),
        expert_is_live: expert.is_bookable(),
        truncated: unreadable > 0,
    }
}

/// Checks that this release knows all values of a session type, so that it can change one of them and keep the others.
fn check_known(session_type: &SessionType) -> Result<(), AppError> {
    match session_type.status {
        SessionTypeStatus::Unknown => Err(AppError::NewerRelease(
            "a newer release has changed the session type in a way that this one does not know; replace it as a whole",
        )),
        SessionTypeStatus::Active | SessionTypeStatus::Retired => Ok(()),
    }
}

/// Replaces the terms of a session type. Existing appointments keep the terms that they were booked with. If the status was
/// unknown, the session type is retired afterwards. `if_match` is the version that the expert has read.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, or may not change what clients are charged,
/// [`AppError::Invalid`] if the terms are invalid, [`AppError::NotFound`] if the session type does not exist,
/// [`AppError::VersionMismatch`] if it has another version.
pub async fn replace(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    id: SessionTypeId,
    if_match: IfMatch,
    terms: SessionTypeTerms,
) -> Result<PricedSessionType, AppError> {
    app.transact("replace_session_type", || async {
        actor.require_right(app, expert, Right::Schedule, Scope::Write).await?;
        let current = find(app, expert, id).await?;
        // A person who has read an older version must learn that first.
        check_version(if_match, current.version)?;
        let is_known = current.status != SessionTypeStatus::Unknown;
        if !is_known || !terms.charge_like(&current.terms) {
            actor.require_right(app, expert, Right::Money, Scope::Write).await?;
        }
        let hourly_rate = hourly_rate(app, expert, &terms).await?;
        check(app, expert, &terms, hourly_rate).await?;
        let status = if is_known { current.status } else { SessionTypeStatus::Retired };
        let session_type = SessionType { id, version: current.version + 1, status, terms: terms.clone() };
        let mut transaction = Transaction::new();
        transaction.put_session_type(expert, &session_type)?;
        Ok(Decision::Commit(transaction, PricedSessionType { session_type, hourly_rate }))
    })
    .await
}

/// Retires a session type: it cannot be booked any more. Retiring it again changes nothing, whatever `if_match` says. `if_match` is
/// the version that the expert has read.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, [`AppError::NotFound`] if it does not exist,
/// [`AppError::VersionMismatch`] if it has another version, [`AppError::NewerRelease`] if its status is unknown.
pub async fn retire(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    id: SessionTypeId,
    if_match: IfMatch,
) -> Result<PricedSessionType, AppError> {
    app.transact("retire_session_type", || async {
        actor.require_right(app, expert, Right::Schedule, Scope::Write).await?;
        let current = find(app, expert, id).await?;
        let hourly_rate = hourly_rate(app, expert, &current.terms).await?;
        if current.status == SessionTypeStatus::Retired {
            return Ok(Decision::Unchanged(PricedSessionType { session_type: current, hourly_rate }));
        }
        check_version(if_match, current.version)?;
        check_known(&current)?;
        let session_type =
            SessionType { version: current.version + 1, status: SessionTypeStatus::Retired, ..current };
        let mut transaction = Transaction::new();
        transaction.put_session_type(expert, &session_type)?;
        Ok(Decision::Commit(transaction, PricedSessionType { session_type, hourly_rate }))
    })
    .await
}

/// Offers a retired session type again, with the terms that it had. Offering an active one again changes nothing, whatever
/// `if_match` says. `if_match` is the version that the expert has read.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, [`AppError::NotFound`] if it does not exist,
/// [`AppError::VersionMismatch`] if it has another version, [`AppError::NewerRelease`] if its status is unknown,
/// [`AppError::TooMany`] if the expert has 100 active session types, [`AppError::Invalid`] if the terms are no longer valid.
pub async fn offer_again(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    id: SessionTypeId,
    if_match: IfMatch,
) -> Result<PricedSessionType, AppError> {
    app.transact("offer_session_type_again", || async {
        actor.require_right(app, expert, Right::Money, Scope::Write).await?;
        let current = find(app, expert, id).await?;
        let hourly_rate = hourly_rate(app, expert, &current.terms).await?;
        if current.status == SessionTypeStatus::Active {
            return Ok(Decision::Unchanged(PricedSessionType { session_type: current, hourly_rate }));
        }
        check_version(if_match, current.version)?;
        check_known(&current)?;
        check(app, expert, &current.terms, hourly_rate).await?;
        let mut transaction = Transaction::new();
        activate(app, expert, &mut transaction).await?;
        let session_type =
            SessionType { version: current.version + 1, status: SessionTypeStatus::Active, ..current };
        transaction.put_session_type(expert, &session_type)?;
        Ok(Decision::Commit(transaction, PricedSessionType { session_type, hourly_rate }))
    })
    .await
}
