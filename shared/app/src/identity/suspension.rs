//! Administrators suspend people and lift suspensions. The platform suspends people after too many incidents.

use domain::experts::expert::Expert;
use domain::identity::suspension::{DecidedBy, Suspension, SuspensionChange};
use domain::kernel::text::ShortText;
use domain::{PersonId, Timestamp};
use store::Transaction;

use crate::identity::Actor;
use crate::identity::signed_in::{Role, Scope};
use crate::{App, AppError, Decision, IfMatch, check_version};

/// Whether a person is suspended, and the history of it.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not an administrator.
pub async fn read(app: &App, actor: &Actor, person: PersonId) -> Result<Suspension, AppError> {
    actor.require_role(Role::Admin, Scope::Read)?;
    Ok(app.store.suspension(person).await?)
}

/// Suspends a person, or lifts the suspension. `if_match` is the version that the administrator has read. A request that changes
/// neither the suspension nor the reason has no effect.
///
/// The same transaction suspends the person as an expert, if they have a profile, so that they are not listed and cannot be booked.
/// Appointments and payments stay. A profile that cannot be read stays as it is; sending the request again once it can be read
/// suspends it too.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not an administrator, or is the person or acts for them as an expert,
/// [`AppError::VersionMismatch`] if the suspension has another version.
pub async fn change(
    app: &App,
    actor: &Actor,
    person: PersonId,
    if_match: IfMatch,
    suspended: bool,
    reason: ShortText,
) -> Result<Suspension, AppError> {
    app.transact("suspend_person", || async {
        let by = actor.require_impartial_admin(app, person.expert()).await?.id();
        let state = State::of(app, person).await?;
        check_version(if_match, state.suspension.version)?;
        let last = state.suspension.changes.last();
        let is_repeated = last.is_some_and(|last| (last.suspended, &last.reason) == (suspended, &reason));
        let is_applied = state.profile.as_ref().is_none_or(|profile| profile.person_suspended == suspended);
        if is_repeated && is_applied {
            return Ok(Decision::Unchanged(state.suspension));
        }
        let change = SuspensionChange {
            suspended,
            reason: reason.clone(),
            by: DecidedBy::Administrator(by),
            at: app.now(),
        };
        let mut transaction = Transaction::new();
        let changed = state.put(&mut transaction, suspended, (!is_repeated).then_some(change))?;
        tracing::info!(%person, %by, suspended, "the suspension of a person was changed");
        Ok(Decision::Commit(transaction, changed))
    })
    .await
}

/// Adds to the transaction that the platform suspends a person. Somebody who is suspended stays as they are.
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
    if state.suspension.current().is_some() {
        transaction.check_suspension(&state.suspension);
        return Ok(());
    }
    let change = SuspensionChange { suspended: true, reason, by: DecidedBy::Platform, at: now };
    state.put(transaction, true, Some(change))?;
    tracing::info!(%person, "the platform suspends a person");
    Ok(())
}

/// What a suspension changes: the person, and their profile as an expert.
struct State {
    suspension: Suspension,
    /// The profile, if they have one that can be read.
    profile: Option<Expert>,
}

impl State {
    async fn of(app: &App, person: PersonId) -> Result<Self, AppError> {
        let (suspension, profile) =
            tokio::try_join!(app.store.suspension(person), app.store.readable_expert(person.expert()))?;
        Ok(Self { suspension, profile })
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
                let changed = self.suspension.changed(change);
                transaction.put_suspension(&changed)?;
                changed
            }
            None => self.suspension,
        };
        if let Some(profile) = self.profile {
            let version = profile.version + 1;
            transaction.put_expert(&Expert { version, person_suspended: suspended, ..profile })?;
        }
        Ok(suspension)
    }
}
