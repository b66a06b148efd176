//! The platform's commission on an expert's prices.

use domain::payments::account::ExpertFee;
use domain::{ExpertId, Rate};
use store::Transaction;

use crate::identity::Actor;
use crate::identity::people::{Role, Scope};
use crate::{App, AppError, Decision};

/// Sets an expert's own commission rate for new bookings; `None` restores the usual rate. Existing bookings keep their rate.
///
/// # Errors
/// [`AppError::Forbidden`] if the person is not an administrator, [`AppError::NotFound`] if the expert does not exist.
pub async fn set_expert_fee(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    rate: Option<Rate>,
) -> Result<ExpertFee, AppError> {
    actor.in_role(Role::Admin, Scope::Write)?;
    crate::experts::profiles::read(app, actor, expert).await?;
    app.transact("set_expert_fee", || async {
        let version = app.store.fee(expert).await?.map_or(0, |fee| fee.version);
        let fee = ExpertFee { version: version + 1, rate };
        let mut transaction = Transaction::new();
        transaction.put_fee(expert, &fee)?;
        Ok(Decision::Commit(transaction, fee))
    })
    .await
}

/// The commission rate of an expert's new bookings.
///
/// # Errors
/// [`AppError::Read`] if the table cannot be read, or a row cannot be parsed.
pub(crate) async fn commission_rate(app: &App, expert: ExpertId) -> Result<Rate, AppError> {
    Ok(app.store.fee(expert).await?.and_then(|fee| fee.rate).unwrap_or(app.settings.fee))
}
