//! The platform's terms for an expert: the commission on their prices, and the limits of prices and of costs of refunds.

use domain::payments::account::ExpertTerms;
use domain::{ExpertId, Rate};
use store::Transaction;

use crate::experts::profiles;
use crate::identity::Actor;
use crate::identity::signed_in::{Role, Scope};
use crate::{App, AppError, Decision, IfMatch, check_version};

/// An expert's own terms. They have version 0 if none were ever set.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an administrator, [`AppError::NotFound`] if the expert does not exist.
pub async fn read_expert_terms(app: &App, actor: &Actor, expert: ExpertId) -> Result<ExpertTerms, AppError> {
    actor.require_role(Role::Admin, Scope::Read)?;
    profiles::read(app, expert).await?;
    expert_terms(app, expert).await
}

/// The terms of an expert; the usual ones, with version 0, if none were ever set.
///
/// # Errors
/// [`AppError::Read`] if the table cannot be read, or a row cannot be parsed.
pub(crate) async fn expert_terms(app: &App, expert: ExpertId) -> Result<ExpertTerms, AppError> {
    let usual =
        ExpertTerms { version: 0, rate: None, payout_timing: None, established: false, refund_budget: None };
    Ok(app.store.expert_terms(expert).await?.unwrap_or(usual))
}

/// Sets an expert's own terms for new bookings; without a rate or a budget, the usual one applies. Existing bookings keep their rate.
/// Setting the same terms again changes nothing. `if_match` is the version that the administrator has read; 0 if none were ever
/// set. The version in `terms` does not matter.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an administrator or acts for this expert, [`AppError::NotFound`] if the expert
/// does not exist, [`AppError::VersionMismatch`] if the terms have another version.
pub async fn set_expert_terms(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    if_match: IfMatch,
    terms: ExpertTerms,
) -> Result<ExpertTerms, AppError> {
    app.transact("set_expert_terms", || async {
        actor.require_impartial_admin(app, expert).await?;
        profiles::read(app, expert).await?;
        let current = expert_terms(app, expert).await?;
        if current.version > 0 && current == (ExpertTerms { version: current.version, ..terms }) {
            return Ok(Decision::Unchanged(current));
        }
        check_version(if_match, current.version)?;
        let changed = ExpertTerms { version: current.version + 1, ..terms };
        let mut transaction = Transaction::new();
        transaction.put_expert_terms(expert, &changed)?;
        Ok(Decision::Commit(transaction, changed))
    })
    .await
}

/// The commission rate of new bookings of an expert, given the terms for them.
pub(crate) fn commission_rate(app: &App, terms: &ExpertTerms) -> Rate {
    terms.rate.unwrap_or(app.settings.fee)
}
