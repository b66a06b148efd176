//! What an expert's receipts say of them.

use domain::billing::BillingDetails;
use store::{Transaction, VersionedBilling};

use crate::experts::{check_version, commit_edit, read as read_expert};
use crate::people::Owner;
use crate::{App, AppError};

/// An expert's billing details, for their owner.
///
/// # Errors
/// [`AppError::NotFound`] when there are none.
pub async fn read(app: &App, owner: Owner) -> Result<VersionedBilling, AppError> {
    app.store
        .billing(owner.expert())
        .await?
        .ok_or(AppError::NotFound("billing details; put the first with If-Match \"0\""))
}

/// Replaces the details that their owner saw in version `seen_version`; 0 when there were none. Receipts that were issued
/// keep theirs.
///
/// # Errors
/// [`AppError::VersionMismatch`] when they were changed since, [`AppError::NotFound`] when there is no profile yet.
pub async fn replace(
    app: &App,
    owner: Owner,
    seen_version: u64,
    details: BillingDetails,
) -> Result<VersionedBilling, AppError> {
    read_expert(app, owner.expert()).await?;
    let current = app.store.billing(owner.expert()).await?.map_or(0, |billing| billing.version);
    check_version(seen_version, current)?;
    let billing = VersionedBilling { version: current + 1, details };
    let mut transaction = Transaction::new();
    transaction.put_billing(owner.expert(), &billing)?;
    commit_edit(app, transaction, billing.version).await?;
    Ok(billing)
}
