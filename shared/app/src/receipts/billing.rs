//! What an expert's receipts say of them.

use domain::ExpertId;
use domain::payments::gateway::GatewayKind;
use domain::receipts::billing::{BillingDetails, TaxChoice};
use store::{Transaction, VersionedBilling};

use crate::experts::profiles::{check_version, commit_edit, read as read_expert};
use crate::identity::people::Owner;
use crate::payments::ports::PaymentError;
use crate::receipts::error::ReceiptsError;
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

/// Replaces the details that their owner saw in version `if_match`; 0 when there were none. Receipts that were issued
/// keep theirs.
///
/// # Errors
/// [`AppError::VersionMismatch`] when they were changed since, [`AppError::NotFound`] when there is no profile yet,
/// [`ReceiptsError::TaxNotReady`] when Stripe Tax is switched on and not all is set up for it there.
pub async fn replace(
    app: &App,
    owner: Owner,
    if_match: u64,
    details: BillingDetails,
) -> Result<VersionedBilling, AppError> {
    read_expert(app, owner.expert()).await?;
    let before = app.store.billing(owner.expert()).await?;
    let current = before.as_ref().map_or(0, |billing| billing.version);
    check_version(if_match, current)?;
    let was_on = before.is_some_and(|billing| billing.details.tax == Some(TaxChoice::Stripe));
    if details.tax == Some(TaxChoice::Stripe) && !was_on {
        check_tax_service(app, owner.expert()).await?;
    }
    let billing = VersionedBilling { version: current + 1, details };
    let mut transaction = Transaction::new();
    transaction.put_billing(owner.expert(), &billing)?;
    commit_edit(app, transaction, billing.version).await?;
    Ok(billing)
}

/// Checks that Stripe can calculate taxes for an expert.
async fn check_tax_service(app: &App, expert: ExpertId) -> Result<(), AppError> {
    let not_ready = |text: String| Err(ReceiptsError::TaxNotReady(text).into());
    let Some(account) = app.store.payment_account(expert, GatewayKind::Stripe).await? else {
        return not_ready(
            "you have no Stripe account yet; complete Stripe's onboarding before you switch Stripe Tax on"
                .to_owned(),
        );
    };
    let missing = match app.gateways.get(GatewayKind::Stripe)?.tax_service() {
        Some(service) => service.missing(&account.account).await,
        None => Ok(vec!["tax_service".to_owned()]),
    };
    match missing {
        Ok(missing) if missing.is_empty() => Ok(()),
        Ok(missing) => not_ready(format!(
            "the tax settings of your Stripe account lack {}; complete them at Stripe (Tax, Settings) or in Stripe's onboarding, \
             and try again",
            missing.join(", ")
        )),
        Err(PaymentError::Refused { code, .. }) => not_ready(format!(
            "Stripe does not allow us to read the tax settings of your account ({code}); connect the account again"
        )),
        Err(failure) => Err(failure.into()),
    }
}
