//! Administrators suspend people and lift suspensions. The platform suspends people after too many incidents.

use domain::experts::expert::Expert;
use domain::identity::suspension::{DecidedBy, Suspension, SuspensionChange};
use domain::kernel::text::ShortText;
use domain::{ExpertId, PersonId, Timestamp};
use store::{StoredSuspension, Transaction};

use crate::identity::Actor;
use crate::identity::signed_in::{Role, Scope};
use crate::{App, AppError, Decision, IfMatch, check_version};

/// What the history says instead of decisions that cannot be read.
const UNREADABLE: &str = "the earlier decisions cannot be read, and are replaced";

/// Whether a person is suspended, and the history of it.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not an administrator.
pub async fn read(app: &App, actor: &Actor, person: PersonId) -> Result<Suspension, AppError> {
    actor.require_role(Role::Admin, Scope::Read)?;
    Ok(app.store.suspension(person).await?)
}

/// Suspends a person, or lifts the suspension. `if_match` is the version that the administrator has read. A request that changes
/// neither the suspension nor the reason has no effect. What is stored and cannot be read, such as a decision of a newer release, is
/// replaced; the history then says so. The administrator sends `If-Match: *`, because its version cannot be read either.
///
/// The same transaction suspends the person as an expert, if they have a profile, so that they are not listed and cannot be booked.
/// Appointments and payments stay. A profile that cannot be read stays as it is; sending the request again once it can be read
/// suspends it too.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not an administrator, is the person, acts for them as an expert or did so within the last 180
/// days, or has booked a session with them that is still to come or was within that time, [`AppError::VersionMismatch`] if the suspension has another version.
pub async fn change(
    app: &App,
    actor: &Actor,
    person: PersonId,
    if_match: IfMatch,
    suspended: bool,
    reason: ShortText,
) -> Result<Suspension, AppError> {
    app.transact("suspend_person", || async {
        let by = actor.require_impartial_admin_of_person(app, person).await?.id();
        let state = State::of(app, person).await?;
        let stored = &state.stored.suspension;
        check_version(if_match, stored.version)?;
        let last = stored.changes.last();
        let is_repeated = last.is_some_and(|last| (last.suspended, &last.reason) == (suspended, &reason));
        let is_applied = state.profile.as_ref().is_none_or(|profile| profile.person_suspended == suspended);
        if is_repeated && is_applied {
            return Ok(Decision::Unchanged(state.stored.suspension));
        }
        let change = SuspensionChange {
            suspended,
            reason: reason.clone(),
            by: DecidedBy::Administrator(by),
            at: app.now(),
        };
        let state = state.readable(change.at)?;
        let mut transaction = Transaction::new();
        let changed = state.put(&mut transaction, suspended, (!is_repeated).then_some(change))?;
        tracing::info!(%person, %by, suspended, "the suspension of a person was changed");
        Ok(Decision::Commit(transaction, changed))
    })
    .await
}

/// Adds to the transaction that the platform suspends a person. Somebody who is suspended stays as they are, and so does somebody of whom
/// this cannot be read, which only an administrator replaces.
///
/// # Errors
/// [`AppError::Read`] if the table cannot be read.
pub(crate) async fn suspend_by_platform(
    app: &App,
    transaction: &mut Transaction,
    person: PersonId,
    reason: ShortText,
    now: Timestamp,
) -> Result<(), AppError> {
    let state = State::of(app, person).await?;
    if !state.stored.is_readable {
        return Ok(());
    }
    if state.stored.suspension.current().is_some() {
        transaction.check_suspension(&state.stored.suspension);
        return Ok(());
    }
    let change = SuspensionChange { suspended: true, reason, by: DecidedBy::Platform, at: now };
    state.put(transaction, true, Some(change))?;
    tracing::info!(%person, "the platform suspends a person");
    Ok(())
}

/// What a suspension changes: the person, and their profile as an expert.
struct State {
    stored: StoredSuspension,
    /// The profile, if they have one that can be read.
    profile: Option<Expert>,
}

impl State {
    async fn of(app: &App, person: PersonId) -> Result<Self, AppError> {
        let (stored, profile) = tokio::try_join!(
            app.store.stored_suspension(person),
            app.store.readable_expert(person.expert())
        )?;
        Ok(Self { stored, profile })
    }

    /// Adds to the history that the decisions so far cannot be read, if this is so. The person counted as suspended.
    fn readable(mut self, now: Timestamp) -> Result<Self, AppError> {
        if !self.stored.is_readable {
            let reason = ShortText::try_from(UNREADABLE.to_owned());
            let reason = reason.map_err(|error| AppError::invalid("/reason", error.to_string()))?;
            let by = DecidedBy::Platform;
            self.stored.suspension.changes = vec![SuspensionChange { suspended: true, reason, by, at: now }];
        }
        Ok(self)
    }

    /// Adds the change to the transaction, and suspends the expert or lifts their suspension. Without a change, only the profile is
    /// written.
    fn put(
        self,
        transaction: &mut Transaction,
        suspended: bool,
        change: Option<SuspensionChange>,
    ) -> Result<Suspension, AppError> {
        let suspension = match change {
            Some(change) => {
                let changed = self.stored.suspension.clone().changed(change);
                match self.stored.is_readable {
                    true => transaction.put_suspension(&changed)?,
                    false => transaction.replace_unreadable_suspension(&self.stored, &changed)?,
                }
                changed
            }
            None => self.stored.suspension,
        };
        if let Some(profile) = self.profile {
            let version = profile.version + 1;
            transaction.put_expert(&Expert { version, person_suspended: suspended, ..profile })?;
        }
        Ok(suspension)
    }
}

/// Whether an expert is suspended. If their profile cannot be read, only the suspension of the person counts.
///
/// # Errors
/// [`AppError::Read`] if the table cannot be read.
pub(crate) async fn expert_is_suspended(app: &App, expert: ExpertId) -> Result<bool, AppError> {
    match app.store.readable_expert(expert).await? {
        Some(expert) => Ok(expert.is_suspended()),
        None => Ok(app.store.suspension(expert.person()).await?.current().is_some()),
    }
}
