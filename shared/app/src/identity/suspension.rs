//! Administrators suspend people and lift suspensions.

use domain::experts::expert::Expert;
use domain::identity::suspension::{Suspension, SuspensionChange};
use domain::kernel::text::ShortText;
use domain::{ExpertId, PersonId};
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
    let expert = ExpertId::from_bits(person.bits());
    let by = actor.require_impartial_admin(app, expert).await?.id();
    app.transact("suspend_person", || async {
        let (current, profile) =
            tokio::try_join!(app.store.suspension(person), app.store.readable_expert(expert))?;
        check_version(if_match, current.version)?;
        let last = current.changes.last();
        let is_repeated = last.is_some_and(|last| (last.suspended, &last.reason) == (suspended, &reason));
        let is_applied = profile.as_ref().is_none_or(|profile| profile.person_suspended == suspended);
        if is_repeated && is_applied {
            return Ok(Decision::Unchanged(current));
        }
        let mut transaction = Transaction::new();
        let changed = if is_repeated {
            current
        } else {
            let change = SuspensionChange { suspended, reason: reason.clone(), by, at: app.now() };
            let changed = current.changed(change);
            transaction.put_suspension(&changed)?;
            changed
        };
        if let Some(profile) = profile {
            let version = profile.version + 1;
            transaction.put_expert(&Expert { version, person_suspended: suspended, ..profile })?;
        }
        tracing::info!(%person, %by, suspended, "the suspension of a person was changed");
        Ok(Decision::Commit(transaction, changed))
    })
    .await
}
