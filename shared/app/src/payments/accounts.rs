//! Experts' accounts at payment gateways.

use domain::ExpertId;
use domain::experts::members::Right;
use domain::kernel::time::DAY;
use domain::payments::account::{self, PaymentAccount};
use domain::payments::gateway::GatewayKind;
use store::{CommitError, Transaction};

use crate::identity::Actor;
use crate::identity::signed_in::Scope;
use crate::payments::jobs::PaymentsJob;
use crate::payments::ports::{AccountState, OnboardingPage};
use crate::{App, AppError, Decision};

/// An account as the gateway reports it now.
fn to_account(state: AccountState, gateway: GatewayKind, version: u64, app: &App) -> PaymentAccount {
    PaymentAccount {
        gateway,
        account: state.id,
        version,
        charges_enabled: state.charges_enabled,
        payouts_enabled: state.payouts_enabled,
        requirements_due: state.requirements_due,
        disabled_reason: state.disabled_reason,
        read_at: app.now(),
    }
}

/// A transaction that stores a new account and schedules its payouts. From now on they are read every day, even if a webhook is
/// lost.
fn store_new_account(app: &App, expert: ExpertId, account: &PaymentAccount) -> Result<Transaction, AppError> {
    let mut transaction = Transaction::new();
    transaction.put_payment_account(expert, account)?;
    if app.gateways.get(account.gateway)?.payouts.is_some() {
        let tomorrow = app.now().plus(DAY);
        app.enqueue(&mut transaction, PaymentsJob::Payouts { expert, gateway: account.gateway }, tomorrow)?;
    }
    Ok(transaction)
}

/// Creates an expert's account at a gateway, if there is none, and returns the gateway's page on which the expert completes it.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not the expert, [`AppError::NotFound`] if the expert has no profile,
/// [`PaymentsError::Gateway`](crate::payments::error::PaymentsError::Gateway) if the gateway refuses or does not respond.
pub async fn start_onboarding(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    gateway: GatewayKind,
) -> Result<OnboardingPage, AppError> {
    actor.require_right(app, expert, Right::Account, Scope::Write).await?;
    crate::experts::profiles::read(app, expert).await?;
    let port = &app.gateways.get(gateway)?.accounts;
    let account = match app.store.payment_account(expert, gateway).await? {
        Some(account) => account,
        None => {
            let account = to_account(port.create_account(expert).await?, gateway, 1, app);
            match app.commit(store_new_account(app, expert, &account)?).await {
                // The same request ran concurrently. The gateway created one account for both.
                Ok(()) | Err(AppError::Commit(CommitError::VersionConflict(_))) => account,
                Err(failure) => return Err(failure),
            }
        }
    };
    let page = |end: &str| format!("{}/experts/{expert}/{gateway}/{end}", app.settings.public_base_url);
    Ok(port.onboarding_page(&account.account, &page("return"), &page("refresh")).await?)
}

/// The payment gateways that accept payments for an expert. Without one, session types with a price have no slots. Everybody
/// may read them.
///
/// # Errors
/// [`AppError::Read`] if the table cannot be read, or a row cannot be parsed.
pub async fn usable_gateways(app: &App, _: &Actor, expert: ExpertId) -> Result<Vec<GatewayKind>, AppError> {
    Ok(account::usable_gateways(&app.store.payment_accounts(expert).await?))
}

/// An expert's account, read from the gateway.
///
/// # Errors
/// [`AppError::Forbidden`] if the actor is not the expert, [`AppError::NotFound`] if onboarding was never started,
/// [`PaymentsError::Gateway`](crate::payments::error::PaymentsError::Gateway) if the gateway refuses or does not respond.
pub async fn read_account(
    app: &App,
    actor: &Actor,
    expert: ExpertId,
    gateway: GatewayKind,
) -> Result<PaymentAccount, AppError> {
    actor.require_right(app, expert, Right::Account, Scope::Read).await?;
    let none = AppError::NotCreated("there is no account at the payment gateway yet; start onboarding first");
    refresh(app, expert, gateway).await?.map(|account| account.after).ok_or(none)
}

/// An account that was read from the gateway again.
pub(crate) struct RefreshedAccount {
    /// As it was stored.
    pub before: PaymentAccount,
    /// As the gateway reports it now.
    pub after: PaymentAccount,
}

/// Reads an expert's account from the gateway and stores it if it has changed. `None` if the expert has no account there.
pub(crate) async fn refresh(
    app: &App,
    expert: ExpertId,
    gateway: GatewayKind,
) -> Result<Option<RefreshedAccount>, AppError> {
    // Each attempt reads the account again, so that an older state never replaces a newer one.
    app.transact("refresh_payment_account", || async {
        let Some(before) = app.store.payment_account(expert, gateway).await? else {
            return Ok(Decision::Unchanged(None));
        };
        let state = app.gateways.get(gateway)?.accounts.read_account(&before.account).await?;
        let after = to_account(state, gateway, before.version + 1, app);
        let same =
            PaymentAccount { version: before.version, read_at: before.read_at, ..after.clone() } == before;
        if same {
            return Ok(Decision::Unchanged(Some(RefreshedAccount { after: before.clone(), before })));
        }
        // The payouts stay scheduled as they are: they may be due now.
        let mut transaction = Transaction::new();
        transaction.put_payment_account(expert, &after)?;
        Ok(Decision::Commit(transaction, Some(RefreshedAccount { before, after })))
    })
    .await
}
