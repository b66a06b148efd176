//! The platform's commission on an expert's prices, and what else an administrator decides about their new bookings.

use domain::payments::account::ExpertFee;
use domain::payments::payout::PayoutTiming;
use domain::{ExpertId, Rate};
use store::Transaction;

use crate::experts::profiles;
use crate::identity::Actor;
use crate::identity::signed_in::{Role, Scope};
use crate::{App, AppError, Decision, IfMatch, check_version};

/// An expert's own commission rate. It has version 0 if none was ever set.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an administrator, [`AppError::NotFound`] if the expert does not exist.
pub async fn read_expert_fee(app: &App, actor: &Actor, expert: ExpertId) -> Result<ExpertFee, AppError> {
    actor.require_role(Role::Admin, Scope::Read)?;
    profiles::read(app, expert).await?;
    current_fee(app, expert).await
}

async fn current_fee(app: &App, expert: ExpertId) -> Result<ExpertFee, AppError> {
    Ok(app.store.fee(expert).await?.unwrap_or(ExpertFee { version: 0, rate: None, payout_timing: None }))
}

/// Sets an expert's own commission rate and payout timing for new bookings; `None` restores the usual one. Existing bookings keep
/// theirs. Setting the same again changes nothing. `if_match` is the version that the administrator has read; 0 if none was ever
/// set.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an administrator or acts for this expert, [`AppError::NotFound`] if the expert
/// does not exist,
/// [`AppError::VersionMismatch`] if the rate has another version.
pub async fn set_expert_fee(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    if_match: IfMatch,
    rate: Option<Rate>,
    payout_timing: Option<PayoutTiming>,
) -> Result<ExpertFee, AppError> {
    actor.require_impartial_admin(app, expert).await?;
    profiles::read(app, expert).await?;
    app.transact("set_expert_fee", || async {
        let current = current_fee(app, expert).await?;
        if current.version > 0 && (current.rate, current.payout_timing) == (rate, payout_timing) {
            return Ok(Decision::Unchanged(current));
        }
        check_version(if_match, current.version)?;
        let fee = ExpertFee { version: current.version + 1, rate, payout_timing };
        let mut transaction = Transaction::new();
        transaction.put_fee(expert, &fee)?;
        Ok(Decision::Commit(transaction, fee))
    })
    .await
}

/// The commission rate of new bookings of an expert, given what an administrator has decided.
pub(crate) fn commission_rate(app: &App, fee: Option<&ExpertFee>) -> Rate {
    fee.and_then(|fee| fee.rate).unwrap_or(app.settings.fee)
}
