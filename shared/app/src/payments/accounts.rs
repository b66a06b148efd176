//! Experts' accounts at the payment gateways, and what the gateways tell us.

use domain::ExpertId;
use domain::kernel::time::DAY;
use domain::payments::account::PaymentAccount;
use domain::payments::gateway::Gateway;
use store::{CommitError, Effect, Transaction};

use crate::identity::people::Owner;
use crate::payments::ports::{AccountState, OnboardingPage};
use crate::{App, AppError};

fn known(state: AccountState, gateway: Gateway, version: u64, app: &App) -> PaymentAccount {
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

async fn put(app: &App, expert: ExpertId, account: &PaymentAccount) -> Result<(), AppError> {
    let mut transaction = Transaction::new();
    transaction.put_payment_account(expert, account)?;
    // From then on it is looked at every day, also when no message tells of it.
    if app.gateways.get(account.gateway)?.keeps_books() {
        let tomorrow = app.now().plus(DAY);
        app.owe(&mut transaction, Effect::Payouts(expert, account.gateway), tomorrow)?;
    }
    app.commit(transaction).await
}

/// Opens an expert's account at a gateway, unless there is one, and a page on which they tell the gateway who they are.
///
/// # Errors
/// [`AppError::Payment`] when the gateway does not do as asked.
pub async fn start_onboarding(app: &App, owner: Owner, gateway: Gateway) -> Result<OnboardingPage, AppError> {
    let expert = owner.expert();
    crate::experts::profiles::read(app, expert).await?;
    let port = app.gateways.get(gateway)?;
    let account = match app.store.payment_account(expert, gateway).await? {
        Some(account) => account,
        None => {
            let account = known(port.create_account(expert).await?, gateway, 1, app);
            match put(app, expert, &account).await {
                // The same request ran twice; the gateway made one account of it.
                Ok(()) | Err(AppError::Commit(CommitError::Moved(_))) => account,
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
/// [`AppError::NotFound`] when none was opened, [`AppError::Payment`] when the gateway does not answer.
pub async fn read_connection(app: &App, owner: Owner, gateway: Gateway) -> Result<PaymentAccount, AppError> {
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
    gateway: Gateway,
) -> Result<Option<Renewed>, AppError> {
    let mut tries = app.tries();
    loop {
        let Some(before) = app.store.payment_account(expert, gateway).await? else { return Ok(None) };
        let state = app.gateways.get(gateway)?.read_account(&before.account).await?;
        let now = known(state, gateway, before.version + 1, app);
        let same =
            PaymentAccount { version: before.version, read_at: before.read_at, ..now.clone() } == before;
        if same {
            return Ok(Some(Renewed { now: before.clone(), before }));
        }
        match put(app, expert, &now).await {
            Ok(()) => return Ok(Some(Renewed { before, now })),
            Err(failure) => tries.again(failure).await?,
        }
    }
}
