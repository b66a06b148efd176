//! Billing details of experts, which their receipts show.

use domain::ExpertId;
use domain::experts::members::Right;
use domain::payments::gateway::GatewayKind;
use domain::receipts::billing::{BillingDetails, TaxChoice};
use store::{Transaction, VersionedBilling};

use crate::experts::profiles::read as read_expert;
use crate::identity::Actor;
use crate::identity::signed_in::Scope;
use crate::payments::ports::GatewayError;
use crate::receipts::error::ReceiptsError;
use crate::{App, AppError, Decision, IfMatch, check_version};

/// The billing details of an expert.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, [`AppError::NotFound`] if the expert has none.
pub async fn read(app: &App, actor: &Actor, expert: ExpertId) -> Result<VersionedBilling, AppError> {
    actor.require_right(app, expert, Right::Money, Scope::Read).await?;
    app.store
        .billing(expert)
        .await?
        .ok_or(AppError::NotCreated("there are no billing details yet; create them with If-Match \"0\""))
}

/// Creates or replaces the billing details of an expert. `if_match` is the version that the expert has read; 0 if there were
/// none. Issued receipts do not change.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor may not act for the expert, [`AppError::NotFound`] if the expert has no profile,
/// [`AppError::VersionMismatch`] if the billing details have another version, [`ReceiptsError::TaxNotReady`] if the details switch Stripe Tax on and Stripe cannot calculate taxes for the
/// expert yet.
pub async fn replace(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    if_match: IfMatch,
    details: BillingDetails,
) -> Result<VersionedBilling, AppError> {
    app.transact("replace_billing_details", || async {
        actor.require_right(app, expert, Right::Money, Scope::Write).await?;
        read_expert(app, expert).await?;
        let before = app.store.billing(expert).await?;
        let current = before.as_ref().map(|billing| billing.version);
        check_version(if_match, current)?;
        let was_on = before.is_some_and(|billing| billing.details.tax == Some(TaxChoice::Stripe));
        if details.tax == Some(TaxChoice::Stripe) && !was_on {
            check_tax_service(app, expert).await?;
        }
        let billing = VersionedBilling { version: current.unwrap_or(0) + 1, details: details.clone() };
        let mut transaction = Transaction::new();
        transaction.put_billing(expert, &billing)?;
        Ok(Decision::Commit(transaction, billing))
    })
    .await
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
    let missing = match app.gateways.get(GatewayKind::Stripe)?.tax_service.as_deref() {
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
        Err(GatewayError::Refused { code, .. }) => not_ready(format!(
            "Stripe does not allow us to read the tax settings of your account ({code}); connect the account again"
        )),
        Err(failure) => Err(failure.into()),
    }
}
