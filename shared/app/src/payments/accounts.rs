//! Experts' accounts at the payment gateways, and what the gateways tell us.

use domain::ExpertId;
use domain::kernel::time::DAY;
use domain::payments::account::PaymentAccount;
use domain::payments::gateway::GatewayKind;
use store::{CommitError, Job, Transaction};

use crate::identity::people::Owner;
use crate::payments::ports::{AccountState, OnboardingPage};
use crate::{App, AppError, Attempt};

fn known(state: AccountState, gateway: GatewayKind, version: u64, app: &App) -> PaymentAccount {
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

fn change(app: &App, expert: ExpertId, account: &PaymentAccount) -> Result<Transaction, AppError> {
    let mut transaction = Transaction::new();
    transaction.put_payment_account(expert, account)?;
    // From then on it is looked at every day, also when no message tells of it.
    if app.gateways.get(account.gateway)?.keeps_books() {
        let tomorrow = app.now().plus(DAY);
        app.enqueue(&mut transaction, Job::Payouts(expert, account.gateway), tomorrow)?;
    }
    Ok(transaction)
}

/// Opens an expert's account at a gateway, unless there is one, and a page on which they tell the gateway who they are.
///
/// # Errors
/// [`PaymentsError::Gateway`](crate::payments::error::PaymentsError::Gateway) when the gateway does not do as asked.
pub async fn start_onboarding(
    app: &App,
    owner: Owner,
    gateway: GatewayKind,
) -> Result<OnboardingPage, AppError> {
    let expert = owner.expert();
    crate::experts::profiles::read(app, expert).await?;
    let port = app.gateways.get(gateway)?;
    let account = match app.store.payment_account(expert, gateway).await? {
        Some(account) => account,
        None => {
            let account = known(port.create_account(expert).await?, gateway, 1, app);
            match app.commit(change(app, expert, &account)?).await {
                // The same request ran twice; the gateway made one account of it.
                Ok(()) | Err(AppError::Commit(CommitError::VersionConflict(_))) => account,
                Err(failure) => return Err(failure),
            }
        }
    };
    let page = |end: &str| format!("{}/experts/{expert}/{gateway}/{end}", app.settings.public_base_url);
    Ok(port.onboarding_page(&account.account, &page("return"), &page("refresh")).await?)
}

/// An expert's account as the gateway describes it now.
///
/// # Errors
/// [`AppError::NotFound`] when none was opened, [`PaymentsError::Gateway`](crate::payments::error::PaymentsError::Gateway) when the gateway does not answer.
pub async fn read_account(app: &App, owner: Owner, gateway: GatewayKind) -> Result<PaymentAccount, AppError> {
    let none = AppError::NotFound("account at the payment gateway; start onboarding first");
    refresh(app, owner.expert(), gateway).await?.map(|account| account.now).ok_or(none)
}

/// An account that was read again.
pub(crate) struct Renewed {
    /// As it was known.
    pub before: PaymentAccount,
    /// As the gateway describes it.
    pub now: PaymentAccount,
}

/// Reads an expert's account at a gateway again, and keeps what changed.
pub(crate) async fn refresh(
    app: &App,
    expert: ExpertId,
    gateway: GatewayKind,
) -> Result<Option<Renewed>, AppError> {
    // The gateway is asked in each attempt, so that an older description never replaces a newer one.
    app.transact("refresh_payment_account", || async {
        let Some(before) = app.store.payment_account(expert, gateway).await? else {
            return Ok(Attempt::Unchanged(None));
        };
        let state = app.gateways.get(gateway)?.read_account(&before.account).await?;
        let now = known(state, gateway, before.version + 1, app);
        let same =
            PaymentAccount { version: before.version, read_at: before.read_at, ..now.clone() } == before;
        if same {
            return Ok(Attempt::Unchanged(Some(Renewed { now: before.clone(), before })));
        }
        let transaction = change(app, expert, &now)?;
        Ok(Attempt::Commit(transaction, Some(Renewed { before, now })))
    })
    .await
}
