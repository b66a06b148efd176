//! What the platform keeps of an expert's prices.

use domain::payments::account::ExpertFee;
use domain::{ExpertId, Rate};
use store::Transaction;

use crate::identity::people::{Person, Role};
use crate::{App, AppError, Attempt};

/// What the platform keeps of an expert's prices from now on; what is booked keeps its rate.
///
/// # Errors
/// [`AppError::Forbidden`] to all but administrators, [`AppError::NotFound`] when there is no such expert,
/// [`AppError::VersionMismatch`] when somebody else changed it.
pub async fn set_expert_fee(
    app: &App,
    person: &Person,
    expert: ExpertId,
    rate: Option<Rate>,
) -> Result<ExpertFee, AppError> {
    if !person.has(Role::Admin) {
        return Err(AppError::Forbidden("only an administrator can set what the platform keeps"));
    }
    crate::experts::profiles::read(app, expert).await?;
    app.transact("set_expert_fee", || async {
        let version = app.store.fee(expert).await?.map_or(0, |fee| fee.version);
        let fee = ExpertFee { version: version + 1, rate };
        let mut transaction = Transaction::new();
        transaction.put_fee(expert, &fee)?;
        Ok(Attempt::Commit(transaction, fee))
    })
    .await
}

/// What the platform keeps of an expert's new bookings.
///
/// # Errors
/// When it cannot be read.
pub async fn fee(app: &App, expert: ExpertId) -> Result<Rate, AppError> {
    Ok(app.store.fee(expert).await?.and_then(|fee| fee.rate).unwrap_or(app.settings.fee))
}
